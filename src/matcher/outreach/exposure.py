"""Exposure of structures over a set of needs, compared with their probability of being a lead: of those that can be shown alone.

Figures: Gini coefficient of exposure (0 is all alike, 1 is one takes all), share never shown, and for each group of
structures its share of exposure and the share that its chances call for: the attention of each list, divided among all
that it shows in proportion to their chances of being a lead (Singh and Joachims, 2018: merit is within a ranking).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import Tender
from matcher.matching import suitability
from matcher.matching.ranking import PLAUSIBLE, Ranking
from matcher.outreach.digest_formats import templates
from matcher.reference.french import grouped

if TYPE_CHECKING:
    import pandas as pd

    from matcher.catalogue.catalogue import Catalogue
    from matcher.matching.engine import Matcher


#: What structures are grouped by, and its heading.
GROUPINGS: Mapping[str, str] = {
    "kind": "Par type",
    "evidence": "Par ce qu'elles disent d'elles",
    "size": "Par effectif",
    "department": "Par département",
}
Rows = tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Appearances among the first n shown of each lot, discounted by rank (1 / log2(rank + 1))."""

    lots: int
    structures: int
    gini: float
    never_shown: float  # share of structures, 0 to 1
    credible: float  # share that is at least to be checked for some lot
    passed_over: float  # share of these that is never shown
    #: Of those who come to a lot of their probable trade, the share neither shown nor to be asked.
    neglected: float | None
    distance: float  # half the sum of differences between shares of exposure and of expected leads, 0 to 1
    groups: Mapping[str, Rows]  # by the keys of GROUPINGS
    most_shown: tuple[tuple[str, str, int], ...]  # SIRET, name, appearances


