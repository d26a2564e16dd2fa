"""`matcher renewals`: contracts that end soon, by trade, place and buyer, with their holders as published."""

from datetime import date
from typing import Annotated, Any

from typer import Argument, Option

from matcher import codec
from matcher.commands import _options as options
from matcher.console import say
from matcher.domain import NoValidRecords
from matcher.matching import renewals
from matcher.reading import gather
from matcher.reference.french import counted
from matcher.territory import areas


def run(
    files: Annotated[options.Files, Argument(help="DECP, award notices; default: those indexed.")] = None,
    siret: Annotated[str, Option(help="Only those a structure (SIRET or name) would be called for.")] = "",
    buyer: Annotated[str, Option(help="Only of this buyer: SIRET, SIREN or words of its name.")] = "",
    region: options.Region = "",
    department: options.Departments = None,
    cpv: Annotated[options.Words, Option(help="Only of this CPV prefix; repeatable.")] = None,
    after: Annotated[float, Option(min=0, help="Ends in this many months or later.")] = 3,
    before: Annotated[float, Option(min=0, help="Ends in this many months or sooner.")] = 18,
    on: options.ReferenceDay = None,
    catalogue: options.Folder = options.CATALOGUE,
    format: options.Output = "table",
) -> None:
    """Contracts that end in 3 to 18 months: for a buyer a reminder to source, for a structure time to form a group.

    \b
    matcher renewals data/sample --format csv
    matcher renewals --siret 00010001600013 --department 93
    """
    awards = gather.gather(files).awards if files else gather.load_contracts(catalogue)
    ending = renewals.renewals(
        awards,
        on or date.today(),
        soonest=after,
        latest=before,
        buyer=buyer,
        departments=areas.codes_within(region, department),
        cpv=tuple(cpv or ()),
    )
    if siret:
        matcher = options.loaded(catalogue)
        structure = options.named_structure(matcher, siret)
        ending = renewals.of_structure(matcher, structure, ending)
    if not ending:
        raise NoValidRecords(
            f"no contract ends in {after:g} to {before:g} months, of {len(awards)} awards: give DECP or award notices "
            "that publish a duration and a notification date"
        )
    say(f"{counted(len(ending), 'contrat')}, parmi {counted(len(awards), 'attribution')}. {renewals.NOTE}")
    options.emit_values(ending, format, _row)


def _row(one: Any) -> dict[str, Any]:
    holders = " ; ".join(f"{h.name} ({h.id})" if h.name else h.id for h in one.holders)
    row = {**codec.flat(one, "fin=ends, objet=title"), "acheteur": one.buyer.name or one.buyer.id}
    row |= {"lieu": one.place.label or one.place.department, **codec.flat(one, "cpv, montant=amount")}
    return row | {"titulaire": holders, **codec.flat(one, "notifié=notified, mois=months, source")}
