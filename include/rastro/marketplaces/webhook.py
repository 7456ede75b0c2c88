"""
A signed webhook to any hub or marketplace that takes them, by the Standard Webhooks specification.

Spec: https://github.com/standard-webhooks/standard-webhooks (v1.0, read 2026-11). The connection: host = the whole URL
to post to; extra ``secret`` (``whsec_`` and 24 to 64 bytes in base64), and while it is being changed also
``secret_previous``, so that a receiver may check with either; ``allow_private`` for an endpoint whose address is
within a private network, which is refused else.
Quirks: the id is the same on every attempt, and the receiver drops a second copy by it. The signature covers the
attempt's own time. Only 2xx is success; a redirect is a failure; 410 says that the endpoint has gone for good. Nothing
personal is in the body.
"""

import base64
import binascii
import hashlib
import hmac
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import parse_qsl, urlsplit

import msgspec

from rastro.access import Account, Field, Tokens
from rastro.errors import Misconfigured, Rejected
from rastro.http import Http, Limits, Request
from rastro.marketplaces.base import Marketplace
from rastro.receivers import Answer, Message, Reading, Receipt

LIMITS = Limits(read_timeout=20.0, call_timeout=30.0, retries=0, max_bytes=64 * 1024)
GONE = 410


def now_in_utc() -> datetime:
    return datetime.now(UTC)


class Webhook:
    """One endpoint."""

    code = "webhook"
    repeat_is_safe = True

    def __init__(
        self,
        account: Account,
        tokens: Tokens | None = None,
        *,
        clock: Callable[[], datetime] = now_in_utc,
        limits: Limits | None = None,
    ) -> None:
        del tokens  # it signs each request
        self._keys, faults = keys_in(account)
        inside = account.extra.get("allow_private", "").lower()
        faults += [] if inside in {"", "true", "false"} else ["extra allow_private is neither true nor false"]
        faults += endpoint_faults(account.base_url, allow_private=inside == "true")
        if faults:
            raise Misconfigured(f"webhook: the connection must be put right: {'; '.join(faults)}")
        self._clock = clock
        # The address may hold a secret of the receiver's, so all of it goes where no message shows it.
        url, _, query = account.base_url.partition("?")
        self._params = tuple(parse_qsl(query, keep_blank_values=True))
        self._path = "/" if url.endswith("/") else ""
        self._http = Http(url, name="webhook", limits=limits or LIMITS)

    def read(self, message: Message) -> Answer:
        del message
        return Answer(reading=Reading.CANNOT_ASK, reason="a webhook cannot be asked; it drops a second copy by its id")

    def write(self, message: Message) -> Receipt:
        """
        :raises Misconfigured: the endpoint says that it has gone.
        :raises Rejected: the order is not delivered yet; nothing else is told here.
        """
        if message.delivered_at is None:
            raise Rejected(f"webhook: order {message.order_id} is not delivered, and nothing else is told here")
        body = msgspec.json.encode(content(message, message.delivered_at))
        identity = message.key.replace(".", "-")
        timestamp = int(self._clock().timestamp())
        answer = self._http.send(
            Request(
                method="POST",
                path=self._path,
                params=self._params,
                body=body,
                headers={
                    "Content-Type": "application/json",
                    "webhook-id": identity,
                    "webhook-timestamp": str(timestamp),
                    "webhook-signature": signatures(self._keys, identity, timestamp, body),
                },
                accept=frozenset({GONE}),
            )
        )
        if answer.status == GONE:
            raise Misconfigured(
                "webhook: the endpoint answered 410, so it has gone for good; take it out of the setting marketplaces "
                "or give its connection the new address"
            )
        return Receipt(status=answer.status, number=identity)


def content(message: Message, delivered_at: datetime) -> dict[str, object]:
    """The body: which order was delivered when, and nothing about whose it is."""
    at = delivered_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {
        "type": "order.delivered",
        "timestamp": at,
        "data": {
            "order_id": message.order_id,
            "marketplace_order_id": message.marketplace_order_id,
            "invoice_number": message.invoice_number,
            "tracking_number": message.tracking_number,
            "courier": message.courier,
            "delivered_at": at,
        },
    }


def signatures(keys: tuple[bytes, ...], identity: str, timestamp: int, body: bytes) -> str:
    """One signature for each key, parted by blanks."""
    signed = f"{identity}.{timestamp}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def keys_in(account: Account) -> tuple[tuple[bytes, ...], list[str]]:
    """The signing keys, the present one first, and what is wrong with them; never their values."""
    keys, faults = [], []
    for name in ("secret", "secret_previous"):
        text = account.extra.get(name, "")
        if not text:
            faults += ["extra secret is missing"] if name == "secret" else []
            continue
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if 24 <= len(key) <= 64 and text.startswith("whsec_"):
            keys.append(key)
        else:
            faults.append(f"extra {name} is not whsec_ and 24 to 64 bytes in base64")
    return tuple(keys), faults


def endpoint_faults(url: str, *, allow_private: bool = False) -> list[str]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ["host is not the whole URL of the endpoint"]
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return ["host must be https"]
    address = address_in(parts.hostname)
    if address and not (is_loopback(parts.hostname) or is_public(address) or allow_private):
        return ["host is an address within a private network; if it is meant, set extra allow_private to true"]
    return []


def address_in(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, in any way that the system's resolver reads; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def is_loopback(host: str) -> bool:
    address = address_in(host)
    return host == "localhost" or (address is not None and address.is_loopback)


MARKETPLACE = Marketplace(
    code="webhook",
    name="Standard Webhooks",
    docs="https://github.com/standard-webhooks/standard-webhooks",
    confidence="A",
    base_url="",
    fields=(
        Field(
            name="host",
            label="Endpoint",
            help="The whole URL to post to.",
            example="https://hub.loja.example/deliveries",
        ),
        Field(
            name="secret",
            label="Signing secret",
            help="whsec_…, shared with the receiver.",
            secret=True,
            example="whsec_…",
        ),
        Field(
            name="secret_previous",
            label="Previous secret",
            help="While the receiver changes over.",
            secret=True,
            required=False,
        ),
        Field(
            name="allow_private",
            label="Private address",
            help="true for an endpoint at an address within one's own network.",
            required=False,
        ),
    ),
    credentials="Agree on a secret with whoever receives it: whsec_ and 24 to 64 random bytes in base64.",
    reads_back=False,
    mails_customer=False,
    requests_per_second=0,
    build=Webhook,
)
