"""Training: weights learnt from past awards and from texts without winners, never from a query's answer.

One file for each thing that is learnt; `matcher train NAME` runs it.  Torch is imported inside functions only.
"""

from pathlib import Path
from typing import Any


def write_card(out: Path, name: str, **values: Any) -> None:
    """The card of a model: cards/NAME.md with these values, as card.md of a folder."""
    text = (Path(__file__).parent / "cards" / f"{name}.md").read_text(encoding="utf-8")
    (out / "card.md").write_text(text.format(**values), encoding="utf-8")
