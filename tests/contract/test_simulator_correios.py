"""The simulated Correios, held against what its API does and refuses."""

import re
from collections.abc import Iterator

import httpx
import pytest

from simulator.journeys import JOURNEYS, journey
from simulator.testing import Running

TRACK = "/srorastro/v1/objetos"


def token_answer(simulator: Running, kind: str = "/cartaopostagem", **wrong: str) -> httpx.Response:
    told = simulator.info()["correios"] | wrong
    number = {"/cartaopostagem": told["posting_card"], "/contrato": told["contract"], "": ""}[kind]
    return httpx.post(
        f"{told['url']}/token/v1/autentica{kind}",
        json={"numero": number},
        auth=(told["user"], told["access_code"]),
    )


def tracker(simulator: Running, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "pt-BR"}
    return httpx.Client(base_url=simulator.info()["correios"]["url"], headers=headers)


@pytest.fixture
def correios(simulator: Running) -> Iterator[httpx.Client]:
    with tracker(simulator, token_answer(simulator).json()["token"]) as client:
        yield client


def numbers(simulator: Running) -> list[str]:
    return [parcel["tracking_number"] for parcel in simulator.truth()]


def asked(codes: list[str], result: str = "T") -> list[tuple[str, str]]:
    return [("codigosObjetos", code) for code in codes] + [("resultado", result)]


def test_a_token_is_given_for_user_and_access_code_with_its_end(simulator: Running) -> None:
    answer = token_answer(simulator)
    body = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", body["expiraEm"])
    assert body["expiraEm"] > body["emissao"]
    assert {"api": 87} in body["cartaoPostagem"]["api"]
    assert body["token"].count(".") == 2


def test_the_running_token_is_given_again_until_its_last_half_hour(simulator: Running) -> None:
    assert token_answer(simulator).json()["token"] == token_answer(simulator).json()["token"]


@pytest.mark.parametrize(
    ("wrong", "status"), [({"access_code": "no"}, 401), ({"user": "no"}, 401), ({"posting_card": "1"}, 400)]
)
def test_a_wrong_credential_gets_no_token(simulator: Running, wrong: dict[str, str], status: int) -> None:
    assert token_answer(simulator, **wrong).status_code == status


def test_too_many_token_requests_in_a_second_are_429_when_that_is_switched_on(simulator: Running) -> None:
    simulator.configure(token_requests_per_second=1)
    answers = [token_answer(simulator) for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].content == b""


@pytest.mark.parametrize("kind", ["/cartaopostagem", "/contrato"])
def test_tokens_of_card_and_contract_may_track(simulator: Running, kind: str) -> None:
    with tracker(simulator, token_answer(simulator, kind).json()["token"]) as client:
        assert client.get(f"{TRACK}/QQ000000001BR").status_code == 200


def test_the_plain_token_may_not_track(simulator: Running) -> None:
    with tracker(simulator, token_answer(simulator, "").json()["token"]) as client:
        answer = client.get(f"{TRACK}/QQ000000001BR")
    assert answer.status_code == 403
    assert answer.json()["msgs"][0].startswith("GTW-012")


def test_no_token_a_forged_one_and_an_expired_one_are_401(simulator: Running, correios: httpx.Client) -> None:
    assert correios.get(f"{TRACK}/AAAA").status_code == 200
    assert correios.get(f"{TRACK}/AAAA", headers={"Authorization": ""}).status_code == 401
    assert correios.get(f"{TRACK}/AAAA", headers={"Authorization": "Bearer a.b.c"}).status_code == 401
    simulator.configure(token_generation=2)
    assert correios.get(f"{TRACK}/AAAA").status_code == 401
    with tracker(simulator, token_answer(simulator).json()["token"]) as renewed:
        assert renewed.get(f"{TRACK}/AAAA").status_code == 200
    simulator.configure(token_generation=3, token_lifetime=0)
    with tracker(simulator, token_answer(simulator).json()["token"]) as stillborn:
        assert stillborn.get(f"{TRACK}/AAAA").status_code == 401


@pytest.mark.parametrize(
    ("language", "status"),
    [("pt-BR", 200), ("en", 200), ("es-ES", 200), ("*", 400), ("pt-BR,pt;q=0.9", 400), ("pt-br", 400), ("", 400)],
)
def test_the_language_must_be_one_of_three_to_the_letter(
    simulator: Running, correios: httpx.Client, language: str, status: int
) -> None:
    answer = correios.get(f"{TRACK}/AAAA", headers={"Accept-Language": language})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["msgs"][0].startswith("SRO-018")


def test_fifty_codes_are_answered_and_fifty_one_refused(simulator: Running, correios: httpx.Client) -> None:
    simulator.cohort(parcels=51, variants=["own"], kinds=["delivered"])
    codes = numbers(simulator)
    body = correios.get(TRACK, params=asked(codes[:50])).json()
    assert body["quantidade"] == 50
    assert {one["codObjeto"] for one in body["objetos"]} == set(codes[:50])
    assert correios.get(TRACK, params=asked(codes)).status_code == 400
    assert correios.get(TRACK).status_code == 400


