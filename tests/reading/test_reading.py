"""From paths to records: recognition by content, folders, archives, the summary, the command's exit status."""

import csv
import gzip
import io
import json
import subprocess
import tarfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

import bombs
from matcher.domain import Award, Buyer, Clause, Holder, Lot, LotAnswer, Place, Rejected, Structure, Tender
from matcher.matching import reasons
from matcher.partners.subcontracting import leads
from matcher.reading import files, gather
from matcher.reading.procedure import procedures
from matcher.reference.accents import LOST
from records import facts, parted
from terminal import command

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"
NOTICE = SAMPLE / "eforms" / "2026-region-routage.xml"
PAGE = SAMPLE / "boamp_page_1.json"


def matcher(*words: str) -> subprocess.CompletedProcess[str]:
    return command("read", *words)


def packed(kind: str) -> bytes:
    if kind == "gz":
        return gzip.compress(NOTICE.read_bytes())
    if kind == "zip":
        notice = NOTICE.read_bytes()
        members = {"folder/notice.xml": notice, "__MACOSX/._notice.xml": b"junk", "folder/.copy.xml": notice}
        return bombs.packed(members)
    with tarfile.open(fileobj=(buffer := io.BytesIO()), mode="w:gz" if kind == "tgz" else "w") as archive:
        archive.add(NOTICE, "folder/notice.xml")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["gz", "zip", "tar", "tgz"])
def test_an_archive_gives_the_records_of_its_members(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"notices.{kind}"
    path.write_bytes(packed(kind))
    (tender,) = files.read([path])
    (plain,) = files.read([NOTICE])
    assert tender == plain


def test_an_archive_in_an_archive_is_opened_and_a_source_may_be_named() -> None:
    (tender,) = files.read_bytes(bombs.packed({"inner.tgz": packed("tgz")}), "outer.zip")
    assert isinstance(tender, Tender)
    (tender,) = files.read([NOTICE], source="eforms")
    assert isinstance(tender, Tender)
    (rejected,) = files.read([NOTICE], source="ted")
    assert isinstance(rejected, Rejected) and "TED_EXPORT" in rejected.reason


def test_folders_are_walked_in_order_and_hidden_files_left(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.json").write_bytes(PAGE.read_bytes())
    (tmp_path / "a.xml").write_bytes(NOTICE.read_bytes())
    (tmp_path / ".hidden.xml").write_bytes(NOTICE.read_bytes())
    records = list(files.read([tmp_path]))
    assert isinstance(records[0], Tender) and records[0].format == "eforms"
    assert {r.format for r in records[1:] if isinstance(r, Tender)} == {"boamp"}


def test_what_cannot_be_read_says_so_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_bytes(b"")
    (tmp_path / "page.html").write_text("<html><body>bonjour</body></html>")
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "structures.arrow").write_bytes(b"ARROW1")
    paths = [tmp_path / name for name in ("missing.xml", "empty.json", "page.html", "catalogue")]
    (tender,), (missing, empty, page, catalogue) = parted(files.read([*paths, NOTICE]))
    assert "no such file" in missing.reason and "empty" in empty.reason and "--catalogue" in catalogue.reason
    assert "not recognised" in page.reason and "boamp" in page.reason and isinstance(tender, Tender)


def test_the_summary_counts_records_lots_and_reasons() -> None:
    summary = files.Summary()
    list(summary.watch(files.read([SAMPLE])))
    assert [summary.counts[kind] for kind in (Tender, Structure, Award)] == [31, 89, 16]
    assert summary.lots > summary.counts[Tender] and summary.natures["cancellation"] == 1
    first, *others = summary.lines()
    assert first.startswith("read: 31 notices") and "89 structures" in first
    assert f"set aside: {summary.counts[Rejected]}" in first
    assert len(others) == len(summary.reasons)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (Place(label="Nulleville"), "Le lieu n'est pas connu (Nulleville) : toute la France est comparée"),
        (
            Place(label="Luxembourg", country="LU"),
            "Le lieu est hors de France (Luxembourg) : toute la France",
        ),
        (Place(country="ZZ"), "Le lieu est hors de France : toute la France est comparée"),
        (Place(), "Aucun lieu n'est lu, dites où : toute la France est comparée"),
        (Place(label="Pantin", department="93"), ""),
        (Place(region="53"), ""),
    ],
)
def test_why_no_place_counts_is_told_when_it_is_read_and_when_it_is_answered(place: Place, told: str) -> None:
    lot = Lot(id="1", title="Tonte", places=(place,))
    read = gather.Gathered(tenders=[Tender(id="a", format="table", title="Tonte", lots=(lot,))])
    assert any("a place that is not known" in line for line in read.summary()) is ("n'est pas" in told)
    everywhere = reasons.everywhere(LotAnswer(lot=lot, matches=()))
    assert everywhere.startswith(told) and bool(everywhere) == bool(told)


def test_destroyed_accents_are_repaired_and_the_title_as_published_kept() -> None:
    title = f"R{LOST}novation de la cr{LOST}che et du march{LOST}"
    page = {"results": [{"idweb": "26-1", "nomacheteur": "Ville", "url_avis": "x", "objet": title}]}
    (tender,) = files.read_bytes(json.dumps(page).encode(), "page.json")
    assert isinstance(tender, Tender) and tender.title == "Rénovation de la crèche et du marché"
    assert "accents-repaired" in tender.flags and any("march\ufffd" in flag for flag in tender.flags)


