"""The weekly letter comes from the warehouse's reports, is mailed once, and is the page that a command writes."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email import message_from_string
from email.policy import default
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import html5lib
import pytest
from starlette.testclient import TestClient

from rastro.cli import main
from rastro.errors import Doubtful, Permanent, Transient
from rastro.languages import Language
from rastro.letter import Figures, Letter, Span
from rastro.orchestration import letter_tasks
from rastro.pages import access
from rastro.pages.app import made
from rastro.pages.letter import kept_of
from rastro.pages.routes import May
from stack.audit import text_of

pytestmark = pytest.mark.slow

MONDAY = datetime(2026, 11, 23, 11, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 16), date(2026, 11, 22)
DAY = """
INSERT INTO rastro.carrier_day (carrier, service, state_from, state_to, city_to, day, posted, attempted, delivered,
    on_time, on_time_known, lost, returned, failed_attempts, pending, silent, computed_at)
SELECT %s, 'PAC', 'SP', %s, 'X', %s::date + n, 40, 30, 30, %s, 30, 0, 1, 2, 25, 4, now() FROM generate_series(0, 6) AS n
"""
FACT = """
INSERT INTO rastro.delivery_fact (shipment_id, account, carrier, service, state_from, city_from, state_to, city_to,
    delivered_at, ended_as, status, transit_working_days, attempts, failed_on, silent_on, hours_in, notices,
    computed_at)
SELECT n, 'sql:erp', 'correios', 'PAC', 'SP', '', 'RJ', '', %s::timestamptz, 'delivered', 'delivered', n, 1, '{}', '{}',
    '{}', 0, now()
FROM generate_series(1, 21) AS n
"""


@pytest.fixture
def reported(shop: Any) -> Any:
    """Two weeks of reports; Jadlog has become worse."""
    shop.configure(letter_to="dados@loja.example, expedicao@loja.example")
    for carrier, state, first, kept in (
        ("correios", "RJ", FIRST, 28),
        ("jadlog", "BA", FIRST, 18),
        ("correios", "RJ", FIRST - timedelta(days=7), 28),
        ("jadlog", "BA", FIRST - timedelta(days=7), 28),
    ):
        shop.execute(DAY, carrier, state, first, kept)
    shop.execute(FACT, "2026-11-23 02:59:59+00")  # Sunday, a second before midnight
    shop.execute("INSERT INTO rastro.reported (until) VALUES ('2026-11-23 03:00:00+00')")
    return shop


def send(at: datetime = MONDAY) -> Mapping[str, int]:
    return letter_tasks.send_letter("run", {"logical_date": at, "dag_run": SimpleNamespace(run_after=at)})


@contextmanager
def desk() -> Iterator[TestClient]:
    """The operators' pages, opened by somebody who may look."""
    app = made()
    for guard in access.GUARDS.values():
        app.dependency_overrides[guard] = lambda: None
    app.dependency_overrides[access.visitor] = lambda: access.Visitor(name="ana", may=frozenset({May.SEE}))
    with TestClient(app) as client:
        yield client


def letters(shop: Any) -> list[Any]:
    return [mail for mail in shop.simulator.mails() if "Entregas de" in mail["subject"]]


def test_the_week_is_mailed_once_to_all_in_one_message(reported: Any) -> None:
    assert send() == {"sent": 1, "to": 2}
    assert send() == {"sent": 0, "to": 2}
    assert send(MONDAY + timedelta(days=3)) == {"sent": 0, "to": 2}
    (mail,) = letters(reported)
    assert mail["subject"] == "Entregas de 16/11/2026 a 22/11/2026"
    assert sorted(mail["rcpt_tos"]) == ["dados@loja.example", "expedicao@loja.example"]
    assert "Jadlog cumpriu 60% dos seus 210 prazos, 33,3 pontos a menos que antes (93%)." in text_of(mail)
    assert "Dias úteis (mediana): 11" in text_of(mail)
    (row,) = reported.ask("SELECT first_day, last_day, attempts, sent_at IS NOT NULL AS sent FROM rastro.letter")
    assert (row.first_day, row.last_day, row.attempts, row.sent) == (FIRST, LAST, 1, True)


def test_nobody_is_told_where_nobody_is_named(reported: Any) -> None:
    reported.configure(letter_to="")
    assert send() == {"sent": 0, "to": 0}
    assert reported.ask("SELECT FROM rastro.letter") == []


@pytest.mark.parametrize("until", ["2026-11-23 02:59:00+00", None])
def test_a_week_that_is_not_reported_waits(reported: Any, until: str | None) -> None:
    reported.execute("DELETE FROM rastro.reported")
    if until:
        reported.execute("INSERT INTO rastro.reported (until) VALUES (%s)", until)
    with pytest.raises(Transient, match="run report_deliveries") as waits:
        send()
    assert waits.value.retry_after
    assert letters(reported) == []


def test_what_the_server_does_not_take_is_sent_by_the_next_try(reported: Any) -> None:
    reported.simulator.fault("smtp", "mail", status=451)
    with pytest.raises(Transient):
        send()
    assert send() == {"sent": 1, "to": 2}
    assert len(letters(reported)) == 1


def test_a_letter_whose_end_is_in_doubt_is_sent_once_more_with_the_same_id_and_then_by_nobody(reported: Any) -> None:
    reported.simulator.fault("smtp", "drop_after", times=2)
    with pytest.raises(Doubtful):
        send()
    with pytest.raises(Transient, match="is tried again from"):
        send()
    reported.execute("UPDATE rastro.letter SET claimed_at = claimed_at - interval '31 minutes'")
    with pytest.raises(Doubtful):
        send()
    reported.execute("UPDATE rastro.letter SET claimed_at = claimed_at - interval '31 minutes'")
    with pytest.raises(Permanent, match="look whether it came"):
        send()
    assert len({mail["message_id"] for mail in letters(reported)}) == 1
    assert len(letters(reported)) == 2


