"""The letter about a week's deliveries: sent once to the colleagues who are named, whatever is rerun."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rastro.errors import Doubtful, Permanent, RastroError, Transient
from rastro.languages import Language
from rastro.letter import Named, Span
from rastro.mail.compose import Sender, Stamp, enveloped
from rastro.mail.letter import Written, as_mail, with_plots, write
from rastro.mail.smtp import Postman
from rastro.warehouse import letter as letters
from rastro.warehouse.connect import Connect
from rastro.warehouse.report import reported_until

LOCAL = ZoneInfo("America/Sao_Paulo")
MOST_ATTEMPTS = 2  # whose end is in doubt
LEASE = timedelta(minutes=30)  # that an attempt is left to itself
SOON = 600.0  # seconds between tries of what a little time may mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What sending a letter needs."""

    connect: Connect
    postman: Callable[[], Postman]
    sender: Sender
    to: tuple[str, ...]
    language: Language
    named: Named
    clock: Callable[[], datetime]


def written(connect: Connect, span: Span, carrier: str, language: Language, named: Named) -> Written:
    with connect() as conn:
        letter = letters.read(conn, span, carrier)
    return write(letter, language, named)


def end_of(span: Span) -> datetime:
    return datetime.combine(span.last + timedelta(days=1), datetime.min.time(), LOCAL).astimezone(UTC)


def send(sending: Sending, span: Span) -> bool:
    """
    Mail the letter to all of them in one message; false when it was sent before.

    An attempt whose end is in doubt is made once more, with the same Message-ID; then a person decides.

    :raises Transient: the reports have not come so far, another attempt is under way, or the server takes nothing now.
    :raises Permanent: it was tried often enough, or is not taken.
    """
    with sending.connect() as conn:
        until = reported_until(conn)
    if until is None or until < end_of(span):
        told = f"reach {until:%Y-%m-%d %H:%M} UTC" if until else "have not begun"
        said = f"The reports {told}, and the letter tells of days until {span.last}: run report_deliveries"
        raise Transient(said, retry_after=SOON)
    written_out = written(sending.connect, span, "", sending.language, sending.named)
    claimed = claim(sending, span)
    if claimed is None:
        return False
    stamp = Stamp(notice=f"letter.{span.first}", message_id=claimed, date=sending.clock(), language=sending.language)
    message = enveloped(as_mail(written_out), to=sending.to, sender=sending.sender, stamp=stamp)
    try:
        with sending.postman() as postman:
            postman.send(with_plots(message, written_out), together=True)
    except Doubtful:
        raise
    except RastroError:
        with sending.connect() as conn:
            letters.release(conn, span)
        raise
    with sending.connect() as conn:
        letters.settle(conn, span, sending.clock())
    return True


def claim(sending: Sending, span: Span) -> str | None:
    """The Message-ID to send it with; None when it was sent."""
    domain = sending.sender.address.rpartition("@")[2]
    now = sending.clock()
    with sending.connect() as conn:
        wanted = f"<rastro.letter.{span.first}.{span.last}@{domain}>"
        if claimed := letters.claim(conn, span, wanted, now, most=MOST_ATTEMPTS, lease=LEASE):
            return claimed
        so_far = letters.so_far(conn, span)
    if so_far.sent_at:
        return None
    if so_far.attempts < MOST_ATTEMPTS:
        raise Transient(
            f"The letter is being sent, or broke off: it is tried again from {so_far.claimed_at + LEASE:%H:%M} UTC on",
            retry_after=SOON,
        )
    raise Permanent(
        "The letter may have been sent twice by now, and no server's word is known: look whether it came; "
        "rastro report writes it as a page"
    )
