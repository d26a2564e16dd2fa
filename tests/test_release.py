"""What a release says of itself is one thing everywhere: version, licences, the extras that its packages are of."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from matcher import plugins
from matcher.domain import MissingExtra, __version__
from matcher.records.tables import RETENTION
from records import cases

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED: dict[str, str] = dict(cases("packages of extras, as they are imported"))
FOLDERS = ("reference", "reference/outlines", "assumptions", "training", "benchmark")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_one_everywhere() -> None:
    assert re.search(r"^version: (.+)$", read("CITATION.cff"), flags=re.M)[1] == __version__  # type: ignore[index]
    dated = re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", read("CHANGELOG.md"), flags=re.M)
    assert dated[0][0] == __version__
    assert f"date-released: {dated[0][1]}" in read("CITATION.cff")
    wheels = set(re.findall(r"maillage-([\d.]+)-py3|releases/(\d[\d.]+)", read("docs/deployment.md")))
    assert {one or other for one, other in wheels} == {__version__}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_origin_of_every_shipped_table_is_reported(folder: str) -> None:
    told = "".join(path.read_text("utf-8") for path in (ROOT / "data" / folder).glob("[SR]*.md"))
    for path in (ROOT / "data" / folder).iterdir():
        if path.is_file() and path.suffix in (".csv", ".gz", ".jsonl"):
            stem = re.sub(r"\.(queries|judged|structures)$", "", path.name.split(".jsonl")[0])
            assert path.name in told or f"`{stem}" in told, f"{folder} says nothing of {path.name}"


def test_other_origins_are_in_the_notice_and_in_the_licence_of_the_package() -> None:
    assert set(PROJECT["license-files"]) == {"LICENSE", "NOTICE"}
    (copied,) = re.findall(r"^COPY pyproject.toml (.*) \./$", read("deploy/Containerfile"), flags=re.M)
    assert {"README.md", *PROJECT["license-files"]} == set(copied.split())
    sources = read("data/reference/SOURCES.md") + read("data/reference/outlines/SOURCES.md")
    for package in set(re.findall(r"(?:npm|PyPI|npm package) `([^`]+)`", sources)):
        assert package in read("NOTICE"), f"NOTICE says nothing of {package}"
    assert "The above copyright notice and this permission notice shall be included" in read("NOTICE")
    assert all(name in PROJECT["license"] for name in ("Apache-2.0", "MIT", "etalab-2.0", "CC-BY-4.0"))
    for card in (ROOT / "models").glob("*/card.md"):
        assert re.search(r"licen[cs]e", card.read_text(encoding="utf-8"), flags=re.I), card.parent.name


def test_what_is_kept_and_how_long_is_in_the_register_of_processing() -> None:
    durations = read("docs/privacy.md").partition("| ce qui est gardé |")[2].partition("\n\n")[0]
    assert "](../privacy.md)" in read("docs/authority/registre.md")
    for days in {days for _, days in RETENTION.values()}:
        said = f"{days // 365} an" if days >= 365 else f"{days} jours"
        assert said in durations, f"the register says nothing of what is kept {days} days"


def test_a_missing_package_names_the_command(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with (
        pytest.raises(MissingExtra, match=r"reading a PDF needs pypdf: pip install 'maillage\[documents\]'"),
        plugins.optional("documents", "reading a PDF"),
    ):
        import pypdf  # noqa: F401


@pytest.mark.parametrize("path", sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("service/**/*.py")]))
def test_the_extras_are_imported_where_their_absence_is_reported(path: Path) -> None:
    """Every import of an extra's package is inside `plugins.optional` of that extra, never at the top of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not {name for node in top for name in packages(node)} & set(IMPORTED), "at the top of the file"
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.With)):
        given = call.items[0].context_expr
        if isinstance(given, ast.Call) and ast.unparse(given.func) == "plugins.optional":
            extra = ast.literal_eval(given.args[0])
            assert extra in PROJECT["optional-dependencies"]
            for name in (n for node in ast.walk(call) for n in packages(node) if n in IMPORTED):
                assert extra in IMPORTED[name].split(), f"{name} is not of the extra {extra}"


def packages(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(node.module or "").partition(".")[0]]
    return []
