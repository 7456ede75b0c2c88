"""
What ``mkdocs.yml`` cannot say about docs/ as a site.

- The papers are pages of the site, too; so each is written once.
- A link to any other file of the project, which is not on the site, stays as its words.
- In ``nav`` an entry such as ``carriers/*`` stands for every page of that folder.
- A flowchart is drawn here, where a code host draws it by a script.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from stack import pictures
from stack.state import REPOSITORY

DOCS = REPOSITORY / "docs"
# Name at the top of the project → page of the site. What is not there is left out.
PAPERS: Mapping[str, str] = {
    "README.md": "index.md",
    "README.pt-BR.md": "pt-BR.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "report-a-weakness.md",
    "CHANGELOG.md": "changelog.md",
}
PAPER_OF = {page: paper for paper, page in PAPERS.items()}
# A regular expression that mkdocs would take for the beginning of a declaration in HTML.
LOOKBEHIND = re.compile(r"`([^`\n]*<!\[[^`\n]*)`")
LINK = re.compile(r"(?P<words>!?\[(?:[^\[\]]|\[\])*\])\((?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> None:
    config.nav = list(named(config.nav or []))


def on_files(files: Files, config: MkDocsConfig) -> None:
    for paper, page in PAPERS.items():
        if (file := REPOSITORY / paper).exists():
            files.append(File.generated(config, page, content=file.read_text("utf-8")))


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    return LOOKBEHIND.sub(spelled, relinked(markdown, page.file.src_uri))


def spelled(match: re.Match[str]) -> str:
    """Code with all its signs as entities."""
    text = match[1].replace(r"\|", "|")
    return f"<code>{''.join(sign if sign.isalnum() else f'&#{ord(sign)};' for sign in text)}</code>"


def named(nav: list[Any]) -> Iterator[Any]:
    """The entries of the navigation, with ``folder/*`` written out."""
    for entry in nav:
        match entry:
            case str() if entry.endswith("/*"):
                yield from (str(page.relative_to(DOCS)) for page in sorted(DOCS.glob(f"{entry}.md")))
            case dict():
                yield {
                    title: list(named(below)) if isinstance(below, list) else below for title, below in entry.items()
                }
            case _:
                yield entry


def relinked(markdown: str, page: str) -> str:
    """The text of a page with its links as they are on the site; those to other places stay as they are."""
    written = PAPER_OF.get(page, f"docs/{page}")

    def link(match: re.Match[str]) -> str:
        target = normpath(f"{Path(written).parent.as_posix()}/{match['path']}")
        if not (REPOSITORY / target).exists():
            return match[0]
        if (place := PAPERS.get(target) or target.removeprefix("docs/")) == target:
            return re.sub(r"^([\w./-]+/[\w./-]+)$", r"`\1`", match["words"].lstrip("!")[1:-1])
        return f"{match['words']}({relpath(place, Path(page).parent.as_posix())}{match['anchor'] or ''})"

    return LINK.sub(link, markdown)


def flowchart(source: str, *_: object, **__: object) -> str:
    """A box of the kind ``mermaid``, for pymdownx.superfences."""
    return f'<div class="picture">{pictures.flowchart(source)}</div>'
