"""What Mercado Livre can be told of a parcel, in its own words, and what its connection must say."""

from datetime import UTC, datetime

import pytest

from rastro.access import Account
from rastro.errors import Misconfigured
from rastro.marketplaces.mercado_livre import MARKETPLACE, step_of
from rastro.models import Status
from rastro.receivers import Message, Progress

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = {"base_url": "https://api.mercadolibre.com", "login": "1", "password": "segredo"}


def message(status: Status, words: str = "Objeto em trânsito") -> Message:
    return Message(
        key="notice_1", order_id="1", invoice_number="1", tracking_number="QB123456785BR", courier="Correios",
        tracking_url="", status=status, history=(Progress(occurred_at=NOW, description=words),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "substatus"),
    [
        ("Objeto não entregue - Destinatário AUSENTE", "receiver_absent"),
        ("Estabelecimento fechado", "receiver_absent"),
        ("Endereço insuficiente", "bad_address"),
        ("Destinatário desconhecido no endereço", "bad_address"),
        ("Pessoa não autorizada a receber", "unauthorized_receiver"),
        ("Área de risco", "dangerous_area"),
        ("Rua alagada", "impassable_zone"),
        ("Local não visitado", "not_visited"),
        ("Tentativa de entrega não efetuada", None),
        ("", None),
    ],
)
def test_a_failed_attempt_is_told_by_its_reason_or_not_at_all(words: str, substatus: str | None) -> None:
    step = step_of(message(Status.DELIVERY_FAILED, words))
    assert (step.substatus if step else None) == substatus


def test_it_has_a_word_for_all_that_it_takes_and_for_nothing_else() -> None:
    told = {status for status in Status if step_of(message(status, "Destinatário ausente"))}
    assert told == MARKETPLACE.takes


@pytest.mark.parametrize("extra", [{"version": "v3"}, {"numbers": "pack"}, {"service_id": "onze"}])
def test_a_setting_that_is_none_is_refused(extra: dict[str, str]) -> None:
    account = Account(**ACCOUNT, extra={"refresh_token": "TG-1", **extra})
    with pytest.raises(Misconfigured, match=next(iter(extra))):
        MARKETPLACE.build(account, None)  # type: ignore[arg-type]
