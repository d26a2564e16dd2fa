"""A meeting day: whom to invite, which six to hear, and a timetable of appointments; with its exports.

Relevance of a structure to a need: its chance of being a lead, 0 for whom the list of the need does not show.
Exposure: how often the store says a structure was shown.
"""

import hashlib
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import func, select

from matcher import codec, plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import BadInput, Place, Rejected, Structure
from matcher.matching.ranking import PLAUSIBLE
from matcher.reading.sources._structure import yes_no
from matcher.records import facilitators
from matcher.records.store import Store
from matcher.records.tables import Announcement, Found
from matcher.reference import places
from matcher.reference.arrays import F64, I64
from matcher.reference.french import PARIS
from matcher.reference.french import day as day_written
from matcher.reference.identifiers import IDENTITY, clean_date, digits, siret_valid
from matcher.reference.naming import source_name
from matcher.reference.text import fold
from matcher.territory import exports, sheets
from matcher.territory.areas import place_of
from matcher.territory.counts import Desk, Rows, need_of

#: Relevance is counted in millionths, so that two solvers count alike.
UNIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """Structure and buyer by position, in a slot and at a table, both from 0."""

    structure: int
    buyer: int
    slot: int
    table: int
    relevance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The appointments in order of slots; `bound` is the proven upper bound of the total relevance."""

    appointments: tuple[Appointment, ...]
    value: float
    bound: float
    optimal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What a timetable must respect: appointments of each, tables of a slot, and the slots that each buyer misses."""

    slots: int
    most: int  # of a structure
    buyer_caps: I64
    tables: int
    gone: Mapping[int, AbstractSet[int]]


def solve(
    relevance: F64,
    slots: int,
    *,
    most: int | None = None,
    buyer_most: Sequence[int] | None = None,
    tables: int | None = None,
    buyer_absent: Mapping[int, AbstractSet[int]] | None = None,
    seconds: float = 60.0,
) -> Timetable:
    """Appointments for `relevance` (structures, buyers), 0 to 1: each structure gets at least one.

    `most` bounds the appointments of a structure, `buyer_most` those of each buyer, `tables` those of a slot;
    `buyer_absent` names the slots that a buyer misses.  Raises BadInput, naming the remedy, where no timetable exists.
    """
    values = np.nan_to_num(np.asarray(relevance, dtype=np.float64))
    if values.ndim != 2 or not values.size:
        raise BadInput("aucun rendez-vous possible : il faut une structure, un acheteur et un créneau")
    if slots < 1 or slots > 200:
        raise BadInput(f"{slots} créneaux : donnez de 1 à 200 créneaux")
    n, m = values.shape
    gone = {j: {s for s in missed if 0 <= s < slots} for j, missed in (buyer_absent or {}).items()}
    present = np.array([slots - len(gone.get(j, ())) for j in range(m)])
    buyer_caps = present if buyer_most is None else np.minimum(buyer_most, present)
    most = min(most or slots, slots)
    bounds = _Bounds(slots=slots, most=most, buyer_caps=buyer_caps, tables=tables or n, gone=gone)
    if n > (offered := min(int(buyer_caps.sum()), bounds.tables * slots)):
        raise BadInput(
            f"{n} structures pour {offered} rendez-vous possibles ({m} acheteurs, {slots} créneaux) : chacune doit en avoir un ; "
            f"ajoutez {math.ceil((n - offered) / m)} créneaux, des acheteurs ou des tables, ou invitez {n - offered} structures de moins"
        )
    weights = np.rint(values * UNIT).astype(np.int64)
    # first the best pairs without slots: where they fit the slots, they are the optimum; else the whole model
    pairs = _pairs(weights, bounds)
    ceiling = sum(int(weights[i, j]) for i, j in pairs) / UNIT
    begun = time.monotonic()
    even = replace(bounds, tables=math.ceil(len(pairs) / bounds.slots))
    # a full day of sixty buyers fits in a second, but in no time that a visitor waits for with slots of one size
    for limits in (bounds,) if any(bounds.gone.values()) else (even, bounds):
        if fitted := _fit(pairs, weights, limits, seconds / 3, every=True):
            return _made(fitted[0], values, ceiling, True)
    left = max(seconds - (time.monotonic() - begun), 1.0)
    best = _fit(list(np.ndindex(*weights.shape)), weights, bounds, left, every=False)
    if best is None:
        remedy = "libérez des créneaux, ou invitez moins de structures"
        raise BadInput(f"aucun emploi du temps ne respecte ces absences : {remedy}")
    placed, bound, optimal = best
    return _made(placed, values, min(bound, ceiling), optimal)


