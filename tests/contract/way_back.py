"""Two recorded parts of one carrier made into that of a parcel that was on its way back and then called delivered."""

import json
import re
from typing import Any

A_YEAR = 365 * 24 * 3600 * 1000  # milliseconds


def then(first: bytes, later: bytes, which: int) -> bytes:
    """``first`` with one line of ``later`` added in the place where it stands, a year later."""
    body = joined(json.loads(first), json.loads(a_year_later(later.decode())), which)
    return json.dumps(body, ensure_ascii=False).encode()


def a_year_later(text: str) -> str:
    text = re.sub(r"2026(?=-\d\d|[01]\d[0-3]\d)|(?<=/)2026", "2027", text)
    return re.sub(r"\b1[78]\d{11}\b", lambda at: str(int(at[0]) + A_YEAR), text)


def joined(first: Any, later: Any, which: int) -> Any:
    """The former list and an item of the other where they hold lines, else their first items joined."""
    if isinstance(first, dict) and isinstance(later, dict):
        return {**later, **{name: joined(value, later.get(name), which) for name, value in first.items()}}
    if isinstance(first, list) and isinstance(later, list) and first and later:
        if any(map(holds_lines, first)):
            return [joined(first[0], later[0], which), *first[1:]]
        return [*first, later[which % len(later)]]
    return first


def holds_lines(item: Any) -> bool:
    """Whether there is a list of objects somewhere within an object."""
    inside = item.values() if isinstance(item, dict) else ()
    return any(
        (isinstance(one, list) and any(isinstance(in_it, dict) for in_it in one)) or holds_lines(one) for one in inside
    )
