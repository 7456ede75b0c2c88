"""What can be claimed from carriers: found by the report, kept by hand, listed on a page, as files and by a command."""

import csv
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import openpyxl
import psycopg
import pytest
from starlette.testclient import TestClient

from rastro.claims import ClaimState
from rastro.cli import main
from rastro.errors import Misconfigured
from rastro.habits import ALIKE, SILENCE, Habit
from rastro.models import Shipment
from rastro.orchestration.acts import PARAMS as FORM
from rastro.orchestration.acts import act_by_hand
from rastro.orchestration.claim_tasks import find_claims as claims_task
from rastro.orchestration.report_tasks import make_report
from rastro.pages import access
from rastro.pages.app import made
from rastro.pages.routes import May
from rastro.pipeline.find_claims import Found, find_claims
from rastro.settings import settings_from
from rastro.warehouse import claims, habits
from rastro.warehouse.queries import statement
from rastro.warehouse.shipments import Routed, merge

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)  # a Friday; the Friday before was a holiday
DAY = timedelta(days=1)
HOLIDAYS = {date(2026, 11, 2), date(2026, 11, 20)}
SETTINGS = settings_from({})
_runs = count(1)

SEED_SHIPMENT = """
INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, service, state_to,
    city_to, declared_value, invoice_key, skip, first_seen_at, updated_at)
VALUES ('vtex:loja', %(order_id)s, '1', %(number)s, %(carrier)s, %(poll_id)s, 'PAC', 'SP', 'Campinas', %(value)s,
    %(key)s, %(skip)s, now(), now())
RETURNING shipment_id
"""
SEED_FACT = """
INSERT INTO rastro.delivery_fact (shipment_id, account, carrier, service, state_from, city_from, state_to, city_to,
    posted_at, first_attempt_at, ended_at, ended_as, status, last_scan_at, promised_at, first_estimate_at, attempts,
    failed_on, silent_on, hours_in, notices, computed_at)
VALUES (%(shipment_id)s, 'vtex:loja', %(carrier)s, 'PAC', 'PE', 'RECIFE', 'SP', 'CAMPINAS', %(posted)s, %(attempted)s,
    %(ended)s, %(ended_as)s, %(status)s, %(scanned)s, %(promised)s, %(estimated)s, 0, '{}', '{}', '{}', 0, now())
"""


def at(month: int, day: int, hour: int = 15) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def calendar(conn: Any) -> None:
    ordinal, rows = 0, []
    for ahead in range(730):
        day = date(2026, 1, 1) + ahead * DAY
        ordinal += day.weekday() < 5 and day not in HOLIDAYS
        rows.append(("", "", day, ordinal))
    conn.cursor().executemany("INSERT INTO rastro.working_day VALUES (%s, %s, %s, %s)", rows)


def parcel(conn: Any, number: str, status: str = "in_transit", **more: Any) -> int:
    """A parcel that was to come on Thursday the 19th and was not heard of since the 12th, unless told otherwise."""
    said = {
        "carrier": "correios", "order_id": f"O-{number}", "number": number, "value": Decimal("100.50"),
        "key": "35" * 22, "skip": "", "posted": at(11, 9), "scanned": at(11, 12), "attempted": None, "ended": None,
        "promised": at(11, 19, 23), "estimated": None, "code": "RO 01", "status": status, **more,
    }  # fmt: skip
    final = status in {"delivered", "lost", "returned", "expired"}
    said |= {"ended_as": status if final else "", "ended": said["ended"] or (at(11, 25) if final else None)}
    (said["poll_id"],) = conn.execute(
        "INSERT INTO rastro.poll_state (carrier, reference, quiet_since, step)"
        " VALUES (%(carrier)s, %(number)s, now(), %(code)s) RETURNING poll_id",
        said,
    ).fetchone()
    (said["shipment_id"],) = conn.execute(SEED_SHIPMENT, said).fetchone()
    conn.execute(
        "INSERT INTO rastro.shipment_state (shipment_id, status, status_at, status_key, changed_at)"
        " VALUES (%(shipment_id)s, %(status)s, %(scanned)s, 'k', now())",
        said,
    )
    conn.execute(
        "INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code,"
        " description, recorded_at)"
        " VALUES (%(shipment_id)s, %(scanned)s, 'k', 0, %(status)s, 'effective', %(code)s, 'Em trânsito', now())",
        said,
    )
    conn.execute(SEED_FACT, said)
    return int(said["shipment_id"])


