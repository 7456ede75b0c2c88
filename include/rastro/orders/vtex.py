"""
VTEX OMS as a source of shipments.

API docs: https://developers.vtex.com/docs/api-reference/orders-api (read 2026-11). Master Data:
https://developers.vtex.com/docs/api-reference/masterdata-api.
Needs of the app key: List Orders, View order, Notify invoice; with ``mailer = own`` also reading documents of CL.
Quirks: the list is an index some minutes late, gives 100 orders a page and 30 pages a query, and only orders of the
last two years; whatever it says is checked on the order itself. ``invoicedDate`` is empty until an order is invoiced
whole, so those invoiced in part are found among the orders still being handled. A number typed days after the invoice
moves no date, so such orders are named to the caller, who has them read again. The customer's address on an order is a
mask that ends with the invoice.

The connection: host = ``https://{account}.vtexcommercestable.com.br``, login = app key, password = app token. Extra:
``mailer`` (``vtex``, the default: what is written on the order makes VTEX mail the customer; ``own``: we do),
``own_sellers`` (ids of the shop's own sellers, comma separated, default ``1``), ``pii_reason`` (accounts on VTEX's
data protection architecture: the reason given for reading a customer's data), ``requests_per_second`` (default 80,
since VTEX stops an account, its Admin included, at 6000 requests a minute; 0 for no limit of our own).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import urlsplit

import msgspec

from rastro import typed
from rastro.access import Account, Field
from rastro.errors import Misconfigured, NotFound, RateLimited, Rejected, Transient, Unreadable
from rastro.http import Http, Limits, Request, path_segment
from rastro.models import Shipment
from rastro.orders.base import Aside, Awaited, Contact, Setup, is_masked
from rastro.orders.vtex_order import Order, order_in
from rastro.orders.vtex_packages import shipments_of
from rastro.orders.vtex_tracking import VtexOrder
from rastro.receivers import Receiver

PER_PAGE = 100
MOST_PAGES = 30
SHORTEST_WINDOW = timedelta(seconds=1)
READERS = 8
PER_SECOND = 80
MOST_TROUBLES = 20  # orders that fail for the moment before the whole account is taken to be in trouble
NO_ORDER, NO_USER = "0000000000000-00", "00000000-0000-0000-0000-000000000000"
PARTLY_INVOICED = ("payment-approved", "handling")


FIELDS = (
    Field(
        name="host",
        label="Base URL",
        help="https://{account}.vtexcommercestable.com.br",
        example="https://lojaexemplo.vtexcommercestable.com.br",
    ),
    Field(name="login", label="AppKey", example="vtexappkey-lojaexemplo-…"),
    Field(name="password", label="AppToken", secret=True),
    Field(
        name="mailer",
        label="Who mails customers",
        help="vtex (default): writing on the order makes VTEX mail the customer; own: Rastro mails.",
        required=False,
        example="vtex",
    ),
    Field(
        name="own_sellers",
        label="Own sellers",
        help="Ids of the shop's own sellers, comma separated (default 1); packages of others are not followed.",
        required=False,
    ),
    Field(
        name="pii_reason",
        label="Reason for reading contacts",
        help="For accounts on VTEX's data protection architecture: the reason given for reading a customer's data.",
        required=False,
    ),
    Field(
        name="requests_per_second",
        label="Calls a second",
        help="Pace of all calls to the account (default 80); 0 for none.",
        required=False,
    ),
)


class Listed(msgspec.Struct, rename="camel"):
    order_id: str


class Paging(msgspec.Struct):
    total: int


class Listing(msgspec.Struct):
    list: tuple[Listed, ...]
    paging: Paging


class Customer(msgspec.Struct, rename="camel"):
    email: str | None = None
    first_name: str | None = None
    locale_default: str | None = None


class Vtex:
    """One VTEX account."""

    code = "vtex"
    whole_packages = True

    def __init__(self, setup: Setup, *, limits: Limits | None = None) -> None:
        account = checked(setup.account)
        self.own_mail = account.extra.get("mailer", "vtex") == "own"
        self._own_sellers = frozenset(re.split(r"[\s,]+", account.extra.get("own_sellers") or "1"))
        self._pii_reason = account.extra.get("pii_reason", "")
        self._routes = setup.routes
        self._horizon = setup.horizon
        self._http = Http(
            account.base_url,
            name="vtex",
            limits=limits
            or setup.limits
            or Limits(
                requests_per_second=float(account.extra.get("requests_per_second") or PER_SECOND), shared=setup.shared
            ),
            headers={"X-VTEX-API-AppKey": account.login, "X-VTEX-API-AppToken": account.password},
        )
        self.receiver: Receiver | None = VtexOrder(
            self._http,
            self.order,
            events=setup.events,
            fill_tracking_url=setup.fill_tracking_url,
            new_link=setup.new_link,
        )

    def shipments(self, since: datetime, until: datetime) -> Iterator[Shipment | Aside | Awaited]:
        """
        Packages of orders invoiced in [since, until), and of all partly invoiced ones within the horizon.

        A package that already is marked delivered gives nothing; an order that was read twice gives the same again. An
        order that cannot be read for the moment does not hold up the others: it is raised after them.
        """
        yield from self._read_all(self._found(since, until))

    def again(self, order_ids: Iterable[str]) -> Iterator[Shipment | Aside | Awaited]:
        """Packages of these orders, read in the same way, those marked delivered meanwhile included."""
        ids = iter(order_ids)
        yield from self._read_all(iter(lambda: list(islice(ids, PER_PAGE)), []), finished=True)

    def _read_all(
        self, pages: Iterable[list[str] | Aside], *, finished: bool = False
    ) -> Iterator[Shipment | Aside | Awaited]:
        troubles: list[Transient] = []
        with ThreadPoolExecutor(READERS) as readers:
            for found in pages:
                if isinstance(found, Aside):
                    yield found
                    continue
                for order in readers.map(self._one, found):
                    if isinstance(order, Order):
                        yield from shipments_of(
                            order, own_sellers=self._own_sellers, routes=self._routes, finished=finished
                        )
                    elif isinstance(order, Aside):
                        yield order
                    else:
                        troubles.append(order)
                if len(troubles) >= MOST_TROUBLES:
                    break
        if troubles:
            count = "1 order" if len(troubles) == 1 else f"{len(troubles)} orders"
            raise Transient(f"{count} could not be read now and must be asked for again; the first: {troubles[0]}")

    def contact(self, order_id: str, *, to_receiver: bool = False) -> Contact | None:
        """
        The real address from Master Data, only where we mail ourselves.

        None for orders from other marketplaces, whose customers hear from these, and for masks. An order has no
        address of its receiver.
        """
        if not self.own_mail or to_receiver:
            return None
        order = self.order(order_id, reason=self._pii_reason)
        user = order.client_profile_data and order.client_profile_data.user_profile_id
        if order.origin == "Fulfillment" or not user:
            return None
        for customer in self._customers(user, f"order {order_id}"):
            if customer.email and "@" in customer.email and not is_masked(customer.email):
                preferred = order.client_preferences_data and order.client_preferences_data.locale
                return Contact(
                    email=customer.email.strip(),
                    first_name=(customer.first_name or "").strip(),
                    locale=preferred or customer.locale_default or "",
                )
        return None

    def _customers(self, user: str, what: str) -> tuple[Customer, ...]:
        answer = self._http.send(
            Request(
                method="GET",
                path="/api/dataentities/CL/search",
                params=(("_where", f"userId={user}"), ("_fields", "email,firstName,localeDefault")),
                headers={"REST-Range": "resources=0-9"},
            )
        )
        try:
            return typed.decode(answer.body, tuple[Customer, ...])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Unreadable(f"{what}: Master Data's answer about its customer makes no sense") from None

    def probe(self) -> str:
        """One line of the list of orders, an order that is not there and, where we mail, a customer that is not."""
        self._page({"per_page": "1"}, 1)
        with suppress(NotFound):
            self.order(NO_ORDER)
        if not self.own_mail:
            return "the list of orders, and an order"
        self._customers(NO_USER, f"order {NO_ORDER}")
        return "the list of orders, an order, and a customer"

    def order(self, order_id: str, *, reason: str = "") -> Order:
        """
        One order as it is now. Accounts with a ``pii_reason`` are asked by their own route, masked without a reason.

        :raises NotFound: there is none of that id, or it is over two years old.
        :raises Unreadable: the answer is not an order.
        """
        route = "/api/orders/pvt/document/" if self._pii_reason else "/api/oms/pvt/orders/"
        params = (("reason", reason),) if reason else ()
        answer = self._http.send(Request(method="GET", path=route + path_segment(order_id), params=params))
        return order_in(answer.body, order_id)

    def _one(self, order_id: str) -> Order | Aside | Transient:
        try:
            return self.order(order_id)
        except RateLimited:
            raise
        except Transient as trouble:
            return trouble
        except (NotFound, Rejected) as error:
            return Aside(order_id=order_id, invoice_number="", reason="order_not_given", detail=f"{error}.")
        except Unreadable as error:
            return Aside(
                order_id=order_id,
                invoice_number="",
                reason="order_unreadable",
                detail=f"VTEX's answer cannot be read: {error}. Its content is not kept, since it names a person.",
            )

    def _found(self, since: datetime, until: datetime) -> Iterator[list[str] | Aside]:
        yield from self._listed({}, "invoicedDate", since, until)
        for status in PARTLY_INVOICED:
            yield from self._listed({"f_status": status}, "creationDate", until - self._horizon, until)

    def _listed(
        self, narrowed: Mapping[str, str], date: str, start: datetime, end: datetime
    ) -> Iterator[list[str] | Aside]:
        """Ids page by page. A window too full for one query is halved; both halves have the instant between them."""
        page, total, ids = 0, 1, [""]
        while ids and page * PER_PAGE < total and page < MOST_PAGES:
            page += 1
            ids, total = self._page({**narrowed, f"f_{date}": f"{date}:[{iso(start)} TO {iso(end)}]"}, page)
            if total > PER_PAGE * MOST_PAGES and end - start > SHORTEST_WINDOW:
                middle = start + (end - start) / 2
                yield from self._listed(narrowed, date, start, middle)
                yield from self._listed(narrowed, date, middle, end)
                return
            yield ids
        if page * PER_PAGE < total:
            yield Aside(
                order_id="",
                invoice_number=f"{date} {iso(start)}",
                reason="list_incomplete",
                detail=f"VTEX counts {total:,} orders with {date} from {iso(start)} to {iso(end)} and gave only {page} "
                f"pages of {PER_PAGE}; the others are found once they change, or by another look at that time.",
            )

    def _page(self, filters: Mapping[str, str], page: int) -> tuple[list[str], int]:
        params = {"orderBy": "creationDate,asc", "per_page": str(PER_PAGE), "page": str(page), **filters}
        answer = self._http.send(Request(method="GET", path="/api/oms/pvt/orders", params=tuple(params.items())))
        try:
            listing = typed.decode(answer.body, Listing)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"vtex: page {page} of the list of orders makes no sense: {error}") from None
        return [order.order_id for order in listing.list], listing.paging.total


def checked(account: Account | None) -> Account:
    account = account or Account(base_url="")
    faults = {
        "host (https://{account}.vtexcommercestable.com.br)": urlsplit(account.base_url).hostname,
        "login (the app key)": account.login,
        "password (the app token)": account.password,
    }
    missing = [name for name, value in faults.items() if not value]
    if account.extra.get("mailer", "vtex") not in {"vtex", "own"}:
        missing.append('extra mailer, "vtex" or "own"')
    if not re.fullmatch(r"(\d+(\.\d+)?)?", account.extra.get("requests_per_second") or ""):
        missing.append("extra requests_per_second, a number")
    if missing:
        raise Misconfigured(f"vtex: the connection lacks {'; '.join(missing)}")
    return account


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
