"""A real browser, as several test files use it; and what makes a view sound."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
#: Rules that a narrow view can break; the document is the same.
OF_WIDTH = ("target-size", "scrollable-region-focusable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium; the test is skipped where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


def sound(tab: Any, *, looks: bool = False) -> None:
    """No overflow, wide and narrow, and no violation that axe finds, in one load of the view.

    `looks` measures contrasts in the dark and in the light, and what a narrow view can break, too: two thirds of the
    time, and the views share their style.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    def fits(size: dict[str, int], scheme: str) -> None:
        tab.set_viewport_size(size)
        tab.emulate_media(color_scheme=scheme)
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (tab.url, size)

    def judged(rules: dict[str, Any]) -> None:
        found = tab.evaluate("rules => axe.run(document, {resultTypes: ['violations'], ...rules})", rules)
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in found["violations"]] == [], tab.url

    named = {"label-content-name-mismatch": {"enabled": True}}  # a name holds the words that are seen
    tab.evaluate(AXE_SCRIPT)
    fits(NARROW, "light")
    if looks:
        judged({"runOnly": [*OF_WIDTH, "color-contrast"]})
    fits(WIDE, "dark")
    judged({"rules": {"color-contrast": {"enabled": looks}, **named}})
