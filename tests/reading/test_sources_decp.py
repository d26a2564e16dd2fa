"""Awards of every DECP generation, their usual damages, the lots of one objet, and what is a repeat."""

import gzip
import io
import json
from datetime import date
from typing import Any

import pytest

from matcher import codec
from matcher.domain import Award, BadInput, Rejected
from matcher.reading import contracts
from matcher.reading.sources import decp, directory
from matcher.reference.paths import shared_dir
from records import cases, facts, parted, published
from sheets import siret

BUYER, ONE, TWO, THREE = (siret(n) for n in (1, 2, 3, 4))


def record(**changes: Any) -> dict[str, Any]:
    """An invented award of the 2019 schema."""
    return published("decp", **changes)


def award(**changes: Any) -> Award:
    found = decp.award_of(record(**changes))
    assert isinstance(found, Award)
    return found


def read(content: Any, name: str = "decp.json") -> tuple[list[Award], list[Rejected]]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parted(decp.read(io.BytesIO(raw), name))


def test_the_2019_json() -> None:
    (found,), rejected = read({"marches": [record()]})
    assert not rejected
    expected = ("Nettoyage des écoles", "90910000", 12345.5, date(2019, 3, 4))
    assert facts(found, "title cpv amount notified") == expected
    assert (found.buyer.id, found.holders[0].id, found.holders[0].name) == (BUYER, ONE, "NETTOIE")
    assert facts(found, "place.department duration_months relation flags") == ("44", 12, "single", ())


def v2(**changes: Any) -> dict[str, Any]:
    base = record(
        titulaires=[{"titulaire": {"typeIdentifiant": "SIRET", "id": ONE}}, {"titulaire": {"id": TWO}}],
        considerationsSociales={"considerationSociale": ["Clause sociale", "Marché réservé"]},
        techniques={"technique": ["Sans objet"]},
        typeGroupementOperateurs="Conjoint",
        offresRecues=3,
        modifications=[{"modification": {"id": 1, "montant": 99}}],
    )
    return {**base, **changes}


def test_the_2024_json_with_wrapped_lists_and_a_concession() -> None:
    concession = published("decp concession")
    awards, rejected = read({"marches": {"marche": [v2()], "contrat-concession": [concession]}})
    assert not rejected
    market, other = awards
    assert [holder.id for holder in market.holders] == [ONE, TWO]
    assert (market.relation, market.group_form, market.offers_received) == ("group", "conjoint", 3)
    assert market.social == ("Clause sociale", "Marché réservé")
    assert market.flags == ("modified",)
    expected = (70, date(2024, 6, 18), (), ("concession", "no-social"))
    assert facts(other, "amount notified social flags") == expected
    assert other.buyer.id == BUYER


def test_a_2024_file_may_be_empty_or_hold_single_objects() -> None:
    assert read({"marches": {"marche": [], "contrat-concession": []}}) == ([], [])
    awards, _ = read({"marches": {"marche": v2()}})
    assert [a.title for a in awards] == ["Nettoyage des écoles"]


def test_the_flat_csv_of_2019_whose_cells_are_lists_of_one() -> None:
    head = "objet,nature,codeCPV,dateNotification,montant,id,acheteur.id,lieuExecution.code,lieuExecution.typeCode"
    holder = ",titulaires.{0}.typeIdentifiant,titulaires.{0}.id,titulaires.{0}.denominationSociale"
    cells = f"Repas,MARCHE,55320000,2019-01-08,200.0,7,{BUYER},69,CODE DEPARTEMENT,['SIRET'],['{ONE}'],['CANTINE']"
    more = f'[\'SIRET\'],[\'{TWO}\'],"[""L\'AUTRE""]",[]'
    raw = f"{head}{holder.format(1)}{holder.format(2)},modifications\n{cells},{more}\n".encode()
    assert decp.recognises("flat.csv", raw)
    assert not directory.recognises("flat.csv", raw)
    (found,), _ = read(raw, "flat.csv")
    assert [(h.id, h.name) for h in found.holders] == [(ONE, "CANTINE"), (TWO, "L'AUTRE")]
    assert found.uid == BUYER + "7"
    assert found.relation == "unknown"


CONSOLIDATED = [
    published("decp row", titulaire_id=holder, titulaire_nom=name, dateNotification=day)
    | {"montant": amount, "donneesActuelles": version > 0, "modification_id": version}
    for holder, name, amount, day, version in (
        (ONE, "UN", 1000.0, "2024-01-02", 0),
        (TWO, "DEUX", 1000.0, "2024-01-02", 0),
        (ONE, "UN", 1500.0, "2024-06-02", 1),
        (TWO, "DEUX", 1500.0, "2024-06-02", 1),
    )
]


