"""What tests and the demo ask of the simulator, under ``/control``. These calls are not logged."""

from collections.abc import Callable
from typing import Any

import msgspec
import psycopg

from simulator import credentials
from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers import simulated_carriers
from simulator.cohort import CohortRequest, keep, make
from simulator.faults import Faults
from simulator.journeys import journey
from simulator.marketplaces import simulated_marketplaces
from simulator.records import Parcel, Sold
from simulator.sql_source import insert
from simulator.world import World


class Control:
    def __init__(self, world: World, faults: Faults) -> None:
        self.smtp_port = 0
        self._world = world
        self._faults = faults

    def answer(self, call: Call) -> Reply:
        routes: dict[tuple[str, ...], Callable[[], Any]] = {
            ("GET", "info"): lambda: self._info(call.url),
            ("POST", "cohort"): lambda: self._cohort(call),
            ("POST", "advance"): lambda: self._advance(call),
            ("POST", "sold"): lambda: self._sold(call),
            ("GET", "truth"): self._truth,
            ("POST", "reset"): self._reset,
            ("POST", "settings"): lambda: self._world.configure(call.record()),
            ("GET", "settings"): lambda: self._world.settings,
            ("POST", "faults"): lambda: self._faults.add(call.body),
            ("GET", "faults"): lambda: self._faults.all,
            ("DELETE", "faults"): self._no_faults,
        }
        route = routes.get((call.method, *call.segments))
        try:
            if route is not None:
                return answer(route())
            found = self._state(call) if call.method == "GET" else None
        except (Malformed, msgspec.ValidationError, psycopg.Error) as error:
            return answer({"error": str(error)}, 400)
        return answer({"error": "there is no such control"}, 404) if found is None else answer(found)

    def _state(self, call: Call) -> Any:
        match call.segments:
            case ("vtex", account, "orders", order_id):
                return self._world.orders.get(f"{account}/{order_id}")
            case ("vtex", account, "orders"):
                return [order for order in self._world.orders.values() if order.account == account]
            case ("vtex", account, "mails"):
                return [
                    {"orderId": order.order_id, **mail}
                    for order in self._world.orders.values()
                    if order.account == account
                    for mail in order.mails
                ]
            case ("market", name):
                return [order for order in self._world.market_orders.values() if order.account == name]
            case ("sold", code):
                return [order for order in self._world.sold.values() if order.code == code]
            case ("webhook", name):
                return [delivery for delivery in self._world.webhooks.values() if delivery.name == name]
        return None

    def _info(self, url: str) -> dict[str, Any]:
        accounts = sorted({order.account for order in self._world.orders.values()} | {"loja"})
        return {
            "url": url,
            "vtex": {
                "urls": {account: f"{url}/vtex/{account}" for account in accounts},
                "app_key": credentials.VTEX_APP_KEY,
                "app_token": credentials.VTEX_APP_TOKEN,
            },
            "correios": {
                "url": f"{url}/correios",
                "user": credentials.CORREIOS_USER,
                "access_code": credentials.CORREIOS_ACCESS_CODE,
                "posting_card": credentials.CORREIOS_POSTING_CARD,
                "contract": credentials.CORREIOS_CONTRACT,
                "second": {
                    "user": credentials.SECOND_CORREIOS_USER,
                    "access_code": credentials.SECOND_CORREIOS_ACCESS_CODE,
                    "posting_card": credentials.SECOND_CORREIOS_POSTING_CARD,
                },
            },
            "market": {
                "url": f"{url}/market/one",
                "app_key": credentials.MARKET_APP_KEY,
                "app_token": credentials.MARKET_APP_TOKEN,
            },
            "webhook": {"url": f"{url}/webhook/hub", "secret": credentials.WEBHOOK_SECRET},
            "carriers": {
                code: {**one.connection, "conn_type": code, "host": f"{url}/carrier/{code}"}
                for code, one in simulated_carriers(self._world).items()
            },
            "marketplaces": {
                code: {**one.connection, "conn_type": code, "host": f"{url}/marketplace/{code}"}
                for code, one in simulated_marketplaces(self._world).items()
            },
            "smtp": {
                "host": "127.0.0.1",
                "port": self.smtp_port,
                "user": credentials.SMTP_USER,
                "password": credentials.SMTP_PASSWORD,
            },
        }

    def _cohort(self, call: Call) -> dict[str, Any]:
        request = msgspec.json.decode(call.body or b"{}", type=CohortRequest)
        request.check()
        made = make(self._world, request)
        if made.rows and request.sql_dsn:
            insert(request.sql_dsn, request.sql_relation, made.rows)
        keep(self._world, made)
        return {
            "cohort": self._world.meta.cohorts,
            "parcels": len(made.parcels),
            "orders": len(made.orders),
            "rows": len(made.rows),
            "market_orders": len(made.market_orders),
        }

    def _advance(self, call: Call) -> dict[str, int]:
        body = call.record() if call.body else {}
        steps, cohort = body.get("steps", 1), body.get("cohort")
        if not isinstance(steps, int) or not 1 <= steps <= 100:
            raise Malformed("steps must be a number from 1 to 100")
        return self._world.advance(steps, cohort)

    def _sold(self, call: Call) -> Sold:
        """Put an order of a marketplace into the world as it is described."""
        order = msgspec.json.decode(call.body, type=Sold)
        self._world.save_sold([order])
        return order

    def _truth(self) -> dict[str, Any]:
        together: dict[tuple[str, ...], list[Parcel]] = {}
        for parcel in self._world.parcels.values():
            together.setdefault((parcel.source, parcel.order_id, parcel.invoice_number), []).append(parcel)
        return {
            "cohorts": self._world.meta.cohorts,
            "advances": self._world.meta.advances,
            "parcels": [truth(parcel, package) for package in together.values() for parcel in package],
        }

    def _reset(self) -> dict[str, bool]:
        self._world.reset()
        self._faults.clear()
        return {"reset": True}

    def _no_faults(self) -> list[Any]:
        self._faults.clear()
        return []


