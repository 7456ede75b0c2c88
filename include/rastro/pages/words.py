"""How the pages say things: times, and which words have a colour. Pure."""

from datetime import UTC, datetime

# The colour of a word; what is not named is plain. Colour never stands without the word.
GOOD, BAD, DOUBT, BUSY = "good", "bad", "doubt", "busy"
TONES = {
    "delivered": GOOD, "sent": GOOD, "success": GOOD, "covered": GOOD, "effective": GOOD,
    "delivery_failed": BAD, "returning": BAD, "returned": BAD, "lost": BAD, "cancelled": BAD, "expired": BAD,
    "dead": BAD, "failed": BAD, "gap": BAD, "upstream_failed": BAD,
    "on_hold": DOUBT, "unknown": DOUBT, "withdrawn": DOUBT, "voided": DOUBT, "up_for_retry": DOUBT,
    "paid": GOOD, "refused": BAD, "open": DOUBT, "filed": BUSY,
    "in_transit": BUSY, "out_for_delivery": BUSY, "ready_for_pickup": BUSY, "owed": BUSY, "claimed": BUSY,
    "running": BUSY, "queued": BUSY,
}  # fmt: skip


def utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def plain(word: str) -> str:
    return word.replace("_", " ")
