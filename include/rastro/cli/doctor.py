"""``rastro doctor``: everything that Rastro works with, a line for each thing."""

import argparse
import os
import sys

from rastro.cli.command import complain
from rastro.cli.serving import secrets
from rastro.errors import Misconfigured
from rastro.pipeline.probe import Check, Finding, all_of, clock, judged


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only", metavar="NAME", help="one line of it, or all of an adapter or connection: mail, correios, shop_main"
    )


def doctor(chosen: argparse.Namespace) -> int:
    """
    Nothing is written anywhere, and nobody is mailed.

    :returns: 1 if anything is wrong.
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # so that Airflow's hooks find connections as it does
    try:
        from rastro.orchestration.doctor import Doctor  # noqa: PLC0415  likewise rastro serve
    except ModuleNotFoundError as error:
        raise Misconfigured(f"rastro doctor needs Airflow, for its connections; here is no {error.name}") from error

    try:
        checks = [*Doctor().checks(), Check(name="serve", look=secrets)]
    except Misconfigured as error:
        show("settings", judged(error), len("settings"))
        return complain("nothing else can be looked at before the settings make sense")
    wanted = [check for check in checks if chosen.only in {None, check.name, *check.name.split(":")}]
    if not wanted:
        names = ", ".join(check.name for check in checks)
        return complain(f"there is nothing called {chosen.only}; there are {names}", code=2)
    width = max(len(check.name) for check in wanted)
    print(f"Looking at {len(wanted)} things …", file=sys.stderr, flush=True)
    findings = []
    for check, finding in all_of(wanted):
        show(check.name, finding, width)
        findings.append(finding)
    if not chosen.only:
        findings.append(clock([one.ahead for one in findings if one.ahead is not None]))
        show("clock", findings[-1], width)
    return int(any(one.is_wrong for one in findings))


def show(name: str, finding: Finding, width: int) -> None:
    print(f"{name:{width}}  {finding.state:5}  {finding.said}", flush=True)
