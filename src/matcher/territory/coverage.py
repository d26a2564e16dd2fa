"""Supply, needs and gaps: by area and trade, whom the list there says to call, and what was published.

A need is in a gap where the list of its trade in its area calls nobody.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

import numpy as np

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import NATURES, department_number
from matcher.domain import CALLS, Award, BadInput, Filters, Match, Place, Tender
from matcher.matching.reasons import sentences
from matcher.records import facilitators as facilitators_
from matcher.reference import places, toponyms
from matcher.reference.codes import cpv_label
from matcher.reference.french import counted, grouped
from matcher.reference.naming import source_name
from matcher.territory import assumptions
from matcher.territory.areas import Area, holding, largest
from matcher.territory.counts import Count, Desk, trades_of

State = Literal["blanche", "à interroger", "à vérifier", "fragile", "couverte", "sans besoin publié"]
#: What a map shows -> its unit, in French.  Those of supply are of one trade.
MEASURES: Mapping[str, str] = {
    "gap": "besoins sans structure à appeler",
    "needs": "besoins publiés ou attribués",
    "likely": "structures à appeler",
    "plausible": "structures à vérifier",
    "to_ask": "structures à interroger, de métier inconnu",
}
SUPPLY = ("likely", "plausible", "to_ask")
LACKING = ("blanche", "à interroger", "à vérifier", "fragile")
COLUMNS = (  # of a cell
    "zone=area.code, libellé=area.label, métier=label, état=state, structures à appeler=count.likely, "
    "à vérifier=count.plausible, à interroger=count.to_ask, dont vérifiées actives=count.verified, "
    "dont ont répondu depuis un an=count.answered"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One lot published or contract awarded, with the trades it asks for, the main one first."""

    id: str
    title: str
    place: Place
    on: date | None
    origin: Literal["avis", "attribution"]
    source: str = ""
    codes: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    notice: str = ""  # id of its notice, where it has one
    lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An area and a trade: whom the list calls, what was published."""

    area: Area
    trade: str
    label: str
    count: Count
    needs: tuple[Need, ...]
    n: int

    @property
    def calls(self) -> int:
        return sum(need.origin == "avis" for need in self.needs)

    @property
    def gap(self) -> int:
        """The needs without anybody to call."""
        return 0 if self.count.likely else len(self.needs)

    @property
    def state(self) -> State:
        """Blank where all in reach are known for other trades: who may be asked or checked makes another state."""
        if not self.needs:
            return "sans besoin publié"
        if self.count.likely:
            return "couverte" if self.count.likely >= self.n else "fragile"
        return "à vérifier" if self.count.plausible else "à interroger" if self.count.to_ask else "blanche"

    def listed(self) -> Iterator[dict[str, Any]]:
        """The needs behind its number, one flat row each."""
        for need in self.needs:
            when = "publié ou notifié le=on"
            columns = f"besoin=title, origine=origin, {when}, commune=place.label, avis=notice, lot"
            row = codec.flat(need, columns) | {"source": _named(need.source)}
            yield row | {"publié ou notifié le": row["publié ou notifié le"] or ""}

    def value(self, measure: str) -> float:
        """The figure of a measure.  Raises BadInput on an unknown one."""
        if measure not in MEASURES:
            raise BadInput(f"mesure {measure!r} inconnue : choisissez {', '.join(MEASURES)}")
        own = {"gap": self.gap, "needs": len(self.needs)}
        return float(own[measure] if measure in own else getattr(self.count, measure))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The map: one cell for each area and trade, and what could not be placed or recognised, counted."""

    cells: tuple[Cell, ...]
    areas: tuple[Area, ...]
    trade: str
    unplaced: int
    vague: int  # of a commune that the areas need and the notice does not tell
    outside: Mapping[str, int]  # label of a CPV division, "" unknown -> needs of no trade of the table
    n: int
    on: date
    sources: tuple[str, ...]
    facilitators: Mapping[str, str] = field(default_factory=dict)  # area code -> who, in French

    @property
    def left_out(self) -> str:
        """The needs that are not counted, and why, in French."""
        named = [f"{label or 'objet inconnu'} {count}" for label, count in list(self.outside.items())[:6]]
        more = f" ({', '.join(named)}{', ...' if len(self.outside) > 6 else ''})" if named else ""
        vague = f", {self.vague} dont la commune n'est pas publiée" if self.vague else ""
        return (
            f"non comptés : {sum(self.outside.values())} besoins d'aucun métier de la table{more}, "
            f"{self.unplaced} sans lieu connu{vague}"
        )

    @property
    def facilitator(self) -> str:
        """Every facilitator of the areas, one sentence after the other."""
        return " ".join(dict.fromkeys(facilitators_.of_areas(area.place for area in self.areas)))

    @property
    def lacking(self) -> list[Cell]:
        """The cells with needs that too few structures serve, those of most needs first."""
        found = [cell for cell in self.cells if cell.state in LACKING]
        return sorted(found, key=lambda c: (LACKING.index(c.state), -len(c.needs), c.area.code, c.label))

    def of(self, area: Area) -> list[Cell]:
        return [cell for cell in self.cells if cell.area == area]

    def values(self, measure: str) -> dict[str, float | None]:
        """Area code -> figure of a measure, over the trades shown; None where no need is known, for what is of needs.

        Raises BadInput on another measure, or one of supply without a trade.
        """
        if measure in SUPPLY and not self.trade:
            raise BadInput(f"« {MEASURES[measure]} » se compte métier par métier : choisissez-en un")
        found: dict[str, float | None] = {}
        for area in self.areas:
            cells = self.of(area)
            known = measure in SUPPLY or any(cell.needs for cell in cells)
            found[area.code] = sum(cell.value(measure) for cell in cells) if known else None
        return found

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat row a cell, for a table or a spreadsheet."""
        for cell in self.cells:
            kinds = sorted(cell.count.kinds.items())
            yield {
                **codec.flat(cell, COLUMNS),
                "à appeler par type": ", ".join(f"{kind or 'entreprise'} {number}" for kind, number in kinds),
                "besoins publiés (avis)": cell.calls,
                "marchés attribués": len(cell.needs) - cell.calls,
                "besoins sans structure à appeler": cell.gap,
                "facilitateur": self.facilitators.get(cell.area.code, ""),
                "sources": " | ".join(self.sources),
                "calculé le": self.on.isoformat(),
            }

    def features(self) -> dict[str, Any]:
        """The cells as GeoJSON, each at the point of its area."""
        features = []
        for cell, row in zip(self.cells, self.rows(), strict=True):
            centre = cell.area.centre
            point = {"type": "Point", "coordinates": [*reversed(centre)]} if centre else None
            features.append({"type": "Feature", "properties": row, "geometry": point})
        return {"type": "FeatureCollection", "features": features}


def needs_of(
    tenders: Iterable[Tender], awards: Iterable[Award] = (), departments: Container[str | None] | None = None
) -> list[Need]:
    """The lots of calls and the contracts awarded, each once, confidential needs and repeats left out.

    With `departments`, those that lie in them alone: the trades of the others are not read.
    """
    needs: dict[str, Need] = {}
    calls = (t for t in tenders if not t.confidential and t.nature in CALLS)
    for tender, lot in ((each, lot) for each in calls for lot in each.lots):
        id, place = f"{tender.id}#{lot.id}", toponyms.of_lot(lot, tender)[0][0]
        codes = () if "cpv" in lot.inferred else lot.cpv
        facts: dict[str, Any] = {"on": tender.published, "source": tender.format, "notice": tender.id}
        facts |= {"title": lot.title, "codes": codes, "lot": lot.number}
        needs.setdefault(id, Need(id=id, place=place, origin="avis", **facts))
    for a in awards:
        if a.relation != "modification":
            place = a.place if a.place.department else places.locate(a.place, a.buyer.id)
            won = _awarded(a.uid, a.title, place, a.notified, a.source, (a.cpv,) if a.cpv else ())
            needs.setdefault(f"award#{a.uid}", won)
    return read([n for n in needs.values() if departments is None or n.place.department in departments])


def _awarded(id: str, title: str, place: Place, on: date | None, source: str, codes: tuple[str, ...]) -> Need:
    return Need(id=id, title=title, place=place, on=on, origin="attribution", source=source, codes=codes)


def in_catalogue(
    catalogue: Catalogue, tenders: Iterable[Tender] = (), departments: Iterable[str] = ()
) -> list[Need]:
    """The needs of the notices and of the awards that a catalogue holds, those of `departments` alone if any."""
    only = frozenset(departments)
    rows = np.flatnonzero(catalogue.of_row("nature") == NATURES.index("award"))
    if only:
        rows = rows[np.isin(catalogue.of_row("department")[rows], [department_number(code) for code in only])]
    offers = {offer.id: offer for offer in (catalogue.offer(int(row)) for row in rows)}
    awarded = [
        _awarded(o.id, o.title, places.locate(o.place or Place()), o.since, o.source, o.cpv)
        for o in offers.values()
    ]
    return [*needs_of(tenders, departments=only or None), *read(awarded)]


def read(needs: Sequence[Need]) -> list[Need]:
    """The needs with the trades they ask for."""
    told = trades_of([need.title for need in needs], [need.codes for need in needs])
    return [replace(need, trades=names) for need, names in zip(needs, told, strict=True)]


def cover(
    desk: Desk,
    needs: Sequence[Need],
    areas: Sequence[Area],
    *,
    trade: str = "",
    kinds: Sequence[str] = (),
    n: int | None = None,
) -> Coverage:
    """The map of areas: of one trade, else of every trade that needs ask for there.

    `n` structures to call are wanted for competition (by default the desk's assumption); `kinds` counts some kinds
    alone.  Raises BadInput for an unknown trade or no area.
    """
    if not areas:
        raise BadInput("aucune zone : donnez des départements, une région, ou une commune et un rayon")
    if trade and trade not in desk.labels:
        raise BadInput(f"métier {trade!r} inconnu : choisissez {', '.join(desk.labels)}")
    placed, left_out = _placed(needs, tuple(areas))
    n = int(desk.assumed["competition"].value) if n is None else n
    cells = []
    for i, area in enumerate(areas):
        for name, label in desk.labels.items():
            if name == trade if trade else (i, name) in placed:
                count, own = desk.in_area(name, area), tuple(placed.get((i, name), ()))
                count = count.only(lambda kind: kind in kinds) if kinds else count
                cells.append(Cell(area=area, trade=name, label=label, count=count, needs=own, n=n))
    known, _ = facilitators_.read()
    dates = sorted(need.on for need in needs if need.on)
    span = f" du {dates[0]:%d/%m/%Y} au {dates[-1]:%d/%m/%Y}" if dates else ", sans date"
    formats = Counter(f"{need.origin.rstrip('s')}s ({_named(need.source)})" for need in needs)
    listed = ", ".join(f"{grouped(v)} {k}" for k, v in formats.most_common(4))
    return Coverage(
        cells=tuple(cells),
        areas=tuple(areas),
        trade=trade,
        **left_out,
        n=n,
        on=desk.on,
        sources=(desk.source, f"besoins : {counted(grouped(len(needs)), 'lot')}, {listed}{span}"),
        facilitators={area.code: facilitators_.named(area.place, known) for area in areas},
    )


def _placed(
    needs: Sequence[Need], areas: tuple[Area, ...]
) -> tuple[dict[tuple[int, str], list[Need]], dict[str, Any]]:
    """The needs by area and trade; what is left out: those without a place, of too vague a one, of no trade."""
    cells: dict[tuple[int, str], list[Need]] = {}
    outside: Counter[str] = Counter()
    inside = {area.place.department for area in areas}
    located = [need for need in needs if (need.place.department, need.place.latitude) != (None, None)]
    vague = 0
    for need in located:
        at = list(holding(areas, need.place))
        vague += not at and need.place.department in inside and not places.precise(need.place)
        if at and not need.trades:
            outside[cpv_label(need.codes[0][:2] + "000000") if need.codes else ""] += 1
        for key in ((i, name) for i in at for name in need.trades[:1]):
            cells.setdefault(key, []).append(need)
    unplaced = len(needs) - len(located)
    return cells, {"unplaced": unplaced, "vague": vague, "outside": dict(outside.most_common())}


def _named(source: str) -> str:
    return source_name(source) if ":" in source else source.upper() or "source non précisée"


CLOSERS = 3  # that are named


def closers(desk: Desk, cell: Cell) -> list[tuple[Match, str]]:
    """Who could fill a gap, and why: those to be checked there, then those of the trade, or of one near it, within the desk's distance."""
    far, from_there = Filters(radius_km=desk.assumed["neighbour_km"].value), cell.area
    if from_there.whole_department:  # distances are from a point: its most populous commune
        town = largest()[from_there.place.department or ""][0]
        place = toponyms.asked(town.code)[0]
        from_there = replace(from_there, label=town.name, words=town.code, place=place)
    asked = (desk.query(cell.trade, cell.area), desk.query(cell.trade, from_there, far))
    there, around = (
        {m.structure.siren: m for m in desk.matcher.answer(desk.ranking(query), 3 * CLOSERS).matches}
        for query in asked
    )
    # from the town distances are told, from a whole department none
    found = {siren: around.get(siren, match) for siren, match in (there | around).items()}
    closer = []
    for match in list(found.values())[:CLOSERS]:
        told, away = sentences(match.reasons, 3), f"à {match.distance_km:.0f} km" if match.distance_km else ""
        first = [away] if away and not any(away in one for one in told) else []
        why = " ; ".join([*first, *told]) or "métier à lui demander"
        closer.append((match, why))
    return closer


def neighbours(desk: Desk, cell: Cell) -> list[tuple[str, str, Count]]:
    """Neighbouring trades that somebody there has: trade, why it could be learnt, whom its list calls."""
    found = [
        (name, why, desk.in_area(name, cell.area))
        for name, why in assumptions.neighbours().get(cell.trade, ())
        if name in desk.labels
    ]
    return [one for one in found if one[2].likely]
