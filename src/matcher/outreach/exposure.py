"""Who is shown, and who never: exposure of structures and kinds over a set of needs.

A ranking that shows the same few is read against this measure: Gini coefficient of appearances (0 is all
alike, 1 is one takes all), share never shown, by kind and by size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher.domain import Tender

if TYPE_CHECKING:
    import pandas as pd

    from matcher.catalogue.catalogue import Catalogue
    from matcher.matching.engine import Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Appearances among the first n of each lot, discounted by rank (1 / log2(rank + 1))."""

    lots: int
    structures: int
    gini: float
    never_shown: float  # share of structures, 0 to 1
    by_kind: tuple[dict[str, object], ...]
    by_evidence: tuple[dict[str, object], ...]  # by how much they say of themselves
    by_size: tuple[dict[str, object], ...]  # by headcount
    most_shown: tuple[tuple[str, str, int], ...]  # SIRET, name, appearances


def gini(values: Sequence[float]) -> float:
    """Gini coefficient of non-negative values; 0 where all are zero (Gini, 1912)."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if not len(ordered) or not ordered.sum():
        return 0.0
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def measure(matcher: Matcher, tenders: Iterable[Tender], n: int = 10) -> Exposure:
    """Exposure over the lots of public tenders; a confidential need is not counted."""
    import pandas as pd

    lots = 0
    shown: list[tuple[int, float]] = []  # (row, weight), an appearance each
    for tender in tenders:
        for query in () if tender.confidential else matcher.queries(tender):
            ranking = matcher.rank(query)
            lots += 1
            if not matcher.nobody(ranking):
                rows = ranking.shortlist.candidates[ranking.order[:n]]
                shown += zip(rows.tolist(), 1 / np.log2(np.arange(len(rows)) + 2), strict=True)
    table = _structures(matcher.catalogue)
    seen = pd.DataFrame(shown, columns=["row", "weight"]).groupby("row", sort=False)["weight"]
    table["weight"] = seen.sum().reindex(table.index, fill_value=0.0)
    counts = seen.count().sort_values(ascending=False, kind="stable")[:10]
    return Exposure(
        lots=lots,
        structures=len(table),
        gini=gini(table["weight"].tolist()),
        never_shown=float((table["weight"] == 0).mean()) if len(table) else 0.0,
        by_kind=_by(table, "kind"),
        by_evidence=_by(table, "evidence"),
        by_size=_by(table, "size"),
        most_shown=tuple(
            zip(table["siret"][counts.index], table["name"][counts.index], counts.tolist(), strict=True)
        ),
    )


def _structures(catalogue: Catalogue) -> pd.DataFrame:
    """The structures with the groups that exposure is compared by: kind, evidence, size."""
    import pandas as pd

    table: pd.DataFrame = catalogue.structures.select(["siret", "name"]).to_pandas()
    table["kind"] = catalogue.of_structure("kind")
    pieces = catalogue.owners[catalogue.nature_mask(("offer", "description", "job"))]
    described = np.bincount(pieces, minlength=len(catalogue))
    table["evidence"] = pd.cut(
        described, [-1, 0, 2, np.inf], labels=["ne dit rien de ses activités", "une ou deux offres", "trois offres ou plus"]
    )  # fmt: skip
    staff = pd.cut(
        np.asarray(catalogue.of_structure("headcount"), dtype=np.float64), [-np.inf, 10, 50, np.inf], right=False,
        labels=["moins de 10", "de 10 à 49", "50 et plus"],
    )  # fmt: skip
    table["size"] = pd.Series(staff).astype(object).fillna("effectif inconnu")
    return table


def _by(table: pd.DataFrame, column: str) -> tuple[dict[str, object], ...]:
    total = table["weight"].sum() or 1.0
    return tuple(
        {
            "groupe": group or "entreprise", "structures": len(inside), "part des structures": round(len(inside) / len(table), 4),
            "part de l'exposition": round(float(inside.sum() / total), 4), "jamais montrées": round(float((inside == 0).mean()), 4),
        }
        for group, inside in table.groupby(table[column].astype(str))["weight"]
    )  # fmt: skip