def kept(conn: Any) -> dict[str, tuple[str, str]]:
    """Reason and state of each claim, by tracking number."""
    rows = conn.execute("SELECT tracking_number, reason, state FROM rastro.v_claim").fetchall()
    return {number: (reason, state) for number, reason, state in rows}


@pytest.fixture
def conn(warehouse: Any) -> Any:
    warehouse.connection.autocommit = True
    calendar(warehouse.connection)
    return warehouse.connection


def test_the_report_opens_what_can_be_claimed_and_nothing_else(conn: Any) -> None:
    parcel(conn, "late")
    parcel(conn, "estimated-later", estimated=at(12, 1))
    parcel(conn, "estimated-before", promised=at(12, 1), estimated=at(11, 19))
    parcel(conn, "lost", "lost", code="BDE 80")
    parcel(conn, "stolen", "lost", code="BDE 51")
    parcel(conn, "damaged", "on_hold", code="BDE 28", promised=at(12, 9))
    parcel(conn, "returned", "returned")
    parcel(conn, "refused", "returned", attempted=at(11, 18))
    parcel(conn, "came-late", "delivered", attempted=at(11, 23))
    parcel(conn, "in-time", "delivered", attempted=at(11, 19, 22))
    parcel(conn, "foreign", "lost", skip="The order was cancelled.")
    parcel(conn, "not-posted", posted=None)
    parcel(conn, "long-ago", "lost", posted=at(8, 1))
    parcel(conn, "compensated", "lost", code="IDC 01")
    parcel(conn, "others-late", carrier="jadlog")  # whose seventh working day is the first of December
    found = find_claims(conn, SETTINGS, NOW)
    assert kept(conn) == {
        "late": ("late", "open"),
        "estimated-before": ("late", "open"),
        "lost": ("lost", "open"),
        "stolen": ("stolen", "open"),
        "damaged": ("damaged", "open"),
        "returned": ("returned", "open"),
        "came-late": ("came_late", "open"),
        "compensated": ("lost", "paid"),
    }
    assert (found.claims, found.new, found.lapsed, found.paid_by_carrier) == (7, 7, 0, 1)
    stakes = dict(conn.execute("SELECT tracking_number, at_stake FROM rastro.v_claim").fetchall())
    assert stakes["late"] == Decimal("100.50")
    assert stakes["came-late"] is None
    ((paid_at,),) = conn.execute("SELECT carrier_paid_at FROM rastro.v_claim WHERE state = 'paid'").fetchall()
    assert paid_at == NOW


def test_found_again_nothing_changes_and_what_cannot_be_made_any_more_lapses_and_comes_back(conn: Any) -> None:
    first = parcel(conn, "late")
    assert find_claims(conn, SETTINGS, NOW).new == 1
    before = conn.execute("SELECT * FROM rastro.claim").fetchall()
    assert find_claims(conn, SETTINGS, NOW + timedelta(hours=1)) == Found(
        claims=1, new=0, lapsed=0, paid_by_carrier=0, stalled=1
    )
    assert conn.execute("SELECT * FROM rastro.claim").fetchall() == before
    assert find_claims(conn, SETTINGS, at(12, 20)).lapsed == 1  # thirty days are over
    assert kept(conn)["late"] == ("late", "lapsed")
    conn.execute(
        "UPDATE rastro.delivery_fact SET status = 'lost', ended_as = 'lost', ended_at = now() WHERE shipment_id = %s",
        [first],
    )
    assert find_claims(conn, SETTINGS, at(12, 20)).lapsed == 0
    assert kept(conn)["late"] == ("lost", "open")


