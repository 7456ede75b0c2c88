"""
Melhor Envio: a shipping platform, asked by its own order (label) id; several carriers travel under it.

API docs: https://docs.melhorenvio.com.br (API v2; read 2026-11).
Quirks: it keeps no list of events, only the time of each milestone, in Brasília's time without an offset; the events
here are made of those. A tracking code is no key of the tracking call: where only that is known, the order is searched
for first (204 when there is none), in the same conversation. Answers are cached for an hour on their side, so that
asking more often brings nothing. ``User-Agent`` must name a contact. An access token lasts 30 days; the refresh token
that comes with it lasts 45 and works once. A token made by hand in the panel needs no login at all. The webhook
concerns only labels that the same app made; ``X-ME-Signature`` is the Base64 of HMAC-SHA256 over the raw body, keyed
by the app's secret; a call without an order is a test.

Guesses: an order it does not know is left out of the answer, or has ``error`` in it (an answer about none at all is not
believed); ``undelivered`` is an attempt that failed, though it may be on its way back already. A state without a
milestone of its own (undelivered, received, suspended, paused) is dated by the last milestone before it, since nothing
else dates it. ``delivered_at`` counts as a delivery only while the state says delivered, too.

What an order means is :mod:`rastro.carriers.melhor_envio_order`.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import msgspec

from rastro import typed
from rastro.access import Access, Account, Field, Token
from rastro.carriers import lines
from rastro.carriers.base import Answered, Asking, Asks, Carrier, Part, Push, Pushed
from rastro.carriers.melhor_envio_order import MILESTONES, STATES, Order, history
from rastro.errors import Misconfigured, RastroError, Transient, Unreadable
from rastro.http import Request, Response
from rastro.models import ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.oauth import OAuth
from rastro.redaction import excerpt
from rastro.references import ABSENT, kind_of, parts_of, reference_from
from rastro.routing import Claims, folded

ORDER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
UNKNOWN_ORDER = r"not found|nao (foi )?(encontrad|localizad)|nao existe|\binvalid"
SIGNATURE = "x-me-signature"  # the header of a push; without it Melhor Envio tries whether an address is there


class Notification(msgspec.Struct):
    event: str
    data: Order | None = None


class Found(msgspec.Struct):
    data: list[Order]


class MelhorEnvioLogin(OAuth):
    """The app's refresh token for an access token and the next refresh token."""

    __slots__ = ()

    def request(self, account: Account, held: Token | None, now: datetime) -> Request:
        wanted = {"login": account.login, "password": account.password}
        if lacking := [name for name, value in wanted.items() if not value]:
            raise Misconfigured(
                f"{self.code}: the connection lacks {' and '.join(lacking)}; give it the app's client id, secret and "
                "first refresh token, or extra.token, made in the panel"
            )
        request = super().request(account, held, now)
        return replace(request, headers={**request.headers, "User-Agent": agent(account)})


class MelhorEnvioPush:
    """The webhook, one order a call."""

    answer = b""
    scheme = "the app's secret, or `push_secret` where another app made the webhook: an HMAC of the body"
    query = ""
    verified_by = (("password",), ("push_secret",))

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        secret = account.extra.get("push_secret", "") or account.password
        if not secret:
            return False
        expected = base64.b64encode(hmac.digest(secret.encode(), pushed.body, hashlib.sha256))
        return hmac.compare_digest(pushed.headers.get(SIGNATURE, "").encode(), expected)

    def parts(self, body: bytes) -> Iterator[Part]:
        order = lines.decoded(body, Notification, MelhorEnvio.code).data
        if order is None or not order.id or not any(getattr(order, f"{name}_at") for name in MILESTONES):
            return  # a test, or an order that nothing datable has happened to
        known_by = (reference_from(ReferenceKind.CARRIER_ID, order.id), *order.numbers)
        yield Part(references=known_by, raw=body)