def test_jsonl_holds_one_record_a_line_lots_nested() -> None:
    done = matcher(str(PAGE), str(SAMPLE / "structures.csv"), "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and {row["record"] for row in rows} == {"tender", "structure"}
    assert all(isinstance(row["lots"], list) and row["lots"] for row in rows if row["record"] == "tender")
    assert "set aside: 0" in done.stderr


def test_csv_and_table_hold_a_line_a_record() -> None:
    done = matcher(str(PAGE), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    records = [r for r in files.read([PAGE]) if isinstance(r, Tender)]
    assert [row["id"] for row in rows] == [r.id for r in records]
    assert [int(row["lots"]) for row in rows] == [len(r.lots) for r in records]
    assert records[0].id in matcher(str(PAGE)).stdout


def test_the_exit_status_tells_whether_anything_was_good(tmp_path: Path) -> None:
    bad = tmp_path / "bad.xml"
    bad.write_text("<TED_EXPORT>")
    assert matcher(str(bad), str(NOTICE)).returncode == 0
    nothing = matcher(str(bad))
    assert nothing.returncode == 2 and "well-formed" in nothing.stderr and nothing.stdout == ""
    assert matcher(str(NOTICE), "--source", "nonsense").returncode == 2
    assert matcher(str(NOTICE), "--format", "yaml").returncode == 2
    for done in (nothing, matcher(str(tmp_path / "missing"))):
        assert "Traceback" not in done.stderr


DAY = date(2026, 3, 2)
TOWN = Buyer(id="21950585600017", name="Commune de Sarcelles")


def notice(
    id: str, title: str = "Nettoyage des écoles et des crèches", days: int = 0, **fields: object
) -> Tender:
    lot = Lot(id=f"{id}/1", title=title, cpv=("90911200",))
    one = Tender(id=id, format="boamp", title=title, buyer=TOWN, lots=(lot,), published=DAY + timedelta(days))
    return replace(one, **fields)  # type: ignore[arg-type]


def ids(*tenders: Tender) -> list[list[str]]:
    return [[tender.id for tender in found] for found in procedures(tenders)]


def test_corrections_twins_and_reposts_are_of_one_procedure() -> None:
    fixed = notice("26-2", "Avis rectificatif", 9, nature="correction", related=("26-1",))
    gone = notice("26-3", "Sans suite", 20, nature="cancellation", related=("26-1",))
    assert ids(gone, notice("26-1"), fixed) == [["26-1", "26-2", "26-3"]]
    town = Buyer(name="Ville de Sarcelles")
    ted = notice("1-2026", "NETTOYAGE DES ECOLES ET DES CRECHES", 3, format="ted", buyer=town)
    assert ids(notice("26-1"), ted) == [["26-1", "1-2026"]]
    assert ids(notice("26-1"), notice("26-9", days=70)) == [["26-1", "26-9"]]
    assert len(ids(notice("26-1"), notice("27-1", days=366))) == 2


def test_titles_that_differ_by_a_number_or_by_their_buyer_are_two_notices() -> None:
    pairs = (
        (notice("26-1", "Réfection du gymnase, lot 1"), notice("26-2", "Réfection du gymnase, lot 2")),
        (notice("26-1"), notice("26-2", buyer=Buyer(id="21930066200011", name="Commune de Saint-Denis"))),
        (
            notice("26-1", "Nettoyage des écoles"),
            notice("26-2", "Nettoyage des écoles, des vitres et du marché"),
        ),
    )
    assert [len(ids(*pair)) for pair in pairs] == [2, 2, 2]


def test_the_sample_is_grouped_as_its_card_says() -> None:
    made = procedures(r for r in files.read([SAMPLE]) if isinstance(r, Tender))
    several = {frozenset(tender.id[:9] for tender in found) for found in made if len(found) > 1}
    pairs = "26-130101 26-131010|26-127700 26-130877|26-130610 91a72c60-".split("|")
    assert several == {frozenset(pair.split()) for pair in pairs}


def won(*names: str, clause: bool = True, siren: str = "732829320") -> Tender:
    clauses = (Clause(hours=400.0, passage="400 heures d'insertion"),) if clause else ()
    lot = Lot(id="26-5/2", title="Gros œuvre", number="2", clauses=clauses)
    holders = tuple(Holder(id=f"{siren}00074", name=n) for n in names)
    award = Award(uid="26-5/award-1", title="Gros œuvre", holders=holders, source="boamp:26-5/2")
    return notice("26-5", nature="award", lots=(lot,), awards=(award,))


def test_an_ordinary_firm_that_owes_hours_is_a_lead() -> None:
    ((firm, lead),) = leads(won("Bâti Nord SAS"))
    assert firm.name == "Bâti Nord SAS"
    assert facts(lead, "hours lot.number passage") == (400.0, "2", "400 heures d'insertion")
    assert "sous-traitance" in lead.case and "400 heures" in lead.case
    without = won("Bâti Nord SAS", clause=False)
    assert not [*leads(won("Association intermédiaire Le Relais")), *leads(without)]
    assert not [*leads(won("Bâti Nord SAS"), structures={"732829320"})]
    # the clause stands in the call
    ((_, lead),) = leads(without, earlier=[notice("26-4", lots=won("x").lots)])
    assert lead.hours == 400.0


def test_the_state_of_sync_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"through": "2026-11-24"}')
    (tmp_path / "other.json").write_text("{}")
    assert [path.name for path in files.walk(tmp_path)] == ["other.json"]
