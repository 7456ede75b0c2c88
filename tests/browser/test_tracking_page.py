"""The tracking page as its readers have it: in every status and language, by day and by night, on a telephone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from contract.test_tracking_hub import ACCOUNT, ship
from contract.test_tracking_page import PAGE, SHOWN
from rastro.languages import Language
from rastro.models import Event, Pickup, Status
from rastro.warehouse import tracking_links
from webserver import Service, serving

pytestmark = pytest.mark.slow

TELEPHONE = {"width": 360, "height": 740}
POSTED = datetime.now(UTC) - timedelta(days=4)
WAITS_AT = Pickup(place="Agência Central", address="Rua das Flores, 10, Morro Azul/PE", deadline=date(2030, 12, 4))


@pytest.fixture
def web(warehouse) -> Iterator[Service]:
    with serving(warehouse.dsn, shown=replace(SHOWN, shop_logo="")) as service:
        yield service


def sent(conn: Any, *last: Status) -> str:
    """The path of a link to an order whose parcels have come so far."""
    for place, status in enumerate(last):
        steps = [Status.INFO_RECEIVED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, status]
        events = [
            Event(
                key=str(hours), occurred_at=POSTED + timedelta(hours=20 * hours), status=step, code=step,
                description="", city="Vila Serena", state="MG",
            )
            for hours, step in enumerate(steps)
        ]  # fmt: skip
        ship(
            conn, f"QQ{place:09}BR", *(events if status is not Status.UNKNOWN else ()), city_to="Morro Azul",
            state_to="PE", invoiced_at=POSTED, pickup=WAITS_AT if status is Status.READY_FOR_PICKUP else None,
            promised_at=datetime.now(UTC) + timedelta(days=3), courier="Correios",
        )  # fmt: skip
    link = tracking_links.give_out(conn, ACCOUNT, "O-1", PAGE, datetime.now(UTC))
    conn.commit()
    return link.removeprefix(PAGE)


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.EXPIRED])
def test_a_page_is_read_by_everybody(warehouse, web: Service, page: Any, tmp_path: Path, status: Status) -> None:
    path = sent(warehouse.connection, status)
    page.set_viewport_size(TELEPHONE)
    for language in Language:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{web.url}{path}?l={language}")
            found = Axe().run(page)
            assert not found.response["violations"], found.generate_report()
            assert page.locator("h1").count() == 1
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= TELEPHONE["width"], "it scrolls sideways"
        page.screenshot(path=tmp_path / f"{language}.png", full_page=True)


def test_an_order_of_several_parcels_is_read_by_everybody(warehouse, web: Service, page: Any) -> None:
    path = sent(warehouse.connection, Status.DELIVERED, Status.READY_FOR_PICKUP)
    page.goto(f"{web.url}{path}")
    assert page.locator("h1").inner_text() == "1 de 2 volumes entregues"
    assert page.locator("section").count() == 2
    assert not Axe().run(page).response["violations"]
    page.get_by_role("link", name="English").click()
    assert page.locator("h1").inner_text() == "1 of 2 packages delivered"


def test_the_style_is_taken_and_nothing_else_is_run(warehouse, web: Service, page: Any) -> None:
    """The policy lets our own sheet through: its digest is that of what the page holds."""
    page.goto(f"{web.url}{sent(warehouse.connection, Status.IN_TRANSIT)}")
    assert page.locator("header").evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(122, 31, 78)"
    page.goto(f"{web.url}/r/nothing")
    assert page.locator("h1").inner_text() == "This link is no longer good", "the browser's language"
