"""All manual work as an operator does it in a browser, on the parcel's page: what arrives of it, and what is kept."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from rastro.pages.acts import LABELS
from rastro.wishes import Action
from stack.audit import kind_of

pytestmark = pytest.mark.slow

RIGHT = "QQ100000017BR"
BY_TABLE = "Em greve na cidade"
# A parcel for each thing that is done to one, by what is done; the order of a few matters, see done().
OF_ORDERS = ("add_event", "pause", "poll_now", "change_number", "release", "drop", "csv")


@dataclass(slots=True, kw_only=True)
class Day:
    """
    What an operator did: on which parcel, by which run, and what the pages said of it in the end.

    ``whole`` is a run about all parcels, when only one of them was still paused.
    """

    job: Any
    page: Any
    parcels: dict[str, dict[str, Any]]
    runs: dict[str, str] = field(default_factory=dict)
    whole: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)

    def ask(self, query: str, *values: object) -> list[Any]:
        with psycopg.connect(self.job.shop.warehouse, row_factory=namedtuple_row) as conn:
            return conn.execute(query, values).fetchall()

    def number(self, name: str) -> str:
        return str(self.parcels[name]["tracking_number"])

    def open(self, path: str) -> None:
        self.page.goto(f"{self.job.stack.url}/rastro{path}")

    def open_parcel(self, name: str) -> None:
        (row,) = self.ask(
            "SELECT shipment_id FROM rastro.shipment WHERE order_id = %s AND skip = ''", self.parcels[name]["order_id"]
        )
        self.open(f"/shipments/{row.shipment_id}")

    def press(self, name: str, button: str, **filled: str) -> None:
        """On the page that is open: a button, its form, and off it goes."""
        self.page.get_by_role("link", name=button).first.click()
        for one, value in filled.items():
            control = self.page.get_by_label(LABELS[one])
            control.select_option(value) if one in {"status", "carrier"} else control.fill(value)
        self.send(name)

    def send(self, name: str) -> None:
        self.page.get_by_label("Reason").fill(f"why {name}")
        self.page.locator("button.main").click()
        self.page.get_by_role("heading", name="Run of act_by_hand").wait_for()
        self.runs[name] = unquote(self.page.url.rpartition("/")[2])

    def wait(self) -> None:
        """Until all that was done has been done, and everybody has heard of it."""
        client = self.job.stack.client
        for name, run_id in self.runs.items():
            assert client.wait_for_run("act_by_hand", run_id)["state"] == "success", name
        for name in self.runs:
            self.followed(name)

    def followed(self, name: str) -> dict[str, Any]:
        """The run of track_deliveries that came of it; empty when nothing follows."""
        client = self.job.stack.client
        told = [one for one in client.task_instances("act_by_hand", self.runs[name]) if one["map_index"] == 0]
        if not told:
            return {}
        run_id = client.xcoms("act_by_hand", self.runs[name], "track", map_index=0)["trigger_run_id"]
        return dict(client.wait_for_run(self.job.dag_id, run_id))

    def asked(self, number: str, run: dict[str, Any]) -> int:
        """How often the carrier was asked about a number by a run of track_deliveries."""
        begin, end = (datetime.fromisoformat(run[at]) for at in ("start_date", "end_date"))
        return sum(
            one["path"].count(f"codigosObjetos={number}")
            for one in self.job.shop.world.requests()
            if begin <= datetime.fromisoformat(one["time"]) <= end
        )

    def received(self, name: str, method: str, path: str) -> list[dict[str, Any]]:
        """What was taken of the order, oldest first."""
        where = re.compile(rf"{self.parcels[name]['order_id']}/invoice/\d+{path}$")
        calls = self.job.shop.world.requests()
        return [one for one in calls if one["method"] == method and where.search(one["path"]) and one["status"] == 200]

    def written(self, name: str, words: str) -> list[dict[str, Any]]:
        """The progress written on the order in which these words came up."""
        bodies = [json.loads(one["body"]) for one in self.received(name, "PUT", "/tracking")]
        fresh = [any(event["description"] == words for event in body["events"]) for body in bodies]
        return [body for place, body in enumerate(bodies) if fresh[place] and not (place and fresh[place - 1])]

    def order(self, name: str) -> dict[str, Any]:
        return dict(self.job.shop.world.control("GET", f"vtex/loja/orders/{self.parcels[name]['order_id']}"))


def sent_out(job: Any) -> dict[str, dict[str, Any]]:
    """The shop's parcels of this day, on their way and known."""
    world, before = job.shop.world, len(job.shop.world.truth())
    job.shop.send(len(OF_ORDERS), kinds=["delivered"], variants=["own"], share_sql=0)
    for name in ("hub", "stranger"):
        job.shop.send(1, kinds=["delivered"], variants=[name], share_sql=0)
    job.shop.send(1, kinds=["delivered"], share_sql=1.0)
    assert job.run()["state"] == "success"
    names = (*OF_ORDERS, "confirm_delivery", "change_carrier", "resend_mail")
    return dict(zip(names, world.truth()[before:], strict=True))


