"""Lists for a desk hold no formula, and keep numbers as they are."""

import csv
import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from rastro import sheets
from rastro.sheets import as_csv, as_workbook

TITLES = ("Number", "Day", "Money")
KEY = "35261112345678000190550010000001231000001239"
FORMULAS = ("=1+1", "+55 11", "-2", "@SUM(A1)", "\t=1", " =HYPERLINK(1)", "\rx")


def read(body: bytes) -> list[list[tuple[object, str]]]:
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    return [[(cell.value, cell.data_type) for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize("text", FORMULAS, ids=range(len(FORMULAS)))
def test_nothing_is_a_formula(text: str) -> None:
    _, ((kept, kind), *_) = read(as_workbook(TITLES, [(text, None, None)], "claims"))
    assert (str(kept).split(), kind) == (text.split(), "s")
    _, (told, *_) = csv.reader(io.StringIO(as_csv(TITLES, [(text, None, None)]), newline=""))
    assert told == f"'{text}"


def test_numbers_stay_text_days_are_days_and_money_is_a_number() -> None:
    rows = [(KEY, date(2026, 11, 26), Decimal("1234.50")), ("007", None, None), ("1E5", None, Decimal(0))]
    head, first, second, third = read(as_workbook(TITLES, rows, "claims"))
    assert [value for value, _ in head] == list(TITLES)
    assert first[0] == (KEY, "s")
    assert first[1][1] == "d"
    assert first[2] == (1234.5, "n")
    assert second[0] == ("007", "s")
    assert third[0] == ("1E5", "s")


def test_csv_is_read_back_as_it_was() -> None:
    text = as_csv(TITLES, [(KEY, date(2026, 11, 26), Decimal("1234.50")), ('São, "Paulo"\nSP', None, None)])
    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))) == [
        list(TITLES), [KEY, "2026-11-26", "1234.50"], ["São, \"Paulo\"\nSP", "", ""],
    ]  # fmt: skip


def test_what_no_workbook_can_hold_is_left_out_or_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(as_workbook(TITLES, [("a\x00\x1bb", None, None)], "claims"))[1][0] == ("ab", "s")
    monkeypatch.setattr(sheets, "MOST", 2)
    with pytest.raises(ValueError, match="a sheet holds 2 rows"):
        as_workbook(TITLES, [("a", None, None)] * 3, "claims")
