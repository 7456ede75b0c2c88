"""How each carrier that pushes signs, and a recorded message of it."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote

from rastro.access import Account
from rastro.carriers.base import Push, Pushed
from rastro.carriers.registry import CARRIERS

from .recordings import all_recordings

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


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def mac(body: bytes) -> str:
    return base64_of(hmac.digest(SECRET.encode(), body, hashlib.sha256))


def digest_of_form(body: bytes) -> str:
    content = parse_qs(body.decode())["bizContent"][0]
    return base64_of(hashlib.md5(f"{content}{SECRET}".encode(), usedforsecurity=False).digest())


# What signs the body comes first; what only shows that the sender knows a secret, below.
SIGNED: dict[str, Callable[[bytes], Signed]] = {
    "aftership": lambda body: Signed(headers={"aftership-hmac-sha256": mac(body)}),
    "jt_express": lambda body: Signed(headers={"digest": digest_of_form(body)}),
    "melhor_envio": lambda body: Signed(headers={"x-me-signature": mac(body)}),
    "track17": lambda body: Signed(headers={"sign": hashlib.sha256(body + b"/" + SECRET.encode()).hexdigest()}),
    "frenet": lambda _: Signed(params={"secret": SECRET}),
    "intelipost": lambda _: Signed(headers={"api-key": SECRET}),
    "loggi": lambda _: Signed(headers={"authorization": f"Basic {base64_of(f'invented-user:{SECRET}'.encode())}"}),
    "mandae": lambda _: Signed(params={"secret": SECRET}),
}
KNOW_A_SECRET = {"frenet", "intelipost", "loggi", "mandae"}


def message_of(code: str) -> bytes:
    """A recorded message with news in it."""
    return next(
        one.body for one in all_recordings() if one.code == code and one.expected.get("push") and says_something(one)
    )


def says_something(recording) -> bool:
    return any(parcel.get("events") for parcel in recording.expected.get("parcels", ()))


def forged(code: str, body: bytes) -> list[tuple[Signed, bytes]]:
    """Messages that somebody else may send: proofs of the same length, of other lengths, of none, another body."""
    true = SIGNED[code](body)
    other = ("A" if true.proof[-4] != "A" else "B").join((true.proof[:-4], true.proof[-3:]))
    assert len(other) == len(true.proof)
    proofs = [other, true.proof[:-1], f"{true.proof}A", "", "\u00e9", true.proof[::-1]]
    messages = [(true.proving(proof), body) for proof in proofs] + [(Signed(), body)]
    if code not in KNOW_A_SECRET:
        changed = body.replace(b"0", b"1", 1)
        assert changed != body
        messages.append((true, changed))
    return messages
