"""
One VTEX account's APIs, under ``/vtex/{account}``: orders, invoices, tracking and Master Data.

A tracking write that changes an order of the shop's own makes VTEX mail its customer; those mails are kept on the
order, for whoever counts them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from simulator import credentials
from simulator.calls import Call, Malformed, Reply, answer
from simulator.order_documents import document, list_line
from simulator.records import Order
from simulator.tracking import check_tracking, receipt, write_tracking
from simulator.world import World, now

MOST_PAGES = 30
MOST_PER_PAGE = 100
SPAN = re.compile(r"\w+:\[(\S+) TO (\S+)\]")
PATCHED = ("trackingNumber", "trackingUrl", "courier", "dispatchedDate")


class Vtex:
    def __init__(self, world: World) -> None:
        self._world = world
        self._documents: dict[str, tuple[int, bytes]] = {}

    def answer(self, account: str, call: Call) -> Reply:
        refused = unauthorised(call, credentials.VTEX_APP_KEY, credentials.VTEX_APP_TOKEN)
        if refused:
            return refused
        try:
            return self._route(account, call)
        except Malformed as error:
            return trouble(400, str(error))

    def _route(self, account: str, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("GET", "api", "oms", "pvt", "orders"):
                return self._list(account, call)
            case (method, "api", "oms", "pvt", "orders", order_id, *rest):
                order = self._order(account, order_id)
                return self._of_order(order, method, rest, call) if order else trouble(404, "Order Not Found")
            case ("GET", "api", "dataentities", "CL", "search"):
                return self._clients(account, call)
        return trouble(404, "Not Found")

    def _of_order(self, order: Order, method: str, rest: list[str], call: Call) -> Reply:
        match (method, *rest):
            case ("GET",):
                return Reply(body=self._document(order, call.url))
            case ("GET", "conversation-message"):
                return answer(order.mails)
            case ("PATCH", "invoice", number):
                return self._patch(order, number, call)
            case ("PUT", "invoice", number, "tracking"):
                return self._track(order, number, call)
        return trouble(404, "Not Found")

    def _order(self, account: str, order_id: str) -> Order | None:
        if order_id.startswith("seq"):
            wanted = order_id.removeprefix("seq")
            return next((o for o in self._world.orders.values() if (o.account, o.sequence) == (account, wanted)), None)
        return self._world.orders.get(f"{account}/{order_id}")

    def _document(self, order: Order, url: str) -> bytes:
        version = self._world.versions.get(f"order:{order.key}", 0)
        kept = self._documents.get(order.key)
        if kept is None or kept[0] != version:
            kept = self._documents[order.key] = (version, msgspec.json.encode(document(order, url)))
        return kept[1]

    def _list(self, account: str, call: Call) -> Reply:
        page, per_page = whole(call, "page", 1), whole(call, "per_page", 15)
        if not 1 <= page <= MOST_PAGES:
            raise Malformed(f"page must be between 1 and {MOST_PAGES}")
        if not 1 <= per_page <= MOST_PER_PAGE:
            raise Malformed(f"per_page must be between 1 and {MOST_PER_PAGE}")
        indexed = (now() - timedelta(seconds=self._world.settings.index_lag)).isoformat()
        wanted = filter_of(call)
        found = [
            order
            for order in self._world.orders.values()
            if order.account == account and order.indexed_at <= indexed and wanted(order)
        ]
        column, _, direction = call.first("orderBy", "creationDate,desc").partition(",")
        columns = {"creationDate": "created_at", "orderId": "order_id", "totalValue": "value", "origin": "origin"}
        if column not in columns or direction not in {"asc", "desc"}:
            raise Malformed("orderBy must be creationDate, orderId, totalValue or origin with ,asc or ,desc")
        found.sort(key=lambda order: (getattr(order, columns[column]), order.order_id), reverse=direction == "desc")
        shown = found[(page - 1) * per_page : page * per_page]
        return answer(
            {
                "list": [list_line(order) for order in shown],
                "facets": [],
                "paging": {
                    "total": len(found),
                    "pages": -(-len(found) // per_page),
                    "currentPage": page,
                    "perPage": per_page,
                },
                "stats": {"stats": {"totalValue": {"Count": len(found)}, "totalItems": {"Count": len(found)}}},
            }
        )

    def _patch(self, order: Order, number: str, call: Call) -> Reply:
        package = order.package(number)
        if package is None or not addressable(number):
            return missing_invoice(number)
        body = call.record()
        absent = [name for name in PATCHED if name not in body]
        if absent:
            raise Malformed(f"{', '.join(absent)} must be there; null where there is nothing to say")
        if not isinstance(body["trackingNumber"], str):
            raise Malformed("trackingNumber must be a string")
        before = (package.tracking_number, package.tracking_url)
        package.tracking_number, package.tracking_url = body["trackingNumber"], body["trackingUrl"]
        package.courier = body["courier"]
        if before != (package.tracking_number, package.tracking_url):
            self._mail(order, number, "vtexcommerce-order-shipped")
        self._world.save_orders([order])
        return answer(receipt(order))

    def _track(self, order: Order, number: str, call: Call) -> Reply:
        package = order.package(number)
        if package is None or not addressable(number):
            return missing_invoice(number)
        body = call.record()
        check_tracking(body, delivered_date=True, events=True)
        if not package.tracking_number:
            raise Malformed("the invoice has no tracking number")
        was_finished = package.finished
        if write_tracking(package, body, self._world.settings):
            finished = package.finished and not was_finished
            self._mail(order, number, "vtexcommerce-order-shipping-" + ("finished" if finished else "update"))
        self._world.save_orders([order])
        return answer(receipt(order))

    def _mail(self, order: Order, number: str, template: str) -> None:
        """VTEX mails its own shop's customers, and only about packages with a number and a URL."""
        package = order.package(number)
        if package and package.tracking_number and package.tracking_url and order.origin != "Fulfillment":
            mail = {"date": now().isoformat(), "template": template, "invoiceNumber": number}
            order.mails.append({"id": f"{order.order_id}-{len(order.mails) + 1}", **mail})

    def _clients(self, account: str, call: Call) -> Reply:
        where = re.fullmatch(r"userId=\"?([\w-]+)\"?", call.first("_where"))
        if not where:
            raise Malformed("_where must be userId=…")
        fields = [name for name in call.first("_fields").split(",") if name] or ["id"]
        found = {
            order.customer.user_id: order.customer
            for order in self._world.orders.values()
            if order.account == account and order.customer.user_id == where[1]
        }
        known = [
            {
                "id": customer.user_id,
                "userId": customer.user_id,
                "email": customer.email,
                "firstName": customer.first_name,
                "lastName": customer.last_name,
            }
            for customer in found.values()
        ]
        asked = re.fullmatch(r"resources=(\d+)-(\d+)", call.headers.get("rest-range", "resources=0-14"))
        if not asked or int(asked[2]) - int(asked[1]) > 99:
            return trouble(416, "REST-Range must be resources=from-to, at most 100 of them")
        start, end = int(asked[1]), int(asked[2])
        shown = [{name: person.get(name) for name in fields} for person in known[start : end + 1]]
        return answer(shown, headers={"REST-Content-Range": f"resources {start}-{end}/{len(known)}"})


