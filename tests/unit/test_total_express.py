"""Total Express: what its recordings do not reach, questions, pages, halves, and the table of codes."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from rastro.access import Access, Account
from rastro.carriers.base import Answered
from rastro.carriers.total_express import UNKNOWN_TO_THEM, TotalExpress, question
from rastro.carriers.total_express_lines import STATUS, event
from rastro.carriers.total_express_lots import HOST, TotalExpressLots
from rastro.errors import Misconfigured, RastroError, RateLimited, Transient, Unreadable
from rastro.http import Request, Response
from rastro.models import Snapshot, Status

AWBS = [f"TXAA{serial:09d}TX" for serial in range(8)]


def access(**extra: str) -> Access:
    account = Account(base_url=TotalExpress.base_url, login="loja", password="çhave", extra=extra)
    return Access(account=account)


def parcel(awb: str) -> dict[str, Any]:
    return {"awb": f"{awb[:-2]}tx", "statusList": [{"codStatus": 83, "dataStatus": "2026-09-01T10:00:00"}]}


def page(awbs: Sequence[str], **more: int) -> Response:
    return Response(status=200, body=msgspec.json.encode({"data": [parcel(awb) for awb in awbs], **more}))


def asked_through(
    references: Sequence[str], service: Callable[[Request], Response | RastroError]
) -> tuple[Answered, int]:
    """What asking comes to with a service that answers so, and the number of calls that it took."""
    asking, calls = TotalExpress().ask(references, access()), 1
    try:
        request = next(asking)
        while True:
            answer = service(request)
            request = asking.throw(answer) if isinstance(answer, RastroError) else asking.send(answer)
            calls += 1
    except StopIteration as end:
        return end.value, calls


def numbers_in(request: Request) -> list[str]:
    assert isinstance(request.json, dict)
    return [f"{awb[:-2]}TX" for awb in request.json.get("awbs", [])]


def test_numbers_and_orders_are_asked_in_lists_of_their_own_with_the_tail_in_small_letters() -> None:
    request = question(["TXAS206534513TX", "order_id:LOJA-1", "AVULSA-9"], access(), page=3)
    assert request.json == {
        "awbs": ["TXAS206534513tx", "AVULSA-9"],
        "pedidos": ["LOJA-1"],
        "comprovanteEntrega": False,
    }
    assert request.params == (("page", "3"),)


@pytest.mark.parametrize(("scheme", "word"), [("", "Basic"), ("Basic Auth", "Basic Auth")])
def test_the_word_before_the_credentials_can_be_another(scheme: str, word: str) -> None:
    pair = base64.b64encode("loja:çhave".encode()).decode()
    request = TotalExpress().request_for(AWBS[:1], access(scheme=scheme))
    assert request.headers["Authorization"] == f"{word} {pair}"


def test_all_pages_are_read_and_what_none_of_them_has_is_unknown_to_the_carrier() -> None:
    pages = {"1": page(AWBS[2:4], lastPage=2, total=3), "2": page(AWBS[:1], lastPage=2, total=3)}
    answered, calls = asked_through(AWBS[:4], lambda request: pages[dict(request.params)["page"]])
    assert calls == 2
    assert answered.trouble is None
    assert {name for name, raw in answered.parts.items() if raw == UNKNOWN_TO_THEM} == {AWBS[1]}
    assert answered.parts.keys() == set(AWBS[:4])


@pytest.mark.parametrize("last", [page(AWBS[:1], lastPage=2, total=3), Response(status=404, body=b"{}")])
def test_pages_that_do_not_account_for_all_leave_the_missing_ones_unanswered(last: Response) -> None:
    pages = {"1": page(AWBS[:1], lastPage=2, total=3), "2": last}
    answered, _ = asked_through(AWBS[:3], lambda request: pages[dict(request.params)["page"]])
    assert answered.parts.keys() == {AWBS[0]}
    assert isinstance(answered.trouble, Unreadable)


def test_a_page_that_is_not_answered_leaves_all_for_later_since_a_parcel_may_go_on_there() -> None:
    pages = {"1": page(AWBS[:1], lastPage=2, total=3), "2": Transient("no answer in time")}
    with pytest.raises(Transient):
        asked_through(AWBS[:3], lambda request: pages[dict(request.params)["page"]])


def test_a_half_that_is_not_answered_costs_nothing_that_the_other_said() -> None:
    slow = Transient("no answer in time")
    lost = Response(status=404, body=b"{}")
    halves = {1: page(AWBS[:1]), 2: slow, 3: lost}
    answered, _ = asked_through(
        AWBS[:3], lambda request: halves[3 if len(numbers_in(request)) == 3 else 1 + (AWBS[2] in numbers_in(request))]
    )
    assert (answered.parts.keys(), answered.trouble) == ({AWBS[0]}, slow)


def test_a_parcel_without_a_name_among_several_leaves_the_missing_ones_unanswered() -> None:
    nameless = Response(status=200, body=b'{"data":[{"statusList":[]}]}')
    answered, _ = asked_through(AWBS[:2], lambda _: nameless)
    assert not answered.parts
    assert isinstance(answered.trouble, Unreadable)


def test_a_page_that_never_ends_is_not_followed_for_ever() -> None:
    _, calls = asked_through(AWBS[:2], lambda _: page(AWBS[:1], lastPage=10**9))
    assert calls == 20


def test_a_parcel_on_two_pages_is_one_with_all_its_lines() -> None:
    body = msgspec.json.encode({"data": [parcel(AWBS[0])], "lastPage": 2})
    later = body.replace(b"83", b"104").replace(b"10:00", b"11:00")
    pages = {"1": Response(status=200, body=body), "2": Response(status=200, body=later)}
    answered, _ = asked_through(AWBS[:1], lambda request: pages[dict(request.params)["page"]])
    said = TotalExpress().parse(answered.parts[AWBS[0]], AWBS[0])
    assert isinstance(said, Snapshot)
    assert [one.status for one in said.events] == [Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY]


@pytest.mark.parametrize("unknown", [AWBS[5:6], AWBS])
def test_one_unknown_parcel_does_not_hide_the_others(unknown: Sequence[str]) -> None:
    def service(request: Request) -> Response:
        numbers = numbers_in(request)
        return Response(status=404, body=b"{}") if set(numbers) & set(unknown) else page(numbers)

    answered, _ = asked_through(AWBS, service)
    assert answered.trouble is None
    assert {name for name, raw in answered.parts.items() if raw == UNKNOWN_TO_THEM} == set(unknown)
    assert answered.parts.keys() == set(AWBS)


def test_the_lots_have_a_host_of_their_own_unless_the_connection_names_one() -> None:
    assert TotalExpressLots().host(access().account) == HOST
    assert TotalExpressLots().host(Account(base_url="http://127.0.0.1:1/x")) == "http://127.0.0.1:1/x"


def test_lots_are_asked_for_once_and_those_of_a_day_by_its_date() -> None:
    request = TotalExpressLots().request_for(access())
    assert request.body is not None
    assert b"DataConsulta" not in request.body
    assert not request.repeatable
    again = TotalExpressLots().request_for(access(feed_day="2026-11-30"))
    assert again.body is not None
    assert b"<DataConsulta>2026-11-30</DataConsulta>" in again.body
    with pytest.raises(Misconfigured, match="feed_day"):
        TotalExpressLots().request_for(access(feed_day="30/11/2026"))


def test_a_call_that_came_too_soon_says_when_to_come_again() -> None:
    body = b"<ObterTrackingResponse><CodigoProc>5</CodigoProc></ObterTrackingResponse>"
    with pytest.raises(RateLimited) as refused:
        TotalExpressLots().check(Response(status=200, body=body))
    assert refused.value.retry_after == TotalExpressLots.every.total_seconds() > 300


def test_an_error_page_in_place_of_lots_is_trouble_of_theirs_and_a_page_that_says_it_is_good_is_none_of_ours() -> None:
    with pytest.raises(Transient, match="500"):
        TotalExpressLots().check(Response(status=500, body=b"<html><hr></html>"))
    with pytest.raises(Unreadable):
        TotalExpressLots().check(Response(status=200, body=b"<html><hr></html>"))


BILLION_LAUGHS = f"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol0 "lol">{"".join(f'<!ENTITY lol{n + 1} "{f"&lol{n};" * 10}">' for n in range(9))}]>
<CodigoProc>&lol9;</CodigoProc>"""
READS_A_FILE = (
    '<?xml version="1.0"?><!doctype a [<!ENTITY x SYSTEM "file:///etc/passwd">]><faultstring>&x;</faultstring>'
)
ASKS_A_HOST = '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><CodigoProc>1</CodigoProc>'
BY_PARAMETER = '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><CodigoProc>1</CodigoProc>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-7", "utf-32-be"])
@pytest.mark.parametrize(
    "document", [BILLION_LAUGHS, READS_A_FILE, ASKS_A_HOST, BY_PARAMETER], ids=["laughs", "file", "host", "parameter"]
)
def test_a_lot_that_declares_entities_is_refused_and_none_is_looked_up(document: str, encoding: str) -> None:
    with pytest.raises(Unreadable) as refused:
        TotalExpressLots().check(Response(status=200, body=document.encode(encoding)))
    assert "root:" not in str(refused.value)
    assert "lollol" not in str(refused.value)