def gini(values: Sequence[float]) -> float:
    """Gini coefficient of non-negative values; 0 where all are zero (Gini, 1912)."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if not len(ordered) or not ordered.sum():
        return 0.0
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


class Tally:
    """Exposure as lots are added to it, one value for each structure of a catalogue."""

    def __init__(self, catalogue: Catalogue, n: int = 10) -> None:
        self.catalogue, self.n, self.lots = catalogue, n, 0
        self.exposure = np.zeros(len(catalogue))
        self.chances = np.zeros(len(catalogue))
        self.shown = np.zeros(len(catalogue), dtype=np.int64)
        self.credible = np.zeros(len(catalogue), dtype=bool)
        self.probable = np.zeros(len(catalogue), dtype=bool)
        self.asked = np.zeros(len(catalogue), dtype=bool)

    def ask(self, ranking: Ranking) -> None:
        """Count who has the trade of a lot, probably and in reach, and who is to be asked whether it has."""
        self.probable[suitability.probable(ranking)] = True
        self.asked[suitability.asking(ranking)] = True

    @property
    def neglected(self) -> float | None:
        """Of the bidders with the trade of a lot in reach, the share neither shown nor to be asked; None where none were counted."""
        bidders = self.catalogue.of_structure("bidder")
        met = np.unique(bidders[self.probable])
        reached = bidders[(self.shown > 0) | self.asked]
        return float((~np.isin(met, reached)).mean()) if len(met) else None

    def add(self, ranking: Ranking) -> None:
        """Count a lot: those at least to be checked, at most n, share its attention by rank."""
        rows = ranking.shortlist.candidates
        listed = ranking.order[ranking.levels[ranking.order] >= PLAUSIBLE]
        attention = 1 / np.log2(np.arange(min(len(listed), self.n)) + 2)
        self.lots += 1
        self.exposure[rows[listed[: self.n]]] += attention
        self.shown[rows[listed[: self.n]]] += 1
        chances = ranking.chances[listed]
        self.chances[rows[listed]] += chances * (attention.sum() / (chances.sum() or 1.0))
        self.credible[rows[ranking.levels >= PLAUSIBLE]] = True

    def measured(self) -> Exposure:
        """The figures of the lots so far."""
        some = self.catalogue.of_structure("kind") != ""  # structures alone: no firm
        table = _structures(self.catalogue)[some]
        table["exposure"], table["chances"] = _shares(self.exposure[some]), _shares(self.chances[some])
        table["never"], table["credible"] = (self.exposure == 0)[some], self.credible[some]
        most = np.argsort(-self.shown, kind="stable")[:10]
        return Exposure(
            lots=self.lots,
            structures=len(table),
            gini=gini(self.exposure[some].tolist()),
            never_shown=_mean(table["never"]),
            credible=_mean(table["credible"]),
            passed_over=_mean(table["never"][table["credible"]]),
            neglected=self.neglected,
            distance=float((table["exposure"] - table["chances"]).abs().sum() / 2),
            groups={name: _by(table, name) for name in GROUPINGS},
            most_shown=tuple(
                (str(table["siret"].get(row)), str(table["name"].get(row)), int(self.shown[row]))
                for row in most
                if self.shown[row]
            ),
        )


def measure(matcher: Matcher, tenders: Iterable[Tender], n: int = 10, days: int = 1) -> Exposure:
    """Exposure over the lots of public tenders, each asked once a day; a confidential need is not counted.

    Several days matter where the recipe rotates near-ties.
    """
    tally = Tally(matcher.catalogue, n)
    for tender in tenders:
        for query in () if tender.confidential else matcher.queries(tender):
            ranking = matcher.rank(query)
            tally.ask(ranking)
            for number in range(days):
                day = (query.as_of or date.today()) + timedelta(days=number)
                tally.add(matcher.rotated(ranking, day))
    return tally.measured()


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values / (values.sum() or 1.0))


def _mean(values: pd.Series[bool]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _structures(catalogue: Catalogue) -> pd.DataFrame:
    """The structures with the groups that exposure is compared by: kind, evidence, size, département."""
    import pandas as pd

    table: pd.DataFrame = catalogue.structures.select(["siret", "name", "department"]).to_pandas()
    table["department"] = table["department"].replace("", None).fillna("inconnu")
    table["kind"] = catalogue.of_structure("kind")
    pieces = catalogue.owners[catalogue.nature_mask(("offer", "description", "job"))]
    described = np.bincount(pieces, minlength=len(catalogue))
    labels = ["ne dit rien de ses activités", "une ou deux offres", "trois offres ou plus"]
    table["evidence"] = pd.cut(described, [-1, 0, 2, np.inf], labels=labels)
    people = np.asarray(catalogue.of_structure("headcount"), dtype=np.float64)
    sizes = ["moins de 10", "de 10 à 49", "50 et plus"]
    staff = pd.cut(people, [-np.inf, 10, 50, np.inf], right=False, labels=sizes)
    table["size"] = pd.Series(staff).astype(object).fillna("effectif inconnu")
    return table


def _by(table: pd.DataFrame, column: str) -> Rows:
    """A row for each group; "exposition / chances" is 1 where attention is what the chances call for."""

    def row(group: Any, inside: pd.DataFrame) -> dict[str, object]:
        chances, shown = float(inside["chances"].sum()), float(inside["exposure"].sum())
        shares = {"part des structures": len(inside) / len(table), "part des chances": chances}
        shares |= {"part de l'exposition": shown, RATIO: 0.0, "jamais montrées": _mean(inside["never"])}
        shares["crédibles jamais montrées"] = _mean(inside["never"][inside["credible"]])
        rounded = {name: round(value, 4) for name, value in shares.items()}
        ratio = round(shown / chances, 2) if chances else None
        return {"groupe": group, "structures": len(inside), **rounded, RATIO: ratio}

    return tuple(row(group, inside) for group, inside in table.groupby(table[column].astype(str)))


RATIO = "exposition / chances"
TABLES = {"kind": "type", "evidence": "ce qu'elles disent d'elles", "size": "effectif"}  # of the public sheet


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured with one recipe."""

    versions: Mapping[str, str]
    exposure: Exposure
    ndcg: float | None = None  # nDCG@5 over judged needs, where there were some


def written(measured: Sequence[Measured]) -> str:
    """The whole sheet as Markdown; it names the kinds that are shown much less, or much more, than their chances call for."""
    facts = {
        "tables": [(words, measured[0].exposure.groups[name]) for name, words in TABLES.items()],
        "kinds": [row for row in measured[0].exposure.groups["kind"] if row[RATIO] is not None],
        "whole": lambda value: f"{value:,}".replace(",", " "),
        "percent": lambda value: f"{grouped(100 * value, 1)} %",
        "decimal": lambda value, digits=2: "—" if value is None else grouped(value, digits),
    }
    sheet = templates().get_template("public_sheet.md")
    return str(sheet.render(measured=measured, today=date.today(), **facts))
