"""What trying things out comes to, where nothing needs to be asked."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from rastro import errors
from rastro.carriers.registry import CARRIERS
from rastro.pipeline import probe
from rastro.pipeline.probe import Check, Finding, State, all_of, clock, clock_ahead, found, judged
from rastro.references import ABSENT

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
GOOD = Finding(state=State.OK, said="It is there")


def kinds(kind: type[errors.RastroError] = errors.RastroError) -> list[type[errors.RastroError]]:
    """All errors below one, defined by the mail package too."""
    return [one for below in kind.__subclasses__() for one in (below, *kinds(below))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_becomes_one_line_that_says_what_it_means(kind: type[errors.RastroError]) -> None:
    finding = judged(kind("acme: GET /x answered 500:\n try again"))
    assert finding.is_wrong
    meaning, _, rest = finding.said.partition(": acme: ")
    assert len(meaning.split()) >= 4
    assert rest == "GET /x answered 500: try again"


def test_a_check_that_breaks_off_is_told_without_its_words() -> None:
    def look() -> Finding:
        raise KeyError("password=secret")

    finding = found(Check(name="acme", look=look))
    assert finding == Finding(state=State.WRONG, said="The check itself broke off (KeyError)")


def test_checks_run_at_once_and_are_told_in_their_order() -> None:
    both = threading.Barrier(2, timeout=30)

    def look() -> Finding:
        both.wait()  # which one of them alone never passes
        return GOOD

    told = list(all_of([Check(name=name, look=look) for name in ("first", "second")]))
    assert [(check.name, finding) for check, finding in told] == [("first", GOOD), ("second", GOOD)]


def test_one_that_hangs_holds_up_nobody_for_ever() -> None:
    done = threading.Event()

    def hang() -> Finding:
        done.wait()
        return GOOD

    checks = [Check(name="hangs", look=hang), Check(name="works", look=lambda: GOOD)]
    begun = [(check.name, finding.said) for check, finding in all_of(checks, patience=0.5)]
    done.set()
    assert begun == [("hangs", "No answer within 0.5 seconds: is the host right?"), ("works", "It is there")]


@pytest.mark.parametrize(
    ("seconds", "state", "word"),
    [
        (0, State.OK, ""),
        (119, State.OK, ""),
        (-119, State.OK, ""),
        (121, State.WRONG, "fast"),
        (-3600, State.WRONG, "slo"),
    ],
)
def test_a_clock_that_is_more_than_two_minutes_off_is_wrong(seconds: int, state: State, word: str) -> None:
    finding = clock([timedelta(seconds=seconds)])
    assert finding.state is state
    assert word in finding.said


def test_one_clock_that_is_wrong_itself_says_nothing_of_ours() -> None:
    assert clock([timedelta(days=-9), timedelta(seconds=1), timedelta(seconds=2)]).state is State.OK
    assert clock([]).state is State.LOOK


def test_a_date_is_read_as_http_writes_it() -> None:
    assert clock_ahead("Thu, 26 Nov 2026 11:59:30 GMT", NOW) == timedelta(seconds=30)
    assert clock_ahead("Thu, 26 Nov 2026 11:59:30 -0000", NOW) == timedelta(seconds=30)
    assert clock_ahead("", NOW) is None
    assert clock_ahead("yesterday", NOW) is None


@pytest.mark.parametrize("code", CARRIERS)
def test_what_a_carrier_is_tried_with_is_of_the_right_form(code: str) -> None:
    carrier = CARRIERS[code]
    assert carrier.doubt_about(carrier.absent or ABSENT[carrier.references[0]]) == ""


@pytest.mark.parametrize("domain", ["gmail.com", "outlook.com", "uol.com.br"])
def test_the_domains_of_mailboxes_are_known(domain: str) -> None:
    assert domain in probe.MAILBOXES
