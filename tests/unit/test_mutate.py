"""What the command that mutates the core makes of mutmut's words, and the list of mutants that may survive."""

import tomllib
from inspect import getsource
from pkgutil import resolve_name

import pytest

from stack.mutate import EXPLAINED, Mutant, Verdict, explained, faults, function_of, mutant, table, verdicts

SURVIVORS = tomllib.loads(EXPLAINED.read_text("utf-8"))["survivor"]
ONE = Mutant(function="rastro.diff.compare", was="a", becomes="b")


def judged(killed: int, survived: int, module: str = "rastro.diff") -> list[Verdict]:
    return [Verdict(name=f"{module}.x_f__mutmut_{at}", noticed=at < killed) for at in range(killed + survived)]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("rastro.diff.x_compare__mutmut_12", "rastro.diff.compare"),
        ("rastro.diff.x__compare__mutmut_1", "rastro.diff._compare"),
        ("rastro.carriers.correios.xǁCorreiosǁdoubt_about__mutmut_3", "rastro.carriers.correios.Correios.doubt_about"),
    ],
)
def test_a_mutants_name_tells_the_function_it_was_made_of(name: str, function: str) -> None:
    assert function_of(name) == function


def test_verdicts_are_read_from_the_list_of_results() -> None:
    told = (
        "    rastro.diff.x_f__mutmut_1: killed\n    rastro.diff.x_f__mutmut_2: no tests\n    a.x_g__mutmut_1: timeout\n"
    )
    assert [(one.module, one.noticed) for one in verdicts(told)] == [
        ("rastro.diff", True),
        ("rastro.diff", False),
        ("a", True),
    ]


def test_a_mutant_is_told_by_its_lines_without_their_indent() -> None:
    shown = "--- rastro/a.py\n+++ rastro/a.py\n@@ -1 +1 @@\n def f():\n-    return (\n-        1)\n+    return 2\n"
    assert mutant("rastro.a.x_f__mutmut_1", shown) == Mutant(
        function="rastro.a.f", was="return ( 1)", becomes="return 2"
    )


def test_nine_of_ten_mutants_are_enough_when_the_tenth_is_explained() -> None:
    assert list(faults(judged(9, 1), [ONE], [ONE])) == []


def test_a_module_below_nine_of_ten_fails_however_good_the_others_are() -> None:
    both = [*judged(100, 0, "rastro.good"), *judged(89, 11)]
    assert list(faults(both, [ONE], [ONE])) == ["rastro.diff: fewer than 90 % of its mutants are killed"]


def test_a_survivor_without_a_reason_fails() -> None:
    (fault,) = faults(judged(99, 1), [ONE], [])
    assert fault == "no test notices this mutant of rastro.diff.compare:\n  - a\n  + b"


def test_a_reason_for_a_mutant_that_is_noticed_fails() -> None:
    (fault,) = faults(judged(100, 0), [], [ONE])
    assert fault.startswith("surviving_mutants.toml lists a mutant of rastro.diff.compare that does not survive")


def test_the_table_has_a_line_for_each_module_and_one_for_all() -> None:
    lines = list(table([*judged(3, 1), *judged(2, 0, "rastro.a")]))
    assert [line.split() for line in lines[1:]] == [
        ["rastro.a", "2", "2", "0", "100.0"],
        ["rastro.diff", "4", "3", "1", "75.0"],
        ["all", "6", "5", "1", "83.3"],
    ]


@pytest.mark.parametrize("entry", SURVIVORS, ids=lambda entry: entry["function"])
def test_every_explained_survivor_changes_a_line_that_is_there_and_has_its_reason(entry: dict[str, str]) -> None:
    source = " ".join(getsource(resolve_name(entry["function"])).split())
    assert " ".join(entry["was"].split()) in source
    assert entry["why"].endswith(".")
    assert entry["becomes"]


def test_no_survivor_is_explained_twice() -> None:
    listed = list(explained())
    assert listed
    assert len(listed) == len(set(listed))
