"""A meeting day: whom to invite, which six to hear, and a timetable of appointments; with its exports.

Relevance of a structure to a need: the chance of a lead that the judgement gives it, 0 for whom a search of the need
would not show.  Exposure: how often the store says a structure was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher import plugins
from matcher.domain import BadInput, Place, Rejected, Structure
from matcher.matching.engine import Matcher
from matcher.matching.ranking import PLAUSIBLE
from matcher.reading.need import free_text_tender
from matcher.records.store import Store
from matcher.reference import tables
from matcher.reference.french import PARIS
from matcher.reference.identifiers import clean_date
from matcher.reference.origins import source_name
from matcher.reference.text import fold
from matcher.territory import coverage, exports, facilitators, timetable
from matcher.territory.supply import Supply, trades_of_lot

#: At least this part of the invitations goes to structures never shown, where there are such.
UNSEEN = 1 / 3
PITCHES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A buyer with its coming needs; a need is shown to structures only if the buyer says so."""

    name: str
    needs: tuple[str, ...]
    place: Place | None = None
    public: bool = False
    absent: frozenset[int] = frozenset()  # slots from 0
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A structure to invite, and why: its best relevance, and how often it was shown so far."""

    structure: Structure
    relevance: float
    shown: int
    kilometres: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The whole day."""

    theme: str
    place: Place
    on: date
    starts: tuple[datetime, ...]
    minutes: int
    guests: tuple[Guest, ...]
    invited: tuple[Invited, ...]
    pitches: tuple[Invited, ...]
    timetable: timetable.Timetable
    facilitator: str
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    versions: Mapping[str, str]


_HEADINGS = {
    "acheteur": "buyer", "buyer": "buyer", "besoin": "need", "need": "need", "lieu": "place", "place": "place", "commune": "place",
    "public": "public", "publiable": "public", "absent": "absent", "creneaux absents": "absent", "maximum": "most", "most": "most",
}  # fmt: skip


def guests(path: Path) -> tuple[tuple[Guest, ...], tuple[Rejected, ...]]:
    """The buyers of a CSV file (`acheteur`, `besoin`; also `lieu`, `publiable`, `absent`, `maximum`), one need a row.

    `absent` lists slots from 1 ("1 2 12").  Raises BadInput where no row is good.
    """
    fields, rows = tables.named_rows(path, _HEADINGS)
    if not {"buyer", "need"} <= fields:
        raise BadInput(f"{path} : il faut les colonnes acheteur et besoin")
    found: dict[str, Guest] = {}
    bad = []
    for number, row in enumerate(rows, 2):
        try:
            if not row.get("buyer") or not any(c.isalpha() for c in row.get("need", "")):
                raise BadInput("acheteur ou besoin vide : remplissez les deux")
            absent = row.get("absent", "").replace(",", " ").split()
            if not all(word.isdecimal() and int(word) for word in absent):
                raise BadInput(
                    f"absent vaut « {row['absent']} » : donnez des numéros de créneaux, 1 2 12 par exemple"
                )
            if row.get("most") and not row["most"].isdecimal():
                raise BadInput(f"maximum vaut « {row['most']} » : donnez un nombre de rendez-vous")
            place = coverage.somewhere(row["place"]) if row.get("place") else None
        except BadInput as error:
            bad.append(Rejected(path=str(path), record=f"ligne {number}", reason=str(error)))
            continue
        held = found.get(row["buyer"], Guest(name=row["buyer"], needs=()))
        found[row["buyer"]] = replace(
            held, needs=(*held.needs, row["need"]), place=held.place or place,
            public=held.public or fold(row.get("public", "")) in ("oui", "o", "1", "true", "yes"),
            absent=held.absent | {int(word) - 1 for word in absent}, most=int(row["most"]) if row.get("most") else held.most,
        )  # fmt: skip
    if not found:
        raise BadInput(f"{path} : aucun besoin lisible ({bad[0].reason if bad else 'fichier vide'})")
    return tuple(found.values()), tuple(bad)


def exposures(store: Store | None) -> dict[str, int]:
    """SIRET -> how many times the store says it was shown: matches kept and messages sent."""
    if store is None:
        return {}
    from sqlalchemy import func, select

    from matcher.records.tables import Announcement, Found

    counts: dict[str, int] = {}
    with store.reading() as connection:
        for column in (Found.siret, Announcement.addressee):
            for siret, times in connection.execute(select(column, func.count()).group_by(column)):
                counts[siret] = counts.get(siret, 0) + int(times)
    return counts


