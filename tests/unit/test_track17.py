"""17TRACK: what its recordings do not reach, the conversation that registers, and its webhook's signature."""

import hashlib
import json
from typing import Any

import pytest

from rastro.access import Access, Account
from rastro.carriers.base import Answered, Pushed
from rastro.carriers.track17 import Track17
from rastro.errors import CredentialsRefused, Permanent, RateLimited, Transient
from rastro.http import Response
from rastro.models import Refusal, RefusalReason, Snapshot, Status

from .dialogue import converse

TRACK17 = Track17()
ACCESS = Access(account=Account(base_url="https://host", password="uma-chave"))
LINE = {"time_iso": "2026-09-02T18:40:11-03:00", "sub_status": "InTransit_PickedUp"}


def answered(*items: dict[str, Any]) -> Response:
    accepted = [item for item in items if "error" not in item]
    rejected = [item for item in items if "error" in item]
    return Response(
        status=200, body=json.dumps({"code": 0, "data": {"accepted": accepted, "rejected": rejected}}).encode()
    )


def moving(number: str) -> dict[str, Any]:
    return {"number": number, "track_info": {"tracking": {"providers": [{"events": [LINE]}]}}}


def taken(number: str) -> dict[str, Any]:
    return {"origin": 1, "number": number, "carrier": 2151}


def rejected(number: str, code: int) -> dict[str, Any]:
    return {"number": number, "error": {"code": code, "message": "no"}}


def meaning(said: Answered, number: str) -> Snapshot | Refusal:
    return TRACK17.parse(said.parts[number], number)


def test_what_is_known_takes_one_call() -> None:
    requests, said = converse(TRACK17.ask(["AAAA1", "AAAA2"], ACCESS), answered(moving("AAAA1"), moving("AAAA2")))
    (request,) = requests
    assert (request.method, request.path, request.json) == (
        "POST", "/gettrackinfo", [{"number": "AAAA1"}, {"number": "AAAA2"}],
    )  # fmt: skip
    assert request.headers == {"17token": "uma-chave"}
    assert set(said.parts) == {"AAAA1", "AAAA2"}
    assert said.trouble is None


def test_what_is_unknown_is_registered_in_the_same_conversation_and_correios_is_named_by_its_numbers() -> None:
    requests, said = converse(
        TRACK17.ask(["AAAA1", "QQ700100018BR", "RR700100018CN"], ACCESS),
        answered(moving("AAAA1"), rejected("QQ700100018BR", -18019902), rejected("RR700100018CN", -18019902)),
        answered(taken("QQ700100018BR"), taken("RR700100018CN")),
    )
    assert requests[1].path == "/register"
    assert requests[1].json == [{"number": "QQ700100018BR", "carrier": 2151}, {"number": "RR700100018CN"}]
    assert isinstance(meaning(said, "AAAA1"), Snapshot)
    refusal = meaning(said, "QQ700100018BR")
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.code) == (RefusalReason.NOT_FOUND, "registered")


def test_a_registered_number_gives_the_same_bytes_until_there_are_data() -> None:
    _, first = converse(
        TRACK17.ask(["AAAA1"], ACCESS), answered(rejected("AAAA1", -18019902)), answered(taken("AAAA1"))
    )
    _, again = converse(
        TRACK17.ask(["AAAA1"], ACCESS), answered(rejected("AAAA1", -18019902)), answered(rejected("AAAA1", -18019901))
    )
    _, later = converse(TRACK17.ask(["AAAA1"], ACCESS), answered(rejected("AAAA1", -18019909)))
    assert first.parts == again.parts == later.parts


def test_what_changes_by_itself_and_who_is_named_are_not_kept() -> None:
    info = {
        "time_metrics": {"days_of_transit": 1},
        "tracking": {"providers": [{"latest_sync_time": "1", "events": [LINE]}]},
    }
    item = {"number": "AAAA1", "consignee": "PESSOA INVENTADA", "track_info": info}
    first = dict(TRACK17.split(answered(item)))
    info["time_metrics"] = {"days_of_transit": 2}
    info["tracking"]["providers"][0]["latest_sync_time"] = "2"
    assert dict(TRACK17.split(answered(item))) == first
    assert b"INVENTADA" not in first["AAAA1"]


