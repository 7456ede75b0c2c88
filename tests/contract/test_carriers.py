"""What must hold for every carrier in the registry, proven on its recordings and on what can become of them."""

import json
import pkgutil
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import rastro.carriers
from rastro.carriers.base import Asks, Carrier
from rastro.carriers.registry import CARRIERS
from rastro.cli.reading import told
from rastro.errors import Unreadable
from rastro.http import Response
from rastro.models import Refusal, Snapshot, Status

RECORDINGS = Path(__file__).parents[1] / "recordings"
CASES = sorted(
    (code, body) for code in CARRIERS for body in (RECORDINGS / code).iterdir() if ".expected" not in body.name
)


def expectation(body: Path) -> dict:
    return json.loads(body.with_name(f"{body.stem}.expected.json").read_text("utf-8"))


def meaning(carrier: Carrier, reference: str, raw: bytes) -> dict:
    """One part of an answer as an expectation file words it."""
    try:
        said = carrier.parse(raw)
    except Unreadable as error:
        return {"tracking_number": reference, "unreadable": str(error)}
    pickup = asdict(said.pickup) if isinstance(said, Snapshot) and said.pickup else None
    return json.loads(json.dumps({**told(said), **({"pickup": pickup} if pickup else {})}, default=str))


def everything_in(carrier: Carrier, body: bytes) -> list[Snapshot | Refusal | Unreadable]:
    """All that an answer means; any error but Unreadable comes through."""
    try:
        parts = list(carrier.split(Response(status=200, body=body)))
    except Unreadable as error:
        return [error]
    found: list[Snapshot | Refusal | Unreadable] = []
    for _, raw in parts:
        try:
            found.append(carrier.parse(raw))
        except Unreadable as error:
            found.append(error)
    return found


def says_delivered(found: list[Snapshot | Refusal | Unreadable]) -> bool:
    return any(
        event.status is Status.DELIVERED for said in found if isinstance(said, Snapshot) for event in said.events
    )


def test_every_carrier_has_recordings_and_every_folder_of_recordings_a_carrier() -> None:
    assert CARRIERS
    assert {code for code, _ in CASES} == set(CARRIERS)
    assert {folder.name for folder in RECORDINGS.iterdir() if folder.is_dir()} >= set(CARRIERS)


def test_every_recording_says_what_it_means() -> None:
    assert CASES
    assert [body.name for _, body in CASES if not body.with_name(f"{body.stem}.expected.json").exists()] == []


@pytest.mark.parametrize("code", CARRIERS)
def test_a_carrier_is_what_the_registry_calls_it(code: str) -> None:
    carrier = CARRIERS[code]
    assert carrier.code == code
    assert code in {module.name for module in pkgutil.iter_modules(rastro.carriers.__path__)}
    assert carrier.docs.startswith("https://")
    assert carrier.base_url.startswith("https://")
    assert carrier.confidence in {"A", "B", "C"}
    assert carrier.references
    assert carrier.batch_size >= 1
    assert (carrier.batch_size == 1) or carrier.asks is not Asks.SINGLE


@pytest.mark.parametrize(("code", "body"), CASES, ids=lambda value: getattr(value, "name", value))
def test_a_recording_means_what_its_expectation_says(code: str, body: Path) -> None:
    carrier, expected = CARRIERS[code], expectation(body)
    response = Response(status=200, body=body.read_bytes())
    if "unreadable" in expected:
        with pytest.raises(Unreadable, match=expected["unreadable"]) as refused:
            list(carrier.split(response))
        assert refused.value.raw == response.body
        return
    found = [meaning(carrier, reference, raw) for reference, raw in carrier.split(response)]
    for said, wanted in zip(found, expected["parcels"], strict=True):
        if "unreadable" in wanted:
            assert wanted.pop("unreadable") in said.pop("unreadable")
        assert said == wanted