def relevances(
    matcher: Matcher, supply: Supply, needs: Sequence[tuple[str, Place | None]]
) -> NDArray[np.float64]:
    """Relevance of each structure of the supply to each need, 0 to 1; shape (structures, needs).

    Without a judgement, the score among those of a trade known to be asked, from the median (0) to the best (1).
    """
    position = np.full(len(matcher.catalogue), -1)
    position[supply.rows] = np.arange(len(supply))
    table = np.zeros((len(supply), len(needs)))
    for column, (text, place) in enumerate(needs):
        ranking = matcher.rank(matcher.queries(free_text_tender(text, place))[0])
        at = position[ranking.shortlist.candidates]
        shown = (at >= 0) & (ranking.levels >= PLAUSIBLE)
        worth = ranking.chances if ranking.judged else _scaled(ranking.scores, shown)
        table[at[shown], column] = worth[shown]
        trades = trades_of_lot(ranking.shortlist.query.lot)
        if trades and not ranking.judged:
            table[~supply.able(trades), column] = 0.0
    return table


def _scaled(scores: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scores from the median (0) to the best (1) of some."""
    if not among.any():
        return np.zeros(len(scores))
    middle, best = float(np.median(scores[among])), float(scores[among].max())
    return np.clip((scores - middle) / max(best - middle, 1e-9), 0.0, 1.0)


def invite(
    supply: Supply, relevance: NDArray[np.float64], place: Place, most: int, seen: Mapping[str, int]
) -> list[tuple[int, str]]:
    """The structures to invite, by position, with why: the most relevant, a third kept for those never shown.

    One establishment a bidder, within reach of the place, none without any relevance.
    """
    located = place.latitude is not None or place.department is not None
    reached: NDArray[np.bool_] = np.ones(len(supply), dtype=bool)
    if located and supply.judged is None:  # a judgement has weighed the distance already
        reached = supply.reach(place)
    best = np.where(reached, relevance.max(axis=1, initial=0.0), 0.0)
    order = [int(i) for i in np.argsort(-best, kind="stable") if best[i] > 0]
    first: dict[int, int] = {}
    for i in order:
        first.setdefault(int(supply.bidders[i]), i)
    order = list(first.values())
    unseen = [i for i in order if not seen.get(supply.structures[i].siret)]
    kept = set(unseen[: round(most * UNSEEN)])
    chosen = [*kept, *[i for i in order if i not in kept]][:most]
    plain = set(order[:most])
    return [
        (
            i,
            "parmi les plus pertinentes"
            + ("" if seen.get(supply.structures[i].siret) else ", jamais présentée jusqu'ici")
            if i in plain
            else "place gardée à une structure jamais présentée",
        )
        for i in sorted(chosen, key=lambda i: -best[i])
    ]


def pitches(
    matcher: Matcher,
    supply: Supply,
    chosen: Sequence[int],
    relevance: NDArray[np.float64],
    most: int = PITCHES,
) -> list[int]:
    """The structures to hear, relevant and unlike each other: maximal marginal relevance (Carbonell, 1998).

    Two structures are alike by the meaning of what they say, and more when of one kind and one department.
    """
    catalogue = matcher.catalogue
    vectors = []
    for i in chosen:
        row = int(supply.rows[i])
        mean = np.asarray(
            catalogue.vectors[catalogue.offsets[row] : catalogue.offsets[row + 1]], dtype=np.float64
        )
        mean = mean.mean(axis=0) if len(mean) else np.zeros(catalogue.vectors.shape[1])
        vectors.append(mean / max(float(np.linalg.norm(mean)), 1e-9))
    meaning = np.array(vectors) @ np.array(vectors).T if vectors else np.zeros((0, 0))
    at = np.array(chosen, dtype=np.int64)
    alike = (
        0.6 * meaning
        + 0.2 * (supply.kinds[at][:, None] == supply.kinds[at][None, :])
        + 0.2 * (supply.departments[at][:, None] == supply.departments[at][None, :])
    )
    worth = relevance[at].max(axis=1, initial=0.0)
    picked: list[int] = []
    while len(picked) < min(most, len(chosen)):
        nearest = alike[:, picked].max(axis=1) if picked else np.zeros(len(chosen))
        gain = 0.5 * worth - 0.5 * nearest
        gain[picked] = -np.inf
        picked.append(int(gain.argmax()))
    return [chosen[p] for p in picked]


def starts(
    on: date, first: str, slots: int, minutes: int, pause: str = "12:30-14:00"
) -> tuple[datetime, ...]:
    """The beginning of each slot, Paris time, none within the pause.  Raises BadInput on a time that is none."""
    try:
        begin = datetime.combine(on, datetime.strptime(first, "%H:%M").time(), PARIS)
        low, high = (
            ((datetime.combine(on, datetime.strptime(t, "%H:%M").time(), PARIS)) for t in pause.split("-"))
            if pause
            else (begin, begin)
        )
    except ValueError:
        raise BadInput(f"heure « {first} » ou pause « {pause} » : écrivez 09:30, et 12:30-14:00") from None
    if not 5 <= minutes <= 120:
        raise BadInput(f"des rendez-vous de {minutes} minutes : donnez de 5 à 120 minutes")
    found: list[datetime] = []
    while len(found) < slots:
        if begin < high and begin + timedelta(minutes=minutes) > low:
            begin = high
        if begin.date() != on:
            raise BadInput(
                f"{slots} créneaux de {minutes} minutes ne tiennent pas dans la journée : raccourcissez-les ou prenez-en moins"
            )
        found.append(begin)
        begin += timedelta(minutes=minutes)
    return tuple(found)


def plan(
    matcher: Matcher,
    supply: Supply,
    *,
    theme: str,
    place: Place,
    buyers: Sequence[Guest],
    on: date,
    slots: int = 12,
    minutes: int = 20,
    first: str = "10:00",
    most: int = 60,
    tables: int | None = None,
    per_structure: int | None = None,
    store: Store | None = None,
    seconds: float = 60.0,
) -> Day:
    """The whole day from a theme, a place and the buyers' coming needs.

    Raises BadInput, naming the remedy, where no structure fits or no timetable exists.
    """
    if not buyers:
        raise BadInput("aucun acheteur : donnez un fichier avec les colonnes acheteur et besoin")
    times = starts(on, first, slots, minutes)
    asked = [(theme, place)] + [(need, guest.place or place) for guest in buyers for need in guest.needs]
    table = relevances(matcher, supply, asked)
    seen = exposures(store)
    chosen = invite(supply, table, place, most, seen)
    if not chosen:
        raise BadInput(
            f"aucune structure à portée de {place.label or place.department} pour « {theme} » : élargissez le rayon ou le thème"
        )
    at = [i for i, _ in chosen]
    by_buyer = np.zeros((len(at), len(buyers)))
    column = 1
    for j, guest in enumerate(buyers):
        by_buyer[:, j] = table[at, column : column + len(guest.needs)].max(axis=1)
        column += len(guest.needs)
    made = timetable.solve(
        by_buyer, slots, most=per_structure, buyer_most=[slots if g.most is None else g.most for g in buyers], tables=tables,
        buyer_absent={j: g.absent for j, g in enumerate(buyers) if g.absent}, seconds=seconds,
    )  # fmt: skip
    distance = supply.kilometres(place)
    best = table.max(axis=1)
    made_of = {
        i: Invited(
            structure=supply.structures[i], relevance=float(best[i]), shown=seen.get(supply.structures[i].siret, 0),
            kilometres=None if np.isnan(distance[i]) else round(float(distance[i]), 1), reason=why,
        )
        for i, why in chosen
    }  # fmt: skip
    bare = sum(a.relevance == 0 for a in made.appointments)
    notes = [
        "l'ordre des invitations est un ordre de présentation et ne préjuge d'aucun choix",
        f"emploi du temps {'le meilleur possible' if made.optimal else f'à {exports.percent((made.bound - made.value) / max(made.bound, 1e-9))} au plus du meilleur possible'}",
        f"{sum(1 for one in made_of.values() if not one.shown)} structures sur {len(chosen)} n'ont jamais été présentées",
    ]
    if bare:
        notes.append(
            f"{bare} rendez-vous de découverte, sans besoin proche : chaque structure en a au moins un"
        )
    return Day(
        theme=theme, place=place, on=on, starts=times, minutes=minutes, guests=tuple(buyers), invited=tuple(made_of[i] for i in at),
        pitches=tuple(made_of[i] for i in pitches(matcher, supply, at, table)), timetable=made,
        facilitator=facilitators.named(place), notes=tuple(notes), sources=(supply.source(),), versions=matcher.versions,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ shown


def rows(day: Day) -> list[dict[str, Any]]:
    """The appointments as flat rows, in order of time."""
    return [
        {
            "heure": f"{day.starts[a.slot]:%H:%M}", "créneau": a.slot + 1, "table": a.table + 1,
            "structure": day.invited[a.structure].structure.brand or day.invited[a.structure].structure.name,
            "siret": day.invited[a.structure].structure.siret, "type": day.invited[a.structure].structure.kind,
            "acheteur": day.guests[a.buyer].name, "besoin": _shown_need(day.guests[a.buyer]), "pertinence": round(a.relevance, 3),
        }
        for a in day.timetable.appointments
    ]  # fmt: skip


def _shown_need(guest: Guest) -> str:
    return " ; ".join(guest.needs) if guest.public else "besoin non publié, présenté par l'acheteur"


def invitations(found: Sequence[Invited]) -> list[dict[str, Any]]:
    """Invitations as flat rows, with what one needs to telephone."""
    return [
        {
            "structure": one.structure.brand or one.structure.name, "siret": one.structure.siret, "type": one.structure.kind,
            "commune": one.structure.place.label, "km": one.kilometres, "pertinence": round(one.relevance, 3), "déjà présentée": one.shown,
            "pourquoi": one.reason, "téléphone": one.structure.phone, "courriel": one.structure.email, "site": one.structure.website,
            "vérifiée active": {True: "oui", False: "fermée", None: "non"}[one.structure.active], "source": source_name(one.structure.source),
            "date": f"{one.structure.updated:%d/%m/%Y}" if one.structure.updated else "non précisée",
        }
        for one in found
    ]  # fmt: skip


def workbook(day: Day) -> bytes:
    """The day as XLSX: appointments, invitations, pitches."""
    sheets = {
        "Rendez-vous": rows(day),
        "Invitations": invitations(day.invited),
        "Présentations": invitations(day.pitches),
    }
    return exports.workbook(sheets, (*day.sources, *day.notes, day.facilitator))


def calendar(day: Day) -> bytes:
    """The day as iCalendar (RFC 5545), one event an appointment, with identifiers that stay the same."""
    with plugins.optional("territory", "the calendar of a meeting"):
        from icalendar import Calendar, Event

    made = Calendar()
    made.add("prodid", "-//Maillage//Rencontre//FR")
    made.add("version", "2.0")
    stamp = datetime.combine(day.on, datetime.min.time(), UTC)
    for a, row in zip(day.timetable.appointments, rows(day), strict=True):
        event = Event()
        key = f"{day.on}|{day.theme}|{row['siret']}|{row['acheteur']}"
        event.add("uid", hashlib.sha256(key.encode()).hexdigest()[:32] + "@maillage")
        event.add("dtstamp", stamp)
        event.add("dtstart", day.starts[a.slot])
        event.add("dtend", day.starts[a.slot] + timedelta(minutes=day.minutes))
        event.add("summary", f"{row['structure']} / {row['acheteur']}")
        event.add("location", f"{day.place.label}, table {row['table']}")
        event.add("description", row["besoin"])
        made.add_component(event)
    made.add_missing_timezones()
    return bytes(made.to_ical())


def page(day: Day) -> str:
    """The day as printable HTML: one page each for the whole, every buyer and every structure."""
    listed = rows(day)
    return exports.page(
        "meeting", title=f"Rencontre : {day.theme}, {day.place.label}, {day.on:%d/%m/%Y}", day=day, rows=listed,
        invited=invitations(day.invited), pitches=invitations(day.pitches), sources=day.sources, on=date.today(),
        by_structure=_grouped(listed, "siret"), by_buyer=_grouped(listed, "acheteur"),
    )  # fmt: skip


def _grouped(listed: Sequence[Mapping[str, Any]], key: str) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in listed:
        found.setdefault(str(row[key]), []).append(row)
    return found


def day_of(text: str) -> date:
    """A day typed by a user.  Raises BadInput."""
    found = clean_date(text)
    if found is None:
        raise BadInput(
            f"« {text} » n'est pas une date : écrivez 2026-12-15 par exemple" if text else "Donnez le jour."
        )
    return found
