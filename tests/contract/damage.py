"""What can become of an answer on its way: cut, holed, noisy, or with one of its values gone or changed."""

import json

from hypothesis import strategies as st

# Damage that takes away and cannot write: a dropped digit may turn any code into that of a delivery.
ONLY_TAKES_AWAY = {"cut", "null", "list"}


def damaged_body(draw: st.DrawFn, body: bytes) -> tuple[str, bytes]:
    """A kind of damage, and what arrives in the body's place."""
    at, until = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    kind = draw(st.sampled_from(["cut", "hole", "noise", "null", "number", "list", "doubled"]))
    if kind == "cut":
        return kind, body[:at]
    if kind == "hole":
        return kind, body[:at] + body[until:]
    if kind == "noise":
        return kind, body[:at] + draw(st.binary(max_size=8)) + body[at:]
    if kind == "doubled":
        return kind, body[:at] + body[at:until] * 2 + body[until:]
    try:
        answer = json.loads(body)
    except ValueError:
        return kind, body[at:]
    put = {"null": None, "number": draw(st.integers() | st.floats(allow_nan=False)), "list": [[]]}[kind]
    return kind, json.dumps(replaced(draw, answer, put), ensure_ascii=False).encode()


def replaced(draw: st.DrawFn, answer: object, put: object) -> object:
    """``answer`` with one of its values, somewhere, put in place of."""
    if isinstance(answer, dict) and answer:
        name = draw(st.sampled_from(sorted(answer)))
        return {**answer, name: replaced(draw, answer[name], put) if draw(st.booleans()) else put}
    if isinstance(answer, list) and answer:
        at = draw(st.integers(0, len(answer) - 1))
        return [*answer[:at], replaced(draw, answer[at], put), *answer[at + 1 :]]
    return put