@pytest.mark.parametrize(("code", "body"), CASES, ids=lambda value: getattr(value, "name", value))
def test_the_same_answer_is_cut_into_the_same_bytes(code: str, body: Path) -> None:
    response = Response(status=200, body=body.read_bytes())
    if "unreadable" not in expectation(body):
        assert list(CARRIERS[code].split(response)) == list(CARRIERS[code].split(response))


@pytest.mark.parametrize("code", CARRIERS)
def test_events_stand_oldest_first_and_each_has_a_key_of_its_own(code: str) -> None:
    snapshots = [
        said
        for _, body in CASES
        for said in everything_in(CARRIERS[code], body.read_bytes())
        if isinstance(said, Snapshot)
    ]
    assert snapshots
    for said in snapshots:
        assert said.events
        assert [event.occurred_at for event in said.events] == sorted(event.occurred_at for event in said.events)
        assert len({event.key for event in said.events}) == len(said.events)
        assert all(event.occurred_at.tzinfo and event.code for event in said.events)


@pytest.mark.parametrize("code", CARRIERS)
def test_nothing_personal_is_read(code: str) -> None:
    bodies = [body.read_bytes() for owner, body in CASES if owner == code]
    assert any(b"PESSOA INVENTADA" in body for body in bodies)
    for body in bodies:
        read = [said for said in everything_in(CARRIERS[code], body) if not isinstance(said, Unreadable)]
        assert "INVENTADA" not in repr(read)


# Damage that takes away and cannot write: a dropped digit may turn any code into that of a delivery.
ONLY_TAKES_AWAY = {"cut", "null", "list"}


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes, str, bytes]:
    """A carrier, one of its recordings, a kind of damage, and what arrives in the recording's place."""
    code, path = draw(st.sampled_from(CASES))
    body = path.read_bytes()
    at, until = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    kind = draw(st.sampled_from(["cut", "hole", "noise", "null", "number", "list", "doubled"]))
    if kind == "cut":
        return code, body, kind, body[:at]
    if kind == "hole":
        return code, body, kind, body[:at] + body[until:]
    if kind == "noise":
        return code, body, kind, body[:at] + draw(st.binary(max_size=8)) + body[at:]
    if kind == "doubled":
        return code, body, kind, body[:at] + body[at:until] * 2 + body[until:]
    try:
        answer = json.loads(body)
    except ValueError:
        return code, body, kind, body[at:]
    put = {"null": None, "number": draw(st.integers() | st.floats(allow_nan=False)), "list": [[]]}[kind]
    return code, body, kind, json.dumps(replaced(draw, answer, put), ensure_ascii=False).encode()


def replaced(draw: st.DrawFn, answer: object, put: object) -> object:
    """``answer`` with one of its values, somewhere, put in place of."""
    if isinstance(answer, dict) and answer:
        name = draw(st.sampled_from(sorted(answer)))
        return {**answer, name: replaced(draw, answer[name], put) if draw(st.booleans()) else put}
    if isinstance(answer, list) and answer:
        at = draw(st.integers(0, len(answer) - 1))
        return [*answer[:at], replaced(draw, answer[at], put), *answer[at + 1 :]]
    return put


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
@example(("correios", b"", "cut", b"[" * 200_000))
@example(("correios", b"", "cut", b'{"objetos":[' + b'{"eventos":' * 100_000))
def test_a_damaged_answer_is_read_or_refused_and_never_makes_a_delivery(case: tuple[str, bytes, str, bytes]) -> None:
    code, original, kind, arrived = case
    found = everything_in(CARRIERS[code], arrived)
    if kind in ONLY_TAKES_AWAY and says_delivered(found):
        assert says_delivered(everything_in(CARRIERS[code], original))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(CARRIERS)), st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_noise_is_unreadable(code: str, body: bytes) -> None:
    assert all(isinstance(said, Unreadable) for said in everything_in(CARRIERS[code], body))
