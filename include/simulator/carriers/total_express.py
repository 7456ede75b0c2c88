"""
Total Express: Status de Entrega by AWB or order, and the SOAP feed that hands out each change once.

The names of an answer's fields and its silence about single unknown parcels are guesses, as they are in the adapter;
the lots are shaped as a true body is. What a lot said is forgotten with the process, and handed out again by the next.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.correios import basic
from simulator.records import Parcel
from simulator.world import BRASILIA, World

USER = "simulated-total-user"
PASSWORD = "simulated-total-password"  # noqa: S105 -- invented, accepted by the simulator alone
MOST_NUMBERS = 50
PAGE_SIZE = 50
PATIENCE = timedelta(minutes=5)
WORDS: Mapping[What, tuple[str, str]] = {
    What.LABEL: ("0", "ARQUIVO RECEBIDO"),
    What.POSTED: ("83", "COLETA REALIZADA"),
    What.MOVED: ("101", "RECEBIDA E PROCESSADA NO CD - : PAG"),
    What.OUT: ("104", "PROCESSO DE ENTREGA"),
    What.ABSENT: ("21", "CLIENTE AUSENTE/ESTABELECIMENTO FECHADO"),
    What.WAITING: ("29", "CLIENTE RETIRA NA TRANSPORTADORA"),
    What.DELIVERED: ("1", "ENTREGA REALIZADA"),
    What.RETURNING: ("71", "DEVOLUÇÃO EM TRÂNSITO PARA O REMETENTE"),
    What.RETURNED: ("61", "DEVOLVIDA AO REMETENTE"),
    What.LOST: ("142", "EXTRAVIO"),
    What.HELD: ("92", "PROBLEMAS FISCAIS"),
}
ENVELOPE = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>'
    '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<SOAP-ENV:Body><ns1:ObterTrackingResponse xmlns:ns1="urn:ObterTracking"><ObterTrackingResponse>'
    "<CodigoProc>{code}</CodigoProc>{lots}"
    "</ObterTrackingResponse></ns1:ObterTrackingResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"
)


class Simulated(SimulatedCarrier):
    code = "total_express"
    courier = "Total Express"
    connection: ClassVar[Mapping[str, Any]] = {"login": USER, "password": PASSWORD}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._handed_out: set[tuple[str, str]] = set()
        self._lots = 0
        self._asked_at: datetime | None = None

    def number(self, serial: int) -> str:
        return f"TXAS{serial:09d}TX"

    def answer(self, call: Call) -> Reply:
        known = call.headers.get("authorization") == basic(USER, PASSWORD)
        match (call.method, *call.segments):
            case ("POST", "ics-tracking-encomenda-lv", "v1", "tracking"):
                return self._status(call) if known else answer({"message": "Unauthorized"}, 401)
            case ("POST", "webservice24.php"):
                return self._feed(call) if known else soap("0")
        return answer({"message": "no Route matched with those values"}, 404)

    def _status(self, call: Call) -> Reply:
        try:
            asked = call.record()
            awbs, orders = numbers(asked, "awbs"), numbers(asked, "pedidos")
            page = int(call.first("page", "1"))
        except (Malformed, ValueError) as error:
            return answer({"message": str(error)}, 400)
        if not awbs and not orders:
            return answer({"message": "Informe awbs, pedidos ou notasFiscais"}, 400)
        # The tail of an AWB is compared as it is written.
        found = [self.by_number(awb) for awb in awbs if awb.endswith("tx")]
        found += [self.by("order_id", order) for order in orders]
        told = [(parcel, self.told(parcel)) for parcel in found if parcel]
        items = [item(parcel, happened) for parcel, happened in told if happened]
        if not items:
            return answer({"message": "Nenhuma encomenda encontrada", "timestamp": self.now().isoformat()}, 404)
        shown = {
            "data": items[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
            "currentPage": page,
            "lastPage": -(-len(items) // PAGE_SIZE),
            "perPage": PAGE_SIZE,
            "total": len(items),
        }
        return answer({"data": shown})

    def _feed(self, call: Call) -> Reply:
        if b"ObterTrackingRequest" not in call.body:
            return soap("3")
        asked_before, self._asked_at = self._asked_at, self.now()
        if asked_before and self._asked_at - asked_before < PATIENCE:
            return soap("5")
        day = re.search(rb"<DataConsulta>([0-9-]+)</DataConsulta>", call.body)
        parcels = self._of_day(day[1].decode()) if day else self._news()
        self._lots += 1
        lot = "".join(encomenda(parcel, lines) for parcel, lines in parcels)
        generated = f"{self.now().astimezone(BRASILIA):%Y-%m-%d}"
        lots = (
            f"<item><CodRetorno>{910_000_000 + self._lots}</CodRetorno><DataGeracao>{generated}</DataGeracao>"
            f"<ArrayEncomendaRetorno>{lot}</ArrayEncomendaRetorno></item>"
        )
        return soap("1", f"<ArrayLoteRetorno>{lots if lot else ''}</ArrayLoteRetorno>")

    def _news(self) -> Iterator[tuple[Parcel, list[Happening]]]:
        """What no lot has said yet. A line's time tells it apart, also from those of an emptied world."""
        for parcel in self.parcels():
            fresh = {
                line["dtHrCriado"]
                for line in parcel.lines
                if (parcel.number, line["dtHrCriado"]) not in self._handed_out
            }
            if fresh:
                self._handed_out |= {(parcel.number, at) for at in fresh}
                yield parcel, [one for one in self.told(parcel) if f"{one.at:%Y-%m-%dT%H:%M:%S}" in fresh]

    def _of_day(self, day: str) -> Iterator[tuple[Parcel, list[Happening]]]:
        for parcel in self.parcels():
            if any(line["dtHrCriado"].startswith(day) for line in parcel.lines):
                yield parcel, [one for one in self.told(parcel) if f"{one.at:%Y-%m-%d}" == day]


