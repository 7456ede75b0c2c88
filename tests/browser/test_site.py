"""docs/ as a site, as a browser shows it: at a desk and on a telephone, by day and by night, without a network."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from papers import built_site

pytestmark = pytest.mark.slow

PAGES = ("index", "pt-BR", "start", "connect", "dags", "architecture", "settings", "warehouse", "carriers/azul_cargo")
BROKEN = "[...document.images].filter(one => !one.complete || !one.naturalWidth).map(one => one.src)"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name that it has there
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = built_site(tmp_path_factory.mktemp("site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_have_their_pictures_and_ask_nobody_else(page: Any, site: str, scheme: str, width: int) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for name in PAGES:
        page.goto(f"{site}/{name}.html", wait_until="networkidle")
        assert page.evaluate("document.body.dataset.mdColorScheme") == {"light": "default", "dark": "slate"}[scheme]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(BROKEN) == [], name
    assert len(asked) > len(PAGES)
    assert [url for url in asked if not url.startswith((site, "data:"))] == []


def test_what_is_searched_is_found(page: Any, site: str) -> None:
    page.goto(f"{site}/index.html", wait_until="networkidle")  # the search has what it searches
    page.locator("input[name=query]").first.press_sequentially("posting card")  # and listens for keys
    # What is found changes with each word that is typed.
    for_the_first_five = (
        "names => [...document.querySelectorAll('.md-search-result__link')].slice(0, 5)"
        ".some(link => names.some(name => link.pathname.includes(name)))"
    )
    page.wait_for_function(for_the_first_five, arg=["correios", "connect"])