TIMES: Mapping[str, Callable[[Order], str | None]] = {
    "f_invoicedDate": lambda order: order.invoiced_at,
    "f_creationDate": lambda order: order.created_at,
    "f_authorizedDate": lambda order: order.created_at,
}


def filter_of(call: Call) -> Callable[[Order], bool]:
    """What a list call wants to see."""
    statuses = set(filter(None, call.first("f_status").split(",")))
    affiliate = call.first("f_affiliateId")
    spans = [(TIMES[name], *span_of(call.first(name))) for name in TIMES if call.first(name)]

    def wanted(order: Order) -> bool:
        if (statuses and order.status not in statuses) or (affiliate and order.affiliate != affiliate):
            return False
        for read, start, end in spans:
            at = read(order)
            if at is None or not start <= datetime.fromisoformat(at) <= end:
                return False
        return True

    return wanted


def span_of(text: str) -> tuple[datetime, datetime]:
    span = SPAN.fullmatch(text)
    try:
        start, end = (datetime.fromisoformat(part).astimezone(UTC) for part in span.groups()) if span else (None, None)
    except ValueError:
        start, end = None, None
    if start is None or end is None:
        raise Malformed(f"{text!r} is not field:[yyyy-mm-ddThh:mm:ss.000Z TO yyyy-mm-ddThh:mm:ss.000Z]")
    return start, end


def whole(call: Call, name: str, default: int) -> int:
    try:
        return int(call.first(name, str(default)))
    except ValueError:
        raise Malformed(f"{name} must be a whole number") from None


def addressable(number: str) -> bool:
    """Whether VTEX finds an invoice of that number: percent-encoding does not help those it does not."""
    return re.fullmatch(r"[^/#?%\s]+", number) is not None


def missing_invoice(number: str) -> Reply:
    if " " in number:
        return trouble(500, "An error has occurred.")
    return answer({"message": "Invoice Not Found"}, 404)


def unauthorised(call: Call, key: str, token: str) -> Reply | None:
    """The refusal of a call without the right keys; None when they are right."""
    sent = (call.headers.get("x-vtex-api-appkey", ""), call.headers.get("x-vtex-api-apptoken", ""))
    if not all(sent):
        return trouble(401, "Acesso não autorizado")
    return None if sent == (key, token) else trouble(403, "Access denied")


def trouble(status: int, message: str) -> Reply:
    """An error as VTEX's OMS words it."""
    return answer({"error": {"code": str(status), "message": message, "exception": None}}, status)
