"""`matcher relaunch`: what to do about a reserved lot that got no answer."""

from collections.abc import Iterator
from typing import Annotated

from typer import Option

from matcher import codec
from matcher.commands import _options as options
from matcher.commands._options import CATALOGUE, Folder, NoticeOf, Output, Which, called
from matcher.matching.groups.table import lot_label
from matcher.partners.relaunch import MEMBERS, Relaunch, relaunch


def run(
    notice: NoticeOf,
    id: Which = None,
    lot: Annotated[str | None, Option(help="One lot, by number or id; by default the reserved ones.")] = None,
    n: Annotated[int, Option("-n", min=1, max=50, help="Structures to call, and to ask.")] = 8,
    catalogue: Folder = CATALOGUE,
    format: Output = "table",
) -> None:
    """A reserved lot without an offer (infructueux): whom to call, groups of up to four, what to change in the lot.

    \b
    matcher relaunch 26-130101
    matcher relaunch notice.xml --lot 2
    """
    found = relaunch(options.loaded(catalogue), options.one_notice(notice, id, catalogue), lot, n)
    options.emit_values(found, format, codec.to_json, lambda: (line for one in found for line in _lines(one)))


def _lines(one: Relaunch) -> Iterator[str]:
    yield lot_label(one.lot)
    lists = {
        "à appeler": [
            f"{called(match.structure, match.distance_km)}, {match.structure.phone or 'téléphone à chercher'}"
            for match in one.call
        ],
        "à vérifier": [called(match.structure, match.distance_km) for match in one.check],
        "à interroger": [called(structure) for structure in one.ask],
        f"groupements de {MEMBERS} au plus": [
            f"{' + '.join(called(m.structure) for m in team.members)} ({team.score:.0%} du lot)"
            for team in one.teams
        ],
        "à changer dans le lot": one.changes,
    }
    for title, lines in lists.items():
        yield f"  {title} :{'' if lines else ' néant'}"
        yield from (f"    {line}" for line in lines)
