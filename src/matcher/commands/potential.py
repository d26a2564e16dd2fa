"""`matcher potential`: market potential of a need before a tender, and the buyer's options."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher.commands._options import (
    DEFAULT_CATALOGUE,
    CatalogueFolder,
    OutputFormat,
    day,
    emit_values,
    gathered,
    open_store,
    write,
)
from matcher.console import emit, say
from matcher.domain import CALLS, BadInput, NoValidRecords


def run(
    notices: Annotated[list[Path] | None, Argument(help="Notices in any known format.")] = None,
    need: Annotated[str | None, Option(help="A need in your own words instead.")] = None,
    place: Annotated[str, Option(help="Where: commune, postcode or department.")] = "",
    amount: Annotated[float | None, Option(help="Of the whole need, euros before tax.")] = None,
    like_needs: Annotated[float | None, Option(help="Other needs of the kind, euros before tax.")] = None,
    months: Annotated[float | None, Option(help="Duration in months, for a need in words.")] = None,
    works: Annotated[
        bool | None, Option("--works/--no-works", help="Is it works? By default the CPV or the trade tells.")
    ] = None,
    buyer: Annotated[str, Option(help="state, local or entity: whose thresholds.")] = "local",
    defence: Annotated[bool, Option("--defence", help="A defence or security contract.")] = False,
    public_service: Annotated[
        bool | None,
        Option("--public-service/--no-public-service", help="Does it carry a public-service mission?"),
    ] = None,
    rate: Annotated[
        float | None, Option(help="Direct employment rate of disabled workers in %, for the OETH effect.")
    ] = None,
    contribution: Annotated[float | None, Option(help="Gross OETH contribution of the year, euros.")] = None,
    on: Annotated[
        date | None, Option(parser=day, help="Date of the rules to apply (AAAA-MM-JJ); today by default.")
    ] = None,
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    programme: Annotated[
        Path | None, Option(help="A programme of purchases instead: CSV or XLSX, one a line.")
    ] = None,
    html: Annotated[Path | None, Option(help="Write the whole page here, printable.")] = None,
    xlsx: Annotated[Path | None, Option(help="Write the workbook of the programme here.")] = None,
    format: OutputFormat = "table",
) -> None:
    """For each lot: who is eligible, who is in reach, its share of their turnover, and advice with its reasons.

    \b
    matcher potential --need "entretien des espaces verts" --place Nanterre --amount 45000 --like-needs 0
    matcher potential draft.xml --html potentiel.html
    matcher potential --programme achats-2027.xlsx --xlsx potentiel.xlsx
    """
    from typing import cast

    from matcher.matching.engine import Matcher
    from matcher.reference import law
    from matcher.territory import exports
    from matcher.territory import potential as desk
    from matcher.territory import programme as programmes
    from matcher.territory.areas import somewhere
    from matcher.territory.counts import Desk, need_of

    on = on or date.today()
    if buyer not in ("state", "local", "entity"):
        raise BadInput(f"--buyer {buyer!r} : choisissez state, local ou entity")
    if not notices and need is None and programme is None:
        raise BadInput('aucun besoin : donnez un fichier, ou --need "ce qu\'il y a à faire"')
    given = desk.Given(
        amount=amount,
        like_needs=like_needs,
        works=works,
        buyer=cast(law.BuyerType, buyer),
        defence=defence,
        public_service=public_service,
        rate=None if rate is None else rate / 100,
        contribution=contribution,
    )
    if programme is not None:
        opened = Desk(Matcher.load(catalogue), open_store(), on)
        studied = programmes.study(opened, programme.read_bytes(), programme.name, given)
        if xlsx:
            write(xlsx, studied.workbook())
        short = ({k: row[k] for k in programmes.SHORT} for row in studied.rows())
        emit(short if format == "table" else studied.rows(), format)
        if format == "table":
            emit(studied.totals(), format)
        for bad in studied.rejected:
            say(f"écarté, {bad.record} : {bad.reason}")
        return
    tenders = []
    if notices:
        tenders = [t for t in gathered(notices).tenders if t.nature in CALLS]
    if need is not None:
        tenders.append(need_of(need, somewhere(place) if place else None, months))
    if not tenders:
        raise NoValidRecords(
            "aucun besoin à étudier dans ces fichiers : `matcher read` montre ce qu'ils contiennent"
        )
    opened = Desk(Matcher.load(catalogue), open_store(), on)
    made = [desk.potential(opened, tender, given) for tender in tenders]
    if html:
        shown = {"title": "Potentiel d'un besoin", "found": made, "order": desk.ORDER}
        write(html, exports.page("potential", **shown, sources=made[0].sources, on=on))
    emit_values(made, format, desk.rows, lambda: (line for one in made for line in desk.sentences(one)))
