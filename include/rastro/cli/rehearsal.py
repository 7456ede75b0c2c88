"""What a dry run would have sent, read at a terminal."""

import argparse

from rastro.cli import warehouse
from rastro.cli.command import complain, print_table
from rastro.mail.render import legible
from rastro.models import Channel
from rastro.warehouse import rehearsals
from rastro.wording import in_line

MOST = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    warehouse.arguments(parser)
    parser.add_argument("run_id", metavar="RUN_ID", nargs="?", help="the dry run; nothing: the newest one")
    parser.add_argument("--channel", choices=list(Channel), help="print the messages of one channel, mails with text")
    parser.add_argument("--most", type=int, default=MOST, help=f"how many messages to print (default {MOST})")


def rehearsal(chosen: argparse.Namespace) -> int:
    with warehouse.connected(chosen) as conn:
        run_id = chosen.run_id or rehearsals.last_run(conn)
        counts = rehearsals.counts(conn, run_id)
        if chosen.channel:
            counts = [one for one in counts if one[0] == chosen.channel]
        if not counts and rehearsals.has_rehearsed(conn, run_id):
            print(f"Dry run {run_id} found nothing to send{f' by {chosen.channel}' if chosen.channel else ''}.")
            return 0
        if not counts:
            return complain(
                f"no dry run {run_id or 'yet'}: trigger track_deliveries with dry_run, or name one that was"
            )
        if not chosen.channel:
            print(f"Dry run {run_id}; nothing of it was sent.")
            print_table(
                ("channel", "verdict", "messages"), [(channel, verdict, f"{n:,}") for channel, verdict, n in counts]
            )
            return 0
        for one in rehearsals.messages(conn, run_id, chosen.channel, chosen.most):
            why = f": {one.reason}" if one.reason else ""
            print(in_line(f"{one.verdict}  order {one.order_id}  {one.kind} to {one.recipient or one.target}{why}"))
            if one.subject:
                print(f"\n    {one.subject}\n")
                print("\n".join(f"    {line}".rstrip() for line in legible(one.text).splitlines()), end="\n\n")
    return 0
