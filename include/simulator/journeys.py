"""
The lives that a parcel may lead at Correios, written by hand together with what each step ought to cause.

A journey is a history, seen at first contact, and steps revealed one after the other. ``status`` is where the parcel
stands once the step is known; ``tells`` is the status the customer is to be mailed about when the step is revealed by
itself and one poll observes it: the first entry into a status worth a mail, else None. What a history tells is the
most that first contact may tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Place(StrEnum):
    """Where a line is written; the parcel's own origin and destination give it a name."""

    AGENCY = "agency"
    HUB = "hub"
    HUB_TO = "hub_to"
    LOCAL = "local"
    COUNTER = "counter"
    CUSTOMS = "customs"
    ABROAD = "abroad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One Correios event. ``deadline_days`` from its day on, the parcel waits at the counter. ``dated`` is what Correios
    writes as its time whenever it is written; without it the line bears the time at which it becomes known.
    """

    codigo: str
    tipo: str
    descricao: str
    place: Place
    towards: Place | None = None
    detalhe: str = ""
    deadline_days: int | None = None
    dated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    What becomes known at once. ``refusal`` stands in place of lines as long as Correios knows nothing to tell.

    ``withdraws`` so many of the newest lines vanish when this one is written; with ``numbers`` the shop gives the
    order its tracking number at this moment.
    """

    lines: tuple[Line, ...] = ()
    status: str
    tells: str | None = None
    refusal: str = ""
    withdraws: int = 0
    numbers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A parcel's whole life; ``international`` ones have a number that ends in another country's code."""

    history: Step
    steps: tuple[Step, ...] = ()
    international: bool = False

    def upto(self, position: int) -> tuple[Step, ...]:
        """The history and the first ``position`` steps."""
        return (self.history, *self.steps[:position])


POSTED = Line(codigo="PO", tipo="01", descricao="Objeto postado", place=Place.AGENCY)
FORWARDED = Line(
    codigo="RO",
    tipo="01",
    descricao="Objeto em transferência - por favor aguarde",
    place=Place.HUB,
    towards=Place.HUB_TO,
)
TO_LOCAL = Line(
    codigo="DO",
    tipo="01",
    descricao="Objeto em transferência - por favor aguarde",
    place=Place.HUB_TO,
    towards=Place.LOCAL,
)
OUT = Line(codigo="OEC", tipo="01", descricao="Objeto saiu para entrega ao destinatário", place=Place.LOCAL)
DELIVERED = Line(codigo="BDE", tipo="01", descricao="Objeto entregue ao destinatário", place=Place.LOCAL)
COLLECTED = Line(codigo="BDI", tipo="01", descricao="Objeto entregue ao destinatário", place=Place.COUNTER)
CORRECTED_DELIVERED = Line(codigo="BDR", tipo="01", descricao="Objeto entregue ao destinatário", place=Place.LOCAL)
ABSENT = Line(
    codigo="BDE",
    tipo="20",
    descricao="Objeto não entregue - carteiro não atendido",
    detalhe="Será realizada nova tentativa de entrega",
    place=Place.LOCAL,
)
ABSENT_TO_COUNTER = Line(
    codigo="BDE",
    tipo="02",
    descricao="Objeto não entregue - carteiro não atendido",
    detalhe="Aguarde: objeto estará disponível para retirada na unidade a ser informada",
    place=Place.LOCAL,
)
AT_COUNTER = Line(
    codigo="LDI",
    tipo="01",
    descricao="Objeto aguardando retirada no endereço indicado",
    detalhe="Para retirá-lo, é preciso informar o código do objeto e apresentar documento",
    place=Place.COUNTER,
    deadline_days=7,
)
MOVED_AWAY = Line(
    codigo="BDE",
    tipo="10",
    descricao="Cliente mudou-se - Entrega não realizada - Objeto será devolvido ao remetente",
    place=Place.LOCAL,
)
OUT_TO_SENDER = Line(codigo="OEC", tipo="09", descricao="Objeto saiu para entrega ao remetente", place=Place.AGENCY)
TO_SENDER = Line(codigo="BDE", tipo="23", descricao="Objeto entregue ao remetente", place=Place.AGENCY)
TO_SENDER_BY_WORDING = Line(codigo="BDE", tipo="01", descricao="Objeto entregue ao remetente", place=Place.AGENCY)
NOT_FOUND = Line(codigo="BDE", tipo="80", descricao="Objeto não localizado no fluxo postal", place=Place.HUB)
BACK_TO_CORREIOS = Line(codigo="FC", tipo="05", descricao="Objeto devolvido aos Correios", place=Place.LOCAL)
VOID = Line(codigo="EST", tipo="01", descricao="Favor desconsiderar a informação anterior", place=Place.LOCAL)
LABEL = Line(
    codigo="FC",
    tipo="82",
    descricao="Etiqueta emitida",
    detalhe="Aguardando postagem pelo remetente",
    place=Place.AGENCY,
)
ODD = Line(codigo="XQT", tipo="77", descricao="Objeto em conferência por amostragem", place=Place.HUB_TO)
POSTED_ABROAD = Line(codigo="PO", tipo="01", descricao="Objeto postado", place=Place.ABROAD)
RECEIVED_IN_BRAZIL = Line(
    codigo="PAR", tipo="16", descricao="Objeto recebido pelos Correios do Brasil", place=Place.CUSTOMS
)
PAYMENT_WANTED = Line(codigo="PAR", tipo="17", descricao="Aguardando pagamento", place=Place.CUSTOMS)
PAID = Line(codigo="PAR", tipo="31", descricao="Pagamento confirmado", place=Place.CUSTOMS)
CUSTOMS_DONE = Line(codigo="PAR", tipo="10", descricao="Fiscalização aduaneira finalizada", place=Place.CUSTOMS)

ON_ITS_WAY = Step(lines=(POSTED, FORWARDED), status="in_transit", tells="in_transit")
GOING_OUT = Step(lines=(OUT,), status="out_for_delivery", tells="out_for_delivery")
OUT_AGAIN = Step(lines=(OUT,), status="out_for_delivery")
HANDED_OVER = Step(lines=(DELIVERED,), status="delivered", tells="delivered")
DELIVERED_AGAIN = Step(lines=(DELIVERED,), status="delivered")
FIRST_SCAN = Step(lines=(POSTED,), status="in_transit", tells="in_transit")
UNKNOWN_YET = Step(status="unknown", refusal="SRO-020")

JOURNEYS: Mapping[str, Journey] = {
    "delivered": Journey(
        history=ON_ITS_WAY, steps=(Step(lines=(TO_LOCAL,), status="in_transit"), GOING_OUT, HANDED_OVER)
    ),
    "second_attempt": Journey(
        history=ON_ITS_WAY,
        steps=(
            GOING_OUT,
            Step(lines=(ABSENT,), status="delivery_failed", tells="delivery_failed"),
            OUT_AGAIN,
            HANDED_OVER,
        ),
    ),
    "delivered_at_once": Journey(
        history=FIRST_SCAN,
        steps=(
            Step(lines=(FORWARDED, TO_LOCAL), status="in_transit"),
            Step(lines=(OUT, DELIVERED), status="delivered", tells="delivered"),
        ),
    ),
    "returned": Journey(
        history=ON_ITS_WAY,
        steps=(
            GOING_OUT,
            Step(lines=(MOVED_AWAY,), status="returning", tells="returning"),
            Step(lines=(OUT_TO_SENDER,), status="returning"),
            Step(lines=(TO_SENDER,), status="returned"),
        ),
    ),
    "collected": Journey(
        history=ON_ITS_WAY,
        steps=(
            GOING_OUT,
            Step(lines=(ABSENT_TO_COUNTER,), status="delivery_failed", tells="delivery_failed"),
            Step(lines=(AT_COUNTER,), status="ready_for_pickup", tells="ready_for_pickup"),
            Step(lines=(COLLECTED,), status="delivered", tells="delivered"),
        ),
    ),
    "undone": Journey(
        history=ON_ITS_WAY,
        steps=(
            GOING_OUT,
            Step(lines=(CORRECTED_DELIVERED,), status="delivered", tells="delivered"),
            Step(lines=(BACK_TO_CORREIOS,), status="in_transit"),
            OUT_AGAIN,
            DELIVERED_AGAIN,
        ),
    ),
    "customs": Journey(
        international=True,
        history=Step(lines=(POSTED_ABROAD, RECEIVED_IN_BRAZIL), status="in_transit", tells="in_transit"),
        steps=(
            Step(lines=(PAYMENT_WANTED,), status="on_hold", tells="on_hold"),
            Step(lines=(PAID, CUSTOMS_DONE), status="in_transit"),
            GOING_OUT,
            HANDED_OVER,
        ),
    ),
    "voided_vanishes": Journey(
        history=ON_ITS_WAY,
        steps=(
            GOING_OUT,
            HANDED_OVER,
            Step(lines=(VOID,), withdraws=1, status="out_for_delivery"),
            OUT_AGAIN,
            DELIVERED_AGAIN,
        ),
    ),
    "voided_stays": Journey(
        history=ON_ITS_WAY,
        steps=(GOING_OUT, HANDED_OVER, Step(lines=(VOID,), status="out_for_delivery"), OUT_AGAIN, DELIVERED_AGAIN),
    ),
    "lost": Journey(
        history=ON_ITS_WAY,
        steps=(Step(lines=(TO_LOCAL,), status="in_transit"), Step(lines=(NOT_FOUND,), status="lost")),
    ),
    "posted_late": Journey(history=UNKNOWN_YET, steps=(UNKNOWN_YET, FIRST_SCAN, GOING_OUT, HANDED_OVER)),
    "label_only": Journey(history=Step(lines=(LABEL,), status="info_received")),
    "label_then_posted": Journey(
        history=Step(lines=(LABEL,), status="info_received"), steps=(FIRST_SCAN, GOING_OUT, HANDED_OVER)
    ),
    "odd_code": Journey(history=ON_ITS_WAY, steps=(Step(lines=(ODD,), status="in_transit"), GOING_OUT, HANDED_OVER)),
    "delivered_before": Journey(
        history=Step(lines=(POSTED, FORWARDED, OUT, DELIVERED), status="delivered"),
    ),
    "not_ours": Journey(history=Step(status="unknown", refusal="SRO-009")),
    "malformed": Journey(history=Step(status="unknown", refusal="SRO-019")),
}

# Lives outside the ring that cohorts go round: each belongs to one kind of order.
ORDER_BOUND: Mapping[str, Journey] = {
    "numbered_later": Journey(
        history=UNKNOWN_YET,
        steps=(
            Step(lines=(POSTED,), status="in_transit", tells="in_transit", numbers=True),
            GOING_OUT,
            HANDED_OVER,
        ),
    ),
    "stranger": Journey(history=UNKNOWN_YET),
}

# Lives that only those lead who are asked to: what rings would make too common.
ON_REQUEST: Mapping[str, Journey] = {
    "misdated": Journey(
        history=ON_ITS_WAY,
        steps=(
            Step(
                lines=(
                    replace(DELIVERED, dated="1970-01-01T00:00:00"),
                    replace(DELIVERED, dated="2099-12-31T23:59:59"),
                    replace(OUT, dated="2018-02-17T23:30:00"),  # the hour that came twice
                    replace(OUT, dated="2018-11-04T00:30:00"),  # the hour that never came
                ),
                status="in_transit",
            ),
            GOING_OUT,
            HANDED_OVER,
        ),
    ),
    "number_used_before": Journey(
        history=Step(
            lines=(
                replace(POSTED, dated="2019-03-06T10:00:00"),
                replace(OUT, dated="2019-03-11T09:00:00"),
                replace(DELIVERED, dated="2019-03-11T15:00:00"),
            ),
            status="unknown",
        ),
        steps=(FIRST_SCAN, GOING_OUT, HANDED_OVER),
    ),
    "returned_by_wording": Journey(
        history=ON_ITS_WAY,
        steps=(
            GOING_OUT,
            Step(lines=(MOVED_AWAY,), status="returning", tells="returning"),
            Step(lines=(TO_SENDER_BY_WORDING,), status="returned"),
        ),
    ),
}


def journey(kind: str) -> Journey:
    return JOURNEYS.get(kind) or ORDER_BOUND.get(kind) or ON_REQUEST[kind]
