"""docs/ as a site: it builds without a warning, every page has its place, and it needs nobody's servers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mkdocs.config import load_config

from papers import PAGES, built_site
from stack import pictures
from stack.site import PAPERS, named, relinked
from stack.state import REPOSITORY

# What a page loads by itself; a link that a person follows is none of it.
LOADED = re.compile(r"<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=[\"']?([^\"'\s>]+)|<link\b([^>]*)>")
LOADED_BY_STYLE = re.compile(r"url\(\s*[\"']?((?:https?:)?//[^)]*)|@import\s+[\"'](?:https?:)?//([^\"']*)")
ELSEWHERE = re.compile(r"(?:https?:)?//")
RAW = re.compile(r"```|\| ---|<p>\||\n- |\n\d+\. |\*\*\w|\]\(")

pytestmark = [pytest.mark.xdist_group("site"), pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_site(tmp_path_factory.mktemp("site"))


def placed(nav: list[Any]) -> Iterator[str]:
    for entry in nav:
        if isinstance(entry, dict):
            for below in entry.values():
                yield from placed(below) if isinstance(below, list) else (below,)
        else:
            yield entry


def test_every_page_has_its_place_in_the_navigation() -> None:
    pages = {PAPERS.get(page, page.removeprefix("docs/")) for page in PAGES}
    there = list(placed(list(named(load_config(str(REPOSITORY / "mkdocs.yml"))["nav"]))))
    assert len(pages) > 50
    assert [f"add a line with {page} to nav in mkdocs.yml" for page in sorted(pages - set(there))] == []
    assert [f"take {page} out of nav in mkdocs.yml" for page in there if page not in pages] == []
    assert len(there) == len(set(there))


def test_it_builds_without_a_warning(site: Path) -> None:
    built = {str(page.relative_to(site).with_suffix(".md")) for page in site.rglob("*.html")} - {"404.md"}
    assert built == {PAPERS.get(page, page.removeprefix("docs/")) for page in PAGES}


def test_it_loads_nothing_from_elsewhere(site: Path) -> None:
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))
    assert pages
    assert styles
    loaded = [(page.name, found[1] or found[2]) for page in pages for found in LOADED.finditer(page.read_text("utf-8"))]
    assert len(loaded) > len(pages)
    assert [one for one in loaded if ELSEWHERE.search(one[1])] == []
    assert [style.name for style in styles if LOADED_BY_STYLE.search(style.read_text("utf-8"))] == []


def test_nothing_is_left_to_the_themes_script_that_it_would_load_from_elsewhere(site: Path) -> None:
    """It draws what is marked so, by a library that it gets from a public server."""
    assert [page.name for page in site.rglob("*.html") if re.search(r'class="[^"]*\bmermaid\b', page.read_text())] == []
    assert '<div class="picture"><svg' in (site / "dags.html").read_text()


def test_no_page_shows_how_it_was_written(site: Path) -> None:
    """Lists and boxes stand in a way that the site's builder understands, as code hosts do."""
    found = {}
    for page in site.rglob("*.html"):
        text = re.sub(r"<(pre|code|script|style|svg)\b.*?</\1>", "", page.read_text("utf-8"), flags=re.DOTALL)
        if marks := RAW.findall(text[text.index("<article") : text.index("</article>")]):
            found[page.name] = marks
    assert found == {}


def test_links_lead_to_the_pages_of_the_site_and_to_no_file_beside_it() -> None:
    text = "[a](docs/start.md#x) [b](CHANGELOG.md) [`c`](Makefile) ![d](docs/images/mail.png) [e](https://loja.example)"
    assert relinked(text, "index.md") == (
        "[a](start.md#x) [b](changelog.md) `c` ![d](images/mail.png) [e](https://loja.example)"
    )
    assert relinked("[include/rastro](../../include/rastro)", "carriers/dhl.md") == "`include/rastro`"
    assert relinked("[a](../../include/rastro/http.py) [b](../start.md)", "carriers/dhl.md") == "a [b](../start.md)"


def test_a_flowchart_stands_column_by_column_and_a_circle_is_none() -> None:
    assert pictures.columns([("a", "b"), ("b", "c"), ("a", "c")]) == {"a": 0, "b": 1, "c": 2}
    for edges in ([], [("a", "b"), ("b", "a")]):
        with pytest.raises(ValueError, match="circle"):
            pictures.columns(edges)
    drawn = pictures.flowchart('flowchart LR\n    a --> b["b <c>"]\n')
    assert drawn.count("<rect") == 3
    assert "b &lt;c&gt;" in drawn
