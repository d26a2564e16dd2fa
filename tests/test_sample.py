"""The sample is invented, reads in its true formats without a loss, and holds every hard case it says it holds."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matcher import plugins
from matcher.domain import Rejected, Structure, Tender
from matcher.reference.identifiers import luhn
from matcher.reference.paths import shared_dir
from matcher.reference.places import commune_of_siren

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
LOWEST_SIREN = 325_000  # to our knowledge none below is attributed, see data/sample/README.md
FORMS = sorted(f"eforms/{path.name}" for path in (SAMPLE / "eforms").glob("*.xml"))
NOTICES = ("boamp_page_1.json", "boamp_page_2.json", *FORMS)


def _read(source: str, name: str) -> list[Any]:
    with (SAMPLE / name).open("rb") as stream:
        return list(plugins.find("reading.sources", source).read(stream, name))


@pytest.fixture(scope="module")
def structures() -> list[Structure]:
    return [*_read("directory", "structures.csv"), *_read("lemarche", "structures_lemarche.json")]


@pytest.fixture(scope="module")
def tenders() -> dict[str, Tender]:
    found = [t for n in NOTICES for t in _read("eforms" if n.endswith("xml") else "boamp", n)]
    assert not [t for t in found if isinstance(t, Rejected)]
    return {t.id: t for t in found}


def _sirets(text: str) -> Iterator[str]:
    yield from re.findall(r"(?<![0-9])000[0-9]{11}(?![0-9])", text)


def test_every_siret_of_the_sample_is_made_up_or_a_town_hall(structures: list[Structure]) -> None:
    assert all(luhn(s.siret) and int(s.siren) < LOWEST_SIREN for s in structures)
    for path in SAMPLE.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert all(luhn(siret) for siret in _sirets(text))
        found = re.findall(r'"(?:id|codeIdentificationNational)\\?": \\?"([0-9]{14})\\?"', text)
        others = set(found) - set(_sirets(text))
        assert all(commune_of_siren(siret[:9]) for siret in others)


def test_telephones_and_addresses_are_those_kept_for_fiction() -> None:
    reserved = re.compile(r"01 ?99 ?00|02 ?61 ?91|03 ?53 ?01|04 ?65 ?71|05 ?36 ?49|06 ?39 ?98")
    for path in SAMPLE.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        for phone in re.findall(r"(?<![0-9/-])0[1-79](?: ?[0-9]{2}){4}(?![0-9])", text):
            assert reserved.match(phone), (path.name, phone)
        for host in re.findall(r"https?://([^/\s\"';,\\?<]+)", text):
            # the last two name the formats themselves
            allowed = ("example.org", "boamp.fr", "data.europa.eu")
            assert host.endswith(allowed), (path.name, host)
        for domain in re.findall(r"[\w.-]+@([\w.-]+[a-z])", text):
            assert domain.endswith("example.org"), (path.name, domain)


@pytest.mark.shared
@pytest.mark.skipif(not (shared_dir() / "data").is_dir(), reason="no real data: set MATCHER_SHARED")
def test_the_sample_names_no_real_structure(structures: list[Structure], tenders: dict[str, Tender]) -> None:
    with (shared_dir() / "data" / "nomenclatures" / "cpv_2008_fr_en.csv").open(encoding="utf-8") as stream:
        official = {row["code8"] for row in csv.DictReader(stream)}
    named = {c for s in structures for o in s.offers for c in o.cpv}
    used = named | {c for t in tenders.values() for lot in t.lots for c in lot.cpv}
    assert used <= official
    with (shared_dir() / "data" / "structures" / "siae_2021.jsonl").open(encoding="utf-8") as stream:
        real = [json.loads(line) for line in stream]
    assert not {s.siret for s in structures} & {str(r["siret"]) for r in real}
    assert not {s.name.lower() for s in structures} & {str(r.get("name", "")).lower() for r in real}
