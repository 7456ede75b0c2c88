"""The warehouse's views as Parquet: whole at first, then what has changed, each row once, of one moment."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.dataset as ds
import pytest

from rastro.cli import main
from rastro.pipeline.report import make_report
from rastro.warehouse.datasets import DATASETS
from rastro.warehouse.export import STATE, TYPES

pytestmark = pytest.mark.slow
FORECASTS = """
INSERT INTO rastro.forecast (shipment_id, day, median_on, miss_probability, lane_level, sample, computed_at)
SELECT shipment_id, current_date, current_date + 3, 0.25, 'city', 40, %(now)s FROM rastro.delivery_fact
ON CONFLICT (shipment_id, day) DO UPDATE SET computed_at = excluded.computed_at
"""


@pytest.fixture
def busy(shop: Any) -> Any:
    shop.cohort(8)
    for _ in range(4):
        shop.hour()
        shop.advance()
    shop.cohort(4)
    shop.hour()
    report(shop)
    return shop


def report(shop: Any) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(shop.warehouse) as conn:
        make_report(conn, None, now)
    with psycopg.connect(shop.warehouse) as conn:
        conn.execute(FORECASTS, {"now": now})


def export(shop: Any, folder: Path, *more: str) -> int:
    return main(["export", "--to", str(folder), "--dsn", shop.warehouse, *more])


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.dataset(folder / name, partitioning="hive").to_table().to_pylist()
    return rows


def files(folder: Path) -> dict[str, int]:
    return {str(one.relative_to(folder)): one.stat().st_mtime_ns for one in folder.rglob("*.parquet")}


def held(shop: Any, name: str) -> Counter[tuple[Any, ...]]:
    columns = sorted(DATA[name])
    return Counter(tuple(row) for row in shop.ask(f"SELECT {', '.join(columns)} FROM rastro.{name}"))


DATA = {
    "v_shipment": ("shipment_id", "status", "order_id", "updated_at"),
    "v_delivery": ("shipment_id", "delivered_at", "failed_attempts"),
    "v_change": ("change_id", "recorded_at", "to_status", "order_id"),
    "v_event": ("shipment_id", "occurred_at", "position", "status", "standing"),
    "delivery_fact": ("shipment_id", "status", "posted_at", "on_time", "attempts"),
    "carrier_day": ("carrier", "state_to", "city_to", "day", "posted", "pending", "computed_at"),
    "forecast": ("shipment_id", "day", "miss_probability", "lane_level"),
}


def assert_same(shop: Any, folder: Path) -> None:
    assert set(DATA) == {one.name for one in DATASETS}
    for name, columns in DATA.items():
        copied = Counter(tuple(row[column] for column in sorted(columns)) for row in read(folder, name))
        assert copied == held(shop, name), name
        assert copied, name


def test_a_copy_holds_every_row_once_and_again_after_hours_of_changes(busy: Any, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    assert export(busy, folder) == 0
    assert_same(busy, folder)
    for _ in range(3):
        busy.advance()
        busy.hour()
        report(busy)
        assert export(busy, folder) == 0
        assert_same(busy, folder)
    assert not list(folder.rglob("*.half"))


def test_a_month_in_which_nothing_has_changed_is_left_alone(busy: Any, tmp_path: Path, capsys: Any) -> None:
    busy.execute(
        "UPDATE rastro.shipment SET first_seen_at = '2026-01-15', updated_at = '2026-01-16' WHERE shipment_id = 1"
    )
    busy.execute("UPDATE rastro.shipment_state SET changed_at = '2026-01-16' WHERE shipment_id = 1")
    folder = tmp_path / "lake"
    assert export(busy, folder) == 0
    before = files(folder)
    assert "v_shipment/month=2026-01/part-0.parquet" in before
    capsys.readouterr()

    assert export(busy, folder) == 0
    after = files(folder)
    assert after["v_shipment/month=2026-01/part-0.parquet"] == before["v_shipment/month=2026-01/part-0.parquet"]
    assert "v_shipment 2026-01" not in capsys.readouterr().out

    busy.execute("UPDATE rastro.shipment SET city_to = 'Outra', updated_at = now() WHERE shipment_id = 1")
    assert export(busy, folder, "--only", "v_shipment") == 0
    assert [row["city_to"] for row in read(folder, "v_shipment") if row["shipment_id"] == 1] == ["Outra"]
    assert_same(busy, folder)

    assert export(busy, folder, "--whole") == 0
    assert all(time > after[name] for name, time in files(folder).items())


def test_a_person_who_is_erased_is_in_no_file_any_more(busy: Any, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    assert export(busy, folder) == 0
    (one, *_) = busy.ask("SELECT account, order_id, tracking_number FROM rastro.shipment ORDER BY shipment_id LIMIT 1")
    busy.execute("UPDATE rastro.shipment SET updated_at = updated_at - interval '4 hours'")
    busy.execute("UPDATE rastro.forecast SET computed_at = computed_at - interval '4 hours'")
    assert main(["person", "erase", "--order", one.order_id, "--dsn", busy.warehouse]) == 0
    assert export(busy, folder) == 0
    assert_same(busy, folder)
    for name in DATA:
        assert not [row for row in read(folder, name) if one.order_id in map(str, row.values())], name


def test_a_copy_that_breaks_off_is_made_good_by_the_next(busy: Any, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    assert export(busy, folder, "--only", "v_shipment") == 0
    state = (folder / STATE).read_text()
    busy.advance()
    busy.hour()
    in_the_way = folder / "v_event"
    in_the_way.write_text("no folder")  # the disk refuses half way
    assert export(busy, folder) == 1
    assert (folder / STATE).read_text() != state  # what was whole by then counts
    in_the_way.unlink()
    assert export(busy, folder) == 0
    assert_same(busy, folder)


def test_other_columns_than_before_write_every_month_anew(busy: Any, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "lake"
    assert export(busy, folder) == 0
    state = folder / STATE
    state.write_text(state.read_text().replace('"invoice_number",', ""))
    assert export(busy, folder) == 0
    assert "v_shipment has other columns than before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "arguments"),
    [("There is no v_nothing to export", ["--only", "v_nothing"]), ("holds something else", [])],
)
def test_a_wrong_wish_says_what_to_do(shop: Any, tmp_path: Path, capsys: Any, said: str, arguments: list[str]) -> None:
    (tmp_path / "other.txt").write_text("kept")
    assert export(shop, tmp_path if not arguments else tmp_path / "lake", *arguments) == 1
    assert said in capsys.readouterr().err
    assert (tmp_path / "other.txt").read_text() == "kept"


def test_a_state_that_cannot_be_read_says_so(shop: Any, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / STATE).write_text("{")
    assert export(shop, folder) == 1
    assert "remove the folder to begin anew" in capsys.readouterr().err


def test_times_and_numbers_have_types_of_their_own(busy: Any, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    assert export(busy, folder) == 0
    schema = ds.dataset(folder / "v_delivery", partitioning="hive").schema
    assert schema.field("delivered_at").type == TYPES["timestamptz"]
    assert schema.field("days_from_invoice").type == TYPES["numeric"]
    assert schema.field("kept_promise").type == TYPES["bool"]
    assert all(row["delivered_at"].utcoffset() == timedelta() for row in read(folder, "v_delivery"))


def test_a_reader_may_export(busy: Any, tmp_path: Path) -> None:
    assert main(["roles", "--dsn", busy.warehouse]) == 0
    reader = busy.warehouse.replace("postgresql://postgres@", "postgresql://rastro_reader@")
    folder = tmp_path / "lake"
    assert main(["export", "--to", str(folder), "--dsn", reader]) == 0
    assert_same(busy, folder)
    with psycopg.connect(reader) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT description FROM rastro.tracking_event")