class MelhorEnvio(Carrier):
    code = "melhor_envio"
    name = "Melhor Envio"
    docs = "https://docs.melhorenvio.com.br"
    confidence = "A"
    unsure = (
        "How an unknown order is answered is a guess, and whether “undelivered” is still on its way or already coming "
        "back is not said."
    )
    base_url = "https://www.melhorenvio.com.br"
    fields = (
        Field(name="contact", label="Contact e-mail", help="Named to Melhor Envio with each call, as it demands."),
        Field(name="login", label="Client id", help="Of your app at Melhor Envio.", required=False),
        Field(name="password", label="Client secret", help="Signs the webhook, too.", secret=True, required=False),
        Field(
            name="refresh_token",
            label="First refresh token",
            help="From the app's consent with scope shipping-tracking. Each works once; Rastro keeps the later ones.",
            secret=True,
            required=False,
        ),
        Field(
            name="token",
            label="Token made in the panel",
            help="In place of client id, secret and refresh token.",
            secret=True,
            required=False,
        ),
        Field(
            name="push_secret",
            label="Webhook secret",
            help="Secret of the app that registered the webhook, where it is another one.",
            secret=True,
            required=False,
        ),
        Field(name="host", label="Address", help="https://sandbox.melhorenvio.com.br for the sandbox.", required=False),
    )
    credentials = (
        "Register an app in Melhor Envio's panel and consent to it once, or make a token there, in either case with "
        "the scope shipping-tracking."
    )
    references = (ReferenceKind.CARRIER_ID, ReferenceKind.TRACKING_NUMBER)
    asks = Asks.BATCH
    batch_size = 50  # no limit is published
    requests_per_second = 4.0  # 250 a minute for one user
    statuses: ClassVar[Mapping[str, Status]] = {word: status for word, (status, _) in STATES.items()}
    login = MelhorEnvioLogin(
        code="melhor_envio", path="/oauth/token", grant="refresh_token", body="json", ready="token"
    )
    claims = Claims(
        names=(r"\bmelhor ?(envio|rastreio)\b", r"^me [a-z.].* [0-9]+$"),  # its services: "ME_STANDARD_33"
        strong=(r"ME[0-9]{2}(?![0-9]{7}BR)[0-9A-Z]{7}BR", ORDER_ID.pattern),  # with digits alone it is an S10 number
        hosts=(r"(^|\.)melhorenvio\.com\.br$", r"(^|\.)melhorrastreio\.com\.br$"),
        gateway=True,
    )
    push: ClassVar[Push | None] = MelhorEnvioPush()
    push_signature = SIGNATURE

    def page_about(self, number: str) -> str:
        return f"https://www.melhorrastreio.com.br/rastreio/{number}" if number.isalnum() else ""

    def ask(self, references: Sequence[str], access: Access) -> Asking:
        """The ids of those that are known by their tracking code only, one search each, then all of them at once."""
        ids, parts, trouble = yield from self._searched(references, access)
        if ids:
            asked = tuple(dict.fromkeys(ids.values()))
            try:
                response = yield self.request_for(asked, access)
                told = dict(self.split(response, asked))
                parts |= {reference: told[known] for reference, known in ids.items()}
            except (Unreadable, Transient) as error:
                if isinstance(error, Transient) and not parts:
                    raise
                trouble = error
        return Answered(parts=parts, trouble=trouble)

    def probe(self, access: Access) -> Asking:
        """By the search, since it is not known how an order that is not there is told from a sound answer."""
        return self.ask((ABSENT[ReferenceKind.TRACKING_NUMBER],), access)

    def _searched(
        self, references: Sequence[str], access: Access
    ) -> Generator[Request, Response, tuple[dict[str, str], dict[str, bytes], RastroError | None]]:
        """What each of these is asked about by, the parts about those that no order has, and what kept one from it."""
        parts: dict[str, bytes] = {}
        ids: dict[str, str] = {}
        trouble: RastroError | None = None  # of one answer; what the others say is kept
        for reference in references:
            known = id_in(reference)
            if not known:
                try:
                    known = found_in((yield self._search(reference, access)), reference)
                except Unreadable as error:
                    trouble = error
                    continue
                except Transient as error:
                    if not parts and not ids:
                        raise
                    return ids, parts, error  # the rest would fare no better
            if known:
                ids[reference] = reference_from(ReferenceKind.CARRIER_ID, known)
            else:
                parts[reference] = b"null"
        return ids, parts, trouble

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        """Only for references that are, or hold, the order's id."""
        return Request(
            method="POST",
            path="/api/v2/me/shipment/tracking",
            headers=headers(access),
            json={"orders": [parts_of(reference)[0].lower() for reference in references]},
        )

    def _search(self, reference: str, access: Access) -> Request:
        return Request(
            method="GET",
            path="/api/v2/me/orders/search",
            params=(("q", parts_of(reference)[0]),),
            headers=headers(access),
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        orders = lines.decoded(response.body, dict[str, msgspec.Raw], self.code)
        told = {key.lower(): bytes(raw) for key, raw in orders.items()}
        if not told or not all(raw.startswith((b"{", b"null")) for raw in told.values()):
            said = excerpt(response.body)
            raise Unreadable(f"{self.code}: the answer holds no orders ({said or 'nothing'})", raw=response.body)
        if asked:
            return iter([(reference, told.get(parts_of(reference)[0].lower(), b"null")) for reference in asked])
        return iter([(name_of(key, raw), raw) for key, raw in told.items()])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        order, whole = order_in(raw)
        if order is None:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no such order")
        if order.error and not order.status:
            if not re.search(UNKNOWN_ORDER, folded(order.error)):
                raise Unreadable(f"{self.code}: an order with an error of its own", raw=raw, reference=reference)
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message=order.error)
        try:
            events = history(order)
        except lines.UNREADABLE as error:
            reason = f"{self.code}: a milestone makes no sense ({error})"
            raise Unreadable(reason, raw=raw, reference=reference) from error
        if not events:
            raise Unreadable(f"{self.code}: an order without any time", raw=raw, reference=reference)
        return Snapshot(reference=reference, events=events, whole=whole)


