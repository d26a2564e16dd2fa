"""Supply, needs and blank zones: by area and trade, who is able, what was published, what stays unanswered.

An area is a department, or a circle around a commune.  A structure is able there where a search of the trade in the
area would say to call it; see `matcher.territory.supply`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import NATURES, department_number
from matcher.domain import CALLS, Award, BadInput, Place, Reservation, Tender
from matcher.matching.ranking import UNLIKELY
from matcher.reference import places, toponyms
from matcher.reference.french import grouped
from matcher.reference.origins import source_name
from matcher.reference.places import precise
from matcher.territory import assumptions
from matcher.territory import facilitators as facilitators_
from matcher.territory.able import Levels, likely
from matcher.territory.supply import Mask, Supply, Worth, asked_of, placed, trades_asked, trades_of_lot

State = Literal["blanche", "fragile", "couverte", "sans besoin publié"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A department, or a circle of `radius_km` around a commune."""

    code: str
    label: str
    place: Place
    radius_km: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One lot published or awarded, with the trades it asks for; an award states no reservation."""

    id: str
    title: str
    trades: tuple[str, ...]
    place: Place
    on: date | None
    origin: Literal["avis", "attribution"]
    reservation: Reservation | None = None
    source: str = ""
    family: str = ""  # of purchases, where it asks for no trade of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A structure that could close a blank zone, and why."""

    siret: str
    name: str
    kind: str
    town: str
    kilometres: float | None
    reason: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An area and a trade: who stands there, who comes, what was asked, how many lots lack structures."""

    area: Area
    trade: str
    label: str
    here: int
    able: Worth
    calls: int
    awards: int
    short: int
    n: int
    nearest: tuple[Near, ...] = ()
    neighbours: tuple[Near, ...] = ()

    @property
    def lots(self) -> int:
        return self.calls + self.awards

    @property
    def state(self) -> State:
        if not self.lots:
            return "sans besoin publié"
        if not self.able.possible and not self.able.to_check:
            return "blanche"
        return "fragile" if self.short or not self.able.possible else "couverte"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The map: one cell for each area and trade, and what could not be placed or recognised, counted."""

    cells: tuple[Cell, ...]
    areas: tuple[Area, ...]
    lots: Mapping[str, int]  # area code -> different lots
    short: Mapping[str, int]  # area code -> different lots with fewer than n suitable structures
    structures: Mapping[str, Worth]  # area code -> every structure that stands in it
    vague: Mapping[str, int]  # area code -> structures of unknown trade
    unplaced: int
    outside: Mapping[str, int]  # family of purchases that is no trade of the table -> lots
    unknown_trade: int
    n: int
    on: date
    sources: tuple[str, ...]
    facilitators: Mapping[str, str] = field(
        default_factory=dict
    )  # area code -> who is the facilitator, in French

    @property
    def left_out(self) -> str:
        """The lots that are not counted, and why, in French."""
        families = ", ".join(f"{family} {count}" for family, count in list(self.outside.items())[:6])
        more = f" ({families}{', ...' if len(self.outside) > 6 else ''})" if families else ""
        return (
            f"non comptés : {sum(self.outside.values())} lots dont ni l'intitulé ni le code ne disent un métier de la "
            f"table{more}, {self.unknown_trade} lots dont rien ne dit l'objet, {self.unplaced} sans lieu connu"
        )

    @property
    def facilitator(self) -> str:
        """Every facilitator of the areas, one sentence after the other."""
        return " ".join(dict.fromkeys(facilitators_.of_areas(area.place for area in self.areas)))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat row a cell, for a table or a spreadsheet."""
        for cell in self.cells:
            yield {
                "zone": cell.area.code, "libellé": cell.area.label, "métier": cell.label,
                "état": cell.state, "structures de la zone": cell.here, "structures à appeler": cell.able.possible,
                "structures à vérifier": cell.able.to_check, "dont vérifiées actives": cell.able.verified,
                "dont ont répondu depuis un an": cell.able.answered, "par type": ", ".join(f"{k} {v}" for k, v in sorted(cell.able.kinds.items())),
                "lots publiés (avis)": cell.calls, "marchés attribués": cell.awards,
                f"lots avec moins de {self.n} structures": cell.short,
                "plus proches avec le métier": " ; ".join(_told(near) for near in cell.nearest),
                "métier voisin sur place": " ; ".join(_told(near) for near in cell.neighbours),
                "facilitateur": self.facilitators.get(cell.area.code, ""),
                "sources": " | ".join(self.sources), "calculé le": self.on.isoformat(),
            }  # fmt: skip

    def values(self, measure: str = "short", trade: str = "") -> dict[str, float | None]:
        """Area code -> figure to draw: "short" lots, "lots", "structures" that come, "share" of short lots (%).

        Raises BadInput on another measure.
        """
        if measure not in MEASURES:
            raise BadInput(f"mesure {measure!r} inconnue : choisissez {', '.join(MEASURES)}")
        found: dict[str, float | None] = {}
        for area in self.areas:
            cells = [c for c in self.cells if c.area == area and (not trade or c.trade == trade)]
            lots = sum(c.lots for c in cells) if trade else self.lots[area.code]
            short = sum(c.short for c in cells) if trade else self.short[area.code]
            able = sum(c.able.possible for c in cells) if trade else self.structures[area.code].possible
            share = 100.0 * short / lots if lots else None
            found[area.code] = {
                "short": float(short),
                "lots": float(lots),
                "structures": float(able),
                "share": share,
            }[measure]
        return found


MEASURES: Mapping[str, str] = {
    "short": "lots sans assez de structures",
    "lots": "lots publiés ou attribués",
    "structures": "structures",
    "share": "% des lots sans assez de structures",
}


def _told(near: Near) -> str:
    far = "" if near.kilometres is None else f", {near.kilometres:.0f} km"
    return f"{near.name} ({near.kind}, {near.town}{far} : {near.reason})"


# ------------------------------------------------------------------------------------------------- areas


def department(code: str) -> Area:
    """The area of a department.  Raises BadInput for a code that does not exist."""
    found = places.department(places.department_typed(code) or "")
    if found is None:
        raise BadInput(
            f"le département « {code} » n'existe pas : écrivez son code ou son nom, 75 ou Nord par exemple"
        )
    place = Place(
        label=found.name,
        department=found.code,
        region=found.region,
        latitude=found.latitude,
        longitude=found.longitude,
    )
    return Area(code=found.code, label=found.name, place=place)


def region(name: str) -> tuple[Area, ...]:
    """The departments of a region, by its code or name.  Raises BadInput where there is none."""
    from matcher.reference.text import fold

    wanted = fold(name.strip()).replace("-", " ")
    for code, label in places.regions().items():
        if wanted in (code, fold(label).replace("-", " ")):
            return tuple(department(d) for d in places.departments_of_region(code))
    raise BadInput(
        f"la région « {name} » n'existe pas : écrivez son nom ou son code, 11 pour l'Île-de-France"
    )


def circle(commune: str, radius_km: float) -> Area:
    """The circle around a commune (name, postcode or INSEE code).  Raises BadInput where it cannot be placed."""
    place = somewhere(commune)
    if place.latitude is None:
        raise BadInput(f"la commune « {commune} » ne peut être située : donnez son code postal")
    if not 0 < radius_km <= 500:
        raise BadInput(f"un rayon de {radius_km:g} km : donnez un nombre de 1 à 500")
    return Area(
        code=place.commune or commune,
        label=f"{place.label} et {radius_km:g} km autour",
        place=place,
        radius_km=radius_km,
    )


def somewhere(words: str) -> Place:
    """A place typed by a user: INSEE code, postcode, department, or a name.  Raises BadInput where none is."""
    try:
        found = toponyms.asked(words)
    except toponyms.Homonyms as error:
        raise BadInput(
            f"plusieurs lieux s'appellent « {words} » ({', '.join(error.choices)}) : précisez le département ou le code postal"
        ) from None
    except BadInput:
        near = places.search_commune(words, limit=3)
        hint = (
            f" ; vouliez-vous dire {', '.join(f'{c.name} ({c.department})' for c in near)} ?" if near else ""
        )
        raise BadInput(
            f"aucune commune, aucun code postal, aucun département ne s'appelle « {words} »{hint or ' : vérifiez l’orthographe'}"
        ) from None
    if len(found) != 1 or not found[0].department:
        raise BadInput(
            f"« {words} » n'est pas un seul lieu : donnez une commune, un code postal ou un département"
        )
    return found[0] if found[0].commune else department(found[0].department).place


# ------------------------------------------------------------------------------------------------- needs


def wanted(
    tenders: Iterable[Tender] = (),
    awards: Iterable[Award] = (),
    departments: Container[str | None] | None = None,
) -> list[Wanted]:
    """The lots of calls and the contracts awarded, each once, confidential needs and repeats left out.

    With `departments`, the lots of calls that lie in them alone: the trades of the others are not read.
    """
    found: dict[str, Wanted] = {}
    coded: dict[str, tuple[str, ...]] = {}
    for tender in tenders:
        if tender.confidential or tender.nature not in CALLS:
            continue
        for lot in tender.lots:
            if departments is not None and not toponyms.may_lie_in(lot, tender, departments):
                continue
            place = placed(lot, tender)
            if departments is not None and place.department not in departments:
                continue
            coded[f"{tender.id}#{lot.number}"] = lot.cpv
            found.setdefault(
                f"{tender.id}#{lot.id}",
                Wanted(
                    id=f"{tender.id}#{lot.number}", title=lot.title, trades=trades_of_lot(lot), place=place,
                    on=tender.published, origin="avis", reservation=lot.reservation, source=tender.format,
                ),
            )  # fmt: skip
    for award in awards:
        if award.relation == "modification":
            continue
        trades = trades_asked(award.title, (award.cpv,) if award.cpv else ())
        coded[award.uid] = (award.cpv,) if award.cpv else ()
        place = award.place if award.place.department else places.locate(award.place, award.buyer.id)
        found.setdefault(
            f"award#{award.uid}",
            Wanted(
                id=award.uid,
                title=award.title,
                trades=trades,
                place=_centred(place),
                on=award.notified,
                origin="attribution",
                source=award.source,
            ),
        )
    return _recognised(list(found.values()), coded)


def _recognised(lots: list[Wanted], codes: Mapping[str, tuple[str, ...]]) -> list[Wanted]:
    """The lots whose words and codes name no trade, by the family of their code, else by the CPV model."""
    blank = [i for i, lot in enumerate(lots) if not lot.trades]
    trades_found = asked_of([(lots[i].title, codes.get(lots[i].id, ())) for i in blank])
    for i, asked in zip(blank, trades_found, strict=True):
        lots[i] = replace(lots[i], trades=asked.trades, family=asked.family)
    return lots


def wanted_of(
    catalogue: Catalogue, tenders: Iterable[Tender] = (), departments: Iterable[str] = ()
) -> list[Wanted]:
    """The lots of the notices and of the awards that a catalogue holds, those of `departments` alone if any."""
    only = frozenset(departments)
    rows = np.flatnonzero(catalogue.of_row("nature") == NATURES.index("award"))
    if only:
        numbers = [department_number(code) for code in only]
        rows = rows[np.isin(catalogue.of_row("department")[rows], numbers)]
    found: dict[str, Wanted] = {}
    coded: dict[str, tuple[str, ...]] = {}
    for row in rows:
        offer = catalogue.offer(int(row))
        if offer.id in found:
            continue  # one contract of several holders
        coded[offer.id] = offer.cpv
        found[offer.id] = Wanted(
            id=offer.id, title=offer.title, trades=trades_asked(offer.title, offer.cpv), place=_centred(offer.place or Place()),
            on=offer.since, origin="attribution", source=offer.source,
        )  # fmt: skip
    lots = wanted(tenders, departments=only or None)
    return [*lots, *_recognised(list(found.values()), coded)]


def around(areas: Iterable[Area]) -> frozenset[str]:
    """The departments whose lots may lie in these areas."""
    codes = {area.place.department for area in areas if area.place.department}
    circles = {
        area.place.department for area in areas if area.radius_km is not None and area.place.department
    }
    near = {other for code in circles for other in places.neighbours(code)}
    far = {other for code in near for other in places.neighbours(code)}
    wide = any((area.radius_km or 0) > 40 for area in areas)
    return (
        frozenset()
        if any((a.radius_km or 0) > 120 for a in areas)
        else frozenset(codes | near | (far if wide else set()))
    )


def _centred(place: Place) -> Place:
    centre = places.department(place.department) if place.department and place.latitude is None else None
    return (
        replace(place, latitude=centre.latitude, longitude=centre.longitude, inferred=True)
        if centre
        else place
    )


# --------------------------------------------------------------------------------------------------- map


@dataclass
class _Counts:
    calls: int = 0
    awards: int = 0
    short: int = 0


def cover(
    supply: Supply,
    lots: Sequence[Wanted],
    areas: Sequence[Area],
    *,
    trades: Sequence[str] = (),
    kinds: Sequence[str] = (),
    n: int | None = None,
    closers: int = 3,
) -> Coverage:
    """The map of areas by trade; `n` structures are wanted for a lot (by default the desk's assumption).

    `kinds` keeps some kinds of structures alone.  Raises BadInput for an unknown trade or no area.
    """
    if not areas:
        raise BadInput("aucune zone : donnez des départements, une région, ou une commune et un rayon")
    unknown = [t for t in trades if t not in supply.labels]
    if unknown:
        raise BadInput(f"métier {unknown[0]!r} inconnu : choisissez {', '.join(supply.trades)}")
    n = int(supply.desk["competition"].value) if n is None else n
    chosen = tuple(trades) or supply.trades
    of_kind = np.isin(supply.kinds, list(kinds)) if kinds else np.ones(len(supply), dtype=bool)
    able = {trade: supply.able((trade,)) & of_kind for trade in chosen}
    within = [_stands(supply, area) for area in areas]
    count = _counted(supply, lots, areas, chosen, of_kind, n)
    cells = []
    for i, area in enumerate(areas):
        for trade in chosen:
            tally = count.cells.get((i, trade), _Counts())
            levels = np.where(of_kind, _levels(supply, trade, area), UNLIKELY)
            cell = Cell(
                area=area, trade=trade, label=supply.labels[trade], here=supply.bidders_of(able[trade] & within[i]),
                able=supply.count(levels), calls=tally.calls, awards=tally.awards, short=tally.short, n=n,
            )  # fmt: skip
            if tally.short and closers:
                near = nearest(supply, able[trade] & ~likely(levels), area.place, closers)
                others = _neighbouring(supply, of_kind & ~likely(levels), area, trade, closers)
                cell = replace(cell, nearest=_shown(near, area), neighbours=_shown(others, area))
            cells.append(cell)
    return Coverage(
        cells=tuple(cells), areas=tuple(areas),
        lots={a.code: count.lots[i] for i, a in enumerate(areas)}, short={a.code: count.short[i] for i, a in enumerate(areas)},
        structures={a.code: supply.count(within[i] & of_kind) for i, a in enumerate(areas)},
        vague={a.code: supply.bidders_of(within[i] & of_kind & supply.vague) for i, a in enumerate(areas)},
        unplaced=count.unplaced, outside=dict(count.outside.most_common()), unknown_trade=count.unknown_trade, n=n, on=supply.on,
        sources=(supply.source(), _source_of(lots)), facilitators=_facilitators(areas),
    )  # fmt: skip


@dataclass(slots=True)
class _Counted:
    """Lots by area and trade, by area, and those that could not be placed or recognised."""

    lots: list[int]
    short: list[int]
    cells: dict[tuple[int, str], _Counts] = field(default_factory=dict)
    outside: Counter[str] = field(default_factory=Counter)
    unplaced: int = 0
    unknown_trade: int = 0


def _counted(
    supply: Supply,
    lots: Sequence[Wanted],
    areas: Sequence[Area],
    chosen: Sequence[str],
    of_kind: Mask,
    n: int,
) -> _Counted:
    count = _Counted([0] * len(areas), [0] * len(areas))
    able_at: dict[tuple[Any, ...], Mask] = {}
    eligible: dict[tuple[str, ...] | None, Mask] = {}

    def short_of(lot: Wanted, trade: str) -> bool:
        at = (trade, lot.place.latitude, lot.place.longitude, lot.place.department)
        if at not in able_at:
            able_at[at] = supply.able((trade,), lot.place) & of_kind
        articles = lot.reservation.opened_by if lot.reservation else None
        if articles not in eligible:
            eligible[articles] = supply.eligible(lot.reservation)
        return supply.bidders_of(eligible[articles] & able_at[at]) < n

    for lot in lots:
        if lot.place.department is None and lot.place.latitude is None:
            count.unplaced += 1
            continue
        at = [i for i, area in enumerate(areas) if _holds(area, lot.place)]
        if at and not lot.trades:
            count.outside.update([lot.family] if lot.family else [])
            count.unknown_trade += not lot.family
        asked = [trade for trade in lot.trades if trade in chosen] if at else []
        few = {trade: short_of(lot, trade) for trade in asked}
        for i in at if asked else ():
            count.lots[i] += 1
            count.short[i] += any(few.values())
            for trade in asked:
                tally = count.cells.setdefault((i, trade), _Counts())
                tally.calls += lot.origin == "avis"
                tally.awards += lot.origin == "attribution"
                tally.short += few[trade]
    return count


def _source_of(lots: Sequence[Wanted]) -> str:
    """Number, period and origin of the lots, in French."""
    dates = sorted(lot.on for lot in lots if lot.on)
    span = f" du {dates[0]:%d/%m/%Y} au {dates[-1]:%d/%m/%Y}" if dates else ", sans date"
    formats = Counter(f"{lot.origin}s ({_of(lot.source)})" for lot in lots)
    listed = ", ".join(f"{grouped(v)} {k}" for k, v in formats.most_common(4))
    return f"besoins : {grouped(len(lots))} lots, {listed}{span}"


def _of(source: str) -> str:
    return source_name(source) if ":" in source else source.upper() or "source non précisée"


def _facilitators(areas: Sequence[Area]) -> dict[str, str]:
    known, _ = facilitators_.read()
    return {area.code: facilitators_.named(area.place, known) for area in areas}


def _holds(area: Area, place: Place) -> bool:
    if area.radius_km is None:
        return place.department == area.place.department
    if place.latitude is None or (place.inferred and place.commune is None):
        return False  # known by its department alone: it may lie outside the circle
    return bool(
        places.distance_km(place.latitude, place.longitude, area.place.latitude, area.place.longitude)
        <= area.radius_km
    )


def _stands(supply: Supply, area: Area) -> Mask:
    if area.radius_km is None:
        return np.asarray(supply.departments == area.place.department)
    with np.errstate(invalid="ignore"):
        return np.asarray(supply.kilometres(area.place) <= area.radius_km)


def _levels(supply: Supply, trade: str, area: Area) -> Levels:
    """Levels for a trade in an area; who stands in a circle is asked as if on the spot."""
    if area.radius_km is None:
        return supply.levels((trade,), area.place, whole=True)
    here = np.where(_stands(supply, area), supply.levels((trade,)), UNLIKELY)
    return np.maximum(supply.levels((trade,), area.place), here)


def nearest(supply: Supply, mask: Mask, place: Place, most: int) -> tuple[Near, ...]:
    """The structures of a mask nearest to a place, within the desk's distance, one for each bidder."""
    far = supply.desk["neighbour_km"].value
    distance = np.where(mask, supply.kilometres(place), np.inf)
    order = np.argsort(distance, kind="stable")
    found: dict[int, Near] = {}
    for i in order:
        if len(found) >= most or not distance[i] <= far:
            break
        reason = "de ce métier, plus loin qu'on ne s'y déplace d'ordinaire"
        found.setdefault(int(supply.bidders[i]), _near(supply, int(i), float(distance[i]), reason))
    return tuple(found.values())


def _near(supply: Supply, i: int, kilometres: float, reason: str) -> Near:
    s = supply.structures[i]
    known = None if np.isnan(kilometres) else round(kilometres, 1)
    day = s.updated or s.checked
    source = f"{s.source or 'source non précisée'}{f', {day:%d/%m/%Y}' if day else ', date non précisée'}"
    return Near(
        siret=s.siret,
        name=s.brand or s.name,
        kind=s.kind,
        town=s.place.label,
        kilometres=known,
        reason=reason,
        source=source,
    )


def _shown(near: tuple[Near, ...], area: Area) -> tuple[Near, ...]:
    """The same, without kilometres where these are from the centre of a department."""
    return near if precise(area.place) else tuple(replace(one, kilometres=None) for one in near)


def _neighbouring(supply: Supply, mask: Mask, area: Area, trade: str, most: int) -> tuple[Near, ...]:
    distance = supply.kilometres(area.place)
    found: dict[int, Near] = {}
    for other, why in assumptions.neighbours().get(trade, ()):
        if other not in supply.labels:
            continue
        has = mask & likely(_levels(supply, other, area))
        for i in np.flatnonzero(has)[np.argsort(distance[has], kind="stable")][:most]:
            reason = f"fait {supply.labels[other]} : {why}"
            found.setdefault(int(supply.bidders[i]), _near(supply, int(i), float(distance[i]), reason))
    return tuple(
        sorted(found.values(), key=lambda n: n.kilometres if n.kilometres is not None else 1e9)[:most]
    )
