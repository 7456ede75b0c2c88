"""What marketplaces are told beside deliveries, where the shop wants it: once each, in order, and nothing overtaken."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from contract.tokens import account_from
from rastro.errors import CredentialsRefused, Transient
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Status
from rastro.orchestration.workshop import Workshop
from rastro.pipeline.tokens import AccessKeeper
from rastro.warehouse.connect import connector
from simulator.marketplaces import simulated_marketplaces
from simulator.world import World
from stack.wiring import key_of

pytestmark = pytest.mark.slow

SOLD_ON = tuple(simulated_marketplaces(World()))
# They are told themselves that a parcel is shipped; of the others that is the shop's ERP's work.
TOLD_OF_SHIPPING = {"casas_bahia", "magalu", "mercado_livre", "netshoes"}
MARKET = "mercado_livre"
WORDS = ("Enviado", "Saiu para entrega", "Tentativa de entrega sem sucesso", "Entregue")
LOGIN = "/oauth/token$"


def sell(shop, *codes, kind="second_attempt"):
    """Parcels of orders on these marketplaces, each as it stands there before anybody tells it that it is shipped."""
    shop.carried(1 + len(codes), carriers=["loggi"], marketplaces=codes, kinds=[kind])
    for code in set(codes) & TOLD_OF_SHIPPING:
        for one in shop.simulator.control("GET", f"sold/{code}"):
            shop.simulator.control("POST", "sold", {**one, "status": "invoiced"})


def with_news(shop, *codes):
    shop.configure(marketplace_news=", ".join(map(key_of, codes)))


def told(shop, code=MARKET):
    """What Mercado Livre, or another one, was told of its one order, step by step."""
    (order,) = shop.simulator.control("GET", f"sold/{code}")
    return [one["body"]["payload"]["comment"] if code == MARKET else one["status"] for one in order["told"]]


def notices(shop):
    rows = shop.ask("SELECT kind, state FROM rastro.notice WHERE channel = 'marketplace' ORDER BY notice_id")
    return [(one.kind, one.state) for one in rows]


def test_each_marketplace_is_told_all_that_it_takes_once_and_in_order(wide):
    with_news(wide, *SOLD_ON)
    sell(wide, *SOLD_ON)
    hours = wide.to_the_end()
    assert [hour.failures for hour in hours if hour.failures] == []
    happened = ("in_transit", "out_for_delivery", "delivery_failed", "delivered")
    for code in SOLD_ON:
        kinds = wide.ask(
            "SELECT kind, state FROM rastro.notice WHERE channel = 'marketplace' AND target = %s"
            " ORDER BY settled_at, notice_id",
            key_of(code),
        )
        takes = {*MARKETPLACES[code].takes, Status.DELIVERED}
        assert [(one.kind, one.state) for one in kinds] == [(kind, "sent") for kind in happened if kind in takes], code
        (order,) = wide.simulator.control("GET", f"sold/{code}")
        assert (order["status"], order["deliveries"], len(order["told"])) == ("delivered", 1, len(kinds)), code
    assert told(wide) == list(WORDS)


def test_without_the_setting_only_the_delivery_is_told(wide):
    wide.carried(1 + len(SOLD_ON), carriers=["loggi"], marketplaces=SOLD_ON, kinds=["second_attempt"])
    assert [hour.failures for hour in wide.to_the_end() if hour.failures] == []
    for code in SOLD_ON:
        assert told(wide, code)[-1:] == (["Entregue"] if code == MARKET else ["delivered"])
        assert len(told(wide, code)) == 1
    assert set(notices(wide)) == {("delivered", "sent")}


def test_what_the_parcel_has_overtaken_is_superseded_but_that_it_is_shipped_is_told_first(wide):
    with_news(wide, MARKET)
    sell(wide, MARKET)
    wide.simulator.fault(MARKET, "status", status=503, times=0)
    for _ in range(3):
        assert wide.hour().failed <= {f"confirm.{key_of(MARKET)}", "check_run"}
        wide.pauses_end()
        wide.advance()
    assert told(wide) == []
    wide.simulator.calm()
    assert wide.hour().failures == {}
    # By now it is out for delivery again, of which it is told once a day.
    assert told(wide) == [WORDS[0], WORDS[1]]
    assert notices(wide) == [("in_transit", "sent"), ("out_for_delivery", "sent"), ("delivery_failed", "superseded")]
    wide.to_the_end()
    assert told(wide) == [WORDS[0], WORDS[1], WORDS[3]]


@pytest.mark.parametrize("code", sorted(TOLD_OF_SHIPPING))
def test_a_parcel_that_is_first_seen_delivered_is_told_shipped_and_delivered(wide, code):
    with_news(wide, code)
    sell(wide, code, kind="delivered_before")
    assert wide.hour().failures == {}
    assert told(wide, code) == ([WORDS[0], WORDS[3]] if code == MARKET else ["shipped", "delivered"])
    assert notices(wide) == [("in_transit", "sent"), ("delivered", "sent")]
    assert wide.hour().failures == {}
    assert notices(wide) == [("in_transit", "sent"), ("delivered", "sent")]


@pytest.mark.parametrize("code", sorted(TOLD_OF_SHIPPING))
def test_a_parcel_that_is_first_seen_out_for_delivery_is_told_shipped_at_once(wide, code):
    with_news(wide, code)
    sell(wide, code)
    (sold_one,) = (one for one in wide.simulator.truth() if one["marketplace_order_id"])
    while sold_one["status"] != "out_for_delivery":
        wide.advance()
        (sold_one,) = (one for one in wide.simulator.truth() if one["marketplace_order_id"])
    assert wide.hour().failures == {}
    assert told(wide, code) == ([WORDS[0], WORDS[1]] if code == MARKET else ["shipped"])
    wide.to_the_end()
    assert told(wide, code)[-1] == (WORDS[3] if code == MARKET else "delivered")


def test_a_parcel_that_is_first_seen_back_is_told_shipped_and_back(wide):
    with_news(wide, MARKET)
    sell(wide, MARKET, kind="returned")
    while wide.advance():
        pass
    assert wide.hour().failures == {}
    assert told(wide) == [WORDS[0], "Devolvido ao remetente"]
    assert notices(wide) == [("in_transit", "sent"), ("returned", "sent")]


def test_an_hour_run_again_tells_no_marketplace_anything_twice(wide):
    with_news(wide, *SOLD_ON)
    sell(wide, *SOLD_ON)
    for _ in range(2):
        hour = wide.hour()
        requests = len(wide.received("POST", "^/marketplace/"))
        facts = wide.facts()
        again = wide.hour(window=hour.window, run_id=hour.run_id)
        assert (hour.failures, again.failures) == ({}, {})
        assert wide.facts() == facts
        assert len(wide.received("POST", "^/marketplace/")) == requests
        wide.advance()


def test_two_runs_at_once_tell_a_marketplace_behind_a_login_once(wide):
    wide.cohort(12, carriers=["loggi"], marketplaces=[MARKET], kinds=["delivered_before"])
    wide.simulator.fault(MARKET, "status", status=503, times=0)
    wide.hour()
    wide.simulator.calm()
    wide.pauses_end()
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(wide.hour, None, name) for name in ("first", "second")]
    assert [run.result().failures for run in runs] == [{}, {}]
    wide.hour()  # what one run left because the other was at it
    assert [one["deliveries"] for one in wide.simulator.control("GET", f"sold/{MARKET}")] == [1] * 6
    assert len(wide.received("POST", "/seller_notifications$")) == 6
    assert len([one for one in wide.received("POST", LOGIN) if one["status"] == 200]) == 1


# Refresh tokens that are good for one use


def keeper(shop):
    """The way in, as any task has it."""
    return AccessKeeper(
        holder=key_of(MARKET), account=account_from(shop.simulator.info()["marketplaces"][MARKET]),
        login=MARKETPLACES[MARKET].login, connect=connector(shop.warehouse), sealer=Workshop.vault(),
        clock=lambda: datetime.now(UTC),
    )  # fmt: skip


@pytest.mark.parametrize("why", ["it has ended", "it was refused"])
def test_tasks_that_want_another_token_at_once_renew_it_once(wide, why):
    held = keeper(wide).access()
    assert len(wide.received("POST", LOGIN)) == 1
    if why == "it has ended":
        wide.execute("UPDATE rastro.token SET expires_at = now()")
    together = threading.Barrier(4)

    def one_task(_):
        mine = keeper(wide)
        together.wait()
        return mine.access() if why == "it has ended" else mine.renewed(held)

    with ThreadPoolExecutor(4) as tasks:
        tokens = {access.token.value for access in tasks.map(one_task, range(4))}
    assert len(tokens) == 1
    assert tokens != {held.token.value}
    assert len(wide.received("POST", LOGIN)) == 2
    assert all(one["status"] == 200 for one in wide.received("POST", LOGIN))


def test_a_lost_answer_to_a_refresh_is_told_clearly_and_mended_by_a_new_consent(wide):
    wide.carried(2, carriers=["loggi"], marketplaces=[MARKET], kinds=["delivered_before"])
    task = f"confirm.{key_of(MARKET)}"
    wide.simulator.fault(MARKET, "drop_after", match=LOGIN)
    lost = wide.hour().failures[task]
    assert isinstance(lost, Transient)
    assert str(lost).endswith("If the next one is refused, the token it refreshes by was spent")
    assert len(wide.received("POST", LOGIN)) == 1, "it is not repeated, since it may have spent the token"
    wide.pauses_end()
    spent = wide.hour().failures[task]
    assert isinstance(spent, CredentialsRefused)
    assert "invalid_grant" in str(spent)
    assert str(spent).endswith("consent anew, and put the new refresh token into the connection")
    assert told(wide) == []
    wide.connect_by(MARKET, extra={"refresh_token": "TG-simulado-1"})
    wide.pauses_end()
    assert wide.hour().failures == {}
    assert told(wide) == [WORDS[3]]
