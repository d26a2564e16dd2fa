"""The desk of a territory: map, hours, facilitators, meeting day, report, on the sample and against exact figures."""

import csv
import io
import itertools
import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from lxml import etree
from pytest import MonkeyPatch

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import LENDING_KINDS, Award, BadInput, Buyer, Forbidden, Holder, NotFound, Place, Recipe
from matcher.matching.engine import Matcher
from matcher.reading import gather
from matcher.reading.need import free_text_tender
from matcher.records import facilitators, keys
from matcher.records.store import Store, now
from matcher.reference import amounts, places, trades
from matcher.territory import (
    areas,
    assumptions,
    choropleth,
    coverage,
    exports,
    hours,
    ledger,
    meeting,
    outlines,
    potential,
    programme,
    sheets,
)
from matcher.territory.counts import Count, Desk
from papers import workbook
from records import cases
from terminal import command

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
ON = date(2026, 11, 24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = gather.gather([SAMPLE])
    recipe = Recipe(encoder="hashing")
    place = tmp_path_factory.mktemp("desk") / "catalogue"
    save_catalogue(build_catalogue(found.structures, found.awards, recipe), place)
    gather.save_notices(found.tenders, place)
    return place


@pytest.fixture(scope="module")
def matcher(folder: Path) -> Matcher:
    return Matcher.load(folder)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    return tmp_path


def need(number: str, commune: str, *trades_: str, origin: str = "avis") -> coverage.Need:
    place = places.locate(Place(commune=commune) if len(commune) > 3 else Place(department=commune))
    return coverage.Need(id=number, title=number, place=place, on=ON, origin=origin, trades=trades_)  # type: ignore[arg-type]


def test_needs_of_some_departments_are_those_of_all_that_lie_there(sample: gather.Gathered) -> None:
    everywhere = coverage.needs_of(sample.tenders)
    for code in ("93", "75", "13", "974"):
        there = coverage.needs_of(sample.tenders, departments={code})
        assert there == [one for one in everywhere if one.place.department == code]
    assert {one.place.department for one in everywhere} >= {"93", "75"}


def test_a_modification_is_no_second_contract_and_a_confidential_need_is_none() -> None:
    award = Award(uid="1", title="Prestation de traiteur", place=Place(department="93"))
    secret = free_text_tender("nettoyage des écoles", Place(department="93"))
    changed = replace(award, uid="2", relation="modification")
    found = coverage.needs_of([replace(secret, confidential=True)], [award, changed])
    assert [(one.id, one.trades[0]) for one in found] == [("1", "traiteur")]


def test_needs_are_counted_where_they_lie_once_and_those_left_out_are_told(matcher: Matcher) -> None:
    asked = [need(id, place, "nettoyage") for id, place in (("a", "93066"), ("b", "93001"), ("c", "93"))]
    asked += [need("d", "93066"), replace(need("e", "93066"), codes=("33100000",))]
    asked.append(coverage.Need(id="f", title="f", place=Place(), on=None, origin="avis"))
    desk = Desk(matcher, on=ON)
    whole = coverage.cover(desk, asked, [areas.department("93")])
    assert [(c.trade, len(c.needs)) for c in whole.cells] == [("nettoyage", 3)]
    assert (whole.unplaced, sum(whole.outside.values()), whole.vague) == (1, 2, 0)
    assert "1 sans lieu connu" in whole.left_out and "objet inconnu 1" in whole.left_out
    communes = coverage.cover(desk, asked, areas.divided((areas.department("93"),), "commune"))
    assert {c.area.label: len(c.needs) for c in communes.cells} == {"Saint-Denis": 1, "Aubervilliers": 1}
    assert communes.vague == 1, "one of which only the department is known"
    near = coverage.cover(desk, asked, [areas.circle("93066", 3)], trade="nettoyage")
    assert [len(c.needs) for c in near.cells] == [1]


def test_groupings_hold_the_needs_of_their_members() -> None:
    cut = areas.divided((areas.department("93"),), "epci")
    at = [cut[i].label for i in areas.holding(cut, places.locate(Place(commune="93001")))]
    assert at == ["Plaine Commune"]
    assert next(areas.holding(cut, places.locate(Place(commune="93078")))) == [c.label for c in cut].index(
        "Paris Terres d'Envol"
    )


def test_the_measures_of_a_trade_are_its_own_and_supply_is_of_one_trade(matcher: Matcher) -> None:
    zone, desk = [areas.department("93")], Desk(matcher, on=ON)
    asked = [need("a", "93066", "nettoyage"), need("b", "93066", "blanchisserie")]
    asked[1] = replace(asked[1], on=date(2027, 1, 5), source="boamp")
    made = {trade: coverage.cover(desk, asked, zone, trade=trade) for trade in ("nettoyage", "blanchisserie")}
    for one in made.values():
        (cell,) = one.cells
        assert one.values("likely")["93"] == cell.count.likely and one.values("needs")["93"] == 1
        assert one.values("gap")["93"] == (0 if cell.count.likely else 1)
    whole = coverage.cover(desk, asked, zone)
    assert whole.values("needs")["93"] == 2 and whole.sources[1].endswith("au 05/01/2027")
    assert all(said in whole.sources[1] for said in ("avis (BOAMP)", "avis (source non précisée)"))
    with pytest.raises(BadInput, match="choisissez-en un"):
        whole.values("likely")
    (cell,) = coverage.cover(desk, asked, zone, trade="nettoyage", kinds=("ESAT",)).cells
    assert set(cell.count.kinds) <= {"ESAT"}
    assert cell.count.likely == made["nettoyage"].cells[0].count.kinds.get("ESAT", 0)


def test_every_file_of_the_map_holds_what_was_asked_alone(matcher: Matcher, folder: Path) -> None:
    assert [area.code for area in areas.region("Auvergne")] == ["03", "15", "43", "63"]
    zones = areas.region("Île-de-France")
    assert [a.code for a in zones] == ["75", "77", "78", "91", "92", "93", "94", "95"]
    asked = coverage.in_catalogue(matcher.catalogue, gather.load_notices(folder), areas.departments_of(zones))
    made = coverage.cover(Desk(matcher, on=ON), asked, zones, trade="nettoyage")
    listed = list(csv.DictReader(io.StringIO(str(choropleth.map_as("csv", made, "gap")))))
    assert len(listed) == 8 and {row["métier"] for row in listed} == {"nettoyage et propreté"}
    assert all("structures (" in row["sources"] and row["calculé le"] == "2026-11-24" for row in listed)
    book = openpyxl.load_workbook(io.BytesIO(choropleth.map_as("xlsx", made, "gap")))  # type: ignore[arg-type]
    assert book["Carte"].max_row == 9 and book["Besoins"].max_row == 1 + sum(len(c.needs) for c in made.cells)
    features = json.loads(choropleth.map_as("geojson", made, "gap"))["features"]
    assert len(features) == 8 and 48 < features[0]["geometry"]["coordinates"][1] < 49.5
    tree = etree.fromstring(str(choropleth.map_as("svg", made, "likely")).encode())
    assert {e.get("data-department") for e in tree.iter("{*}path")} - {None} == {a.code for a in zones}
    figures = {str(c.count.likely) for c in made.cells}
    assert figures <= {(e.text or "") for e in tree.iter("{*}tspan")}
    page = str(choropleth.map_as("html", made, "state"))
    assert "CC BY 4.0" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "size:A4" in page


def test_a_map_is_also_a_picture_for_a_slide(matcher: Matcher, monkeypatch: MonkeyPatch) -> None:
    drawn: list[tuple[str, bool]] = []  # figures, and whether on the disc of a place that has no outline
    plain = pytest.importorskip("matplotlib.axes").Axes.text

    def text(axes: Any, x: float, y: float, told: str, **how: Any) -> Any:
        drawn.append((told, how["bbox"] is not None))
        return plain(axes, x, y, told, **how)

    monkeypatch.setattr("matplotlib.axes.Axes.text", text)
    zones = [areas.department("93"), areas.circle("93066", 3)]
    made = coverage.cover(Desk(matcher, on=ON), [need("a", "93066", "nettoyage")], zones, trade="nettoyage")
    assert bytes(choropleth.map_as("png", made, "needs"))[:8] == b"\x89PNG\r\n\x1a\n"  # type: ignore[arg-type]
    assert [(told[-1], disc) for told, disc in drawn] == [("1", False), ("1", True)]


def test_outlines_are_those_of_the_96_departments_each_near_its_neighbours() -> None:
    shapes = outlines.outlines()
    assert set(shapes) == {d.code for d in places.departments() if len(d.code) == 2}
    for code, shape in shapes.items():
        for other in places.neighbours(code):
            box = shapes[other]
            across = max(box.left - shape.right, shape.left - box.right)
            down = max(box.top - shape.bottom, shape.top - box.bottom)
            assert max(across, down) < 8, f"{code} and {other} touch, their drawings do not"
    small = [(0.0, 0.0), (1.0, 1.0), (3.0, 0.0), (3.0, 10.0), (0.0, 10.0)]  # the second is too near the first
    assert (outlines._thinned(small), outlines._thinned(small[:4])) == ("M0 0l3 0 0 10-3 0z", "")


def test_classes_that_would_be_shown_alike_are_one() -> None:
    bounds = choropleth.breaks([63.2, 63.4, 52.0, 61.0, 70.9, 71.3, 62.0, 52.2])
    figures = [f"{bound:.0f}" for bound in bounds]
    assert len(set(figures)) == len(figures) and figures[-1] == "71"


def test_what_is_unknown_has_a_colour_of_its_own_and_overseas_departments_a_square(matcher: Matcher) -> None:
    zones = [areas.department(code) for code in ("75", "92", "974")]
    made = coverage.cover(Desk(matcher, on=ON), [need("a", "92050", "nettoyage")], zones, trade="nettoyage")
    drawn = choropleth.picture(made, "needs")
    assert [mark.shade for mark in drawn.marks] == ["unknown", "s0", "unknown"]
    assert ("unknown", "aucun besoin publié : on ne sait pas") in drawn.legend
    tree = etree.fromstring(choropleth.svg(drawn).encode())
    assert any((e.text or "").startswith("974") for e in tree.iter("{*}text"))
    silent = tuple(replace(cell, count=Count(to_ask=2)) for cell in made.cells)
    states = choropleth.picture(replace(made, cells=silent), "state")
    assert [mark.shade for mark in states.marks] == ["unknown", "interroger", "unknown"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: areas.department("99"), "99"),
        (lambda: areas.region("Atlantide"), "Atlantide"),
        (lambda: areas.circle("93066", 0), "rayon"),
        (lambda: areas.somewhere("Zzyzx"), "Zzyzx"),
        (lambda: areas.divided((areas.department("93"),), "canton"), "canton"),
        *(
            (lambda amount=amount: hours.worked(amount, assumptions.labour()["nettoyage"]), "montant")
            for amount in (0, -5, math.nan, math.inf)
        ),
        (lambda: hours.oeth(20_000, None, on=ON), "taux d'emploi"),
        (lambda: hours.oeth(20_000, 0.02, on=ON, labour_cost=30_000), "attestation"),
        (lambda: meeting.solve(np.ones((9, 2)), 2), "ajoutez 3 créneaux"),
        (lambda: programme.read(b"montant;lieu\n3;93\n", "programme.csv"), "objet"),
        (lambda: ledger.read(b"fournisseur,total\n1,2\n", "livre.csv"), "montant, année"),
        (
            lambda: ledger.read(b'siret;montant;annee\n"' + b"1;a;b\n" * 40_000, "livre.csv"),
            "guillemet|aucune ligne|il manque",
        ),
        (
            lambda: ledger.read(b"siret;montant;annee\n" + b"1;a;b\n" * (sheets.MOST + 1), "livre.csv"),
            "plusieurs fois",
        ),
        (lambda: ledger.read(b"siret;montant;annee" + b";a" * 5_000 + b"\n1\n", "livre.csv"), "columns"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_wrong(call: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        call()


PLANNED = (
    "Programme d'achats 2027;;;\nN°;Objet du marché;Montant estimé HT;Lieu d'exécution;Durée (mois)\n"
    "1;Nettoyage des écoles;120 000;93100;24\n2;Construction d'un gymnase;4 000 000;93200;14\n4;;3;;\n5;Déménagement;abc;93100;\n"
    "6;Entretien des parcs;90000;Zzyzx;12\n"
)


# a table with its own units -> objects, amounts over the whole duration, months with renewals, lines told apart
@pytest.mark.parametrize(("table", "read"), cases("programmes of purchases"))
def test_units_totals_and_durations_of_a_programme_are_read(table: str, read: Any) -> None:
    good, sheet = programme.read(table.encode(), "programme.csv")
    (lots,) = zip(*(tender.lots for _, _, tender, _ in good), strict=True)
    lasts = [None if math.isnan(amounts.months(lot)) else amounts.months(lot) for lot in lots]
    totals = [None if math.isnan(amounts.total(lot)) else round(amounts.total(lot)) for lot in lots]
    assert [[lot.title for lot in lots], totals, lasts, len(sheet.rejected)] == read


def test_a_programme_is_studied_line_by_line_and_its_bad_lines_are_told(matcher: Matcher) -> None:
    made = programme.study(Desk(matcher, on=ON), PLANNED.encode(), "programme.csv")
    assert [(line.place, line.reference) for line in made.lines] == [("ligne 3", "1"), ("ligne 4", "2")]
    assert [line.lot.facts.lot_amount for line in made.lines] == [120_000.0, 4_000_000.0]
    assert [bad.record for bad in made.rejected] == ["ligne 5", "ligne 6", "ligne 7"]
    assert made.columns["amount"] == "Montant estimé HT" and made.columns["place"] == "Lieu d'exécution"
    cleaning, works = made.lines
    given = potential.Given(amount=120_000.0)
    alone = potential.potential(Desk(matcher, on=ON), cleaning.studied.tender, given)
    assert alone.lots[0].count == cleaning.lot.count and alone.lots[0].advised == cleaning.lot.advised
    assert works.lot.facts.works
    assert "social-condition" not in {duty.code for duty in works.lot.advised.duties}
    assert sum(row["achats"] for row in made.totals()) == 2
    assert sum(row["montant € HT"] for row in made.totals()) == 4_120_000
    book = openpyxl.load_workbook(io.BytesIO(made.workbook()))
    assert book.sheetnames == ["Achats", "Totaux", "Écartés", "Sources"] and book["Achats"].max_row == 3


def test_a_programme_as_a_workbook_is_the_same() -> None:
    rows = ["Objet", "Budget", "Commune"], ["Tonte des pelouses", 45000, "Pantin"]
    ((_, _, tender, _),), _ = programme.read(workbook(rows), "programme.xlsx")
    assert (tender.title, tender.lots[0].amount) == ("Tonte des pelouses", 45_000.0)
    assert tender.lots[0].places[0].label == "Pantin"
    assert tender.confidential


def test_every_trade_has_its_labour_and_every_row_its_reason() -> None:
    table = assumptions.labour()
    assert {t.name for t in trades.trades()} <= set(table)
    for row in (*table.values(), *assumptions.desk().values()):
        assert len(row.reasoning) > 15 and row.source and row.since
    names = {t.name for t in trades.trades()}
    for trade, near in assumptions.neighbours().items():
        assert {trade, *(other for other, _ in near)} <= names


def test_a_table_of_ones_own_is_read_instead_and_a_bad_row_is_reported_with_its_line(home: Path) -> None:
    own = home / "assumptions" / "labour.csv"
    own.parent.mkdir()
    own.write_text("key;share;hourly_cost\nrest;0,5;20\nnettoyage;0,9;18,5\n", encoding="utf-8")
    assert hours.labour_of(("nettoyage",)).hourly_cost == 18.5
    bad = home / "bad.csv"
    for figures, why in (("1.2,18", "share vaut '1.2'"), ("0.5,0", "hourly_cost est nul")):
        bad.write_text(f"key,share,hourly_cost\nrest,0.5,20\nnettoyage,{figures}\n", encoding="utf-8")
        with pytest.raises(BadInput, match=f"ligne 3 : {why}"):
            assumptions.labour(bad)


def test_hours_are_amount_times_share_over_hourly_cost(matcher: Matcher) -> None:
    labour = assumptions.Labour(key="x", label="essai", share=0.6, hourly_cost=30.0)
    desk = Desk(matcher, on=ON)
    ranking = desk.ranking(matcher.queries(free_text_tender("peinture", areas.somewhere("93100")))[0])
    made = hours.plan(desk, ranking, amount=300_000, months=24, labour=labour)
    assert made.worked == 300_000 * 0.6 / 30
    assert [t.share for t in made.targets] == [0.05, 0.07, 0.10]
    assert [t.hours for t in made.targets] == pytest.approx([300.0, 420.0, 600.0])
    assert made.targets[2].fte == pytest.approx(600 / 1607 / 2)
    assert made.carriers
    assert {c.kind for c in made.carriers} <= LENDING_KINDS | {"EI", "ACI", "AI", "ETTI", "EITI"}
    assert any("essai : 60 %" in line for line in made.assumed)


@pytest.mark.parametrize(("rate", "contribution", "deduction"), cases("deductions of OETH"))
def test_oeth_by_the_article(rate: float, contribution: float | None, deduction: float | None) -> None:
    # 30 % of the labour cost, at most 50 % of the contribution, 75 % from a rate of 3 %, nothing from 6 % (D5212-22)
    made = hours.oeth(20_000, rate, on=ON, contribution=contribution, labour_cost=12_000)
    assert made.deduction == (None if deduction is None else pytest.approx(deduction))
    assert any("attestation" in line for line in made.notes)
    assert all("à vérifier" in rule for rule in made.rules) and made.rules
    assert hours.oeth(20_000, rate, on=ON, contribution=contribution, headcount=12).deduction == 0.0


def _check(made: meeting.Timetable, n: int, m: int, slots: int) -> None:
    for side in ("structure", "buyer"):
        booked = [(getattr(a, side), a.slot) for a in made.appointments]
        assert len(set(booked)) == len(booked), f"a {side} is double-booked"
    pairs = [(a.structure, a.buyer) for a in made.appointments]
    assert len(set(pairs)) == len(pairs)
    assert {a.structure for a in made.appointments} == set(range(n)), "every structure gets at least one"
    assert all(0 <= a.slot < slots and 0 <= a.buyer < m for a in made.appointments)


def _brute(values: np.ndarray, slots: int, most: int, absent: dict[int, set[int]]) -> float:
    """The best total by trying every timetable: slot after slot, every partial assignment."""
    n, m = values.shape
    choices = []
    for t in range(slots):
        free = [j for j in range(m) if t not in absent.get(j, ())]
        found = set()
        for picks in itertools.product([None, *range(n)], repeat=len(free)):
            used = [p for p in picks if p is not None]
            if len(used) == len(set(used)):
                found.add(frozenset((p, j) for p, j in zip(picks, free, strict=True) if p is not None))
        choices.append(found)
    best = -1.0
    for plan in itertools.product(*choices):
        pairs = [pair for slot in plan for pair in slot]
        counts = [sum(1 for i, _ in pairs if i == k) for k in range(n)]
        if len(set(pairs)) == len(pairs) and min(counts) >= 1 and max(counts) <= most:
            best = max(best, sum(values[i, j] for i, j in pairs))
    return best


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("absent", [{}, {0: {0}}, {1: {0, 1}}])
def test_the_timetable_is_the_best_there_is(seed: int, absent: dict[int, set[int]]) -> None:
    values = np.round(np.random.default_rng(seed).random((3, 2)), 3)
    made = meeting.solve(values, 3, most=2, buyer_absent=absent)
    _check(made, 3, 2, 3)
    assert all(a.slot not in absent.get(a.buyer, ()) for a in made.appointments)
    assert made.optimal and made.value == pytest.approx(_brute(values, 3, 2, absent))


@pytest.mark.parametrize("seed", range(8))
def test_tables_caps_and_fairness_hold_whatever_the_relevance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m, slots = (int(x) for x in (rng.integers(2, 25), rng.integers(3, 18), rng.integers(3, 13)))
    n = min(n, m * slots)
    tables = int(rng.integers(-(-n // slots), m + 1)) if -(-n // slots) <= m else m
    values = rng.random((n, m)) * (rng.random((n, m)) < 0.4)
    made = meeting.solve(values, slots, most=5, tables=tables)
    _check(made, n, m, slots)
    assert max(np.bincount([a.slot for a in made.appointments])) <= tables
    assert max(np.bincount([a.structure for a in made.appointments])) <= 5
    worthless = sum(a.relevance == 0 for a in made.appointments)
    assert worthless <= n, "worthless appointments only where one is due"


def test_slots_of_one_size_are_a_wish(monkeypatch: MonkeyPatch) -> None:
    fit = meeting._fit

    def unevenly(pairs: Any, weights: Any, bounds: Any, *rest: Any, **how: Any) -> Any:
        return fit(pairs, weights, bounds, *rest, **how) if bounds.tables == 7 else None

    monkeypatch.setattr(meeting, "_fit", unevenly)
    made = meeting.solve(np.random.default_rng(0).random((7, 6)), 4)
    _check(made, 7, 6, 4)
    assert made.optimal and len(made.appointments) == 24


@pytest.fixture
def day(matcher: Matcher, home: Path) -> meeting.Day:
    table = (
        "acheteur;besoin;lieu;publiable;absent\nVille A;nettoyage des écoles;93100;oui;1\nVille A;vitrerie;;oui;\n"
        "Hôpital B;entretien des espaces verts;94028;non;\nLycée C;restauration scolaire;;oui;x\nVille D;=1+1;;;\n"
    )
    guests, bad = meeting.guests(table.encode(), "besoins.csv")
    assert [g.name for g in guests] == ["Ville A", "Hôpital B"] and len(guests[0].needs) == 2
    assert [one.record for one in bad] == ["ligne 5", "ligne 6"]
    theme, place = "propreté et espaces verts", areas.somewhere("93100")
    asked = {"theme": theme, "place": place, "buyers": guests, "on": date(2026, 12, 15)}
    return meeting.plan(Desk(matcher, on=ON), **asked, slots=6, most=8)


def test_a_day_has_six_pitches_and_every_guest_is_met(day: meeting.Day) -> None:
    _check(day.timetable, 8, 2, 6)
    assert len(day.invited) == 8 and len(day.pitches) == 6
    assert len({one.structure.siren for one in day.invited}) == 8
    first = {a.slot for a in day.timetable.appointments if a.buyer == 0}
    assert 0 not in first, "Ville A misses the first slot"
    assert "Facilitateur" in day.facilitator and day.timetable.optimal


def test_unpublished_needs_stay_out_of_every_paper(day: meeting.Day) -> None:
    from icalendar import Calendar

    ics = meeting.calendar(day)
    book = openpyxl.load_workbook(io.BytesIO(meeting.workbook(day)))
    cells = " ".join(str(c.value) for sheet in book for line in sheet.iter_rows() for c in line)
    for paper in (meeting.page(day), ics.decode(), cells):
        assert "entretien des espaces verts" not in paper
        assert "nettoyage des écoles" in paper.replace("\r\n ", "")
    events = Calendar.from_ical(ics).walk("VEVENT")
    assert len(events) == len(day.timetable.appointments)
    assert {str(e["DTSTART"].dt.tzinfo) for e in events} == {"Europe/Paris"}
    assert ics == meeting.calendar(day), "the same day gives the same calendar"


def test_those_never_shown_keep_a_third_of_the_invitations() -> None:
    worth, shown = np.linspace(1, 0.1, 40), np.repeat([5, 0], 20)
    chosen = meeting.invite(worth, shown, 9)
    assert sum(not shown[i] for i, _ in chosen) == 3 and len(chosen) == 9


def test_appointments_are_edited_by_hand_and_nobody_is_in_two_places(day: meeting.Day) -> None:
    lines = meeting.typed(day).splitlines()
    assert meeting.edited(day, "\n".join(lines)).timetable.appointments == day.timetable.appointments
    fewer = meeting.edited(day, "\n".join(lines[:-1]))
    assert len(fewer.timetable.appointments) == len(day.timetable.appointments) - 1
    assert "emploi du temps modifié à la main" in fewer.notes
    with pytest.raises(BadInput, match="a déjà un rendez-vous"):
        meeting.edited(day, "\n".join([*lines, lines[1]]))
    with pytest.raises(BadInput, match="ligne 2"):
        meeting.edited(day, f"{lines[1]}\n10:00;Personne;Ville A")


def test_slots_avoid_the_pause_and_stay_within_the_day() -> None:
    day = date(2026, 12, 15)
    for first, minutes, told in (
        ("12:00", 20, "12:00 14:00 14:20"), ("12:10", 20, "12:10 14:00 14:20"), ("13:59", 5, "14:00 14:05 14:10"),
        ("14:00", 120, "14:00 16:00 18:00"), ("22:59", 30, "22:59 23:29 23:59"),
    ):  # fmt: skip
        assert " ".join(f"{time:%H:%M}" for time in meeting.starts(day, first, 3, minutes)) == told
    wrong = ("22:00", 120, "journée"), ("9h", 20, "09:30"), ("9:00", 4, "5 à 120"), ("9:00", 121, "5 à")
    for first, minutes, why in wrong:
        with pytest.raises(BadInput, match=why):
            meeting.starts(day, first, 3, minutes)


FILE = (
    "nom;type;communes;departements;courriel;date\n"
    "PLIE du Nord;PLIE;93066|93001;;plie@example.org;2026-05-01\nMission 93;département;;93;m93@example.org;2026-05-01\n"
    "Paris emploi;maison de l'emploi;75056;;;\nSans lieu;PLIE;;;;\nAilleurs;PLIE;Zzyzx;;;\n"
)


@pytest.fixture
def known(home: Path) -> Path:
    path = home / "source.csv"
    path.write_text(FILE, encoding="utf-8")
    good, bad = facilitators.keep(path)
    assert len(good) == 3 and [one.record for one in bad] == ["ligne 5", "ligne 6"]
    return path


def test_overlapping_territories_are_all_named_the_most_local_first(known: Path) -> None:
    local = {"93066": ["PLIE du Nord", "Mission 93"], "93048": ["Mission 93"], "75110": ["Paris emploi"]}
    for commune, names in local.items():  # Paris holds its arrondissements
        assert [f.name for f in facilitators.of(Place(commune=commune))] == names
    assert "01/05/2026" in facilitators.named(Place(commune="93066"))
    assert "aucun n'est connu" in facilitators.named(Place(commune="13055"))


def test_a_facilitator_is_edited_and_a_file_without_a_good_row_changes_nothing(
    known: Path, home: Path
) -> None:
    territory = "Pantin, Saint-Denis (93), Val-de-Marne"
    given = {"name": "Relais", "territory": territory, "trades": "bâtiment", "email": "r@example.org"}
    made = facilitators.put(given)
    assert (made.communes, made.departments) == (("93055", "93066"), ("94",))
    assert "Relais, pour bâtiment : r@example.org" in facilitators.named(Place(commune="93055"))
    typed = facilitators.territory(made)
    again = facilitators.put({"id": made.id, "name": "Relais", "territory": typed, "phone": "01"})
    assert (again.communes, again.departments, again.phone) == (made.communes, made.departments, "01")
    with pytest.raises(BadInput, match="existe déjà"):
        facilitators.put({"name": "Relais", "territory": "Paris"})
    with pytest.raises(BadInput, match="Zzyzx"):
        facilitators.put({"name": "Nulle part", "territory": "Zzyzx"})
    facilitators.remove(made.id)
    assert len(facilitators.read()[0]) == 3
    (home / "bad.csv").write_text("nom;communes\n;93066\n", encoding="utf-8")
    with pytest.raises(BadInput, match="rien n'est changé"):
        facilitators.keep(home / "bad.csv")
    assert len(facilitators.read()[0]) == 3


def test_a_facilitator_sees_a_need_early_only_if_its_buyer_says_so(known: Path, home: Path) -> None:
    from matcher import codec
    from matcher.records.tables import Notice

    store = Store.open(f"sqlite:///{home / 'store.sqlite'}")
    buyer, rival = (keys.prove(store, keys.create(store, ["buyer"])) for _ in range(2))
    need = replace(free_text_tender("nettoyage des écoles"), id="besoin-1", confidential=True)
    with store.writing() as connection:
        row = {"id": "besoin-1", "owner": buyer.id, "fingerprint": "x", "seen_at": now()}
        store.put(connection, Notice, [row | {"tender": codec.to_json(need)}])
    assert facilitators.early(store, "plie-du-nord") == []
    with pytest.raises(Forbidden):
        facilitators.allow(store, rival, "besoin-1", "plie-du-nord")
    with pytest.raises(NotFound):
        facilitators.allow(store, buyer, "besoin-2", "plie-du-nord")
    facilitators.allow(store, buyer, "besoin-1", "plie-du-nord")
    assert [t.id for t in facilitators.early(store, "plie-du-nord")] == ["besoin-1"]
    assert facilitators.early(store, "mission-93") == []
    facilitators.allow(store, buyer, "besoin-1", "plie-du-nord", withdraw=True)
    assert facilitators.early(store, "plie-du-nord") == []
    facilitators.refer(store, "operator", "mission-93", "26-1", "heures à valider")
    (referred,) = facilitators.referrals(store)
    assert (referred["facilitator"], referred["subject"]) == ("mission-93", "26-1")
    with pytest.raises(BadInput):
        facilitators.refer(store, "operator", "mission-93", " ")
    store.close()


def _award(uid: str, holders: tuple[str, ...], amount: float, year: int, **more: Any) -> Award:
    given = {"title": "Nettoyage des locaux", "buyer": Buyer(id="92993941100015"), "amount": amount}
    given |= {"holders": tuple(Holder(id=h) for h in holders), "notified": date(year, 3, 1)}
    return Award(uid=uid, place=Place(department="93"), **given, **more)


def test_the_report_sets_ledger_next_to_decp_and_adds_nothing(matcher: Matcher) -> None:
    by_kind = {
        s.kind: s.siret
        for s in map(matcher.catalogue.structure, range(len(matcher.catalogue)))
        if s.kind and matcher.catalogue.establishments_of(s.siren) == (s.siret,)
    }
    lines = [
        ("SIRET", "Montant HT", "Année", "Catégorie"),
        (by_kind["ESAT"], "1 200,50", "2025", "PME"),
        (by_kind["EI"], "300", "2025", ""),
        (by_kind["EI"], "-100", "2025", "GE"),
        ("12345678901234", "5", "2025", ""),
        (by_kind["EI"], "abc", "2025", ""),
    ]
    book = "\n".join(";".join(line) for line in lines).encode("cp1252")
    purchases, bad = ledger.read(book, "livre.csv")
    assert sum(p.amount for p in purchases) == pytest.approx(1400.5)
    assert [one.record for one in bad] == ["ligne 5", "ligne 6"]
    kinds = {kind: (by_kind[kind],) for kind in ("EI", "EA")}
    alone = {"relation": "single"}
    awards = [
        _award("a", kinds["EI"] + kinds["EA"], 1000.0, 2025, relation="group", social=("Clause sociale",)),
        _award("b", kinds["EI"], 5000.0, 2024, **alone, flags=("no-social",), environment=("Clause verte",)),
        _award("c", kinds["EI"], 1.0, 2025, **alone),
        _award("d", kinds["EI"], 900.0, 2025, relation="modification"),
    ]
    asked = {"buyer": "929939411", "years": (2025,), "rejected": bad, "on": ON}
    made = ledger.report(matcher.catalogue, purchases=purchases, awards=awards, **asked)
    target = {line.key: line for line in made.tables["cible"]}
    assert (target["SIAE"].paid, target["SIAE"].purchases, target["SIAE"].awarded) == (200.0, 2, 500.0)
    assert (target["ESAT"].paid, target["ESAT"].awarded, target["EA"].awarded) == (1200.5, 0.0, 500.0)
    assert (target["SIAE"].awards, target["EA"].awards) == (2, 1)
    assert [note for note in made.notes if note.startswith("1 marché au montant absent ou invraisemblable")]
    assert made.awarded == 1000.0 and made.paid == pytest.approx(1400.5)
    assert (made.small, made.small_amount) == (1, 1200.5), "DECP says nothing of the purchase from the ESAT"
    shares = {s.label: s for s in made.shares if not s.year}
    assert (shares["Achats à des PME"].count, shares["Achats à des PME"].known) == (1, 2)
    assert shares["Marchés attribués à un groupement"].count == 1
    both = {(s.label, s.year): s for s in ledger.report(matcher.catalogue, awards=awards, on=ON).shares}
    social = both["Marchés avec une considération sociale", ""]
    # to state that there is none is a statement
    assert (social.count, social.known, social.unknown) == (1, 2, 1)
    assert "1 sur 2 (50,0" in social.shown() and "16,7" in social.shown(), "by number, then by amount"
    assert both["Marchés avec une considération environnementale", ""].known == 1
    last = both["Marchés avec une considération sociale", "2024"]
    assert (last.count, last.known, last.unknown) == (0, 1, 0)
    with pytest.raises(BadInput, match="rien à rapporter"):
        ledger.report(matcher.catalogue, awards=awards, buyer="219300019")
    html = ledger.page(made)
    assert "<svg" in html and "À vérifier" not in html and "à vérifier" in html
    book = openpyxl.load_workbook(io.BytesIO(ledger.workbook(made)))
    assert book["Par cible"]["D2"].value == 200.0 and "Écartés" in book.sheetnames


def test_no_cell_of_a_workbook_is_run_as_a_formula() -> None:
    made = exports.workbook({"Essai": [{"nom": "=HYPERLINK(1)", "n": 3, "rien": float("nan")}]})
    sheet = openpyxl.load_workbook(io.BytesIO(made))["Essai"]
    assert [cell.value for cell in sheet[2]] == ["=HYPERLINK(1)", 3, None]
    assert sheet["A2"].data_type == "s" and sheet["A2"].quotePrefix


@pytest.mark.parametrize(("arguments",), cases("commands of the desk"))
def test_commands_print_csv_and_write_their_files(arguments: str, folder: Path, home: Path) -> None:
    given = [part.format(out=home, sample=SAMPLE) for part in arguments.split()]
    result = command(*given, "--format", "csv", "--catalogue", str(folder))
    assert result.returncode == 0, result.stderr
    assert list(csv.DictReader(io.StringIO(result.stdout)))
    for name in (a for a in given if a.startswith(str(home))):
        assert Path(name).stat().st_size > 500
