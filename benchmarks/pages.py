"""
The operators' pages over a warehouse with a million parcels, each asked in turn: the 95th percentile of each page.

The application runs in a process of its own, by ASGI, with Airflow's database beside the warehouse. Who asks is not
looked up: that is Airflow's part. Of the problems one kind after the other is asked for, and the slowest kind counts;
so it is with the plots of a letter, which have addresses of their own.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from itertools import count, cycle
from multiprocessing import get_context
from statistics import quantiles
from typing import Any

from benchmarks.bench import Goal, Measured, Size
from benchmarks.warehouse import filled, opened
from rastro.pipeline.find_claims import find_claims
from rastro.pipeline.report import make_report
from rastro.settings import settings_from
from rastro.warehouse import tally
from stack.airflow import connection_variable, environment, migrate
from stack.state import secrets_of

NAME = "pages"
COUNTING = Goal(name="pages: counting their figures, once a run", unit="s")
CLAIMS = Goal(name="pages: finding claims, once a day", unit="s")
FILL = (
    "INSERT INTO rastro.source (account, writes_back, own_mail) VALUES ('vtex:loja', true, false)",
    """
    INSERT INTO rastro.poll_state (carrier, reference, status, quiet_since, answered_at, next_poll_at, failures, refusal)
    SELECT (ARRAY['correios', 'jadlog', 'loggi', 'total_express'])[n % 4 + 1], 'QQ' || n || 'BR', 'in_transit',
           now() - interval '1 hour' * (n % 90), now() - interval '1 minute' * (n % 600), now() + interval '1 minute' * (n % 600 - 60),
           CASE WHEN n % 4 = 1 THEN 4 ELSE 0 END,
           CASE WHEN n % 100 = 2 THEN 'not_ours' WHEN n % 100 BETWEEN 3 AND 6 THEN 'not_found' ELSE '' END
    FROM generate_series(1, {many}) n
    """,
    """
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, first_seen_at, invoiced_at,
        updated_at, warning, route, paused_at, service, state_to, promised_at)
    SELECT 'vtex:loja', 'O-' || n / 2, n::text, 'QQ' || n || 'BR',
           CASE WHEN n % 100 <> 7 THEN (ARRAY['correios', 'jadlog', 'loggi', 'total_express'])[n % 4 + 1] END,
           CASE WHEN n % 100 NOT IN (7, 8) THEN n END, seen, seen, now(), CASE WHEN n % 100 = 9 THEN 'check digit' ELSE '' END,
           CASE WHEN n % 100 = 10 THEN 'review' ELSE 'none' END, CASE WHEN n % 100 = 11 THEN now() END, 'PAC',
           (ARRAY['SP', 'RJ', 'MG', 'BA', 'PR'])[1 + n % 5], seen + interval '1 day' * CASE WHEN n % 50 = 0 THEN 2 ELSE 40 END
    FROM (SELECT n, now() - interval '20 days' * (1 - n::float8 / {many}) AS seen FROM generate_series(1, {many}) n) AS sold
    """,
    """
    INSERT INTO rastro.shipment_state (shipment_id, status, status_at, delivered_at, event_count, changed_at)
    SELECT n, status, now() - interval '1 hour', CASE WHEN status = 'delivered' THEN now() - interval '1 hour' * (n % 600) END, 5, now()
    FROM (SELECT n, CASE WHEN n % 100 IN (3, 4, 5, 6, 9) THEN 'unknown' WHEN n % 100 = 12 THEN 'expired' WHEN n % 100 > 80 THEN 'delivered'
                    WHEN n % 100 > 70 THEN 'out_for_delivery' ELSE 'in_transit' END AS status
          FROM generate_series(1, {many}) n) AS parcel
    """,
    "SELECT rastro.make_event_partitions((now() - interval '1 month')::date, 3)",
    """
    INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code, description,
        city, state, country, recorded_at)
    SELECT n, now() - interval '1 hour' * (n % 300) + interval '1 day' * day, 'BDE ' || day, 0,
           CASE WHEN n % 100 = 13 AND day = -1 THEN 'unknown' ELSE 'in_transit' END, 'effective', 'BDE 20',
           'Objeto em transferência - por favor aguarde', 'Recife', 'PE', 'BR', now()
    FROM generate_series(1, {many}) n CROSS JOIN generate_series(-5, -1) day
    """,
    """
    INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, window_start, new_events, restated,
        first_contact, recorded_at, run_id)
    SELECT n, 'unknown', 'in_transit', 'BDE -5', now(), 5, 0, true, now(), 'bench' FROM generate_series(1, {many}) n
    """,
    """
    INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before, run_id, recipient_hash)
    SELECT n, channel, CASE channel WHEN 'alert' THEN 'lost' ELSE 'in_transit' END, '', 'vtex:loja',
           CASE WHEN channel = 'alert' THEN 'owed' WHEN n % 100 = 14 THEN 'dead' ELSE 'sent' END,
           now(), now() - interval '1 second' * (n % 86400), now(), 'bench', CASE channel WHEN 'email' THEN md5((n / 3)::text) ELSE '' END
    FROM generate_series(1, {many}) n CROSS JOIN unnest(ARRAY['order', 'email', 'alert']) channel
    WHERE channel <> 'alert' OR n % 100 = 15
    """,
    "INSERT INTO rastro.notice_attempt (notice_id, started_at, run_id) SELECT notice_id, now(), 'bench' FROM rastro.notice",
    """
    INSERT INTO rastro.quarantine (origin, subject, reason, detail, first_at, last_at, run_id)
    SELECT 'correios', 'QQ' || n || 'BR', 'unreadable', 'no JSON', now() - interval '1 second' * n, now(), 'bench'
    FROM generate_series(1, {many} / 100) n
    """,
    """
    INSERT INTO rastro.manual_action (act_key, done_at, done_by, run_id, action, reason, shipment_id, account, order_id, subject, before, after)
    SELECT n::text, now(), 'maria', 'bench', 'pause', 'strike', n, 'vtex:loja', 'O-' || n / 2, 'QQ' || n || 'BR', '{{}}', '{{}}'
    FROM generate_series(1, {many} / 100) n
    """,
    """
    INSERT INTO rastro.run_stage (run_id, stage, part, started_at, finished_at, figures)
    SELECT 'bench', 'track', carrier, now(), now(), '{{"asked": 1000}}' FROM unnest(ARRAY['correios', 'jadlog', 'loggi', 'total_express']) carrier
    """,
)


def measure(size: Size) -> Iterator[Measured]:
    many = 20_000 if size.quick else 1_000_000
    with filled(size, "pages", FILL, many) as (server, dsn):
        with opened(dsn) as conn:
            conn.execute("DELETE FROM rastro.tally")
            started = time.perf_counter()
            tally.count(conn, datetime.now(UTC))
            conn.commit()
            yield Measured(COUNTING, time.perf_counter() - started)
            kinds = [one.part for one in tally.read(conn, ["problem"])]
            if not conn.execute("SELECT FROM rastro.delivery_fact LIMIT 1").rowcount:
                make_report(conn, None, datetime.now(UTC))
                conn.commit()
                conn.autocommit = True
                conn.execute("VACUUM ANALYZE rastro.delivery_fact")  # as autovacuum does once it comes by
                conn.autocommit = False
            started = time.perf_counter()
            found = find_claims(conn, settings_from({}), datetime.now(UTC))
            conn.commit()
            yield Measured(CLAIMS, time.perf_counter() - started)
            if not found.claims:
                raise AssertionError("there is nothing to claim")
        home = size.scratch / "airflow"
        told = environment(
            home=home,
            postgres=server,
            secrets=secrets_of(size.scratch),
            settings=connection_variable("rastro_warehouse", server.airflow_connection("pages")),
        )
        migrate(home, server, told, lambda _: None)
        with ProcessPoolExecutor(1, get_context("spawn"), be_told, (told,)) as child:
            for page, seconds in child.submit(asked, many, kinds, 3 if size.quick else 20).result().items():
                yield Measured(Goal(name=f"page: {page}, 95 %", unit="ms", at_most=300), seconds * 1000)


def be_told(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)


def asked(many: int, kinds: list[str], times: int) -> Mapping[str, float]:
    """The 95th percentile of each page, in seconds, asked so many times."""
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType
    from fastapi.testclient import TestClient

    from rastro.pages import access
    from rastro.pages.app import made
    from rastro.pages.routes import May

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of each request
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    if access.run_of(access.TRACK, "bench") is None:
        with create_session() as session:
            kind = DagRunType.MANUAL
            session.add(
                DagRun(access.TRACK, "bench", logical_date=now, data_interval=(hour, now), run_after=now, run_type=kind)
            )
    app = made()
    app.dependency_overrides = {guard: lambda: None for guard in access.GUARDS.values()}
    app.dependency_overrides[access.visitor] = lambda: access.Visitor(name="maria", may=frozenset(May))
    visitor = TestClient(app, headers={"Origin": "http://testserver"}).__enter__()  # one loop for all
    numbers = count(1)

    def get(path: str) -> Any:
        answer = visitor.get(path)
        answer.raise_for_status()
        return answer

    def some() -> int:
        return next(numbers) * 7919 % many + 1

    further_back = count(7)

    def other_days() -> str:
        """Of a letter that nobody has read yet: a day longer each time."""
        return f"first={now.date() - timedelta(days=next(further_back))}&last={now.date()}"

    def plot(name: str) -> Any:
        return get(f"/letter/{name}.png?{other_days()}")

    claims = cycle(re.findall(r'href="[^"]*/claims/(\d+)', get("/claims").text))

    def further(kind: str) -> str:
        """The address of the second page of a kind; of the first where there is no second."""
        first = f"/problems?kind={kind}"
        links = re.findall(r'href="([^"]*after=[^"]*)"', get(first).text)
        return f"/problems?{unescape(links[0]).partition('?')[2]}" if links else first

    pages: Mapping[str, Callable[[], Any]] = {
        "overview": lambda: get("/"),
        "search by 20 numbers": lambda: get("/search?q=" + "+".join(f"QQ{some()}BR" for _ in range(20))),
        "search by address": lambda: visitor.post(
            "/search", data={"address": f"a{some()}@loja.example"}
        ).raise_for_status(),
        "a parcel": lambda: get(f"/shipments/{some()}"),
        "problems": lambda: get("/problems"),
        "an hour": lambda: get(f"/hours/{hour:%Y-%m-%dT%H:%MZ}"),
        "a run": lambda: get(f"/runs/{access.TRACK}/bench"),
        "acts by hand": lambda: get("/audit"),
        "the forms": lambda: get("/act?action=pause"),
        "the form for a table": lambda: get("/csv"),
        "claims": lambda: get("/claims"),
        "a claim": lambda: get(f"/claims/{next(claims)}"),
        "a letter that was read before": lambda: get("/letter"),
        "a letter of other days": lambda: get(f"/letter?{other_days()}"),
    }
    took = {name: slowest(page, times) for name, page in pages.items()}
    drawings = re.findall(r"/letter/(\w+)\.png", get(f"/letter?{other_days()}").text)
    plots = {name: slowest(partial(plot, name), times) for name in drawings}
    firsts = {kind: slowest(partial(get, f"/problems?kind={kind}"), times) for kind in kinds}
    seconds = {kind: slowest(partial(get, further(kind)), times) for kind in kinds}
    for name, by_kind in (
        ("a plot of a letter, drawn", plots),
        ("problems of a kind", firsts),
        ("problems of a kind, further on", seconds),
    ):
        worst = max(by_kind, key=lambda kind: by_kind[kind])
        print(f"  {name}: the slowest is {worst!r}", flush=True)
        took[name] = by_kind[worst]
    return took


def slowest(page: Callable[[], Any], times: int) -> float:
    """The 95th percentile of the seconds that it takes, once it has been asked before."""
    page()
    took = []
    for _ in range(times):
        started = time.perf_counter()
        page()
        took.append(time.perf_counter() - started)
    return quantiles(took, n=20, method="inclusive")[-1]
