"""Learn the weights of partners from past groups and write models/partners/RECIPE.json.

usage: python data/build/train_partners.py HISTORY.json.gz [RECIPE] [OUT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matcher.lab.training.partners import train
from matcher.matching import recipes
from matcher.reference import paths


def main(history: str, recipe: str = "default", out: str = "") -> None:
    folder = Path(out) if out else paths.models_dir() / "partners"
    print(json.dumps(train([Path(history)], folder, recipes.named(recipe)), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