def test_an_entity_that_nothing_declares_is_no_lot() -> None:
    with pytest.raises(Unreadable, match="no XML"):
        TotalExpressLots().check(Response(status=200, body=b"<CodigoProc>&x;</CodigoProc>"))


def test_every_code_of_the_table_stands_for_one_status() -> None:
    assert len(STATUS) >= 75
    assert Status.UNKNOWN not in STATUS.values()
    assert [code for code, status in STATUS.items() if status is Status.DELIVERED] == ["1"]
    assert [code for code, status in STATUS.items() if status is Status.RETURNED] == ["61"]


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        ("1", "ENTREGA REALIZADA", Status.DELIVERED),
        ("01", "", Status.DELIVERED),
        ("1", "ENTREGA REALIZADA AO REMETENTE", Status.RETURNED),
        ("1", "ENTREGA NÃO REALIZADA", Status.DELIVERY_FAILED),
        ("0", "ARQUIVO RECEBIDO", Status.INFO_RECEIVED),
        ("999", "ENTREGA REALIZADA", Status.UNKNOWN),
        ("", "ENTREGA REALIZADA", Status.UNKNOWN),
    ],
)
def test_the_code_decides_unless_the_words_deny_it(code: str, words: str, status: Status) -> None:
    line = {"codstatus": code, "descstatus": words, "datastatus": "2026-09-01T10:00:00"}
    assert event(line).status is status
