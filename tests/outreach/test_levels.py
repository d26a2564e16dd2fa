"""What a digest says: whom the judgement says to call, who may carry hours by the clause, one line of the rest, or nothing."""

import html
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pytest import MonkeyPatch

import made
import night as n
from matcher import domain
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Asked, Buyer, Clause, Condition, Lot, Place, Reservation, Structure, Tender
from matcher.matching import by_clause, parts, suitability
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, PLAUSIBLE
from matcher.outreach import alerts, digests, items, review, work
from matcher.outreach.digest_formats import apart
from matcher.partners.opportunities import opportunities
from matcher.records import feedback
from matcher.records.store import Store
from records import cases

_EAST = {"department": "93", "latitude": 48.86, "longitude": 2.44}
MONTREUIL = Place(commune="93048", postcode="93100", label="Montreuil", **_EAST)
_CENTRE = {"department": "75", "latitude": 48.85, "longitude": 2.35}
PARIS = Place(commune="75112", postcode="75012", label="Paris", **_CENTRE)
CLEANER, LENDER, BOTH = "00010001600013", "00010073500018", "00010099900010"


def structure(siret: str, name: str, kind: str, *offers: str, **facts: Any) -> Structure:
    return made.structure(
        siret, name, *offers, kind=kind, place=MONTREUIL, email=f"{siret}@example.org", **facts
    )


