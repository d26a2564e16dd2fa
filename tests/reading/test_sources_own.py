"""Notices of one's own: tables with guessed columns, purchases announced ahead, the consultation file."""

import io
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

from bombs import packed
from matcher.domain import BadInput, Rejected, Structure, Tender
from matcher.reading import files as files_
from matcher.reading.need import typed_need
from matcher.reading.sources import documents, table
from matcher.reference.french import iso
from papers import pdf, word, workbook
from records import cases, facts, parted

#: Invented; it belongs to nobody: its SIREN begins with 000.
BUYER = "00000011700010"


def read(content: str | bytes, name: str = "own.csv", **options: Any) -> tuple[list[Tender], list[Rejected]]:
    raw = content.encode() if isinstance(content, str) else content
    return parted(table.read(io.BytesIO(raw), name, **options))


CSV = f"""Référence;Objet;Acheteur;SIRET acheteur;Code postal;Ville;Date limite de remise des offres;Montant estimé;N° lot;Intitulé du lot;Code CPV
A-1;Entretien du parc;Ville d'Essai;{BUYER};57000;Metz;12/03/2026 à 12h00;50 000 €;1;Tonte;77310000-6
A-1;Entretien du parc;Ville d'Essai;{BUYER};57000;Metz;12/03/2026 à 12h00;20 000 €;2;Élagage;77211500
B-2;Repas;Collège;;54000;Nancy;;;;;
"""


def test_rows_of_one_reference_are_the_lots_of_one_notice() -> None:
    (park, meals), rejected = read(CSV)
    assert not rejected
    mowing, pruning = (facts(lot, "number title amount cpv") for lot in park.lots)
    assert mowing == ("1", "Tonte", 50_000, ("77310000",))
    assert pruning == ("2", "Élagage", 20_000, ("77211500",))
    assert facts(park, "reference buyer.name buyer.id nature") == ("A-1", "Ville d'Essai", BUYER, "call")
    assert park.lots[0].places[0].commune == "57463"
    assert park.deadline is not None and iso(park.deadline) == "2026-03-12T12:00+01:00"
    (lot,) = meals.lots
    assert (lot.title, lot.amount, meals.deadline) == ("Repas", None, None)
    assert len({lot.id for tender in (park, meals) for lot in tender.lots}) == 3


def test_files_of_notices_and_of_structures_are_told_apart() -> None:
    found = files_.recognise("notices.csv", CSV.encode())
    assert [module.__name__.rsplit(".")[-1] for module in found] == ["table"]
    head = ["Référence", "Objet", "Date limite"]
    notices = workbook([head, ["A", "Taille de haies", datetime(2026, 3, 12, 16, 30)]])
    (tender,) = files_.read_bytes(notices, "own.xlsx")
    assert isinstance(tender, Tender) and tender.deadline is not None
    assert iso(tender.deadline) == "2026-03-12T16:30+01:00"
    members = workbook([["SIRET", "Nom", "Type", "Ville"], [BUYER, "X", "EI", "Metz"]])
    (structure,) = files_.read_bytes(members, "own.xlsx")
    assert isinstance(structure, Structure)


DAY = "2027-01-15"
DAYS = {"15/01/2027": DAY, f"{DAY} 00:00": DAY, "15/01/2027 à 12h": f"{DAY}T12:00+01:00"}


@pytest.mark.parametrize(("cell", "told"), DAYS.items())
def test_a_day_without_an_hour_stays_one(cell: str, told: str) -> None:
    (tender,), _ = read(f"objet;acheteur;date limite\nX;Y;{cell}\n")
    assert tender.deadline is not None and iso(tender.deadline) == told


def test_the_columns_are_corrected_by_map() -> None:
    content = "Numéro interne;Chose voulue;Qui\n1;Tonte;Ville\n"
    with pytest.raises(BadInput, match=r"--map title=COLUMN"):
        read(content)
    (tender,), _ = read(content, columns={"title": "Chose voulue", "buyer": "Qui"})
    assert (tender.title, tender.buyer.name) == ("Tonte", "Ville")
    with pytest.raises(BadInput, match="no column"):
        read(content, columns={"title": "Nope"})


def test_bad_rows_are_set_aside_and_the_good_go_on() -> None:
    tenders, rejected = read("référence;objet;acheteur\n1;;Y\n2;Tonte;Y\n2;Tonte encore;Y\n")
    assert [t.title for t in tenders] == ["Tonte"]
    assert [r.record for r in rejected] == ["row 2", "row 4"]
    assert "stands twice" in rejected[1].reason
    (tender,), _ = read("objet;acheteur;date limite;cpv\nTonte;Y;31/02/2026;123\n")
    assert (tender.deadline, tender.lots[0].cpv) == (None, ())


((RULES,),) = cases("rules of a consultation")


def one(data: bytes, name: str) -> Tender:
    (tender,) = [record for record in files_.read_bytes(data, name) if isinstance(record, Tender)]
    return tender


