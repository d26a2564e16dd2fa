"""`matcher map`: supply, needs and blank zones of a territory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder, OutputFormat


def run(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Notices and awards in addition to those of the catalogue.")
    ] = None,
    region: Annotated[str, typer.Option(help="A region, by name or code: its departments.")] = "",
    department: Annotated[list[str] | None, typer.Option(help="A department; repeatable.")] = None,
    commune: Annotated[str, typer.Option(help="A commune instead, with --radius.")] = "",
    radius: Annotated[float, typer.Option(help="Kilometres around the commune.")] = 20.0,
    trade: Annotated[
        list[str] | None, typer.Option(help="Only this trade (nettoyage, espaces-verts ...); repeatable.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only structures of this kind; repeatable.")] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, help="Structures wanted for a lot (3 unless desk.csv says else)."),
    ] = None,
    measure: Annotated[
        str, typer.Option(help="What the map shows: short, lots, structures or share.")
    ] = "share",
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    svg: Annotated[Path | None, typer.Option(help="Write the map here.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the whole page here, printable.")] = None,
    blank: Annotated[bool, typer.Option("--blank", help="Only the trades with too few structures.")] = False,
    format: OutputFormat = "table",
) -> None:
    """Capable structures, published lots, and lots with too few structures, by zone and trade.

    \b
    matcher map --region "Île-de-France" --svg carte.svg --html carte.html
    matcher map --department 93 --blank
    matcher map --commune Nanterre --radius 15 --trade nettoyage --format csv > carte.csv
    """
    from matcher.catalogue.files import load_catalogue
    from matcher.console import check_format, emit, say
    from matcher.reading import gather
    from matcher.records import store
    from matcher.reference import places
    from matcher.territory import choropleth, coverage, exports, facilitators
    from matcher.territory.supply import Supply

    check_format(format)
    opened = load_catalogue(catalogue)
    areas: list[coverage.Area] = list(coverage.region(region)) if region else []
    areas += [coverage.department(code) for code in department or ()]
    if commune:
        areas.append(coverage.circle(commune, radius))
    if not areas:
        homes = {str(code) for code in opened.of_structure("department")[opened.of_structure("kind") != ""]}
        areas = [coverage.department(d.code) for d in places.departments() if d.code in homes]
    supply = Supply(opened, store.Store.open())
    lots = coverage.wanted_of(opened, gather.load_notices(catalogue), coverage.around(areas))
    if files:
        found = gather.gather(files)
        for sentence in found.summary():
            say(sentence)
        known = {lot.id for lot in lots}
        lots += [lot for lot in coverage.wanted(found.tenders, found.awards) if lot.id not in known]
    made = coverage.cover(supply, lots, areas, trades=tuple(trade or ()), kinds=tuple(kind or ()), n=n)
    title = f"{coverage.MEASURES.get(measure, measure).capitalize()}, {region or ', '.join(a.label for a in areas[:4])}"
    values = made.values(measure)
    drawable = {code: value for code, value in values.items() if places.department(code)}
    if svg or html:
        drawing = (
            choropleth.svg(
                drawable,
                title=title,
                unit=coverage.MEASURES[measure],
                source=made.sources[0],
                departments=tuple(drawable),
            )
            if drawable
            else ""
        )
        if svg:
            exports.write(svg, drawing)
            say(f"{svg} écrit")
        if html:
            cells = [c for c in made.cells if c.state in ("blanche", "fragile")]
            cells.sort(key=lambda c: (-c.short, c.area.code))
            exports.write(
                html,
                exports.page(
                    "map",
                    title=title,
                    drawing=drawing,
                    coverage=made,
                    cells=cells,
                    sources=made.sources,
                    on=made.on,
                ),
            )
            say(f"{html} écrit")
    rows = [
        row
        for row, cell in zip(made.rows(), made.cells, strict=True)
        if (cell.short if blank else cell.lots or cell.here or format != "table")
    ]
    if format == "table":
        narrow = (
            "zone",
            "métier",
            "état",
            "structures de la zone",
            "structures à appeler",
            "structures à vérifier",
            "lots publiés (avis)",
            "marchés attribués",
            f"lots avec moins de {made.n} structures",
        )
        emit(
            [
                {
                    **{k: row[k] for k in narrow},
                    **({"plus proches": row["plus proches avec le métier"]} if blank else {}),
                }
                for row in rows
            ],
            "table",
        )
    else:
        emit(rows, format)
    for sentence in dict.fromkeys(facilitators.of_areas(area.place for area in areas)):
        say(sentence)
    for source in made.sources:
        say(f"source : {source}")
    say(made.left_out)