def test_a_claim_that_a_person_filed_or_opened_is_left_alone(conn: Any) -> None:
    filed, opened = parcel(conn, "filed"), parcel(conn, "opened", "delivered", attempted=at(11, 18))
    find_claims(conn, SETTINGS, NOW)
    claims.move(conn, filed, ClaimState.FILED, protocol="77", amount=None, by="ana", note="sent", now=NOW)
    claims.open_by_hand(conn, opened, claims.Reason.DAMAGED, within=90, by="ana", note="broken", now=NOW)
    assert find_claims(conn, SETTINGS, at(12, 20)).lapsed == 0
    assert kept(conn) == {"filed": ("late", "filed"), "opened": ("damaged", "open")}
    ((asked, until),) = conn.execute("SELECT asked, until FROM rastro.claim WHERE shipment_id = %s", [filed]).fetchall()
    assert asked == Decimal("100.50"), "what it is worth, where nobody says another amount"
    assert until == date(2026, 12, 19)


def test_what_the_carrier_says_it_has_paid_is_paid_once_and_may_be_opened_again(conn: Any) -> None:
    one = parcel(conn, "paid")
    find_claims(conn, SETTINGS, NOW)
    claims.move(conn, one, ClaimState.FILED, protocol="77", amount=None, by="ana", note="sent", now=NOW)
    conn.execute("UPDATE rastro.delivery_fact SET status = 'lost', ended_as = 'lost', ended_at = now()")
    conn.execute("UPDATE rastro.tracking_event SET code = 'IDC 02', status = 'lost'")
    assert find_claims(conn, SETTINGS, NOW + DAY).paid_by_carrier == 1
    assert kept(conn) == {"paid": ("late", "paid")}
    ((protocol,),) = conn.execute("SELECT protocol FROM rastro.claim").fetchall()
    assert protocol == "77"
    claims.open_by_hand(conn, one, claims.Reason.LOST, within=90, by="ana", note="too little", now=NOW)
    assert find_claims(conn, SETTINGS, NOW + 2 * DAY).paid_by_carrier == 0
    assert kept(conn) == {"paid": ("lost", "open")}


def test_what_a_carrier_pays_for_after_the_last_day_to_claim_is_seen(conn: Any) -> None:
    parcel(conn, "QQ100000011BR", "lost", posted=at(7, 1), ended=at(11, 25), code="BDE 80")
    conn.execute(
        "INSERT INTO rastro.claim (shipment_id, carrier, reason, state, since, until, found_at, changed_at)"
        " SELECT shipment_id, carrier, 'lost', 'filed', '2026-08-01', '2026-09-29', now(), now()"
        " FROM rastro.delivery_fact"
    )
    assert find_claims(conn, SETTINGS, NOW).paid_by_carrier == 0
    conn.execute("UPDATE rastro.tracking_event SET code = 'IDC 01'")
    assert find_claims(conn, SETTINGS, NOW).paid_by_carrier == 1
    assert kept(conn) == {"QQ100000011BR": ("lost", "paid")}


def test_sleepers_are_those_that_are_silent_for_longer_than_is_usual_in_their_step_and_lane(conn: Any) -> None:
    def steady(lines: float) -> Habit:
        return Habit(by_silence=(lines,) * (len(SILENCE) + 1), by_hour=ALIKE)

    # 95 of 100 have news within 299.6 hours of the week: 9 working days; in the lane to SP within 149.8: 5.
    habits.replace(conn, {"jadlog": {"TRF": steady(0.01), "TRF\x1fSP PAC": steady(0.02), "HUB": steady(0.01)}}, NOW)
    parcel(conn, "lane", carrier="jadlog", code="TRF", scanned=at(11, 17))  # 6: the 20th is a holiday
    parcel(conn, "in-time", carrier="jadlog", code="TRF", scanned=at(11, 18))  # 5
    parcel(conn, "step", carrier="jadlog", code="HUB", scanned=at(11, 11))  # 10
    parcel(conn, "usual", carrier="jadlog", code="HUB", scanned=at(11, 12))  # 9
    parcel(conn, "waits", "ready_for_pickup", carrier="jadlog", code="HUB", scanned=at(11, 2))
    parcel(conn, "ended", "delivered", carrier="jadlog", code="HUB", attempted=at(11, 19))
    assert find_claims(conn, SETTINGS, NOW).stalled == 2
    rows = conn.execute(
        "SELECT tracking_number, silent, usual, declared_value FROM rastro.v_stalled ORDER BY 1"
    ).fetchall()
    assert rows == [("lane", 6, 5, Decimal("100.50")), ("step", 10, 9, Decimal("100.50"))]
    conn.execute("UPDATE rastro.delivery_fact SET last_scan_at = %s", [NOW])
    assert find_claims(conn, SETTINGS, NOW).stalled == 0