def _pairs(weights: I64, limits: _Bounds) -> list[tuple[int, int]]:
    """The pairs of highest total weight within the bounds: a flow, whose linear program has a whole solution."""
    from scipy.optimize import linprog

    n, m = weights.shape
    of_structure, of_buyer = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    at_most = np.vstack([of_structure, -of_structure, of_buyer, np.ones((1, n * m))])
    bounds = np.concatenate(
        [np.full(n, limits.most), np.full(n, -1), limits.buyer_caps, [limits.tables * limits.slots]]
    )
    # twice the millionths less one: an appointment that is worth nothing is held only where one is due
    cost = -(2 * weights - 1).ravel() / UNIT
    solution = linprog(cost, A_ub=at_most, b_ub=bounds, bounds=(0, 1), method="highs-ds")
    if solution.x is None or not solution.success:
        remedy = "augmentez les créneaux ou les plafonds des acheteurs"
        raise BadInput(f"aucun emploi du temps ne respecte ces plafonds : {remedy}")
    return [(int(i), int(j)) for i, j in np.argwhere(np.asarray(solution.x).reshape(n, m) > 0.5)]


def _fit(
    pairs: Sequence[tuple[int, int]], weights: I64, bounds: _Bounds, seconds: float, *, every: bool
) -> tuple[dict[tuple[int, int], int], float, bool] | None:
    """Slots for `every` pair, or for the best of them: the slots, a bound, and whether it is proven optimal."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    x = {
        (i, j, t): model.new_bool_var("")
        for i, j in pairs
        for t in range(bounds.slots)
        if t not in bounds.gone.get(j, ())
    }
    groups = defaultdict[tuple[Any, ...], list[Any]](list)
    for (i, j, t), variable in x.items():
        keys = (
            ("structure", i, t),
            ("buyer", j, t),
            ("pair", i, j),
            ("slot", t),
            ("structure", i),
            ("buyer", j),
        )
        for key in keys:
            groups[key].append(variable)
    for (what, *at), members in groups.items():
        if what == "slot":
            model.add(sum(members) <= bounds.tables)
        elif what == "pair" and every:
            model.add_exactly_one(members)
        elif len(at) == 2:
            model.add_at_most_one(members)
        elif not every:
            least, cap = (1, bounds.most) if what == "structure" else (0, int(bounds.buyer_caps[at[0]]))
            model.add_linear_constraint(sum(members), least, cap)
    if not every:
        # twice the millionths less one: an appointment that is worth nothing is held only where one is due
        model.maximize(sum((2 * int(weights[i, j]) - 1) * variable for (i, j, _), variable in x.items()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1  # with two the same day would have another timetable
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    placed = {(i, j): t for (i, j, t), variable in x.items() if solver.boolean_value(variable)}
    return placed, (solver.best_objective_bound + len(placed)) / (2 * UNIT), status == cp_model.OPTIMAL


def _made(placed: Mapping[tuple[int, int], int], values: F64, bound: float, optimal: bool) -> Timetable:
    appointments: list[Appointment] = []
    seated: dict[int, int] = {}
    for (i, j), t in sorted(placed.items(), key=lambda item: (item[1], item[0][1], item[0][0])):
        table, worth = seated.get(t, 0), float(values[i, j])
        seated[t] = table + 1
        appointments.append(Appointment(structure=i, buyer=j, slot=t, table=table, relevance=worth))
    value = sum(a.relevance for a in appointments)
    proven = value if optimal else max(bound, value)
    return Timetable(appointments=tuple(appointments), value=value, bound=proven, optimal=optimal)


#: At least this part of the invitations goes to structures never shown, where there are such.
UNSEEN = 1 / 3
PITCHES = 6
PAUSE = ("12:30", "14:00")  # without appointments


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
    timetable: Timetable
    facilitator: str
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    versions: Mapping[str, str]


FIELDS = {
    "buyer": "acheteur buyer",
    "need": "besoin need",
    "place": "lieu place commune",
    "public": "publiable public",
    "absent": "creneaux_absents absent",
    "most": "maximum most",
}


def guests(data: bytes, name: str) -> tuple[tuple[Guest, ...], tuple[Rejected, ...]]:
    """The buyers of a table (`acheteur`, `besoin`; also `lieu`, `publiable`, `absent`, `maximum`), one need a row.

    `absent` lists slots from 1 ("1 2 12").  Raises BadInput where no row is good.
    """
    sheet = sheets.read(data, name, FIELDS, {"buyer": "acheteur", "need": "besoin"}, 2_000)
    found: dict[str, Guest] = {}

    def add(_: str, row: Mapping[str, str]) -> None:
        held = found.get(row["buyer"], Guest(name=row["buyer"], needs=()))
        if not row.get("buyer") or not any(c.isalpha() for c in row.get("need", "")):
            raise BadInput("acheteur ou besoin vide : remplissez les deux")
        absent = row.get("absent", "").replace(",", " ").split()
        if not all(word.isdecimal() and int(word) for word in absent):
            raise BadInput(f"absent vaut « {row['absent']} » : donnez des numéros de créneaux (1 2 12)")
        if row.get("most") and not row["most"].isdecimal():
            raise BadInput(f"maximum vaut « {row['most']} » : donnez un nombre de rendez-vous")
        found[row["buyer"]] = replace(
            held,
            needs=(*held.needs, row["need"]),
            place=held.place or place_of(row.get("place", "")),
            public=held.public or yes_no(row.get("public")) is True,
            absent=held.absent | {int(word) - 1 for word in absent},
            most=int(row["most"]) if row.get("most") else held.most,
        )

    _, bad = sheet.parsed(add)
    return tuple(found.values()), tuple(bad)


def named(text: str) -> tuple[str, ...]:
    """The identities of structures that a text lists, SIRETs or others."""
    return tuple(re.findall(rf"(?<![\w-])(?:{IDENTITY})(?![\w-])", text))


def sirets(data: bytes, name: str) -> tuple[str, ...]:
    """The SIRETs, or the identities without one, of a table of participants.  Raises BadInput where none is one."""
    sheet = sheets.read(data, name, {"siret": "siret n_siret"}, {"siret": "SIRET"}, 2_000)
    given = (row["siret"] for _, row in sheet.rows)
    numbers = dict.fromkeys(who[0] if (who := named(text)) else digits(text) for text in given)
    if valid := tuple(number for number in numbers if siret_valid(number) or not number.isdigit()):
        return valid
    raise BadInput(f"{name} : aucun SIRET juste ; écrivez quatorze chiffres par ligne, sous le titre SIRET")


def exposures(store: Store | None) -> Counter[str]:
    """SIRET -> how many times the store says it was shown: matches kept and messages sent."""
    counts: Counter[str] = Counter()
    if store is None:
        return counts
    for column in (Found.siret, Announcement.addressee):
        counts.update(dict(store.ask(select(column, func.count()).group_by(column)).all()))
    return counts


def pool(
    desk: Desk, asked: Sequence[tuple[str, Place | None]], participants: Sequence[str] = ()
) -> tuple[Rows, F64]:
    """Everybody whom the list of one of these needs shows, or the `participants` (SIRETs) alone, one for each bidder.

    Their rows in the catalogue (n,), and their relevance to each need (n, needs): the chance of a lead, 0 for whom a
    list does not show.  Raises NotFound for an unknown SIRET.
    """
    bidders = desk.catalogue.of_structure("bidder").tolist()
    chosen = [desk.catalogue.row(siret) for siret in dict.fromkeys(participants)]
    found = {bidders[row]: (row, np.zeros(len(asked))) for row in chosen}
    for column, (text, place) in enumerate(asked):
        ranking = desk.ranking(desk.matcher.queries(need_of(text, place))[0])
        for i in ranking.order[ranking.levels[ranking.order] >= PLAUSIBLE].tolist():
            row = int(ranking.shortlist.candidates[i])
            if bidders[row] in found or not participants:
                _, worth = found.setdefault(bidders[row], (row, np.zeros(len(asked))))
                worth[column] = ranking.chances[i]
    rows = np.array([row for row, _ in found.values()], dtype=np.int64)
    return rows, np.array([worth for _, worth in found.values()]).reshape(len(rows), len(asked))


def invite(best: F64, shown: I64, most: int) -> list[tuple[int, str]]:
    """Whom to invite, by position, with why: the most relevant, a third kept for those never `shown` (n,)."""
    order = [int(i) for i in np.argsort(-best, kind="stable") if best[i] > 0]
    kept = set([i for i in order if not shown[i]][: round(most * UNSEEN)])
    chosen = [*kept, *[i for i in order if i not in kept]][:most]
    relevant = ("parmi les plus pertinentes, jamais présentée jusqu'ici", "parmi les plus pertinentes")
    why = dict.fromkeys(chosen, "place gardée à une structure jamais présentée")
    why |= {i: relevant[bool(shown[i])] for i in order[:most] if i in why}
    return sorted(why.items(), key=lambda pair: -best[pair[0]])


def pitches(catalogue: Catalogue, rows: Rows, worth: F64) -> list[int]:
    """The positions of those to hear, relevant and unlike each other: maximal marginal relevance (Carbonell, 1998).

    Two structures are alike by the meaning of what they say, and more when of one kind and one department.
    """
    spans = zip(catalogue.offsets[rows], catalogue.offsets[rows + 1], strict=True)
    vectors = [np.asarray(catalogue.vectors[low:high], dtype=np.float64).sum(axis=0) for low, high in spans]
    unit = np.array([vector / max(float(np.linalg.norm(vector)), 1e-9) for vector in vectors])
    kinds, departments = (catalogue.of_structure(name)[rows] for name in ("kind", "department"))
    alike = 0.6 * (unit @ unit.T) if len(rows) else np.zeros((0, 0))
    alike = alike + 0.2 * (kinds[:, None] == kinds) + 0.2 * (departments[:, None] == departments)
    picked: list[int] = []
    while len(picked) < min(PITCHES, len(rows)):
        nearest = alike[:, picked].max(axis=1) if picked else np.zeros(len(rows))
        gain = 0.5 * worth - 0.5 * nearest
        gain[picked] = -np.inf
        picked.append(int(gain.argmax()))
    return picked


def starts(on: date, first: str, slots: int, minutes: int) -> tuple[datetime, ...]:
    """The beginning of each slot, Paris time, none within the pause.  Raises BadInput on a time that is none."""
    try:
        times_of_day = (datetime.strptime(hour, "%H:%M").time() for hour in (*PAUSE, first))
        low, high, begin = (datetime.combine(on, hour, PARIS) for hour in times_of_day)
    except ValueError:
        raise BadInput(f"heure « {first} » : écrivez 09:30") from None
    if not 5 <= minutes <= 120:
        raise BadInput(f"des rendez-vous de {minutes} minutes : donnez de 5 à 120 minutes")
    times: list[datetime] = []
    while len(times) < slots:
        if begin < high and begin + timedelta(minutes=minutes) > low:
            begin = high
        if begin.date() != on:
            many = f"{slots} créneaux de {minutes} minutes ne tiennent pas dans la journée"
            raise BadInput(f"{many} : raccourcissez-les ou prenez-en moins")
        times.append(begin)
        begin += timedelta(minutes=minutes)
    return tuple(times)


def plan(
    desk: Desk,
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
    participants: Sequence[str] = (),
    seconds: float = 60.0,
) -> Day:
    """The whole day from a theme, a place and the buyers' coming needs; `participants` (SIRETs) are those who come, where known.

    Raises BadInput, naming the remedy, where no structure fits or no timetable exists.
    """
    if not buyers:
        raise BadInput("aucun acheteur : donnez un fichier avec les colonnes acheteur et besoin")
    times = starts(on, first, slots, minutes)
    asked = [(theme, place)] + [(need, guest.place or place) for guest in buyers for need in guest.needs]
    found, relevance = pool(desk, asked, participants)
    best, seen = relevance.max(axis=1, initial=0.0), exposures(desk.store)
    shown = np.array([seen.get(str(siret), 0) for siret in desk.catalogue.sirets[found]], dtype=np.int64)
    coming = [(i, "participe") for i in range(len(found))]
    chosen = coming if participants else invite(best, shown, most)
    if not chosen:
        nobody = f"aucune structure à portée de {place.label or place.department} pour « {theme} »"
        raise BadInput(f"{nobody} : élargissez le rayon ou le thème")
    at = [i for i, _ in chosen]
    spans = pairwise(np.cumsum([1, *(len(guest.needs) for guest in buyers)]).tolist())
    by_buyer = np.stack([relevance[at, low:high].max(axis=1) for low, high in spans], axis=1)
    limits: dict[str, Any] = {"most": per_structure, "tables": tables, "seconds": seconds}
    limits["buyer_most"] = [slots if g.most is None else g.most for g in buyers]
    limits["buyer_absent"] = {j: g.absent for j, g in enumerate(buyers) if g.absent}
    made = solve(by_buyer, slots, **limits)
    invited = tuple(_invited(desk, place, int(found[i]), best[i], shown[i], why) for i, why in chosen)
    heard = pitches(desk.catalogue, found[at], best[at])
    return Day(
        theme=theme,
        place=place,
        on=on,
        starts=times,
        minutes=minutes,
        guests=tuple(buyers),
        invited=invited,
        pitches=tuple(invited[i] for i in heard),
        timetable=made,
        facilitator=facilitators.named(place),
        notes=_notes(made, invited),
        sources=(desk.source,),
        versions=desk.matcher.versions,
    )


def _invited(desk: Desk, place: Place, row: int, relevance: float, shown: int, why: str) -> Invited:
    structure = desk.catalogue.structure(row)
    here, there = (structure.place.latitude, structure.place.longitude), (place.latitude, place.longitude)
    far = None if None in (*here, *there) else round(float(places.distance_km(*here, *there)), 1)
    worth, times = float(relevance), int(shown)
    return Invited(structure=structure, relevance=worth, shown=times, kilometres=far, reason=why)


def _notes(made: Timetable, invited: Sequence[Invited]) -> tuple[str, ...]:
    bare = sum(a.relevance == 0 for a in made.appointments)
    gap = exports.percent((made.bound - made.value) / max(made.bound, 1e-9))
    new = sum(not one.shown for one in invited)
    best = "le meilleur possible" if made.optimal else f"à {gap} au plus du meilleur possible"
    notes = (
        "l'ordre des invitations est un ordre de présentation et ne préjuge d'aucun choix",
        f"emploi du temps {best}",
        f"structures jamais présentées : {new} sur {len(invited)}",
    )
    discovery = f"{bare} rendez-vous de découverte, sans besoin proche : chaque structure en a au moins un"
    return (*notes, discovery) if bare else notes


def edited(day: Day, listed: str) -> Day:
    """The day with the appointments of a table typed by its organiser instead: `heure;structure;acheteur`, SIRET or name.

    Raises BadInput with the line of one that cannot be read, and where somebody is in two places at once.
    """
    slots = {f"{start:%H:%M}": number for number, start in enumerate(day.starts)}
    invited = [one.structure for one in day.invited]
    structures = {key: i for i, one in enumerate(invited) for key in (one.siret, fold(one.known_as))}
    buyers = {fold(guest.name): j for j, guest in enumerate(day.guests)}
    worth = {(a.structure, a.buyer): a.relevance for a in day.timetable.appointments}
    found: list[Appointment] = []
    busy: set[tuple[str, int, int]] = set()
    for number, line in enumerate(listed.splitlines(), 1):
        cells = [cell.strip() for cell in line.split(";")]
        if not line.strip() or cells[0].casefold() == "heure":
            continue
        hour, structure, buyer = (*cells, "", "")[:3]
        slot, i, j = slots.get(hour), structures.get(fold(structure)), buyers.get(fold(buyer))
        where = f"rendez-vous, ligne {number} :"
        if slot is None or i is None or j is None:
            raise BadInput(f"{where} écrivez heure;structure;acheteur, tels qu'ils sont dans la liste")
        taken = {("cette structure", i, slot), ("cet acheteur", j, slot)}
        if twice := taken & busy:
            raise BadInput(f"{where} {next(iter(twice))[0]} a déjà un rendez-vous à {hour}")
        busy |= taken
        pair = {"structure": i, "buyer": j, "slot": slot, "table": sum(a.slot == slot for a in found)}
        found.append(Appointment(**pair, relevance=worth.get((i, j), 0.0)))
    if not found:
        raise BadInput("aucun rendez-vous dans la liste : écrivez heure;structure;acheteur")
    found.sort(key=lambda a: (a.slot, a.table))
    value = sum(a.relevance for a in found)
    made = replace(day.timetable, appointments=tuple(found), value=value, optimal=False)
    notes = (day.notes[0], "emploi du temps modifié à la main", *day.notes[2:3])
    return replace(day, timetable=made, notes=notes)


def rows(day: Day) -> list[dict[str, Any]]:
    """The appointments as flat rows, in order of time."""
    listed = []
    for a in day.timetable.appointments:
        guest = day.guests[a.buyer]
        need = " ; ".join(guest.needs) if guest.public else "besoin non publié, présenté par l'acheteur"
        row = {"heure": f"{day.starts[a.slot]:%H:%M}", "créneau": a.slot + 1, "table": a.table + 1}
        row |= codec.flat(day.invited[a.structure].structure, "structure=known_as, siret, type=kind")
        listed.append(row | {"acheteur": guest.name, "besoin": need, "pertinence": round(a.relevance, 3)})
    return listed


def typed(day: Day) -> str:
    """The appointments as a table that an organiser edits, see `edited`."""
    lines = (f"{row['heure']};{row['structure']};{row['acheteur']}" for row in rows(day))
    return "\n".join(("heure;structure;acheteur", *lines))


INVITATION = (
    "structure=structure.known_as, siret=structure.siret, type=structure.kind, commune=structure.place.label, "
    "km=kilometres, pertinence=relevance, déjà présentée=shown, pourquoi=reason, téléphone=structure.phone, "
    "courriel=structure.email, site=structure.website"
)


def invitations(found: Sequence[Invited]) -> list[dict[str, Any]]:
    """Invitations as flat rows, with what one needs to telephone."""
    return [
        codec.flat(one, INVITATION)
        | {"pertinence": round(one.relevance, 3)}
        | {"vérifiée active": {True: "oui", False: "fermée", None: "non"}[one.structure.active]}
        | {"source": source_name(one.structure.source)}
        | {"date": day_written(one.structure.updated, "non précisée")}
        for one in found
    ]


def workbook(day: Day) -> bytes:
    """The day as XLSX: appointments, invitations, pitches."""
    listed = {"Invitations": invitations(day.invited), "Présentations": invitations(day.pitches)}
    notes = (*day.sources, *day.notes, day.facilitator)
    return exports.workbook({"Rendez-vous": rows(day), **listed}, notes)


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
    lists: dict[str, Any] = {"invited": invitations(day.invited), "pitches": invitations(day.pitches)}
    lists["rows"] = rows(day)
    lists |= {"by_structure": defaultdict(list), "by_buyer": defaultdict(list)}
    for row in lists["rows"]:
        lists["by_structure"][row["siret"]].append(row)
        lists["by_buyer"][row["acheteur"]].append(row)
    title = f"Rencontre : {day.theme}, {day.place.label}, {day.on:%d/%m/%Y}"
    return exports.page("meeting", title=title, day=day, sources=day.sources, on=date.today(), **lists)


def day_of(text: str) -> date:
    """A day typed by a user.  Raises BadInput."""
    found = clean_date(text)
    if found is None:
        raise BadInput(f"« {text} » n'est pas une date : écrivez 2026-12-15" if text else "Donnez le jour.")
    return found
