"""docs/failures.md names tests that exist, and misses none of those that cause a fault."""

import re

from papers import PAGES, functions_of, named_tests

PAGE = PAGES["docs/failures.md"]
ROWS = re.findall(r"^\| (?!what goes wrong|---)(.*?) \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)


def test_every_row_says_what_goes_wrong_what_follows_and_which_test_causes_it() -> None:
    assert len(ROWS) >= 18
    assert not [wrong for wrong, follows, cause in ROWS if not (wrong and follows and named_tests(cause))]


def test_every_test_that_is_named_exists() -> None:
    missing = [
        (file, name) for *_, cause in ROWS for file, name in named_tests(cause) if name not in functions_of(file)
    ]
    assert missing == []


def test_every_fault_that_is_caused_is_named() -> None:
    caused = functions_of("integration/test_faults.py")
    assert caused
    assert caused <= {name for *_, cause in ROWS for _, name in named_tests(cause)}
