"""`matcher cpv`: the likeliest CPV codes of a text, with their probabilities."""

from __future__ import annotations

from pathlib import Path

import typer


def run(
    text: list[str] = typer.Argument(None, help="The need, in French."),
    top: int = typer.Option(5, "--top", "-k", min=1, max=100, help="How many codes."),
    level: str = typer.Option("class", "--level", "-l", help="division, group, class or code."),
    format: str = typer.Option("table", "--format", "-f", help="table, jsonl or csv."),
    labels: Path | None = typer.Option(
        None, "--import", help="First import the official list of CPV labels (CSV with code and label_fr)."
    ),
) -> None:
    """Propose CPV codes for a need: several, each with its probability.

    Examples:

    matcher cpv "entretien des espaces verts et tonte"

    matcher cpv "bornes de recharge" --level code --top 3 --format jsonl

    matcher cpv --import cpv_2008.csv
    """
    from matcher import console
    from matcher.domain import BadInput
    from matcher.learned import cpv
    from matcher.reference.imports import import_cpv

    kind = console.check_format(format)
    if labels is not None:
        console.say(f"{import_cpv(labels)} CPV labels imported")
        if not text:
            return
    if not text:
        raise BadInput('nothing to code: give the need in French, as in matcher cpv "taille de haies"')
    found = cpv.suggest(" ".join(text), top, level)  # type: ignore[arg-type]
    rows = [{"cpv": code, "label": label, "probability": chance} for code, label, chance in found]
    console.emit(rows, kind, title="Codes CPV proposés")
