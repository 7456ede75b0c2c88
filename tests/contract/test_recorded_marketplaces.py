"""What must hold for every marketplace in the registry, proven on recorded exchanges and on what can become of them."""

import json
import pkgutil
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rastro.marketplaces
from rastro import errors
from rastro.errors import Doubtful, RastroError, Transient
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Status
from rastro.receivers import Answer, Reading, Receipt

from .damage import ONLY_TAKES_AWAY, damaged_body
from .exchanges import CASES_OF_ALL, Exchange, Scripted, all_exchanges, message_about, receiver_of, scripted
from .recordings import RECORDINGS

EXCHANGES = all_exchanges()
EACH = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda one: f"{one.code}-{one.case}")
OF_EACH_MARKETPLACE = pytest.mark.parametrize("code", MARKETPLACES)


@pytest.fixture(scope="module")
def script() -> Iterator[Scripted]:
    with scripted() as one:
        yield one


@OF_EACH_MARKETPLACE
def test_a_marketplace_has_an_exchange_of_every_case_or_a_sentence_that_says_why_not(code: str) -> None:
    files = [path.name for path in (RECORDINGS / code).iterdir()]
    assert [one for one in EXCHANGES if one.code == code]
    assert [case for case in CASES_OF_ALL if not any(name.partition(".")[0] == case for name in files)] == []
    for name in files:
        if ".none." in name:
            assert len((RECORDINGS / code / name).read_text("utf-8").split()) >= 5


@OF_EACH_MARKETPLACE
def test_a_marketplace_is_what_the_registry_calls_it(code: str) -> None:
    market = MARKETPLACES[code]
    assert market.code == code
    assert code in {module.name for module in pkgutil.iter_modules(rastro.marketplaces.__path__)}
    assert market.docs.startswith("https://")
    assert not market.base_url or market.base_url.startswith("https://")
    assert market.base_url or any(one.name == "host" and one.required for one in market.fields)
    assert market.confidence in {"A", "B", "C"}
    assert market.unsure or market.confidence == "A"
    assert market.credentials.endswith(".")
    assert all(one.label for one in market.fields)
    assert Status.DELIVERED not in market.takes


def test_every_exchange_says_what_comes_of_it() -> None:
    assert EXCHANGES
    for told in (one.told for one in EXCHANGES):
        assert told["call"] in {"read", "write"}
        assert told["answers"]
        assert len(told.keys() & {"reading", "receipt", "error"}) == 1
        assert told.keys() <= {
            *("call", "message", "connection", "answers", "reading", "receipt", "error", "says", "asked", "sent"),
        }


@EACH
def test_an_exchange_comes_to_what_it_says(exchange: Exchange, script: Scripted) -> None:
    told, found = exchange.told, exchange.comes_to(script)
    if "error" in told:
        assert type(found) is getattr(errors, told["error"]), repr(found)
        assert re.search(told.get("says", ""), str(found))
    elif "reading" in told:
        assert isinstance(found, Answer), repr(found)
        assert found.reading == told["reading"], found
        assert re.search(told.get("says", ""), found.reason)
        assert found.reason or found.reading is Reading.OWED
    else:
        assert isinstance(found, Receipt), repr(found)
        assert found.number == told["receipt"]
    if "asked" in told:
        assert [line for line, _ in script.asked] == told["asked"]
    if "sent" in told:
        body = script.asked[-1][1]
        assert (body.decode() if isinstance(told["sent"], str) else json.loads(body)) == told["sent"]


@pytest.mark.parametrize(
    "exchange", [one for one in EXCHANGES if "receipt" in one.told], ids=lambda one: f"{one.code}-{one.case}"
)
def test_a_write_whose_answer_is_lost_is_not_repeated_blindly(exchange: Exchange, script: Scripted) -> None:
    exchange.comes_to(script)
    asked = list(script.asked)
    padded = [*exchange.answers, *exchange.answers[-1:] * len(asked)][: len(asked)]
    found = exchange.comes_to(script, [*padded[:-1], (503, {}, b"<html></html>")])
    repeat_is_safe = receiver_of(exchange.code, script.url).repeat_is_safe
    assert type(found) is (Transient if repeat_is_safe else Doubtful)
    assert len(script.asked) == len(asked) or repeat_is_safe  # what is signed differs by its time


def test_nothing_personal_is_shown(script: Scripted) -> None:
    personal = [one for one in EXCHANGES if "INVENTADA" in one.path.read_text("utf-8").upper()]
    assert personal
    for one in personal:
        assert "INVENTADA" not in repr(one.comes_to(script)).upper()


@OF_EACH_MARKETPLACE
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_answer_is_read_or_refused_and_never_makes_a_delivery(
    code: str, script: Scripted, data: st.DataObject
) -> None:
    exchange = data.draw(st.sampled_from([one for one in EXCHANGES if one.code == code]))
    answers = exchange.answers
    at = data.draw(st.integers(0, len(answers) - 1))
    status, headers, body = answers[at]
    kind, arrives = data.draw(st.composite(damaged_body)(body))
    found = exchange.comes_to(script, [*answers[:at], (status, headers, arrives), *answers[at + 1 :]])
    assert isinstance(found, Answer | Receipt | RastroError)
    if kind in ONLY_TAKES_AWAY and isinstance(found, Answer) and found.reading is Reading.DONE:
        assert exchange.told["reading"] == Reading.DONE


NESTED = (b"[" * 100_000, b'{"order":' * 100_000, b'{"x":' + b"[" * 100_000, b"<a>" * 10_000)


@OF_EACH_MARKETPLACE
@pytest.mark.parametrize("body", NESTED, ids=["lists", "objects", "one field", "markup"])
def test_a_deeply_nested_answer_tells_nothing(code: str, script: Scripted, body: bytes) -> None:
    assert tells_nothing(code, script, body)


@OF_EACH_MARKETPLACE
@settings(max_examples=12, deadline=None)
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_noise_tells_nothing(code: str, script: Scripted, body: bytes) -> None:
    assert tells_nothing(code, script, body)


def tells_nothing(code: str, script: Scripted, body: bytes) -> bool:
    """Whether a read that is answered by this is refused, by a marketplace that can be read at all."""
    script.answers, script.asked = [(200, {}, body)], []
    receiver = receiver_of(code, script.url)
    try:
        found = receiver.read(message_about(code, {}))
    except RastroError:
        return True
    return found.reading is Reading.CANNOT_ASK and not MARKETPLACES[code].reads_back
