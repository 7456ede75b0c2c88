"""The command that serves the public: carriers' pushes, VTEX's tracking hub, and tracking pages of orders."""

import argparse
import logging
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rastro.carriers.described import described
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured, Transient
from rastro.pipeline.probe import Finding, State
from rastro.settings import Settings
from rastro.warehouse.connect import opened_promptly
from rastro.warehouse.health import current

if TYPE_CHECKING:
    from rastro.web.tracking_page import Shown


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8090, help="port to listen at, 0 for a free one (%(default)s)")
    parser.add_argument(
        "--proxy",
        default="127.0.0.1",
        metavar="ADDRESSES",
        help="proxies that are believed about who asks, comma separated, or * (default: %(default)s)",
    )


def serve(chosen: argparse.Namespace) -> int:
    try:
        from rastro.orchestration.serving import Serving  # noqa: PLC0415  only this command needs Airflow's connections
    except ModuleNotFoundError as error:
        raise Misconfigured(f"rastro serve needs Airflow, for its connections; here is no {error.name}") from error
    from rastro.web.app import service  # noqa: PLC0415  only this command serves anything
    from rastro.web.pushes import sources_of  # noqa: PLC0415
    from rastro.web.server import listening, server_of  # noqa: PLC0415

    held = Serving.read()
    sources, unverified = sources_of(CARRIERS, held.accounts)
    shown = pages_of(held.settings) if held.settings.tracking_page else None
    connect = partial(opened_promptly, held.conninfo)
    remarks = [*unverified, *unserved(sources, held.settings), *doubts_about_the_warehouse(held.conninfo)]
    taken = listening(chosen.host, chosen.port)
    host, port = taken.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    paths = ["/health", *(f"/push/{code}" for code in sources), *(["/tracking"] if held.settings.hub_key else [])]
    paths += ["/r/"] if shown else []
    print(f"Rastro is at {address}: {', '.join(paths)}", flush=True)
    for remark in remarks:
        print(f"rastro: {remark}", file=sys.stderr, flush=True)
    write_logs()
    app = service(connect=connect, sources=sources, hub_key=held.settings.hub_key, shown=shown)
    server_of(app, chosen.proxy).run(sockets=[taken])
    return 0


def unserved(sources: Mapping[str, object], settings: Settings) -> list[str]:
    """Sentences about what there is not, since nobody has set it up."""
    return [
        *([] if sources else ["no carrier's pushes are taken"]),
        *([] if settings.hub_key else ["/tracking is not answered: the setting hub_key is empty"]),
        *([] if settings.tracking_page else ["there are no tracking pages: the setting tracking_page is empty"]),
    ]


def secrets() -> Finding:
    """
    Whether ``rastro serve`` has what it verifies others by.

    :raises Misconfigured: it could not start.
    """
    from rastro.orchestration.serving import Serving  # noqa: PLC0415  as above
    from rastro.web.pushes import sources_of  # noqa: PLC0415  as above

    held = Serving.read()
    sources, unverified = sources_of(CARRIERS, held.accounts)
    if held.settings.tracking_page:
        pages_of(held.settings)
    said = "; ".join([*unverified, *unserved(sources, held.settings)]) or "It has all that it can use"
    return Finding(state=State.LOOK if unverified else State.OK, said=said)


def pages_of(settings: Settings) -> "Shown":
    """
    :raises Misconfigured: the shop has no name.
    """
    from rastro.web.tracking_page import Shown  # noqa: PLC0415  likewise

    if not settings.shop_name:
        raise Misconfigured(
            "shop_name in [rastro] is empty: tracking pages need the name that customers know the shop by"
        )
    known = {**CARRIERS, **described(Path(settings.carrier_files) if settings.carrier_files else None)}
    return Shown(
        shop_name=settings.shop_name,
        shop_logo=settings.shop_logo,
        shop_colour=settings.shop_colour,
        help_url=settings.help_url,
        mail_language=settings.mail_language,
        tracking_link_for=settings.tracking_link_for,
        tracking_origins=settings.tracking_origins,
        carrier_names={code: carrier.name for code, carrier in known.items()},
        carrier_pages={code: carrier.page_about for code, carrier in known.items()},
    )


def doubts_about_the_warehouse(conninfo: str) -> list[str]:
    """
    Why nothing could be kept now, if it is so. That does not keep the service from starting.

    :raises Misconfigured: nothing will ever be kept like this.
    """
    try:
        with opened_promptly(conninfo) as conn:
            current(conn)
    except Transient as error:
        return [f"{error}; until it can be, senders are told to come again"]
    return []


def write_logs() -> None:
    lines = logging.StreamHandler()
    lines.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("rastro.web")
    log.setLevel(logging.INFO)
    log.addHandler(lines)
    log.propagate = False
