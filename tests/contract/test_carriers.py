"""What must hold for every carrier in the registry, proven on its recordings and on what can become of them."""

import pkgutil
import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rastro.carriers
from rastro import errors
from rastro.access import Access, Account, Token
from rastro.carriers.base import Asks, Carrier
from rastro.carriers.registry import CARRIERS
from rastro.errors import RastroError, Unreadable
from rastro.http import Request, Response
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import ReferenceKind, Refusal, Snapshot, Status
from rastro.references import FIELDS, reference_from

from .damage import ONLY_TAKES_AWAY, damaged_body
from .recordings import CASES_OF_ALL, RECORDINGS, Recording, all_recordings, meaning
from .test_described_carriers import CASES as CASES_OF_DESCRIBED
from .test_described_carriers import DESCRIBED

CASES = all_recordings()
# What can become of an answer can become of one of a described carrier, too.
EVERYBODY = {**CARRIERS, **DESCRIBED}
EVERY_CASE = [*CASES, *CASES_OF_DESCRIBED]
EACH = pytest.mark.parametrize("recording", CASES, ids=lambda one: f"{one.code}-{one.path.name}")
EACH_OF_ALL = pytest.mark.parametrize("recording", EVERY_CASE, ids=lambda one: f"{one.code}-{one.path.name}")


def says(found: list[Snapshot | Refusal | RastroError], *statuses: Status) -> bool:
    return any(event.status in statuses for said in found if isinstance(said, Snapshot) for event in said.events)


def test_every_carrier_has_recordings_and_every_folder_of_recordings_a_carrier() -> None:
    assert CARRIERS
    assert {one.code for one in CASES} == set(CARRIERS)
    assert {folder.name for folder in RECORDINGS.iterdir() if folder.is_dir()} == {*CARRIERS, *MARKETPLACES}


@pytest.mark.parametrize("code", CARRIERS)
def test_a_carrier_has_a_recording_of_every_case_or_a_sentence_that_says_why_not(code: str) -> None:
    files = [path.name for path in (RECORDINGS / code).iterdir()]
    assert [case for case in CASES_OF_ALL if not any(name.startswith(case) for name in files)] == []
    for name in files:
        if ".none." in name:
            assert len((RECORDINGS / code / name).read_text("utf-8").split()) >= 5


@EACH
def test_every_recording_says_what_it_means(recording: Recording) -> None:
    assert recording.expected.keys() & {"parcels", "unreadable", "error"}


@pytest.mark.parametrize("code", CARRIERS)
def test_a_carrier_is_what_the_registry_calls_it(code: str) -> None:
    carrier = CARRIERS[code]
    assert carrier.code == code
    assert code in {module.name for module in pkgutil.iter_modules(rastro.carriers.__path__)}
    assert carrier.docs.startswith("https://")
    assert carrier.base_url.startswith("https://")
    assert carrier.confidence in {"A", "B", "C"}
    assert carrier.unsure or carrier.confidence == "A"
    assert carrier.credentials.endswith(".")
    assert carrier.references
    assert carrier.requests_per_second > 0
    assert carrier.batch_size >= 1
    assert (carrier.batch_size == 1) or carrier.asks is not Asks.SINGLE


@pytest.mark.parametrize("code", CARRIERS)
def test_a_carriers_claims_are_patterns_that_can_match_what_they_are_searched_in(code: str) -> None:
    claims = CARRIERS[code].claims
    assert claims.names
    for pattern in claims.names:
        assert pattern.isascii(), "accents are removed before it is searched"
        assert not re.search(pattern, "", re.IGNORECASE)
        assert "_" not in pattern, "an underscore is a blank by then"
    for pattern in claims.hosts:
        assert pattern.startswith((r"(^|\.)", r"\.")), "so that no other name may stand before it"
        assert pattern.endswith("$"), "so that no other domain may stand behind it"
    for pattern in (*claims.strong, *claims.weak):
        assert not re.fullmatch(pattern, "")
    assert not (claims.fallback and claims.has_forms), "an aggregator gives out no numbers of its own"


