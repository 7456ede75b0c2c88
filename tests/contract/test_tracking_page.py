"""The tracking page, over real HTTP from a real warehouse: who sees what, and who sees nothing."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import html5lib
import pytest

from rastro.colours import ink_on
from rastro.languages import Language
from rastro.models import Pickup, Status
from rastro.reasons import Reason
from rastro.tracking_links import TOKEN, hash_of, new_token
from rastro.warehouse import retention, tracking_links
from rastro.warehouse.tracking_links import Order, Parcel, Step
from rastro.web.limits import Limits, Visitors
from rastro.web.tracking_page import Shown, told_of
from rastro.web.words import WORDS
from webserver import Service, serving

from .test_tracking_hub import ACCOUNT, DELIVERED, JOURNEY, NUMBER, POSTED, event, ship

PAGE = "https://rastro.loja.example"
SHOWN = Shown(
    shop_name="Loja & Cia",
    shop_logo="https://loja.example/logo.png",
    shop_colour="#7a1f4e",
    help_url="https://loja.example/ajuda",
    mail_language=Language.PORTUGUESE,
    tracking_link_for=timedelta(days=90),
    tracking_origins=frozenset({"https://www.loja.example"}),
    carrier_names={"correios": "Correios"},
    carrier_pages={"correios": lambda number: f"https://rastreamento.correios.example/{number}"},
)
NOW = datetime(2026, 9, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def web(warehouse) -> Iterator[Service]:
    with serving(warehouse.dsn, shown=SHOWN) as service:
        yield service


def given_out(warehouse, order_id: str = "O-1") -> str:
    """The path of a new link."""
    link = tracking_links.give_out(warehouse.connection, ACCOUNT, order_id, PAGE, datetime.now(UTC))
    warehouse.connection.commit()
    return link.removeprefix(PAGE)


def seen(web: Service, path: str, **headers: str):
    return web.send(path, method="GET", **headers)


@pytest.mark.slow
def test_a_link_shows_its_orders_parcels_and_nobody_elses(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY, city_to="Morro Azul", state_to="PE")
    ship(warehouse.connection, "QQ100000025BR", *JOURNEY, order="O-2")
    answer = seen(web, given_out(warehouse))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert NUMBER in answer.text
    assert "QQ100000025BR" not in answer.text
    for said in ("Entregue", "Pedido O-1", "Morro Azul/PE", "São Bento/PE", "Loja &amp; Cia"):
        assert said in answer.text, said
    assert "Objeto entregue ao destinatário" not in answer.text, "the carrier's own words"
    assert len(answer.content) < 50_000


@pytest.mark.slow
def test_a_page_is_kept_by_nobody_found_by_nobody_and_runs_and_loads_nothing(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    answer = seen(web, given_out(warehouse))
    told = answer.headers
    assert told["cache-control"] == "private, no-store"
    assert "noindex" in told["x-robots-tag"]
    assert told["referrer-policy"] == "no-referrer"
    assert told["x-content-type-options"] == "nosniff"
    policy = dict(part.strip().split(" ", 1) for part in told["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "https://loja.example"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", policy["style-src"])
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert not re.search(r"<script|<form|<iframe|<link|\son\w+=|style=", answer.text)
    loaded = re.findall(r'(?:src|srcset)="([^"]+)"', answer.text)
    assert loaded == ["https://loja.example/logo.png"]
    html5lib.HTMLParser(strict=True).parse(answer.text)


@pytest.mark.slow
def test_wrong_revoked_and_outlived_links_are_answered_alike(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    revoked = given_out(warehouse)
    assert seen(web, revoked).status_code == 200
    tracking_links.revoke(warehouse.connection, "O-1", datetime.now(UTC))
    outlived = given_out(warehouse)
    warehouse.connection.execute("UPDATE rastro.shipment_state SET changed_at = now() - interval '91 days'")
    warehouse.connection.commit()
    answers = [seen(web, path) for path in (f"/r/{new_token()}", "/r/short", revoked, outlived, "/r/%00")]
    assert {one.status_code for one in answers} == {404}
    assert len({one.text for one in answers}) == 1
    assert "Este link não vale mais" in answers[0].text
    html5lib.HTMLParser(strict=True).parse(answers[0].text)
    assert {seen(web, f"{path}.json").text for path in (revoked, outlived)} == {'{"error":"not_found"}'}
    warehouse.connection.execute("UPDATE rastro.shipment_state SET changed_at = now() - interval '89 days'")
    warehouse.connection.commit()
    assert seen(web, outlived).status_code == 200


@pytest.mark.slow
def test_a_link_is_erased_when_it_leads_nowhere_and_not_before_however_old_it_is(warehouse) -> None:
    conn = warehouse.connection
    ship(conn, NUMBER, *JOURNEY[:1])
    path = given_out(warehouse)
    now = datetime.now(UTC)
    conn.execute("UPDATE rastro.tracking_link SET created_at = created_at - interval '800 days'")

    def erased() -> int:
        month_ago, ended = now - timedelta(days=30), now - timedelta(days=90)
        limits = retention.Limits(
            kept_since=month_ago, contacts_since=month_ago, waited_since=month_ago, links_since=ended
        )
        return retention.erase_some(conn, "tracking links", limits, now)

    assert erased() == 0, "its parcel is on its way"
    conn.execute("UPDATE rastro.shipment_state SET status = 'delivered', changed_at = now() - interval '89 days'")
    assert erased() == 0
    assert tracking_links.follow(conn, path.removeprefix("/r/"), now, timedelta(days=90)) is not None
    conn.execute("UPDATE rastro.shipment_state SET changed_at = now() - interval '91 days'")
    assert erased() == 1


@pytest.mark.slow
def test_only_the_hash_of_a_token_is_kept(warehouse) -> None:
    token = given_out(warehouse).removeprefix("/r/")
    assert TOKEN.fullmatch(token)
    ((kept,),) = warehouse.connection.execute("SELECT token_hash FROM rastro.tracking_link").fetchall()
    assert bytes(kept) == hash_of(token)
    assert len({new_token() for _ in range(1000)}) == 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "accepted", "locale", "tag"),
    [
        ("", "en", "es-AR", "es"),
        ("?l=en", "", "pt-BR", "en"),
        ("?l=es", "", "pt-BR", "es"),
        ("?l=fr", "", "en-US", "en"),
        ("?l=<b>", "", "pt-BR", "pt-BR"),
        ("", "fr,es-MX;q=0.8", "", "es"),
        ("", "en", "fr-FR", "en"),
        ("?l=pt", "en", "", "pt-BR"),
        ("", "fr", "", "pt-BR"),
    ],
)
def test_a_page_speaks_as_the_reader_chose_else_as_the_order_does_else_as_the_browser_wants(
    warehouse, web: Service, query: str, accepted: str, locale: str, tag: str
) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY, locale=locale)
    answer = seen(web, given_out(warehouse) + query, accept_language=accepted)
    assert f'<html lang="{tag}">' in answer.text
    assert answer.headers["content-language"] == tag


@pytest.mark.slow
def test_the_same_as_json_for_the_shops_own_pages_and_no_others(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    path = f"{given_out(warehouse)}.json"
    answer = seen(web, path, origin="https://www.loja.example")
    assert answer.headers["access-control-allow-origin"] == "https://www.loja.example"
    told = answer.json()
    assert (told["number"], told["title"], told["language"]) == ("O-1", "Entregue", "pt-BR")
    (parcel,) = told["parcels"]
    assert (parcel["number"], parcel["status"]) == (NUMBER, "delivered")
    assert [step["status"] for step in parcel["steps"]] == ["delivered", "in_transit"]
    assert "access-control-allow-origin" not in seen(web, path, origin="https://golpe.example").headers


@pytest.mark.slow
def test_looking_changes_nothing_and_needs_no_more_than_get(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    path = given_out(warehouse)
    state = "SELECT md5(string_agg(l::text, '|')) FROM rastro.tracking_link l"
    before = warehouse.connection.execute(state).fetchone()
    warehouse.connection.commit()
    for method, status in (("GET", 200), ("HEAD", 200), ("POST", 405), ("DELETE", 405)):
        assert web.send(path, method=method).status_code == status
    assert warehouse.connection.execute(state).fetchone() == before


@pytest.mark.slow
def test_whoever_tries_many_is_sent_away_and_others_are_not(warehouse) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    path = given_out(warehouse)
    with serving(warehouse.dsn, shown=SHOWN, limits=Limits(views=0.001, view_burst=3)) as web:
        trying = [seen(web, f"/r/{new_token()}", x_forwarded_for="192.0.2.7").status_code for _ in range(5)]
        assert trying == [404, 404, 404, 429, 429]
        refused = seen(web, path, x_forwarded_for="192.0.2.7")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert seen(web, path, x_forwarded_for="192.0.2.8").status_code == 200


@pytest.mark.slow
def test_what_is_written_down_names_no_token(warehouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="rastro.web")
    ship(warehouse.connection, NUMBER, *JOURNEY)
    path = given_out(warehouse)
    with serving(warehouse.dsn, shown=SHOWN) as web:
        assert seen(web, path).status_code == 200
    (line,) = [one.message for one in caplog.records if one.name.startswith("rastro.web")]  # when it has ended
    assert line.startswith("GET /r/ 200")
    assert path.removeprefix("/r/") not in caplog.text


@pytest.mark.slow
def test_a_warehouse_that_is_away_is_no_answer_about_the_order() -> None:
    with serving("postgresql://nobody@127.0.0.1:9/none", shown=SHOWN) as web:
        assert seen(web, f"/r/{new_token()}").status_code == 503


@pytest.mark.slow
def test_without_the_setting_there_is_no_page(warehouse) -> None:
    with serving(warehouse.dsn) as web:
        assert seen(web, f"/r/{new_token()}").status_code == 404


# What is told, without a service

PARCEL = Parcel(
    tracking_number=NUMBER,
    carrier="correios",
    courier="PAC",
    city_to="Morro Azul",
    state_to="PE",
    promised_at=NOW + timedelta(days=4),
    status=Status.IN_TRANSIT,
    status_at=POSTED,
    delivered_at=None,
    estimated_at=NOW + timedelta(days=3),
    pickup=None,
    changed_at=POSTED,
    asked_at=NOW,
    steps=(Step(at=POSTED, status=Status.IN_TRANSIT, city="São Bento", state="PE"),),
)


def told(*parcels: Parcel, language: Language = Language.PORTUGUESE, shown: Shown = SHOWN):
    return told_of(Order(order_id="O-1", locale="pt-BR", parcels=parcels), language, shown, NOW)


def facts(**changes: object) -> dict[str, str]:
    (parcel,) = told(replace(PARCEL, **changes)).parcels
    return dict(parcel.facts)


def test_every_status_has_its_words_in_every_language() -> None:
    for words in WORDS.values():
        assert set(words["headlines"]) == set(words["next_steps"]) == set(Status)
        assert set(words["reasons"]) == set(Reason)
        assert words.keys() == WORDS[Language.PORTUGUESE].keys()
    assert len({str(words) for words in WORDS.values()}) == len(Language)


def test_a_parcel_is_where_it_is_since_the_first_step_that_said_so() -> None:
    scans = [(20, Status.IN_TRANSIT), (9, Status.IN_TRANSIT), (5, Status.DELIVERY_FAILED), (0, Status.IN_TRANSIT)]
    steps = [Step(at=POSTED + timedelta(hours=h), status=status, city="", state="") for h, status in scans]
    assert facts(steps=steps, status_at=steps[0].at)["Desde"] == "segunda-feira, 14/09, 19:00"
    assert facts(steps=())["Desde"] == "segunda-feira, 14/09, 10:00"


def test_dates_are_told_while_they_matter() -> None:
    pending = facts()
    assert pending["Previsão da transportadora"] == "segunda-feira, 21/09"
    assert pending["Prazo informado na compra"] == "terça-feira, 22/09"
    arrived = facts(status=Status.DELIVERED, status_at=DELIVERED, delivered_at=DELIVERED)
    assert arrived["Entregue em"] == "quinta-feira, 17/09, 15:30"
    assert not {"Previsão da transportadora", "Prazo informado na compra", "Desde"} & arrived.keys()


@pytest.mark.parametrize("deadline", [date(2026, 9, 24), None])
def test_the_last_day_to_collect_is_the_carriers_or_none(deadline: date | None) -> None:
    pickup = Pickup(place="Agência Central", address="Rua das Flores, 10", deadline=deadline)
    (parcel,) = told(replace(PARCEL, status=Status.READY_FOR_PICKUP, pickup=pickup)).parcels
    collect = dict(parcel.collect)
    assert (collect["Local"], collect["Endereço"]) == ("Agência Central", "Rua das Flores, 10")
    assert collect.get("Retirar até") == ("quinta-feira, 24/09" if deadline else None)
    assert not told(replace(PARCEL, pickup=pickup)).parcels[0].collect, "it does not wait there"


def test_a_hold_warns_of_links_to_pay() -> None:
    for language, reason in product(Language, (None, Reason.CUSTOMS)):
        (parcel,) = told(replace(PARCEL, status=Status.ON_HOLD, reason=reason), language=language).parcels
        assert re.search(r"não pague|pay nothing|no pagues", parcel.next)


def test_a_failed_attempt_says_why_where_that_is_known() -> None:
    failed = replace(PARCEL, status=Status.DELIVERY_FAILED)
    (known,) = told(replace(failed, reason=Reason.ADDRESS)).parcels
    (unknown,) = told(failed).parcels
    assert known.next.startswith("O endereço não foi localizado")
    assert unknown.next == WORDS[Language.PORTUGUESE]["next_steps"][Status.DELIVERY_FAILED]


def test_several_parcels_are_numbered_and_the_title_counts() -> None:
    arrived = replace(PARCEL, status=Status.DELIVERED, delivered_at=DELIVERED)
    assert told(arrived, PARCEL).title == "1 de 2 volumes entregues"
    assert told(arrived, arrived).title == "Todos os volumes foram entregues"
    assert told(PARCEL, PARCEL).title == "Seu pedido em 2 volumes"
    assert [one.name for one in told(arrived, PARCEL).parcels] == ["Volume 1 de 2", "Volume 2 de 2"]


def test_steps_that_say_the_same_are_one() -> None:
    hours = [
        Step(at=POSTED + timedelta(hours=h), status=Status.IN_TRANSIT, city="São Bento", state="PE") for h in (3, 0)
    ]
    (step,) = told(replace(PARCEL, steps=hours)).parcels[0].steps
    assert (step.at, step.place) == (POSTED, "São Bento/PE")


def test_a_carrier_that_does_not_answer_is_told_of_while_the_parcel_is_on_its_way() -> None:
    long_ago = NOW - timedelta(days=2)
    assert told(replace(PARCEL, asked_at=long_ago)).parcels[0].stale
    assert not told(replace(PARCEL, asked_at=long_ago, status=Status.DELIVERED)).parcels[0].stale
    assert not told(PARCEL).parcels[0].stale


def test_what_comes_from_outside_is_text_and_no_link() -> None:
    hostile = replace(PARCEL, city_to="<b>www.golpe.example", carrier=None, courier="<script>alert(1)</script>")
    (parcel,) = told(hostile).parcels
    assert "golpe" not in str(parcel)
    assert dict(parcel.facts)["Transportadora"] == "<script>alert(1)</script>", "the template escapes it"
    assert parcel.link == ""


@pytest.mark.slow
def test_hostile_words_are_shown_as_they_are_and_do_nothing(warehouse, web: Service) -> None:
    place = event(POSTED, Status.IN_TRANSIT, "x", '"><script>alert(1)</script>')
    ship(warehouse.connection, NUMBER, place, courier="<img src=x onerror=alert(1)>")
    answer = seen(web, given_out(warehouse))
    assert "<script" not in answer.text
    assert "<img src=x" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_addresses_that_are_not_seen_any_more_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rastro.web.limits.MOST_VISITORS", 2)
    visitors = Visitors(Limits(views=0.001, view_burst=1))
    assert visitors.wait("a", 0) == 0
    assert visitors.wait("a", 0) > 0
    assert visitors.wait("b", 0) == 0
    assert visitors.wait("a", 0) > 0
    assert visitors.wait("c", 0) == 0
    assert visitors.wait("a", 0) > 0
    assert visitors.wait("b", 0) == 0


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#0b57a4", "#ffe14d", "#777777", "#00ff00", "#ff0000"])
def test_what_stands_on_a_shops_colour_can_be_read(colour: str) -> None:
    def luminance(one: str) -> float:
        parts = [int(one[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
