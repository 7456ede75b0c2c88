"""One thing after another goes wrong: one clear line says so, everything else is done, and nothing is told twice."""

import pytest

from rastro.errors import CredentialsRefused, Misconfigured

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"
TRACK, VTEX, SQL, MAIL = "track.correios", "update_orders.vtex:loja", "sql:erp", "email_customers"
MARKET, HUB = "confirm.vtex_protocol:market", "confirm.webhook:hub"
ASK = "^/correios/srorastro"
TRACKING = "/tracking$"


@pytest.fixture
def lines(caplog):
    """What the task bodies logged as errors; ``check_run`` repeats each, which is not counted."""

    def read():
        records = [one for one in caplog.get_records("call") if one.name.startswith("rastro.orchestration.")]
        assert records
        return [one.getMessage() for one in records if one.levelname == "ERROR" and one.funcName != "check_run"]

    return read


def busy(shop):
    """Parcels of every kind of receiver, each with news that nobody has been told yet."""
    shop.orders("delivered", parcels=3)
    shop.orders("delivered_at_once", parcels=2, variant="marketplace")
    shop.orders("delivered_at_once", parcels=2, variant="hub")
    shop.rows("delivered", parcels=3)
    shop.advance()
    assert not shop.hour().failures
    shop.advance()


def recovers(shop):
    """Once the cause is gone, the next run makes up for what was left, each thing once."""
    shop.simulator.calm()
    shop.pauses_end()
    run = shop.hour()
    assert run.failures == {}
    assert [one for one in shop.wrong() if "as recorded" not in one.name] == []


def one_line_each(run, lines, tasks, words):
    assert run.failed == {*tasks, "check_run"}
    assert len(lines()) == len(tasks)
    assert all(words in line for line in lines()), lines()
    problem = str(run.failures["check_run"])
    assert all(problem.count(line) == 1 for line in lines())


WRONG = [
    ("correios", {"password": "wrong-secret"}, {TRACK}, "check the credentials"),
    ("loja", {"password": "wrong-secret"}, {"sync_orders", VTEX}, "check the credentials"),
    ("rastro_smtp", {"password": "wrong-secret"}, {MAIL}, "check login and password"),
    ("market", {"password": "wrong-secret"}, {MARKET}, "check the credentials"),
    (
        "hub",
        {"extra": {"secret": "whsec_" + "d3Jvbmctc2VjcmV0IHdyb25nLXNlY3JldCBub3c="}},
        {HUB},
        "check the credentials",
    ),
    ("correios", {"host": NOWHERE}, {TRACK}, "is the host up"),
    ("loja", {"host": NOWHERE}, {"sync_orders", VTEX}, "is the host up"),
    ("rastro_smtp", {"port": 9}, {MAIL}, "is the host right"),
    ("market", {"host": NOWHERE}, {MARKET}, "is the host up"),
    ("hub", {"host": NOWHERE}, {HUB}, "is the host up"),
]


@pytest.mark.parametrize(
    ("connection", "change", "tasks", "words"), WRONG, ids=[f"{one[0]}-{next(iter(one[1]))}" for one in WRONG]
)
def test_a_connection_that_leads_nowhere_fails_its_own_task_alone(shop, lines, connection, change, tasks, words):
    shop.simulator.configure(smtp_auth=True)
    busy(shop)
    shop.connect_by(connection, **change)
    shop.execute("DELETE FROM rastro.token")  # a token that is still good needs no password
    one_line_each(shop.hour(), lines, tasks, words)
    shop.reconnect(connection)
    recovers(shop)


MISSING = [
    ("correios", {TRACK}),
    ("loja", {"sync_orders", VTEX}),
    ("rastro_smtp", {MAIL}),
    ("market", {MARKET}),
    ("hub", {HUB}),
    ("erp", {"sync_orders", MAIL}),
]


@pytest.mark.parametrize(("connection", "tasks"), MISSING, ids=[one[0] for one in MISSING])
def test_a_missing_connection_is_named_with_where_to_add_it(shop, lines, connection, tasks):
    busy(shop)
    shop.disconnect(connection)
    run = shop.hour()
    one_line_each(run, lines, tasks, f"The connection {connection} (")
    assert all(f"AIRFLOW_CONN_{connection.upper()}" in line for line in lines())
    shop.reconnect(connection)
    recovers(shop)


def test_a_shops_database_that_is_away_leaves_the_other_source_followed(shop, lines):
    busy(shop)
    shop.connect_by("erp", host="127.0.0.1", port=9)
    shop.orders("delivered")
    run = shop.hour()
    assert "sync_orders" in run.failed
    assert len(lines()) == len(run.failed - {"check_run"})
    assert shop.ask("SELECT count(*) AS n FROM rastro.shipment WHERE account = 'vtex:loja'")[0].n == 8
    shop.reconnect("erp")
    recovers(shop)


