"""`matcher leads`: lots with hours of insertion, the firms that owe them, and suitable structures."""

from typing import Annotated, Any

from typer import Argument, Option

from matcher import codec
from matcher.commands import _options as options
from matcher.console import say
from matcher.domain import NoValidRecords
from matcher.partners import subcontracting
from matcher.partners.subcontracting import Opening
from matcher.reading import gather
from matcher.territory import areas


def run(
    files: Annotated[options.Files, Argument(help="Notices, DECP; by default the indexed notices.")] = None,
    region: options.Region = "",
    department: options.Departments = None,
    awarded: Annotated[bool, Option("--awarded", help="Only awarded lots: a firm to call.")] = False,
    n: Annotated[int, Option("-n", min=1, max=50, help="Structures listed for each lot.")] = 5,
    most: Annotated[int, Option(min=1, help="Maximum number of lots, by decreasing hours.")] = 50,
    catalogue: options.Folder = options.CATALOGUE,
    format: options.Output = "table",
) -> None:
    """For awards and large lots with insertion hours: the firms that owe them, and structures that could carry them.

    \b
    matcher leads data/sample --department 93
    matcher leads --awarded --format csv > a-appeler.csv
    """
    matcher = options.loaded(catalogue)
    indexed = gather.load_notices(catalogue)
    tenders, awards = indexed, []
    if files:
        found = options.gathered(files)
        tenders = found.tenders
        inside = {award.uid for tender in tenders for award in tender.awards}
        awards = [award for award in found.awards if award.uid not in inside]
    if awarded:
        tenders = [t for t in tenders if t.awards]
    if within := {*areas.codes_within(region, department)}:
        own = {t.id: [t.buyer.place, *(p for lot in t.lots for p in lot.places)] for t in tenders}
        tenders = [t for t in tenders if any(p.department in within for p in own[t.id])]
        awards = [a for a in awards if {a.place.department, a.buyer.place.department} & within]
    opened = subcontracting.openings(matcher, tenders, awards, earlier=[*indexed, *tenders], n=n)
    if not opened:
        raise NoValidRecords(
            "aucun lot avec une clause sociale d'exécution confié ou ouvert à des entreprises ordinaires : "
            "donnez des avis d'attribution, leurs avis d'appel, ou des DECP avec leurs considérations sociales"
        )
    if len(opened) > most:
        say(f"{len(opened)} lots, les {most} premiers sont montrés : --most en montre plus")
    shown = opened[:most]
    options.emit_values(shown, format, _row)
    for warning in shown[0].warnings:
        since = f", depuis le {warning.since:%d/%m/%Y}" if warning.since else ""
        say(f"règle : {warning.text} ({warning.article}{since})")


def _row(one: Opening) -> dict[str, Any]:
    asked = (
        f"{s.known_as} ({s.kind}, {s.place.label}) {subcontracting.way(s, one.lot)}"
        for s in (match.structure for match in one.carriers)
    )
    firms = (f"{firm.name} ({firm.siret})" for firm in one.firms)
    return {
        "état": "attribué" if one.state == "awarded" else "ouvert",
        **codec.flat(one, "avis=notice, lot=lot.number"),
        "intitulé": one.lot.title or one.title,
        **codec.flat(one, "acheteur=buyer.name, date=on, heures=hours"),
        "titulaire à appeler, ou entreprises du métier": " ; ".join(firms),
        "structures à solliciter": " ; ".join(asked),
        **codec.flat(one, "ce que dit l'avis=passage, comment=case"),
    }
