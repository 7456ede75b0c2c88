"""
Why a parcel was not handed over or stands still, where a carrier's words say so plainly.

Pure. The words themselves may hold a name or an address, so a customer is shown a sentence of ours, and where they say
nothing that we understand the general one.
"""

import re
from enum import StrEnum

from rastro.models import Status
from rastro.routing import folded


class Reason(StrEnum):
    """A carrier's own sentence is never shown to a customer; the value names our words for it."""

    ABSENT = "absent"  # nobody there, or it was closed
    ADDRESS = "address"  # not found, or incomplete
    ELSEWHERE = "elsewhere"  # whoever should receive it is not known there
    REFUSED = "refused"
    NO_ACCESS = "no_access"
    DOCUMENT = "document"  # nobody there showed one
    CUSTOMS = "customs"


# Words of the carriers, folded, in Portuguese, Spanish and English; the first that fits.
SAID = {
    Status.DELIVERY_FAILED: (
        (r"recus|rechaz|refus|reject", Reason.REFUSED),
        (r"nao apresent\w+ (o )?documento|(sem|without|no) (identifica|id\b)", Reason.DOCUMENT),
        (r"no access|sem acesso|acesso (impedid|bloquead)|area de risco|intransit|interditad|alagad", Reason.NO_ACCESS),
        (r"mudou|\bmoved\b|nao (reside|mora|trabalha)", Reason.ELSEWHERE),
        (r"(destinatari[oa]|cliente|recebedor) (desconhecid|nao (foi )?(localizad|encontrad))", Reason.ELSEWHERE),
        (r"unknown (recipient|addressee|receiver|customer)", Reason.ELSEWHERE),
        (r"ausen|fechad|cerrad|\bclosed\b|nobody|not at home", Reason.ABSENT),
        (r"(carteiro|entregador|destinatario|cliente) nao (foi )?atend", Reason.ABSENT),
        (r"(receiver|customer|recipient) (was )?not available|no authorized recipient", Reason.ABSENT),
        (
            r"endereco (incorret|insuficient|incomplet|errad|inexist|desconhecid|nao (foi )?(localiz|encontr))",
            Reason.ADDRESS,
        ),
        (r"direccion (incorrect|incomplet|insuficient|equivocad|no encontrad)|numero inexist", Reason.ADDRESS),
        (r"(incorrect|incomplete|insufficient|wrong|bad) address|undeliverable as addressed", Reason.ADDRESS),
    ),
    Status.ON_HOLD: ((r"alfandeg|aduan|\bcustoms\b|clearance", Reason.CUSTOMS),),
}


def reason_for(status: Status, description: str) -> Reason | None:
    """
    Why, by the words of the event that decides the status.

    :param description: the carrier's words.
    """
    said = folded(description)
    return next((reason for pattern, reason in SAID.get(status, ()) if re.search(pattern, said)), None)