def test_without_the_warehouses_connection_every_task_says_the_same(shop):
    shop.disconnect("rastro_warehouse")
    run = shop.hour()
    assert {"sync_orders", "plan_polls", "load_changes", "check_run"} <= run.failed
    (said,) = set(map(str, run.failures.values()))
    assert "AIRFLOW_CONN_RASTRO_WAREHOUSE" in said


def test_all_wrong_settings_are_listed_at_once(shop):
    shop.configure(poll_every="soon", max_slices="0", routes="MKT", mails_per_second="many")
    run = shop.hour()
    (said,) = set(map(str, run.failures.values()))
    assert isinstance(run.failures["sync_orders"], Misconfigured)
    assert all(name in said for name in ("poll_every", "max_slices", "routes", "mails_per_second"))


# What Correios answers


@pytest.mark.parametrize("kind", ["html", "empty", "truncated", "gzip_cut"])
def test_a_body_that_cannot_be_read_is_kept_aside_and_asked_for_again(shop, lines, kind):
    busy(shop)
    # A cut connection is tried again at once, so that one must last.
    shop.simulator.fault("correios", kind, match=ASK, times=0, status=200 if kind == "html" else 0)
    run = shop.hour()
    one_line_each(run, lines, {TRACK}, "correios")
    waiting = "SELECT count(*) AS n FROM rastro.quarantine WHERE resolved_at IS NULL AND reason = 'unreadable answer'"
    if kind != "gzip_cut":
        assert shop.ask(waiting)[0].n == 1
    recovers(shop)
    assert shop.ask(waiting)[0].n == 0


def test_a_body_that_is_far_too_large_is_asked_for_in_parts(shop, lines):
    busy(shop)
    shop.simulator.fault("correios", "huge", match=ASK, size=25_000_000)
    assert shop.hour().failures == {}
    assert lines() == []
    assert shop.wrong() == []


def test_one_malformed_parcel_of_ten_does_not_hold_up_the_nine(shop, lines):
    shop.orders("delivered", parcels=10)
    shop.simulator.fault("correios", "odd_object", match=ASK)
    assert shop.hour().failures == {}
    assert lines() == []
    assert shop.ask("SELECT count(DISTINCT shipment_id) AS n FROM rastro.tracking_event")[0].n == 9
    assert shop.ask("SELECT count(*) AS n FROM rastro.quarantine WHERE resolved_at IS NULL")[0].n == 1
    recovers(shop)
    assert shop.ask("SELECT count(*) AS n FROM rastro.quarantine WHERE resolved_at IS NULL")[0].n == 0


def test_a_short_retry_after_is_waited_for(shop, lines):
    busy(shop)
    shop.simulator.fault("correios", "status", status=429, retry_after="1", match=ASK)
    assert shop.hour().failures == {}
    assert lines() == []
    assert shop.wrong() == []


def test_a_long_retry_after_leaves_the_slice_for_later(shop, lines):
    busy(shop)
    before = len(shop.received("GET", ASK))
    shop.simulator.fault("correios", "status", status=429, retry_after="3600", match=ASK, times=0)
    run = shop.hour()
    one_line_each(run, lines, {TRACK}, "too many requests")
    assert run.failures[TRACK].retry_after == 3600
    assert len(shop.received("GET", ASK)) == before + 1
    recovers(shop)


def test_a_token_that_ends_too_early_is_renewed_once(shop, lines):
    busy(shop)
    before = len(shop.received("POST", "^/correios/token"))
    shop.simulator.configure(token_generation=2)
    assert shop.hour().failures == {}
    assert lines() == []
    assert len(shop.received("POST", "^/correios/token")) == before + 1
    assert shop.wrong() == []


def test_one_503_is_tried_again_at_once(shop, lines):
    busy(shop)
    shop.simulator.fault("correios", "status", status=503, match=ASK)
    assert shop.hour().failures == {}
    assert lines() == []
    assert shop.wrong() == []


def test_a_call_refused_as_a_whole_is_cut_until_the_number_at_fault_stands_alone(shop, lines):
    shop.orders("delivered", parcels=10)
    number = shop.simulator.truth()[6]["tracking_number"]
    shop.simulator.fault("correios", "status", status=400, match=f"{ASK}.*{number}", times=0)
    assert shop.hour().failures == {}
    assert lines() == []
    refused = shop.ask("SELECT reference FROM rastro.poll_state WHERE refusal = 'malformed'")
    assert [one.reference for one in refused] == [number]
    assert shop.ask("SELECT count(DISTINCT shipment_id) AS n FROM rastro.tracking_event")[0].n == 9
    recovers(shop)


