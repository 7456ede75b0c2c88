"""The ASGI application: hands each request to the part it is addressed to, bends the answer if told to, and logs it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from simulator.calls import Call, Reply, answer, call_from
from simulator.carriers import simulated_carriers
from simulator.control import Control
from simulator.correios import Correios
from simulator.faults import Fault, Faults, bent
from simulator.log import JsonLines, request_line
from simulator.market import Market
from simulator.marketplaces import simulated_marketplaces
from simulator.vtex import Vtex
from simulator.webhook import Webhook
from simulator.world import World

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRANSPORT = "simulator.transport"
DRIPS = 20


class App:
    def __init__(self, world: World, faults: Faults, control: Control, log: JsonLines) -> None:
        self.url = ""
        self._world = world
        self._faults = faults
        self._control = control
        self._log = log
        self._correios = Correios(world)
        self._vtex = Vtex(world)
        self._market = Market(world)
        self._webhook = Webhook(world)
        self._carriers = simulated_carriers(world)
        self._marketplaces = simulated_marketplaces(world)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        call = call_from(scope, await whole_body(receive), self.url)
        if call.segments[0] == "control":
            await give(send, self._control.answer(replace(call, segments=call.segments[1:])))
            return
        if self._world.settings.latency:
            await asyncio.sleep(self._world.settings.latency)
        fault = self._faults.pick(target_of(call), self._named(call), method=call.method)
        acted = fault is None or fault.acts
        reply = self._answer(call) if acted else Reply()
        if fault:
            reply = bent(fault, reply)
        if fault and fault.kind in {"hang", "drop_before", "drop_after"}:
            self._log.write(request_line(call, 0, b"", acted=acted))
            if fault.kind != "hang":
                scope[TRANSPORT].abort()
            await gone(receive)
            return
        self._log.write(request_line(call, reply.status, reply.body, acted=acted))
        await give(send, reply, over=pace(fault))

    def _named(self, call: Call) -> str:
        """What a fault's pattern is searched in."""
        match call.segments:
            case ("marketplace", code, *_) if code in self._marketplaces:
                return self._marketplaces[code].named(call)
        return call.path

    def _answer(self, call: Call) -> Reply:
        match call.segments:
            case ("correios", *rest):
                return self._correios.answer(replace(call, segments=tuple(rest)))
            case ("vtex", account, *rest):
                return self._vtex.answer(account, replace(call, segments=tuple(rest)))
            case ("market", name, *rest):
                return self._market.answer(name, replace(call, segments=tuple(rest)))
            case ("webhook", name, *rest):
                return self._webhook.answer(name, replace(call, segments=tuple(rest)))
            case ("carrier", code, *rest) if code in self._carriers:
                return self._carriers[code].answer(replace(call, segments=tuple(rest)))
            case ("marketplace", code, *rest) if code in self._marketplaces:
                return self._marketplaces[code].answer(replace(call, segments=tuple(rest)))
        return answer({"error": "nobody lives here; see GET /control/info"}, 404)


def target_of(call: Call) -> str:
    """What a fault names to concern this call."""
    return call.segments[1] if call.segments[0] in {"carrier", "marketplace"} else call.segments[0]


def pace(fault: Fault | None) -> float:
    """Seconds that an answer takes to go out."""
    return fault.seconds if fault and fault.kind == "slow" else 0.0


async def whole_body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def gone(receive: Receive) -> None:
    """Wait until the other side, or we ourselves, have closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def give(send: Send, reply: Reply, over: float = 0.0) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    if reply.body:
        headers.append((b"content-type", reply.content_type.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if over:
        size = len(reply.body) // DRIPS + 1
        for start in range(0, len(reply.body), size):
            await asyncio.sleep(over / DRIPS)
            await send({"type": "http.response.body", "body": reply.body[start : start + size], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": reply.body})