@pytest.fixture(scope="module")
def day(job: Any, at_the_desk: Any) -> Day:
    """Everything that can be done by hand, done; what is told meanwhile about two of the orders is refused at first."""
    world = job.shop.world
    job.stack.wait_for_dags(["act_by_hand"])
    with at_the_desk() as page:
        one = Day(job=job, page=page, parcels=sent_out(job))
        one.parcels |= {
            "undo": one.parcels["confirm_delivery"],
            "resume": one.parcels["pause"],
            "retry_quarantine": one.parcels["poll_now"],
        }
        for name in ("release", "drop"):
            world.fault("vtex", "status", status=400, method="PUT", times=0, match=one.parcels[name]["order_id"])
        world.fault("correios", "odd_object", match=one.number("poll_now"))
        for name, button, filled in (
            ("pause", "Pause", {}),
            ("add_event", "Add a tracking update", {"status": "on_hold", "description": "Na alfândega"}),
            ("confirm_delivery", "Confirm a delivery", {"description": "Entregue ao porteiro"}),
            ("poll_now", "Ask the carrier now", {}),
            ("resend_mail", "Send it again", {}),
            ("change_carrier", "Change the carrier", {"carrier": "correios"}),
            ("change_number", "Change the tracking number", {"number": RIGHT}),
        ):
            one.open_parcel(name)
            one.press(name, button, **filled)
        one.open("/csv")
        lines = [f"add_event,on_hold,{BY_TABLE},{one.number(name)}" for name in ("csv", "release", "drop")]
        table = "\n".join(["action,status,description,numbers", *lines])
        many = {"name": "many.csv", "mimeType": "text/csv", "buffer": table.encode()}
        page.get_by_label("File").set_input_files([many])
        one.send("csv")
        one.wait()
        world.calm()
        for name, button in (
            ("retry_quarantine", "Read what was put aside"),
            ("undo", "Undo what was added by hand"),
            ("release", "Release"),
            ("drop", "Drop"),
        ):
            one.open_parcel(name)
            one.pages[f"{name} before"] = page.inner_text("main")
            one.press(name, button)
        one.wait()
        one.whole = job.run()
        one.open_parcel("resume")
        one.pages["resume before"] = page.inner_text("main")
        one.press("resume", "Resume")
        one.wait()
        for name in one.parcels:
            one.open_parcel(name)
            one.pages[name] = page.inner_text("main")
        one.open("/audit")
        one.pages["audit"] = page.inner_text("main")
    return one


def test_an_update_is_written_on_the_order_once(day: Day) -> None:
    assert len(day.written("add_event", "Na alfândega")) == 1
    assert "Na alfândega" in day.pages["add_event"]