@pytest.mark.parametrize("kind", ["pdf", "docx", "zip"])
def test_a_consultation_gives_what_it_states(kind: str) -> None:
    data = word(RULES) if kind == "docx" else pdf(RULES)
    tender = one(packed({"RC.pdf": data}) if kind == "zip" else data, f"consultation.{kind}")
    assert (tender.title, tender.reference) == ("Entretien des espaces extérieurs", "2026-ESP-04")
    assert (tender.buyer.name, tender.buyer.id) == ("Communauté de communes d'Essai", BUYER)
    assert tender.deadline is not None and iso(tender.deadline) == "2026-03-12T12:00+01:00"
    expected = [("1", "Tonte des pelouses"), ("2", "Désherbage des allées")]
    assert [(lot.number, lot.title) for lot in tender.lots] == expected
    first, second = tender.lots
    labels = [condition.label for condition in first.conditions if condition.code == "criterion"]
    assert labels == ["Valeur technique : 60 %", "Prix des prestations : 40 %"]
    assert first.reservation is None
    assert second.reservation is not None and second.reservation.articles == ("L2113-12",)
    assert any(condition.code == "visit" for condition in first.conditions)
    assert tender.flags == ()


def test_what_is_not_stated_stays_unknown() -> None:
    words = "Il faut entretenir les massifs de la commune toute l'annee."
    tender = one(pdf(f"Cahier des charges\n{words}"), "Mon_cahier.pdf")
    assert (tender.title, tender.flags) == (words, ("title-from-text",))
    assert facts(tender, "reference buyer.name deadline published") == ("", "", None, None)
    (lot,) = tender.lots
    assert facts(lot, "cpv amount reservation places") == ((), None, None, ())
    assert "massifs" in lot.description


def test_lots_of_a_table_of_a_word_file() -> None:
    rows = [["Lot n°", "Désignation", "Prix"], ["1", "Blanchisserie", "x"], ["2", "Location de linge", "y"]]
    tender = one(word("Objet du marché : Linge", rows), "linge.docx")
    assert [[lot.number, lot.title] for lot in tender.lots] == [row[:2] for row in rows[1:]]


