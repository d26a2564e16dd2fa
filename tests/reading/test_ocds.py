"""OCDS in and out: what is written is read back the same, and what others publish is read by the standard's own fields."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from matcher.domain import Award, BadInput, Holder, Rejected, Reservation, Tender
from matcher.reading import files, ocds
from matcher.reading.need import free_text_tender
from matcher.reading.sources import ocds as source
from records import facts, published
from terminal import command as matcher

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
TAGS = {
    "planning", "planningUpdate", "tender", "tenderAmendment", "tenderUpdate", "tenderCancellation", "award", "awardUpdate",
    "awardCancellation", "contract", "contractUpdate", "contractAmendment", "implementation", "implementationUpdate",
    "contractTermination", "compiled",
}  # fmt: skip


def read(package: Any) -> list[Any]:
    return list(source.read(io.BytesIO(json.dumps(package).encode()), "package.json"))


@pytest.fixture(scope="module")
def sample() -> list[Tender | Award]:
    return [one for one in files.read([SAMPLE]) if isinstance(one, Tender | Award)]


@pytest.fixture(scope="module")
def package(sample: list[Tender | Award]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads("".join(ocds.text(sample)))
    return made


def test_written_is_read_back(sample: list[Tender | Award], package: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text(json.dumps(package), encoding="utf-8")
    back = list(files.read([path]))
    assert len(back) == len(sample) > 40
    for one, again in zip(sample, back, strict=True):
        if isinstance(one, Tender) and isinstance(again, Tender):
            assert again.format == "ocds" and again.source_hash
            again = replace(again, format=one.format, source_hash=one.source_hash)
        assert again == one


def test_a_package_has_what_the_standard_requires(package: dict[str, Any]) -> None:
    assert {"uri", "publisher", "publishedDate", "releases", "version"} <= set(package)
    assert package["version"] == "1.1" and package["publisher"]["name"]
    for release in package["releases"]:
        assert release["ocid"] and release["id"] and "#" not in release["id"]
        assert release["initiationType"] == "tender" and set(release["tag"]) <= TAGS
        assert datetime.fromisoformat(release["date"]).tzinfo
        parties = {party["id"] for party in release["parties"]}
        awards = release.get("awards", [])
        references = [release["buyer"], *(one for award in awards for one in award.get("suppliers", []))]
        assert {each["id"] for each in references} <= parties
        assert all(party["roles"] for party in release["parties"])
        tender = release["tender"]
        lots = {lot["id"] for lot in tender.get("lots", [])}
        assert {item["relatedLot"] for item in tender.get("items", [])} <= lots
        bought = (item for award in awards for item in award.get("items", []))
        for item in (*tender.get("items", []), *bought):
            assert item["id"] and item.get("classification", {"scheme": "CPV"})["scheme"] == "CPV"
        for period in (each.get("contractPeriod", {}) for each in (*tender.get("lots", []), *awards)):
            assert isinstance(period.get("durationInDays", 1), int)


def test_the_command_writes_a_package_and_reads_it(tmp_path: Path) -> None:
    written = matcher("read", str(SAMPLE / "boamp_page_1.json"), "--as-stated", "--format", "ocds")
    path = tmp_path / "releases.json"
    path.write_text(written.stdout, encoding="utf-8")
    shown = "--as-stated", "--format", "jsonl"
    first, again = (matcher("read", str(one), *shown).stdout for one in (SAMPLE / "boamp_page_1.json", path))
    titles = [[json.loads(line)["title"] for line in text.splitlines()] for text in (first, again)]
    assert titles[0] == titles[1] and len(titles[0]) > 5
    assert matcher("read", str(path), "--format", "xml").returncode == 2


def test_a_need_that_is_not_published_is_not_written() -> None:
    need = free_text_tender("tonte des pelouses")
    assert json.loads("".join(ocds.text([replace(need, confidential=True)])))["releases"] == []


#: As a publisher of another country's system writes it: no field of ours.
RELEASE = published("ocds release")
AWARDED = published("ocds release", **published("ocds award"))


def test_a_tender_of_others_is_read_with_its_lots() -> None:
    (tender,) = read({"version": "1.1", "releases": [RELEASE]})
    assert (tender.id, tender.folder, tender.nature) == ("ocds-abc123-14/14-1", "ocds-abc123-14", "call")
    assert (tender.buyer.id, tender.buyer.name) == ("21930055500016", "Ville de Pantin")
    assert tender.buyer.place.commune == "93055" and tender.contact.email == "achats@pantin.example"
    assert (tender.deadline, tender.published) == (datetime(2026, 12, 18, 11, tzinfo=UTC), date(2026, 11, 23))
    assert tender.url == "https://avis.example/14" and tender.reference == "2026-14"
    parks, offices = tender.lots
    assert (parks.cpv, parks.amount, parks.duration_months) == (("77310000",), 40000, 24)
    assert (parks.places[0].commune, parks.contract_type) == ("93055", "services")
    assert facts(parks.criteria[0], "kind weight weight_unit") == ("price", 60, "%")
    assert parks.reservation and parks.reservation.articles == ("L2113-13",)  # read in the text
    assert (offices.cpv, offices.duration_months, offices.reservation) == (("90919200",), 12.0, None)
    assert offices.inferred == ("places",) and offices.places[0].commune == "93055"  # the buyer's


@pytest.mark.parametrize("package", [
    {"releases": [AWARDED]}, {"records": [{"ocid": "x", "compiledRelease": AWARDED}]},
    {"records": [{"ocid": "x", "releases": [AWARDED, {**RELEASE, "date": "2026-01-01T00:00:00Z"}]}]}, [{"releases": [AWARDED]}],
])  # fmt: skip
def test_awards_of_others_are_read_with_their_suppliers(package: Any) -> None:
    (tender,) = read(package)
    (award,) = tender.awards  # nobody holds the other
    assert tender.nature == "award" and award.uid == "ocds-abc123-14/award-a"
    assert award.holders == (Holder(id="00010001600013", name="Les Jardins"),) and award.relation == "single"
    assert (award.title, award.cpv, award.offers_received) == ("Parcs", "77310000", 3)
    assert (award.amount, award.notified) == (38000, date(2027, 1, 15))


def test_a_release_without_its_tender_gives_its_awards_and_what_is_no_package_nothing() -> None:
    (award,) = read({"releases": [{**AWARDED, "tender": {"id": "14"}}]})
    assert isinstance(award, Award) and award.buyer.name == "Ville de Pantin"
    assert not source.recognises("a.json", b'{"releases": [{"title": "a song"}]}')
    with pytest.raises(BadInput, match="neither releases nor records"):
        read({"version": "1.1", "uri": "x"})


@pytest.mark.parametrize(("codes", "wanted"), [
    (["shelteredWorkshop"], Reservation(who=("ESAT/EA", "SIAE"))), (["publicServiceMissionOrganization"], Reservation(articles=("L2113-15",), who=("ESS",))),
    ([], None),
])  # fmt: skip
def test_a_reserved_lot_of_others_says_for_whom(codes: list[str], wanted: Reservation | None) -> None:
    tender = {"title": "Linge", "otherRequirements": {"reservedParticipation": codes}}
    (found,) = read({"releases": [{"ocid": "o", "id": "1", "tender": tender}]})
    assert found.lots[0].reservation == wanted


@pytest.mark.parametrize(("release", "why"), [
    ("text", "not an object"), ({"id": "1"}, "without ocid"), ({"ocid": "o", "tender": {"id": "1"}}, "nothing to read"),
    ({"ocid": "o", "releases": [{"url": "https://a.example/1"}]}, "only links"),
    ({"ocid": "o", "tender": {"title": "a", "lots": [{"id": "1", "maillage": {"renewals": "many"}}]}}, "renewals"),
])  # fmt: skip
def test_a_bad_release_is_rejected_with_its_reason_and_the_others_go_on(release: Any, why: str) -> None:
    bad, good = read({"releases": [release, RELEASE]})
    assert isinstance(bad, Rejected) and why in bad.reason and isinstance(good, Tender)