def test_a_delivery_is_written_and_confirmed_once_and_once_taken_back(day: Day) -> None:
    words, sold_as = "Entregue ao porteiro", day.parcels["undo"]["marketplace_order_id"]
    (told,) = day.written("confirm_delivery", words)
    assert told["isDelivered"]
    hooks = [one["body"] for one in day.job.shop.world.requests() if one["path"].startswith("/webhook/")]
    assert sum(json.loads(body)["data"]["marketplace_order_id"] == sold_as for body in hooks) == 1
    writes = [json.loads(one["body"])["isDelivered"] for one in day.received("undo", "PUT", "/tracking")]
    assert writes[-2:] == [True, False]
    assert writes.count(True) == 1
    assert not day.order("undo")["packages"][0]["finished"]
    assert "withdrawn" in day.pages["undo"]


def test_the_carrier_is_asked_once_and_what_it_answers_badly_is_read_again_once(day: Day) -> None:
    number = day.number("poll_now")
    assert day.asked(number, day.followed("poll_now")) == 1
    assert "In quarantine" in day.pages["retry_quarantine before"]
    assert day.followed("retry_quarantine")["conf"] == {"retry_quarantine": True}
    assert day.asked(number, day.whole) == 1
    assert "In quarantine" not in day.pages["retry_quarantine"]


def test_nobody_is_asked_about_a_paused_parcel_and_once_when_it_is_resumed(day: Day) -> None:
    number = day.number("pause")
    assert day.followed("pause") == {}
    assert day.asked(day.number("add_event"), day.whole) == 1, "that run asks about all the others"
    assert day.asked(number, day.whole) == 0
    assert "Paused since" in day.pages["resume before"]
    assert day.asked(number, day.followed("resume")) == 1
    assert "Paused since" not in day.pages["resume"]


def test_a_mail_goes_out_once_more(day: Day) -> None:
    order_id = day.parcels["resend_mail"]["order_id"]
    mails = [one for one in day.job.shop.world.mails() if order_id in one["subject"]]
    told = [kind_of(one) for one in mails].count("in_transit")
    assert (told, len({one["message_id"] for one in mails})) == (2, len(mails))
    assert day.pages["resend_mail"].count("email in transit") == 2


def test_another_carrier_is_asked_once(day: Day) -> None:
    assert day.asked(day.number("change_carrier"), day.followed("change_carrier")) == 1
    assert "chosen by hand" in day.pages["change_carrier"]


def test_another_number_is_written_on_the_order_once(day: Day) -> None:
    (sent,) = day.received("change_number", "PATCH", "")
    assert json.loads(sent["body"])["trackingNumber"] == RIGHT
    assert day.order("change_number")["packages"][0]["tracking_number"] == RIGHT
    assert RIGHT in day.pages["change_number"]


def test_what_was_refused_is_released_and_written_once_or_dropped_and_never_written(day: Day) -> None:
    for name in ("release", "drop"):
        assert "dead" in day.pages[f"{name} before"]
    assert len(day.written("release", BY_TABLE)) == 1
    assert day.written("drop", BY_TABLE) == []
    assert "settled by hand" in day.pages["drop"]


def test_a_table_from_a_file_is_done_line_by_line_once(day: Day) -> None:
    assert len(day.written("csv", BY_TABLE)) == 1
    rows = day.ask("SELECT subject FROM rastro.v_manual_action WHERE reason = 'why csv'")
    assert sorted(one.subject for one in rows) == sorted(day.number(name) for name in ("csv", "release", "drop"))


def test_all_of_it_is_in_the_audit_once_with_who_did_it_and_why(day: Day) -> None:
    rows = day.ask("SELECT * FROM rastro.v_manual_action WHERE reason LIKE 'why %%' AND reason <> 'why csv'")
    of_claims = {Action.OPEN_CLAIM, Action.FILE_CLAIM, Action.CLAIM_PAID, Action.CLAIM_REFUSED}
    assert sorted(one.action for one in rows) == sorted(set(Action) - of_claims), "integration/test_claims.py has these"
    for row in rows:
        assert (row.reason, row.done_by) == (f"why {row.action}", day.job.stack.user)
        assert row.run_id == day.runs[row.action]
        assert row.before != row.after or row.action == Action.RETRY_QUARANTINE
        assert row.reason in day.pages["audit"]
        assert row.reason in day.pages[row.action] or row.action == Action.RETRY_QUARANTINE
