"""Mandaê: what its recordings do not reach, the question, and the secret in the address of a push."""

from pathlib import Path

from rastro.access import Access, Account
from rastro.carriers.base import Pushed
from rastro.carriers.mandae import Mandae
from rastro.models import Snapshot

RECORDINGS = Path(__file__).parents[1] / "recordings" / "mandae"


def test_the_token_stands_by_itself() -> None:
    request = Mandae().request_for(["LOJA 7/1"], Access(account=Account(base_url="https://host", password="um-token")))
    assert (request.method, request.path) == ("GET", "/trackings/LOJA%207%2F1")
    assert request.headers["Authorization"] == "um-token"


def test_a_code_of_over_twenty_characters_is_doubted() -> None:
    assert Mandae().doubt_about("A" * 21)
    assert not Mandae().doubt_about("A" * 20)


def test_a_push_is_genuine_by_the_secret_in_its_address() -> None:
    push = Mandae.push
    assert push is not None
    account = Account(base_url="https://host", extra={"push_secret": "só-nós-sabemos"})
    assert push.is_genuine(Pushed(headers={}, body=b"", params={"secret": "só-nós-sabemos"}), account)
    assert not push.is_genuine(Pushed(headers={}, body=b"", params={"secret": "chute"}), account)
    assert not push.is_genuine(Pushed(headers={}, body=b"", params={"secret": ""}), Account(base_url="https://host"))


def test_a_push_is_not_taken_for_all_there_is() -> None:
    push = Mandae.push
    assert push is not None
    (part,) = push.parts((RECORDINGS / "push_delivered.json").read_bytes())
    pushed = Mandae().parse(part.raw, part.references[0])
    asked = Mandae().parse((RECORDINGS / "delivered.json").read_bytes(), part.references[0])
    assert isinstance(pushed, Snapshot)
    assert isinstance(asked, Snapshot)
    assert (pushed.whole, asked.whole) == (False, True)
    assert pushed.events[-1].key == asked.events[-1].key