def report(shop: Any, *more: str) -> int:
    return main(["report", "--from", str(FIRST), "--to", str(LAST), "--dsn", shop.warehouse, *more])


def test_the_same_is_written_as_a_page_and_as_text(reported: Any, tmp_path: Path, capsys: Any) -> None:
    page = tmp_path / "letter.html"
    assert report(reported, "-o", str(page)) == 0
    assert page.read_text("utf-8").count("data:image/png;base64,") == 5
    assert capsys.readouterr().err == ""
    assert report(reported, "--carrier", "jadlog", "--language", "en") == 0
    text = capsys.readouterr().out
    assert text.startswith("Deliveries from 2026-11-16 to 2026-11-22: Jadlog\n")
    assert "Correios" not in text


def test_days_that_are_not_all_reported_are_told_with_a_warning(reported: Any, capsys: Any) -> None:
    reported.execute("UPDATE rastro.reported SET until = '2026-11-20'")
    assert report(reported) == 0
    assert "the reports reach 2026-11-20 00:00 UTC" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "shown", "said"),
    [
        ({"first": str(FIRST), "last": str(LAST)}, "Deliveries from 2026-11-16 to 2026-11-22", "Jadlog kept 60%"),
        (
            {"first": str(FIRST), "last": str(LAST), "carrier": "jadlog", "language": "pt"},
            "Entregas de 16/11/2026 a 22/11/2026: Jadlog",
            "Dos 210 prazos que venceram, 60% foram cumpridos.",
        ),
        ({"first": str(LAST), "last": str(FIRST)}, "Deliveries from", "no two days in their order"),
        ({"first": "0001-01-01", "last": "9999-12-31"}, "Deliveries from", "no two days in their order"),
        ({"first": "2026-12-01", "last": "2026-12-07"}, "from 2026-12-01", "what came later is missing"),
    ],
)
def test_the_same_is_a_page_of_the_operators(reported: Any, asked: Mapping[str, str], shown: str, said: str) -> None:
    with desk() as visitor:
        answer = visitor.get("/letter", params=asked)
    assert answer.status_code == 200
    html5lib.HTMLParser(strict=True).parse(answer.text)
    assert shown in answer.text
    assert said in answer.text
    assert "img-src 'self'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_each_plot_of_the_page_has_an_address_and_is_the_one_that_is_mailed(reported: Any) -> None:
    send()
    (mail,) = letters(reported)
    read = message_from_string(mail["raw"], policy=default)
    mailed = {part.get_filename(): part.get_content() for part in read.walk() if part.get_content_type() == "image/png"}
    with desk() as visitor:
        html = visitor.get("/letter", params={"first": str(FIRST), "last": str(LAST), "language": "pt"}).text
        shown = {}
        for address in re.findall(r'<img class="plot" src="([^"]+)" alt="[^"]+">', html):
            answer = visitor.get(unescape(address))
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
            assert answer.headers["cache-control"] == "no-store", "it is as new as the numbers beside it"
            shown[urlsplit(address).path.removeprefix("/letter/")] = answer.content
    assert shown == mailed
    assert len(shown) == 5


def test_a_plot_shows_what_its_page_told_whatever_is_reported_meanwhile(reported: Any) -> None:
    with desk() as visitor:
        html = visitor.get("/letter", params={"first": str(FIRST), "last": str(LAST)}).text
        address = unescape(next(iter(re.findall(r'src="([^"]+/promise\.png[^"]+)"', html))))
        reported.execute("DELETE FROM rastro.carrier_day")
        assert visitor.get(address).status_code == 200
        assert visitor.get(re.sub("key=[0-9a-f]+", "key=0", address)).status_code == 404, "now there is nothing to draw"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("promise", {}),
        ("promise", {"first": str(LAST), "last": str(FIRST)}),
        ("promise", {"first": "2026-12-01", "last": "2026-12-07"}),
        ("nothing", {"first": str(FIRST), "last": str(LAST)}),
    ],
)
def test_a_plot_that_there_is_not_is_not_found(reported: Any, name: str, asked: Mapping[str, str]) -> None:
    with desk() as visitor:
        answer = visitor.get(f"/letter/{name}.png", params=asked)
    assert answer.status_code == 404
    assert "There is no such plot." in answer.text


@pytest.mark.parametrize(
    ("said", "more"),
    [("There is no carrier nobody", ["--carrier", "nobody"]), ("--to lies before --from", ["--to", "2026-11-01"])],
)
def test_a_wrong_wish_says_what_is_wrong(reported: Any, capsys: Any, said: str, more: list[str]) -> None:
    assert report(reported, *more) == 1
    assert said in capsys.readouterr().err


def test_a_letter_of_the_same_figures_is_kept_and_one_of_others_is_not() -> None:
    first, other = (Span(first=FIRST, last=LAST - timedelta(days=n)) for n in (0, 1))
    none = Figures(carriers=[], lanes=[])

    def page_of(span: Span, language: Language = Language.ENGLISH, name: str = "Correios") -> object:
        letter = Letter(span=span, carrier="correios", now=none, before=none, series=[])
        return kept_of(letter, language, {"correios": name})

    drawn = page_of(first)
    assert page_of(first) is drawn
    assert page_of(other) is not drawn
    assert page_of(first, Language.PORTUGUESE) is not drawn
    assert page_of(first, name="Os Correios") is not drawn
    assert page_of(first) is drawn
