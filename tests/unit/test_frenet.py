"""Frenet: what its recordings do not reach, the question, and the secret in the address of a push."""

import json
from pathlib import Path

from rastro.access import Access, Account
from rastro.carriers.base import Pushed
from rastro.carriers.frenet import Frenet
from rastro.models import Snapshot, Status

RECORDINGS = Path(__file__).parents[1] / "recordings" / "frenet"


def test_it_is_asked_by_number_and_service() -> None:
    access = Access(account=Account(base_url="https://host", password="um-token"))
    request = Frenet().request_for(["number_and_service:QS000000014BR|03298"], access)
    assert (request.method, request.path) == ("POST", "/tracking/trackinginfo")
    assert request.headers["token"] == "um-token"
    assert request.json == {"ShippingServiceCode": "03298", "TrackingNumber": "QS000000014BR"}


def test_a_push_is_genuine_by_the_secret_in_its_address() -> None:
    push = Frenet.push
    assert push is not None
    account = Account(base_url="https://host", extra={"push_secret": "só-nós-sabemos"})
    assert push.is_genuine(Pushed(headers={}, body=b"", params={"secret": "só-nós-sabemos"}), account)
    assert not push.is_genuine(Pushed(headers={}, body=b"", params={"secret": "chute"}), account)
    assert not push.is_genuine(Pushed(headers={}, body=b""), account)
    assert not push.is_genuine(Pushed(headers={}, body=b"", params={"secret": ""}), Account(base_url="https://host"))


def test_a_push_tells_what_is_new_and_names_number_and_order() -> None:
    push = Frenet.push
    assert push is not None
    (part,) = push.parts((RECORDINGS / "push_delivered.json").read_bytes())
    assert part.references == ("QS000000014BR", "order_id:7705")
    meant = Frenet().parse(part.raw, part.references[0])
    asked = Frenet().parse((RECORDINGS / "delivered.json").read_bytes(), "QS000000014BR")
    assert isinstance(meant, Snapshot)
    assert isinstance(asked, Snapshot)
    assert (meant.whole, asked.whole) == (False, True)
    assert meant.events[-1].key == asked.events[-1].key, "the push and the answer call one event the same"


def test_every_type_of_the_table_is_known() -> None:
    assert len(Frenet.statuses) == 8
    assert Status.UNKNOWN not in Frenet.statuses.values()


def test_a_single_notice_is_handed_on_as_it_came() -> None:
    push = Frenet.push
    assert push is not None
    notice = json.loads((RECORDINGS / "push_delivered.json").read_bytes())
    body = b"\xef\xbb\xbf " + json.dumps([notice, notice]).encode()
    assert [json.loads(part.raw) for part in push.parts(body)] == [notice, notice]