def test_the_list_answers_with_the_last_event_alone_unless_asked_for_all(
    simulator: Running, correios: httpx.Client
) -> None:
    simulator.cohort(parcels=1, variants=["own"], kinds=["delivered"])
    (code,) = numbers(simulator)

    def events(path: str, **params: str) -> list[str]:
        (one,) = correios.get(path, params=params).json()["objetos"]
        return [event["codigo"] for event in one["eventos"]]

    assert events(TRACK, codigosObjetos=code) == ["RO"]
    assert events(TRACK, codigosObjetos=code, resultado="T") == ["RO", "PO"]
    assert events(TRACK, codigosObjetos=code, resultado="P") == ["PO"]
    assert events(f"{TRACK}/{code}") == ["RO", "PO"]
    assert events(f"{TRACK}/{code}", resultado="U") == ["RO"]
    assert correios.get(TRACK, params={"codigosObjetos": code, "resultado": "X"}).status_code == 400


def test_a_comma_list_is_one_unknown_code(simulator: Running, correios: httpx.Client) -> None:
    simulator.cohort(parcels=2, variants=["own"], kinds=["delivered"])
    (one,) = correios.get(TRACK, params={"codigosObjetos": ",".join(numbers(simulator))}).json()["objetos"]
    assert "eventos" not in one
    assert one["mensagem"].startswith("SRO-019")


@pytest.mark.parametrize(
    ("kind", "refusal"), [("posted_late", "SRO-020"), ("not_ours", "SRO-009"), ("malformed", "SRO-019")]
)
def test_an_object_it_cannot_speak_of_is_refused_beside_the_others(
    simulator: Running, correios: httpx.Client, kind: str, refusal: str
) -> None:
    simulator.cohort(parcels=2, variants=["own"], kinds=["delivered", kind])
    objects = correios.get(TRACK, params=asked(numbers(simulator))).json()["objetos"]
    refused = [one["mensagem"] for one in objects if "mensagem" in one]
    assert len(objects) == 2
    assert [text[:7] for text in refused] == [refusal]


def test_unknown_and_malformed_codes_are_told_apart(simulator: Running, correios: httpx.Client) -> None:
    messages = [
        correios.get(f"{TRACK}/{code}").json()["objetos"][0]["mensagem"][:7] for code in ("QQ123456785BR", "AAAA")
    ]
    assert messages == ["SRO-020", "SRO-019"]


def test_every_journey_answers_as_it_is_written(simulator: Running, correios: httpx.Client) -> None:
    simulator.cohort(parcels=len(JOURNEYS), variants=["own"])
    kinds = {parcel["tracking_number"]: parcel["kind"] for parcel in simulator.truth()}
    assert set(kinds.values()) == set(JOURNEYS)
    longest = max(len(one.steps) for one in JOURNEYS.values())
    for position in range(longest + 1):
        if position:
            simulator.advance()
        objects = correios.get(TRACK, params=asked(list(kinds))).json()["objetos"]
        for one in objects:
            known = journey(kinds[one["codObjeto"]]).upto(position)
            lines = [line for step in known for line in step.lines]
            for place, step in enumerate(known):
                if step.withdraws:
                    written = sum(len(before.lines) for before in known[:place])
                    del lines[written - step.withdraws : written]
            expected = [(line.codigo, line.tipo) for line in reversed(lines)]
            events = one.get("eventos", [])
            assert [(event["codigo"], event["tipo"]) for event in events] == expected
            times = [event["dtHrCriado"] for event in events]
            assert times == sorted(times, reverse=True)
            assert len(set(times)) == len(times)


def test_a_line_may_bear_a_time_at_which_it_cannot_have_happened(simulator: Running, correios: httpx.Client) -> None:
    simulator.cohort(parcels=1, variants=["own"], kinds=["misdated"])
    (code,) = numbers(simulator)

    def times() -> list[str]:
        (one,) = correios.get(f"{TRACK}/{code}").json()["objetos"]
        return [event["dtHrCriado"] for event in one["eventos"]]

    before = times()
    simulator.advance()
    odd = ["2018-11-04T00:30:00", "2018-02-17T23:30:00", "2099-12-31T23:59:59", "1970-01-01T00:00:00"]
    assert times() == [*odd, *before]
    simulator.advance()
    assert before[0] < times()[0] < "2099", "what comes after is dated as ever"


def test_a_parcel_at_the_counter_names_address_and_last_day(simulator: Running, correios: httpx.Client) -> None:
    simulator.cohort(parcels=1, variants=["own"], kinds=["collected"])
    simulator.advance(3)
    (code,) = numbers(simulator)
    event = correios.get(f"{TRACK}/{code}").json()["objetos"][0]["eventos"][0]
    assert (event["codigo"], event["tipo"]) == ("LDI", "01")
    assert event["unidade"]["endereco"]["logradouro"]
    assert event["dtLimiteRetirada"] > event["dtHrCriado"][:10]


def test_a_unit_abroad_has_no_town(simulator: Running, correios: httpx.Client) -> None:
    simulator.cohort(parcels=1, variants=["own"], kinds=["customs"])
    (code,) = numbers(simulator)
    oldest = correios.get(f"{TRACK}/{code}").json()["objetos"][0]["eventos"][-1]
    assert code.endswith("CN")
    assert oldest["unidade"]["endereco"] == {}


def test_an_emptied_world_gives_its_numbers_out_anew_and_nothing_old_with_them(
    simulator: Running, correios: httpx.Client
) -> None:
    def newest(kind: str, steps: int) -> tuple[str, str]:
        simulator.cohort(parcels=1, variants=["own"], kinds=[kind])
        simulator.advance(steps)
        (code,) = numbers(simulator)
        return code, correios.get(f"{TRACK}/{code}").json()["objetos"][0]["eventos"][0]["codigo"]

    before = newest("delivered", 1)
    simulator.control("POST", "reset")
    after = newest("lost", 2)
    assert before[0] == after[0]
    assert (before[1], after[1]) == ("DO", "BDE")
