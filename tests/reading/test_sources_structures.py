"""Lists of structures: guessed columns, several shapes, and what a bad cell says."""

import io
import json
import re
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

from bombs import packed
from matcher import plugins
from matcher.domain import BadInput, Rejected, Structure, Zone
from matcher.matching.reasons import warnings
from matcher.reading import gather
from matcher.reading.sources import _tabular, directory, entreprises, lemarche
from matcher.reference.identifiers import UNSTATED, luhn, siret_valid
from matcher.reference.paths import shared_dir
from papers import workbook
from records import cases, facts, parted, published, tupled
from sheets import siret

A, B = siret(11), siret(22)


def read(content: str | bytes, name: str = "a.csv", **options: Any) -> tuple[list[Structure], list[Rejected]]:
    raw = content.encode() if isinstance(content, str) else content
    return parted(directory.read(io.BytesIO(raw), name, **options))


ROWS = (
    ("SIRET", "Raison sociale", "Type de structure", "Ville", "Code postal", "Offre de service"),
    (A, "Jardins d'Éole", "Atelier et chantier d'insertion", "Nantes", "44000", "Entretien d'espaces verts"),
    (B, "Brigade nette", "Entreprise d'insertion", "Lyon", "69003", "Nettoyage de bureaux"),
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_csv_is_read_whatever_its_separator_and_encoding(delimiter: str, encoding: str) -> None:
    text = "\r\n".join(delimiter.join(row) for row in ROWS)
    structures, rejected = read(text.encode(encoding))
    assert not rejected
    assert [s.name for s in structures] == ["Jardins d'Éole", "Brigade nette"]
    assert [s.kind for s in structures] == ["ACI", "EI"]
    assert structures[0].place.department == "44"
    assert structures[0].offers[0].title == "Entretien d'espaces verts"


def test_mixed_encodings_are_read_and_an_unclosed_quotation_mark_loses_no_silent_row() -> None:
    head, first, second = (";".join(row) for row in ROWS)
    content = f"{head}\n{first}\n".encode("cp1252") + second.replace("nette", "nétte").encode()
    assert [s.name for s in read(content)[0]] == ["Jardins d'Éole", "Brigade nétte"]
    structures, rejected = read(f'siret;nom;ville\n{A};X;Metz\n{B};"Y;Metz\n')
    assert [s.siret for s in structures][:1] == [A]
    assert len(structures) + len(rejected) >= 2


def test_xlsx_by_text_and_by_number() -> None:
    third = (int(siret(9_123)), "Trois", "ESAT", "Lille", 59000, "Blanchisserie")
    structures, rejected = read(workbook([*ROWS, third]), "members.xlsx")
    assert [s.name for s in structures] == ["Jardins d'Éole", "Brigade nette", "Trois"]
    # An invented SIRET begins with zeros, which a number cannot hold: three are lost, and said.
    assert not rejected
    assert any("format the column as text" in flag for flag in structures[2].flags)


def test_offers_by_repeated_siret_by_numbered_columns_and_in_one_cell_are_the_same() -> None:
    repeated = f"siret;nom;type;ville;offre\n{A};X;ESAT;Metz;Blanchisserie\n{B};Y;EA;Metz;Reprographie\n{A};X;ESAT;Metz;Mise sous pli\n"
    numbered = f"siret;nom;type;ville;offre_1;offre_2\n{A};X;ESAT;Metz;Blanchisserie;Mise sous pli\n{B};Y;EA;Metz;Reprographie;\n"
    one_cell = f'siret,nom,type,ville,offre\n{A},X,ESAT,Metz,"Blanchisserie ; Mise sous pli"\n{B},Y,EA,Metz,Reprographie\n'
    expected = [(A, ("Blanchisserie", "Mise sous pli")), (B, ("Reprographie",))]
    named = [{"siret": s, "name": "X", "kind": "ESAT", "city": "Metz"} for s, _ in expected]
    pairs = [(facts, titles) for facts, (_, titles) in zip(named, expected, strict=True)]
    nested = [{**facts, "offers": [{"title": t} for t in titles]} for facts, titles in pairs]
    listed = [{**facts, "offres": titles} for facts, titles in pairs]
    # headings in the plural, which are keys of lists in JSON
    plural = [one_cell.replace("offre", word) for word in ("Activités", "Offres", "Prestations")]
    written = "\n".join(map(json.dumps, nested)), json.dumps(listed)
    for content in (repeated, numbered, one_cell, *plural, *written):
        structures, _ = read(content)
        assert [(s.siret, tuple(offer.title for offer in s.offers)) for s in structures] == expected
        assert len({offer.id for s in structures for offer in s.offers}) == 3


def test_a_file_in_which_no_structure_says_what_it_does_is_told(tmp_path: Path) -> None:
    (tmp_path / "mute.csv").write_text(f"siret;nom;type;Suivi\n{A};X;ESAT;voir la fiche\n")
    (tmp_path / "said.csv").write_text(f"siret;nom;type;Activités\n{B};Y;EA;Reprographie\n")
    lines = list(gather.gather([tmp_path]).summary())
    assert any("no structure of mute.csv says what it does" in line for line in lines)
    assert not any("said.csv" in line for line in lines)


@pytest.mark.parametrize(
    "town", ["Metz centre", "metz (Queuleu)", "à Metz", "près de Metz", "quartier Nord, Metz"]
)
def test_a_town_written_loosely_is_found(town: str) -> None:
    (one,), rejected = read(f"Nom;Ville;Activité\nLes Jardins;{town};tonte\n")
    assert (one.place.commune, one.place.label) == ("57463", town) and not rejected
    (wide,), _ = read("Nom;Ville;Activité\nLes Jardins;Vaucluse (à vérifier);tonte\n")
    assert facts(wide, "place.department place.commune flags") == ("84", None, ("no-siret", "kind-missing"))


def test_a_town_that_nobody_knows_is_told_and_keeps_what_else_is_known(tmp_path: Path) -> None:
    listed = tmp_path / "members.csv"
    listed.write_text(
        "Nom;Ville;Dép;Activité\nLes Jardins;Zorglubville;57;tonte\nAutre;Metz;;tonte\nX;Zzyx;;tonte\nY;Courtomer;;tonte\n"
    )
    gathered = gather.gather([listed])
    assert [s.place.department for s in gathered.structures] == ["57", "57"]
    refused, homonym = gathered.rejected
    assert "'Zzyx' is no place known" in refused.reason
    assert "'Courtomer' is the name of several places: add its postcode" in homonym.reason
    (unknown,) = (line for line in gathered.summary() if "1 structure whose town is not known" in line)
    assert "Zorglubville" in unknown


@pytest.mark.parametrize(("cell", "words"), cases("numbers that are no SIRET"))
def test_a_siret_that_cannot_be_read_is_told_with_its_remedy(cell: str, words: str) -> None:
    """Who has a name and a place is kept by these; who has none is set aside."""
    structures, rejected = read(f"siret;nom;type;ville\n{cell};X;EI;Metz\n{A};Y;EI;Metz\n{cell};Z;EI;\n")
    assert [(s.name, s.siret[:4]) for s in structures] == [("X", "NOM-"), ("Y", A[:4])]
    assert any(flag.startswith("number-unread") and words in flag for flag in structures[0].flags)
    assert [(r.record, words in r.reason) for r in rejected] == [("row 4", True)]


def test_who_has_neither_a_number_nor_a_name_with_a_place_is_set_aside() -> None:
    (nowhere, unnamed), rest = read("SIRET;Nom;Ville;Activité\n;Les Jardins;;tonte\n;;Metz;tonte\n")[::-1]
    assert (nowhere.reason, unnamed.reason) == (UNSTATED, UNSTATED) and not rest
    with pytest.raises(BadInput, match="names with two of these: a place"):
        read("Nom;Type\nLes Jardins;EI\n")


def test_spaces_and_a_lost_leading_zero_are_mended_when_the_sums_prove_it() -> None:
    spaced = f"{A[:3]} {A[3:6]} {A[6:9]} {A[9:]}"
    numbers = (f"06{n:03d}001{d}0001{e}" for n, d, e in product(range(100, 999), range(10), range(10)))
    real_zero = next(number for number in numbers if luhn(number[:9]) and siret_valid(number))
    structures, rejected = read(f"siret;nom;type;ville\n{spaced};X;EI;Metz\n{real_zero[1:]};Y;EI;Metz\n")
    assert [s.siret for s in structures] == [A, real_zero]
    assert structures[1].flags == ("siret-padded",)
    assert not rejected


def test_a_kind_to_be_verified_is_told_and_one_siret_under_two_kinds_is_two_structures() -> None:
    ((unsure,), _) = read(f"siret;nom;type;ville\n{A};Y;EA (à vérifier);Metz\n")
    assert unsure.kind == "EA" and any("type à vérifier" in text for text in warnings(unsure, None))
    rows = f"{A};X;EI;Metz;a b c\n{A};X;ACI;Metz;d e f\n{A};X;EI;Metz;g h i\n"
    structures, _ = read(f"siret;nom;type;ville;offre\n{rows}")
    assert [(s.kind, len(s.offers)) for s in structures] == [("EI", 2), ("ACI", 1)]
    assert len({offer.id for s in structures for offer in s.offers}) == 3


@pytest.mark.parametrize(("cell", "zone"), cases("zones in a list"))
def test_zones_are_understood(cell: str, zone: dict[str, Any] | None) -> None:
    (structure,), _ = read(f'siret;nom;type;ville;zone d\'intervention\n{A};X;EI;Metz;"{cell}"\n')
    found = structure.zone
    told = found and {name: stated for name, stated in asdict(found).items() if stated}
    told = told and {name: sorted(v) if isinstance(v, tuple) else v for name, v in told.items()}
    assert told == zone


@pytest.mark.parametrize(("town", "area"), cases("areas called after a town"))
def test_an_area_is_reached_from_the_town_that_it_is_called_after(town: str, area: str) -> None:
    (structure,), _ = read(f"siret;nom;type;ville;zone\n{A};X;EI;{town};{area}\n")
    assert structure.zone and (structure.zone.radius_km or 0) < 25
    assert structure.zone == Zone(radius_km=structure.zone.radius_km, groupings=structure.zone.groupings)
    assert bool(structure.zone.groupings) == (town != "Quiberon")
    assert not any("zone" in flag for flag in structure.flags)


@pytest.mark.parametrize(("people", "turnover", "expected"), tupled("hedged figures"))
def test_hedged_figures(people: str, turnover: str, expected: tuple[float | None, float | None]) -> None:
    (one,), _ = read(f"siret;nom;type;ville;effectif;CA\n{A};X;EI;Metz;{people};{turnover}\n")
    assert (one.headcount, one.turnover) == expected
    unread = [flag for flag in one.flags if flag.startswith("figure-unread")]
    told = [f"figure-unread: {turnover}", f"figure-unread: {people}"]
    assert unread == (told if expected[0] is None else [])


def test_a_correction_changes_no_other_column() -> None:
    listed = [("AB", "Atelier Bleu (EI)"), ("DP", "Domicile Plus (AI)"), ("RI", "Relais Intérim (ETTI)")]
    numbered = enumerate(listed)
    rows = [f"{short};{name};Lorient;propreté, vitres;02 97 00 00 0{n}" for n, (short, name) in numbered]
    content = "\n".join(["Sigle;Intitulé complet;Ville;d'intervention;tél", *rows])
    for columns in ({}, {"offer": "d'intervention"}):
        structures, _ = read(content, columns=columns)
        assert [one.name for one in structures] == [name for _, name in listed]
        assert [one.kind for one in structures] == ["EI", "AI", "ETTI"]


def test_a_means_of_contact_that_is_named_is_the_one_and_one_refused_is_read_nowhere() -> None:
    content = (
        "Nom;SIRET;Type;Ville;Activité;Tél fixe;Tél portable;Courriel\n"
        f"X;{A};EI;Metz;espaces verts / blanchisserie;03 87 11 22 33;06 11 22 33 44;x@example.org\n"
    )
    for columns, phone, email in (
        ({}, "03 87 11 22 33", "x@example.org"),
        ({"phone": "Tél portable"}, "06 11 22 33 44", "x@example.org"),
        ({"email": ""}, "03 87 11 22 33", ""),
    ):
        (one,), _ = read(content, columns=columns)
        assert (one.phone, one.email) == (phone, email)
        assert [offer.title for offer in one.offers] == ["espaces verts", "blanchisserie"]


def test_the_guess_takes_no_count_for_the_thing_and_is_shown_and_corrected() -> None:
    found = directory.mapping(["siret", "nom", "nb_postes", "date offre", "tranche_effectifs"])
    assert found == {"siret": "siret", "name": "nom", "headcount_band": "tranche_effectifs"}
    headings = ("Identifiant long", "Appellation", "N° de SIRET", "Libellé court", "Commune")
    assert directory.mapping(headings) == {"siret": "N° de SIRET", "town": "Commune"}
    content = ";".join(headings) + f"\n17;La Ruche;{A};ruche;Metz\n"
    (structure,), _ = read(content, columns={"name": "Appellation", "brand": "Libellé court"})
    assert (structure.name, structure.brand) == ("La Ruche", "ruche")
    with pytest.raises(BadInput, match=r"no column 'Nope'; the columns are Identifiant long"):
        read(content, columns={"name": "Nope"})
    with pytest.raises(BadInput, match=r"no field 'nom'; the fields are .*name"):
        read(content, columns={"nom": "Appellation"})


def test_a_list_of_jobs_without_names_gives_offers_to_be_merged() -> None:
    row = f"{A},ACI,A1203,Espaces verts,Tonte et taille"
    (structure,), _ = read(f"siret,type,rome,rome_libelle,description\n{row}\n")
    assert "offers-only" in structure.flags
    assert (structure.offers[0].title, structure.offers[0].text) == ("Espaces verts", "Tonte et taille")


@pytest.mark.parametrize("source", ["directory", "table", "finess"])
def test_each_field_of_a_table_is_explained(source: str) -> None:
    guide = Path("docs/how-to/spreadsheet.md").read_text(encoding="utf-8").partition("## The fields")[2]
    fields = set(plugins.find("reading.sources", source).FIELDS)
    assert fields <= set(re.findall("`([a-z_]+)`", guide))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        *((empty, "is empty") for empty in (b"", b"\n\n", b"\xef\xbb\xbf\n")),
        (b"<html><body>no table</body></html>", "give CSV, XLSX"),
        (b"a;b\n1;2\n", "needs a column of SIRETs"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel workbook"),
        (b"PK\x03\x04[Content_Types].xml garbage", "damaged workbook"),
    ],
)
def test_files_of_other_shapes_say_what_to_give(content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read(content)


def test_truncated_json_keeps_what_is_whole() -> None:
    first, second = {"siret": A, "name": "X", "kind": "EI", "city": "Metz"}, {"siret": B, "name": "Y"}
    structures, rejected = read(json.dumps([first, second], indent=1)[:-20], "list.json")
    assert [s.siret for s in structures] == [A]
    assert "cut short" in rejected[0].reason
    lines = json.dumps(first), '{"siret": "12', json.dumps(second)
    structures, rejected = read("\n".join(lines), "list.jsonl")
    assert [s.siret for s in structures] == [A, B]
    assert rejected[0].record == "line 2"


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(_tabular, "MAX_UNPACKED", 1 << 20)
    bomb = packed({"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": bytes(2 << 20)})
    with pytest.raises(BadInput, match="unpacks to 2 MB"):
        read(bomb, "bomb.xlsx")


def test_deep_nesting_and_huge_numbers_are_set_aside() -> None:
    deep = '{"siret": ' + "[" * 100_000 + "]" * 100_000 + "}"
    huge = '{"siret": "' + A + '", "name": "X", "turnover": 1e999, "latitude": ' + "9" * 400 + "}"
    structures, rejected = read(huge + "\n" + deep, "x.jsonl")
    assert [r.record for r in rejected] == ["line 2"]
    assert [s.place.latitude for s in structures] == [None]
    with pytest.raises(BadInput, match="nested too deep"):
        read(deep, "x.json")


def test_a_page_of_le_marche() -> None:
    raw = json.dumps(published("lemarche page")).encode()
    assert lemarche.recognises("page.json", raw)
    assert not directory.recognises("page.json", raw)
    (structure,), (_,) = parted(lemarche.read(io.BytesIO(raw), "page.json"))
    expected = ("EA", "https://dulac.example", ("UNEA",), ("ISO 9001",))
    assert facts(structure, "kind website networks labels") == expected
    zones = {offer.title: offer.zone for offer in structure.offers}
    assert [offer.nature for offer in structure.offers][:2] == ["description", "offer"]
    assert zones["Routage"] == Zone(country=True)
    assert zones["Imprimerie"] == Zone(radius_km=40)
    assert zones["Reliure"] == Zone(departments=("73",), regions=("53",))
    assert next(o for o in structure.offers if o.title == "Routage").service_types == ("DISP",)
    # Being listed as active is the market's word, not the register's.
    assert (structure.active, structure.convention) == (None, "active")


def register_result(**changes: Any) -> dict[str, Any]:
    office = published("entreprises office", **changes.pop("office", {}))
    return published("entreprises", siege=office, matching_etablissements=[office], **changes)


def one(result: dict[str, Any]) -> Structure:
    page = json.dumps({"results": [result], "total_results": 1, "page": 1}).encode()
    assert entreprises.recognises("page.json", page)
    assert not lemarche.recognises("page.json", page)
    (structure,) = entreprises.read(io.BytesIO(page), "page.json")
    assert isinstance(structure, Structure)
    return structure


def test_a_page_of_the_register() -> None:
    structure = one(register_result())
    assert facts(structure, "name brand kind naf") == ("NETTOIE", "NET", "EI", "8121Z")
    assert (structure.active, structure.headcount, structure.turnover) == (True, 34.5, 400_000)
    assert structure.labels == ("ESS", "SIAE")
    assert (structure.place.commune, structure.place.latitude) == ("57463", 49.1042)


@pytest.mark.parametrize(
    ("unit", "site", "active"), [("A", "A", True), ("C", "A", False), ("A", "F", False), (None, None, None)]
)
def test_open_when_unit_and_office_are(unit: str | None, site: str | None, active: bool | None) -> None:
    assert one(register_result(etat_administratif=unit, office={"etat_administratif": site})).active is active


HIDDEN = {"statut_diffusion": "P"}, {"office": {"statut_diffusion_etablissement": "P"}}


@pytest.mark.parametrize("hidden", HIDDEN, ids=["unit", "office"])
def test_partial_diffusion_hides_name_and_address(hidden: dict[str, Any]) -> None:
    structure = one(register_result(**hidden))
    assert "partial-diffusion" in structure.flags
    shown = json.dumps([structure.name, structure.brand, structure.address])
    assert "NETTOIE" not in shown and "RUE DU TEST" not in shown
    assert structure.place.commune == "57463" and structure.place.latitude != 49.1042
    assert structure.active is True


def test_the_kind_falls_back_on_the_legal_form() -> None:
    assert one(register_result(complements={"est_ess": True})).kind == "SCOP"
    assert one(register_result(complements={}, nature_juridique="9220")).kind == "ASSO"
    assert one(register_result(complements={"est_ess": True}, nature_juridique="5710")).kind == "ESS"


@pytest.mark.shared
@pytest.mark.parametrize(("file", "count"), cases("real lists"))
def test_real_lists_are_read_whole(file: str, count: int) -> None:
    path: Path = shared_dir() / "data" / "structures" / file
    if not path.exists():
        pytest.skip("no real data: set MATCHER_SHARED")
    with path.open("rb") as stream:
        assert directory.recognises(file, stream.read(65_536))
        records = list(directory.read(stream, file))
    assert not [record for record in records if isinstance(record, Rejected)]
    # A SIRET listed under two kinds is two structures.
    assert len({(r.siret, r.kind) for r in records if isinstance(r, Structure)}) == len(records) == count
