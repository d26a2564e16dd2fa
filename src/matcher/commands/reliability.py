"""`matcher reliability`: calibration of the probabilities on later awards, each queried as of its date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Option

from matcher.commands._options import Output
from matcher.console import emit, progress, say
from matcher.lab import benchmark
from matcher.matching import recipes
from matcher.matching.engine import Matcher


def run(
    data: Annotated[Path, Option(help="Folder with awards/ and structures/.")],
    recipe: Annotated[str, Option(help="Recipe to evaluate.")] = "default",
    most: Annotated[int | None, Option(min=10, help="Sample of later awards.")] = None,
    format: Output = "table",
) -> None:
    """Ten bins of predicted probability against observed rate, for the first and the first ten, and the Brier skill.

    \b
    matcher reliability --data ../shared/data
    matcher reliability --data ../shared/data --most 300
    """
    asked = benchmark.later_awards(data / "awards" / "development.json.gz", most)
    matcher = Matcher(benchmark.catalogue(data, "suppliers", recipe), recipes.named(recipe), exhaustive=True)
    predicted, observed = benchmark.answered(matcher, progress(asked, "asking later awards"))

    def rows() -> Iterator[dict[str, Any]]:
        for name, top in (("first", 1), ("first ten", 10)):
            p, y = predicted[:, :top].ravel(), observed[:, :top].ravel()
            known = ~np.isnan(p)
            answers = p[known].tolist(), y[known].tolist()
            result = benchmark.brier(*answers)
            for number, each in enumerate(benchmark.bins(*answers), 1):
                more = max(0, round(40 * (each["mean_predicted"] - each["observed_rate"])))
                picture = "█" * round(40 * each["observed_rate"]) + "·" * more
                figures = {key: round(float(value), 4) for key, value in each.items()}
                yield {"of": name, "bin": number, **figures, "count": each["count"], "picture": picture}
            say(
                f"{name}: {int(known.sum())} answers, Brier {result['brier']:.4f}, base rate {result['rate']:.4f} "
                f"(Brier {result['base']:.4f}), skill {result['skill']:+.4f}"
            )

    emit(rows(), format, f"{len(asked)} later awards, bins of equal size")