@pytest.mark.parametrize("code", CARRIERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_carriers_claims_say_of_every_number_that_they_match_whether_its_check_digit_fits(
    code: str, data: st.DataObject
) -> None:
    claims = CARRIERS[code].claims
    forms = [re.compile(pattern, re.IGNORECASE | re.ASCII) for pattern in (*claims.strong, *claims.weak)]
    number = data.draw(st.one_of([st.from_regex(form, fullmatch=True) for form in forms] or [st.text(max_size=50)]))
    assert claims.gives_out(number) == bool(forms)
    assert claims.fits(number) in {True, False, None}


HOSTILE = "1/../../x?y=1&z=2#w%2F\\..;a\r\nX-Evil: 1"


def asked_about(carrier: Carrier, kind: ReferenceKind, text: str) -> Request:
    """The call that asks about a reference which consists of this text, by a connection with all fields filled in."""
    extra = {one.name: one.example or "12345678" for one in carrier.fields}
    account = Account(base_url=carrier.base_url, login="12345678", password="12345678", extra=extra)
    token = Token(value="12345678", expires_at=datetime(2100, 1, 1, tzinfo=UTC)) if carrier.login else None
    reference = reference_from(kind, *(text for _ in FIELDS[kind]))
    return carrier.request_for([reference], Access(account=account, token=token))


@pytest.mark.parametrize("code", EVERYBODY)
def test_what_is_asked_about_leads_to_no_other_address_and_into_no_header(code: str) -> None:
    carrier = EVERYBODY[code]
    for kind in carrier.references:
        plain = asked_about(carrier, kind, "35260900000000000191550010000047071000047070")
        try:
            hostile = asked_about(carrier, kind, HOSTILE)
        except RastroError:
            continue
        assert re.fullmatch(r"[!-~]+", hostile.path)
        assert hostile.path.count("/") == plain.path.count("/")
        assert hostile.path.count("?") == plain.path.count("?")
        assert "#" not in hostile.path
        assert {name for name, _ in hostile.params} <= {name for name, _ in plain.params}
        assert hostile.headers.keys() == plain.headers.keys()
        assert "Evil" not in repr(dict(hostile.headers))
        for dots in (".", ".."):
            with suppress(RastroError):
                assert not re.search(r"/\.{1,2}(/|$)", asked_about(carrier, kind, dots).path)


@EACH
def test_a_recording_means_what_its_expectation_says(recording: Recording) -> None:
    carrier, expected = recording.carrier, recording.expected
    if "error" in expected:
        with pytest.raises(getattr(errors, expected["error"]), match=expected.get("says")):
            recording.parts()
        return
    if "unreadable" in expected:
        with pytest.raises(Unreadable, match=expected["unreadable"]) as refused:
            recording.parts()
        assert refused.value.raw == recording.body
        return
    found = [meaning(carrier, reference, raw) for reference, raw in recording.parts()]
    for said, wanted in zip(found, expected["parcels"], strict=True):
        if "unreadable" in wanted:
            assert wanted.pop("unreadable") in said.pop("unreadable")
        assert said == wanted


@EACH_OF_ALL
def test_the_same_answer_is_cut_into_the_same_bytes(recording: Recording) -> None:
    if "parcels" in recording.expected:
        assert recording.parts() == recording.parts()


@EACH_OF_ALL
def test_events_stand_oldest_first_and_each_has_a_key_of_its_own(recording: Recording) -> None:
    for said in recording.everything():
        if isinstance(said, Snapshot):
            assert said.events
            assert [event.occurred_at for event in said.events] == sorted(event.occurred_at for event in said.events)
            assert len({event.key for event in said.events}) == len(said.events)
            assert all(event.occurred_at.tzinfo and event.code for event in said.events)


@pytest.mark.parametrize("code", EVERYBODY)
def test_there_are_readable_recordings(code: str) -> None:
    assert [said for one in EVERY_CASE if one.code == code for said in one.everything() if isinstance(said, Snapshot)]


def test_nothing_personal_is_read() -> None:
    personal = [one for one in EVERY_CASE if b"INVENTADA" in one.body.upper()]
    assert {one.code for one in personal} >= {"correios"}
    for one in personal:
        read = [said for said in one.everything() if not isinstance(said, RastroError)]
        assert "INVENTADA" not in repr(read).upper()


@st.composite
def damaged(draw: st.DrawFn, code: str) -> tuple[Recording, str, bytes]:
    """One of a carrier's recordings, a kind of damage, and what arrives in the recording's place."""
    recording = draw(st.sampled_from([one for one in EVERY_CASE if one.code == code]))
    return recording, *damaged_body(draw, recording.body)


@pytest.mark.parametrize("code", EVERYBODY)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_answer_is_read_or_refused_and_never_makes_a_delivery(code: str, data: st.DataObject) -> None:
    recording, kind, arrived = data.draw(damaged(code))
    found = recording.everything(arrived)
    if kind in ONLY_TAKES_AWAY and says(found, Status.DELIVERED):
        # Where the parcel came back, what was taken away may have been the line of its way back.
        assert says(recording.everything(), Status.DELIVERED, Status.RETURNED)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"objetos":[' + b'{"eventos":' * 100_000, b"<a>" * 100_000])
@pytest.mark.parametrize("code", EVERYBODY)
def test_a_deeply_nested_answer_is_refused(code: str, body: bytes) -> None:
    assert all(isinstance(said, RastroError) for said in everything_in(EVERYBODY[code], body))


@pytest.mark.parametrize("code", EVERYBODY)
@settings(max_examples=30, deadline=None)
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_noise_says_nothing_of_any_parcel(code: str, body: bytes) -> None:
    """Where an empty list is how a carrier says that it has no such parcel, ``[]`` is that."""
    assert not [said for said in everything_in(EVERYBODY[code], body) if isinstance(said, Snapshot)]


def everything_in(carrier: Carrier, body: bytes) -> list[Snapshot | Refusal | RastroError]:
    try:
        parts = list(carrier.split(Response(status=200, body=body), ("AB123456789BR",)))
        return [carrier.parse(raw, reference) for reference, raw in parts]
    except RastroError as error:
        return [error]