def truth(parcel: Parcel, package: list[Parcel]) -> dict[str, Any]:
    """
    What is true about a parcel so far. ``package`` are all parcels under the same invoice, this one among them.

    ``tells`` has one entry for the history and one for each revealed step; the first is the most that first contact
    may tell.
    """
    known = journey(parcel.kind).upto(parcel.position)
    gone = [told(line, withdrawn=True) for line in parcel.withdrawn]
    return {
        "cohort": parcel.cohort,
        "source": parcel.source,
        "account": parcel.account,
        "order_id": parcel.order_id,
        "invoice_number": parcel.invoice_number,
        "tracking_number": parcel.number,
        "tracking_text": parcel.text,
        "tracking_numbers": [one.number for one in package],
        "carrier": parcel.carrier,
        "invoice_key": parcel.invoice_key,
        "carrier_id": parcel.carrier_id,
        "kind": parcel.kind,
        "variant": parcel.variant,
        "follow": parcel.follow,
        "reason": parcel.reason,
        "route": parcel.route,
        "marketplace": parcel.marketplace,
        "marketplace_order_id": parcel.marketplace_order_id,
        "email": parcel.email,
        "status": known[-1].status,
        "statuses": [step.status for step in known],
        "refusal": "" if parcel.lines else known[-1].refusal,
        "tells": [step.tells for step in known],
        "revealed_at": parcel.revealed_at,
        "revealed": sorted(
            [*(told(line, withdrawn=False) for line in parcel.lines), *gone], key=lambda line: str(line["time"])
        ),
        "steps_left": len(journey(parcel.kind).steps) - parcel.position,
        "delivered": known[-1].status == "delivered",
        "package_delivered": all(journey(one.kind).upto(one.position)[-1].status == "delivered" for one in package),
    }


def told(line: dict[str, Any], *, withdrawn: bool) -> dict[str, Any]:
    """A revealed line; ``time`` is Brasília's, as the carrier writes it."""
    return {
        "codigo": line["codigo"],
        "tipo": line["tipo"],
        "time": line["dtHrCriado"],
        "withdrawn": withdrawn,
    }
