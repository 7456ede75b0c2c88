"""
Fills the tables of the READMEs and ``docs/`` from what they describe: ``python -m stack.docs``.

A table stands between ``<!-- made: NAME -->`` and ``<!-- end -->``; all around it is written by hand. Those about the
warehouse are read from a database that is migrated for it. A carrier or marketplace that has no page yet gets one. The
picture of the architecture is drawn, too.
"""

import ast
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import yaml

from rastro.carriers.described import SHIPPED, all_carriers
from rastro.carriers.registry import CARRIERS
from rastro.claims import OTHERS, RULES, Rule
from rastro.cli import COMMANDS
from rastro.cli.registries import SHORT, how_asked
from rastro.confirmation import CARRIED_BY_OTHERS, CONNECTORS
from rastro.marketplaces import webhook
from rastro.marketplaces.registry import MARKETPLACES
from rastro.metrics import METRICS, exposed
from rastro.models import Status
from rastro.notices import MAILED
from rastro.orders.registry import SOURCES
from rastro.orders.sql import COLUMNS
from rastro.pages.routes import ROUTES, May
from rastro.personal_data import HELD, OURS, SORTS
from rastro.receivers import Message
from rastro.settings import OPTIONS
from stack import figures
from stack.adapter_pages import carrier_page, code, marketplace_page, pace, table, where
from stack.pictures import architecture
from stack.postgres import embedded_postgres
from stack.product import migrate_warehouse
from stack.state import REPOSITORY

