"""
What Brazilian carriers of freight have in common: their wording and invoice keys.

They publish few codes or none, so their words are read, and what these do not plainly say stays unknown. Patterns are
searched in text without accents and in small letters; of several that fit, the first one counts.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from rastro.carriers import lines
from rastro.models import Event, Standing, Status

HOW = r"( (ao destinatario|ao cliente|com sucesso|normalmente|no prazo|fora do prazo|com ressalvas?))*[.! ]*$"
WORDS: lines.Words = (
    # The way back, and its end. "Devolvido" alone is said of both, so it is no end.
    (r"(aguard|pendent)\w* .*devol|devol\w* (nao|recusad)", Status.ON_HOLD),
    (r"(\bnao entreg|\bsera |\bser |\bem |\bcoleta).*devol|devol\w* (em |a ser)|devol.*coleta", Status.RETURNING),
    (r"devol\w*\b.*\b(conclui|finalizad|entregue|realizad|efetuad)", Status.RETURNED),
    (r"\b(entregue|entrega (realizada|efetuada|finalizada))\b.*\b(remetente|embarcador|expedidor)\b", Status.RETURNED),
    (r"devol|retorn\w* (ao|para o) (remetente|embarcador|expedidor)", Status.RETURNING),
    # Ends of other kinds. A cancelled document or appointment is none.
    (r"^(pedido|envio|remessa|embarque|transporte|frete)\w* cancelad|^cancelad[oa]$", Status.CANCELLED),
    (r"(possivel|suspeit|indicio|busca|investig|analise|parcial).*(extrav|\broub|\bfurt)", Status.ON_HOLD),
    (r"(extrav|\broub|\bfurt)\w*.*(parcial|investig|analise|localizad|recuperad)", Status.ON_HOLD),
    (r"extravi|\broub(o|ad)|\bfurt(o|ad)|perda total", Status.LOST),
    # What did not go as it should.
    (r"(mercadoria|carga|volume)\w* nao localizad", Status.ON_HOLD),
    (r"\bnao (foi )?(entreg|realizad|efetuad|localizad|atendid)", Status.DELIVERY_FAILED),
    (r"insucesso|ausent|ausencia|recus|tentativa de entrega", Status.DELIVERY_FAILED),
    (r"(destinatario|cliente) (mudou|desconhecid)|(estabelecimento|local) fechado", Status.DELIVERY_FAILED),
    (r"endereco (incorret|insuficient|incomplet|errad|desconhecid|nao)", Status.DELIVERY_FAILED),
    (r"\bretid|retencao|apreen|avari|sinistro|acident|bloquead|\bgreve|\bnao liberad", Status.ON_HOLD),
    (r"aguardando (instruc|posicion|autoriz|pagamento|liberac|document|regulariz)", Status.ON_HOLD),
    # The last steps.
    (r"(aguardando|(disponivel|pronto|pronta|liberad[oa]) para) (a )?retirada", Status.READY_FOR_PICKUP),
    (r"\bsai(u|da|ndo) p(ara|ra|/)?( a)? ?entrega|entrega em andamento", Status.OUT_FOR_DELIVERY),
    (r"\bem rota$|\brota de entrega|(transito|processo) (para|de) entrega", Status.OUT_FOR_DELIVERY),
    (r"^((sua )?(mercadoria|carga|encomenda|remessa) )?(foi )?entregue" + HOW, Status.DELIVERED),
    (r"^entrega (foi )?(realizada|finalizada|efetuada|concluida)" + HOW, Status.DELIVERED),
    # Before the way there, and on it.
    (r"coleta (solicitad|agendad|programad|pendent)|aguardando (a )?coleta", Status.INFO_RECEIVED),
    (r"^pedido (recebid|registrad|cadastrad)|nota fiscal (emitid|autorizad)|^reserva\b", Status.INFO_RECEIVED),
    (r"\brecebid\w* (por|pelo|pela)\b", Status.UNKNOWN),  # it may be anybody
    (r"agenda|\bliberad[oa]\b|\bem (transito|viagem)|\btransferenc|^(transito|transferid|viagem)", Status.IN_TRANSIT),
    (r"^(emissao|documento de transporte emitid|ct-?e emitid|coletad|coleta (realizad|efetuad))", Status.IN_TRANSIT),
    (r"^(saida|chegada|partida|entrada) (de|da|do|em|na|no)\b|^(embarqu|embarcad|desembar)", Status.IN_TRANSIT),
    (r"^(recebid|recebiment|triagem|manifest|descarreg|carreg|transbord|redespach)", Status.IN_TRANSIT),
)

# What words may say against a code that means a delivery.
AGAINST = frozenset(
    {Status.RETURNING, Status.RETURNED, Status.DELIVERY_FAILED, Status.LOST, Status.CANCELLED, Status.ON_HOLD}
)
OLDEST_YEAR = 2000  # what is dated before has not been dated: .NET writes the year 1 for no time


def meaning(text: str, by_code: Status = Status.UNKNOWN) -> tuple[Status, Standing]:
    """
    What a line says: by its code where that is known, else by its words.

    A code that means a delivery is not believed against words that say otherwise. A line about a receipt moves
    nothing.
    """
    if by_code in {Status.UNKNOWN, Status.IN_TRANSIT} and lines.is_receipt(text):
        return Status.UNKNOWN, Standing.INFORMATIVE
    worded = lines.by_words(text, WORDS)
    if by_code is Status.UNKNOWN or (by_code is Status.DELIVERED and worded in AGAINST):
        return worded, Standing.EFFECTIVE
    return by_code, Standing.EFFECTIVE


def history(events: Iterable[Event]) -> tuple[Event, ...]:
    """As :func:`.lines.history`; of the same time an end comes last."""
    return lines.history(sorted(events, key=lambda one: one.status.is_final))


def told_at(written: str | None) -> datetime | None:
    """
    A time in Brasília's zone; None for none and for what only fills the field.

    :raises ValueError: it is no time.
    """
    at = lines.moment(written) if (written or "").strip() else None
    return at if at and at.year >= OLDEST_YEAR else None


def end_of(day: str | None) -> datetime | None:
    """The end of the day that a parcel is promised for; a time that is named stays as it is; None for what is none."""
    at = lines.moment_or_none(day)
    return lines.end_of_day(at) if at and at.year >= OLDEST_YEAR else None


def is_access_key(number: str) -> bool:
    """Whether a number has the form of an NF-e's access key, whatever its check digit."""
    return re.fullmatch(r"[0-9]{44}", number) is not None


def check_digit_fits(number: str) -> bool:
    """Whether an access key ends as it must (modulus 11, weights 2 to 9 from the right); false also for no key."""
    if not is_access_key(number):
        return False
    total = sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(number[:-1])))
    rest = 11 - total % 11
    return int(number[-1]) == (0 if rest > 9 else rest)


def doubt_about_key(number: str) -> str:
    """What looks wrong about a number that is asked about as an access key; empty when nothing does."""
    if is_access_key(number) and not check_digit_fits(number):
        return "the invoice key's check digit is wrong: a digit was mistyped"
    return ""
