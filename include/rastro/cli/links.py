"""The command that ends links to an order's tracking page."""

import argparse
from datetime import UTC, datetime

from rastro.cli.command import complain
from rastro.cli.warehouse import arguments, connected
from rastro.warehouse import tracking_links


def revoke_arguments(parser: argparse.ArgumentParser) -> None:
    arguments(parser)
    parser.add_argument("order_id", metavar="ORDER_ID")


def revoke(chosen: argparse.Namespace) -> int:
    with connected(chosen) as conn:
        ended = tracking_links.revoke(conn, chosen.order_id.strip(), datetime.now(UTC))
        conn.commit()
    if not ended:
        return complain(f"no link leads to the order {chosen.order_id}")
    print(f"{ended} links to the order {chosen.order_id} are ended. The next mail about it has a new one.")
    return 0
