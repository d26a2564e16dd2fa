"""`matcher potential`: market potential of a need before a tender, and the buyer's options."""

from datetime import date
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher.commands import _options as options
from matcher.commands._options import CATALOGUE, Files, Folder, Html, Output, ReferenceDay, Xlsx
from matcher.console import emit
from matcher.domain import CALLS, BadInput, NoValidRecords
from matcher.reference import law
from matcher.territory import exports
from matcher.territory import potential as desk
from matcher.territory import programme as programmes
from matcher.territory.areas import place_of
from matcher.territory.counts import need_of
from matcher.territory.potential import Given


def run(
    notices: Annotated[Files, Argument(help="Notices in any known format.")] = None,
    need: Annotated[str | None, Option(help="A need in your own words instead.")] = None,
    place: Annotated[str, Option(help="Where: commune, postcode or department.")] = "",
    amount: Annotated[float | None, Option(help="Of the whole need, euros before tax.")] = None,
    like_needs: Annotated[float | None, Option(help="Other needs of the kind, euros before tax.")] = None,
    months: Annotated[float | None, Option(help="Duration in months, for a need in words.")] = None,
    works: Annotated[
        bool | None, Option("--works/--no-works", help="By default the CPV or the trade tells.")
    ] = None,
    buyer: Annotated[law.BuyerType, Option(help="Whose thresholds.")] = "local",
    defence: Annotated[bool, Option("--defence", help="A defence or security contract.")] = False,
    public_service: Annotated[
        bool | None, Option("--public-service/--no-public-service", help="A public service?")
    ] = None,
    rate: Annotated[float | None, Option(help="Direct employment rate in %, for OETH.")] = None,
    contribution: Annotated[float | None, Option(help="Gross OETH contribution of the year, euros.")] = None,
    on: ReferenceDay = None,
    catalogue: Folder = CATALOGUE,
    programme: Annotated[Path | None, Option(help="A programme of purchases instead: CSV or XLSX.")] = None,
    html: Html = None,
    xlsx: Xlsx = None,
    format: Output = "table",
) -> None:
    """For each lot: who is eligible, who is in reach, its share of their turnover, and advice with its reasons.

    \b
    matcher potential --need "entretien des espaces verts" --place Nanterre --amount 45000 --like-needs 0
    matcher potential draft.xml --html potentiel.html
    matcher potential --programme achats-2027.xlsx --xlsx potentiel.xlsx
    """
    on = on or date.today()
    if not notices and need is None and programme is None:
        raise BadInput('aucun besoin : donnez un fichier, ou --need "ce qu\'il y a à faire"')
    percent = None if rate is None else rate / 100
    given = Given(
        amount=amount,
        like_needs=like_needs,
        works=works,
        buyer=buyer,
        defence=defence,
        public_service=public_service,
        rate=percent,
        contribution=contribution,
    )
    if programme is not None:
        studied = programmes.study(options.desk(catalogue, on), programme.read_bytes(), programme.name, given)
        if xlsx:
            options.write(xlsx, studied.workbook())
        short = ({k: row[k] for k in programmes.SHORT} for row in studied.rows())
        emit(short if format == "table" else studied.rows(), format)
        if format == "table":
            emit(studied.totals(), format)
        options.rejects(studied.rejected)
        return
    tenders = []
    if notices:
        tenders = [t for t in options.gathered(notices).tenders if t.nature in CALLS]
    if need is not None:
        tenders.append(need_of(need, place_of(place), months))
    if not tenders:
        raise NoValidRecords("aucun besoin à étudier dans ces fichiers : voyez `matcher read`")
    opened = options.desk(catalogue, on)
    made = [desk.potential(opened, tender, given) for tender in tenders]
    if html:
        shown = {"title": "Potentiel d'un besoin", "found": made, "order": desk.ORDER}
        options.write(html, exports.page("potential", **shown, sources=made[0].sources, on=on))
    options.emit_values(made, format, desk.rows, lambda: map(desk.text, made))
