"""The carriers shipped as descriptions: each is sound, and reads its recordings as a careful person would."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rastro import errors
from rastro.access import Access, Account, Token, check
from rastro.carriers.base import Carrier
from rastro.carriers.described import SHIPPED, described
from rastro.carriers.registry import CARRIERS
from rastro.errors import RastroError, Unreadable
from rastro.models import ReferenceKind, Snapshot
from rastro.references import reference_from

from .recordings import Recording, meaning

RECORDINGS = Path(__file__).parents[1] / "recordings_described"
DESCRIBED = described()
NOW = datetime(2026, 11, 25, tzinfo=UTC)
ONE_OF = {
    ReferenceKind.TRACKING_NUMBER: ("EX0000004207",),
    ReferenceKind.INVOICE_KEY: ("35260900000000000191550010000047071000047070",),
    ReferenceKind.INVOICE_NUMBER: ("00000000000191", "4707"),
}


class Described(Recording):
    @property
    def carrier(self) -> Carrier:
        return DESCRIBED[self.code]


CASES = [
    Described(code=folder.name, path=path)
    for folder in sorted(RECORDINGS.iterdir())
    for path in sorted(folder.iterdir())
    if ".expected." not in path.name
]
EACH = pytest.mark.parametrize("recording", CASES, ids=lambda one: f"{one.code}-{one.path.name}")


def test_every_description_has_recordings_and_every_folder_of_recordings_a_description() -> None:
    assert len(SHIPPED) >= 6
    assert {one.code for one in CASES} == set(SHIPPED) == set(DESCRIBED)
    assert not set(DESCRIBED) & set(CARRIERS)


@pytest.mark.parametrize("code", SHIPPED)
def test_a_description_has_a_recording_of_what_it_says_by_itself(code: str) -> None:
    cases = {one.case for one in CASES if one.code == code}
    assert cases >= {"delivered", "returned", "not_found"}  # the rest is the same for all of them


@pytest.mark.parametrize("code", SHIPPED)
def test_a_description_says_who_it_is_and_how_sure(code: str) -> None:
    carrier = DESCRIBED[code]
    assert carrier.code == code
    assert carrier.docs.startswith("https://")
    assert carrier.base_url.startswith("https://")
    assert carrier.credentials.endswith(".")
    assert carrier.unsure
    unverified = "Not verified" in SHIPPED[code].read_text("utf-8")
    assert unverified == (carrier.confidence == "C")


@pytest.mark.parametrize("code", SHIPPED)
def test_a_question_can_be_asked_by_every_kind_of_reference_with_the_fields_of_its_connection(code: str) -> None:
    carrier = DESCRIBED[code]
    extra = {one.name: f"extra-{one.name}" for one in carrier.fields}
    account = Account(base_url=carrier.base_url, login="user", password="secret", extra=extra)
    check(code, account, carrier.fields)
    token = None
    if carrier.login:
        assert carrier.login.request(account, None, NOW).path.startswith("/")
        token = Token(value="a-token", expires_at=NOW)
    for kind in carrier.references:
        request = carrier.request_for([reference_from(kind, *ONE_OF[kind])], Access(account=account, token=token))
        assert "4707" in repr(request) or "EX0000004207" in repr(request)
        assert request.path.startswith("/")
        assert "{" not in request.path


@EACH
def test_a_recording_means_what_its_expectation_says(recording: Described) -> None:
    expected = recording.expected
    if "error" in expected:
        with pytest.raises(getattr(errors, expected["error"]), match=expected.get("says")):
            recording.parts()
        return
    if "unreadable" in expected:
        with pytest.raises(Unreadable, match=expected["unreadable"]):
            recording.parts()
        return
    found = [meaning(recording.carrier, reference, raw) for reference, raw in recording.parts()]
    for said, wanted in zip(found, expected["parcels"], strict=True):
        if "unreadable" in wanted:
            assert wanted.pop("unreadable") in said.pop("unreadable")
        assert said == wanted


@EACH
def test_what_is_read_is_in_order_and_holds_nothing_personal(recording: Described) -> None:
    for said in recording.everything():
        assert isinstance(said, RastroError) or "INVENTADA" not in repr(said).upper()
        if isinstance(said, Snapshot):
            assert [event.occurred_at for event in said.events] == sorted(event.occurred_at for event in said.events)
            assert len({event.key for event in said.events}) == len(said.events)
            assert all(event.code for event in said.events)
