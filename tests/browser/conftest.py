"""Debian's Chromium, driven by Playwright."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 90_000


@pytest.fixture(scope="session")
def chromium() -> Path:
    if not CHROMIUM.exists():
        reason = f"there is no {CHROMIUM} (Debian: apt-get install chromium)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER is set and {reason}")
        pytest.skip(reason)
    return CHROMIUM


@contextmanager
def opened_page(chromium: Path) -> Iterator[Any]:
    """A page 1400 pixels wide; whatever its scripts throw fails the test."""
    from playwright.sync_api import sync_playwright

    thrown: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1400, "height": 900})
        opened.set_default_timeout(PATIENCE_MS)
        opened.on("pageerror", lambda error: thrown.append(str(error)))
        yield opened
        browser.close()
    assert not thrown


@pytest.fixture
def page(chromium: Path) -> Iterator[Any]:
    with opened_page(chromium) as opened:
        yield opened


@pytest.fixture(scope="session")
def at_the_desk(chromium: Path, stack: Any) -> Callable[[], AbstractContextManager[Any]]:
    """Opens a page on which an operator has logged in to Airflow and is about to go to Deliveries."""

    @contextmanager
    def logged_in() -> Iterator[Any]:
        with opened_page(chromium) as opened:
            opened.goto(f"{stack.url}/plugin/deliveries")
            opened.locator("input[name=username]").fill(stack.user)
            opened.locator("input[name=password]").fill(stack.password)
            opened.get_by_role("button", name="Sign in").click()
            opened.get_by_role("link", name="Deliveries").first.wait_for()
            yield opened

    return logged_in
