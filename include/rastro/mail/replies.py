"""
What an SMTP server's words mean for a mail, sorted by what to do next.

The class of the code counts first, then the enhanced code, the wording never (RFC 5321 4.2.1, RFC 3463). 5.1.x speaks
of the recipient's address, except 5.1.7 and 5.1.8, which speak of the sender's; 5.7.x is policy, and no recipient's
fault.
"""

import re
import smtplib
import ssl
from dataclasses import dataclass
from enum import StrEnum

from rastro.errors import CredentialsRefused, Misconfigured, Permanent, RastroError, RateLimited, Transient
from rastro.redaction import redact

# Seconds until it is worth trying again: a server that asks for a slower pace, a busy, greylisting or absent one, a
# full mailbox.
SOON, LATER, MUCH_LATER = 120.0, 300.0, 6 * 3600.0

CREDENTIALS = frozenset({530, 534, 535, 538})
OUT_OF_STEP = frozenset({500, 502, 503, 504})  # we and the server are not at the same point of the talk
MAILBOX_FULL = frozenset({522, 552})
SENDERS_FAULT = frozenset({"1.7", "1.8"})


class HardRefusal(Permanent):
    """The recipient's mailbox or domain does not exist: suppress the address."""


class MessageRefused(Permanent):
    """The server will not take this message; the address itself may be good, so it is not suppressed."""


class Unreachable(Transient):
    """The server cannot be used now. That is no fault of the mail: leave it and all the others for later."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said last; for an accepted mail usually with its own queue id."""

    code: int
    text: str

    @property
    def kind(self) -> str:
        """The enhanced status code (RFC 3463) without its class, such as ``1.1`` of 5.1.1; empty when there is none."""
        found = re.match(rf"{self.code // 100}\.(\d{{1,3}}\.\d{{1,3}})\b", self.text)
        return found[1] if found else ""


class Stage(StrEnum):
    """How far a mail has come; the value is how a message names it."""

    GREETING = "the greeting"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "the recipient"
    MESSAGE = "the message"


def reply_from(answer: tuple[int, bytes], *recipients: str) -> Reply:
    """A reply as it may be shown: one bounded line without anybody's address."""
    text = " ".join(answer[1].decode("utf-8", "replace").split())
    for recipient in recipients:
        text = re.sub(re.escape(recipient), "…", text, flags=re.IGNORECASE)
    return Reply(answer[0], redact(text)[:200])


def refusal(stage: Stage, reply: Reply, at: str) -> RastroError:
    """What a reply that is not the one hoped for means. ``at`` names the server."""
    said = f"{at} answered {reply.code} to {stage} ({reply.text})"
    if stage in {Stage.GREETING, Stage.LOGIN} or reply.code in CREDENTIALS:
        return kept_out(stage, reply, said)
    if reply.code < 500 or reply.code in OUT_OF_STEP or mailbox_is_full(stage, reply):
        return postponed(stage, reply, said)
    return refused(stage, reply, said)


def kept_out(stage: Stage, reply: Reply, said: str) -> RastroError:
    if reply.code in CREDENTIALS or (stage is Stage.LOGIN and reply.code >= 500):
        return CredentialsRefused(f"{said}: check login and password of the SMTP connection")
    return Unreachable(f"{said}: the server takes no mail from us now; try again later", retry_after=LATER)


def postponed(stage: Stage, reply: Reply, said: str) -> RastroError:
    if mailbox_is_full(stage, reply):
        return Transient(f"{said}: the mailbox is full; try again in some hours", retry_after=MUCH_LATER)
    if reply.code == 454:
        return RateLimited(f"{said}: too fast for the server, the rest is left for later", retry_after=SOON)
    return Transient(f"{said}: not now; try again later", retry_after=LATER)


def refused(stage: Stage, reply: Reply, said: str) -> RastroError:
    too_large = reply.kind == "3.4" or reply.code == 552
    if reply.kind in SENDERS_FAULT or (stage is Stage.SENDER and not too_large):
        return Misconfigured(f"{said}: check mail_from in [rastro] and what the SMTP account may send as")
    if reply.kind.startswith("1."):  # a bare 550 may as well be a relay that does not know us, so it suppresses nobody
        return HardRefusal(f"{said}: there is no such mailbox, so it is not written to again")
    return MessageRefused(
        f"{said}: the message is refused, not the mailbox; if others are refused too, check the sender's SPF, DKIM, "
        "DMARC and standing"
    )


def mailbox_is_full(stage: Stage, reply: Reply) -> bool:
    return reply.kind == "2.2" or (not reply.kind and stage is Stage.RECIPIENT and reply.code in MAILBOX_FULL)


def opening_failure(stage: Stage, error: OSError, at: str) -> RastroError:
    """Why there is no connection to send over. None of it is the fault of any mail."""
    match error:
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=said):
            return refusal(stage, reply_from((code, said if isinstance(said, bytes) else said.encode())), at)
        case smtplib.SMTPServerDisconnected() | ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return Unreachable(f"{at} hung up or was silent at {stage}; try again later", retry_after=LATER)
        case smtplib.SMTPException():
            return Misconfigured(f"{at} offers no way to log in that we know: is this the port for handing in mail?")
        case ssl.SSLCertVerificationError(verify_message=why):
            return Misconfigured(f"{at}: its certificate is not trusted ({why}): check the host name and certificate")
        case ssl.SSLError():
            return Misconfigured(f"{at} speaks no TLS that we do: check the port, disable_ssl and disable_tls")
    why = error.strerror or type(error).__name__
    return Unreachable(f"{at}: no connection ({why}); is the host right and the server up?", retry_after=LATER)