def test_the_rules_speak_first_in_an_archive_and_a_bad_member_is_set_aside() -> None:
    words = word("Objet du marché : Clauses techniques")
    bad = {"plan.pdf": pdf(""), "secret.pdf": pdf(RULES, password="x")}
    papers = {"CCTP.docx": words, "RC.pdf": pdf(RULES), **bad}
    (tender,), aside = parted(files_.read_bytes(packed(papers), "dce.zip"))
    assert tender.title == "Entretien des espaces extérieurs"
    reasons = {r.record: r.reason for r in aside}
    assert "run a text recognition" in reasons["plan.pdf"]
    assert "save it without one" in reasons["secret.pdf"]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NO_WORDS = {"word/document.xml": b"<a/>", "[Content_Types].xml": b"<Types/>"}


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (lambda: pdf(""), "scan.pdf", "text recognition"),
        (lambda: pdf(RULES, password="x"), "secret.pdf", "password"),
        (lambda: b"%PDF-1.7\n" + bytes(500), "broken.pdf", "damaged PDF"),
        (lambda: pdf(RULES)[:300], "cut.pdf", "damaged PDF|text recognition"),
        (lambda: OLE + bytes(600), "old.doc", r"save it as \.docx"),
        (lambda: packed(NO_WORDS), "x.docx", "Word file"),
        (lambda: word(""), "empty.docx", "without text"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(data: Any, name: str, words: str) -> None:
    raw = data()
    assert documents.recognises(name, raw[:65_536])
    with pytest.raises(BadInput, match=words):
        list(documents.read(io.BytesIO(raw), name))


def test_a_word_file_with_entities_or_a_bomb_is_refused(monkeypatch: MonkeyPatch) -> None:
    entities = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    with pytest.raises(BadInput, match="entities"):
        list(documents.read(io.BytesIO(packed({"word/document.xml": entities})), "x.docx"))
    monkeypatch.setattr(documents, "MAX_FILE", 1 << 20)
    with pytest.raises(BadInput, match="as a bomb would"):
        list(documents.read(io.BytesIO(packed({"word/document.xml": bytes(2 << 20)})), "x.docx"))
    big = packed({"a.pdf": bytes(2 << 20)})
    with pytest.raises(BadInput, match="over 1 MB"):
        list(documents.read(io.BytesIO(big), "x.zip"))


DRAFTS = [draft for (draft,) in cases("drafts of notices")]


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_draft_pasted_is_read_as_the_same_file_is(draft: str) -> None:
    def said(tender: Tender) -> object:
        of_lot = "number title places reservation clauses amount deadline inferred"
        return facts(tender, "title buyer deadline"), [facts(lot, of_lot) for lot in tender.lots]

    pasted = said(typed_need(draft))
    for data, name in ((draft.encode(), "a.txt"), (word(draft), "a.docx"), (pdf(draft), "a.pdf")):
        assert said(one(data, name)) == pasted, name


def test_what_a_draft_says_under_a_lot_is_of_that_lot_alone() -> None:
    building, catering, papers = map(typed_need, DRAFTS)
    assert [lot.reservation is not None for lot in building.lots] == [True, False, False]
    assert [[one.hours for one in lot.clauses] for lot in building.lots] == [[], [1200.0], [2000.0]]
    assert {place.commune for lot in building.lots for place in lot.places} == {"93048"}
    assert [lot.reservation is not None for lot in catering.lots] == [True, False]
    assert [lot.amount for lot in catering.lots] == [90_000.0, None]
    assert [lot.reservation is not None for lot in papers.lots] == [False, True]


def test_dates_in_words_and_figures() -> None:
    for stated in ("12/03/2026 à 12:00", "jeudi 12 mars 2026 à 12 h 00", "12 mars 2026 avant 12H00"):
        text = f"Objet : Tonte des pelouses communales\nDate limite de remise des plis : {stated}"
        tender = one(pdf(text), "x.pdf")
        assert tender.deadline is not None
        assert (tender.deadline.date(), tender.deadline.hour) == (date(2026, 3, 12), 12)


def test_guessed_columns_are_shown_and_corrected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from matcher.commands import columns

    def shown(text: str, *mapped: str) -> dict[str, str]:
        (path := tmp_path / "own.csv").write_text(text, encoding="utf-8")
        columns.run(path, source=None, map=[*mapped], format="jsonl")
        rows = map(json.loads, capsys.readouterr().out.splitlines())
        return {row["column"]: row["taken for"] for row in rows}

    told = shown("Objet;Qui;Date limite\nTonte;Ville;12/03/2026\n", "buyer=Qui")
    assert told == {"Objet": "title", "Qui": "buyer", "Date limite": "deadline"}
    told = shown(f"SIRET;Nom;Couleur\n{BUYER};X;vert\n")
    assert told == {"SIRET": "siret", "Nom": "name", "Couleur": ""}
    with pytest.raises(BadInput, match="--source directory or table"):
        shown("a;b\n1;2\n")


TRADES = "Tonte des stades", "Taille des haies du cimetière"
PRICES = [["Lot n°", "Désignation", "Prix"], *([n, trade, n * 10] for n, trade in enumerate(TRADES, 1))]


def test_a_sheet_in_a_consultation_is_a_part_of_it_and_may_hold_its_lots() -> None:
    papers = {"annexes/CCTP.docx": word("Travaux de tonte"), "BPU.xlsx": workbook(PRICES)}
    (tender,) = files_.read_bytes(packed({"RC.pdf": pdf(RULES), **papers}), "dce.zip")
    assert isinstance(tender, Tender) and tender.format == "documents"
    assert tender.title == "Entretien des espaces extérieurs"
    assert "Taille des haies du cimetière" in tender.description and "Travaux de tonte" in tender.description
    rules = "Objet du marché : Espaces verts\nDate limite de remise des offres : 12/03/2026".encode()
    tender = one(packed({"RC.txt": rules, "lots.xlsx": workbook(PRICES)}), "dce.zip")
    expected = [("1", "Tonte des stades"), ("2", "Taille des haies du cimetière")]
    assert [(lot.number, lot.title) for lot in tender.lots] == expected


def test_a_form_in_xml_next_to_the_papers_is_no_notice_and_old_files_name_their_remedy() -> None:
    form = b'<?xml version="1.0"?><espd-request:ESPDRequest xmlns:espd-request="urn:x"/>'
    papers = {"RC.pdf": pdf(RULES), "espd-request.xml": form, "CCAP.doc": OLE[:4], "plan.dwg": b"AC"}
    (_,), (old,) = parted(files_.read_bytes(packed(papers), "dce.zip"))
    assert "save it as .docx" in old.reason


def test_archives_within_a_consultation_are_read_to_a_bound() -> None:
    inner = packed({"lot 1/CCTP.docx": word("Fauchage des talus")})
    (tender,) = files_.read_bytes(packed({"RC.pdf": pdf(RULES), "lot1.zip": inner}), "dce.zip")
    assert isinstance(tender, Tender) and "Fauchage des talus" in tender.description
    for _ in range(4):
        inner = packed({"deeper.zip": inner})
    read, aside = parted(files_.read_bytes(packed({"RC.pdf": pdf(RULES), "deep.zip": inner}), "dce.zip"))
    assert read and any("nested deeper" in r.reason for r in aside)


def test_a_plain_text_is_a_consultation_or_a_need(tmp_path: Path) -> None:
    rules = "# Règlement de la consultation\n\nObjet du marché : Tonte\nLot 1 - Stades\nLot 2 - Écoles\n"
    (tmp_path / "rc.md").write_text(rules, "utf-8")
    words = "Repeindre deux cages d'escalier à Nevers."
    reserved = "Été 2027, réservé aux entreprises adaptées."
    (need := tmp_path / "besoin.txt").write_bytes(f"{words}\n{reserved}".encode("cp1252"))
    (stated,), (aside,) = parted(files_.read([tmp_path]))
    assert stated.title == "Tonte" and len(stated.lots) == 2
    assert Path(aside.path).name == "besoin.txt" and "give the file itself" in aside.reason
    (given,) = files_.read([need])
    assert isinstance(given, Tender) and given.title == words
    assert given.lots[0].reservation is not None