def consolidated(kind: str) -> bytes:
    import pandas as pd

    table, buffer = pd.DataFrame(CONSOLIDATED), io.BytesIO()
    if kind == "csv":
        return table.to_csv(index=False).encode()
    table.to_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_consolidated_table_is_one_award_a_row_then_one_a_contract(kind: str) -> None:
    raw = consolidated(kind)
    assert decp.recognises(f"decp.{kind}", raw[:65_536])
    awards, rejected = read(raw, f"decp.{kind}")
    assert not rejected
    assert [a.relation for a in awards] == ["group", "group", "modification", "modification"]
    assert awards[0].social == ("Clause sociale", "Critère social")
    (whole,) = contracts.consolidate(awards)
    assert [holder.name for holder in whole.holders] == ["UN", "DEUX"]
    assert (whole.relation, whole.amount, whole.notified) == ("group", 1000.0, date(2024, 1, 2))
    assert "modified" in whole.flags


def test_a_flat_record_under_a_uid_keeps_it_and_a_list_or_lines_are_read_too() -> None:
    flat = record(uid="a0001")
    line = json.dumps(flat)
    for raw in (json.dumps([flat]), f"{line}\n{line}", json.dumps({"marches": [flat]}, indent=2)):
        assert decp.recognises("x", raw.encode())
        assert {a.uid for a in read(raw.encode())[0]} == {"a0001"}
    (found,), _ = read(json.dumps({"query_id": "q", "notice": record(titulaires=...)}).encode() + b"\n")
    assert found.flags == ("no-holder",)


@pytest.mark.parametrize(("column", "raw", "field", "value", "flags"), cases("damaged fields of awards"))
def test_damaged_codes_and_amounts(column: str, raw: Any, field: str, value: Any, flags: list[str]) -> None:
    found = codec.to_json(award(**{column: raw}))
    assert (found[field], found["flags"]) == (value, flags)


def test_destroyed_accents_tags_and_missing_holders() -> None:
    found = award(objet="<p>R\ufffdfection &amp; peinture</p>", titulaires=None)
    assert found.title == "R\ufffdfection & peinture"
    assert found.flags == ("damaged-text", "no-holder")
    assert found.holders == ()
    assert award(titulaires=[None, {}, "x"]).holders == ()


def test_what_says_nothing_or_is_cut_is_set_aside_and_the_good_go_on() -> None:
    awards, rejected = read({"marches": [record(), record(objet="", codeCPV=""), "x", record(id="2")]})
    assert [a.uid for a in awards] == [BUYER + "2019A01", BUYER + "2"]
    assert [r.record for r in rejected] == ["2019A01", "record 3"]
    assert "must say what was bought" in rejected[0].reason
    raw = json.dumps({"marches": [record(), record(id="2"), record(id="3")]}).encode()
    awards, rejected = read(raw[:-60])
    assert len(awards) == 2
    assert "cut short" in rejected[0].reason
    (other,) = read(b'{\n "other": [1, 2]\n}')[1]
    assert "must say what was bought" in other.reason


def test_a_page_of_the_tabular_api_is_read_even_on_one_line() -> None:
    assert len(read(json.dumps({"data": [record()], "meta": {"total": 1}}).encode())[0]) == 1


def test_files_that_are_no_awards_say_so() -> None:
    for raw, words in (
        (b"", "is empty"),
        (b'{"marches": [', "not valid JSON"),
        (b"<xml/>", "not a table"),
        (b"PAR1" + bytes(100), "damaged Parquet"),
    ):
        with pytest.raises(BadInput, match=words):
            read(raw)


def test_encodings_control_characters_nan_and_gzip_are_read() -> None:
    text = json.dumps({"marches": [record(montant=float("nan"), objet="Réfection A")]}, ensure_ascii=False)
    tabbed = text.replace(" A", "\tA")
    for raw in (text.encode(), text.encode("cp1252"), b"\xef\xbb\xbf" + text.encode(), tabbed.encode()):
        (found,), rejected = read(raw)
        assert (found.title, found.amount, rejected) == ("Réfection A", None, [])
    with gzip.open(io.BytesIO(gzip.compress(json.dumps({"marches": [record()]}).encode()))) as stream:
        assert len(list(decp.read(stream, "decp.json.gz"))) == 1  # type: ignore[arg-type]


def holders(*ids: str) -> list[dict[str, str]]:
    return [{"typeIdentifiant": "SIRET", "id": one} for one in ids]


@pytest.mark.parametrize(("changes", "relation"), cases("holders of one record"))
def test_what_one_record_tells_of_its_holders(changes: dict[str, Any], relation: str) -> None:
    found = award(**changes)
    assert found.relation == relation
    assert (found.nature == "accord-cadre") is ("accord-cadre" in str(changes).lower())


def test_a_notice_is_split_lot_by_lot_under_its_common_heading() -> None:
    tender = decp.tender_of(record(objet="Mairie d'Essai. Lot 1 : vitres ; Lot 2 : sols", titulaires=...))
    first, second = (facts(lot, "id number title description cpv amount") for lot in tender.lots)
    assert first == (f"{BUYER}2019A01/1", "1", "vitres", "Mairie d'Essai", ("90910000",), None)
    assert second == (f"{BUYER}2019A01/2", "2", "sols", "Mairie d'Essai", ("90910000",), None)
    assert {lot.places[0].department for lot in tender.lots} == {"44"}


