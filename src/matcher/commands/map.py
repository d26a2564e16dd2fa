"""`matcher map`: supply, needs and gaps of a territory."""

from typing import Annotated

from typer import Argument, Option

from matcher.commands import _options as options
from matcher.commands._options import CATALOGUE, Files, Folder, Output, Words
from matcher.console import emit, say
from matcher.domain import BadInput, kinds_named
from matcher.reading import gather
from matcher.reference import places
from matcher.territory import areas, choropleth, coverage
from matcher.territory.counts import Desk


def run(
    files: Annotated[Files, Argument(help="Further notices and awards.")] = None,
    region: options.Region = "",
    department: options.Departments = None,
    commune: Annotated[str, Option(help="A commune instead, with --radius.")] = "",
    radius: Annotated[float, Option(help="Kilometres around the commune.")] = 20.0,
    by: Annotated[str, Option(help="Divide by departement, epci or commune.")] = "departement",
    trade: Annotated[str, Option(help="Only this trade (nettoyage ...); by default those needed.")] = "",
    kind: Annotated[Words, Option(help="Only structures of this kind; repeatable.")] = None,
    n: Annotated[int | None, Option("-n", min=1, help="Structures wanted for a lot (see desk.csv).")] = None,
    measure: Annotated[str, Option(help="gap, needs, state; of a trade likely, plausible, to_ask.")] = "gap",
    catalogue: Folder = CATALOGUE,
    out: Annotated[Files, Option(help="Write a .svg, .png, .html, .xlsx or .geojson.")] = None,
    blank: Annotated[bool, Option("--blank", help="Only the trades with too few structures.")] = False,
    format: Output = "table",
) -> None:
    """Whom the list of each trade in each zone calls, the needs published there, and those that nobody answers.

    \b
    matcher map --region "Île-de-France" --out carte.svg --out carte.html
    matcher map --department 93 --by commune --trade nettoyage --measure likely --out carte.png
    matcher map --commune Nanterre --radius 15 --trade nettoyage --format csv > carte.csv
    """
    unknown = [path for path in out or () if path.suffix[1:] not in choropleth.SHAPES]
    if unknown:
        raise BadInput(f"{unknown[0]} : finissez le nom par {', '.join(choropleth.SHAPES)}")
    matcher = options.loaded(catalogue)
    wholes = areas.within(region, department)
    if not wholes and not commune:
        kinds = matcher.catalogue.of_structure("kind") != ""
        homes = set(map(str, matcher.catalogue.of_structure("department")[kinds]))
        wholes = areas.within(departments=[d.code for d in places.departments() if d.code in homes])
    chosen = areas.divided(wholes, by) if wholes else ()
    chosen += (areas.circle(commune, radius),) if commune else ()
    notices = gather.load_notices(catalogue)
    needs = coverage.in_catalogue(matcher.catalogue, notices, areas.departments_of(chosen))
    if files:
        found = options.gathered(files)
        known = {need.id for need in needs}
        needs += [one for one in coverage.needs_of(found.tenders, found.awards) if one.id not in known]
    opened = Desk(matcher, options.open_store())
    made = coverage.cover(opened, needs, chosen, trade=trade, kinds=kinds_named(kind or ()), n=n)
    for path in out or ():
        options.write(path, choropleth.map_as(path.suffix[1:], made, measure))
    pairs = zip(made.rows(), made.cells, strict=True)
    rows = [row for row, cell in pairs if not blank or cell.state in coverage.LACKING]
    emit([{k: row[k] for k in list(row)[1:7]} for row in rows] if format == "table" else rows, format)
    say(made.facilitator, *(f"source : {source}" for source in made.sources), made.left_out)