STRUCTURES = [
    structure(CLEANER, "Propre et Net", "EI", "Nettoyage de bureaux et de locaux", naf="8121Z"),
    structure(LENDER, "Passerelle Intérim", "ETTI", "Mise à disposition d'agents de nettoyage", naf="7820Z"),
    structure(BOTH, "Vert et Net", "ACI", "Tonte et taille de haies", "Nettoyage de bureaux et de locaux"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("levels") / "catalogue"
    save_catalogue(build_catalogue(STRUCTURES), place)
    return place


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as opened:
        yield opened


def cleaning(id: str, title: str = "Nettoyage des bureaux de la mairie", **facts: Any) -> Tender:
    lot = Lot(id=f"{id}-1", title=title, cpv=("90919200",), places=(MONTREUIL,))
    return n.tender(id, lots=(replace(lot, **facts),))


def test_who_lends_staff_is_never_advised_to_answer_alone(store: Store, folder: Path) -> None:
    assert CLEANER in n.told(store, folder, cleaning("a"))
    items = n.mails(store).get(LENDER, {"items": ()})["items"]
    assert all("mise à disposition" in item["alone"] for item in items)
    (item,) = n.told(store, folder, cleaning("b", clauses=(Clause(hours=500.0),)), day=1)[LENDER]["items"]
    assert item["level"] == "clause" and item["alone"].startswith("Par la clause") and item["partners"] == []
    (item,) = n.mails(store, 1)[CLEANER]["items"]
    assert item["level"] == "likely" and item["alone"].startswith("Seule ou en groupement")  # size not known
    every = [item["alone"] for content in n.mails(store, 1).values() for item in content["items"]]
    assert not any("tâche séparable" in alone for alone in every), "works alone have tasks to cut out"


def test_who_lends_staff_hears_of_lots_that_ask_staff_or_hours_alone(store: Store, folder: Path) -> None:
    n.night(store, folder, cleaning("a"))
    assert LENDER not in n.mails(store)  # nothing in the notice makes the contractor owe hours
    staff = cleaning("b", title="Mise à disposition d'agents de nettoyage", cpv=("79620000",))
    (item,) = n.told(store, folder, staff, day=1)[LENDER]["items"]
    assert item["level"] == "likely" and not item["alone"].startswith("Par")


def test_a_concession_is_nobodys_to_answer_unless_it_is_reserved(store: Store, folder: Path) -> None:
    title = "Délégation de service public : nettoyage et exploitation des halles"
    conceded = replace(cleaning("a", title=title), title=title)
    assert CLEANER not in n.told(store, folder, conceded)
    assert CLEANER in n.told(store, folder, replace(conceded, id="b", title="Nettoyage des halles"), day=1)


def test_who_does_what_is_named_first_is_told(store: Store, folder: Path, monkeypatch: MonkeyPatch) -> None:
    title = "Tonte des pelouses et nettoyage des bureaux"
    (item,) = n.told(store, folder, cleaning("a", title=title))[CLEANER]["items"]
    assert item["alone"].startswith("Il manque : espaces verts"), "named in the lot: to be answered together"
    vague = parts.named_first
    monkeypatch.setattr(parts, "named_first", lambda asked: vague(replace(asked, context=title)))
    n.night(store, folder, cleaning("b", title=title), day=1)
    assert BOTH in n.mails(store, 1) and CLEANER not in n.mails(store, 1)


def test_what_is_beyond_structures_is_not_told(store: Store, folder: Path, monkeypatch: MonkeyPatch) -> None:
    assert CLEANER in n.told(store, folder, cleaning("a"))
    monkeypatch.setattr(suitability, "_calls_for", lambda query: "beyond")
    assert CLEANER not in n.told(store, folder, cleaning("b"), day=1)
    n.night(store, folder, cleaning("c", reservation=Reservation(articles=("L2113-13",))), day=2)
    assert CLEANER in n.mails(store, 2)


def test_a_large_lot_without_hours_is_not_told(store: Store, folder: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(suitability, "_calls_for", lambda query: "clause")
    assert CLEANER in n.told(store, folder, cleaning("a")), "one structure carries it"
    monkeypatch.setattr(Asked, "carried", property(lambda asked: "group"))
    assert CLEANER not in n.told(store, folder, cleaning("b"), day=1)
    owed = (Clause(nature="execution", hours=500, origin="field"),)
    assert CLEANER in n.told(store, folder, cleaning("c", clauses=owed), day=2)


@pytest.mark.parametrize(
    ("places", "level"),
    [
        ((MONTREUIL,), LIKELY),
        ((Place(commune="93062", department="93", latitude=48.9, longitude=2.52),), PLAUSIBLE),
        ((Place(department="93"), Place(department="92")), PLAUSIBLE),
    ],
)
def test_a_regie_is_called_in_its_quarter_and_asked_elsewhere(places: tuple[Place, ...], level: int) -> None:
    offer = "Nettoyage de bureaux et de locaux"
    matcher = Matcher(build_catalogue([structure(CLEANER, "Régie de quartier des Pins", "EI", offer)]))
    (ranking,) = matcher.rank_each(matcher.queries(cleaning("a", places=places)))
    assert ranking.levels.tolist() == [level]
    (match,) = matcher.explained(ranking, [0])
    elsewhere = "une régie travaille d'ordinaire sur son seul territoire"
    assert (elsewhere in " ".join(reason.text for reason in match.reasons)) == (level == PLAUSIBLE)
    assert "km" not in str(match.reasons) or places[0].commune, "no kilometres to the centre of a department"


def test_further_lots_of_a_card_say_what_differs_alone() -> None:
    first = dict.fromkeys(("place", "amount", "duration", "changes", "alone", "text"), "")
    first |= {"title": "Lot des écoles", "notice_title": "Nettoyage", "deadline": None, "clauses": ""}
    first |= {"place": "Lille", "reservation": "Lot réservé (L2113-13)"}
    first |= {"conditions": ["visite", "accord-cadre"]}
    assert list(apart(first, first)) == []
    other = first | {"title": "Lot des crèches", "reservation": "", "conditions": ["visite", "variantes"]}
    other |= {"text": "Lot des crèches, Lille", "place": "Lens"}
    assert list(apart(other, first)) == [
        "Lot des crèches", "Lot des crèches, Lille", "Lens", "lot non réservé", "variantes",
    ]  # fmt: skip


def test_a_clause_reaches_the_nearest_lenders(store: Store, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    aside = [replace(structure(f"00010{i}73500018", f"Relais {i}", "AI"), place=PARIS) for i in range(4)]
    folder = tmp_path / "aside"
    save_catalogue(build_catalogue(aside), folder)
    monkeypatch.setattr(by_clause, "least_chance", lambda lot: 0.1 if lot.owed_condition else 0.5)
    n.night(store, folder, cleaning("a"), cleaning("b", clauses=(Clause(hours=500.0),)))
    items = [item for content in n.mails(store).values() for item in content["items"]]
    assert [item["level"] for item in items] == ["clause"] * by_clause.FEW
    assert {item["notice_id"] for item in items} == {"b"}


def test_a_lot_announced_by_its_clause_is_not_without_structure(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "lends"
    save_catalogue(build_catalogue(STRUCTURES[1:2]), folder)
    cover = Lot(id="c-1", title="Assurance responsabilité civile", cpv=("66516000",))
    insurance = n.tender("c", lots=(cover,))
    summary = n.night(store, folder, cleaning("a", clauses=(Clause(hours=500.0),)), insurance)
    assert (summary.lots, summary.matches, summary.by_clause, summary.nobody) == (2, 0, 1, 1)
    page = review.of_run(store, summary.run)
    assert "Lots par la clause seulement</th><td>1</td>" in page
    assert "Assurance responsabilité civile" in page and "Nettoyage des bureaux de la mairie" not in page


def test_a_line_says_what_for_whom_where_how_much_until_when_and_why(store: Store, folder: Path) -> None:
    amount = {"amount": 120_000.0, "amount_period": "total"}
    n.night(
        store,
        folder,
        cleaning("a"),
        cleaning("c", **amount, duration_months=24.0),
        replace(cleaning("b", **amount), documents_url="http://profil.example.org/"),
        cleaning("d", amount_max=90_000.0, duration_months=12.0, renewals=3),
        cleaning("e", amount=70_000.0, amount_period="year", inferred=("amount",)),
    )
    text = digests.rendered(n.mails(store)[CLEANER], "text").decode()
    for (said,) in cases("what a digest says of a lot"):
        assert said in text, said


def test_limits_that_bind_and_passages_are_said_once() -> None:
    assert items._without("Lot 2 : tonte – taille des haies", "lot 2", "Tonte") == "Taille des haies"
    assert items._without("- tonte, et taille", "", "tonte") == "- tonte, et taille"
    bound = n.tender("a", "tonte", "tonte", lots_per_tender=1, lots_per_winner=2)
    assert items._limits(bound) == "1 lot au plus par candidat"
    one_at_most = items._limits(replace(bound, lots_per_tender=2, lots_per_winner=1))
    assert one_at_most == "1 lot attribué au plus à un candidat"
    labels, passage = ("Seul", "Plusieurs"), "Nul ne peut ..."
    alone, several = (Condition(code="group", label=label, passage=passage) for label in labels)
    limit = Condition(code="lots-limit", label="1 lot")
    variants = Condition(code="variants", label="Variantes admises")
    lot = Lot(id="a", title="Repas", conditions=(limit, alone, variants, several))
    assert list(items._conditions(lot)) == ["Seul ; Plusieurs : « Nul ne peut ... »", "Variantes admises"]


@pytest.mark.parametrize(("place", "said"), cases("lots that are too wide"))
def test_a_lot_is_too_wide_by_its_place_and_not_by_a_street(place: dict[str, str], said: str) -> None:
    assert items._wide(Lot(id="a", title="Repas", places=(Place(**place),))) == said


def test_a_declared_zone_counts_for_a_lot_that_names_its_region_alone(store: Store, tmp_path: Path) -> None:
    zones = ((("93",), CLEANER), (("13",), BOTH))
    zoned = [replace(STRUCTURES[0], zone=domain.Zone(departments=at), siret=siret) for at, siret in zones]
    folder = tmp_path / "zoned"
    save_catalogue(build_catalogue(zoned), folder)
    n.night(store, folder, replace(cleaning("b", places=()), buyer=Buyer(name="Centrale d'achat")))
    assert n.mails(store) == {}, "what nothing places is in nobody's reach"
    n.night(store, folder, cleaning("a", places=(Place(region="11"),)))
    assert BOTH not in n.mails(store) and CLEANER in n.mails(store)


def test_a_denied_trade_is_never_announced_even_as_the_second_of_a_lot(store: Store, folder: Path) -> None:
    feedback.deny(store, BOTH, "nettoyage")
    both = "Entretien des espaces verts et nettoyage des locaux"
    n.night(store, folder, cleaning("a", title=both), n.tender("b", "tonte"))
    assert [item["notice_id"] for item in n.mails(store)[BOTH]["items"]] == ["b"]


def test_plausible_lots_are_a_line_if_asked(store: Store, folder: Path, monkeypatch: MonkeyPatch) -> None:
    whole = work._levels

    def unsure(ranking: Any, wants_plausible: frozenset[str], *rest: Any) -> Any:
        found = whole(ranking, wants_plausible, *rest)
        if ranking.shortlist.query.tender.id != "b":
            return found
        sirets = ranking.shortlist.catalogue.of_structure("siret")[ranking.shortlist.candidates]
        return {i: ("plausible", None) for i in found if sirets[i] in wants_plausible}

    monkeypatch.setattr(work, "_levels", unsure)
    alerts.choose(store, CLEANER, "daily", plausible=True)
    n.night(store, folder, cleaning("a"), cleaning("b", title="Nettoyage des vitres de la mairie"))
    mine, other = n.mails(store)[CLEANER], n.mails(store)[BOTH]
    assert [i["notice_id"] for i in mine["items"]] == ["a"]
    assert [i["notice_id"] for i in mine["unsure"]] == ["b"]
    assert other["unsure"] == []
    text = digests.rendered(mine, "text").decode()
    line = "À vérifier, si c'est votre métier : Nettoyage des vitres de la mairie (Commune de Montreuil"
    assert text.count(line) == 1


def test_after_a_month_of_silence_one_message_says_so_and_no_second(store: Store, folder: Path) -> None:
    n.night(store, folder, cleaning("a"))
    n.night(store, folder, day=29)
    assert n.mails(store, 29) == {}
    assert n.told(store, folder, day=30)[CLEANER]["subject"].startswith("Peu ou rien dans votre métier")
    assert "un mois" in digests.rendered(n.mails(store, 30)[CLEANER], "text").decode()
    assert n.told(store, folder, day=31) == {}


def test_contracts_that_end_are_announced_once_and_to_their_buyer(store: Store, folder: Path) -> None:
    held = {"holders": (domain.Holder(id="00010016700014", name="Ancien Titulaire"),), "place": MONTREUIL}
    held |= {"cpv": "90919200", "notified": date(2025, 6, 1), "duration_months": 24.0}
    award = domain.Award(uid="w-1", title="Nettoyage des écoles", buyer=n.BUYER, **held)
    won = n.tender("w", nature="award", awards=(award,), lots=(), deadline=None)
    (line,) = n.told(store, folder, cleaning("a"), won)[CLEANER]["ending"]
    assert "Nettoyage des écoles" in line and "Ancien Titulaire" in line and "1er juin 2027" in line
    assert line in digests.rendered(n.mails(store)[CLEANER], "text").decode()
    assert n.told(store, folder, cleaning("b"), day=1)[CLEANER]["ending"] == []
    assert digests.of_buyer(store, n.BUYER.id, at=n.MOMENT)["ending"] == [line]


def test_the_list_of_a_structure_tells_what_its_digest_tells(store: Store, folder: Path) -> None:
    notices = [cleaning("a"), cleaning("b", clauses=(Clause(hours=500.0),)), n.tender("c", "repas")]
    n.night(store, folder, *notices)
    matcher = Matcher.load(folder)
    for structure in STRUCTURES:
        seen = opportunities(matcher, structure, notices, now=n.MOMENT)
        items = n.mails(store).get(structure.siret, {"items": ()})["items"]
        levels = {item["notice_id"]: item["level"] for item in items}
        likely = {id for id, level in levels.items() if level in ("likely", "clause")}
        assert {o.tender.id for o in seen if o.part != "watch"} == likely
        by_clause = {o.tender.id for o in seen if o.why[0].startswith("par la clause")}
        assert by_clause == {id for id, level in levels.items() if level == "clause"}


def test_a_spreadsheet_has_dates_and_links_and_a_feed_names_the_notice(store: Store, folder: Path) -> None:
    content = n.told(store, folder, cleaning("a"))[CLEANER]
    sheet = openpyxl.load_workbook(io.BytesIO(digests.rendered(content, "xlsx"))).active
    row = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert row["Date limite"].value == datetime(2026, 12, 15, 9)
    assert row["Date limite"].number_format == "dd/mm/yyyy hh:mm"
    assert row["Dossier"].hyperlink.target == "https://example.org/dossier/a"
    feed = digests.rendered(content, "atom").decode()
    assert "<title>Nettoyage des bureaux de la mairie – Services a (Commune de Montreuil)</title>" in feed


def test_the_report_of_a_night_is_in_french(store: Store, folder: Path) -> None:
    summary = n.night(store, folder, cleaning("a"), hold=True)
    page = review.of_run(store, summary.run)
    text = re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", " ", page, flags=re.S)
    assert f"retenus : {summary.digests}" in text and "à la demande de l'exploitant" in html.unescape(text)
    english = r"\b(held|ready|sent|digests?|asked|runs?|recipe|encoder|ranker|built)\b"
    assert not re.search(english, text.lower())
