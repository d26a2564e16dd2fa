"""`matcher law`: the rules in force on a day, each with its article, dates, figure and source."""

from __future__ import annotations

from typing import Annotated

import typer

from matcher.commands._options import OutputFormat


def run(
    beginning: Annotated[str, typer.Argument(help="Only codes with this prefix, such as clause.")] = "",
    on: Annotated[str, typer.Option(help="The day, 2026-08-22; today by default.")] = "",
    format: OutputFormat = "table",
) -> None:
    """The rules in force on a day, with article, figure, dates and source; "à vérifier" where no source was read.

    \b
    matcher law clause
    matcher law formal --on 2025-06-30 --format csv

    The table is data/assumptions/law.csv; a file of that name in MATCHER_HOME/assumptions takes precedence.
    """
    from datetime import date

    from matcher.console import check_format, emit
    from matcher.domain import NoValidRecords
    from matcher.reference import law
    from matcher.reference.identifiers import clean_date

    check_format(format)
    day = clean_date(on) or date.today()
    held = [rule for rule in law.rules(day) if rule.code.startswith(beginning)]
    if not held:
        raise NoValidRecords(
            f"aucune règle en vigueur le {day:%d/%m/%Y} n'a un code qui commence par {beginning} : `matcher law` les montre toutes"
        )
    emit(
        (
            {
                "code": rule.code,
                "article": rule.article,
                "règle": rule.text,
                "valeur": rule.value,
                "depuis": rule.since.isoformat(),
                "jusqu'au": rule.until.isoformat() if rule.until else "",
                "texte": "lu" if rule.verified else "à vérifier",
                "source": rule.source,
            }
            for rule in held
        ),
        format,
    )
