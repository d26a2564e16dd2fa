"""Facets and sorting of a result list; each count is over what the other facets leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from matcher.domain import KINDS, Answer, LotAnswer
from matcher.reference import trades
from matcher.reference.text import fold
from service.page.lots import Line, line

KILOMETRES = (5, 10, 20, 50)
#: Sort order -> the heading of the list that asks for it, in the order of the columns.
SORTS = {"": "ordre", "nom": "nom", "distance": "distance", "metier": "métier", "contact": "contact"}
REACHED = ("telephone", "courriel", "site")  # contact channels, quickest first
#: Facet -> its name on the page.
NAMES = {"type": "Type", "km": "Distance", "metier": "Métier", "preuve": "Preuve", "contact": "Contact"}
NAMES["label"] = "Réseau ou label"


def _contact(line: Line) -> Iterable[str]:
    s = line.match.structure
    known = dict(zip(REACHED, (s.phone, s.email, s.website), strict=True))
    return (name for name, value in known.items() if value)


READ: Mapping[str, Callable[[Line], Iterable[str]]] = {
    "type": lambda line: (line.match.structure.kind or "autre",),
    "km": lambda line: (
        str(most) for most in KILOMETRES if (km := line.match.distance_km) is not None and km <= most
    ),
    # the trades that its matching offer names, else that line's own words are of none
    "metier": lambda line: (
        (trades.named(line.match.offer.title) if line.match.offer else ()) or ("autre-metier",)
    ),
    "preuve": lambda line: ("connu" if line.stated else "deduit" if line.known else "inconnu",),
    "contact": _contact,
    "label": lambda line: dict.fromkeys((*line.match.structure.networks, *line.match.structure.labels)),
}
WORDS = {
    "connu": "Déclaré ou déjà fait", "deduit": "Supposé d’après le code d’activité, le nom ou le type",
    "inconnu": "Rien de connu", "telephone": "Téléphone", "courriel": "Courriel", "site": "Site internet",
    "autre": "Entreprise ordinaire", "autre-metier": "Autre, ou non précisé",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values ticked in each facet, and the order."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = ""

    @property
    def ticked(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self.values.items() for value in values]

    def words(self) -> list[str]:
        """The values ticked, in words."""
        return [_label(*pair) for pair in self.ticked]

    def query(self) -> list[tuple[str, str]]:
        """As URL query parameters."""
        return self.ticked + ([("tri", self.sort)] if self.sort else [])

    def sorts(self) -> list[tuple[str, Chosen, bool]]:
        """Each sort order: name, this choice with it, and whether it is current."""
        return [(name, replace(self, sort=sort), sort == self.sort) for sort, name in SORTS.items()]

    def removals(self) -> list[tuple[str, Chosen]]:
        """The label of each value ticked, and this choice without it."""
        found = []
        for name, value in self.ticked:
            others = tuple(each for each in self.values[name] if each != value)
            found.append((_label(name, value), replace(self, values={**self.values, name: others})))
        return found


def chosen(given: Mapping[str, Sequence[str]], sort: str) -> Chosen:
    """The facets of a query; unknown values are ignored."""
    kept = {name: tuple(dict.fromkeys(v[:60] for v in given.get(name, ()) if v))[:20] for name in NAMES}
    kept["km"] = kept["km"][-1:]  # a radius holds those within
    return Chosen(kept, sort if sort in SORTS else "")


def of_address(address: str) -> Chosen:
    """The facets in the query of an address of results."""
    given = parse_qs(urlsplit(address).query)
    return chosen(given, given.get("tri", [""])[0])


def _passes(line: Line, wanted: Chosen, but: str = "") -> bool:
    return all(
        not values or name == but or set(values) & set(READ[name](line))
        for name, values in wanted.values.items()
    )


#: Sort order -> what a line is sorted by; the order of the ranking has none.
ORDERS: Mapping[str, Callable[[Line], Any]] = {
    "distance": lambda line: 1e9 if line.match.distance_km is None else line.match.distance_km,
    "nom": lambda line: fold(line.match.structure.brand or line.match.structure.name),
    "metier": lambda line: [list(WORDS).index(proof) for proof in READ["preuve"](line)],
    "contact": lambda line: next(map(REACHED.index, _contact(line)), len(REACHED)),
}


def narrowed(lines: Sequence[Line], wanted: Chosen) -> list[Line]:
    """The lines that pass every facet, sorted."""
    kept = [line for line in lines if _passes(line, wanted)]
    return sorted(kept, key=ORDERS[wanted.sort]) if wanted.sort in ORDERS else kept


def of_answer(answer: Answer, wanted: Chosen) -> Answer:
    """The answer with what passes every facet, sorted: what a page shows, keeps and exports alike."""
    lots = []
    for each in answer.lots:
        matches = tuple(kept.match for kept in narrowed([line(m) for m in each.matches], wanted))
        lots.append(replace(of_asking(each, wanted), matches=matches))
    return replace(answer, lots=tuple(lots))


def of_asking(answer: LotAnswer, wanted: Chosen) -> LotAnswer:
    """The answer with those of whom to ask their trade that pass every facet: of these no other than the type is known."""
    if not wanted.ticked:
        return answer
    types = wanted.values.get("type", ())
    others = any(values for name, values in wanted.values.items() if name != "type")
    asking = () if others else tuple(one for one in answer.asking if (one.kind or "autre") in types)
    return replace(answer, asking=asking, to_ask=len(asking))


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
    if name == "metier":
        return next((trade.label for trade in trades.trades() if trade.name == value), WORDS["autre-metier"])
    return WORDS.get(value, value)