def test_a_carriers_own_days_off_and_those_of_a_state_count(conn: Any) -> None:
    """Carnival is a working day for all but Correios, the 9th of July for all but São Paulo."""
    for carrier, state, off in (("correios", "", at(11, 23)), ("", "SP", at(11, 24))):
        conn.execute(
            "INSERT INTO rastro.working_day SELECT %s, %s, day, ordinal - (day >= %s::date)::int"
            " FROM rastro.working_day WHERE carrier = '' AND state = ''",
            [carrier, state, off.date()],
        )
    parcel(conn, "correios")
    parcel(conn, "others", carrier="ups")
    find_claims(conn, SETTINGS, at(11, 30))
    since = dict(conn.execute("SELECT tracking_number, since FROM rastro.v_claim").fetchall())
    assert since == {"correios": date(2026, 11, 24), "others": date(2026, 11, 23)}


# What a parcel is worth


def test_the_value_is_kept_when_its_source_tells_it_no_more_and_corrected_when_it_tells_another(conn: Any) -> None:
    worth = []
    for value in (None, Decimal("10.00"), None, Decimal("12.34")):
        routed = Routed(
            shipment=Shipment(
                account="a", order_id="O-1", invoice_number="1", tracking_number="QQ1", declared_value=value
            ),
            carrier="correios", why="w", reference="QQ1",
        )  # fmt: skip
        with conn.transaction():
            merge(conn, [routed], NOW, whole_packages=True)
        worth += [value for (value,) in conn.execute("SELECT declared_value FROM rastro.shipment")]
    assert worth == [None, Decimal("10.00"), Decimal("10.00"), Decimal("12.34")]


def test_what_a_parcel_is_worth_comes_with_the_order(shop: Any) -> None:
    shop.cohort(6, kinds=["delivered"], variants=["own"], share_sql=0)
    assert shop.hour().failures == {}
    values = [row.declared_value for row in shop.ask("SELECT declared_value FROM rastro.shipment")]
    assert values
    assert all(value is not None and value > 0 for value in values)


def test_the_tasks_of_the_report_find_a_parcel_that_is_late_and_one_that_sleeps(shop: Any) -> None:
    shop.orders("delivered")
    shop.hour()
    shop.execute("UPDATE rastro.shipment SET promised_at = now() - interval '9 days'")
    shop.execute("UPDATE rastro.estimate SET estimated_at = now() - interval '9 days'")
    shop.execute("UPDATE rastro.tracking_event SET occurred_at = occurred_at - interval '20 days'")
    context = {"dag_run": SimpleNamespace(run_type="manual")}
    assert make_report("run", context)["facts"] == 1
    assert claims_task("run", context) == {"claims": 1, "new": 1, "lapsed": 0, "paid_by_carrier": 0, "stalled": 1}
    ((reason, at_stake),) = shop.ask("SELECT reason, at_stake FROM rastro.v_claim WHERE state = 'open'")
    assert (reason, at_stake > 0) == ("late", True)
    ((figures,),) = shop.ask("SELECT figures FROM rastro.run_stage WHERE stage = 'find_claims'")
    assert figures["claims"] == 1


# By hand


