"""The docs are true: every command and plug is named, every example of Python runs, every link leads somewhere."""

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import terminal
from importing import module_at
from matcher import plugins
from matcher.matching import judgement, recipes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMED = {
    **{room: plugins.names(room) for room in ("reading.sources", "learned.encoders", "catalogue.indexes")},
    "matching.rankers": plugins.names("matching.rankers"),
    "recipes": list(recipes.SHIPPED),
    "commands": [name.replace("_", "-") for name in plugins.names("commands")],
}


@pytest.mark.parametrize("room", NAMED)
def test_every_command_plug_and_recipe_is_named(room: str) -> None:
    assert [name for name in NAMED[room] if not re.search(f"`(matcher )?{name}`", README)] == []


def test_the_python_of_the_readme_answers_as_the_shipped_default() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    scanner = code.replace("nettoyage des locaux d'une école", "scanner IRM d'un hôpital")
    assert scanner != code
    for need, first in ((code, "Clair Logis Services likely"), (scanner, "")):
        command = [sys.executable, "-c", need]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(first) and bool(done.stdout) == bool(first)


def test_the_session_of_the_readme_runs_as_written(tmp_path: Path) -> None:
    (block,) = re.findall(r"## A session in the terminal.*?```\n(.*?)```", README, flags=re.S)
    for line in block.splitlines():
        name, *arguments = shlex.split(line)
        assert name == "matcher", line
        catalogue = str(tmp_path / "catalogue")
        done = terminal.command(*arguments, cwd=ROOT, MATCHER_CATALOGUE=catalogue, MATCHER_HOME=str(tmp_path))
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert done.stdout or arguments[0] == "index", line
        assert ("Structures :" in done.stdout) == (arguments[0] == "partners"), "the example has partners"


def test_the_levels_are_those_of_the_shipped_judgement() -> None:
    page = (ROOT / "docs" / "explanation" / "judgement.md").read_text(encoding="utf-8")
    told = [float(number.replace(",", ".")) for number in re.findall(r"\((0,\d+)\) : \*à ", page)]
    judge = judgement.shipped()
    assert told == [judge.likely, judge.plausible]
    assert str(judge.plausible) in page  # as an engineer searches for it


@pytest.mark.parametrize("command", plugins.names("commands"))
def test_every_command_has_help_with_an_example(command: str) -> None:
    word = command.replace("_", "-")
    done = terminal.command(word, "--help", COLUMNS="200")
    assert done.returncode == 0, done.stderr
    source = inspect.getsource(plugins.find("commands", command))
    examples = done.stdout + source  # verbs of a group have their own
    assert f"matcher {word} " in examples


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}, which is not there"


def test_nothing_of_a_machine_is_named() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    tracked = listed.stdout.split("\n")
    ours = "/" + "root/|/" + "work/" + "main|/home/[a-z]+/|/tmp/[a-z]+/"
    wrong = re.compile(ours + "|pypi" + r"\.org|registry\.npm" + "js")
    for name in tracked:
        path = ROOT / name
        written = (".py", ".md", ".toml", ".html", ".json", ".sh", ".yaml", ".ipynb")
        if path.suffix in written and path.is_file():
            found = wrong.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found or name == "tests/test_docs.py", f"{name}: {found.group(0) if found else ''}"


def test_every_route_and_model_is_in_the_generated_reference() -> None:
    generate = module_at(ROOT / "docs" / "generate.py")
    text, schema = generate.api(), generate._schema()
    for path, verbs in schema["paths"].items():
        assert all(f"### {verb.upper()} {path}\n" in text for verb in verbs)
    anchors = set(re.findall(r"\]\(#(\w+)\)", text))
    assert anchors <= {name.lower() for name in schema["components"]["schemas"]} and len(anchors) > 30
