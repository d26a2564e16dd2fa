"""The desk of a territory: map, hours, facilitators, meeting day, report, on the sample and against exact figures."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from lxml import etree

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import (
    LENDING_KINDS,
    Award,
    BadInput,
    Buyer,
    Forbidden,
    Holder,
    NotFound,
    Place,
    Recipe,
    Structure,
    Zone,
)
from matcher.matching.engine import Matcher
from matcher.reading import gather
from matcher.records import keys
from matcher.records.store import Store, now
from matcher.reference import paths, places, trades
from matcher.territory import (
    assumptions,
    choropleth,
    coverage,
    exports,
    facilitators,
    hours,
    ledger,
    meeting,
    outlines,
    timetable,
)
from matcher.territory.supply import Supply, asked_of

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
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    return tmp_path


def small(*structures: Structure) -> Catalogue:
    return build_catalogue(structures, (), Recipe(encoder="hashing"))


def structure(number: int, kind: str, name: str, commune: str, **more: Any) -> Structure:
    return Structure(siret=f"{number:09d}00011", name=name, kind=kind, place=Place(commune=commune), **more)


# --------------------------------------------------------------------------------------------------- map


def test_a_zone_is_blank_where_nobody_comes_and_covered_where_enough_do() -> None:
    catalogue = small(
        *(structure(n, "EI", f"Blanchisserie {n}", "93066") for n in (1, 2, 3)),
        structure(4, "ESAT", "Traiteur des Alpes", "73065"),
        structure(5, "EI", "Cuisine centrale solidaire, restauration", "93066"),
    )
    lots = coverage.wanted(awards=[
        Award(uid="1", title="Location et entretien de linge, blanchisserie", place=Place(commune="93066", department="93")),
        Award(uid="2", title="Prestation de traiteur", place=Place(commune="93066", department="93")),
        Award(uid="3", title="Prestation de traiteur", place=Place(commune="93066", department="93"), relation="modification"),
    ])  # fmt: skip
    made = coverage.cover(Supply(catalogue, on=ON), lots, [coverage.department("93")])
    cells = {cell.trade: cell for cell in made.cells}
    assert cells["blanchisserie"].state == "couverte"
    assert (cells["blanchisserie"].able.possible, cells["blanchisserie"].short) == (3, 0)
    assert cells["traiteur"].state == "blanche"
    assert cells["traiteur"].lots == 1, "a modification is no second contract"
    assert cells["traiteur"].nearest == (), "Chambéry is beyond the distance of the table"
    assert [near.name for near in cells["traiteur"].neighbours] == [
        "Cuisine centrale solidaire, restauration"
    ]
    assert cells["peinture"].state == "sans besoin publié"
    assert made.lots == {"93": 2} and made.short == {"93": 1}
    assert made.values("share")["93"] == 50.0


def test_lots_of_some_departments_are_those_of_all_that_lie_there(sample: gather.Gathered) -> None:
    everywhere = coverage.wanted(sample.tenders)
    for code in ("93", "75", "13", "974"):
        there = coverage.wanted(sample.tenders, departments={code})
        assert there == [lot for lot in everywhere if lot.place.department == code]
    assert {lot.place.department for lot in everywhere} >= {"93", "75"}


def test_two_places_of_one_siren_count_once_and_a_declared_zone_is_obeyed() -> None:
    twin = Structure(
        siret="00000000100029", name="Blanchisserie 1 bis", kind="EI", place=Place(commune="93066")
    )
    catalogue = small(
        structure(1, "EI", "Blanchisserie 1", "93066"), twin,
        structure(2, "EI", "Blanchisserie du nord", "59350", zone=Zone(departments=("93",))),
        structure(3, "EI", "Blanchisserie voisine", "93066", zone=Zone(departments=("92",))),
        structure(4, "EI", "Blanchisserie fermée", "93066", active=False),
    )  # fmt: skip
    supply = Supply(catalogue, on=ON)
    made = coverage.cover(supply, [], [coverage.department("93")], trades=("blanchisserie",))
    assert made.cells[0].able.possible == 2
    assert made.cells[0].here == 2, "the closed one is left out, the one that works elsewhere stands here"
    assert "1 fermée écartée" in supply.source()


def test_reach_is_the_distance_that_an_independent_formula_gives() -> None:
    catalogue = small(
        *(
            structure(n, "EI", f"Nettoyage {n}", code)
            for n, code in enumerate(("75056", "77288", "78646", "60057", "59350"), 1)
        )
    )
    supply = Supply(catalogue, on=ON, reach_km=45)
    paris = coverage.somewhere("75056")
    for i, found in enumerate(supply.structures):
        place = places.locate(found.place)
        a, b, c, d = (
            np.radians(x) for x in (place.latitude, place.longitude, paris.latitude, paris.longitude)
        )
        km = 6371.0088 * np.arccos(min(1.0, np.sin(a) * np.sin(c) + np.cos(a) * np.cos(c) * np.cos(b - d)))
        assert supply.reach(paris)[i] == (km <= 45)


def test_a_circle_counts_only_what_lies_within_it() -> None:
    catalogue = small(structure(1, "EI", "Nettoyage Nord", "93066"))
    lots = coverage.wanted(awards=[
        Award(uid="near", title="Nettoyage des locaux", place=places.locate(Place(commune="93001"))),
        Award(uid="far", title="Nettoyage des locaux", place=places.locate(Place(commune="77288"))),
        Award(uid="vague", title="Nettoyage des locaux", place=Place(department="93")),
        Award(uid="nowhere", title="Nettoyage des locaux"),
    ])  # fmt: skip
    made = coverage.cover(
        Supply(catalogue, on=ON), lots, [coverage.circle("93066", 10)], trades=("nettoyage",)
    )
    assert made.cells[0].lots == 1 and made.unplaced == 1


def test_the_map_of_the_sample_has_a_source_a_date_and_every_department_drawn(
    matcher: Matcher, folder: Path
) -> None:
    areas = coverage.region("Île-de-France")
    assert [a.code for a in areas] == ["75", "77", "78", "91", "92", "93", "94", "95"]
    lots = coverage.wanted_of(matcher.catalogue, gather.load_notices(folder), coverage.around(areas))
    made = coverage.cover(Supply(matcher.catalogue, on=ON), lots, areas)
    assert all("structures (" in row["sources"] and row["calculé le"] == "2026-11-24" for row in made.rows())
    assert sum(made.lots.values()) == sum(
        1 for lot in lots if lot.trades and lot.place.department in made.lots
    )
    svg = choropleth.svg(
        made.values("short"), title="Essai <b>", source=made.sources[0], departments=tuple(made.lots)
    )
    tree = etree.fromstring(svg.encode())
    drawn = {e.get("data-department") for e in tree.iter("{*}path")} - {None}
    assert drawn == set(made.lots)
    assert "CC BY 4.0" in svg and "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_outlines_are_those_of_the_96_departments_each_near_its_neighbours() -> None:
    shapes = outlines.outlines()
    assert set(shapes) == {d.code for d in places.departments() if len(d.code) == 2}
    for code, shape in shapes.items():
        for other in places.neighbours(code):
            box = shapes[other]
            gap = max(
                box.left - shape.right, shape.left - box.right, box.top - shape.bottom, shape.top - box.bottom
            )
            assert gap < 8, f"{code} and {other} touch, their drawings do not"


def test_what_no_title_nor_code_names_is_reported_by_its_family_or_by_the_model() -> None:
    asked = asked_of(
        [
            ("Tonte des pelouses", ()),
            ("Fourniture de progiciels", ("48000000",)),
            ("Acquisition d'automates", ("33100000",)),
            ("Lot 3", ("45000000",)),
            ("xxyzzq", ()),
        ],
        guess=False,
    )
    assert [one.trades for one in asked] == [("espaces-verts",), ("numerique",), (), (), ()]
    assert [one.family for one in asked[2:]] == [
        "matériel médical et médicaments",
        "travaux, sans autre précision",
        "",
    ]
    # the model never contradicts the division of a code, and says nothing of words that it does not know
    guessed = asked_of([("Nettoyage", ("33100000",)), ("xxyzzq", ())])
    assert guessed[0].trades == ("nettoyage",) and guessed[1].trades == ()


def test_a_lot_of_no_trade_is_counted_apart_with_its_family(matcher: Matcher) -> None:
    place = coverage.department("93").place
    lots = [
        coverage.Wanted(
            id="1",
            title="Automates",
            trades=(),
            place=place,
            on=None,
            origin="avis",
            family="matériel médical et médicaments",
        ),
        coverage.Wanted(id="2", title="?", trades=(), place=place, on=None, origin="avis"),
    ]
    made = coverage.cover(Supply(matcher.catalogue), lots, [coverage.department("93")])
    assert dict(made.outside) == {"matériel médical et médicaments": 1} and made.unknown_trade == 1
    assert "matériel médical et médicaments 1" in made.left_out


def test_a_family_of_a_trade_that_does_not_exist_is_reported_with_its_line(home: Path) -> None:
    (home / "assumptions").mkdir(exist_ok=True)
    table = home / "assumptions" / "cpv_trades.csv"
    table.write_text("prefix,trade,family\n33,magie,médecine\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"ligne 2.*magie"):
        assumptions.families(table)
    shipped = assumptions.families(paths.reference_dir().parent / "assumptions" / "cpv_trades.csv")
    assert all(row.reasoning for row in shipped.values()) and shipped["48"].trade == "numerique"


def test_classes_that_would_be_shown_alike_are_one() -> None:
    bounds = choropleth.breaks([63.2, 63.4, 52.0, 61.0, 70.9, 71.3, 62.0, 52.2])
    figures = [f"{bound:.0f}" for bound in bounds]
    assert len(set(figures)) == len(figures) and figures[-1] == "71"


def test_unknown_figures_are_hatched_and_overseas_departments_have_a_square() -> None:
    svg = choropleth.svg({"75": None, "92": 3.0, "974": 4.0}, title="Essai", departments=("75", "92", "974"))
    tree = etree.fromstring(svg.encode())
    fills = {e.get("data-department"): e.get("fill") for e in tree.iter("{*}path")}
    assert fills["75"] == "url(#unknown)" and fills["92"] != "url(#unknown)"
    assert any(e.text == "974" for e in tree.iter("{*}text"))
    with pytest.raises(BadInput, match="99"):
        choropleth.svg({"99": 1.0}, title="Essai")


@pytest.mark.parametrize(("call", "says"), [
    (lambda: coverage.department("99"), "99"), (lambda: coverage.region("Atlantide"), "Atlantide"),
    (lambda: coverage.circle("93066", 0), "rayon"), (lambda: coverage.somewhere("Zzyzx"), "Zzyzx"),
])  # fmt: skip
def test_a_place_that_does_not_exist_is_stated(call: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        call()


# ----------------------------------------------------------------------------------------- assumptions


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
    bad.write_text("key,share,hourly_cost\nrest,0.5,20\nnettoyage,12,18\n", encoding="utf-8")
    with pytest.raises(BadInput, match="ligne 3"):
        assumptions.labour(bad)


# ----------------------------------------------------------------------------------------------- hours


def test_hours_are_amount_times_share_over_hourly_cost(matcher: Matcher) -> None:
    labour = assumptions.Labour(key="x", label="essai", share=0.6, hourly_cost=30.0)
    made = hours.plan(
        Supply(matcher.catalogue, on=ON),
        amount=300_000,
        trades=("peinture",),
        place=coverage.somewhere("93100"),
        months=24,
        labour=labour,
    )
    assert made.worked == 300_000 * 0.6 / 30
    assert [(t.share, t.hours) for t in made.targets] == [
        (0.05, 300.0),
        (0.07, pytest.approx(420.0)),
        (0.10, 600.0),
    ]
    assert made.targets[2].fte == pytest.approx(600 / 1607 / 2)
    assert {c.kind for c in made.lending} <= LENDING_KINDS
    assert {c.kind for c in made.serving} <= {"EI", "ACI", "AI", "ETTI", "EITI"} and made.serving
    assert any("essai : 60 %" in line for line in made.assumed)


@pytest.mark.parametrize("amount", [0, -5, float("nan"), float("inf")])
def test_an_amount_that_is_none_is_refused(amount: float) -> None:
    with pytest.raises(BadInput, match="montant"):
        hours.worked(amount, assumptions.labour()["nettoyage"])


@pytest.mark.parametrize(("rate", "contribution", "deduction"), [
    (0.02, 50_000, 0.30 * 12_000), (0.02, 5_000, 0.50 * 5_000), (0.0299, 5_000, 2_500), (0.03, 4_000, 0.75 * 4_000),
    (0.0599, 4_000, 3_000), (0.06, 4_000, 0.0), (0.10, 0, 0.0), (0.02, None, None),
])  # fmt: skip
def test_oeth_by_the_article(rate: float, contribution: float | None, deduction: float | None) -> None:
    # 30 % of the labour cost, at most 50 % of the contribution, 75 % from a rate of 3 %, nothing from 6 % (D5212-22)
    made = hours.oeth(20_000, rate, on=ON, contribution=contribution, labour_cost=12_000)
    assert made.deduction == (None if deduction is None else pytest.approx(deduction))
    assert any("attestation" in line for line in made.notes)
    assert all("à vérifier" in rule for rule in made.rules) and made.rules


def test_oeth_asks_the_rate_and_refuses_a_labour_cost_above_the_purchase() -> None:
    with pytest.raises(BadInput, match="taux d'emploi"):
        hours.oeth(20_000, None, on=ON)
    with pytest.raises(BadInput, match="attestation"):
        hours.oeth(20_000, 0.02, on=ON, labour_cost=30_000)
    assert hours.oeth(20_000, 0.02, on=ON, contribution=50_000, headcount=12).deduction == 0.0


# --------------------------------------------------------------------------------------------- meeting


def _check(made: timetable.Timetable, n: int, m: int, slots: int) -> None:
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
    made = timetable.solve(values, 3, most=2, buyer_absent=absent)
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
    made = timetable.solve(values, slots, most=5, tables=tables)
    _check(made, n, m, slots)
    assert max(np.bincount([a.slot for a in made.appointments])) <= tables
    assert max(np.bincount([a.structure for a in made.appointments])) <= 5
    assert sum(a.relevance == 0 for a in made.appointments) <= n, (
        "worthless appointments only where one is due"
    )


def test_what_cannot_be_planned_says_what_to_add() -> None:
    with pytest.raises(BadInput, match="ajoutez 3 créneaux"):
        timetable.solve(np.ones((9, 2)), 2)
    with pytest.raises(BadInput, match="créneau"):
        timetable.solve(np.ones((2, 2)), 2, absent={0: {0, 1}})


@pytest.fixture
def day(matcher: Matcher, home: Path) -> meeting.Day:
    path = home / "besoins.csv"
    path.write_text(
        "acheteur;besoin;lieu;publiable;absent\nVille A;nettoyage des écoles;93100;oui;1\nVille A;vitrerie;;oui;\n"
        "Hôpital B;entretien des espaces verts;94028;non;\nLycée C;restauration scolaire;;oui;x\nVille D;=1+1;;;\n",
        encoding="utf-8",
    )
    guests, bad = meeting.guests(path)
    assert [g.name for g in guests] == ["Ville A", "Hôpital B"] and len(guests[0].needs) == 2
    assert [one.record for one in bad] == ["ligne 5", "ligne 6"]
    return meeting.plan(
        matcher, Supply(matcher.catalogue, on=ON), theme="propreté et espaces verts", place=coverage.somewhere("93100"),
        buyers=guests, on=date(2026, 12, 15), slots=6, most=8,
    )  # fmt: skip


def test_a_day_has_six_pitches_and_every_guest_is_met(day: meeting.Day) -> None:
    _check(day.timetable, 8, 2, 6)
    assert len(day.invited) == 8 and len(day.pitches) == 6
    assert len({one.structure.siren for one in day.invited}) == 8
    assert all(a.slot != 0 for a in day.timetable.appointments if a.buyer == 0), (
        "Ville A misses the first slot"
    )
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


def test_those_never_shown_keep_a_third_of_the_invitations(matcher: Matcher) -> None:
    supply = Supply(matcher.catalogue, on=ON)
    worth = np.linspace(1, 0.1, len(supply))[:, None]
    famous = {s.siret: 5 for s in supply.structures[: len(supply) // 2]}
    supply.reach_km = 2000.0
    chosen = meeting.invite(supply, worth, coverage.somewhere("93100"), 9, famous)
    assert sum(1 for i, _ in chosen if not famous.get(supply.structures[i].siret)) >= 3
    assert len(chosen) == 9


def test_slots_avoid_the_pause_and_stay_within_the_day() -> None:
    times = meeting.starts(date(2026, 12, 15), "12:00", 3, 20)
    assert [f"{t:%H:%M}" for t in times] == ["12:00", "14:00", "14:20"]
    with pytest.raises(BadInput, match="journée"):
        meeting.starts(date(2026, 12, 15), "22:00", 12, 30)


# ---------------------------------------------------------------------------------------- facilitators

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
    assert [f.name for f in facilitators.of(Place(commune="93066"))] == ["PLIE du Nord", "Mission 93"]
    assert [f.name for f in facilitators.of(Place(commune="93048"))] == ["Mission 93"]
    assert [f.name for f in facilitators.of(Place(commune="75110"))] == ["Paris emploi"], (
        "Paris holds its arrondissements"
    )
    assert "01/05/2026" in facilitators.named(Place(commune="93066"))
    assert "aucun n'est connu" in facilitators.named(Place(commune="13055"))


def test_a_file_without_a_good_row_changes_nothing(known: Path, home: Path) -> None:
    (home / "bad.csv").write_text("nom;communes\n;93066\n", encoding="utf-8")
    with pytest.raises(BadInput, match="rien n'est changé"):
        facilitators.keep(home / "bad.csv")
    assert len(facilitators.read()[0]) == 3


def test_a_facilitator_sees_a_need_early_only_if_its_buyer_says_so(known: Path, home: Path) -> None:
    from matcher import codec
    from matcher.reading.need import free_text_tender
    from matcher.records.tables import Notice

    store = Store.open(f"sqlite:///{home / 'store.sqlite'}")
    buyer, rival = (keys.prove(store, keys.create(store, ["buyer"])) for _ in range(2))
    need = replace(free_text_tender("nettoyage des écoles"), id="besoin-1", confidential=True)
    with store.writing() as connection:
        row = {
            "id": "besoin-1",
            "owner": buyer.id,
            "fingerprint": "x",
            "tender": codec.to_json(need),
            "seen_at": now(),
        }
        store.put(connection, Notice, [row])
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
    assert [(r.facilitator, r.subject) for r in facilitators.referrals(store)] == [("mission-93", "26-1")]
    store.close()


# --------------------------------------------------------------------------------------------- report


def _award(uid: str, holders: tuple[str, ...], amount: float, year: int, **more: Any) -> Award:
    return Award(
        uid=uid,
        title="Nettoyage des locaux",
        buyer=Buyer(id="92993941100015"),
        holders=tuple(Holder(id=h) for h in holders),
        amount=amount,
        notified=date(year, 3, 1),
        place=Place(department="93"),
        **more,
    )


def test_the_report_sets_ledger_next_to_decp_and_adds_nothing(tmp_path: Path, matcher: Matcher) -> None:
    by_kind = {
        s.kind: s.siret
        for s in Supply(matcher.catalogue, on=ON).structures
        if matcher.catalogue.establishments_of(s.siren) == (s.siret,)
    }
    path = tmp_path / "livre.csv"
    lines = [
        ("SIRET", "Montant HT", "Année", "Catégorie"),
        (by_kind["ESAT"], "1 200,50", "2025", "PME"),
        (by_kind["EI"], "300", "2025", ""),
        (by_kind["EI"], "-100", "2025", "GE"),
        ("12345678901234", "5", "2025", ""),
        (by_kind["EI"], "abc", "2025", ""),
    ]
    path.write_text("\n".join(";".join(line) for line in lines), encoding="cp1252")
    purchases, bad = ledger.read(path)
    assert sum(p.amount for p in purchases) == pytest.approx(1400.5) and [one.record for one in bad] == [
        "ligne 5",
        "ligne 6",
    ]
    awards = [
        _award("a", (by_kind["EI"], by_kind["EA"]), 1000.0, 2025, relation="group", social=("Clause sociale",)),
        _award("b", (by_kind["EI"],), 5000.0, 2024, relation="single", social=("Pas de considération sociale",)),
        _award("c", (by_kind["EI"],), 1.0, 2025, relation="single"), _award("d", (by_kind["EI"],), 900.0, 2025, relation="modification"),
    ]  # fmt: skip
    made = ledger.report(
        matcher.catalogue,
        purchases=purchases,
        awards=awards,
        buyer="929939411",
        years=(2025,),
        rejected=bad,
        on=ON,
    )
    target = {line.key: line for line in made.tables["cible"]}
    assert (target["SIAE"].paid, target["SIAE"].purchases, target["SIAE"].awarded) == (200.0, 2, 500.0)
    assert (target["ESAT"].paid, target["ESAT"].awarded, target["EA"].awarded) == (1200.5, 0.0, 500.0)
    assert made.awarded == 1000.0 and made.paid == pytest.approx(1400.5)
    assert (made.small, made.small_amount) == (1, 1200.5), "DECP says nothing of the purchase from the ESAT"
    shares = {s.label: s for s in made.shares}
    assert (shares["Achats à des PME"].count, shares["Achats à des PME"].known) == (1, 2)
    assert shares["Marchés attribués à un groupement"].count == 1
    both = ledger.report(matcher.catalogue, awards=awards, on=ON).shares[0]
    assert (both.count, both.known, both.unknown) == (1, 2, 1)
    html = ledger.page(made)
    assert "<svg" in html and "À vérifier" not in html and "à vérifier" in html
    book = openpyxl.load_workbook(io.BytesIO(ledger.workbook(made)))
    assert book["Par cible"]["D2"].value == 200.0 and "Écartés" in book.sheetnames


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('siret;montant;annee\n"' + "1;a;b\n" * 40_000, "guillemet|aucune ligne"),
        ("siret;montant;annee\n" + "1;a;b\n" * (ledger.MOST_LINES + 1), "année par année"),
        ("siret;montant;annee" + ";a" * ledger.LONGEST_HEAD + "\n", "trop de colonnes"),
    ],
)
def test_a_ledger_made_to_stop_its_reader_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "livre.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=why):
        ledger.read(path)


def test_a_ledger_without_its_columns_or_a_buyer_without_purchases_is_reported(
    tmp_path: Path, matcher: Matcher
) -> None:
    path = tmp_path / "livre.csv"
    path.write_text("fournisseur,total\n1,2\n", encoding="utf-8")
    with pytest.raises(BadInput, match="montant, année"):
        ledger.read(path)
    with pytest.raises(BadInput, match="rien à rapporter"):
        ledger.report(matcher.catalogue, awards=[_award("a", ("1" * 14,), 10, 2025)], buyer="219300019")


def test_no_cell_of_a_workbook_is_run_as_a_formula() -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(exports.workbook({"Essai": [{"nom": "=HYPERLINK(1)", "n": 3, "rien": float("nan")}]}))
    )
    cells = next(iter(book["Essai"].iter_rows(min_row=2, values_only=True)))
    assert cells == ("'=HYPERLINK(1)", 3, None)
    assert all(cell.data_type != "f" for line in book["Essai"].iter_rows() for cell in line)


# ------------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("arguments", [
    ["map", "--region", "11", "--format", "csv", "--svg", "{out}/c.svg", "--html", "{out}/c.html"],
    ["hours", "plan", "nettoyage de bureaux", "--amount", "90000", "--place", "93100", "--format", "csv"],
    ["potential", "--need", "entretien des espaces verts", "--place", "93100", "--amount", "30000", "--format", "csv", "--html", "{out}/p.html"],
    ["spaser", str(SAMPLE / "decp_2024.json"), "--format", "csv", "--html", "{out}/r.html", "--xlsx", "{out}/r.xlsx"],
])  # fmt: skip
def test_commands_print_csv_and_write_their_files(
    arguments: list[str], folder: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from matcher.cli import build

    given = [a.format(out=home) for a in arguments]
    result = CliRunner().invoke(build(), [*given, *([] if "oeth" in given else ["--catalogue", str(folder)])])
    assert result.exit_code == 0, result.output
    assert list(csv.DictReader(io.StringIO(result.stdout)))
    for name in (a for a in given if a.startswith(str(home))):
        assert Path(name).stat().st_size > 500