def do(**params: Any) -> Any:
    class Run:
        triggering_user_name = params.pop("by", "ana")

    blank = {name: None if name == "status" else "" for name in FORM}
    return act_by_hand(
        f"manual-{next(_runs)}", {"params": {**blank, "reason": "as agreed", **params}, "dag_run": Run()}
    )


@contextmanager
def desk(may: frozenset[May] = frozenset(May)) -> Iterator[TestClient]:
    """The operators' pages, opened by somebody who may do so much."""
    app = made()
    for guard in access.GUARDS.values():
        app.dependency_overrides[guard] = lambda: None
    app.dependency_overrides[access.visitor] = lambda: access.Visitor(name="ana", may=may)
    with TestClient(app, headers={"origin": "http://testserver"}) as client:
        yield client


@pytest.fixture
def office(shop: Any) -> Any:
    """A shop with a late parcel, a lost one and one of unknown value, and the claims that were found for them."""
    with psycopg.connect(shop.warehouse) as conn:
        calendar(conn)
        parcel(conn, "QQ100000017BR")
        parcel(conn, "QQ100000025BR", "lost", code="BDE 80", value=Decimal("1000.00"))
        parcel(conn, "=QQ1", "lost", carrier="jadlog", value=None)
        find_claims(conn, SETTINGS, NOW)
    return shop


def claim_of(shop: Any, number: str) -> Any:
    ((one,),) = [[row] for row in shop.ask("SELECT * FROM rastro.v_claim WHERE tracking_number = %s", number)]
    return one


def test_a_claim_goes_from_open_to_filed_to_paid_and_each_step_is_recorded(office: Any) -> None:
    number = "QQ100000025BR"
    assert do(action="file_claim", numbers=number, protocol="20261127-1", amount="1.100,00") == [], "nothing follows"
    one = claim_of(office, number)
    assert (one.state, one.protocol, one.asked, one.changed_by, one.note) == (
        "filed", "20261127-1", Decimal("1100.00"), "ana", "as agreed",
    )  # fmt: skip
    do(action="claim_paid", numbers=number, amount="950,10", by="bia")
    one = claim_of(office, number)
    assert (one.state, one.protocol, one.paid, one.changed_by) == ("paid", "20261127-1", Decimal("950.10"), "bia")
    acts = office.ask("SELECT * FROM rastro.v_manual_action ORDER BY action_id")
    assert [(act.action, act.done_by, act.before["claim"], act.after["claim"]) for act in acts] == [
        ("file_claim", "ana", "open", "filed"),
        ("claim_paid", "bia", "filed", "paid"),
    ]
    assert acts[1].after == {
        "claim": "paid",
        "for": "lost",
        "protocol": "20261127-1",
        "asked": "1100.00",
        "paid": "950.10",
    }


def test_of_two_who_file_the_same_claim_the_second_is_told_of_the_first_and_nothing_is_lost(office: Any) -> None:
    number = "QQ100000025BR"
    with psycopg.connect(office.warehouse) as first:
        first.execute(statement("lock_by_hand"))  # ana's run is at work
        first.execute(
            "UPDATE rastro.claim SET state = 'filed', protocol = '1', changed_by = 'ana' WHERE carrier = 'correios'"
        )
        waiting = SimpleNamespace(error=None)

        def second() -> None:
            try:
                do(action="file_claim", numbers=number, protocol="2", by="bia")
            except Misconfigured as error:
                waiting.error = str(error)

        thread = threading.Thread(target=second)
        thread.start()
        while not office.ask(
            "SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
        ):
            assert thread.is_alive(), waiting.error
        first.commit()
        thread.join()
    assert re.search(
        r"Nothing was done. the claim for QQ100000025BR is filed already, .* by ana, protocol 1", waiting.error
    )
    assert claim_of(office, number).protocol == "1"


