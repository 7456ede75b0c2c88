"""AfterShip: what its recordings do not reach, the conversation that registers, and its webhook's signature."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from rastro.access import Access, Account
from rastro.carriers.aftership import AfterShip
from rastro.carriers.base import Answered, Pushed
from rastro.errors import Permanent, RateLimited, Rejected, Transient
from rastro.http import Response
from rastro.models import Refusal, RefusalReason, Snapshot, Status

from .dialogue import converse

AFTERSHIP = AfterShip()
ACCESS = Access(account=Account(base_url="https://host", password="uma-chave", extra={"push_secret": "um-segredo"}))


def checkpoint(at: str, subtag: str) -> dict[str, Any]:
    return {"checkpoint_time": at, "tag": subtag.partition("_")[0], "subtag": subtag}


def moving(number: str, **more: Any) -> dict[str, Any]:
    told = [checkpoint("2026-09-02T18:40:11", "InTransit_001")]
    return {"tracking_number": number, "tag": "InTransit", "checkpoints": told, **more}


def found(*trackings: dict[str, Any]) -> Response:
    return Response(status=200, body=json.dumps({"meta": {"code": 200}, "data": {"trackings": trackings}}).encode())


def taken(number: str, **more: Any) -> Response:
    tracking = {"tracking_number": number, "tag": "Pending", "checkpoints": [], **more}
    return Response(status=201, body=json.dumps({"meta": {"code": 201}, "data": tracking}).encode())


def refused(status: int, code: int, message: str = "no", **headers: str) -> Response:
    return Response(
        status=status, body=json.dumps({"meta": {"code": code, "message": message}}).encode(), headers=headers
    )


def meaning(said: Answered, number: str) -> Snapshot | Refusal:
    return AFTERSHIP.parse(said.parts[number], number)


def test_what_is_known_takes_one_call() -> None:
    requests, said = converse(AFTERSHIP.ask(["AAAA1", "AAAA2"], ACCESS), found(moving("AAAA2"), moving("AAAA1")))
    (request,) = requests
    assert (request.method, request.path, request.params) == (
        "GET", "/trackings", (("tracking_numbers", "AAAA1,AAAA2"),),
    )  # fmt: skip
    assert request.headers == {"as-api-key": "uma-chave"}
    assert set(said.parts) == {"AAAA1", "AAAA2"}
    assert said.trouble is None


def test_what_is_unknown_is_registered_one_by_one_in_the_same_conversation() -> None:
    asking = AFTERSHIP.ask(["AAAA1", "AAAA2", "AAAA3"], ACCESS)
    requests, said = converse(asking, found(moving("AAAA1")), taken("AAAA2"), refused(400, 4003))
    assert [(one.method, one.json) for one in requests[1:]] == [
        ("POST", {"tracking_number": "AAAA2"}),
        ("POST", {"tracking_number": "AAAA3"}),
    ]
    assert isinstance(meaning(said, "AAAA1"), Snapshot)
    for number in ("AAAA2", "AAAA3"):
        refusal = meaning(said, number)
        assert isinstance(refusal, Refusal)
        assert (refusal.reason, refusal.code) == (RefusalReason.NOT_FOUND, "registered")


def test_a_registered_number_gives_the_same_bytes_until_there_are_data() -> None:
    _, first = converse(AFTERSHIP.ask(["AAAA1"], ACCESS), found(), taken("AAAA1", updated_at="1"))
    _, again = converse(AFTERSHIP.ask(["AAAA1"], ACCESS), found(), refused(400, 4003))
    pending = {"tracking_number": "AAAA1", "tag": "Pending", "subtag": "Pending_006", "checkpoints": []}
    _, later = converse(AFTERSHIP.ask(["AAAA1"], ACCESS), found(pending))
    assert first.parts == again.parts == later.parts


def test_a_number_that_is_known_well_is_read_from_its_registration() -> None:
    more = {key: value for key, value in moving("AAAA1").items() if key != "tracking_number"}
    _, said = converse(AFTERSHIP.ask(["AAAA1"], ACCESS), found(), taken("AAAA1", **more))
    assert isinstance(meaning(said, "AAAA1"), Snapshot)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(4005, RefusalReason.MALFORMED), (4017, RefusalReason.MALFORMED), (4012, RefusalReason.NOT_FOUND)],
)
def test_what_aftership_will_not_follow_is_refused_and_the_others_go_on(code: int, reason: RefusalReason) -> None:
    asking = AFTERSHIP.ask(["AAAA1", "AAAA2"], ACCESS)
    _, said = converse(asking, found(), refused(400, code, "carrier not recognised"), taken("AAAA2"))
    refusal = meaning(said, "AAAA1")
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.code, refusal.message) == (reason, str(code), "carrier not recognised")
    assert "AAAA2" in said.parts


@pytest.mark.parametrize(
    ("response", "error", "says"),
    [
        (
            refused(429, 429, "slow down", **{"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"}),
            RateLimited,
            "slow down, 0 of 20 calls left",
        ),
        (refused(402, 402, "upgrade"), Permanent, "takes no more shipments .402, 402, upgrade.: check the plan"),
        (refused(403, 403), Permanent, "check the plan and the API key"),
        (refused(400, 4001), Rejected, "4001"),
        (Response(status=503, body=b"<html>"), Transient, "503"),
    ],
)
def test_a_registration_that_fails_costs_nothing_that_was_read_and_ends_the_others(
    response: Response, error: type[Exception], says: str
) -> None:
    asking = AFTERSHIP.ask(["AAAA1", "AAAA2", "AAAA3", "AAAA4"], ACCESS)
    requests, said = converse(asking, found(moving("AAAA1")), taken("AAAA2"), response)
    assert response.status in requests[2].accept
    assert set(said.parts) == {"AAAA1", "AAAA2"}
    with pytest.raises(error, match=says):
        raise said.trouble or AssertionError


def test_a_registration_that_is_not_answered_costs_nothing_that_was_read() -> None:
    asking = AFTERSHIP.ask(["AAAA1", "AAAA2", "AAAA3", "AAAA4"], ACCESS)
    slow = Transient("no answer in time")
    _, said = converse(asking, found(moving("AAAA1")), taken("AAAA2"), slow)
    assert set(said.parts) == {"AAAA1", "AAAA2"}
    assert said.trouble is slow
    with pytest.raises(Transient):
        converse(AFTERSHIP.ask(["AAAA1"], ACCESS), slow)


def test_a_longer_pause_that_is_asked_for_is_kept() -> None:
    _, said = converse(AFTERSHIP.ask(["AAAA1"], ACCESS), found(), refused(429, 429, **{"Retry-After": "30"}))
    assert isinstance(said.trouble, RateLimited)
    assert said.trouble.retry_after == 30


def test_what_changes_by_itself_and_who_is_named_are_not_kept() -> None:
    first, second = (
        dict(AFTERSHIP.split(found(moving("AAAA1", updated_at=at, tracked_count=at, signed_by="PESSOA INVENTADA"))))
        for at in ("1", "2")
    )
    assert first == second
    assert b"INVENTADA" not in first["AAAA1"]


def test_a_delivery_on_the_way_back_is_the_senders_without_the_flag_too() -> None:
    told = [checkpoint("2026-09-17T09:00:00", "Exception_010"), checkpoint("2026-09-23T10:00:00", "Delivered_001")]
    tracking = moving("AAAA1", checkpoints=told, tag="Delivered", return_to_sender=False)
    _, said = converse(AFTERSHIP.ask(["AAAA1"], ACCESS), found(tracking))
    snapshot = meaning(said, "AAAA1")
    assert isinstance(snapshot, Snapshot)
    assert [event.status for event in snapshot.events] == [Status.RETURNING, Status.RETURNED]


def test_a_push_is_signed_with_the_webhooks_own_secret() -> None:
    body = b'{"event":"tracking_update"}'
    signature = base64.b64encode(hmac.digest(b"um-segredo", body, hashlib.sha256)).decode()
    genuine = Pushed(headers={"aftership-hmac-sha256": signature}, body=body)
    assert AFTERSHIP.push.is_genuine(genuine, ACCESS.account)
    assert not AFTERSHIP.push.is_genuine(Pushed(headers=genuine.headers, body=body + b" "), ACCESS.account)
    assert not AFTERSHIP.push.is_genuine(Pushed(headers={"aftership-hmac-sha256": "é"}, body=body), ACCESS.account)
    assert not AFTERSHIP.push.is_genuine(Pushed(headers={}, body=body), ACCESS.account)
    unsigned = base64.b64encode(hmac.digest(b"", body, hashlib.sha256)).decode()
    without_secret = Account(base_url="https://host", password="uma-chave")
    assert not AFTERSHIP.push.is_genuine(Pushed(headers={"aftership-hmac-sha256": unsigned}, body=body), without_secret)


def test_every_code_of_the_table_means_something() -> None:
    assert AfterShip.statuses
    assert Status.UNKNOWN not in AfterShip.statuses.values()


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert AFTERSHIP.page_about("1/x?2").endswith("/track/1%2Fx%3F2")
