"""A rendered mail in its envelope: whom it is from and to, and headers that tell machines not to answer."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from email_validator import EmailNotValidError, validate_email

from rastro.errors import Misconfigured, Permanent
from rastro.languages import Language
from rastro.mail.render import Rendered, fill
from rastro.wording import plain

# Seven bits pass every server as they are; plain SMTP policy would write eight without announcing them.
WIRE = SMTP.clone(cte_type="7bit")

# VTEX's stand-in for the customer's address. It dies when the order is invoiced, and parcels move after that.
ALIASES = "ct.vtex.com.br"


class BadAddress(Permanent):
    """Nobody can or may be written to at this address; the message shows it masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom mails come from and where answers go; ``reply_to`` empty: to ``address``."""

    name: str
    address: str
    reply_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """
    What makes one mail itself, the same on every attempt.

    ``notice`` is our own id, fit to be shown. ``message_id`` is made from it: ``<notice@domain>``.
    """

    notice: str
    message_id: str
    date: datetime
    language: Language


def compose(
    rendered: Rendered, *, to: str, first_name: str, sender: Sender, stamp: Stamp, link: str = ""
) -> EmailMessage:
    """
    The message to one customer as it goes out, greeting and the link to the tracking page filled in.

    :raises BadAddress: ``to`` is no address, or VTEX's alias of one.
    :raises Misconfigured: the sender's address or the address for answers is none, or a link is missing.
    :raises ValueError: the stamp would break the header it stands in.
    """
    return enveloped(fill(rendered, first_name=first_name, link=link), to=(to,), sender=sender, stamp=stamp)


def enveloped(rendered: Rendered, *, to: Sequence[str], sender: Sender, stamp: Stamp) -> EmailMessage:
    """
    The message with its headers; all of ``to`` see each other.

    :raises BadAddress: one of ``to`` is no address, or VTEX's alias of one.
    :raises Misconfigured: the sender's address or the address for answers is none.
    :raises ValueError: the stamp would break the header it stands in.
    """
    if not re.fullmatch(r"<[^\s<>@]+@[^\s<>@]+>", stamp.message_id, re.ASCII) or not stamp.message_id.isascii():
        raise ValueError(f"{stamp.message_id!r} is no Message-ID of the form <id@domain>")
    if not re.fullmatch(r"[\w.:-]+", stamp.notice, re.ASCII):
        raise ValueError(f"{stamp.notice!r} holds more than letters, digits and . : - _")
    from_address = own_address(sender.address, "mail_from")
    message = EmailMessage(policy=WIRE)
    message["Message-ID"] = stamp.message_id
    message["Date"] = stamp.date
    message["From"] = Address(plain(sender.name), addr_spec=from_address)
    message["To"] = [Address(addr_spec=recipient(address)) for address in to]
    if sender.reply_to:
        message["Reply-To"] = Address(addr_spec=own_address(sender.reply_to, "reply_to"))
    message["Subject"] = " ".join(rendered.subject.split())
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message["X-Rastro-Notice"] = stamp.notice
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    message["Content-Language"] = stamp.language.tag  # set earlier, it would move into the text part alone
    return message


def recipient(address: str) -> str:
    """
    The address in ASCII, its domain in IDNA, as every server takes it.

    :raises BadAddress: it is not exactly one address, needs more than ASCII before the @, or is VTEX's alias.
    """
    try:
        found = validate_email(address.strip(" "), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise BadAddress(
            f"The customer's address {masked(address)} cannot be written to: it must be one plain address such as "
            "name@domain.com; correct it where the order's customer is kept"
        ) from error.with_traceback(None)
    domain = found.ascii_domain.lower()
    if domain == ALIASES or domain.endswith(f".{ALIASES}"):
        raise BadAddress(
            f"The customer's address {masked(address)} is VTEX's alias, which ends when the order is invoiced: "
            "let the source read the real address, or leave mailing to VTEX"
        )
    return f"{found.ascii_local_part}@{domain}"


def own_address(address: str, setting: str) -> str:
    try:
        return recipient(address)
    except BadAddress as error:
        raise Misconfigured(f"{setting} in [rastro] is no e-mail address that mail can come from or go to") from error


def masked(address: str) -> str:
    """What a log may show of an address: ``j***@c***.example``."""
    local, at, domain = re.sub(r"[^ -~]", "", address).strip().rpartition("@")
    if not at or not local or not domain:
        return "***"
    _, dot, last = domain.rpartition(".")
    ending = f".{last}" if dot and last.isalnum() else ""
    return f"{local[0]}***@{domain[0]}***{ending}"


def address_hash(address: str, key: bytes) -> str:
    """What is kept of an address to know it again, 64 hexadecimal digits; useless without the key."""
    return hmac.new(key, address.strip().lower().encode(), hashlib.sha256).hexdigest()
