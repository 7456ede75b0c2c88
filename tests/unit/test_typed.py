"""JSON as a type, from several threads at once."""

import re
import subprocess
import sys

import msgspec
import pytest

from rastro import typed
from stack.processes import INCLUDE

# Each round makes types that nobody has seen, and has several threads meet them for the first time together.
STORM = """
import os, sys, threading
import msgspec
from rastro import typed

sys.setswitchinterval(1e-6)
for number in range(150):
    Line = msgspec.defstruct(f"Line{number}", [("at", str | None, None), ("what", int | str | None, None)])
    Parcel = msgspec.defstruct(f"Parcel{number}", [("lines", list[Line]), ("raw", msgspec.Raw, msgspec.Raw(b""))])
    body, start, read = b'{"lines":[{"at":"x","what":1}],"raw":{}}', threading.Barrier(4), []
    def meet():
        start.wait()
        read.append(typed.decode(body, Parcel).lines[0].what)
    threads = [threading.Thread(target=meet, daemon=True) for _ in range(4)]
    for one in threads: one.start()
    for one in threads: one.join(20)
    if read != [1] * 4:
        os._exit(3)
"""


def test_a_type_that_several_threads_meet_at_once_is_read_by_all_of_them() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORM],
        check=False,
        env={"PYTHONPATH": str(INCLUDE)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_no_such_type_is_said() -> None:
    with pytest.raises(msgspec.DecodeError):
        typed.decode(b'{"a": "1"}', dict[str, int])
    assert typed.decode(b'{"a": "1"}', dict[str, int], strict=False) == {"a": 1}


def test_nobody_else_decodes_types() -> None:
    sources = [path for path in (INCLUDE / "rastro").rglob("*.py") if path.name != "typed.py"]
    assert len(sources) > 50
    direct = re.compile(r"json\.decode\([^)]*type=")
    assert direct.search("msgspec.json.decode(body, type=Answer)")
    assert not [path.name for path in sources if direct.search(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb'"a\u0000b"', "ab"),
        (rb'"\u0000\u0000"', ""),
        (rb'"\\u0000"', r"\u0000"),
        (rb'"\\\u0000\u0000x"', "\\x"),
        (rb'"a\u0001"', "a\x01"),
    ],
)
def test_text_comes_without_nul_characters_which_no_database_of_ours_keeps(written: bytes, read: str) -> None:
    assert typed.decode(written, str) == read
    assert typed.decode(msgspec.Raw(written), str) == read
