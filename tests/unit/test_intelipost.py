"""Intelipost: what its recordings do not reach, the question, who may push, and two volumes that arrive in turn."""

import base64
import json
from pathlib import Path

import pytest

from rastro.access import Access, Account
from rastro.carriers.base import Pushed
from rastro.carriers.intelipost import Intelipost
from rastro.http import Response
from rastro.models import Proof, Snapshot, Standing, Status

ACCOUNT = Account(base_url="https://host", password="uma-chave")
RECORDINGS = Path(__file__).parents[1] / "recordings" / "intelipost"


def test_an_order_number_is_one_segment_of_the_path() -> None:
    request = Intelipost().request_for(["order_id:LOJA/7705-01"], Access(account=ACCOUNT))
    assert (request.method, request.path) == ("GET", "/shipment_order/LOJA%2F7705-01")
    assert request.headers["api-key"] == "uma-chave"


def basic(user: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "genuine"),
    [
        ({"api-key": "uma-chave"}, True),
        (basic("uma-chave"), True),
        ({"api-key": "chute"}, False),
        (basic("chute"), False),
        ({"authorization": "Basic ÿ"}, False),
        ({"authorization": "Bearer uma-chave"}, False),
        ({}, False),
    ],
)
def test_a_push_shows_the_key(headers: dict[str, str], *, genuine: bool) -> None:
    push = Intelipost.push
    assert push is not None
    assert push.is_genuine(Pushed(headers=headers, body=b""), ACCOUNT) is genuine
    assert not push.is_genuine(Pushed(headers=headers, body=b""), Account(base_url="https://host"))
    other = Account(base_url="https://host", password="uma-chave", extra={"push_secret": "outra"})
    assert not push.is_genuine(Pushed(headers=headers, body=b""), other)


def test_a_push_names_order_and_code_and_calls_its_line_as_the_answer_does() -> None:
    push = Intelipost.push
    assert push is not None
    (part,) = push.parts((RECORDINGS / "push_delivered.json").read_bytes())
    assert part.references == ("order_id:LOJA-7705", "order_id:PE-7705", "ITP0000000421")
    pushed = Intelipost().parse(part.raw, part.references[0])
    assert isinstance(pushed, Snapshot)
    assert not pushed.whole
    assert pushed.events[0].key == told("delivered")[-1].key


def test_what_was_told_of_one_volume_is_not_told_otherwise_when_the_other_arrives() -> None:
    before, after = told("one_volume_of_two_delivered"), told("both_volumes_delivered")
    later = {event.key: event.standing for event in after}
    assert [event for event in before if event.key in later and later[event.key] is not event.standing] == []


def told(case: str) -> tuple:
    body = (RECORDINGS / f"{case}.json").read_bytes()
    ((reference, raw),) = Intelipost().split(Response(status=200, body=body), ["order_id:LOJA-7705"])
    meant = Intelipost().parse(raw, reference)
    assert isinstance(meant, Snapshot)
    return meant.events


def test_what_differs_from_answer_to_answer_is_left_out() -> None:
    body = (RECORDINGS / "delivered.json").read_bytes()
    again = body.replace(b"38.11 ms", b"40.02 ms")
    assert body != again
    one, other = (dict(Intelipost().split(Response(status=200, body=raw), ["order_id:X"])) for raw in (body, again))
    assert one == other


def test_what_went_to_the_sender_is_no_delivery() -> None:
    line = {
        "shipment_order_volume_state": "DELIVERED",
        "event_date": 1789500000000,
        "shipment_volume_micro_state": {"id": 90, "name": "ENTREGUE AO REMETENTE"},
    }
    volume = {
        "shipment_order_volume_number": "1",
        "shipment_order_volume_state": "DELIVERED",
        "delivered_date": 1789500000000,
        "shipment_order_volume_state_history_array": [line],
    }
    meant = Intelipost().parse(json.dumps({"shipment_order_volume_array": [volume]}).encode(), "order_id:LOJA-7705")
    assert isinstance(meant, Snapshot)
    assert [event.status for event in meant.events] == [Status.RETURNED]


def test_a_push_about_the_receipt_alone_moves_nothing_and_shows_it() -> None:
    push = {
        "order_number": "LOJA-7705",
        "volume_number": "1",
        "history": {
            "shipment_order_volume_state": "DELIVERED",
            "event_date": 1788700000000,
            "shipment_volume_micro_state": {"id": 15, "name": "COMPROVANTE DE ENTREGA DISPONÍVEL"},
            "attachments": [{"type": "POD", "url": "https://pod.example/42.jpg"}],
        },
    }
    meant = Intelipost().parse(json.dumps(push).encode(), "order_id:LOJA-7705")
    assert isinstance(meant, Snapshot)
    assert meant.events[0].standing is Standing.INFORMATIVE
    assert meant.proof == Proof(picture="https://pod.example/42.jpg")
