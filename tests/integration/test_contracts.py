"""Several contracts with one carrier, and several accounts of VTEX: each has its own, and none holds up another."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from chaos.hours import context_of
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.models import Window
from rastro.orchestration import tasks
from rastro.orchestration.serving import Serving
from rastro.orchestration.workshop import Workshop, read_settings
from rastro.web.pushes import sources_of
from stack.state import REPOSITORY

pytestmark = pytest.mark.slow

FIRST, SECOND = "correios:correios", "correios:correios_two"
CONTRACTS = f"{FIRST}, {SECOND}=vtex:outra"


@pytest.fixture
def brands(shop):
    """Two shops of one group, each with its own VTEX account and contract, which knows its own parcels alone."""
    told = shop.simulator.info()["correios"]
    second = {"login": told["second"]["user"], "password": told["second"]["access_code"]}
    shop.connections["outra"] = {**shop.connections["loja"], "host": f"{shop.simulator.info()['url']}/vtex/outra"}
    shop.connections["correios_two"] = {
        **shop.connections["correios"], **second, "extra": {"posting_card": told["second"]["posting_card"]},
    }  # fmt: skip
    shop.reconnect("outra")
    shop.reconnect("correios_two")
    shop.simulator.configure(second_contract="outra")
    shop.configure(sources="vtex:loja, vtex:outra", carriers=CONTRACTS)
    return shop


def parcels(shop, many=8, kinds=("delivered",), accounts=("loja", "outra")):
    shop.simulator.cohort(parcels=many, kinds=list(kinds), vtex_accounts=list(accounts), variants=["own"])


def states(shop):
    return {(one.account, one.order_id): one.status for one in shop.ask("SELECT * FROM rastro.v_shipment")}


def truths(shop):
    return {(one["source"], one["order_id"]): one["status"] for one in shop.simulator.truth()}


def asked(shop):
    """How many references were asked about through each contract, in all runs."""
    return Counter({one.contract: int(one.asked) for one in shop.ask(
        "SELECT contract, sum(asked) AS asked FROM rastro.poll_batch GROUP BY contract"
    )})  # fmt: skip


def refused_as_not_ours(shop):
    return [one for one in shop.received("GET", "^/correios/srorastro") if "SRO-009" in one["answer"]]


def contracts_of(shop):
    rows = shop.ask("SELECT s.account, p.contract FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id)")
    return {(one.account, one.contract) for one in rows}


def test_each_number_is_asked_about_through_its_own_contract_alone(brands):
    parcels(brands)
    assert not [hour.failures for hour in brands.to_the_end() if hour.failures]
    assert set(truths(brands).values()) == {"delivered"}
    assert states(brands) == truths(brands)
    assert contracts_of(brands) == {("vtex:loja", ""), ("vtex:outra", SECOND)}
    assert refused_as_not_ours(brands) == []
    counted = asked(brands)
    assert counted[FIRST] == counted[SECOND] > 0


def test_one_contract_that_is_refused_does_not_hold_up_the_other(brands):
    brands.connect_by("correios_two", password="wrong-secret")
    parcels(brands, kinds=["delivered_before"])
    hour = brands.hour()
    assert hour.failures
    assert any(SECOND in str(error) for error in hour.failures.values())
    assert {state for (account, _), state in states(brands).items() if account == "vtex:loja"} == {"delivered"}
    assert {state for (account, _), state in states(brands).items() if account == "vtex:outra"} == {"unknown"}
    brands.reconnect("correios_two")
    assert brands.hour().failures == {}
    assert states(brands) == truths(brands)


def test_what_a_contract_does_not_know_says_which_was_asked_and_goes_to_another_once_the_setting_does(brands):
    brands.configure(carriers=FIRST)
    parcels(brands, kinds=["delivered_before"])
    assert brands.hour().failures == {}
    texts = {one.refusal_text for one in brands.ask("SELECT refusal_text FROM rastro.poll_state WHERE refusal <> ''")}
    assert len(texts) == 1
    assert texts.pop().endswith(f"(asked through {FIRST})")
    before = brands.facts()["events"]
    brands.configure(carriers=CONTRACTS)
    assert brands.hour().failures == {}
    assert states(brands) == truths(brands)
    assert len(brands.facts()["events"]) > len(before)
    assert contracts_of(brands) == {("vtex:loja", ""), ("vtex:outra", SECOND)}

    brands.configure(carriers=FIRST)
    facts = brands.facts()
    assert brands.hour().failures == {}
    assert contracts_of(brands) == {("vtex:loja", ""), ("vtex:outra", "")}
    assert brands.facts() == facts, "what was known is known still"


def test_one_number_in_two_shops_is_asked_about_in_both_contracts_and_parted_when_one_is_added(brands):
    brands.simulator.configure(second_contract="")
    brands.configure(carriers=FIRST)
    parcels(brands, 2, kinds=["delivered_before"])
    tasks.sync_orders("first", {})
    ((number,),) = brands.ask("SELECT tracking_number FROM rastro.shipment WHERE account = 'vtex:loja'")
    brands.execute(
        "UPDATE rastro.shipment SET tracking_number = %s,"
        " poll_id = (SELECT poll_id FROM rastro.poll_state WHERE reference = %s) WHERE account = 'vtex:outra'",
        number, number,
    )  # fmt: skip
    staged = "INSERT INTO rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id, unasked)"
    brands.execute(
        f"{staged} SELECT poll_id, now(), 'd', 's', 'r', 'cut off', true FROM rastro.poll_state WHERE reference = %s",
        number,
    )
    brands.configure(carriers=CONTRACTS)
    tasks.keep_contracts(Workshop.open("second"))
    rows = brands.ask(
        "SELECT s.account, p.contract, p.next_poll_at IS NOT NULL AS awake, count(t.*) AS staged FROM rastro.shipment s"
        " JOIN rastro.poll_state p USING (poll_id) LEFT JOIN rastro.staged_snapshot t USING (poll_id)"
        " WHERE p.reference = %s GROUP BY 1, 2, 3 ORDER BY 1",
        number,
    )
    assert rows == [("vtex:loja", "", True, 1), ("vtex:outra", SECOND, True, 1)]
    brands.configure(carriers=FIRST)
    tasks.keep_contracts(Workshop.open("third"))
    assert contracts_of(brands) == {("vtex:loja", ""), ("vtex:outra", "")}
    awake = brands.ask(
        "SELECT contract FROM rastro.poll_state WHERE reference = %s AND next_poll_at IS NOT NULL", number
    )
    assert awake == [("",)], "nobody asks for what nobody wants"


def test_each_contract_has_its_own_calls_of_the_day(brands):
    brands.configure(calls_per_day=f"correios=1, {SECOND}=5000")
    parcels(brands, 300)
    brands.hour()
    counted = asked(brands)
    assert counted[FIRST] == 50, "as many as one call holds"
    assert counted[SECOND] > 100
    assert brands.ask("SELECT carrier FROM rastro.carrier_plan WHERE put_off > 0") == [("correios",)]
    assert {one.carrier for one in brands.ask("SELECT carrier FROM rastro.call_budget")} == {"correios", SECOND}


def test_slices_of_all_contracts_together_are_bounded_and_each_carries_its_contract(brands):
    brands.configure(slice_size="1", max_slices="6")
    parcels(brands, 400)
    tasks.sync_orders("many", {})
    now = datetime.now(UTC)
    planned = tasks.plan_polls("many", context_of(Window(start=brands.since, end=now), now, run_type="manual"))
    slices = planned["correios"]
    assert 2 <= len(slices) <= 6
    assert {one["contract"] for one in slices} == {"", SECOND}
    assert len(json.dumps(slices)) < 200 * len(slices)
    assert all(tasks.label_of(one).startswith(one["contract"]) for one in slices)


def test_a_push_is_genuine_by_the_secret_of_any_contract(brands):
    for name, secret in (("loggi_one", "a-secret-of-one"), ("loggi_two", "a-secret-of-two")):
        extra = {"company_id": "1", "push_user": "us", "push_password": secret}
        brands.connections[name] = {"conn_type": "loggi", "login": "us", "password": "x", "extra": extra}
        brands.reconnect(name)
    brands.configure(carriers="loggi:loggi_one, loggi:loggi_two=vtex:outra")
    sources, unverified = sources_of(CARRIERS, Serving.read().accounts)
    assert unverified == []
    secrets = [account.extra["push_password"] for account in sources["loggi"].accounts]
    assert secrets == ["a-secret-of-one", "a-secret-of-two"]


def test_the_feed_of_a_further_contract_speaks_for_its_own(wide):
    code = "total_express"
    second = f"{code}:second"
    wide.connections["second"] = wide.connections[code]
    wide.connect_by("second", extra={"feed": "true"})
    wide.configure(carriers=f"{code}:{code}, {second}=sql:erp")
    wide.carried(3, carriers=[code], kinds=["delivered"])
    assert wide.hour().failures == {}
    assert wide.ask("SELECT contract, way FROM rastro.inbox") == [(second, "feed")]
    rows = wide.ask("SELECT DISTINCT contract, answered_at IS NOT NULL FROM rastro.poll_state")
    assert rows == [(second, True)]
    assert not asked(wide), "nobody is asked for what is handed out"
    assert wide.hour().failures == {}
    assert len(wide.received("POST", "/webservice24")) == 1, "it may not be asked again so soon"


def test_two_shops_at_once_each_with_its_own_mailer_and_one_that_fails(brands):
    """VTEX mails the customers of the one, we those of the other; while one is away the other's news goes on."""
    brands.connect_by("outra", extra={"mailer": "own"})
    parcels(brands, 6)
    assert not [hour.failures for hour in (brands.hour(), brands.hour()) if hour.failures]
    brands.advance()
    brands.connect_by("loja", password="wrong-secret")
    hour = brands.hour()
    assert {"sync_orders"} <= {name.split(" ")[0].split("[")[0] for name in hour.failed}
    assert states(brands) == truths(brands), "carriers are asked about the parcels of both"
    brands.reconnect("loja")
    brands.pauses_end()
    while brands.advance():
        assert brands.hour().failures == {}
    assert states(brands) == truths(brands)
    mails = [json.dumps(one) for one in brands.simulator.mails()]
    ours = {one["email"] for one in brands.simulator.truth() if one["source"] == "vtex:outra"}
    theirs = {one["email"] for one in brands.simulator.truth() if one["source"] == "vtex:loja"}
    assert mails
    assert all(any(address in mail for address in ours) for mail in mails)
    assert not any(address in mail for address in theirs - ours for mail in mails)
    assert brands.simulator.control("GET", "vtex/loja/mails")


