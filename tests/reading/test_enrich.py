"""A directory is completed by what is public of its structures alone, and the report says how many speak."""

import json
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from matcher.domain import BadInput, Structure
from matcher.reading import enrich, files
from records import published
from replay_server import serving
from terminal import command

ONE, TWO, THREE = "00010001600013", "00010073500018", "00010099900010"
DIRECTORY = f"siret;nom;type;ville;code postal\n{ONE};Les Allées;ACI;Metz;57000\n{TWO};Au Linge Clair;ESAT;Metz;57000\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "members.csv"
    path.write_text(DIRECTORY, "utf-8")
    return path


def reading(folder: Path, siret: str, *lines: str) -> None:
    path = folder / "site" / "pages" / siret[:3] / f"{siret}.json"
    path.parent.mkdir(parents=True)
    page = {"url": "https://x.example", "title": "x", "lines": list(lines)}
    read = {"siret": siret, "website": "x.example", "read": "2026-11-28", "asked": "2026-11-28"}
    path.write_text(json.dumps({**read, "pages": [page], "why": ""}))


def structures(path: Path) -> list[Structure]:
    return [record for record in files.read([path]) if isinstance(record, Structure)]


def test_a_directory_is_completed_and_counted_before_and_after(directory: Path, tmp_path: Path) -> None:
    reading(tmp_path / "sync", ONE, "# Nos prestations", "• Tonte de pelouses et taille de haies")
    reading(tmp_path / "sync" / "x", THREE, "• Peinture")
    out = tmp_path / "enriched.jsonl"
    given = (str(directory), "--to", str(tmp_path / "sync"), "--out", str(out))
    done = command("enrich", *given, "--offline", "-f", "jsonl")
    assert done.returncode == 0, done.stderr
    rows = {row["kind"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (rows["ACI"]["read before"], rows["ACI"]["read after"]) == (0, 1)
    assert (rows["all"]["structures"], rows["all"]["read after"], rows["all"]["said after"]) == (2, 1, 0)
    found = {s.siret: s for s in structures(out)}  # our own form, read back whole
    assert set(found) == {ONE, TWO}
    assert found[ONE].offers[0].inferred and found[ONE].offers[0].source == "son site, lu le 28/11/2026"
    assert found[ONE].provenance["name"]


def test_a_publisher_that_fails_is_named(directory: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    from matcher.reading.sync import _client

    monkeypatch.setattr(_client, "ATTEMPTS", 1)
    monkeypatch.setitem(_client.PACE, "emplois", 0.0)
    with serving() as publisher:
        named = {"rome": "Espaces verts (A1203)", "appellation_modifiee": "Jardinier"}
        job = published("emplois job", description="", **named)
        others = published("emplois", siret=THREE)
        publisher.employers = [published("emplois", siret=ONE, postes=[job]), others]
        monkeypatch.setenv("MATCHER_EMPLOIS_URL", publisher.url + "/emplois/")
        monkeypatch.setenv("MATCHER_ADAPTEES_URL", "")
        told: list[str] = []
        asked = ["emplois", "adaptees"]
        found = enrich.enrich(structures(directory), tmp_path / "sync", asked, say=told.append)
    assert list(found.failed) == ["adaptees"]
    assert "1 of 2: emplois" in told
    assert {s.siret: [o.title for o in s.offers] for s in found.structures} == {ONE: ["Jardinier"], TWO: []}
    with pytest.raises(BadInput, match="choose among entreprises"):
        enrich.enrich([], tmp_path, ["x"])
