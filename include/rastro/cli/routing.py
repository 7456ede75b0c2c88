"""``rastro route``: which carrier a parcel goes to, by which sign, and what the order must have for it to be asked."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rastro.carriers.base import Carrier
from rastro.carriers.described import described
from rastro.carriers.registry import CARRIERS
from rastro.cli.command import complain
from rastro.models import Shipment
from rastro.numbers import split_numbers
from rastro.references import FIELDS, reference_of
from rastro.routing import Routed, Router, Signs
from rastro.setting_values import couriers


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("courier", metavar="COURIER", help="the courier as it stands on the order; '' for none")
    parser.add_argument("number", metavar="NUMBER", nargs="?", default="", help="the tracking number, as it was typed")
    parser.add_argument("--link", metavar="URL", default="", help="the tracking link on the order")
    parser.add_argument(
        "--connected",
        metavar="A,B",
        help="the carriers that have a connection, in the order of the setting carriers; without it all have one",
    )
    parser.add_argument(
        "--map", metavar="COURIER=CARRIER", action="append", default=[], help="a line of the setting couriers"
    )
    parser.add_argument(
        "--carrier-files",
        metavar="FOLDER",
        type=Path,
        help="the shop's own descriptions, as in the setting carrier_files",
    )


def route(chosen: argparse.Namespace) -> int:
    """Prints the choice for each number in NUMBER."""
    carriers = {**CARRIERS, **described(chosen.carrier_files)}
    connected = list_of(chosen.connected) if chosen.connected is not None else tuple(carriers)
    unknown = [code for code in connected if code not in carriers]
    if unknown:
        return complain(f"there is no carrier {unknown[0]!r}; known are: {', '.join(carriers)}", code=2)
    try:
        table: Mapping[str, str] = couriers(",".join(chosen.map))
    except ValueError as error:
        return complain(f"--map: {error}", code=2)
    router = Router(
        claims={code: carrier.claims for code, carrier in carriers.items()}, connected=connected, couriers=table
    )
    answers = []
    for number in split_numbers(chosen.number) or ("",):
        routed = router.route(Signs(courier=chosen.courier, number=number, url=chosen.link))
        answers.append("\n".join(told(number, routed, carriers.get(routed.carrier or ""))))
    print("\n\n".join(answers))
    return 0


def list_of(codes: str) -> Sequence[str]:
    return tuple(filter(None, (code.strip() for code in codes.split(","))))


def told(number: str, routed: Routed, carrier: Carrier | None) -> Iterator[str]:
    yield f"number   {number or '(none)'}"
    yield f"carrier  {routed.carrier or 'nobody'}"
    yield f"why      {routed.why}"
    yield "signs, in the order in which they are believed"
    for said in routed.looked_at:
        yield f"  {said}"
    if carrier is None:
        return
    yield "asked by the first of these that the order has"
    for kind in carrier.references:
        yield f"  {kind}: needs {' and '.join(field.replace('_', ' ') for field in FIELDS[kind])}"
    asked = reference_of(
        Shipment(account="", order_id="", invoice_number="", tracking_number=number), carrier.references
    )
    if asked and (doubt := carrier.doubt_about(asked)):
        yield f"doubt    {doubt}"
