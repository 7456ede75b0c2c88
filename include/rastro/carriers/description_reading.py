"""
A carrier's description from its file, or one error that lists all that is wrong with it, each with its place there.

Types and single values are checked by walking the typed form; what two sections must agree on is checked between those
that are sound, so that one mistake hides no other.
"""

import functools
import operator
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import yaml

from rastro.carriers import description as typed
from rastro.carriers import json_paths, templates
from rastro.carriers.description import Description, several
from rastro.carriers.description_checks import ACCOUNT, TOKEN, Checked, Names, nearest
from rastro.errors import Misconfigured
from rastro.models import ReferenceKind

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without libyaml: the same, slower
    from yaml import SafeLoader  # type: ignore[assignment]

KINDS: Mapping[str, type[msgspec.Struct]] = {one.__struct_config__.tag: one for one in get_args(typed.Auth)}
IN_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "settings by name",
}


class Loader(SafeLoader):
    """The safe loader, which besides refuses a name that stands twice, since the first would be lost silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- its shape
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a name must be one word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def description_from(path: Path) -> Description:
    """
    :raises Misconfigured: the file is no sound description; the message lists all that is wrong.
    :raises OSError: there is no such file.
    """
    try:
        # A subclass of the safe loader.
        content = yaml.load(path.read_bytes(), Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Misconfigured(f"{path.name}: {place}{error.problem or 'this is no YAML'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Misconfigured(f"{path.name}: this is no YAML ({str(error).splitlines()[0]})") from None
    problems = [*code_problems(path.stem), *problems_of(content)]
    if problems:
        raise Misconfigured(f"{path.name}: {'; '.join(problems)}")
    return msgspec.convert(content, Description)


def code_problems(code: str) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", code):
        yield f"the file's name is the carrier's code; {code!r} is none of small letters, digits and underscores"


def problems_of(content: object) -> list[str]:
    """All that is wrong with a description, each as ``place: sentence``."""
    if not isinstance(content, dict):
        return ["it holds no settings by name; described/generic.yaml is an example"]
    reading = Reading(names=names_in(content))
    reading.check(Description, content, "")
    sound: dict[str, Any] = {}
    for one in msgspec.structs.fields(Description):
        if one.name in content and one.name not in reading.unsound:
            sound[one.name] = msgspec.convert(content[one.name], one.type)
        elif one.name not in content and not one.required:
            made_anew = one.default is msgspec.NODEFAULT
            sound[one.name] = one.default_factory() if made_anew else one.default
    return [*reading.problems, *Disagreements(sound).all()]


def names_in(content: Mapping[Any, Any]) -> Names:
    """The placeholders that a file makes known, as far as its sections can be read at all."""
    fields = content.get("connection")
    named = {str(one.get("name")) for one in fields if isinstance(one, dict)} if isinstance(fields, list) else set()
    asked_by = content.get("asked_by", [ReferenceKind.TRACKING_NUMBER])
    kinds = [kind for kind in ReferenceKind if kind in asked_by] if isinstance(asked_by, list) else []
    auth = content.get("auth")
    return Names(
        connection=ACCOUNT | named,
        asked=frozenset(name for kind in kinds for name in templates.FILLS[kind]),
        has_token=isinstance(auth, dict) and auth.get("kind") in ["oauth2", "body"],
    )


@dataclass(slots=True, kw_only=True)
class Reading:
    """Walks what a file holds beside the types that it should have. ``unsound`` are top sections with a problem."""

    names: Names
    problems: list[str] = field(default_factory=list)
    unsound: set[str] = field(default_factory=set)

    def say(self, place: str, sentence: str) -> None:
        self.problems.append(f"{place}: {sentence}")
        self.unsound.add(re.split(r"[.\[]", place)[0])

    def check(self, kind: Any, value: object, place: str) -> None:
        origin = get_origin(kind)
        if origin is Annotated:
            self._annotated(kind, value, place)
        elif origin in {Union, types.UnionType}:
            self._one_of(get_args(kind), value, place)
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            self._section(kind, value, place)
        elif origin is list and isinstance(value, list):
            for at, one in enumerate(value):
                self.check(get_args(kind)[0], one, f"{place}[{at}]")
        elif origin is dict and isinstance(value, dict):
            for name, one in value.items():
                if isinstance(name, str):
                    self.check(get_args(kind)[1], one, f"{place}.{name}")
                else:
                    self.say(place, f"the name {name!r} must stand in quotes, or YAML takes it for something else")
        else:
            self._plain(kind, value, place)

    def _annotated(self, kind: Any, value: object, place: str) -> None:
        before = len(self.problems)
        self.check(kind.__origin__, value, place)
        for checked in (one for one in kind.__metadata__ if isinstance(one, Checked)):
            if checked.inside:
                self._inside(checked, value, place)
            elif len(self.problems) == before and value != "" and (said := checked.by(value, self.names)):
                self.say(place, said)

    def _inside(self, checked: Checked, value: object, place: str) -> None:
        if isinstance(value, str):
            if said := checked.by(value, self.names):
                self.say(place, said)
        elif isinstance(value, dict):
            for name, one in value.items():
                self._inside(checked, one, f"{place}.{name}")
        elif isinstance(value, list):
            for at, one in enumerate(value):
                self._inside(checked, one, f"{place}[{at}]")

    def _one_of(self, kinds: tuple[Any, ...], value: object, place: str) -> None:
        if kinds == get_args(typed.Auth):
            self._auth(value, place)
        elif isinstance(value, list) and (lists := [one for one in kinds if get_origin(one) is list]):
            self.check(lists[0], value, place)
        elif value is None and type(None) in kinds:
            return
        elif len(sections := [one for one in kinds if one is not type(None) and get_origin(one) is not list]) == 1:
            self.check(sections[0], value, place)
        else:
            self._plain(functools.reduce(operator.or_, kinds), value, place)

    def _auth(self, value: object, place: str) -> None:
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            said = f"there is no kind {kind!r}{nearest(str(kind), KINDS)}" if kind else f"one of {', '.join(KINDS)}"
            self.say(f"{place}.kind", said)
        else:
            self._section(KINDS[kind], value, place)

    def _section(self, kind: type[msgspec.Struct], value: object, place: str) -> None:
        if not isinstance(value, dict):
            self.say(place, "settings by name belong here")
            return
        fields = {one.name: one for one in msgspec.structs.fields(kind)}
        tag = kind.__struct_config__.tag_field
        for name in value:
            if name not in fields and name != tag:
                self.say(joined(place, name), f"there is no such setting{nearest(str(name), fields)}")
        for name, one in fields.items():
            if one.required and value.get(name) in (None, "", []):
                self.say(joined(place, name), "it is missing")
            elif name in value:
                self.check(one.type, value[name], joined(place, name))

    def _plain(self, kind: Any, value: object, place: str) -> None:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self.say(place, in_words(str(error), kind, value))


def joined(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)


def in_words(error: str, kind: Any, value: object) -> str:
    """What is wrong with a value that is not of its type, for somebody who knows no Python."""
    if get_args(kind) and not isinstance(value, dict | list) and "Invalid enum" in error:
        return f"{value!r} is none of {', '.join(map(str, get_args(kind)))}{close_to(value, get_args(kind))}"
    if isinstance(kind, type) and issubclass(kind, ReferenceKind):
        return f"{value!r} is none of {', '.join(ReferenceKind)}{close_to(value, ReferenceKind)}"
    wanted = re.findall(r"\w+", error.partition("Expected ")[2].partition(", got")[0])
    hint = "; put it in quotes" if wanted == ["str"] and not isinstance(value, dict | list) else ""
    words = " or ".join(IN_WORDS.get(word, word) for word in wanted if word != "null")
    belongs = "belong" if words == IN_WORDS["object"] else "belongs"
    return f"{words or 'something else'} {belongs} here, not {shown(value)}{hint}"


def close_to(value: object, known: Any) -> str:
    said = nearest(str(value), map(str, known))
    return said if "did you mean" in said else ""


def shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "settings by name" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else repr(value) if isinstance(value, str) else str(value).lower()


@dataclass(frozen=True, slots=True)
class Disagreements:
    """What is wrong between sections that are sound by themselves; a section that is not sound is not looked at."""

    sound: Mapping[str, Any]

    def all(self) -> Iterator[str]:
        yield from self._asked()
        yield from self._batch()
        yield from self._token()
        yield from self._meaning()
        yield from self._rules()
        yield from self._rest()

    def _asked(self) -> Iterator[str]:
        kinds, question, batch = (self.sound.get(name, False) for name in ("asked_by", "request", "batch"))
        if kinds == []:
            yield "asked_by: it names nothing to ask by"
        if not kinds or not question or batch is False:
            return
        said = set(templates.named_in(msgspec.to_builtins(question)))
        said |= set(templates.named_in(batch.item)) if batch else set()
        for at, kind in enumerate(kinds):
            lacking = [name for name in templates.named_in(question.path) if name in lacks(kind)]
            if lacking:
                yield f"request.path: {{{lacking[0]}}} is not known where asked_by[{at}] is {kind}"
            elif not said & set(templates.FILLS[kind]):
                yield f"asked_by[{at}]: no placeholder of the request tells the {kind}"

    def _batch(self) -> Iterator[str]:
        question, batch, reply = (self.sound.get(name, False) for name in ("request", "batch", "reply"))
        if question and question.json is not None and question.form is not None:
            yield "request.form: a body is either json or form"
        if batch and question:
            yield from self._list(question, batch)
        if reply and batch and batch.max > 1:
            if not reply.items:
                yield "reply.items: it is missing; with batch the answer holds several parcels"
            if not several(reply.key):
                yield "reply.key: it is missing; with batch each item must say what it is about"
        if reply and "@name" in several(reply.key) and not reply.items:
            yield "reply.key: @name is the name of an item, so reply.items must lead to the object of all"

    @staticmethod
    def _list(question: typed.Question, batch: typed.Batch) -> Iterator[str]:
        outside = set(templates.named_in(msgspec.to_builtins(question))) & templates.OF_PARCELS
        if outside:
            yield f"request: {{{min(outside)}}} is of one parcel; with batch it belongs into batch.item"
        if batch.place == "query" or question.form is not None:
            if not isinstance(batch.item, str):
                yield "batch.item: in a form or the query it is a text"
        elif question.json is not None and not has_place_for(batch.list, question.json):
            yield f"batch.list: request.json has no place for a list at {batch.list!r}"

    def _token(self) -> Iterator[str]:
        question, batch, auth = (self.sound.get(name, False) for name in ("request", "batch", "auth"))
        in_body = isinstance(auth, typed.TokenInBody) or (isinstance(auth, typed.OAuth2) and auth.place == "body")
        if question and batch is not False and in_body:
            said = [
                *templates.named_in(msgspec.to_builtins(question)),
                *templates.named_in(batch.item if batch else ""),
            ]
            if TOKEN not in said:
                yield "request: the token goes nowhere; write {token} where it belongs"

    def _meaning(self) -> Iterator[str]:
        events, outcome = self.sound.get("events"), self.sound.get("outcome")
        if events and not several(events.code) and not several(events.text):
            yield "events: neither code nor text is given, so no line means anything"
        if outcome and not any(
            (outcome.codes, outcome.words, outcome.delivered, outcome.returned, outcome.delivered_at)
        ):
            yield "outcome: nothing tells what any line means; give codes or words"
        if events and outcome:
            if outcome.codes and not several(events.code):
                yield "outcome.codes: events.code is missing, so there is nothing to look up"
            if outcome.words and not several(events.text) and not outcome.texts:
                yield "outcome.words: events.text is missing, so there is nothing to search"

    def _rules(self) -> Iterator[str]:
        not_found, errors = self.sound.get("not_found"), self.sound.get("errors", [])
        named = [("not_found", not_found)] if not_found else []
        for place, rule in [*named, *((f"errors[{at}]", one) for at, one in enumerate(errors))]:
            if rule.pattern and not several(rule.message):
                yield f"{place}.message: it is missing, so there is nothing to search for the pattern"
            if isinstance(rule, typed.ErrorRule) and not rule.path and not rule.pattern:
                yield f"{place}: give a path, or a message and a pattern, or it holds for every answer"
            if rule.equals != [] and not rule.path:
                yield f"{place}.path: it is missing, so nothing can equal"

    def _rest(self) -> Iterator[str]:
        claims: typed.ClaimedBy | None = self.sound.get("claims")
        if claims and not any((claims.names, claims.hosts, claims.strong, claims.weak)):
            yield "claims: nothing tells that a parcel is this carrier's; give names, as shops write the courier"
        names = [one.name for one in self.sound.get("connection", [])]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"connection: {name} stands twice"


def has_place_for(path: str, body: Any) -> bool:
    """Whether a list can be put there: all that stands on the way to it is an object."""
    for name in path.split("."):
        if not isinstance(body, dict):
            return False
        body = body.get(name, {})
    return path != json_paths.WHOLE


def lacks(kind: ReferenceKind) -> frozenset[str]:
    return templates.OF_PARCELS - set(templates.FILLS[kind])
