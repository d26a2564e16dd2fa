"""Digests: show one in any format, say why it was sent, report the outcome of a need to its buyer."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from matcher import codec
from matcher.commands._options import CATALOGUE, Folder, Output, day, loaded, open_store
from matcher.console import emit
from matcher.outreach import digests, review

app = typer.Typer(help=__doc__, no_args_is_help=True)

VERSIONS = {"recette": "recipe", "données": "data", "classement": "ranker"}
Form = Annotated[str, Option("--form", help="text, html, json, csv, xlsx, atom or icalendar.")]
Out = Annotated[Path | None, Option(help="The file to write; stdout by default.")]
Siret = Annotated[str, Argument(help="SIRET of the structure.")]


@app.command()
def show(
    siret: Siret,
    form: Form = "text",
    out: Out = None,
    catalogue: Folder = CATALOGUE,
    limit: Annotated[int, Option(min=1, help="Maximum number of lots.")] = 50,
) -> None:
    """Every open lot in reach of a structure today, announced or not: a table, a feed, a calendar of deadlines.

    \b
    matcher digest show 00010001600013 --form icalendar --out deadlines.ics
    """
    content = digests.current(open_store(), loaded(catalogue).catalogue, siret, limit=limit)
    _write(digests.rendered(content, form), out)


@app.command()
def why(
    siret: Siret,
    day: Annotated[date | None, Argument(parser=day, help="As 2026-11-24; by default every day.")] = None,
    format: Output = "table",
) -> None:
    """ "Pourquoi ai-je reçu cela ?": every mail of a SIRET, each lot with its reasons and versions."""
    mails = review.why(open_store(), siret, day)
    if format == "jsonl":
        emit(mails, format)
        return
    rows = [
        codec.flat(mail, "jour=day, état=status")
        | codec.flat(item, "avis=notice_id, lot=title, probabilité=probability")
        | {"raisons": " ; ".join(item["reasons"])}
        | {heading: mail["versions"].get(name, "") for heading, name in VERSIONS.items()}
        for mail in mails
        for item in mail["items"]
    ]
    emit(rows, format)


@app.command()
def buyer(
    identifier: Annotated[str, Argument(help="SIRET or SIREN of the buyer, or owner of unpublished needs.")],
    form: Annotated[Literal["text", "html", "json"], Option(help="What it is written as.")] = "text",
    out: Out = None,
    catalogue: Folder = CATALOGUE,
) -> None:
    """The outcome of a buyer's needs: how many could serve, were notified, are interested, or not and why."""
    held = loaded(catalogue).catalogue if (catalogue / "manifest.json").is_file() else None
    _write(digests.rendered(digests.of_buyer(open_store(), identifier, held), form), out)


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(data)
    else:
        out.write_bytes(data)
