"""Each tutorial is done as it is written: its commands run, its pages are used in a browser, its pictures can be taken.

Steps in the pages are comments of the Markdown: `<!-- step: open /path -->`, `fill NAME = text`, `submit NAME` (the form that
holds the field), `unfold WORDS` (a fold), `tick LINE` (its box), `press WORDS` (a link or button), `see text`.  With MATCHER_PICTURES=FOLDER each `<!-- picture: name ... -->` is saved there; the running
time of each tutorial is printed (`pytest -s`).
"""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytest import MonkeyPatch
from service.client.__main__ import written
from service.settings import Settings
from typer.testing import CliRunner

from matcher.catalogue.catalogue import Catalogue
from matcher.cli import build
from matcher.reading import gather
from serving import indexed, serving

ROOT = Path(__file__).parents[1]
TUTORIALS = ROOT / "docs" / "tutorials"
PICTURES = os.environ.get("MATCHER_PICTURES")


@pytest.fixture(scope="module")
def desk(catalogue: Catalogue, sample: gather.Gathered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder: the sample, and a catalogue where commands look for one."""
    here = tmp_path_factory.mktemp("tutorials")
    (here / "data").symlink_to(ROOT / "data")
    indexed(here / "var", catalogue, sample)
    return here


@pytest.fixture(scope="module")
def service(desk: Path) -> Iterator[str]:
    """The address of the service that `make serve` would open."""
    where = {"catalogue": desk / "var" / "catalogue", "store": f"sqlite:///{desk / 'store.sqlite'}"}
    about = Settings(**where, log_level="ERROR")
    with serving(about) as address:
        yield address


@pytest.mark.browser
@pytest.mark.parametrize("name", sorted(path.stem for path in TUTORIALS.glob("*.md")))
def test_it_works_as_written(
    name: str, desk: Path, service: str, request: pytest.FixtureRequest, monkeypatch: MonkeyPatch
) -> None:
    text = (TUTORIALS / f"{name}.md").read_text(encoding="utf-8")
    monkeypatch.chdir(desk)
    monkeypatch.setenv("MATCHER_HOME", str(desk / "home"))
    monkeypatch.setenv("MATCHER_STORE", f"sqlite:///{desk / 'store.sqlite'}")
    since = time.monotonic()
    done = run_commands(text, service) + run_python(text, service, desk)
    if steps := re.findall(r"<!-- (step|picture): (.*?) -->", text):  # skipped here without a browser
        run_steps(steps, service, request.getfixturevalue("browser"))
    done += len(steps)
    assert done, "nothing was tried"
    print(f"\ntutorial {name}: {done} steps in {time.monotonic() - since:.1f} s")


def run_commands(text: str, service: str) -> int:
    """The lines of every shell block: `matcher` in this process, others (curl) by a shell."""
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    for line in lines:
        word, *arguments = shlex.split(line)
        if word == "pip":  # the environment of the tests has every extra
            (extra,) = re.findall(r"^maillage\[(\w+)\]$", arguments[-1])
            assert extra in metadata("maillage").get_all("Provides-Extra", [])
            continue
        if word == "matcher":
            result = CliRunner().invoke(build(), arguments)
            assert result.exit_code == 0, f"{line}: {result.output}{result.exception}"
            continue
        environment = {**os.environ, "MAILLAGE": service}
        done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True)
        shown = f"{line}: {done.stdout}{done.stderr}"
        assert done.returncode == 0 and done.stdout.startswith(("{", "[")), shown
    return len(lines)


def run_python(text: str, service: str, folder: Path) -> int:
    """Every Python block, with the client beside it."""
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    if blocks:
        (folder / "matcher_client.py").write_text(written(), encoding="utf-8")
    path = os.pathsep.join([str(folder), *sys.path])
    for block in blocks:
        environment = {**os.environ, "MAILLAGE": service, "PYTHONPATH": path}
        command = [sys.executable, "-c", block]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout, done.stderr
    return len(blocks)


def run_steps(steps: list[tuple[str, str]], service: str, browser: Any) -> None:
    """Every step in the pages."""
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    for kind, what in steps:
        if kind == "picture":
            picture(page, what.split()[0])
        else:
            step(page, service, *what.split(maxsplit=1))
    page.close()


def step(page: Any, service: str, verb: str, what: str) -> None:
    if verb == "open":
        assert page.goto(service + what).ok
    elif verb == "fill":
        field, _, value = what.partition(" = ")
        page.locator(f"main [name={field}]").first.fill(value)
    elif verb == "submit":
        form = page.locator(f"main form:has([name={what}])").first
        with page.expect_navigation():
            form.locator("button.button, button[type=submit]").first.click()
    elif verb == "unfold":
        page.locator("main summary").filter(has_text=what).first.click()
    elif verb == "tick":
        lines = page.locator("main li:has(input[type=checkbox]), main tr:has(input[type=checkbox])")
        lines.filter(has_text=what.replace("'", "’")).locator("input[type=checkbox]").first.check()
    elif verb == "press":
        words = re.compile(re.escape(what.replace("'", "’")))
        found = page.locator("main a, main button").filter(has_text=words).first
        with page.expect_navigation():
            found.click()
    elif verb == "see":
        shown = re.sub("[\u00a0\u202f]", " ", page.locator("main").inner_text()).replace("’", "'")
        assert what in shown, f"not on the page: {what}"
    else:
        raise AssertionError(f"no step {verb!r}")


def picture(page: Any, name: str) -> None:
    if PICTURES:
        folder = ROOT / PICTURES
        folder.mkdir(parents=True, exist_ok=True)
        taken = folder / f"{name}.png"
        page.screenshot(path=str(taken))
        # a palette: a third of the size, as they are committed
        shown = Image.open(taken).convert("RGB")
        shown.quantize(128, method=Image.Quantize.FASTOCTREE).save(taken, optimize=True)
