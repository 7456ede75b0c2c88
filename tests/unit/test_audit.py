"""What counts as writing an order twice when answers were lost on the way, and as an alert too many or too few."""

from datetime import UTC, datetime
from typing import Any

import pytest

from stack.audit import WRITE, Evidence, alerts, kind_of, mails, repeats

PATH = "/vtex/loja/api/oms/pvt/orders/1-01/invoice/77/tracking"


@pytest.mark.parametrize(
    ("answers", "twice"),
    [
        ([(200, True)], False),
        ([(200, True), (200, True)], True),
        ([(0, False), (200, True)], False),  # cut before it acted
        ([(0, True), (200, True)], True),  # acted, answer lost, written again
        ([(0, True), (0, False), (200, True)], True),
        ([(200, False), (200, True)], False),  # some page in place of an answer
        ([(500, True), (200, True)], False),
    ],
)
def test_only_a_write_that_acted_can_be_a_repeat(answers: list[tuple[int, bool]], *, twice: bool) -> None:
    requests = [
        {"method": "PUT", "path": PATH, "body": "{}", "status": status, "acted": acted} for status, acted in answers
    ]
    writes = [(match, one) for one in requests if (match := WRITE.match(one["path"]))]
    assert len(writes) == len(answers)
    assert bool(repeats(writes)) is twice


PEOPLE = "expedicao@loja.example"


def parcel(number: str, *statuses: str, follow: bool = True) -> dict[str, Any]:
    return {
        "tracking_number": number, "statuses": statuses, "follow": follow, "source": "vtex:loja", "email": "",
        "order_id": "1-01",
    }  # fmt: skip


def alert(*numbers: str, to: str = PEOPLE, notice: int = 7) -> dict[str, Any]:
    text = "".join(f"C=C3=B3digo: {number}\r\nLink: https://x.example/?n=3D{number}\r\n" for number in numbers)
    head = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return {
        "message_id": f"<rastro.{notice}.alert@loja.example>", "rcpt_tos": [to], "subject": "Pedido 1-01: extraviado",
        "raw": head + text,
    }  # fmt: skip


LOST = parcel("QQ1", "in_transit", "lost")
TWICE = parcel("QQ2", "in_transit", "delivered", "in_transit", "returned")
QUIET = parcel("QQ3", "in_transit", "delivered")


@pytest.mark.parametrize(
    ("parcels", "sent", "holds"),
    [
        ([LOST, QUIET], [alert("QQ1")], True),
        ([LOST, TWICE], [alert("QQ1", "QQ2"), alert("QQ2")], True),
        ([LOST], [], False),
        ([LOST], [alert("QQ1"), alert("QQ1")], False),
        ([TWICE], [alert("QQ2")], False),
        ([LOST, QUIET], [alert("QQ1", "QQ3")], False),
        ([parcel("QQ1", "lost", follow=False)], [], True),
        ([LOST], [alert("QQ1", to="ana@cliente.example")], False),
    ],
)
@pytest.mark.parametrize("alert_to", [PEOPLE, ""])
def test_every_alert_is_sent_once_to_the_shop_or_none_when_it_wants_none(
    parcels: list[dict[str, Any]], sent: list[dict[str, Any]], alert_to: str, *, holds: bool
) -> None:
    evidence = Evidence(
        parcels=parcels, orders=[], requests=[], mails=sent, warehouse="", since=datetime(2026, 11, 20, tzinfo=UTC),
        alert_to=alert_to,
    )  # fmt: skip
    expected = holds if alert_to else not sent
    assert all(finding.holds for finding in alerts(evidence)) is expected


def test_an_alert_is_no_mail_to_a_customer() -> None:
    evidence = Evidence(
        parcels=[LOST], orders=[], requests=[], mails=[alert("QQ1")], warehouse="",
        since=datetime(2026, 11, 20, tzinfo=UTC),
    )  # fmt: skip
    assert kind_of(alert("QQ1")) == "alert"
    assert all(finding.holds for finding in mails(evidence))