# Where connections and settings come from


READ = """
from rastro.orchestration.workshop import Workshop, connection
shop = Workshop.open("run")
print("held by", connection("shop_b", "shop").login, "and", shop.settings.hub_key)
with shop.connect() as conn:
    print("reached", conn.execute("SELECT 1").fetchone())
"""
BACKEND = """
from airflow.secrets.local_filesystem import LocalFilesystemBackend

class Vault(LocalFilesystemBackend):
    def get_config(self, key):
        return {"hub": "kept-in-the-secrets-backend"}.get(key)
"""


@pytest.mark.parametrize(
    ("backend", "variables", "key"),
    [
        (
            "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            {"AIRFLOW__RASTRO__HUB_KEY_CMD": "echo printed-by-a-command-of-ours"},
            "printed-by-a-command-of-ours",
        ),
        ("vault_in_a_test.Vault", {"AIRFLOW__RASTRO__HUB_KEY_SECRET": "hub"}, "kept-in-the-secrets-backend"),
    ],
    ids=["command", "backend"],
)
def test_connections_come_from_a_secrets_backend_and_a_secret_setting_from_it_or_a_command(
    airflow_home, warehouse, tmp_path, backend, variables, key
):
    held = {"rastro_warehouse": warehouse.airflow_connection, "shop_b": {"conn_type": "vtex", "login": "appkey"}}
    file = tmp_path / "connections.json"
    file.write_text(json.dumps(held))
    (tmp_path / "vault_in_a_test.py").write_text(BACKEND)
    done = airflow_home.python(
        "-c", READ,
        _AIRFLOW_PROCESS_CONTEXT="server",
        PYTHONPATH=f"{tmp_path}:{REPOSITORY / 'include'}",
        AIRFLOW__SECRETS__BACKEND=backend,
        AIRFLOW__SECRETS__BACKEND_KWARGS=json.dumps({"connections_file_path": str(file)}),
        **variables,
    )  # fmt: skip
    assert f"held by appkey and {key}" in done.stdout, done.stderr
    assert "reached (1,)" in done.stdout, done.stderr


def test_a_misspelt_setting_stops_the_run_with_the_right_name_together_with_all_else_that_is_wrong(brands):
    brands.configure(cariers="correios:one", events="half", shop_name_cmd="echo Loja", carriers=f"{SECOND}=vtex:gone")
    for read in (read_settings, lambda: tasks.sync_orders("run", {})):
        with pytest.raises(Misconfigured) as refused:
            read()
        (line,) = str(refused.value).splitlines()
        assert "cariers: there is no such setting, but carriers" in line
        assert "shop_name_cmd: shop_name is no secret" in line
        assert "events: 'half' is none of full, delta" in line
        assert f"carriers: vtex:gone, which {SECOND} is for, is not among the sources" in line
