"""`matcher cpv`: the likeliest CPV codes of a text, with their probabilities."""

from pathlib import Path

from typer import Argument, Option

from matcher.commands._options import Output
from matcher.console import emit, say
from matcher.domain import BadInput
from matcher.learned import cpv
from matcher.reference.imports import import_labels


def run(
    text: list[str] = Argument(None, help="The need, in French."),
    top: int = Option(5, "--top", "-k", min=1, max=100, help="How many codes."),
    level: cpv.Level = Option("class", "--level", "-l", help="How far codes go."),
    format: Output = "table",
    labels: Path | None = Option(
        None, "--import", help="First import the official CPV labels (code, label_fr)."
    ),
) -> None:
    """Propose CPV codes for a need: several, each with its probability.

    Examples:

    matcher cpv "entretien des espaces verts et tonte"

    matcher cpv "bornes de recharge" --level code --top 3 --format jsonl

    matcher cpv --import cpv_2008.csv
    """
    if labels is not None:
        say(f"{import_labels('cpv', labels)} CPV labels imported")
        if not text:
            return
    if not text:
        raise BadInput('nothing to code: give the need in French, as in matcher cpv "taille de haies"')
    found = cpv.shipped().suggest(" ".join(text), top, level)
    rows = [{"cpv": code, "label": label, "probability": chance} for code, label, chance in found]
    emit(rows, format, title="Codes CPV proposés")