def agent(account: Account) -> str:
    return f"Rastro ({account.extra.get('contact', '')})"


def headers(access: Access) -> dict[str, str]:
    """
    :raises Misconfigured: there is no token of either kind.
    """
    token = access.account.extra.get("token", "") or (access.token.value if access.token else "")
    if not token:
        raise Misconfigured("melhor_envio: no token was obtained and the connection holds no extra.token")
    return {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": agent(access.account)}


def id_in(reference: str) -> str:
    """The order's id that a reference is; empty for a tracking code."""
    number = parts_of(reference)[0]
    is_id = kind_of(reference) is ReferenceKind.CARRIER_ID or ORDER_ID.fullmatch(number)
    return number if is_id else ""


def found_in(response: Response, reference: str) -> str:
    """
    The id of the order that a search found under exactly this tracking code, the newest one; empty when there is none.

    :raises Unreadable: the answer is no list of orders.
    """
    if response.status == 204:
        return ""
    if response.body.lstrip().startswith(b"["):  # both shapes are seen
        orders = lines.decoded(response.body, list[Order], MelhorEnvio.code)
    else:
        orders = lines.decoded(response.body, Found, MelhorEnvio.code).data
    number = normalise(parts_of(reference)[0])
    fitting = [order for order in orders if order.id and number in order.numbers]
    return max(fitting, key=lambda order: order.created_at or "").id or "" if fitting else ""


def name_of(key: str, raw: bytes) -> str:
    """What an order that nobody asked about is called: its tracking code, or its id as long as it has none."""
    try:
        numbers = typed.decode(raw, Order, strict=False).numbers
    except lines.UNREADABLE:
        numbers = ()
    return numbers[0] if numbers else reference_from(ReferenceKind.CARRIER_ID, key)


def order_in(raw: bytes) -> tuple[Order | None, bool]:
    """The order of an answer, or of a push, which is not all there is to tell; None for one that is not known."""
    if raw == b"null":
        return None, True
    named = lines.decoded(raw, dict[str, msgspec.Raw], MelhorEnvio.code)
    if "event" in named and "data" in named:
        return lines.decoded(bytes(named["data"]), Order, MelhorEnvio.code), False
    return lines.decoded(raw, Order, MelhorEnvio.code), True