def numbers(asked: Mapping[str, Any], name: str) -> list[str]:
    """
    :raises Malformed: it is no list of texts, or too long a one.
    """
    value = asked.get(name, [])
    if not isinstance(value, list) or len(value) > MOST_NUMBERS or not all(isinstance(one, str) for one in value):
        raise Malformed(f"{name}: informe até {MOST_NUMBERS}")
    return value


def awb_of(parcel: Parcel) -> str:
    return f"{parcel.number[:-2]}tx"


def item(parcel: Parcel, happened: list[Happening]) -> dict[str, Any]:
    return {
        "awb": awb_of(parcel),
        "pedido": parcel.order_id,
        "notaFiscal": parcel.invoice_number,
        "statusList": [
            {"codStatus": code, "descStatus": text, "dataStatus": at, "cidade": one.city, "uf": one.state}
            for one in happened
            for code, text, at in [line(one)]
        ],
    }


def encomenda(parcel: Parcel, happened: list[Happening]) -> str:
    statuses = "".join(
        f"<item><CodStatus>{code}</CodStatus><DescStatus>{escape(text)}</DescStatus><DataStatus>{at}</DataStatus></item>"
        for code, text, at in map(line, happened)
    )
    return (
        f"<item><Awb>{awb_of(parcel)}</Awb><Pedido>{escape(parcel.order_id)}</Pedido>"
        f"<NotaFiscal>{escape(parcel.invoice_number)}</NotaFiscal><SerieNotaFiscal>1</SerieNotaFiscal>"
        f"<IdCliente></IdCliente><CodigoObjeto></CodigoObjeto><ArrayStatusTotal>{statuses}</ArrayStatusTotal></item>"
    )


def line(one: Happening) -> tuple[str, str, str]:
    """Code, words and time as Total Express writes them."""
    code, text = WORDS[one.what]
    return code, text, f"{one.at.astimezone(BRASILIA):%Y-%m-%dT%H:%M:%S}"


def soap(code: str, lots: str = "") -> Reply:
    body = ENVELOPE.format(code=code, lots=lots).encode("iso-8859-1", "replace")
    return Reply(body=body, content_type="text/xml; charset=ISO-8859-1")
