"""docs/security.md: every claim names a test that exists, and what it says of settings, limits and roles is so."""

import re

from papers import PAGES, functions_of, named_tests
from rastro.pages.routes import May
from rastro.settings import OPTIONS
from rastro.web.limits import Limits

PAGE = PAGES["docs/security.md"]
ROWS = re.findall(r"^\| (?!who \||what is tried|---)(.+) \|$", PAGE, re.MULTILINE)


def test_every_claim_names_a_test_that_shows_it_and_exists() -> None:
    assert len(ROWS) >= 30
    assert [row for row in ROWS if not named_tests(row)] == []
    missing = [(file, name) for file, name in named_tests(PAGE) if name not in functions_of(file)]
    assert missing == []


def test_everybody_who_comes_to_rastro_has_a_row_of_what_they_may() -> None:
    who = PAGE.partition("## With one")[0]
    assert [
        one
        for one in ("anybody", "a customer", "a carrier", "VTEX's hub", "Viewer", "operator", "Admin")
        if one not in who
    ] == []
    assert len(May) == 3, "a further right is a further row"


def test_what_is_named_is_there() -> None:
    settings = ("most_notices", "hub_key", "tracking_link_for", "tracking_origins", "keep_raw_answers", "keep_contents")
    assert [name for name in settings if name not in OPTIONS or f"`{name}`" not in PAGE] == []
    assert f"{Limits().numbers:,} at once" in PAGE
