"""Azul Cargo: what its recordings do not reach, the questions and the token."""

from datetime import UTC, datetime, timedelta

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.azul_cargo import AzulCargo, check_digit_fits, questions_about
from rastro.carriers.azul_cargo_login import AzulLogin
from rastro.errors import CredentialsRefused, Misconfigured, Transient, Unreadable
from rastro.http import Response
from rastro.models import Refusal

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
ACCOUNT = Account(base_url="https://host", login="edi@loja.example", password="segredo")
ACCESS = Access(account=ACCOUNT, token=Token(value="um-token", expires_at=NOW + timedelta(hours=8)))


@pytest.mark.parametrize(
    ("reference", "questions"),
    [
        ("invoice_key:" + "4" * 44, [{"ChaveNfe": "4" * 44}]),
        ("4" * 44, [{"ChaveNfe": "4" * 44}]),
        ("order_id:LOJA-6411", [{"Pedido": "LOJA-6411"}]),
        ("577-12345678", [{"Awb": "12345678"}, {"Awb": "57712345678"}]),
        ("57712345678", [{"Awb": "12345678"}, {"Awb": "57712345678"}]),
        ("12345678", [{"Awb": "12345678"}, {"Awb": "57712345678"}]),
        ("AZ-77", [{"Awb": "AZ-77"}]),
    ],
)
def test_each_kind_of_reference_is_asked_by_its_own_name(reference: str, questions: list[dict[str, str]]) -> None:
    assert questions_about(reference) == questions
    request = AzulCargo().request_for([reference], ACCESS)
    assert request.json == {"Token": "um-token", **questions[0]}
    assert "um-token" not in request.path


def test_a_waybill_that_is_not_known_by_one_number_is_asked_about_by_the_other() -> None:
    asking = AzulCargo().ask(["12345678"], ACCESS)
    assert next(asking).json == {"Token": "um-token", "Awb": "12345678"}
    unknown = b'{"HasErrors":true,"ErrorText":"AWB n\xc3\xa3o encontrada!"}'
    assert asking.send(Response(status=200, body=unknown)).json == {"Token": "um-token", "Awb": "57712345678"}
    with pytest.raises(StopIteration) as end:
        asking.send(Response(status=200, body=unknown))
    assert isinstance(AzulCargo().parse(end.value.value.parts["12345678"], "12345678"), Refusal)


def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(Misconfigured, match="no token"):
        AzulCargo().request_for(["12345678"], Access(account=ACCOUNT))


def test_the_login_names_all_that_the_connection_lacks() -> None:
    with pytest.raises(Misconfigured, match=r"login \(E-mail\), password \(Password\)"):
        AzulLogin().request(Account(base_url="https://host"), None, NOW)
    assert AzulLogin().request(ACCOUNT, None, NOW).json == {"Email": "edi@loja.example", "Senha": "segredo"}


def test_a_token_lasts_eight_hours() -> None:
    token = AzulLogin().token(Response(status=200, body=b'{"HasErrors":false,"Value":"abc"}'), NOW)
    assert (token.value, token.expires_at) == ("abc", NOW + timedelta(hours=8))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"HasErrors":true,"ErrorText":"Usu\xc3\xa1rio ou senha inv\xc3\xa1lidos."}', CredentialsRefused),
        (b'{"HasErrors":true,"ErrorText":"Acesso bloqueado."}', CredentialsRefused),
        (b'{"HasErrors":true,"ErrorText":"Servi\xc3\xa7o indispon\xc3\xadvel"}', Transient),
        (b'{"HasErrors":false,"Value":null}', Unreadable),
        (b'{"HasErrors":false,"Value":{"Token":"abc"}}', Unreadable),
        (b"<html>", Unreadable),
    ],
)
def test_a_refused_login_is_told_from_an_outage_and_from_nonsense(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        AzulLogin().token(Response(status=200, body=body), NOW)


def test_a_delivery_at_the_head_needs_lines_that_do_not_say_otherwise() -> None:
    raw = b'{"HasErrors":false,"Value":[{"Awb":"1","DataHoraEntrega":"2026-09-01T10:00:00","Ocorrencias":null}]}'
    with pytest.raises(Unreadable, match="DataHoraEntrega"):
        AzulCargo().parse(raw, "1")


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("42000000", True),
        ("42000001", False),
        ("57742000000", True),
        ("577-42000000", True),
        ("577-42000001", False),
        ("12342000000", None),
        ("4200000", None),
        ("35260912345678000100550010000047111373064090", True),
        ("35260912345678000100550010000047111373064091", False),
    ],
)
def test_a_waybills_last_digit_is_a_rest_by_seven_and_a_keys_its_own(number: str, *, fits: bool | None) -> None:
    assert check_digit_fits(number) is fits