def test_a_notice_may_lack_all_but_its_objet() -> None:
    tender = decp.tender_of({"objet": "<b>Taille</b> de haies"})
    expected = ("Taille de haies", 1, (), ())
    assert (tender.title, len(tender.lots), tender.lots[0].cpv, tender.lots[0].places) == expected
    assert tender.published is None
    assert tender.id == decp.tender_of({"objet": "<b>Taille</b> de haies"}).id
    for empty in ({}, {"objet": ""}, {"objet": None}, {"objet": "  <p></p> "}):
        with pytest.raises(BadInput, match="objet"):
            decp.tender_of(empty)


def test_social_fields_of_a_notice_are_read() -> None:
    tender = decp.tender_of(v2())
    reservation = tender.lots[0].reservation
    assert reservation is not None
    assert (reservation.articles, reservation.origin) == ((), "field")
    assert tender.lots[0].clauses[0].passage == "Clause sociale"


@pytest.mark.shared
def test_every_real_file_is_read_and_nothing_is_lost() -> None:
    folder = shared_dir() / "data"
    if not folder.exists():
        pytest.skip("no real data: set MATCHER_SHARED")
    counts = {}
    for path in sorted([*(folder / "decp_raw").glob("*.gz"), *(folder / "awards").glob("*.json.gz")]):
        with gzip.open(path) as stream:
            assert decp.recognises(path.name.removesuffix(".gz"), stream.read(65_536))
            records = list(decp.read(stream, path.name))  # type: ignore[arg-type]
        counts[path.name] = (len(records), sum(isinstance(r, Rejected) for r in records))
    assert counts["history.json.gz"] == (11_667, 6)  # six tests of platforms
    assert counts["development.json.gz"] == (3_419, 1)
    assert counts["decp2019_flat.csv.gz"] == (3_812, 5)
    # 22 concessions of this publisher have neither objet nor CPV; 14, 4 and 1 modifications bring a holder.
    assert counts["decp2019_data.gouv.fr_aife.json.gz"] == (2_500 + 14, 22)
    assert counts["decp2019_marches-publics.info.json.gz"] == (4_335 + 4, 0)
    assert counts["decp2024_dematis19.json.gz"] == (3 + 1, 0)


def _all(record: dict[str, object]) -> list[Award | Rejected]:
    awards, rejected = read({"marches": {"marche": [record]}})
    return [*awards, *rejected]


SCHOOL: dict[str, object] = {
    "id": "2024-7",
    "acheteur": {"id": BUYER},
    "objet": "Nettoyage des écoles",
    "codeCPV": "90911200",
    "dateNotification": "2024-03-01",
    "titulaires": [{"titulaire": {"id": ONE, "typeIdentifiant": "SIRET"}}],
}


def test_a_holder_that_a_nested_modification_brings_is_kept_with_its_day() -> None:
    both = [{"titulaire": holder} for holder in holders(TWO, ONE)]
    later = {"id": 1, "dateNotificationModification": "2025-06-01", "titulaires": both}
    rows = _all({**SCHOOL, "modifications": [{"modification": later}]})
    found = contracts.consolidate(row for row in rows if isinstance(row, Award))
    expected = [("single", [ONE], date(2024, 3, 1)), ("modification", [TWO], date(2025, 6, 1))]
    assert [(a.relation, [h.id for h in a.holders], a.notified) for a in found] == expected
    assert "modified" in found[0].flags
    assert len(_all({**SCHOOL, "modifications": [{"modification": {"id": 1, "montant": 5}}]})) == 1


def test_each_modification_keeps_the_holders_that_it_brought() -> None:
    days = {ONE: "2024-01-01", TWO: "2024-05-01", THREE: "2024-09-01"}
    flat = {"uid": "u", "objet": "Nettoyage", "codeCPV": "90911200"}
    rows = [
        decp.award_of({**flat, "titulaire_id": holder, "modification_id": n, "dateNotification": day})
        for n, (holder, day) in enumerate(days.items())
    ]
    found = contracts.consolidate(row for row in rows if isinstance(row, Award))
    assert {a.holders[0].id: str(a.notified) for a in found} == days


@pytest.mark.parametrize(("title", "own", "kept"), cases("tests of platforms"))
def test_a_platforms_test_of_itself_is_set_aside(title: str, own: bool, kept: bool) -> None:
    holder = [{"titulaire": {"id": THREE, "denominationSociale": "ÉDITEUR"}}]
    buyer = {"acheteur": {"id": f"{THREE[:9]}00025"}, "titulaires": holder} if own else {}
    (found,) = _all({**SCHOOL, **buyer, "objet": title})
    assert isinstance(found, Award) if kept else isinstance(found, Rejected) and "test" in found.reason


def test_a_winner_published_under_the_buyers_number_keeps_its_name_alone() -> None:
    own = [{"titulaire": {"id": BUYER, "denominationSociale": "TRAITEUR DES TILLEULS"}}]
    (found,) = _all({**SCHOOL, "titulaires": own})
    assert isinstance(found, Award)
    assert [(h.id, h.name, h.flags) for h in found.holders] == [("", "TRAITEUR DES TILLEULS", ("buyer-id",))]
