"""`matcher law`: the rules in force on a day, each with its article, dates, figure and source."""

from datetime import date
from typing import Annotated

from typer import Argument, Option

from matcher import codec
from matcher.commands._options import Output, day
from matcher.console import emit
from matcher.domain import NoValidRecords
from matcher.reference import law


def run(
    beginning: Annotated[str, Argument(help="Only codes with this prefix, such as clause.")] = "",
    on: Annotated[date | None, Option(parser=day, help="The day, 2026-08-22; today by default.")] = None,
    format: Output = "table",
) -> None:
    """The rules in force on a day, with article, figure, dates and source; "à vérifier" where no source was read.

    \b
    matcher law clause
    matcher law formal --on 2025-06-30 --format csv

    The table is data/assumptions/law.csv; a file of that name in MATCHER_HOME/assumptions takes precedence.
    """
    on = on or date.today()
    held = [rule for rule in law.rules(on) if rule.code.startswith(beginning)]
    if not held:
        none = f"aucune règle en vigueur le {on:%d/%m/%Y} n'a un code qui commence par {beginning}"
        raise NoValidRecords(f"{none} : `matcher law` les montre toutes")
    columns = "code, article, règle=text, valeur=value, depuis=since"
    rows = (
        codec.flat(rule, columns)
        | {"jusqu'au": rule.until.isoformat() if rule.until else ""}
        | {"texte": "lu" if rule.verified else "à vérifier", "source": rule.source}
        for rule in held
    )
    emit(rows, format)
