"""README.pt-BR.md says what README.md says: neither can be changed without the other."""

import re

from papers import PAGES, README, commands, fenced, links

PORTUGUESE = PAGES["README.pt-BR.md"]


def without_made(text: str) -> str:
    return re.sub(r"(<!-- made: [a-z-]+?)(?:-pt-br)?( -->).*?<!-- end -->", r"\1\2", text, flags=re.DOTALL)


def shape(text: str) -> list[str]:
    """Headings by their level, tables by their columns, pictures, lists and boxes, in their order."""
    marks = re.findall(r"^(#+ |\|.*|!\[.*|- |```\w+|<!-- made: .*)", without_made(text), re.MULTILINE)
    return [
        f"table of {mark.count('|') - 1}"
        if mark.startswith("|")
        else mark[:2]
        if mark.startswith("![")
        else mark.strip()
        for mark in marks
    ]


def test_both_have_the_same_headings_tables_pictures_and_lists() -> None:
    assert len(shape(README)) > 25
    assert shape(PORTUGUESE) == shape(README)


def test_both_show_the_same_commands() -> None:
    assert commands("README.md")
    assert commands("README.pt-BR.md") == commands("README.md")


def test_both_show_the_same_sql() -> None:
    def statements(text: str) -> list[str]:
        return [re.sub(r"^--.*\n", "", block, flags=re.MULTILINE) for block in fenced(text, "sql")]

    assert statements(README)
    assert statements(PORTUGUESE) == statements(README)


def test_both_lead_to_the_same_places() -> None:
    english, portuguese = list(links(README)), list(links(PORTUGUESE))
    assert (english.pop(0), portuguese.pop(0)) == ("README.pt-BR.md", "README.md")
    assert portuguese == english


def test_both_have_the_same_names_of_settings_and_views() -> None:
    def names(text: str) -> list[str]:
        return re.findall(r"`([a-z_]+_[a-z_]+)`", without_made(text))

    assert names(README)
    assert names(PORTUGUESE) == names(README)
