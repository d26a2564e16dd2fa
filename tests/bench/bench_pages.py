"""Weight and time of the pages in a real browser with a cold cache: bytes of everything loaded, first paint, load.

    python tests/bench/bench_pages.py --catalogue var/catalogue
    python tests/bench/bench_pages.py --catalogue var/real --biggest

Each view has a browser context of its own, so that nothing is cached.  `--biggest` adds the results of the indexed
notice of most lots and of the one of most text.  Needs Debian's chromium and playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
PAINT = "JSON.stringify([performance.getEntriesByName('first-contentful-paint')[0]?.startTime, performance.getEntriesByType('navigation')[0].loadEventEnd])"


def serve(catalogue: Path, folder: Path) -> tuple[str, Any]:
    """The service in a thread, once it is ready: its address, and the server to stop."""
    from service.app import create_app
    from service.settings import Settings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(
        Settings(catalogue=catalogue, store=f"sqlite:///{folder / 'store.sqlite'}", log_level="ERROR")
    )
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not (server.started and app.state.warmed.is_set()):
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}", server


def measure(
    browser: Any, address: str, fill: dict[str, str] | None = None
) -> tuple[int, float, float, float]:
    """Bytes; milliseconds to the first paint, to the end of loading, and of processor of the service (with this script).

    `fill` types and sends the form.
    """
    import json

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    if fill is not None:
        tab.goto(address)
        for name, words in fill.items():
            tab.fill(name, words)
        tab.context.clear_cookies()
    sizes: list[float] = []
    session = context.new_cdp_session(tab)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    begun = time.process_time()
    if fill is None:
        tab.goto(address, wait_until="load")
    else:
        with tab.expect_navigation(wait_until="load"):
            tab.click("text=Trouver les structures")
    spent = 1000 * (time.process_time() - begun)
    tab.wait_for_timeout(200)
    first, loaded = json.loads(tab.evaluate(PAINT))
    context.close()
    return int(sum(sizes)), float(first or "nan"), float(loaded), spent


def main() -> None:
    """Print what was measured."""
    from playwright.sync_api import sync_playwright

    from matcher.reading import gather

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalogue", type=Path, default=Path("var/catalogue"))
    parser.add_argument("--biggest", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base, server = serve(asked.catalogue, Path(folder))
        need = {
            "#need": "Nettoyage des locaux et entretien des espaces verts d'une école",
            "#place": "Bobigny",
        }
        other = {"#need": "Blanchisserie du linge de trois crèches", "#place": "Lille"}
        views: list[tuple[str, str, dict[str, str] | None]] = [
            ("home", base + "/", None), ("first results of a need", base + "/acheteur", need), ("results of another need", base + "/acheteur", other), ("structures found", base + "/structure?q=atelier", None),
        ]  # fmt: skip
        tenders = [t for t in gather.load_notices(asked.catalogue) if not t.confidential]
        if asked.biggest and tenders:
            lots = max(tenders, key=lambda t: len(t.lots))
            text = max(tenders, key=lambda t: sum(len(lot.description) for lot in t.lots))
            for told in dict.fromkeys((lots.id, text.id)):
                count = next(len(t.lots) for t in tenders if t.id == told)
                views.append(
                    (f"results of a notice of {count} lots", f"{base}/acheteur?avis={quote(told)}", None)
                )
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            measure(browser, base + "/a-propos")  # the browser itself starts
            for name, address, fill in views:
                size, first, loaded, spent = measure(browser, address, fill)
                print(
                    f"{name}: {size / 1000:.0f} kB all in, first paint {first:.0f} ms, loaded {loaded:.0f} ms, "
                    f"processor {spent:.0f} ms"
                )
            print(f"load {os.getloadavg()[0]:.1f}")
            browser.close()
        server.should_exit = True


if __name__ == "__main__":
    main()
