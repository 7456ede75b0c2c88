"""A carrier's description: what is wrong with one is all told at once, each thing with its place."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from rastro.carriers import description as typed
from rastro.carriers.described import SHIPPED, described, described_in
from rastro.carriers.description_reading import description_from, problems_of
from rastro.carriers.generic import TEMPLATE
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured

SOUND = """
name: Mine
docs: https://carrier.example/docs
base_url: https://carrier.example
claims: {names: ['\\bmine\\b']}
auth: {kind: none}
request: {path: "/v1/{tracking_number}"}
events:
  list: events
  time: {path: at}
  code: code
  text: text
outcome:
  codes: {"1": delivered}
"""


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """A sound description with values put at these places; None takes away what is there."""
    content = yaml.safe_load(SOUND)
    for place, value in changes:
        *way, last = place.split(".")
        holder = content
        for name in way:
            holder = holder.setdefault(name, {})
        if value is None:
            del holder[last]
        else:
            holder[last] = value
    return content


def test_the_example_is_sound_and_so_is_the_least_that_can_be_said() -> None:
    assert problems_of(changed()) == []
    assert description_from(TEMPLATE).name


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("evnts", {}, "evnts: there is no such setting; did you mean events?"),
        ("events.tiem", {}, "events.tiem: there is no such setting; did you mean time?"),
        ("reply", {"itmes": "x"}, "reply.itmes: there is no such setting; did you mean items?"),
        ("name", None, "name: it is missing"),
        ("events.time.path", None, "events.time.path: it is missing"),
        ("events.time.path", "", "events.time.path: it is missing"),
        ("events.time.formats", ["%d/%m/%Y", "%d/%m"], "events.time.formats[1]: '%d/%m' names no day, month and year"),
        ("events.time.formats", ["%d/%m/%Y %Q"], "events.time.formats[0]: '%d/%m/%Y %Q' is no time format"),
        (
            "events.time.zone",
            "America/Sao_Paolo",
            "events.time.zone: there is no time zone 'America/Sao_Paolo'; did you mean America/Sao_Paulo?",
        ),
        ("events.code", "a..b", "events.code: 'a..b' is no path"),
        ("events.text", ["a", "b."], "events.text[1]: 'b.' is no path"),
        ("outcome.codes", {"1": "entregue"}, "outcome.codes.1: there is no status 'entregue'"),
        ("outcome.codes", {"1": "delivred"}, "there is no status 'delivred'; did you mean delivered?"),
        ("outcome.codes", {1: "delivered"}, "outcome.codes: the name 1 must stand in quotes"),
        (
            "outcome.words",
            [{"pattern": "(", "status": "lost"}],
            "outcome.words[0].pattern: '(' is no regular expression",
        ),
        ("outcome.words", [{"pattern": "não", "status": "lost"}], "outcome.words[0].pattern: 'não' can never be found"),
        ("outcome.words", [{"pattern": "Nao", "status": "lost"}], "small letters without accents"),
        ("outcome.words", [{"status": "lost"}], "outcome.words[0].pattern: it is missing"),
        ("claims.names", ["["], "claims.names[0]: '[' is no regular expression"),
        ("claims", {"hots": []}, "claims.hots: there is no such setting; did you mean hosts?"),
        ("claims", {}, "claims: nothing tells that a parcel is this carrier's"),
        ("request.path", "/v1/{trackin_number}", "there is no {trackin_number}; did you mean tracking_number?"),
        ("request.path", "v1/{tracking_number}", "is no path such as /v1/parcels/{tracking_number}"),
        ("request.query", {"k": "{invoice_key}"}, "request.query.k: {invoice_key} is only known where asked_by has"),
        ("request.headers", {"X": "{subscription}"}, "an extra of the connection must stand under connection"),
        ("request.json", {"a": [{"b": "{nothing}"}]}, "request.json.a[0].b: there is no {nothing}"),
        ("request.query", {"k": 5}, "request.query.k: text belongs here, not 5; put it in quotes"),
        ("request.method", "PATCH", "request.method: 'PATCH' is none of GET, POST, PUT"),
        ("page", "https://carrier.example/{number}", "page: there is no {number}"),
        ("base_url", "carrier.example", "base_url: 'carrier.example' is no address"),
        ("auth", {"kind": "oauth"}, "auth.kind: there is no kind 'oauth'; did you mean oauth2?"),
        ("auth", {}, "auth.kind: one of none, basic, bearer, header, body, oauth2"),
        ("auth", {"kind": "header"}, "auth.name: it is missing"),
        ("auth", {"kind": "oauth2", "path": "/t", "lifetime": "an hour"}, "auth.lifetime: 'an hour' is not a span"),
        ("auth", {"kind": "oauth2", "path": "/t", "value": "{tokn}"}, "auth.value: there is no {tokn}"),
        ("auth", {"kind": "body"}, "request: the token goes nowhere; write {token} where it belongs"),
        ("asked_by", ["tracking_number", "order"], "asked_by[1]: 'order' is none of"),
        ("asked_by", "tracking_number", "asked_by: a list belongs here, not 'tracking_number'"),
        ("asked_by", [], "asked_by: it names nothing to ask by"),
        ("asked_by", ["tracking_number", "order_id"], "request.path: {tracking_number} is not known where asked_by[1]"),
        ("pace", {"connections": 0}, "pace.connections: 0 is not above 0"),
        ("pace", {"requests_per_second": "fast"}, "pace.requests_per_second: a number belongs here, not 'fast'"),
        ("connection", [{"name": "token", "label": "T"}], "connection[0].name: 'token' means something else already"),
        ("connection", [{"name": "a b", "label": "T"}], "connection[0].name: 'a b' is no name"),
        ("connection", [{"name": "a", "label": "T"}] * 2, "connection: a stands twice"),
        ("not_found", {"http": [401]}, "not_found.http[0]: 401 is never about one parcel"),
        ("not_found", {"pattern": "x"}, "not_found.message: it is missing"),
        ("not_found", {"equals": 4}, "not_found.path: it is missing"),
        ("errors", [{"means": "unreadable"}], "errors[0]: give a path, or a message and a pattern"),
        ("errors", [{"path": "e", "means": "broken"}], "errors[0].means: 'broken' is none of credentials"),
        ("outcome", {"words": []}, "outcome: nothing tells what any line means"),
        ("estimate", {"path": "x", "zone": "Mars"}, "estimate.zone: there is no time zone 'Mars'"),
        ("proof", [], "proof: settings by name belong here"),
    ],
)
def test_a_mistake_is_told_with_its_place(place: str, value: object, said: str) -> None:
    problems = problems_of(changed((place, value)))
    assert any(said in problem for problem in problems), problems


NUMBER = "{tracking_number}"
BATCH = {"max": 10, "list": "codes", "item": NUMBER}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("events.code", None), ("events.text", None)], "events: neither code nor text is given"),
        ([("events.code", None)], "outcome.codes: events.code is missing"),
        (
            [("events.text", None), ("outcome.words", [{"pattern": "x", "status": "lost"}])],
            "outcome.words: events.text is missing",
        ),
        ([("batch", BATCH)], "request: {tracking_number} is of one parcel; with batch it belongs into batch.item"),
        ([("batch", BATCH), ("request.path", "/v1")], "reply.items: it is missing"),
        ([("batch", BATCH), ("request.path", "/v1"), ("reply.items", "items")], "reply.key: it is missing"),
        ([("reply.key", "@name")], "reply.key: @name is the name of an item"),
        ([("batch", BATCH | {"item": {"a": 1}, "place": "query"})], "batch.item: in a form or the query it is a text"),
        ([("batch", BATCH | {"list": "."}), ("request.json", {"a": 1})], "batch.list: request.json has no place"),
        ([("batch", BATCH | {"list": "a.b"}), ("request.json", {"a": 1})], "request.json has no place for a list"),
        ([("request.json", {"a": 1}), ("request.form", {"a": "b"})], "request.form: a body is either json or form"),
        (
            [("asked_by", ["tracking_number", "order_id"]), ("request", {"path": "/v1", "form": {"n": NUMBER}})],
            "asked_by[1]: no placeholder of the request tells the order_id",
        ),
    ],
)
def test_sections_that_do_not_agree_are_told(changes: list[tuple[str, Any]], said: str) -> None:
    problems = problems_of(changed(*changes))
    assert any(said in problem for problem in problems), problems


def test_one_error_lists_everything_that_is_wrong(tmp_path: Path) -> None:
    wrong = SOUND.replace("claims:", "clams:").replace("delivered", "entregue").replace("path: at", "pfad: at")
    file = tmp_path / "mine.yaml"
    file.write_text(wrong + "confidence: D\n", "utf-8")
    with pytest.raises(Misconfigured) as refused:
        description_from(file)
    said = str(refused.value)
    assert said.startswith("mine.yaml: ")
    for place in ("clams", "claims", "events.time.pfad", "events.time.path", "outcome.codes.1", "confidence"):
        assert f"{place}: " in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [1\nbase: 2", "line 2, column"),
        (b"name: a\nname: b", "line 2, column 1: 'name' stands twice"),
        (b"outcome: {codes: {'1': lost, '1': delivered}}", "'1' stands twice"),
        (b"? [a, b]\n: 2", "a name must be one word"),
        (b"", "it holds no settings by name"),
        (b"- a", "it holds no settings by name"),
        (b"\xff\xfe\x00", "this is no YAML"),
        (b"a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"^mine\.yaml") as refused:
        description_from(file)
    assert said in str(refused.value)


@pytest.mark.parametrize("value", [None, 5, "text", [], [1], {}, {"kind": [1]}, {1: 2}, True, [[]], {"a": {"b": []}}])
@pytest.mark.parametrize("section", [one.name for one in msgspec.structs.fields(typed.Description)])
def test_nonsense_in_any_section_is_a_problem_or_fine_and_never_an_error_of_ours(section: str, value: object) -> None:
    content = changed() | {section: value}
    if not problems_of(content):
        assert msgspec.convert(content, typed.Description)


def all_settings() -> set[str]:
    """The names of the settings of all sections."""
    names: set[str] = set()
    for one in vars(typed).values():
        if isinstance(one, type) and issubclass(one, typed.Section) and one is not typed.Section:
            names |= {field.name for field in msgspec.structs.fields(one)}
    return names


def test_the_example_shows_every_setting_that_there_is() -> None:
    text = TEMPLATE.read_text("utf-8")
    settings = all_settings()
    assert len(settings) > 60
    assert sorted(name for name in settings if f"{name}:" not in text) == []


def test_a_shops_own_descriptions_stand_beside_those_shipped(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SOUND, "utf-8")
    (tmp_path / "yours.yml").write_text(SOUND, "utf-8")
    (tmp_path / "notes.txt").write_text("no description", "utf-8")
    found = described(tmp_path)
    assert set(found) == {*SHIPPED, "mine", "yours"}
    assert found["mine"].code == "mine"
    assert described_in(str(tmp_path / "mine.yaml")).name == "Mine"


def test_all_files_that_are_wrong_are_told_at_once(tmp_path: Path) -> None:
    for name in ("correios.yaml", "patrus.yaml", "mine.yaml", "mine.yml", "Bad Name.yaml"):
        (tmp_path / name).write_text(SOUND, "utf-8")
    (tmp_path / "broken.yaml").write_text("name: [", "utf-8")
    with pytest.raises(Misconfigured) as refused:
        described(tmp_path)
    said = str(refused.value)
    assert "correios.yaml: Rastro has a carrier correios already" in said
    assert "patrus.yaml: Rastro ships a description patrus already" in said
    assert "mine.yml: another file here describes mine already" in said
    assert "Bad Name.yaml: the file's name is the carrier's code" in said
    assert "broken.yaml: line" in said


def test_a_folder_or_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no folder"):
        described(tmp_path / "nowhere")
    with pytest.raises(Misconfigured, match="no shipped description of that name; shipped are easypost"):
        described_in("pombo")


def test_no_description_has_the_code_of_an_adapter() -> None:
    assert not set(SHIPPED) & set(CARRIERS)
