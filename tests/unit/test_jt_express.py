"""J&T Express: what its recordings do not reach, signatures, pushes, and scans that deny each other."""

from urllib.parse import parse_qs, urlencode

import pytest

from rastro.access import Access, Account
from rastro.carriers.base import Pushed
from rastro.carriers.jt_express import JtExpress, JtExpressPush, digest_of
from rastro.carriers.jt_express_scans import CODES, NUMBERS, Scan, history
from rastro.errors import Rejected, Unreadable
from rastro.http import Response
from rastro.models import Snapshot, Status

ACCOUNT = Account(base_url="https://host", login="4207", password="chave-privada")


def scan(kind: str | int = "", at: str = "10:00:00", **more: str) -> Scan:
    return Scan(scan_time=f"2026-09-01 {at}", scan_type=kind, **more)


def statuses(*scans: Scan, pushed: bool = False) -> list[Status]:
    return [event.status for event in history(scans, pushed=pushed)]


def test_a_question_is_signed_over_its_exact_text() -> None:
    request = JtExpress().request_for(["888000000000001", "999000000000002"], Access(account=ACCOUNT))
    assert request.body is not None
    assert parse_qs(request.body.decode())["bizContent"] == ['{"billCodes":"888000000000001,999000000000002"}']
    assert request.headers["apiAccount"] == "4207"
    assert request.headers["digest"] == "++5aOar0ZHMPBptbUr5Vug=="
    assert request.headers["timestamp"].isdecimal()
    assert len(request.headers["timestamp"]) == 13


@pytest.mark.parametrize(
    ("key", "digest", "genuine"),
    [
        ("chave-privada", digest_of('{"a":"é+ 1"}', "chave-privada"), True),
        ("chave-privada", digest_of('{"a":"é+ 1"}', "outra"), False),
        ("chave-privada", "ç", False),
        ("chave-privada", "", False),
        ("", digest_of('{"a":"é+ 1"}', ""), False),
    ],
)
def test_a_push_is_believed_by_its_signature(key: str, digest: str, *, genuine: bool) -> None:
    pushed = Pushed(headers={"digest": digest}, body=urlencode({"bizContent": '{"a":"é+ 1"}'}).encode())
    assert JtExpressPush().is_genuine(pushed, Account(base_url="https://host", password=key)) is genuine


def test_a_push_without_a_signature_is_not_believed() -> None:
    assert not JtExpressPush().is_genuine(Pushed(headers={}, body=b"\xff"), ACCOUNT)


@pytest.mark.parametrize("body", [b"", b"\xff", b"bizContent=", b"bizContent=[[]]", b'{"billCode":"1","details":[]}'])
def test_what_is_no_push_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        list(JtExpressPush().parts(body))


def test_a_push_takes_nothing_back() -> None:
    content = '{"billCode":"888000000000001","details":[{"scanTime":"2026-09-01 10:00:00","scanType":"Expedição"}]}'
    (part,) = JtExpressPush().parts(urlencode({"bizContent": content}).encode())
    said = JtExpress().parse(part.raw, part.references[0])
    assert isinstance(said, Snapshot)
    assert not said.whole


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (scan("10"), Status.DELIVERED),
        (scan("10", scan_type_code="100"), Status.DELIVERED),
        (scan("10", scan_type_code="101"), Status.RETURNED),
        (scan(10, desc="Devolvido"), Status.RETURNED),
        (scan("10", scan_type_code="10"), Status.UNKNOWN),
        (scan("", scan_type_code="10"), Status.IN_TRANSIT),
        (scan("Assinatura de encomenda", scan_type_code="10"), Status.DELIVERED),
        (scan("Assinatura de encomenda", scan_type_code="173"), Status.RETURNED),
        (scan("Assinatura de encomenda", desc="Entregue ao remetente"), Status.RETURNED),
        (scan("Assinatura de encomenda", desc="Não entregue"), Status.DELIVERY_FAILED),
        (scan("Assinatura de devolução"), Status.RETURNED),
        (scan("10", scan_type_name="Assinatura de encomenda"), Status.DELIVERED),
        (scan("Bipe novo", scan_type_code="94"), Status.OUT_FOR_DELIVERY),
        (scan("", scan_type_code="110", desc="Endereço não localizado"), Status.DELIVERY_FAILED),
        (scan("Bipe de pacote problemático", desc="Devolução"), Status.RETURNING),
        (scan("Entregue"), Status.UNKNOWN),
        (scan(), Status.UNKNOWN),
    ],
)
def test_a_scan_means_what_its_phrase_and_numbers_say_together(one: Scan, status: Status) -> None:
    assert statuses(one) == [status]


def test_what_follows_a_return_is_on_the_way_back_unless_the_recipient_has_signed() -> None:
    back, out = scan("Devolução", "11:00:00"), scan("Bipe de saída para entrega", "12:00:00")
    signed = "Assinatura de encomenda"
    assert statuses(back, out, scan(signed, "13:00:00")) == [Status.RETURNING, Status.RETURNING, Status.RETURNED]
    assert statuses(back, scan(signed, "13:00:00", scan_type_code="100"))[-1] is Status.DELIVERED
    assert (
        statuses(scan("Bipe de pacote problemático", "11:00:00", desc="Devolução"), out)[-1] is Status.OUT_FOR_DELIVERY
    )


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (scan("Assinatura de encomenda"), Status.UNKNOWN),
        (scan("10"), Status.UNKNOWN),
        (scan("10", scan_type_code="100"), Status.DELIVERED),
        (scan("10", scan_type_code="101"), Status.RETURNED),
    ],
)
def test_a_pushed_signature_counts_where_a_code_says_whose_it_is(one: Scan, status: Status) -> None:
    assert statuses(one, pushed=True) == [status]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("Entregue ao destinatário", "Entregue ao destinatário"),
        ("Entregue a FULANA", "Expedição"),
        ("Assinado por: FULANA", "Expedição"),
        ("Recebido pela FULANA", "Expedição"),
        ("Entregador FULANO, 11 98888-7777", "Expedição"),
        ("Ligue para 98888-7777", "Expedição"),
        ("", "Expedição"),
    ],
)
def test_words_that_name_somebody_are_not_kept(words: str, kept: str) -> None:
    (event,) = history([scan("Expedição", desc=words)], pushed=False)
    assert event.description == kept


def test_an_answer_without_a_name_says_nothing_about_those_it_passes_over() -> None:
    body = b'{"code":"1","data":[{"details":[]}]}'
    assert not list(JtExpress().split(Response(status=200, body=body), ("888000000000001", "888000000000002")))
    ((number, _),) = JtExpress().split(Response(status=200, body=body), ("888000000000001",))
    assert number == "888000000000001"


def test_not_found_about_several_is_asked_again_in_parts() -> None:
    with pytest.raises(Rejected):
        JtExpress().split(Response(status=200, body=b'{"code":"145003064","msg":"Data not found"}'), ("1", "2"))


def test_every_number_of_the_tables_means_something() -> None:
    assert Status.UNKNOWN not in {*NUMBERS.values(), *CODES.values()}