DOCS = REPOSITORY / "docs"
READMES = (REPOSITORY / "README.md", REPOSITORY / "README.pt-BR.md")
PICTURES: Mapping[Path, Callable[[], str]] = {DOCS / "images/architecture.svg": architecture}
KNOWN = all_carriers()
BLOCK = re.compile(r"(<!-- made: (?P<name>[a-z0-9_-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
RELATIONS = """
SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS about
FROM pg_class c WHERE c.relnamespace = 'rastro'::regnamespace AND c.relkind = ANY(%s) AND NOT c.relispartition
  AND c.relname <> 'migration'
ORDER BY c.relname
"""
COLUMNS_OF = """
SELECT a.attname AS name,
       replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz') AS kind,
       col_description(a.attrelid, a.attnum) AS about
FROM pg_attribute a
WHERE a.attrelid = format('rastro.%%I', %s::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


def link(address: str) -> str:
    """A link to a page, or to a file of ours."""
    return f"[docs]({address})" if "://" in address else f"[{address}](../{address})"


def settings() -> str:
    return table(
        ("setting", "default", "example", "what for"),
        ((code(name), code(one.default), code(one.example), one.description) for name, one in OPTIONS.items()),
    )


def commands() -> str:
    return table(("command", "what for"), ((code(f"rastro {one.name}"), one.help) for one in COMMANDS))


def pushes() -> str:
    return table(
        ("carrier", "address to register", "verified by"),
        (
            (code(known), code(f"/push/{known}{carrier.push.query}"), carrier.push.scheme)
            for known, carrier in CARRIERS.items()
            if carrier.push
        ),
    )


def sources() -> str:
    return table(
        ("code", "name", "what it covers", "written back", "read more"),
        (
            (code(one.code), one.name, one.covers, "yes" if one.writes_back else "no", link(one.docs))
            for one in SOURCES.values()
        ),
    )


def vtex_fields() -> str:
    return table(
        ("field", "in Airflow's form", "required", "what it is"),
        ((where(one), one.label, "yes" if one.required else "", one.help) for one in SOURCES["vtex"].fields),
    )


def sql_columns() -> str:
    return table(
        ("column", "type", "required", "meaning"),
        ((code(one.name), one.kind, "yes" if one.required else "", one.meaning) for one in COLUMNS),
    )


def adapters(
    heads: tuple[str, str] = ("what", "which"), kinds: Sequence[str] = ("order systems", "carriers", "marketplaces")
) -> str:
    """Who can be asked and told, each with a link to its page."""
    rows = (
        [f"[{one.name}](docs/sources.md)" for one in SOURCES.values()],
        [f"[{one.name}](docs/carriers/{one.code}.md)" for one in KNOWN.values()],
        [f"[{one.name}](docs/marketplaces/{one.code}.md)" for one in MARKETPLACES.values()],
    )
    return table(heads, ((kind, ", ".join(which)) for kind, which in zip(kinds, rows, strict=True)))


def dags() -> str:
    """What each DAG says of itself, the hourly one first."""
    parts = []
    for file in sorted((REPOSITORY / "dags").glob("*.py"), key=lambda one: (one.stem != "track_deliveries", one)):
        title, _, text = (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n\n")
        parts.append(f"## `{file.stem}`\n\n*{title.lstrip('# ')}.*\n\n{text}\n")
    return "\n".join(parts)


def carriers() -> str:
    return table(
        ("code", "name", "asked about", "how", "limits of one contract", "tells by itself", "sure"),
        (
            (
                f"[{code(one.code)}](carriers/{one.code}.md)",
                one.name,
                ", ".join(SHORT[kind] for kind in one.references),
                how_asked(one),
                f"{pace(one.requests_per_second)}, {one.connections} at once",
                ", ".join(word for word, way in (("push", one.push), ("feed", one.feed)) if way),
                one.confidence,
            )
            for one in KNOWN.values()
        ),
    )


def number_forms() -> str:
    """Carriers that can be told by the form of a number, as regular expressions."""
    return table(
        ("carrier", "forms of its own", "forms that others give out, too", "check digit"),
        (
            (
                code(one.code),
                ", ".join(map(code, one.claims.strong)),
                ", ".join(map(code, one.claims.weak)),
                "yes" if one.claims.check else "",
            )
            for one in KNOWN.values()
            if one.claims.has_forms
        ),
    )


def connectors() -> str:
    return table(
        ("marketplace", "affiliate codes", "its connector passes deliveries on"),
        (
            (
                one.marketplace,
                ", ".join(map(code, one.affiliates)),
                "documented" if one.relays else "not documented: `review`",
            )
            for one in CONNECTORS
        ),
    )


def carried_by_others() -> str:
    return table(("who carries it", "by"), ((one.marketplace, one.service) for one in CARRIED_BY_OTHERS))


def described() -> str:
    return table(
        ("`--config`, and code in the settings", "carrier", "asked by", "sure"),
        (
            (code(one.code), one.name, ", ".join(one.references), one.confidence)
            for one in KNOWN.values()
            if one.code in SHIPPED
        ),
    )


def marketplaces() -> str:
    return table(
        ("code", "name", "told beside delivery", "can be read back", "mails the customer itself", "sure"),
        (
            (
                f"[{code(one.code)}](marketplaces/{one.code}.md)",
                one.name,
                ", ".join(status for status in Status if status in one.takes),
                "yes" if one.reads_back else "no",
                "yes" if one.mails_customer else "no",
                one.confidence,
            )
            for one in MARKETPLACES.values()
        ),
    )


def webhook_body() -> str:
    delivered_at = datetime(2026, 11, 20, 14, 19, 48, tzinfo=ZoneInfo("America/Sao_Paulo"))
    message = Message(
        key="notice_1",
        order_id="1400120000001-01",
        invoice_number="4711",
        tracking_number="QQ100000017BR",
        courier="Correios",
        tracking_url="",
        status=Status.DELIVERED,
        history=(),
        delivered_at=delivered_at,
        marketplace_order_id="MKT-1400120000001",
    )
    return f"```json\n{json.dumps(webhook.content(message, delivered_at), indent=2)}\n```\n"


def mailed() -> str:
    return table(("status", "days the news is news"), ((code(status), f"{age.days}") for status, age in MAILED.items()))


def metrics() -> str:
    return table(
        ("metric", "in Prometheus", "unit", "labels", "what it says"),
        (
            (
                code(name),
                code(exposed(name)),
                one.unit,
                "; ".join(f"{code(label)}: {meaning}" for label, meaning in one.labels.items()),
                one.about,
            )
            for name, one in METRICS.items()
        ),
    )


def alert_rules() -> list[dict[str, Any]]:
    """Prometheus' rules, as they are shipped."""
    rules = yaml.safe_load((REPOSITORY / "deploy/monitoring/prometheus/alerts.yml").read_text("utf-8"))
    return [one for group in rules["groups"] for one in group["rules"]]


def alerts() -> str:
    return table(
        ("alert", "when", "what to do"),
        (
            (code(one["alert"]), code(one["expr"]), f"[{Path(page).stem}](runbooks/{Path(page).name})")
            for one in alert_rules()
            for page in [one["annotations"]["runbook"]]
        ),
    )


def relations(conn: psycopg.Connection[Any]) -> str:
    """All tables with what they hold, and the columns that need a word."""
    rows = []
    for name, about in conn.execute(RELATIONS, [["r", "p"]]).fetchall():
        rows.append((code(name), about or ""))
        rows += [(f"{code(f'{name}.{column}')}", said) for column, _, said in columns_of(conn, name) if said]
    return table(("table or column", "what it holds"), rows)


def views(conn: psycopg.Connection[Any]) -> str:
    """The views whose names stay, each with its columns."""
    parts = []
    for name, about in conn.execute(RELATIONS, [["v"]]).fetchall():
        if name.startswith("v_"):
            rows = [(code(column), kind, said or "") for column, kind, said in columns_of(conn, name)]
            titles = ("column", "type", "meaning") if any(row[2] for row in rows) else ("column", "type")
            parts.append(f"### `{name}`\n\n{about}\n\n{table(titles, (row[: len(titles)] for row in rows))}")
    return "\n".join(parts)


def reports(conn: psycopg.Connection[Any]) -> str:
    """The tables of the reports, each with its columns."""
    about = dict(conn.execute(RELATIONS, [["r"]]).fetchall())
    return "\n".join(
        f"### `{name}`\n\n{about[name]}\n\n"
        + table(
            ("column", "type", "formula"), ((code(one), kind, said or "") for one, kind, said in columns_of(conn, name))
        )
        for name in ("delivery_fact", "carrier_day", "forecast", "estimate", "working_day")
    )


def columns_of(conn: psycopg.Connection[Any], relation: str) -> list[tuple[str, str, str | None]]:
    return conn.execute(COLUMNS_OF, [relation]).fetchall()


def personal_sorts() -> str:
    return table(
        ("sort", "what", "why", "kept", "who reads it in Airflow", "when the person is erased"),
        ((one.name, one.what, one.why, one.kept, one.readers, one.at_a_wish) for one in SORTS),
    )


def personal_columns() -> str:
    """Every column that can hold anything, by what stands in it, but for those with nothing of a person."""
    return table(
        ("sort", "columns"),
        (
            (
                one.name,
                ", ".join(
                    code(f"{name}.{column}") for name, sorts in HELD.items() for column in sorts.get(one, "").split()
                ),
            )
            for one in SORTS
            if one is not OURS
        ),
    )


RIGHTS = {
    May.SEE: "read the DAG `track_deliveries`",
    May.ACT: "trigger the DAG `act_by_hand`",
    May.BACKFILL: "trigger the DAG `track_deliveries`",
}


# The answer of a route → the test of what it shows or does; who may open it is tried for all of them by one more.
TRIED = {
    "overview": "integration/test_lookup.py::test_figures_are_those_of_the_tables",
    "style": "browser/test_pages.py::test_every_page_can_be_read_by_everybody",
    "search": "browser/test_pages.py::test_several_numbers_pasted_at_once_are_found_and_the_unknown_one_is_named",
    "search_address": (
        "browser/test_pages.py::test_a_parcel_is_found_by_its_customers_address_which_stands_in_no_address_line"
    ),
    "shipment": "browser/test_pages.py::test_a_viewer_sees_neither_personal_data_nor_a_button",
    "problems": (
        "integration/test_lookup.py::test_every_kind_of_problem_is_counted_and_all_of_it_is_listed_page_by_page"
    ),
    "hour": "browser/test_pages.py::test_missed_hours_are_backfilled_from_the_page",
    "run": "browser/test_pages.py::test_a_person_goes_from_a_task_to_what_its_run_did",
    "act_form": "browser/test_pages.py::test_a_person_acts_on_a_parcel_inside_airflows_own_pages",
    "act": (
        "browser/test_pages.py"
        "::test_a_delivery_confirmed_by_hand_is_one_run_however_often_it_is_sent_and_is_kept_in_the_audit"
    ),
    "csv_form": "browser/test_pages.py::test_a_table_of_many_acts_is_one_run",
    "act_by_csv": "browser/test_pages.py::test_a_table_of_many_acts_is_one_run",
    "claims_page": "integration/test_claims.py::test_the_page_lists_what_can_be_filed_page_by_page",
    "claim": "integration/test_claims.py::test_a_claims_page_shows_what_speaks_for_it_and_offers_what_can_be_done_next",
    "claims_csv": "integration/test_claims.py::test_the_lists_hold_what_the_page_holds",
    "claims_workbook": "integration/test_claims.py::test_the_lists_hold_what_the_page_holds",
    "letter": "integration/test_letter.py::test_the_same_is_a_page_of_the_operators",
    "plot": "integration/test_letter.py::test_each_plot_of_the_page_has_an_address_and_is_the_one_that_is_mailed",
    "audit": "integration/test_lookup.py::test_acts_are_listed_the_newest_first_page_by_page",
    "backfill": "browser/test_pages.py::test_missed_hours_are_backfilled_from_the_page",
}


def operators_pages() -> str:
    return table(
        ("page", "method", "who may", "what it is", "its test"),
        (
            (code(f"/rastro{one.path}"), one.method, RIGHTS[one.may], one.what, code(TRIED[one.answer]))
            for one in ROUTES
        ),
    )


def claim_rules() -> str:
    """What each carrier grants, the guess for all others last."""
    return table(
        ("carrier", "late", "silent", "until", "where", "wants", "by the rule of"),
        (
            (
                code(rule.carrier) if rule.carrier else "all others",
                f"{rule.late} working days past the expected one",
                f"{rule.silent} working days" if rule.silent else "–",
                until_when(rule),
                f"<{rule.where}>" if "://" in rule.where else rule.where,
                ", ".join(rule.evidence),
                rule.source if rule.certain else f"not certain: {rule.source}",
            )
            for rule in (*RULES.values(), OTHERS)
        ),
    )


def until_when(rule: Rule) -> str:
    first = f"not in the first {rule.settled} days after posting; " if rule.settled else ""
    late = f"lateness {rule.late_within} days past the expected day; " if rule.late_within else ""
    return f"{first}{late}{rule.within} days after posting"


MADE: Mapping[str, Callable[[], str]] = {
    "claim-rules": claim_rules,
    "settings": settings,
    "commands": commands,
    "adapters": adapters,
    "adapters-pt-br": partial(adapters, ("o quê", "quais"), ("sistemas de pedidos", "transportadoras", "marketplaces")),
    "dags": dags,
    "pushes": pushes,
    "sources": sources,
    "vtex-fields": vtex_fields,
    "sql-columns": sql_columns,
    "carriers": carriers,
    "number-forms": number_forms,
    "connectors": connectors,
    "carried-by-others": carried_by_others,
    "described": described,
    "marketplaces": marketplaces,
    "webhook-body": webhook_body,
    "mailed": mailed,
    "metrics": metrics,
    "alerts": alerts,
    "operators-pages": operators_pages,
    "personal-sorts": personal_sorts,
    "personal-columns": personal_columns,
    "figures-missed": figures.goals_missed,
    **{f"figures-{part}": partial(figures.figures_of, part) for part in figures.PARTS},
    **{f"carrier-{one.code}": partial(carrier_page, one) for one in KNOWN.values()},
    **{f"marketplace-{one.code}": partial(marketplace_page, one) for one in MARKETPLACES.values()},
}
MADE_FROM_WAREHOUSE: Mapping[str, Callable[[psycopg.Connection[Any]], str]] = {
    "tables": relations,
    "views": views,
    "reports": reports,
}


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Name and present content of each table in a page."""
    for match in BLOCK.finditer(text):
        yield match["name"], match["body"]


def filled(text: str, made: Mapping[str, str]) -> str:
    """The page with its tables made anew."""
    return BLOCK.sub(lambda match: f"{match[1]}{made[match['name']]}{match[4]}", text)


def files() -> tuple[Path, ...]:
    """The pages that there are."""
    return (*READMES, *sorted(DOCS.rglob("*.md")))


def begin_pages() -> None:
    """A page with nothing but its heading and its block for each carrier and marketplace that has none."""
    for kind, registry in (("carrier", KNOWN), ("marketplace", MARKETPLACES)):
        folder = DOCS / f"{kind}s"
        folder.mkdir(exist_ok=True)
        for known, adapter in registry.items():
            if not (page := folder / f"{known}.md").exists():
                page.write_text(f"# {adapter.name}\n\n<!-- made: {kind}-{known} -->\n<!-- end -->\n", "utf-8")


def main() -> None:
    begin_pages()
    with tempfile.TemporaryDirectory() as folder, embedded_postgres(Path(folder), durable=False) as server:
        dsn = server.create("rastro")
        migrate_warehouse(dsn)
        with psycopg.connect(dsn) as conn:
            made = {name: make(conn) for name, make in MADE_FROM_WAREHOUSE.items()}
    made |= {name: make() for name, make in MADE.items()}
    for file in files():
        file.write_text(filled(file.read_text("utf-8"), made), "utf-8")
    for picture, drawn in PICTURES.items():
        picture.write_text(drawn(), "utf-8")


if __name__ == "__main__":
    main()
