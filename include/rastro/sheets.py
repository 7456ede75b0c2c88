"""
Lists for a desk: rows of text as CSV, or as a workbook of Excel. Pure.

Nothing in them is a formula, whatever a source put into a number or a carrier into its words, and a workbook keeps
numbers of parcels and invoices as the text that they are.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Any, TypeAlias

Cell: TypeAlias = str | Decimal | date | int | None
FORMULA = re.compile(r"^\s*[=+\-@]|^[\t\r\n]")  # what spreadsheets may run
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no XML holds them
MONEY = "#,##0.00"
MOST = 1_048_575  # rows that a sheet holds below its titles
IN_MEMORY = 16 * 1024 * 1024  # bytes


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """In UTF-8 with its mark, by which Excel knows it; a text that would be a formula begins with an apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(titles)
    writer.writerows([plain(cell) for cell in row] for row in rows)
    return "\ufeff" + written.getvalue()


def plain(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"'{cell}" if FORMULA.match(cell) else cell
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def as_workbook(titles: Sequence[str], rows: Iterable[Sequence[Cell]], name: str) -> bytes:
    """
    A sheet with its titles held in place: text as text, days as days, money as numbers.

    :raises ValueError: there are more rows than a sheet holds.
    """
    lines = list(rows)  # counted first: a sheet that was begun has to be ended
    if len(lines) > MOST:
        raise ValueError(f"a sheet holds {MOST:,} rows: take a smaller part, or CSV")
    from openpyxl import Workbook  # noqa: PLC0415  a second that only those wait who want one
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    def kept(cell: Cell) -> Any:
        """Texts and days are what they are to Excel, too; only what needs a form is made a cell: those take time."""
        if isinstance(cell, Decimal):
            money = WriteOnlyCell(sheet, cell)
            money.number_format = MONEY
            return money
        if isinstance(cell, str):
            cell = UNPRINTABLE.sub("", cell)
            if FORMULA.match(cell):
                text = WriteOnlyCell(sheet, cell)
                text.data_type, text.quotePrefix = "s", True
                return text
        return cell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for place, title in enumerate(titles, 1):
        sheet.column_dimensions[get_column_letter(place)].width = max(len(title) + 2, 14)
    head = [WriteOnlyCell(sheet, title) for title in titles]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    for row in lines:
        sheet.append([kept(cell) for cell in row])
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        book.save(file)
        file.seek(0)
        return file.read()
