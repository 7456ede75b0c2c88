"""The one map from an HTTP status to what to do next."""

import pytest

from rastro.errors import (
    CredentialsRefused,
    Doubtful,
    Forbidden,
    Misconfigured,
    NotFound,
    Permanent,
    RastroError,
    RateLimited,
    Rejected,
    Transient,
    Unreadable,
    error_for,
)

TABLE = {
    CredentialsRefused: (401,),
    Forbidden: (403,),
    NotFound: (404,),
    RateLimited: (429,),
    Transient: (408, 500, 501, 502, 503, 504, 520, 599),
    Rejected: (300, 301, 302, 304, 307, 308, 400, 402, 405, 409, 410, 412, 413, 415, 418, 422, 425, 451),
}


@pytest.mark.parametrize(
    ("status", "kind"), [(status, kind) for kind, statuses in TABLE.items() for status in statuses]
)
def test_a_status_is_sorted_by_what_to_do_next(status: int, kind: type[RastroError]) -> None:
    assert type(error_for(status, "GET /orders")) is kind


def test_every_status_that_is_no_success_has_an_error_that_names_request_status_and_next_step() -> None:
    for status in range(300, 600):
        error = error_for(status, "GET /orders", answer="ORD017 no such order")
        assert isinstance(error, Transient | Permanent)
        assert not isinstance(error, Doubtful)
        said, _, next_step = str(error).partition(": ")
        assert said == f"GET /orders answered {status} (ORD017 no such order)"
        assert next_step


def test_without_an_excerpt_no_empty_brackets_stand_in_the_message() -> None:
    assert str(error_for(404, "GET /orders/1")) == "GET /orders/1 answered 404: not there"


@pytest.mark.parametrize(
    ("status", "step"), [(401, "credentials"), (403, "credentials"), (302, "check the connection's host")]
)
def test_a_person_is_told_what_to_check(status: int, step: str) -> None:
    assert step in str(error_for(status, "GET /orders"))


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_when_to_come_again_is_kept_where_a_repeat_helps(status: int) -> None:
    error = error_for(status, "GET /orders", retry_after=17)
    assert isinstance(error, Transient)
    assert error.retry_after == 17
    patient = error_for(status, "GET /orders")
    assert isinstance(patient, Transient)
    assert patient.retry_after is None


def test_what_a_repeat_helps_and_what_it_does_not_are_kept_apart() -> None:
    for kind in (RateLimited, Doubtful):
        assert issubclass(kind, Transient)
        assert not issubclass(kind, Permanent)
    for kind in (Misconfigured, CredentialsRefused, Forbidden, NotFound, Rejected):
        assert issubclass(kind, Permanent)
        assert not issubclass(kind, Transient)
    assert not issubclass(Unreadable, Transient | Permanent)
    assert issubclass(Unreadable, RastroError)


def test_an_unreadable_answer_brings_what_could_not_be_read() -> None:
    error = Unreadable("not JSON", raw=b"<html>", reference="QQ100000017BR")
    assert (str(error), error.raw, error.reference) == ("not JSON", b"<html>", "QQ100000017BR")
