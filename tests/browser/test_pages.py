"""The operators' pages in a real Airflow: who may open which, what they show, and what their forms set going."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import html5lib
import psycopg
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from psycopg.rows import namedtuple_row

from rastro.pages.acts import ACTS
from rastro.pages.routes import ROUTES
from rastro.pipeline.report import make_report

pytestmark = pytest.mark.slow
LINK = "Deliveries of this run"


class Desk:
    """Three people at their browsers, and what the warehouse has to show them."""

    def __init__(self, job: Any, viewer_password: str) -> None:
        self.job, self.url = job, f"{job.stack.url}/rastro"
        self.people = {
            "anonymous": requests.Session(),
            "viewer": self.logged_in("viewer", viewer_password),
            "operator": self.logged_in(job.stack.user, job.stack.password),
        }

    def logged_in(self, user: str, password: str) -> requests.Session:
        answer = requests.post(
            f"{self.job.stack.url}/auth/token", json={"username": user, "password": password}, timeout=30
        )
        session = requests.Session()
        session.cookies.set("_token", answer.json()["access_token"])
        return session

    def get(self, who: str, path: str) -> requests.Response:
        return self.people[who].get(f"{self.url}{path}", timeout=30, allow_redirects=False)

    def post(self, who: str, path: str, origin: str | None = None, **form: Any) -> requests.Response:
        headers = {"Origin": self.job.stack.url if origin is None else origin}
        return self.people[who].post(f"{self.url}{path}", data=form, headers=headers, timeout=30, allow_redirects=False)

    def form(self, path: str) -> dict[str, str]:
        """What the fields of a form hold when an operator opens it; the search above it is none of them."""
        tree = html5lib.parse(self.get("operator", path).text, namespaceHTMLElements=False)
        (form,) = [one for one in tree.iter("form") if one.get("method") == "post"]
        return {one.get("name"): one.get("value", "") for one in form.iter("input") if one.get("type") != "file"}

    def act(self, action: str, numbers: str, **more: str) -> None:
        """An operator does this by its form, and it is done."""
        sent = self.form(f"/act?action={action}") | {"numbers": numbers, "reason": "a test", **more}
        answer = self.post("operator", "/act", **sent)
        assert answer.status_code == 303, answer.text
        run_id = answer.headers["Location"].rpartition("/")[2]
        assert self.job.stack.client.wait_for_run("act_by_hand", run_id)["state"] == "success"

    def ask(self, query: str, *values: object) -> list[Any]:
        with psycopg.connect(self.job.shop.warehouse, row_factory=namedtuple_row) as conn:
            return conn.execute(query, values).fetchall()

    def parcel(self) -> Any:
        """One that was delivered and whose customer was mailed by us."""
        return self.ask(
            "SELECT s.* FROM rastro.shipment s JOIN rastro.notice n USING (shipment_id)"
            " WHERE n.channel = 'email' AND n.state = 'sent' AND n.recipient <> '' ORDER BY shipment_id LIMIT 1"
        )[0]


@pytest.fixture(scope="module")
def desk(job: Any, viewer_password: str) -> Desk:
    job.stack.wait_for_dags(["act_by_hand"])
    for _ in range(3):
        job.shop.world.advance()
        assert job.run()["state"] == "success"
    one = Desk(job, viewer_password)
    one.act("open_claim", one.parcel().tracking_number, claim="damaged")
    return one


def filled(path: str, desk: Desk) -> str:
    """The path of a route with things that there are."""
    loaded = "SELECT run_id FROM rastro.run_stage WHERE stage = 'load_changes' ORDER BY started_at DESC LIMIT 1"
    run_id = desk.ask(loaded)[0].run_id
    values = {
        "shipment_id": str(desk.parcel().shipment_id), "hour": "2026-11-20T10:00:00+00:00",
        "dag_id": "track_deliveries", "run_id": run_id, "name": "promise",
    }  # fmt: skip
    return re.sub(r"\{(\w+)\}", lambda found: quote(values[found[1]], safe=""), path)


# What each permission lets whom do: a form without its fields is refused as such, which only who may send it learns.
EXPECTED = {
    "see": {"anonymous": {401}, "viewer": {200}, "operator": {200}},
    "act": {"anonymous": {401}, "viewer": {403}, "operator": {200, 400}},
    "backfill": {"anonymous": {401}, "viewer": {403}, "operator": {200, 400}},
}
UNDATED = "/letter/{name}.png"  # without days there is no plot, which only who is let in learns


@pytest.mark.parametrize(("method", "path", "may"), [(one.method, one.path, one.may) for one in ROUTES])
def test_every_page_is_open_to_whom_it_is_meant_for_and_to_nobody_else(
    desk: Desk, method: str, path: str, may: str
) -> None:
    for who, allowed in EXPECTED[may].items():
        answer = desk.get(who, filled(path, desk)) if method == "GET" else desk.post(who, path)
        expected = {404 if path == UNDATED and status == 200 else status for status in allowed}
        assert answer.status_code in expected, f"{method} {path} as {who}: {answer.status_code}"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_every_task_leads_to_the_page_of_its_run(desk: Desk) -> None:
    desk.act("poll_now", desk.parcel().tracking_number)
    client = desk.job.stack.client
    for dag_id in ("track_deliveries", "act_by_hand"):
        run_id = client.runs(dag_id, order_by="-run_after")[0]["dag_run_id"]
        page = f"/runs/{dag_id}/{quote(run_id, safe='')}"
        tasks = client.task_instances(dag_id, run_id)
        linked = set()
        for task in tasks:
            path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/links"
            links = client.get(path, map_index=task["map_index"])["extra_links"]
            if links.get(LINK) == f"{desk.job.stack.url}/plugin/deliveries/rastro{page}":
                linked.add(task["task_id"])
        assert {task["task_id"] for task in tasks} - linked <= {"ask_for_release", "track"}, "those have a link already"
        assert linked
        assert run_id in desk.get("viewer", page).text


NO_PAGES = ("/docs", "/openapi.json", "/redoc", "/nothing", "/shipments/0", "/shipments/x", "/problems?after=1",
            "/problems?after=x%1F%1F%1F%1F")  # fmt: skip


@pytest.mark.parametrize("path", NO_PAGES)
def test_what_is_no_page_is_none(desk: Desk, path: str) -> None:
    assert desk.get("operator", path).status_code == 404
    assert desk.get("anonymous", path).status_code in {401, 404}


@pytest.mark.parametrize("origin", ["", "null", "https://elsewhere.example"])
def test_a_form_that_no_page_of_ours_sent_sets_nothing_going(desk: Desk, origin: str) -> None:
    before = len(desk.job.stack.client.runs("act_by_hand"))
    answer = desk.post("operator", "/act", origin, action="poll_now", numbers="QQ100000017BR", reason="none")
    assert answer.status_code == 403
    assert len(desk.job.stack.client.runs("act_by_hand")) == before


def test_a_viewer_sees_neither_personal_data_nor_a_button(desk: Desk) -> None:
    parcel = desk.parcel()
    (mail,) = desk.ask(
        "SELECT recipient, rendered ->> 'subject' AS subject FROM rastro.notice"
        " WHERE shipment_id = %s AND channel = 'email' AND state = 'sent' ORDER BY notice_id LIMIT 1",
        parcel.shipment_id,
    )
    path = f"/shipments/{parcel.shipment_id}"
    seen, shown = (desk.get(who, path).text for who in ("viewer", "operator"))
    assert parcel.order_id in seen
    assert mail.recipient in shown
    assert mail.recipient not in seen
    assert mail.subject.split()[0] in shown
    assert "[first name]" in shown, "no name is stored, and its place says so"
    assert "The exact message" not in seen
    for address in ("/", path, "/search", "/problems"):
        text = desk.get("viewer", address).text
        assert 'method="post"' not in text
        assert "/rastro/act" not in text


@pytest.mark.parametrize("action", sorted(ACTS))
def test_a_viewer_can_do_nothing_by_hand(desk: Desk, action: str) -> None:
    client, parcel = desk.job.stack.client, desk.parcel()
    wish = {"action": action, "numbers": parcel.tracking_number, "notice_ids": "1", "status": "on_hold",
            "carrier": "correios", "number": "QQ100000017BR", "reason": "none"}  # fmt: skip
    before = len(client.runs("act_by_hand"))
    assert desk.get("viewer", f"/act?action={action}").status_code == 403
    assert desk.post("viewer", "/act", **(desk.form(f"/act?action={action}") | wish)).status_code == 403
    asked = desk.people["viewer"].post(
        f"{desk.job.stack.url}/api/v2/dags/act_by_hand/dagRuns", json={"logical_date": None, "conf": wish}, timeout=30,
        headers={"Authorization": f"Bearer {desk.people['viewer'].cookies['_token']}"},
    )  # fmt: skip
    assert asked.status_code == 403
    assert len(client.runs("act_by_hand")) == before


def test_a_parcel_without_a_number_is_named_alone_by_its_own_page(desk: Desk) -> None:
    parcel = desk.parcel()
    with psycopg.connect(desk.job.shop.warehouse) as conn:
        (bare,) = conn.execute(
            "INSERT INTO rastro.shipment"
            " (account, order_id, invoice_number, tracking_number, first_seen_at, updated_at)"
            " VALUES (%s, %s, 'bare', '', now(), now()) RETURNING shipment_id",
            [parcel.account, parcel.order_id],
        ).fetchone()  # type: ignore[misc]  # it returns one row
        conn.execute("INSERT INTO rastro.shipment_state (shipment_id, changed_at) VALUES (%s, now())", [bare])
    (address,) = re.findall(r'href="/rastro(/act\?action=pause[^"]*)"', desk.get("operator", f"/shipments/{bare}").text)
    sent = desk.form(unescape(address)) | {"reason": "a test"}
    assert (sent["shipment_ids"], "numbers" in sent) == (str(bare), False)
    place = desk.post("operator", "/act", **sent).headers["Location"]
    assert desk.job.stack.client.wait_for_run("act_by_hand", place.rpartition("/")[2])["state"] == "success"
    paused = desk.ask("SELECT shipment_id FROM rastro.shipment WHERE paused_at IS NOT NULL")
    assert [one.shipment_id for one in paused] == [bare]
    with psycopg.connect(desk.job.shop.warehouse) as conn:
        conn.execute("UPDATE rastro.shipment SET paused_at = NULL, skip = 'a test' WHERE shipment_id = %s", [bare])


def test_several_numbers_pasted_at_once_are_found_and_the_unknown_one_is_named(desk: Desk) -> None:
    rows = desk.ask("SELECT order_id, tracking_number FROM rastro.shipment WHERE tracking_number <> '' LIMIT 3")
    pasted = f"{rows[0].tracking_number.lower()}\n{rows[1].order_id}, {rows[2].tracking_number}; QQ999999999BR"
    text = desk.get("viewer", f"/search?q={quote(pasted)}").text
    for row in rows:
        assert row.tracking_number in text
    assert "<code>QQ999999999BR</code>" in text


def test_a_parcel_is_found_by_its_customers_address_which_stands_in_no_address_line(desk: Desk) -> None:
    known = {one["order_id"]: one["email"] for one in desk.job.shop.world.truth()}
    parcel = desk.parcel()
    answer = desk.post("operator", "/search", address=f" {known[parcel.order_id].upper()} ")
    assert parcel.order_id in answer.text
    assert known[parcel.order_id].lower() not in answer.text.lower()
    assert desk.post("operator", "/search", address="nobody@shop.example").text.count("Nothing is known") == 1


def test_a_delivery_confirmed_by_hand_is_one_run_however_often_it_is_sent_and_is_kept_in_the_audit(desk: Desk) -> None:
    (parcel,) = desk.ask(
        "SELECT shipment_id, order_id, tracking_number FROM rastro.v_shipment"
        " WHERE status = 'in_transit' AND skip = '' AND tracking_number <> '' ORDER BY 1 LIMIT 1"
    )
    client, sent = desk.job.stack.client, desk.form("/act?action=confirm_delivery")
    sent |= {"numbers": parcel.tracking_number, "reason": "the customer called", "city": "not asked for"}
    first, again = (desk.post("operator", "/act", **sent) for _ in range(2))
    assert first.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]
    (run,) = [one for one in client.runs("act_by_hand") if one["conf"].get("numbers") == parcel.tracking_number]
    assert run["triggering_user_name"] == desk.job.stack.user
    assert run["conf"] == {name: sent[name] for name in ("action", "numbers", "reason")}
    assert client.wait_for_run("act_by_hand", run["dag_run_id"])["state"] == "success"
    shown = desk.people["operator"].get(f"{desk.job.stack.url}{first.headers['Location']}", timeout=30)
    assert run["dag_run_id"] in shown.text
    assert "Done." in shown.text
    about = desk.get("operator", f"/shipments/{parcel.shipment_id}").text
    assert "Entrega confirmada pela loja" in about
    for text in (about, desk.get("operator", "/audit").text):
        assert "the customer called" in text
        assert desk.job.stack.user in text
    assert "the customer called" not in desk.get("viewer", f"/shipments/{parcel.shipment_id}").text
    assert len(desk.ask("SELECT action_id FROM rastro.manual_action WHERE shipment_id = %s", parcel.shipment_id)) == 1
    desk.act("undo", parcel.tracking_number)
    assert "withdrawn" in desk.get("viewer", f"/shipments/{parcel.shipment_id}").text


def test_a_table_of_many_acts_is_one_run(desk: Desk) -> None:
    desk.job.shop.send(6, kinds=["delivered"])
    assert desk.job.run()["state"] == "success"
    one, other = desk.ask(
        "SELECT tracking_number FROM rastro.v_shipment v WHERE status = 'in_transit' AND tracking_number <> ''"
        " AND NOT EXISTS (SELECT FROM rastro.manual_action a WHERE a.shipment_id = v.shipment_id) LIMIT 2"
    )
    table = f"action,numbers\npause,{one.tracking_number}\nresume,{other.tracking_number}\n"
    answer = desk.people["operator"].post(
        f"{desk.url}/csv", data=desk.form("/csv") | {"reason": "strike"},
        files={"file": ("many.csv", table.encode("utf-8-sig"))}, headers={"Origin": desk.job.stack.url}, timeout=30,
        allow_redirects=False,
    )  # fmt: skip
    assert answer.status_code == 303
    (run,) = [run for run in desk.job.stack.client.runs("act_by_hand") if run["conf"]["reason"] == "strike"]
    assert run["conf"] == {"csv": table, "reason": "strike"}
    ended = desk.job.stack.client.wait_for_run("act_by_hand", run["dag_run_id"])
    assert ended["state"] == "success", desk.job.stack.client.task_log("act_by_hand", run["dag_run_id"], "act")[-2000:]
    (paused,) = desk.ask("SELECT shipment_id FROM rastro.shipment WHERE paused_at IS NOT NULL")
    assert "Not while it is paused" in desk.get("viewer", f"/shipments/{paused.shipment_id}").text
    desk.act("resume", one.tracking_number)
    assert "paused" not in desk.get("viewer", f"/shipments/{paused.shipment_id}").text


def test_what_the_run_refuses_stands_on_its_page(desk: Desk) -> None:
    sent = desk.form("/act?action=poll_now") | {"numbers": "QQ999999999BR", "reason": "a test"}
    place = desk.post("operator", "/act", **sent).headers["Location"]
    desk.job.stack.client.wait_for_run("act_by_hand", place.rpartition("/")[2])
    shown = desk.people["operator"].get(f"{desk.job.stack.url}{place}", timeout=30).text
    assert "It failed: Nothing was done. nothing is known about QQ999999999BR" in shown


def test_what_will_not_do_is_said_and_begins_no_run(desk: Desk) -> None:
    before = len(desk.job.stack.client.runs("act_by_hand"))
    answer = desk.post("operator", "/act", action="confirm_delivery", numbers="QQ100000017BR", occurred_at="soon")
    assert answer.status_code == 400
    assert "say why" in answer.text
    assert "QQ100000017BR" in answer.text, "what was filled in stays"
    assert "Open the form anew" in desk.post("operator", "/act", action="retry_quarantine", reason="x", once="1").text
    assert desk.post("operator", "/csv", csv="action\n", reason="x").status_code == 400
    assert len(desk.job.stack.client.runs("act_by_hand")) == before


def test_missed_hours_are_backfilled_from_the_page(desk: Desk) -> None:
    hour = "2026-11-20T10:00:00+00:00"
    answer = desk.post("operator", "/backfill", first=hour, last=hour)
    assert answer.status_code == 200, answer.text
    (found,) = desk.job.stack.client.get("/backfills", dag_id="track_deliveries")["backfills"]
    assert found["from_date"].startswith("2026-11-20T10:00")
    desk.job.stack.client.wait_for_backfill(found["id"])
    runs = desk.get("viewer", f"/hours/{quote(hour)}").text
    assert "backfill__" in runs
    assert desk.post("operator", "/backfill", first=hour, last="2026-11-19T10:00:00+00:00").status_code == 400


def test_a_warehouse_that_is_away_is_said_and_nothing_of_what_was_looked_for(desk: Desk) -> None:
    with psycopg.connect(desk.job.shop.warehouse, autocommit=True) as conn:
        conn.execute("ALTER TABLE rastro.tally RENAME TO tally_away")
        try:
            answer = desk.get("operator", "/")
        finally:
            conn.execute("ALTER TABLE rastro.tally_away RENAME TO tally")
    assert answer.status_code == 503
    assert "The warehouse cannot answer now" in answer.text


SHOWN = ("/", "/search?q=QQ100000017BR", "/shipments/{shipment_id}", "/problems", "/hours/{hour}",
         "/runs/{dag_id}/{run_id}", "/act", "/act?action=add_event", "/csv", "/audit")  # fmt: skip


@pytest.mark.parametrize("path", SHOWN)
def test_every_page_is_valid_html_with_one_heading_and_labelled_fields(desk: Desk, path: str) -> None:
    for who in ("viewer", "operator"):
        answer = desk.get(who, filled(path, desk))
        if answer.status_code == 403:
            continue
        tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(answer.text)
        assert len(tree.findall(".//h1")) == 1
        ids = [one.get("id") for one in tree.iter() if one.get("id")]
        assert len(ids) == len(set(ids))
        labelled = {label.get("for") for label in tree.iter("label")}
        for name in ("input", "select", "textarea"):
            for field in tree.iter(name):
                assert field.get("type") == "hidden" or field.get("id") in labelled


@pytest.fixture
def logged_in(desk: Desk, at_the_desk: Any) -> Iterator[Any]:
    with at_the_desk() as page:
        yield page


def test_a_person_acts_on_a_parcel_inside_airflows_own_pages(desk: Desk, logged_in: Any, tmp_path: Path) -> None:
    parcel = desk.parcel()
    logged_in.get_by_role("link", name="Deliveries").first.click()
    frame = logged_in.frame_locator("iframe")
    frame.get_by_role("heading", name="Deliveries", exact=True).wait_for()
    logged_in.screenshot(path=tmp_path / "in_airflow.png")
    frame.get_by_label("Orders or tracking numbers").fill(parcel.order_id)
    frame.get_by_role("button", name="Search").click()
    frame.get_by_role("link", name=parcel.tracking_number).first.click()
    frame.get_by_role("heading", name=parcel.tracking_number).wait_for()
    shown = f"**/plugin/deliveries/rastro/shipments/{parcel.shipment_id}"
    logged_in.wait_for_url(shown, wait_until="commit")  # so that the address can be passed on
    frame.get_by_role("link", name="Ask the carrier now").click()
    frame.get_by_label("Reason").fill("the customer called")
    frame.get_by_role("button", name="Ask the carrier now").click()
    heading = frame.get_by_role("heading", name=re.compile("Run of act_by_hand"))
    heading.wait_for()
    for _ in range(90):
        if "success" in heading.inner_text():
            break
        frame.get_by_role("link", name="Look again").click()
        logged_in.wait_for_timeout(1000)
    assert "success" in heading.inner_text()
    logged_in.screenshot(path=tmp_path / "acted.png")
    wished = [one["conf"] for one in desk.job.stack.client.runs("act_by_hand")]
    asked = {"action": "poll_now", "numbers": parcel.tracking_number, "reason": "the customer called"}
    assert wished.count(asked) == 1


def test_a_person_goes_from_a_task_to_what_its_run_did(desk: Desk, logged_in: Any, tmp_path: Path) -> None:
    run_id = desk.job.stack.client.runs("track_deliveries")[0]["dag_run_id"]
    logged_in.goto(f"{desk.job.stack.url}/dags/track_deliveries/runs/{run_id}/tasks/check_run/details")
    link = logged_in.get_by_role("link", name=LINK)
    link.wait_for()
    logged_in.screenshot(path=tmp_path / "task.png")
    link.click()
    frame = logged_in.frame_locator("iframe")
    frame.get_by_role("heading", name="Run of track_deliveries").wait_for()
    frame.get_by_text(run_id, exact=True).wait_for()
    frame.get_by_role("heading", name="What it did").wait_for()
    logged_in.screenshot(path=tmp_path / "run.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_by_everybody(desk: Desk, logged_in: Any, scheme: str, tmp_path: Path) -> None:
    logged_in.emulate_media(color_scheme=scheme)
    for number, path in enumerate(SHOWN):
        logged_in.goto(f"{desk.url}{filled(path, desk)}")
        logged_in.screenshot(path=tmp_path / f"{number}-{scheme}.png", full_page=True)
        found = Axe().run(logged_in).response["violations"]
        bad = [one for one in found if one["impact"] in {"serious", "critical"}]
        assert not bad, f"{path}: {[(one['id'], one['nodes'][0]['html']) for one in bad]}"
        (overflow,) = (logged_in.evaluate("document.documentElement.scrollWidth - innerWidth"),)
        assert overflow <= 0, f"{path} is wider than its window"


def test_the_plots_of_a_letter_are_seen_inside_airflow(desk: Desk, logged_in: Any, tmp_path: Path) -> None:
    with psycopg.connect(desk.job.shop.warehouse) as conn:
        make_report(conn, None, datetime.now(UTC))
    (days,) = desk.ask("SELECT max(day) AS last FROM rastro.carrier_day WHERE pending > 0")
    asked = urlencode({"first": days.last - timedelta(days=6), "last": days.last})
    logged_in.goto(f"{desk.job.stack.url}/plugin/deliveries/rastro/letter?{asked}")
    plots = logged_in.frame_locator("iframe").locator("img.plot")
    plots.first.wait_for()
    for plot in plots.all():
        plot.evaluate("image => image.decode()")  # fails where there is no image, or it may not be shown
        assert plot.evaluate("image => image.naturalWidth") == pytest.approx(960, abs=2)
    logged_in.screenshot(path=tmp_path / "letter.png")
