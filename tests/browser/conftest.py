"""Debian's Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
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


@pytest.fixture
def page(chromium: Path) -> Iterator[Any]:
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
