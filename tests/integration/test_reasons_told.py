"""Why a delivery failed, as the customer is told it."""

from datetime import UTC, datetime, timedelta
from email import message_from_string, policy

import psycopg
import pytest

from rastro.models import Status
from rastro.reasons import Reason
from rastro.warehouse import tracking_links

pytestmark = pytest.mark.slow

PAGE = "https://rastro.loja.example"


def test_a_failed_attempts_reason_is_told_in_our_words_and_not_in_the_carriers(shop):
    shop.configure(tracking_page=PAGE)
    shop.rows("second_attempt")
    shop.hour()
    while not (failed := [mail for mail in shop.simulator.mails() if ".delivery_failed@" in mail["message_id"]]):
        assert shop.advance()
        assert shop.hour().failures == {}
    message = message_from_string(failed[0]["raw"], policy=policy.default)
    text = message.get_body(["plain"]).get_content()
    assert "Ninguém foi encontrado para receber." in text
    assert "não atendido" not in text
    token = text.split(f"{PAGE}/r/")[1].split()[0]
    with psycopg.connect(shop.warehouse) as conn:
        order = tracking_links.follow(conn, token, datetime.now(UTC), timedelta(days=90))
    assert order
    (parcel,) = order.parcels
    assert (parcel.status, parcel.reason) == (Status.DELIVERY_FAILED, Reason.ABSENT)
