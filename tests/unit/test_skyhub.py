"""Which orders Americanas carries itself, and how a delivery's date is written."""

from datetime import UTC, datetime

import pytest

from rastro.access import Account
from rastro.errors import Misconfigured
from rastro.marketplaces.skyhub import MARKETPLACE, OfOrder, Order, news, reading
from rastro.models import Status
from rastro.receivers import Message, Reading

MESSAGE = Message(
    key="notice_1", order_id="1", invoice_number="1", tracking_number="QB123456785BR", courier="Correios",
    tracking_url="", status=Status.DELIVERED, history=(), delivered_at=datetime(2026, 11, 21, 1, 30, tzinfo=UTC),
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        (None, True),
        ("", True),
        ("table", True),
        ("b2wentregadirect", False),
        ("B2W Entrega Correios", False),
        ("Americanas Entrega", False),
        ("direct", False),
    ],
)
def test_what_americanas_carries_itself_is_told_by_the_kind_of_its_freight(kind: str | None, *, ours: bool) -> None:
    order = Order(status=OfOrder(type="SHIPPED"), calculation_type=kind)
    assert reading(order, MESSAGE).reading is (Reading.OWED if ours else Reading.CLOSED)


@pytest.mark.parametrize(("dates", "written"), [("dd/mm/yyyy", "20/11/2026"), ("iso", "2026-11-20T22:30:00-03:00")])
def test_the_day_of_a_delivery_is_brasilias_in_either_form(dates: str, written: str) -> None:
    assert news(MESSAGE, dates=dates) == ("delivery", {"status": "complete", "delivered_date": written})


def test_a_form_of_dates_that_is_none_is_refused() -> None:
    extra = {"accountmanager_api_key": "chave", "dates": "mm/dd"}
    account = Account(base_url="https://api.skyhub.com.br", login="loja@exemplo.example", password="chave", extra=extra)
    with pytest.raises(Misconfigured, match="dates"):
        MARKETPLACE.build(account, None)  # type: ignore[arg-type]
