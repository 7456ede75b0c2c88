"""
Every carrier that pushes, and a recorded message of it with the proof that came with it.

The proof stands in the expectation, as ``push``: ``headers`` or ``params`` of the request, as the carrier makes them
for the connection :data:`ACCOUNT`; ``of_any_body`` where it only shows that the sender knows a secret.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from rastro.access import Account
from rastro.carriers.base import Push, Pushed
from rastro.carriers.registry import CARRIERS

from .recordings import Recording, all_recordings

SECRET = "invented-secret"
ACCOUNT = Account(
    base_url="https://carrier.example",
    login="invented-login",
    password=SECRET,
    extra={"push_user": "invented-user", "push_password": SECRET, "push_secret": SECRET},
)
PUSHING: dict[str, Push] = {code: carrier.push for code, carrier in CARRIERS.items() if carrier.push}


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What goes with a body: a header, or parameters of the address; either proves who sends it."""

    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    of_any_body: bool = False

    @property
    def query(self) -> str:
        return "".join(f"?{name}={quote(value, safe='')}" for name, value in self.params.items())

    @property
    def proof(self) -> str:
        (one,) = (*self.headers.values(), *self.params.values())
        return one

    def proving(self, proof: str) -> "Signed":
        """The same with another proof."""
        return Signed(headers=dict.fromkeys(self.headers, proof), params=dict.fromkeys(self.params, proof))

    def pushed(self, body: bytes) -> Pushed:
        return Pushed(headers=self.headers, params=self.params, body=body)


def proven(code: str) -> Recording:
    """The recorded message that has its proof beside it."""
    (one,) = (one for one in all_recordings() if one.code == code and isinstance(one.expected.get("push"), dict))
    return one


def message_of(code: str) -> bytes:
    """A recorded message with news in it."""
    return proven(code).body


def signed(code: str) -> Signed:
    """What comes with :func:`message_of`."""
    return Signed(**proven(code).expected["push"])


def forged(code: str) -> list[tuple[Signed, bytes]]:
    """Messages that somebody else may send: proofs of the same length, of other lengths, of none, another body."""
    true, body = signed(code), message_of(code)
    other = ("A" if true.proof[-4] != "A" else "B").join((true.proof[:-4], true.proof[-3:]))
    assert len(other) == len(true.proof)
    proofs = [other, true.proof[:-1], f"{true.proof}A", "", "\u00e9", true.proof[::-1]]
    messages = [(true.proving(proof), body) for proof in proofs] + [(Signed(), body)]
    if not true.of_any_body:
        changed = body.replace(b"0", b"1", 1)
        assert changed != body
        messages.append((true, changed))
    return messages
