"""What a run did, in words."""

from rastro.orchestration.stages import in_a_line
from rastro.pipeline.check import LONGEST_NOTE, Report

FIGURES = {
    "track": {"slices": 2, "calls": 5, "asked": 1240, "changed": 52, "unanswered": 0},
    "track correios 1-900": {"asked": 900, "changed": 50},
    "load_changes": {"events": 310, "owed": {"order": 40}},
    "update_orders vtex:a": {"sent": 30, "dead": 1},
    "update_orders vtex:b": {"sent": 10},
    "email_customers": {"sent": 12},
}


def test_a_run_is_summed_up_in_a_line() -> None:
    assert Report(figures=FIGURES).in_words() == (
        "1,240 parcels asked about, 52 with news, 310 new events, 40 orders written, 12 customers mailed."
    )


def test_a_run_that_had_nothing_to_do_says_so() -> None:
    assert Report().in_words() == "0 parcels asked about, 0 new events."


def test_a_run_that_reprocessed_says_what_it_read_and_not_that_it_asked_nobody() -> None:
    read = {"read": 1240, "changed": 0, "refused": 3, "unreadable": 2}
    assert Report(figures={"track": {"asked": 0}, "reprocess": read}).in_words() == (
        "1,240 kept answers read again, 0 with another meaning, 2 unreadable, 0 new events."
    )


def test_what_went_wrong_stands_in_a_line_of_its_own_and_a_note_is_no_book() -> None:
    said = Report(figures=FIGURES, troubles=["correios: HTTP 503", "x" * 5000]).in_words()
    assert said.splitlines()[1].startswith("Wrong: correios: HTTP 503; xxx")
    assert len(said) == LONGEST_NOTE


def test_a_note_names_no_order_and_no_parcel() -> None:
    problems = ["vtex:loja: order 1400120000001-01: GET answered 403", "correios 1-900: QQ100000017BR is odd"]
    said = Report(findings=problems).in_words()
    assert "Wrong: vtex:loja: order …: GET answered 403; correios 1-900: … is odd" in said


def test_figures_are_written_so_that_a_person_reads_them() -> None:
    line = in_a_line({"asked": 240, "owed": {"order": 12, "email": 3}, "seconds": 0.5, "late": {}})
    assert line == "asked 240, owed order 12 email 3, seconds 0.5, late 0"
    assert in_a_line({}) == "nothing"
