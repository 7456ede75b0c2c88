"""``python -m simulator``: serve until SIGTERM."""

import argparse
import asyncio
from pathlib import Path

from simulator.serving import Options, serve


def options(arguments: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="VTEX, Correios and others on localhost.")
    parser.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="SMTP port; 0 takes a free one")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the world is kept over a restart")
    parser.add_argument("--log", type=Path, metavar="FILE", help="requests received, JSON lines, appended")
    parser.add_argument("--mail-log", type=Path, metavar="FILE", help="mails received, JSON lines, appended")
    parser.add_argument("--ready", type=Path, metavar="FILE", help="written when it serves: url, smtp_port, pid")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same world")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    asyncio.run(serve(options()))
