"""Whose turn it is to be asked about, what a task may claim, and what is left of that when the server crashes."""

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rastro.models import Window
from rastro.pipeline.track import Turns
from rastro.warehouse import polls, records
from rastro.warehouse.migrate import migrate
from stack.postgres import embedded_postgres
from stack.processes import StackError

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window(start=NOW - HOUR, end=NOW)
PART = polls.Slice(carrier="correios", first=0, last=10**9, size=100)
KNOWN = """
    INSERT INTO rastro.poll_state (carrier, reference, quiet_since, answered_at, next_poll_at, digest, failures)
    VALUES ('correios', %s, %s, %s, %s, 'd', %s) RETURNING poll_id
"""


@pytest.fixture
def conn(warehouse: Any) -> psycopg.Connection:
    return warehouse.connection


def known(conn: psycopg.Connection, reference: str, *, waited: timedelta = HOUR, failures: int = 0) -> int:
    values = (reference, NOW - 9 * HOUR, NOW - 5 * HOUR, NOW - waited, failures)
    ((poll_id,),) = conn.execute(KNOWN, values).fetchall()
    return int(poll_id)


def claimed(conn: psycopg.Connection, poll_ids: list[int], now: datetime = NOW) -> set[int]:
    due = polls.claim_due(conn, PART, poll_ids, WINDOW, now=now, lease_until=now + HOUR / 4)
    return {one.poll_id for one in due}


def test_who_has_waited_longest_comes_first_and_each_look_in_vain_counts_as_an_hour_less(
    conn: psycopg.Connection,
) -> None:
    lately, long_ago, in_vain = (
        known(conn, "lately", waited=HOUR), known(conn, "long ago", waited=3 * HOUR),
        known(conn, "in vain", waited=4 * HOUR, failures=2),
    )  # fmt: skip
    known(conn, "not yet", waited=-HOUR)
    assert polls.due_in_turn(conn, PART, WINDOW, NOW) == [long_ago, in_vain, lately]


def test_what_others_have_taken_answered_or_hold_since_the_turns_were_given_is_left_to_them(
    conn: psycopg.Connection, warehouse: Any
) -> None:
    free, taken, answered, held = (known(conn, name) for name in ("free", "taken", "answered", "held"))
    turn = polls.due_in_turn(conn, PART, WINDOW, NOW)
    assert claimed(conn, [taken]) == {taken}
    polls.settle_unchanged(conn, [(answered, NOW + HOUR)], NOW + timedelta(seconds=1))
    conn.commit()
    with psycopg.connect(warehouse.dsn) as other:
        other.execute("SELECT FROM rastro.poll_state WHERE poll_id = %s FOR UPDATE", [held])
        assert claimed(conn, turn) == {free}
    conn.commit()
    assert claimed(conn, turn) == {held}, "which was due all the time"
    assert claimed(conn, turn, NOW + HOUR / 3) == {free, taken, held}, "once the leases have ended"


def test_what_goes_another_way_since_the_turns_were_given_is_not_asked_about_this_way(conn: psycopg.Connection) -> None:
    stays, moved = known(conn, "stays"), known(conn, "moved")
    turn = polls.due_in_turn(conn, PART, WINDOW, NOW)
    conn.execute("UPDATE rastro.poll_state SET contract = 'correios:other' WHERE poll_id = %s", [moved])
    assert polls.count_due_still(conn, PART, turn, WINDOW, NOW) == 1
    assert claimed(conn, turn) == {stays}
    assert polls.count_due_still(conn, PART, turn, WINDOW, NOW) == 0


def test_who_is_held_when_his_turn_comes_has_another_at_the_end_and_no_third() -> None:
    turns = Turns([1, 2, 3, 4, 5])
    assert turns.take(2) == [1, 2]
    turns.were_held([2])
    assert turns.take(2) == [3, 4]
    turns.were_held([4])
    assert turns.waiting == [5, 2, 4]
    assert [turns.take(2), turns.take(2)] == [[5], [2, 4]]
    turns.were_held([4])
    assert not turns
    assert turns.take(2) == []


def test_what_was_put_aside_is_found_whole_and_by_its_first_words(conn: psycopg.Connection) -> None:
    for subject in ("QQ1BR", "QQ2BR 2 of 3", "QQ33BR"):
        records.quarantine(
            conn, origin="correios", subject=subject, reason="r", detail="", raw=b"", now=NOW, run_id="run"
        )
    asked = ["QQ1BR", "QQ2BR", "QQ3BR"]
    assert records.put_aside_of(conn, "correios", asked) == {"QQ1BR", "QQ2BR"}
    assert records.put_aside_of(conn, "jadlog", asked) == set()
    assert records.resolve_quarantine(conn, "correios", asked, NOW) == 2
    assert records.put_aside_of(conn, "correios", asked) == set()


@pytest.mark.slow
def test_what_a_crash_of_the_server_takes_from_a_task_is_asked_about_again(tmp_path: Path) -> None:
    with suppress(StackError), embedded_postgres(tmp_path) as server:
        dsn = server.create("rastro")
        migrate(dsn)
        with psycopg.connect(dsn) as conn:
            ids = [known(conn, f"QQ{n}BR") for n in range(1000)]
        with psycopg.connect(dsn) as conn:
            assert conn.execute("SHOW synchronous_commit").fetchall() == [("on",)]
            polls.need_not_wait_for_disk(conn)
            conn.commit()
            assert conn.execute("SHOW synchronous_commit").fetchall() == [("off",)]
            for start in range(0, len(ids), 50):
                due = claimed(conn, ids[start : start + 50])
                conn.commit()
                changed = sorted(due)[:25]
                answers = [polls.Staged(poll_id=one, digest=b"new", snapshot=b"s", raw=b"r") for one in changed]
                polls.stage(conn, answers, NOW, "run")
                polls.settle_unchanged(conn, [(one, NOW + HOUR) for one in due - set(changed)], NOW)
                conn.commit()
                if start == 500:
                    with psycopg.connect(dsn) as another:
                        another.execute("COMMENT ON TABLE rastro.poll_state IS 'written down'")
            os.kill(server.pid, signal.SIGQUIT)  # nothing more is written down
    with embedded_postgres(tmp_path) as server, psycopg.connect(server.dsn("rastro")) as conn:
        answered = {
            one for (one,) in conn.execute("SELECT poll_id FROM rastro.poll_state WHERE answered_at = %s", [NOW])
        }
        staged = {one for (one,) in conn.execute("SELECT poll_id FROM rastro.staged_snapshot")}
        assert staged <= answered
        assert len(answered) >= 550, "what another has waited for was written down, and all before it"
        assert len(answered) == 2 * len(staged), "what one call brought is there together or not at all"
        assert claimed(conn, ids, NOW + HOUR / 3) >= set(ids) - answered
