"""
What the scans of a J&T history mean, in Brazil (logistics trace, read 2026-11).

``scanType`` is a Portuguese phrase in any case, or a number; ``scanTypeCode``, where it is given, numbers the scans in
another way. The history stands newest first, and several scans share a second. Times are Brasília's without an offset.
``desc`` can name whoever carried or took the parcel; then it is not kept.

Guesses: the codes of ``scanTypeCode`` are those that the platform has in other countries. What follows the scan of a
return is on the way back, and what is signed for then is back with its sender, unless a code says that the recipient
has it. A pushed signature comes without what was before: it counts only where a code says whose it is, and is left
unknown until the parcel is asked about. A problem is a failed attempt, a loss or a hold by the words of its reason.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from rastro.carriers import lines
from rastro.models import Event, Proof, Status
from rastro.redaction import redact
from rastro.routing import folded

RETURN = r"devolu|devolvid|\bretorno\b"
WORDS: lines.Words = (  # of scanType and scanTypeName
    (rf"assinatura.*({RETURN}|remetente)", Status.RETURNED),
    (RETURN, Status.RETURNING),
    (r"pacote problematico", Status.ON_HOLD),
    (r"pacote nao expedido", Status.ON_HOLD),
    (r"saida para entrega|saiu para entrega", Status.OUT_FOR_DELIVERY),
    (r"assinatura de encomenda", Status.DELIVERED),
    (r"coleta de encomenda|carregamento|expedicao", Status.IN_TRANSIT),
    (r"chegadas? ao centro|digitalizacao de descarga|bipe de recebimento", Status.IN_TRANSIT),
)
NUMBERS: Mapping[str, Status] = {  # of scanType
    "1": Status.IN_TRANSIT,  # collected
    "3": Status.IN_TRANSIT,  # at a hub, as 4 and 5
    "4": Status.IN_TRANSIT,
    "5": Status.IN_TRANSIT,
    "10": Status.DELIVERED,  # signed for
    "11": Status.ON_HOLD,  # a problem
    "12": Status.RETURNING,
    "13": Status.ON_HOLD,  # the collection failed
}
CODES: Mapping[str, Status] = {  # of scanTypeCode
    "10": Status.IN_TRANSIT,  # collected
    "20": Status.IN_TRANSIT,  # left a hub
    "30": Status.IN_TRANSIT,  # arrived at one
    "94": Status.OUT_FOR_DELIVERY,
    "100": Status.DELIVERED,  # signed for by the recipient
    "101": Status.RETURNED,  # signed for by the sender
    "110": Status.ON_HOLD,  # a problem
    "172": Status.RETURNING,
    "173": Status.RETURNED,
    "301": Status.LOST,
    "302": Status.LOST,  # disposed of
}
STATUSES: Mapping[str, Status] = {**NUMBERS, **{f"scanTypeCode {code}": status for code, status in CODES.items()}}

# What the words of a problem give as its reason.
REASONS: lines.Words = (
    (r"extravi|perdid|\broub|\bfurt", Status.LOST),
    (RETURN, Status.RETURNING),
    (r"ausente|recus|endereco|mudou|desconhecid|tentativa", Status.DELIVERY_FAILED),
    (r"nao (foi )?(entregue|localizad|encontrad|atend)", Status.DELIVERY_FAILED),
)
# What the words of a signature deny.
DENIED: lines.Words = (
    (rf"{RETURN}|\b(ao|pelo) remetente", Status.RETURNED),
    (r"nao (foi )?(entregue|assinad)", Status.DELIVERY_FAILED),
)
ON_THE_WAY = {Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED}
NAMES_SOMEBODY = (
    r"\b(assinad|recebid|entreg|coletad)\w*(:| (por|pel[oa]|ao?)\b(?! (destinatari|remetente|cliente)))"
    r"|entregador|motorista|recebedor|\d{4}-?\d{4}"
)


class Scan(msgspec.Struct, rename="camel"):
    scan_time: str
    scan_type: str | int | None = None
    scan_type_code: str | int | None = None
    scan_type_name: str | None = None
    desc: str | None = None
    scan_network_name: str | None = None
    scan_network_city: str | None = None
    scan_network_province: str | None = None
    sig_pic_url: str | None = None
    electronic_signature_pic_url: str | None = None

    @property
    def kind(self) -> str:
        """``scanType``, a phrase or a number."""
        return text_of(self.scan_type)

    @property
    def code(self) -> str:
        return text_of(self.scan_type_code)

    @property
    def phrase(self) -> str:
        """What the scan is called; empty where there are only numbers."""
        return next((text for text in (self.kind, text_of(self.scan_type_name)) if not is_number(text)), "")

    @property
    def label(self) -> str:
        """The code it is known by: its kind, its number with the other one beside it, or what it is called."""
        kind = self.kind if is_number(self.kind) else ""
        return f"{kind} {self.code}".strip() if kind else lines.as_code(self.phrase) or self.code or "?"

    @property
    def is_problem(self) -> bool:
        return "pacote problematico" in folded(self.phrase) or self.kind == "11" or self.code == "110"


def history(scans: Sequence[Scan], *, pushed: bool) -> tuple[Event, ...]:
    """
    The scans, oldest first; what they mean together.

    :raises ValueError: a time makes no sense.
    """
    times = [lines.moment(scan.scan_time) for scan in scans]
    in_order = lines.oldest_first(list(zip(scans, times, strict=True)), times)
    events, sure, problems = [], set(), set()
    for scan, at in sorted(in_order, key=lambda one: one[1]):
        status = meaning(scan)
        key = f"{scan.label} {at.isoformat()} {lines.as_code(scan.scan_network_name or '')}"
        if CODES.get(scan.code) is Status.DELIVERED:
            sure.add(key)
        if scan.is_problem:
            problems.add(key)  # it gives reasons, and a return may never come of them
        events.append(
            Event(
                key=key,
                occurred_at=at,
                status=status,
                code=scan.label,
                description=description(scan),
                city=(scan.scan_network_city or "").strip(),
                state=(scan.scan_network_province or "").strip(),
            )
        )
    told = lines.history(events, sure=sure, aside=problems)
    if not pushed:
        return told
    return tuple(
        replace(one, status=Status.UNKNOWN) if one.status is Status.DELIVERED and one.key not in sure else one
        for one in told
    )


def meaning(scan: Scan) -> Status:
    """What one scan means by itself: by its phrase, else by its numbers."""
    by_code = CODES.get(scan.code, Status.UNKNOWN)
    if "cancel" in folded(scan.phrase):
        return Status.UNKNOWN  # nobody says what is left when that has been cancelled
    status = lines.by_words(scan.phrase, WORDS)
    if status is Status.UNKNOWN:
        status = NUMBERS.get(scan.kind, by_code)
        if status is Status.DELIVERED and by_code in {*ON_THE_WAY, Status.ON_HOLD}:
            return Status.UNKNOWN  # two numbers that deny each other
    if scan.is_problem:
        reason = lines.by_words(scan.desc or "", REASONS)
        return status if reason is Status.UNKNOWN else reason
    if status is Status.DELIVERED:
        denied = Status.RETURNED if by_code is Status.RETURNED else lines.by_words(scan.desc or "", DENIED)
        return status if denied is Status.UNKNOWN else denied
    return status


def description(scan: Scan) -> str:
    """The words of the scan, unless they name somebody: then only what it is called."""
    said = (scan.desc or "").strip()
    return scan.phrase if not said or re.search(NAMES_SOMEBODY, folded(said)) else redact(said)


def proof(scans: Sequence[Scan], events: Sequence[Event]) -> Proof | None:
    """The picture of the signature, where the recipient has signed."""
    delivered = {event.occurred_at for event in events if event.status is Status.DELIVERED}
    signed = [scan for scan in scans if lines.moment(scan.scan_time) in delivered]
    pictures = (url for scan in signed for url in (scan.electronic_signature_pic_url, scan.sig_pic_url) if url)
    picture = next((url.split(",")[0].strip() for url in pictures if url.startswith("https://")), "")
    return Proof(picture=picture) if picture else None


def text_of(value: str | int | None) -> str:
    return "" if value is None else str(value).strip()


def is_number(text: str) -> bool:
    return not text or text.isdecimal()
