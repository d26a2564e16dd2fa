"""Facets and sorting of a result list; each count is over what the other facets leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from matcher.domain import KINDS
from matcher.reference.text import fold
from service.page.lots import Line

KILOMETRES = (5, 10, 20, 50)
#: Sort order -> the heading of the list that asks for it, in the order of the columns.
SORTS = {"": "ordre", "nom": "nom", "distance": "distance", "metier": "métier", "contact": "contact"}
REACHED = ("telephone", "courriel", "site")  # contact channels, quickest first
#: Facet -> its name on the page.
NAMES = {
    "type": "Type",
    "km": "Distance",
    "metier": "Métier",
    "contact": "Contact",
    "label": "Réseau ou label",
}


def _kinds(line: Line) -> Iterable[str]:
    yield line.match.structure.kind or "autre"


def _kilometres(line: Line) -> Iterable[str]:
    km = line.match.distance_km
    return (str(most) for most in KILOMETRES if km is not None and km <= most)


def _trade(line: Line) -> Iterable[str]:
    yield "connu" if line.stated else "deduit" if line.known else "inconnu"


def _contact(line: Line) -> Iterable[str]:
    s = line.match.structure
    known = dict(zip(REACHED, (s.phone, s.email, s.website), strict=True))
    return (name for name, value in known.items() if value)


def _labels(line: Line) -> Iterable[str]:
    return dict.fromkeys((*line.match.structure.networks, *line.match.structure.labels))


READ: Mapping[str, Callable[[Line], Iterable[str]]] = {
    "type": _kinds, "km": _kilometres, "metier": _trade, "contact": _contact, "label": _labels,
}  # fmt: skip
WORDS = {
    "connu": "Connu : déclaré ou déjà fait", "deduit": "Déduit : code d’activité ou nom", "inconnu": "Inconnu", "telephone": "Téléphone",
    "courriel": "Courriel", "site": "Site internet", "autre": "Entreprise ordinaire",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values ticked in each facet, and the order."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = ""

    @property
    def any(self) -> bool:
        return any(self.values.values())

    def query(self) -> list[tuple[str, str]]:
        """As URL query parameters."""
        pairs = [(name, value) for name, values in self.values.items() for value in values]
        return pairs + ([("tri", self.sort)] if self.sort else [])

    def sorts(self) -> list[tuple[str, Chosen, bool]]:
        """Each sort order: name, this choice with it, and whether it is current."""
        return [(name, replace(self, sort=sort), sort == self.sort) for sort, name in SORTS.items()]

    def removals(self) -> list[tuple[str, Chosen]]:
        """The label of each value ticked, and this choice without it."""
        return [
            (_label(name, value), replace(self, values={**self.values, name: tuple(v for v in values if v != value)}))
            for name, values in self.values.items()
            for value in values
        ]  # fmt: skip


def chosen(given: Mapping[str, Sequence[str]], sort: str) -> Chosen:
    """The facets of a query; unknown values are ignored."""
    kept = {name: tuple(dict.fromkeys(v[:60] for v in given.get(name, ())))[:20] for name in NAMES}
    return Chosen(kept, sort if sort in SORTS else "")


def _passes(line: Line, wanted: Chosen, but: str = "") -> bool:
    return all(
        not values or name == but or set(values) & set(READ[name](line))
        for name, values in wanted.values.items()
    )


def narrowed(lines: Sequence[Line], wanted: Chosen) -> list[Line]:
    """The lines that pass every facet, sorted."""
    kept = [line for line in lines if _passes(line, wanted)]
    if wanted.sort == "distance":
        kept.sort(key=lambda line: line.match.distance_km if line.match.distance_km is not None else 1e9)
    elif wanted.sort == "nom":
        kept.sort(key=lambda line: fold(line.match.structure.brand or line.match.structure.name))
    elif wanted.sort == "metier":
        kept.sort(key=lambda line: list(WORDS).index(next(iter(_trade(line)))))
    elif wanted.sort == "contact":
        kept.sort(key=lambda line: next((REACHED.index(way) for way in _contact(line)), len(REACHED)))
    return kept


def counted(lines: Sequence[Line], wanted: Chosen) -> list[tuple[str, str, list[tuple[str, str, int, bool]]]]:
    """Facet, its name, and (value, label, count, ticked): only facets that divide the list, or are ticked."""
    found = []
    for name, title in NAMES.items():
        counts = Counter(v for line in lines if _passes(line, wanted, but=name) for v in READ[name](line))
        ticked = wanted.values.get(name, ())
        values = [*counts, *(v for v in ticked if v not in counts)]
        if len(values) > 1 or ticked:
            ranked = sorted(values, key=lambda v: (int(v) if v.isdecimal() else 0, -counts[v], v))[:12]
            options = [(v, _label(name, v), counts[v], v in ticked) for v in ranked]
            found.append((name, title, options))
    return found


def _label(name: str, value: str) -> str:
    if name == "km":
        return f"À {value} km au plus"
    if name == "type" and value in KINDS:
        return f"{value} – {KINDS[value]}"
    return WORDS.get(value, value)
