"""
Total Express's feed of lots: the SOAP service ObterTracking, which hands out each change once.

API docs: https://edi.totalexpress.com.br/webservice24.php?wsdl (version 24; read 2026-11).
Quirks: bodies are ISO-8859-1, names of elements differ in case between accounts (``Awb``, ``AWB``). A parcel stands in
as many lots as it has had changes. What is asked within five minutes of the last call is refused in a body that looks
like an answer, as is every other refusal; an address that is not allow-listed is refused by a SOAP fault. A lot that is
lost on its way comes again only to a question about its day, which the connection's extra ``feed_day`` makes of it.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from rastro.access import Access, Account
from rastro.carriers.base import Part
from rastro.carriers.total_express_lines import names_of, written
from rastro.errors import (
    CredentialsRefused,
    Misconfigured,
    RastroError,
    RateLimited,
    Rejected,
    Transient,
    Unreadable,
    error_for,
)
from rastro.http import Request, Response
from rastro.redaction import redact
from rastro.routing import folded

CODE = "total_express"
ASKED = "https://apis.totalexpress.com.br"  # the host of the questions, which knows no lots
HOST = "https://edi.totalexpress.com.br"
PATH = "/webservice24.php"
EVERY = timedelta(minutes=5, seconds=15)  # the limit is five minutes; clocks and ways differ a little
DEEPEST = 24  # elements inside each other; the service nests ten
KEPT = ("awb", "pedido", "arraystatustotal", "arraystatusect")
ENVELOPE = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>'
    '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns1="urn:ObterTracking">'
    "<SOAP-ENV:Body><ns1:ObterTracking><ObterTrackingRequest>{day}</ObterTrackingRequest></ns1:ObterTracking>"
    "</SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
GOOD = "1"
# CodigoProc, where it is not that.
REFUSALS: Mapping[str, Callable[[], RastroError]] = {
    "0": partial(CredentialsRefused, f"{CODE}: not authorised for lots; check the connection's login and password"),
    "2": partial(Transient, f"{CODE}: the service of lots is not available, try again later"),
    "3": partial(Rejected, f"{CODE}: the service of lots finds the question malformed"),
    "4": partial(Transient, f"{CODE}: the service of lots has an error of its own, try again later"),
    "5": partial(
        RateLimited, f"{CODE}: lots were asked for twice within five minutes", retry_after=EVERY.total_seconds()
    ),
}


class TotalExpressLots:
    """Lots come with all parcels of the contract in them; a parcel that none speaks of is merely unchanged."""

    every = EVERY

    def host(self, account: Account) -> str:
        """The lots' own host, unless the connection names one."""
        return HOST if account.base_url.rstrip("/") == ASKED else account.base_url

    def request_for(self, access: Access) -> Request:
        account = access.account
        day = account.extra.get("feed_day", "").strip()
        if day and not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            raise Misconfigured(f"{CODE}: extra.feed_day must be a day as 2026-11-30, or empty")
        return Request(
            method="POST",
            path=PATH,
            headers={
                "Authorization": authorization(account),
                "Content-Type": "text/xml; charset=ISO-8859-1",
                "Accept": "text/xml",
                "SOAPAction": "ObterTracking",
            },
            body=ENVELOPE.format(day=f"<DataConsulta>{day}</DataConsulta>" if day else "").encode("iso-8859-1"),
            repeatable=False,  # what one call has handed out the next one does not have, and it would come too soon
            accept=frozenset({500}),  # that faults come with
        )

    def check(self, response: Response) -> None:
        try:
            lots_in(response.body)
        except Unreadable:
            if response.status >= 500:
                raise error_for(response.status, f"{CODE}: POST {PATH}") from None
            raise

    def parts(self, body: bytes) -> Iterator[Part]:
        """
        One part for each parcel, with all that any of the lots says about it, in their order.

        :raises RastroError: it is no lot but a refusal.
        """
        parcels = [parcel for lot in lots_in(body) for parcel in records(lot.get("arrayencomendaretorno"))]
        if parcels and not any(map(names_of, parcels)):
            raise Unreadable(f"{CODE}: a lot whose parcels have no names", raw=body)
        told: dict[str, list[dict[str, Any]]] = {}
        known_by: dict[str, dict[str, None]] = {}
        for parcel in parcels:
            names = names_of(parcel)
            if names and (parcel.get("arraystatustotal") or parcel.get("arraystatusect")):  # else it has no news
                told.setdefault(names[0], []).append({name: parcel[name] for name in KEPT if parcel.get(name)})
                known_by.setdefault(names[0], {}).update(dict.fromkeys(names))
        return iter(
            [Part(references=tuple(known_by[name]), raw=msgspec.json.encode({"lots": told[name]})) for name in told]
        )


def authorization(account: Account) -> str:
    """The header's value; some accounts want another word than Basic before the same pair."""
    pair = base64.b64encode(f"{account.login}:{account.password}".encode()).decode()
    return f"{account.extra.get('scheme', '').strip() or 'Basic'} {pair}"


def lots_in(body: bytes) -> list[dict[str, Any]]:
    """
    The lots in an answer.

    :raises Unreadable: it is none of this service's.
    :raises RastroError: it is a refusal.
    """
    answer = values_in(body)
    fault, code = within(answer, "faultstring"), written(within(answer, "codigoproc"))
    if fault is not None:
        raise denial(written(fault))
    refusal = REFUSALS.get(code)
    if refusal:
        raise refusal()
    if code != GOOD:
        raise Unreadable(f"{CODE}: no answer of the service of lots (CodigoProc {redact(code)[:20]!r})", raw=body)
    return records(within(answer, "arrayloteretorno"))


def denial(fault: str) -> RastroError:
    if re.search(r"acesso negado|nao autoriz", folded(fault)):
        # The fault names our address, which is of no use to whoever reads the message.
        return CredentialsRefused(f"{CODE}: lots are denied; have Total Express allow-list this machine's address")
    return Transient(f"{CODE}: the service of lots failed ({redact(fault)[:80]}), try again later")


def records(value: object) -> list[dict[str, Any]]:
    """The records in an array; none where it is empty or no array."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def within(value: object, name: str) -> object:
    """The first value of that name, however deep; None when there is none."""
    if not isinstance(value, dict):
        return None
    if name in value:
        return value[name]
    return next((found for one in value.values() if (found := within(one, name)) is not None), None)


class Guarded(ET.TreeBuilder):
    """Builds no deeper than :data:`DEEPEST`."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[Any, Any], /) -> ET.Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def values_in(body: bytes) -> object:
    """
    An XML document as dictionaries, names in small letters without prefix; what holds only ``item`` is a list.

    A document type is refused: entities are declared there, and those can make a small body large or read a file.

    :raises Unreadable: it is no such document.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("iso-8859-1")
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise Unreadable(f"{CODE}: a document with a type of its own is not read", raw=body)
    parser = ET.XMLParser(target=Guarded())  # noqa: S314 -- no document type gets this far
    try:
        parser.feed(text)
        return value_of(parser.close())
    except (ET.ParseError, ValueError) as error:
        raise Unreadable(f"{CODE}: the answer is no XML that can be read ({error})", raw=body) from error


def value_of(element: ET.Element) -> object:
    inside = [(child.tag.rpartition("}")[2].lower(), value_of(child)) for child in element]
    if inside and all(name == "item" for name, _ in inside):
        return [value for _, value in inside]
    return dict(inside) if inside else (element.text or "").strip()
