"""`matcher partners`: partners for a structure on a notice."""

from collections.abc import Iterator
from typing import Annotated, Any

from typer import Argument, Option

from matcher import codec
from matcher.commands import _options as options
from matcher.commands._options import CATALOGUE, Folder, NoFirms, Output, Which
from matcher.domain import BadInput, NotFound
from matcher.matching.groups.consortium import task_label
from matcher.partners import partners
from matcher.partners.partners import Partner, Partners
from matcher.reading import gather
from matcher.reading.need import placed_need
from matcher.reference.text import shorten

WIDE = 180  # characters of a line
NO_CLAUSE = (
    "{} est un avis d'attribution sans clause sociale lue, ou remporté par des structures : "
    "personne à solliciter en sous-traitance"
)
TITLES = {
    "partners": "Structures :",
    "firms": "Entreprises ordinaires à portée :",
    "subcontracting": "En sous-traitance :",
}
FIRST = {"partners": 5, "firms": 3, "subcontracting": 1}  # lines of each list, unless in detail


def run(
    siret: Annotated[str, Argument(help="The structure that looks for partners, by SIRET, SIREN or name.")],
    notice: Annotated[str, Argument(help="A notice: its file, or the id of one that was indexed.")] = "",
    need: Annotated[str, Option(help="A need in your own words instead of a notice.")] = "",
    place: Annotated[str, Option(help="Where the need is, unless its words say.")] = "",
    id: Which = None,
    lot: Annotated[str | None, Option(help="One lot only, by number or id.")] = None,
    n: Annotated[int, Option("-n", min=1, max=200, help="How many partners.")] = 10,
    no_firms: NoFirms = False,
    detail: Annotated[bool, Option("--detail", help="All partners, with contacts and rules of law.")] = False,
    catalogue: Folder = CATALOGUE,
    format: Output = "table",
) -> None:
    """Name partners by what they add: a part that is lacking, else capacity; then ordinary firms in reach.

    Then, for subcontracting, the firms that could be asked for a share of a lot's hours; for an award notice, its winners.

    \b
    matcher partners 00010054500011 26-130610
    matcher partners 00010001600013 --need "tonte et nettoyage de bureaux" --place Pantin
    matcher partners 12345678900011 notice.xml --detail
    matcher partners 12345678900011 notice.xml --lot 2 -n 5 --format jsonl
    matcher partners 12345678900011 award-notice.xml       subcontractors for the hours owed by the winner
    """
    if bool(notice) == bool(need):
        raise BadInput('give a notice, or --need "what is to be done"')
    if need:
        tender = placed_need(need, place, whole=lot is None)
    else:
        tender = options.one_notice(notice, id, catalogue, awarded=True)
    matcher = options.loaded(catalogue)
    structure = options.named_structure(matcher, siret)
    earlier = gather.load_notices(catalogue)
    answer = partners.partners(matcher, structure, tender, lot, n, ordinary=not no_firms, earlier=earlier)
    everyone = (*answer.partners, *answer.firms, *answer.subcontracting)
    if not everyone and not answer.ask and (tender.awards or answer.barred or answer.lacking):
        why = " ; ".join(dict.fromkeys((*answer.barred.values(), *answer.nobody)))
        none = f"aucun partenaire trouvé pour {structure.name} sur {answer.tender.id}{why and f' : {why}'}"
        raise NotFound(NO_CLAUSE.format(answer.tender.id) if answer.tender.awards else none)
    options.emit_values([answer], format, lambda _: map(_row, everyone), lambda: _lines(answer, detail))


def _lines(found: Partners, detail: bool) -> Iterator[str]:
    """An answer of at most 20 lines, each of one partner or fact; with `detail` all of them, with contacts and rules."""
    yield f"{found.structure.name} sur {found.tender.id} « {shorten(found.tender.title, 90)} »"
    missing = [task for task in found.lacking if task not in found.perhaps]
    unsure = "peut-être à vous, rien ne dit que vous le faites (si oui, complétez votre fiche)"
    for title, tasks in (("vous couvrez", found.alone), (unsure, found.perhaps), ("il manque", missing)):
        if tasks:
            yield shorten(f"  {title} : {' ; '.join(task_label(found.tender, t) for t in tasks)}", WIDE)
    barred, nobody = (" ; ".join(dict.fromkeys(why)) for why in (found.barred.values(), found.nobody))
    asking = {one.siren: options.called(one) for who in found.ask.values() for one in who}
    to_ask = f"à interroger, rien ne dit leur métier : {', '.join(asking.values())}" if asking else ""
    for why in filter(None, (found.outside, barred, nobody, to_ask, found.size)):
        yield shorten(f"  {why}", WIDE)
    if not found.lacking and not found.size and found.alone:
        yield "  rien ne manque : vous pouvez répondre seule"
    for name, title in TITLES.items():
        held: tuple[Partner, ...] = getattr(found, name)
        shown = held if detail else held[: FIRST[name]]
        if held:
            yield f"{title}{f' ({len(shown)} sur {len(held)}, --detail pour les autres)' if len(shown) < len(held) else ''}"
        for partner in shown:
            line = f"  {options.called(partner.structure, partner.distance_km)} : {' ; '.join(partner.adds)}"
            yield line if detail else shorten(line, WIDE)
            if detail:
                yield f"      contact : {partner.structure.contact or 'à chercher'}"
                if partner.past:
                    yield f"      par le passé : {' ; '.join(partner.past)}"
                yield from (f"      ! {w.text} ({w.article})" for w in partner.warnings)


def _row(partner: Partner) -> dict[str, Any]:
    words = {"complement": "complément", "reinforcement": "renfort", "subcontracting": "sous-traitance"}
    where = (
        "siret=structure.siret, nom=structure.name, type=structure.kind_label, commune=structure.place.label"
    )
    row = {"apport": words[partner.kind], **codec.flat(partner, f"{where}, km=distance_km")}
    row |= {"score": round(partner.score, 3), **codec.flat(partner, "pourquoi=adds, par le passé=past")}
    to_check = " ; ".join(w.text for w in partner.warnings)
    return row | {"contact": partner.structure.contact or "à chercher", "à vérifier": to_check}