def test_a_form_that_somebody_else_was_faster_with_says_so_at_once(office: Any) -> None:
    do(action="file_claim", numbers="QQ100000025BR", protocol="1")
    with desk() as client:
        form = {"action": "file_claim", "numbers": "QQ100000025BR", "protocol": "2", "reason": "r", "once": "0" * 16}
        answer = client.post("/act", data=form)
        assert answer.status_code == 400
        assert "is filed already" in answer.text
        assert "by ana, protocol 1" in answer.text
    assert claim_of(office, "QQ100000025BR").protocol == "1"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"action": "claim_paid", "numbers": "QQ100000033BR", "amount": "1"}, "nothing is known about"),
        ({"action": "open_claim", "numbers": "QQ100000017BR", "claim": "lost"}, "is open already"),
    ],
)
def test_what_cannot_be_done_to_a_claim_is_said(office: Any, params: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        do(**params)


def test_a_claim_is_opened_by_hand_for_what_no_event_tells(office: Any) -> None:
    with psycopg.connect(office.warehouse) as conn:
        parcel(conn, "QQ100000034BR", "delivered", attempted=at(11, 18))
    with pytest.raises(Misconfigured, match="nothing is claimed for QQ100000034BR yet"):
        do(action="file_claim", numbers="QQ100000034BR", protocol="3")
    do(action="open_claim", numbers="QQ100000034BR", claim="damaged")
    one = claim_of(office, "QQ100000034BR")
    assert (one.state, one.reason, one.opened_by, one.until) == ("open", "damaged", "ana", date(2027, 2, 7))
    do(action="claim_refused", numbers="QQ100000034BR", by="bia")
    assert claim_of(office, "QQ100000034BR").state == "refused"


# The page, the lists, the command


def test_the_page_lists_what_can_be_filed_page_by_page(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(office.warehouse) as conn:
        for place in range(7):
            parcel(conn, f"QX{place}")
        find_claims(conn, SETTINGS, NOW)
    monkeypatch.setattr(claims, "PAGE", 3)
    seen: list[str] = []
    with desk() as client:
        address = "/claims"
        while address:
            text = client.get(address).text
            seen += re.findall(r'/claims/\d+">([^<]+)</a>', text)
            more = re.search(r'href="([^"]+)" rel="next"', text)
            address = more[1].replace("&amp;", "&") if more else ""
        assert sorted(seen) == sorted(["QQ100000017BR", "QQ100000025BR", "=QQ1", *(f"QX{place}" for place in range(7))])
        assert seen[-1] == "QQ100000025BR" or seen[-1] == "=QQ1", "what ends last comes last"
        overview = client.get("/claims").text
        assert "1 of unknown value" in overview
        assert "1,804.00" in overview  # 1000 + 8 × 100.50
        assert "not certain" in overview  # of jadlog
        assert "QQ100000017BR" not in client.get("/claims", params={"carrier": "jadlog"}).text
        assert "QQ100000017BR" not in client.get("/claims", params={"reason": "lost"}).text
        assert "None." in client.get("/claims", params={"state": "filed"}).text
        assert client.get("/claims", params={"after": "soon 1"}).status_code == 404
        assert client.get("/claims", params={"after": "2026-02-31 1"}).status_code == 404


def test_a_claims_page_shows_what_speaks_for_it_and_offers_what_can_be_done_next(office: Any) -> None:
    do(action="file_claim", numbers="QQ100000017BR", protocol="P-77", reason="by the portal")
    one = claim_of(office, "QQ100000017BR")
    office.execute("INSERT INTO rastro.estimate VALUES (%s, %s, %s)", one.shipment_id, at(11, 10), at(11, 18, 20))
    with desk() as client:
        text = client.get(f"/claims/{one.shipment_id}").text
        for said in ("P-77", "by the portal", "Em trânsito", "18/11/2026", "Note a claim as paid", "100.50"):
            assert said in text, said
        assert "Note a claim as filed" not in text
        assert f'claims/{one.shipment_id}">late</a>' in client.get(f"/shipments/{one.shipment_id}").text
        assert client.get("/claims/999999").status_code == 404
        assert client.get(f"/claims/{2**70}").status_code == 404


def test_who_may_only_look_sees_neither_buttons_nor_words_nor_lists(office: Any) -> None:
    do(action="file_claim", numbers="QQ100000017BR", protocol="P-77", reason="by the portal")
    one = claim_of(office, "QQ100000017BR")
    with desk(frozenset({May.SEE})) as client:
        text = client.get(f"/claims/{one.shipment_id}").text + client.get("/claims", params={"state": ""}).text
    for hidden in ("by the portal", "Em trânsito", "Note a claim", "claims.xlsx", "ana"):
        assert hidden not in text, hidden


def test_the_lists_hold_what_the_page_holds(office: Any) -> None:
    with desk() as client:
        answer = client.get("/claims.csv")
        assert re.search(r'filename="claims-open-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"])
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
        book = client.get("/claims.xlsx", params={"state": "", "carrier": "correios"})
    assert {row["Tracking number"] for row in rows} == {"QQ100000017BR", "QQ100000025BR", "'=QQ1"}
    late = next(row for row in rows if row["Reason"] == "late")
    assert (late["Posted"], late["Promised"], late["Claim from"], late["Claim until"], late["Value at stake"]) == (
        "2026-11-09", "2026-11-19", "2026-11-23", "2026-12-19", "100.50",
    )  # fmt: skip
    assert late["Invoice access key"] == "35" * 22
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
    assert sheet is not None
    titles, *lines = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert len(lines) == 2
    assert {line[titles.index("Invoice access key")] for line in lines} == {"35" * 22}
    assert {line[titles.index("Value at stake")] for line in lines} == {100.5, 1000}


def test_the_command_shows_a_table_and_writes_lists(office: Any, monkeypatch: Any, capsys: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("RASTRO_WAREHOUSE_DSN", office.warehouse)
    assert main(["claims"]) == 0
    assert "QQ100000025BR" in capsys.readouterr().out
    assert main(["claims", "--carrier", "jadlog", "--format", "csv"]) == 0
    assert list(csv.reader(io.StringIO(capsys.readouterr().out.removeprefix("\ufeff"), newline="")))[1][3] == "'=QQ1"
    book = tmp_path / "claims.xlsx"
    assert main(["claims", "--state", "all", "-o", str(book)]) == 0
    assert capsys.readouterr().out == f"3 claims are in {book}.\n"
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    assert sheet.max_row == 4
    assert "=QQ1" in {cell.value for cell in sheet["D"]}
    assert {cell.data_type for cell in sheet["D"]} == {"s"}
    assert main(["claims", "--format", "xlsx"]) == 2
    assert main(["claims", "-o", str(tmp_path / "claims.pdf")]) == 2
    assert main(["claims", "--days", "jadlog"]) == 2


# A big warehouse


def test_a_page_of_many_claims_is_found_by_an_index(conn: Any) -> None:
    conn.execute(
        "INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, first_seen_at,"
        " updated_at) SELECT 'a', n::text, '1', n::text, 'correios', now(), now() FROM generate_series(1, 30000) n"
    )
    conn.execute(
        "INSERT INTO rastro.shipment_state (shipment_id, changed_at) SELECT shipment_id, now() FROM rastro.shipment"
    )
    conn.execute(
        "INSERT INTO rastro.claim (shipment_id, carrier, reason, state, since, until, found_at, changed_at)"
        " SELECT shipment_id, 'correios', 'late', 'open', '2026-11-01', '2026-11-01'::date + shipment_id::int % 90,"
        " now(), now() FROM rastro.shipment"
    )
    for table in ("shipment", "shipment_state", "claim"):
        conn.execute(f"ANALYZE rastro.{table}")
    values = {"carrier": "", "state": "open", "reason": "", "after_day": date(2026, 12, 1), "after": 7, "most": 51}
    for carrier in ("", "correios"):
        ((plan,),) = (
            conn.cursor()
            .execute(f"EXPLAIN (FORMAT JSON) {statement('claims_listed')}", values | {"carrier": carrier})
            .fetchall()
        )
        assert "Seq Scan" not in str(plan), plan
