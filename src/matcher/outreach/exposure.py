"""Who is shown, and who never: exposure of structures and kinds over a set of needs.

A ranking that shows the same few is read against this measure: Gini coefficient of appearances (0 is all
alike, 1 is one takes all), share never shown, by kind and by size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import Tender
from matcher.matching.engine import Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Appearances among the first n of each lot, discounted by rank (1 / log2(rank + 1))."""

    lots: int
    structures: int
    gini: float
    never_shown: float  # share of structures, 0 to 1
    by_kind: tuple[dict[str, object], ...]
    by_evidence: tuple[dict[str, object], ...]  # said much, little or nothing of itself
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
    catalogue = matcher.catalogue
    shown: Counter[int] = Counter()
    weight = np.zeros(len(catalogue))
    lots = 0
    for tender in tenders:
        if tender.confidential:
            continue
        for query in matcher.queries(tender):
            ranking = matcher.rank(query)
            lots += 1
            if matcher.nobody(ranking):
                continue
            for rank, i in enumerate(ranking.order[:n], 1):
                row = int(ranking.shortlist.candidates[i])
                shown[row] += 1
                weight[row] += 1 / np.log2(rank + 1)
    kinds = catalogue.of_structure("kind")
    declared = np.bincount(
        catalogue.owners[catalogue.nature_mask(("offer", "description", "job"))], minlength=len(catalogue)
    )
    size = np.where(
        declared == 0,
        "ne dit rien de ses activités",
        np.where(declared < 3, "une ou deux offres", "trois offres ou plus"),
    )
    heads = np.asarray(catalogue.of_structure("headcount"), dtype=np.float64)
    staff = np.select(
        [np.isnan(heads), heads < 10, heads < 50],
        ["effectif inconnu", "moins de 10", "de 10 à 49"],
        "50 et plus",
    )
    names = catalogue.structures.column("name")
    sirets = catalogue.structures.column("siret")
    return Exposure(
        lots=lots,
        structures=len(catalogue),
        gini=gini(weight.tolist()),
        never_shown=float(np.mean(weight == 0)) if len(weight) else 0.0,
        by_kind=_by(kinds, weight),
        by_evidence=_by(size, weight),
        by_size=_by(staff, weight),
        most_shown=tuple((sirets[r].as_py(), names[r].as_py(), count) for r, count in shown.most_common(10)),
    )


def _by(groups: NDArray[Any], weight: NDArray[np.float64]) -> tuple[dict[str, object], ...]:
    total = weight.sum() or 1.0
    rows = []
    for group in sorted(set(groups.tolist())):
        inside = groups == group
        rows.append({
            "groupe": group or "entreprise", "structures": int(inside.sum()),
            "part des structures": round(float(inside.mean()), 4),
            "part de l'exposition": round(float(weight[inside].sum() / total), 4),
            "jamais montrées": round(float(np.mean(weight[inside] == 0)), 4),
        })  # fmt: skip
    return tuple(rows)