def test_correios_down_for_hours_is_caught_up_with(shop):
    shop.orders("delivered", parcels=4)
    shop.orders("delivered_at_once", parcels=2, variant="marketplace")
    assert not shop.hour().failures
    shop.simulator.fault("correios", "status", status=503, times=0)
    while shop.advance() and shop.simulator.truth()[0]["steps_left"]:
        assert shop.hour().failed == {TRACK, "check_run"}
    recovers(shop)
    assert {one["status"] for one in shop.simulator.truth()} == {"delivered"}


# What receivers answer


@pytest.mark.parametrize(("kind", "writes"), [("drop_before", 2), ("drop_after", 1)])
def test_an_order_write_whose_answer_is_lost_is_read_before_any_repeat(shop, lines, kind, writes):
    shop.orders("delivered_before")
    shop.simulator.fault("vtex", kind, method="PUT", match=TRACKING)
    assert shop.hour().failures == {}
    assert [one.state for one in shop.ask("SELECT state FROM rastro.notice WHERE channel = 'order'")] == ["unknown"]
    assert len(shop.received("PUT", TRACKING)) == 1
    shop.hour()
    assert len(shop.received("PUT", TRACKING)) == 1, "it is not asked about before its pause has ended"
    shop.pauses_end()
    assert shop.hour().failures == {}
    assert len(shop.received("PUT", TRACKING)) == writes
    assert [one.state for one in shop.ask("SELECT state FROM rastro.notice WHERE channel = 'order'")] == ["sent"]
    assert lines() == []


def test_a_marketplace_that_is_down_is_told_when_it_is_back(shop, lines):
    busy(shop)
    shop.simulator.fault("market", "status", status=503, times=0)
    one_line_each(shop.hour(), lines, {MARKET}, "the other side is in trouble")
    recovers(shop)


def test_a_webhook_that_fails_once_receives_each_delivery_once(shop, lines):
    busy(shop)
    shop.simulator.fault("webhook", "status", status=500)
    assert shop.hour().failures == {}
    assert lines() == []
    recovers(shop)
    assert {one["times"] for one in shop.simulator.control("GET", "webhook/hub")} == {1}


def mailed(shop):
    return [mail["message_id"] for mail in shop.simulator.mails()]


def test_a_mail_whose_fate_is_unknown_is_not_sent_again(shop):
    shop.rows("delivered")
    shop.simulator.fault("smtp", "drop_after")
    shop.hour()
    assert [one.state for one in shop.ask("SELECT state FROM rastro.notice")] == ["unknown"]
    shop.pauses_end()
    shop.hour()
    assert len(mailed(shop)) == 1
    assert "notice unknown (email)" in {one.problem for one in shop.ask("SELECT problem FROM rastro.v_open_problem")}


def test_a_mail_whose_fate_is_unknown_is_sent_once_more_when_the_setting_says_so(shop):
    shop.configure(resend_doubtful_mail="true")
    shop.rows("delivered")
    shop.simulator.fault("smtp", "drop_after", times=0)
    for _ in range(4):
        shop.hour()
        shop.pauses_end()
    assert len(mailed(shop)) == 2
    assert len(set(mailed(shop))) == 1


def test_an_address_that_does_not_exist_is_not_written_to_again(shop, lines):
    shop.rows("delivered", parcels=2)
    gone, other = (one["email"] for one in shop.simulator.truth())
    shop.simulator.fault("smtp", "rcpt", status=550, match=gone.replace(".", r"\."))
    assert shop.hour().failures == {}
    shop.simulator.calm()
    while shop.advance():
        assert shop.hour().failures == {}
    shop.hour()
    assert {address for mail in shop.simulator.mails() for address in mail["rcpt_tos"]} == {other}
    assert shop.ask("SELECT count(*) AS n FROM rastro.suppressed_address")[0].n == 1
    reasons = {one.reason for one in shop.ask("SELECT reason FROM rastro.notice WHERE state = 'dropped'")}
    assert any("refused this address before" in reason for reason in reasons)
    assert lines() == []


def test_a_refused_credential_is_no_mails_last_attempt(shop):
    shop.simulator.configure(smtp_auth=True)
    shop.configure(max_attempts="2")
    shop.rows("delivered")
    shop.connect_by("rastro_smtp", password="wrong-secret")
    for _ in range(4):
        assert isinstance(shop.hour().failures[MAIL], CredentialsRefused)
        shop.pauses_end()
    shop.reconnect("rastro_smtp")
    shop.hour()
    assert len(mailed(shop)) == 1
