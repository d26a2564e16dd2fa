"""The sheet that an administration publishes on the algorithm, in French, with figures measured where it runs.

Articles L311-3-1 and L312-1-3 of the CRPA: purpose, degree of contribution, data, treatment, parameters, how to
contest; and the line of the inventory of main algorithmic treatments.  What only the administration knows is in
square brackets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from matcher.outreach.digest_formats import templates
from matcher.outreach.exposure import Exposure

FEW = 10  # structures of a kind, below which its ratio says little
LITTLE, MUCH = 0.5, 1.5  # of the attention that the chances call for
RATIO = "exposition / chances"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured with one recipe."""

    versions: Mapping[str, str]
    exposure: Exposure
    ndcg: float | None = None  # nDCG@5 over judged needs, where there were some


def written(measured: Sequence[Measured]) -> str:
    """The whole sheet as Markdown; it names the kinds that are shown much less, or much more, than their chances call for."""
    groups = measured[0].exposure.groups
    ratios = {
        str(row["groupe"]): float(str(row[RATIO]))
        for row in groups["kind"]
        if int(str(row["structures"])) >= FEW and row[RATIO] is not None
    }
    return str(
        templates()
        .get_template("public_sheet.md")
        .render(
            measured=measured,
            today=date.today(),
            less=[f"{kind} ({_decimal(ratio)})" for kind, ratio in ratios.items() if ratio < LITTLE],
            more=[f"{kind} ({_decimal(ratio)})" for kind, ratio in ratios.items() if ratio > MUCH],
            tables=[
                ("type", groups["kind"]),
                ("ce qu'elles disent d'elles", groups["evidence"]),
                ("effectif", groups["size"]),
            ],
            whole=lambda value: f"{value:,}".replace(",", " "),
            percent=lambda value: f"{100 * value:.1f} %".replace(".", ","),
            decimal=_decimal,
        )
    )


def _decimal(value: float | None, digits: int = 2) -> str:
    return "—" if value is None else f"{value:.{digits}f}".replace(".", ",")
