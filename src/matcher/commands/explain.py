"""`matcher explain`: why a structure is ranked where it is on a notice, or why it is not."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher import codec
from matcher.commands._options import CATALOGUE, Folder, Output, loaded, named_structure
from matcher.console import emit, say
from matcher.domain import BadInput
from matcher.reading import gather
from matcher.reading.need import placed_need


def run(
    siret: Annotated[str, Argument(help="The structure: SIRET, SIREN or name.")],
    notice: Annotated[
        str | None, Argument(help="A notice: its file, or the id of one that was indexed.")
    ] = None,
    lot: Annotated[str | None, Argument(help="One lot only, by number.")] = None,
    need: Annotated[str | None, Option(help="A need in your own words instead of a notice.")] = None,
    place: Annotated[str, Option(help="Where the need is, as for `matcher match`.")] = "",
    catalogue: Folder = CATALOGUE,
    format: Output = "table",
) -> None:
    """Say why a structure is, or is not, among those proposed for a notice or a need.

    \b
    matcher explain 00010001600013 26-130101
    matcher explain 00010001600013 notice.xml 2
    matcher explain 00010001600013 --need "tonte de pelouses" --place Pantin
    """
    if (notice is None) == (need is None):
        raise BadInput('give a notice, or --need "what is to be done"')
    matcher = loaded(catalogue)
    siret = named_structure(matcher, siret).siret
    if notice is None:
        tenders = [placed_need(need or "", place)]
    elif Path(notice).is_file():
        tenders = gather.gather([Path(notice)]).tenders
    else:
        tenders = [gather.notice(gather.load_notices(catalogue), notice)]
    for tender in tenders:
        found = matcher.why(siret, tender, lot)
        if format == "jsonl":
            emit((codec.to_json(explanation) for explanation in found), "jsonl")
            continue
        for explanation in found:
            say(f"{tender.id}, lot {explanation.lot.number} ({explanation.lot.title}) : {explanation.text}")
            if explanation.match is not None:
                reasons = explanation.match.reasons
                rows = (
                    {"signal": r.code, "contribution": round(r.contribution, 3), "raison": r.text}
                    for r in reasons
                )
                emit(rows, format)
