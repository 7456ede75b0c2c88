"""
Paths into decoded JSON, as descriptions of carriers write them.

``a.b`` is a name in a name, ``a.0.b`` an element by its place, ``a.*.b`` all of them, ``.`` the whole, and ``a | b``
the first of these that is there. A name that is not found as it is written is looked for in any letter case, since
services differ in it from version to version.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

Steps = tuple[str, ...]
WHOLE = "."
EACH = "*"
YES = frozenset({"true", "1", "s", "sim", "y", "yes"})
NOTHING = frozenset({"", "false", "0"})


@lru_cache(maxsize=4096)
def alternatives(path: str) -> tuple[Steps, ...]:
    return tuple(() if one.strip() == WHOLE else tuple(one.strip().split(".")) for one in path.split("|"))


def problem(path: str) -> str:
    """What is wrong with a path, for its writer; empty when nothing is."""
    if path and any(not step.strip() for steps in alternatives(path) for step in steps):
        return f"{path!r} is no path such as status.code, items.0.code, items.*.code, status | state or ."
    return ""


def every(value: Any, path: str) -> list[Any]:
    """All that a path leads to: of its first alternative that leads to more than nulls, else to anything."""
    found: list[Any] = []
    for steps in alternatives(path) if path else ():
        there = list(walk(value, steps))
        if any(one is not None for one in there):
            return there
        found = found or there
    return found


def first(value: Any, path: str) -> Any:
    """The first thing that a path leads to and that is not null; None when there is none."""
    return next((one for one in every(value, path) if one is not None), None)


def walk(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    if not steps:
        yield value
    elif steps[0] == EACH:
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from walk(one, steps[1:])
    elif isinstance(value, dict):
        name = name_in(value, steps[0])
        if name is not None:
            yield from walk(value[name], steps[1:])
    elif isinstance(value, list) and steps[0].isdecimal() and int(steps[0]) < len(value):
        yield from walk(value[int(steps[0])], steps[1:])


def name_in(value: dict[str, Any], wanted: str) -> str | None:
    if wanted in value:
        return wanted
    return next((name for name in value if name.casefold() == wanted.casefold()), None)


def leave_out(value: Any, path: str) -> None:
    """Take from ``value`` whatever a path names, in all its alternatives."""
    for steps in alternatives(path):
        for holder in list(walk(value, steps[:-1])) if steps else ():
            if not isinstance(holder, dict):
                continue
            for name in list(holder) if steps[-1] == EACH else filter(None, [name_in(holder, steps[-1])]):
                del holder[name]


def text(value: Any, paths: Sequence[str]) -> str:
    """
    What the paths lead to as one text, joined by blanks.

    :raises ValueError: one leads to an object or a list.
    """
    return " ".join(filter(None, (as_text(first(value, path)) for path in paths)))


def as_text(value: Any) -> str:
    """
    A scalar as its writer would read it out: 1 for 1.0, empty for null.

    :raises ValueError: it is none.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise ValueError("an object or a list stands where a text should")


def says_yes(value: Any) -> bool:
    """Whether a value is a flag that is up: true, 1, "sim". A text that is something else is no flag."""
    return not isinstance(value, dict | list) and as_text(value).casefold() in YES


def is_filled(value: Any) -> bool:
    """Whether there is anything in a value: neither null, false, 0, an empty text, list or object."""
    return bool(value) if isinstance(value, dict | list) else as_text(value).casefold() not in NOTHING
