"""
Handing in a mail that is owed, whoever it is for.

The exact message is stored and committed before the mail server sees it, so that a crash on the way leaves a trace.
"""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import msgspec
from psycopg import Connection

from rastro.errors import CredentialsRefused, Doubtful, Misconfigured, RastroError, RateLimited, Transient, Unreadable
from rastro.http import Pace
from rastro.mail.render import Rendered
from rastro.mail.replies import Unreachable
from rastro.mail.smtp import Postman
from rastro.models import NoticeState
from rastro.pipeline.tell import Figures
from rastro.sending import Claimed, Settlement, hindered, later, mail_in_doubt
from rastro.settings import Settings
from rastro.warehouse import outbox


def hand_in(
    conn: Connection[Any],
    notices: Sequence[Claimed],
    rendered: Rendered,
    message: EmailMessage,
    *,
    recipient: str,
    recipient_hash: str,
    claimed_by: str,
    lease_until: datetime,
    postman: Postman,
    pace: Pace,
    together: bool = False,
) -> Settlement | None:
    """
    The mail is with the server; None when the claim was lost meanwhile, and nothing was sent.

    :param recipient: masked, as it is stored.
    :param together: the mail may have several recipients.
    :raises RastroError: what the server said instead.
    """
    ours = outbox.hand_over(
        conn, notices, rendered=msgspec.to_builtins(rendered), message_id=str(message["Message-ID"]),
        recipient=recipient, recipient_hash=recipient_hash, claimed_by=claimed_by,
        lease_until=lease_until,
    )  # fmt: skip
    if not ours:
        conn.rollback()
        return None
    conn.commit()
    pace.wait()
    reply = postman.send(message, together=together)
    return Settlement(state=NoticeState.SENT, outcome="accepted", answer=f"{reply.code} {reply.text}")


def unsent(
    error: RastroError, notices: Sequence[Claimed], settings: Settings, now: datetime, figures: Figures
) -> Settlement:
    """What follows from an error that is not about the recipient; one that bars the way for all mails stops them."""
    match error:
        case CredentialsRefused() | Misconfigured() | RateLimited() | Unreachable():
            figures.stop(error)
            return hindered(error, notices, now)
        case Doubtful():
            return mail_in_doubt(error, notices, settings, now)
        case Transient() | Unreadable():
            return later(error, notices, settings, now)
    return Settlement(state=NoticeState.DEAD, reason=str(error))


def message_id(notices: Sequence[Claimed], kind: str, settings: Settings) -> str:
    """The id under which these notices may have arrived; for any other mail one that is made from our own row."""
    domain = settings.mail_from.rpartition("@")[2]
    known = notices[0].message_id if notices[0].doubtful else ""
    return known or f"<rastro.{notices[0].notice_id}.{kind}@{domain}>"