@pytest.mark.parametrize(("code", "error"), [(-18019907, RateLimited), (-18019908, Permanent)])
def test_a_limit_is_trouble_of_those_that_it_kept_out_and_says_what_is_left(code: int, error: type[Exception]) -> None:
    requests, said = converse(
        TRACK17.ask(["AAAA1", "AAAA2", "AAAA3"], ACCESS),
        answered(moving("AAAA1"), rejected("AAAA2", -18019902), rejected("AAAA3", -18019902)),
        answered(taken("AAAA2"), rejected("AAAA3", code)),
        Response(status=200, body=b'{"code":0,"data":{"quota_total":2000,"quota_remain":0}}'),
    )
    assert requests[2].path == "/getquota"
    assert set(said.parts) == {"AAAA1", "AAAA2"}
    assert isinstance(said.trouble, error)
    assert "0 of 2,000 left" in str(said.trouble)


def test_a_quota_that_is_not_told_is_not_named() -> None:
    _, said = converse(
        TRACK17.ask(["AAAA1"], ACCESS),
        answered(rejected("AAAA1", -18019902)),
        answered(rejected("AAAA1", -18019908)),
        Response(status=503, body=b"<html>"),
    )
    assert isinstance(said.trouble, Permanent)
    assert "left" not in str(said.trouble)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response(status=503, body=b"busy"), Transient),
        (Response(status=429, body=b"{}"), RateLimited),
        (Response(status=200, body=b'{"code":-18019908,"data":{}}'), Permanent),
        (Response(status=401, body=b"{}"), CredentialsRefused),
    ],
)
def test_a_registration_that_fails_costs_nothing_that_was_read(response: Response, error: type[Exception]) -> None:
    asking = TRACK17.ask(["AAAA1", "AAAA2"], ACCESS)
    requests, said = converse(asking, answered(moving("AAAA1"), rejected("AAAA2", -18019902)), response)
    assert response.status == 200 or response.status in requests[1].accept
    assert set(said.parts) == {"AAAA1"}
    assert isinstance(said.trouble, error)


def test_a_registration_that_is_not_answered_costs_nothing_that_was_read() -> None:
    slow = Transient("no answer in time")
    asking = TRACK17.ask(["AAAA1", "AAAA2"], ACCESS)
    _, said = converse(asking, answered(moving("AAAA1"), rejected("AAAA2", -18019902)), slow)
    assert (set(said.parts), said.trouble) == ({"AAAA1"}, slow)
    asking = TRACK17.ask(["AAAA1"], ACCESS)
    _, said = converse(asking, answered(rejected("AAAA1", -18019902)), answered(rejected("AAAA1", -18019908)), slow)
    assert isinstance(said.trouble, Permanent), "what is left is a detail; that nothing is left is not"


def test_what_was_not_asked_about_is_passed_over() -> None:
    _, said = converse(TRACK17.ask(["AAAA1"], ACCESS), answered(moving("AAAA1"), moving("AAAA2")))
    assert set(said.parts) == {"AAAA1"}


def test_a_push_is_signed_with_the_key_behind_a_slash() -> None:
    body = b'{"event":"TRACKING_UPDATED"}'
    sign = hashlib.sha256(body + b"/uma-chave").hexdigest()
    account = ACCESS.account
    assert TRACK17.push.is_genuine(Pushed(headers={"sign": sign}, body=body), account)
    assert TRACK17.push.is_genuine(Pushed(headers={"sign": sign.upper()}, body=body), account)
    assert not TRACK17.push.is_genuine(Pushed(headers={"sign": sign}, body=body + b" "), account)
    assert not TRACK17.push.is_genuine(Pushed(headers={"sign": "é"}, body=body), account)
    assert not TRACK17.push.is_genuine(Pushed(headers={}, body=body), account)
    nobody = hashlib.sha256(body + b"/").hexdigest()
    assert not TRACK17.push.is_genuine(Pushed(headers={"sign": nobody}, body=body), Account(base_url="https://host"))


def test_a_push_that_names_no_number_makes_no_sense() -> None:
    with pytest.raises(Exception, match="names no number"):
        TRACK17.push.parts(b'{"event":"TRACKING_UPDATED","data":{}}')


def test_every_code_of_the_table_means_something() -> None:
    assert Track17.statuses
    assert Status.UNKNOWN not in Track17.statuses.values()


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert TRACK17.page_about("1&x=2").endswith("#nums=1%26x%3D2")
