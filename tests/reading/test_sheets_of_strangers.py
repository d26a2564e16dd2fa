"""Spreadsheets as people keep them: how much of them is read, and what is told of the rest."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sheets
from matcher.domain import BadInput, Rejected, Structure
from matcher.reading import files, gather
from matcher.reading.sources import _columns, directory
from papers import workbook
from records import cases
from sheets import Sheet, siret
from terminal import command


def read(sheet: Sheet) -> list[Structure]:
    records = files.read_stream(io.BytesIO(sheet.content), sheet.name)
    return [record for record in records if isinstance(record, Structure)]


@pytest.mark.parametrize("sheet", sheets.kept(), ids=lambda sheet: sheet.name)
def test_the_fields_of_a_sheet_are_read(sheet: Sheet) -> None:
    _, stated, wrong = sheets.measured(sheet, read(sheet))
    assert stated >= 10
    assert len(wrong) <= 0.05 * stated, wrong


def run(*arguments: object) -> tuple[int, str, str]:
    done = command(*map(str, arguments))
    return done.returncode, done.stdout, done.stderr


def written(folder: Path, text: str, name: str = "members.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_kind_that_is_not_known_is_asked_and_makes_no_ordinary_firm(tmp_path: Path) -> None:
    rows = f"Le Lieu;{siret(1)};Tiers-lieu;Metz\nX;{siret(2)};SARL;Metz\n"
    path = written(tmp_path, f"Nom;Siret;Type;Ville\n{rows}")
    found = gather.gather([path])
    expected = [("Tiers-lieu", True), ("", False)]
    assert [(one.kind, "kind-unknown" in one.flags) for one in found.structures] == expected
    assert any("'Tiers-lieu'" in line and "--map 'kind:Tiers-lieu=ESS'" in line for line in found.summary())
    assert [one.kind for one in gather.gather([path], {"kind:Tiers-lieu": "ESS"}).structures] == ["ESS", ""]


def test_a_mapping_is_kept_as_a_profile_for_the_next_file(tmp_path: Path) -> None:
    first = written(tmp_path, f"Qui;Numéro;Surnom;Sorte\nLes Prés;{siret(1)};Pré;Ferme\n")
    profile = tmp_path / "network.json"
    pairs = ("--map", "brand=Surnom", "--map", "kind=Sorte", "--map", "kind:Ferme=ACI")
    code, _, err = run("columns", first, *pairs, "--save", profile)
    assert (code, "written" in err) == (0, True)
    assert json.loads(profile.read_text())["brand"] == "Surnom"
    next_month = written(tmp_path, f"Sorte;Surnom;Qui;Numéro\nFerme;Bois;Les Bois;{siret(2)}\n", "next.csv")
    code, out, _ = run("read", next_month, "--map", profile, "--format", "jsonl")
    (record,) = map(json.loads, out.splitlines())
    assert (record["name"], record["brand"], record["kind"]) == ("Les Bois", "Bois", "ACI")
    other = written(tmp_path, f"Nom;Siret;Type\nLes Haies;{siret(3)};EI\n", "other.csv")
    code, out, err = run("read", next_month, other, "--map", profile, "--format", "jsonl")
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["Les Bois", "Les Haies"]
    assert "other.csv: no column 'Qui' (name; 'Nom' is taken for it), 'Numéro' (siret; 'Siret' is" in err
    assert "'Surnom' (brand; no other is taken for it)" in err and "next.csv: no column" not in err
    code, out, err = run("columns", other, "--map", profile, "--map", "kind=none", "--save", profile)
    assert (code, "'Surnom' (brand; no other" in err) == (0, True)
    assert json.loads(profile.read_text())["kind"] == "none" and "'Sorte'" not in err
    (unkind,) = gather.gather([other], _columns.pairs([str(profile)])).structures
    assert (unkind.name, unkind.kind) == ("Les Haies", "")
    with pytest.raises(BadInput, match=r"the columns are Nom, Siret"):
        rows = io.BytesIO(f"Nom;Siret\nX;{siret(3)}\n".encode())
        list(directory.read(rows, "other.csv", columns={"brand": "Surnom"}))


def test_titles_above_are_no_offers_and_a_sheet_can_be_left_out(tmp_path: Path) -> None:
    head = ["Nom", "Ville", "Activité"]
    member = ["Nom", "Siret", "Ville", "Activité"], ["A", siret(1), "Metz", "tonte"]
    members = [["À ne pas diffuser"], *member, ["B", siret(2)[:9], "Metz", "tonte"]]
    others = {"Prospects": [head, ["C", "Metz", "tonte"]], "Idées": [head[:2], ["D", "Metz"]]}
    (path := tmp_path / "members.xlsx").write_bytes(workbook(Adhérents=members, **others))
    call = [sys.executable, "-m", "matcher", "read", str(path), "--format", "jsonl"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), "diffuser" in done.stdout) == (3, False)
    assert "what they do, a phone or mail; it has name, town  [" in done.stderr
    told = "'Adhérents' (2), 'Prospects' (1), 'Idées' (1); one is left out with --map 'sheet:NAME=none'"
    assert told in done.stderr
    left = gather.gather([path], _columns.pairs(["sheet:Prospects=none"]))
    assert [one.name for one in left.structures] == ["A", "B"]
    told = "1 structure whose SIRET is missing beside the SIREN: write the 14 digits of"
    assert told in "".join(left.summary())


def test_a_row_of_totals_leaves_a_corrected_workbook_whole() -> None:
    sheet = sheets.kept()[0]
    activities = {"description": "Activités"}
    records = list(files.read_stream(io.BytesIO(sheet.content), sheet.name, columns=activities))
    structures = [record for record in records if isinstance(record, Structure)]
    assert structures[0].description == "Maraîchage, espaces verts"
    (total,) = [record for record in records if isinstance(record, Rejected)]
    assert "a total" in total.reason


def test_what_was_set_aside_is_kept_beside_the_catalogue_with_its_reason(tmp_path: Path) -> None:
    rows = f"A;{siret(1)};Nous consulter;Metz;Ménage\nB;;;;Ménage\nC;123456789;;Metz;Ménage\nD;;;;Ménage\n"
    path = written(tmp_path, f"Nom;Siret;Zone;Ville;Activité\n{rows}")
    code, _, err = run("index", path, "--out", tmp_path / "cat")
    assert code == 0
    assert "members.csv row 3, members.csv row 5" in err
    with (tmp_path / "cat" / "rejects.csv").open(encoding="utf-8-sig") as lines:
        kept = {row["record"]: row["reason"] for row in csv.DictReader(lines)}
    (c,) = (reason for record, reason in kept.items() if record.startswith("NOM-"))
    assert "SIREN (9 digits)" in c
    assert "no SIRET" in kept["row 3"]
    assert "Nous consulter" in kept[siret(1)]


def test_a_table_of_finess_keeps_what_its_columns_say_and_can_be_corrected(tmp_path: Path) -> None:
    head = "siret,finess_et,denomination,adresse,code_postal,commune,departement,places,activites,atelier"
    row = f'{siret(1)},740000001,ESAT du Lac,1 rue,74000,Annecy,74,40,"Espaces verts ; Blanchisserie",Bois'
    path = written(tmp_path, f"{head}\n{row}\n", "esat.csv")
    (structure,) = gather.gather([path]).structures
    assert {"Espaces verts", "Blanchisserie", "Bois"} <= {offer.title for offer in structure.offers}
    (structure,) = gather.gather([path], {"description": "atelier"}).structures
    assert structure.description == "Bois"
    code, out, _ = run("columns", path, "--format", "jsonl")
    shown = {row["column"]: row["taken for"] for row in map(json.loads, out.splitlines())}
    assert (code, shown["activites"], shown["places"]) == (0, "offer", "places")


@pytest.mark.parametrize(("layout", "text", "expected"), cases("layouts of tables"))
def test_a_table_is_read_however_it_is_laid_out(layout: str, text: str, expected: list[list[str]]) -> None:
    structures = read(Sheet("members.csv", text.encode(), ()))
    told = [[s.name, s.place.label, s.offers[0].title if s.offers else ""] for s in structures]
    assert told == expected, layout
    assert not any(one.phone.startswith("06") or one.kind.islower() for one in structures)


def test_a_sheet_of_names_completes_the_structures_of_the_others(tmp_path: Path) -> None:
    contacts = [
        ("Structure", "Téléphone", "Mail"),
        ("ASSO. PRÉS DU GUÉ (ACI)", "0555000001", "gue@example.org"),
        ("Les Halles", "0555000002", None),
        ("Ti Nevez", "0555000003", "nevez@example.org"),
    ]
    members = [
        ("Nom", "Type", "Ville", "Activité", "ETP", "Nb places"),
        ("Les Prés du Gué", "ACI", "Metz", "tonte", 7, 90),
        ("Les Halles", "EI", "Metz", "ménage", None, 12),
        ("Les Halles", "ESAT", "Nancy", "ménage", 8, 60),
    ]
    (tmp_path / "reseau.xlsx").write_bytes(workbook(Sheet=contacts, Membres=members))
    found = gather.gather([tmp_path / "reseau.xlsx"])
    expected = [("05 55 00 00 01", "gue@example.org", 7), ("", "", 12), ("", "", 60)]
    assert [(one.phone, one.email, one.headcount) for one in found.structures] == expected
    assert [bad.record for bad in found.rejected] == ["Sheet row 3 (Les Halles)", "Sheet row 4 (Ti Nevez)"]
    command = [sys.executable, "-m", "matcher", "read", str(tmp_path / "reseau.xlsx")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "1 row of other sheets joined to structures by their names, 2 could not be" in done.stderr


def test_a_number_that_cannot_be_used_rejects_no_row_that_has_a_name_and_a_place() -> None:
    text = "Nom;N° SIRET;Ville;Activité\nA;W571000001;Metz;tonte\nB;SIREN 000000018;Metz;tonte\nC;en cours;Metz;tonte\n"
    found = read(Sheet("members.csv", f"{text}D;{siret(4)};Metz;tonte\n".encode(), ()))
    assert [one.siret[:4] for one in found] == ["W571", "0000", "NOM-", "0000"]
    assert found[1].siret.startswith("000000018-") and "no-siret" in found[1].flags
    assert ["number-unread" in str(one.flags) for one in found] == [True, False, False, False]


@pytest.mark.parametrize(("zone", "departments", "radius"), cases("zones as people say them"))
def test_a_zone_is_read_as_people_say_it(zone: str, departments: list[str], radius: float | None) -> None:
    text = f"Nom;Siret;Ville;Secteur d'intervention\nA;{siret(1)};Rodez;{zone}\nB;{siret(2)};Rodez;À préciser avec nous\n"
    one, other = read(Sheet("members.csv", text.encode(), ()))
    assert one.zone is not None
    held = [*sorted(one.zone.departments), *one.zone.groupings, *one.zone.communes]
    assert (held, one.zone.radius_km) == (departments, radius)
    unknown = any(words in zone for words in ("Vallée", "Saumurois", "Trifouillis"))
    assert (f"zone-guessed: {zone}" in one.flags) == unknown
    assert other.zone is None and "zone-unread: À préciser avec nous" in other.flags


TICKED = {
    "Partenaire;Siret;Ville;À cocher;;\n;;;Propreté;Paysage;Traiteur\n": [],
    "Partenaire;Siret;Ville;P.;Paysage;T.\n": ["ticked=P.", "ticked=Paysage"],
}


@pytest.mark.parametrize("head", TICKED)
def test_several_columns_are_ticked(tmp_path: Path, head: str) -> None:
    rows = f"Les Prés;{siret(1)};Metz;;x;\nLe Lavoir;{siret(2)};Nancy;x;X;\n"
    path, asked = written(tmp_path, head + rows), dict(_columns.pairs(TICKED[head]) or {})
    found = gather.gather([path], asked).structures
    assert [len(one.offers) for one in found] == [1, 2] and found[0].offers[0].title == "Paysage"


@pytest.mark.parametrize("number", ["100{}", "1000{}"])
def test_numbers_of_a_network_are_no_postcodes(tmp_path: Path, number: str) -> None:
    towns = enumerate(("LE PUY EN VELAY", "BRIOUDE", "YSSINGEAUX"), 1)
    rows = "".join(f"{number.format(n)};Atelier {n};{siret(n)};43000 {town}\n" for n, town in towns)
    for town, cells in (("CP - Ville", rows), ("Ville", rows.replace("43000 ", ""))):
        path = written(tmp_path, f"Code etab.;Raison sociale;SIRET;{town}\n{cells}")
        assert [one.place.department for one in gather.gather([path]).structures] == ["43"] * 3


@pytest.mark.parametrize(("silence", "told"), [([], True), (["--quiet"], False)])
def test_quiet_holds_for_the_process_that_reads(tmp_path: Path, silence: list[str], told: bool) -> None:
    head = ["Nom", "Ville", "Activité"]
    pages = {name: [head, [f"Atelier {name}", "Brioude", "nettoyage"]] for name in ("EI", "EA")}
    (tmp_path / "members.xlsx").write_bytes(workbook(**pages))
    line = [sys.executable, "-m", "matcher", *silence, "read", str(tmp_path / "members.xlsx")]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert ("rows of 2 sheets" in done.stderr) is told and bool(done.stderr) is told
