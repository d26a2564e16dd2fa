"""A map of areas as SVG or PNG: departments from shipped outlines, groupings and communes as discs, towns as ground.

No outside host; readable without colours: every area has its figure, a caption and a place in the legend.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matcher import plugins
from matcher.console import csv_text
from matcher.reference.french import grouped
from matcher.reference.text import shorten
from matcher.spreadsheet import XLSX
from matcher.territory import exports
from matcher.territory.coverage import MEASURES, Coverage
from matcher.territory.outlines import CREDIT, HEIGHT, WIDTH, outlines, point, rings, towns

#: Class of the style sheet -> its colour in a file, and the ink upon it.  The numbers are ColorBrewer "YlGnBu".
SHADES: Mapping[str, tuple[str, str]] = {
    "s0": ("#ffffcc", "#1a1a1a"),
    "s1": ("#a1dab4", "#1a1a1a"),
    "s2": ("#41b6c4", "#1a1a1a"),
    "s3": ("#2c7fb8", "#ffffff"),
    "s4": ("#253494", "#ffffff"),
    "blanche": ("#b2182b", "#ffffff"),
    "interroger": ("#8073ac", "#ffffff"),
    "verifier": ("#fdb863", "#1a1a1a"),
    "fragile": ("#fee0b6", "#1a1a1a"),
    "couverte": ("#a6dba0", "#1a1a1a"),
    "unknown": ("#e4e7ea", "#1a1a1a"),
}
#: State of a cell -> its class and what it means.
STATES: Mapping[str, tuple[str, str]] = {
    "blanche": ("blanche", "blanche : personne à appeler, à vérifier ni à interroger"),
    "à interroger": ("interroger", "à interroger : seules des structures de métier inconnu"),
    "à vérifier": ("verifier", "à vérifier : personne à appeler"),
    "fragile": ("fragile", "fragile : moins de {n} structures à appeler"),
    "couverte": ("couverte", "couverte : {n} structures à appeler ou plus"),
    "sans besoin publié": ("unknown", "aucun besoin publié : on ne sait pas"),
}
SIZE = 480.0  # units of the longer side of the ground; letters are legible on a phone
SMALL = 30.0  # an area narrower than that is drawn again, enlarged
MOST = 20  # lines of the page that is printed: one of A4
HEAD = 34.0  # of the title


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An area of the map: its figure as shown, its class, and where a visitor who chooses it goes."""

    code: str
    label: str
    figure: str
    shade: str
    spot: tuple[float, float] | None  # of a disc; None for a department
    link: str = ""

    @property
    def caption(self) -> str:
        return f"{self.label} ({self.code}) : {self.figure}"

    @property
    def told(self) -> str:
        """What is written upon it: the code of a department, and the figure unless its colour alone tells the state."""
        figure = self.figure if self.shade[1:].isdigit() or self.figure == "?" else ""
        return figure if self.spot else f"{self.code} {figure}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a map shows, ready to be drawn: areas, legend (class, words), source."""

    title: str
    marks: tuple[Mark, ...]
    legend: tuple[tuple[str, str], ...]
    source: str


def picture(made: Coverage, measure: str, links: Mapping[str, str] | None = None) -> Picture:
    """The picture of a measure; "state" shows the states of one trade.  Raises BadInput as `Coverage.values`."""
    states = {cell.area.code: cell.state for cell in made.cells} if measure == "state" and made.trade else {}
    values = {} if states else made.values(measure)
    bounds = breaks([value for value in values.values() if value is not None])
    marks = []
    for area in made.areas:
        value = values.get(area.code)
        known_shade = "unknown" if value is None else f"s{level(value, bounds)}"
        shade = STATES[states[area.code]][0] if states else known_shade
        figure = states[area.code] if states else "?" if value is None else _figure(value)
        spot = None if area.whole_department else point(*area.centre) if area.centre else None
        link = (links or {}).get(area.code, "")
        marks.append(Mark(code=area.code, label=area.label, figure=figure, shade=shade, spot=spot, link=link))
    used = {mark.shade for mark in marks}
    named = [(shade, words.format(n=made.n)) for shade, words in STATES.values() if shade in used]
    legend = named if states else _scale(bounds)
    if not states and "unknown" in used:
        legend.append(("unknown", "aucun besoin publié : on ne sait pas"))
    trade = f", {made.cells[0].label}" if made.trade and made.cells else ""
    what = "État" if states else MEASURES[measure].capitalize()
    return Picture(title=f"{what}{trade}", marks=tuple(marks), legend=tuple(legend), source=made.sources[0])


def breaks(values: Sequence[float]) -> tuple[float, ...]:
    """Upper bounds of five classes, by quantiles of the values; the last is the highest; those shown alike are one."""
    known = sorted({_figure(v): v for v in sorted(values)}.values())
    if len(known) <= 5:
        return tuple(known) or (0.0,)
    return tuple(sorted({known[round((i + 1) * len(known) / 5) - 1] for i in range(5)}))


def level(value: float, bounds: Sequence[float]) -> int:
    """The class of a value, spread over the five shades."""
    at = next((i for i, bound in enumerate(bounds) if value <= bound), len(bounds) - 1)
    return round(at * 4 / max(len(bounds) - 1, 1))


def _figure(value: float) -> str:
    return grouped(value) if value >= 10 or value == int(value) else grouped(value, 1)


def _scale(bounds: Sequence[float]) -> list[tuple[str, str]]:
    found = []
    for low, high in zip((None, *bounds[:-1]), bounds, strict=True):
        exact = (low is None and (len(bounds) == 1 or high == 0)) or (low is not None and high - low == 1)
        least = f"plus de {_figure(low)}, " if low is not None else ""
        words = _figure(high) if exact else f"{least}jusqu'à {_figure(high)}"
        found.append((f"s{level(high, bounds)}", words))
    return found


@dataclass(frozen=True, slots=True)
class _Ground:
    """The part of the drawing of the country that is shown, and its scale."""

    left: float
    top: float
    width: float
    height: float

    @property
    def scale(self) -> float:
        return SIZE / max(self.width, self.height)

    @property
    def window(self) -> str:
        return f"{self.left:.1f} {self.top:.1f} {self.width:.1f} {self.height:.1f}"

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) * self.scale, (y - self.top) * self.scale + HEAD


def _ground(marks: Sequence[Mark]) -> _Ground:
    shapes = [outlines()[mark.code] for mark in marks if mark.code in outlines()]
    xs = [x for s in shapes for x in (s.left, s.right)] + [mark.spot[0] for mark in marks if mark.spot]
    ys = [y for s in shapes for y in (s.top, s.bottom)] + [mark.spot[1] for mark in marks if mark.spot]
    if not xs:
        return _Ground(0, 0, WIDTH, HEIGHT)
    room = max(max(xs) - min(xs), max(ys) - min(ys), 12.0) * 0.06
    wide, high = max(max(xs) - min(xs), 8.0), max(max(ys) - min(ys), 8.0)
    return _Ground(min(xs) - room, min(ys) - room, wide + 2 * room, high + 2 * room)


def svg(drawn: Picture, *, legend: bool = True) -> str:
    """The picture as one SVG; a page that writes the legend itself leaves it out.

    Classes carry the colours of a style sheet (dark mode); those of the file hold where there is none.
    """
    ground = _ground(drawn.marks)
    small = _small(drawn.marks, ground)
    enlarged = [mark for mark in drawn.marks if mark.code in small]
    grounds = {"ground": ground, "whole": _ground(enlarged), "size": SIZE, "head": HEAD}
    marked = {"enlarged": enlarged, "towns": list(_towns(drawn.marks, ground)), "middle": _middle}
    words = {"title": shorten(drawn.title, 56), "sources": (shorten(drawn.source, 88), CREDIT)}
    ways = {"outlines": outlines(), "shades": SHADES, "legend": legend, "drawn": drawn}
    return exports.filled("choropleth.svg", **grounds, **marked, **words, **ways)


def _towns(marks: Sequence[Mark], ground: _Ground) -> Iterator[tuple[float, float, str]]:
    """The largest towns in sight, as they are drawn, but where a disc has their name."""
    taken = [ground.at(*at) for mark in marks if (at := mark.spot or _middle(mark.code))]
    for x, y, name in towns(ground.window):
        left, top = ground.at(x, y)
        if not any(-12 < a - left < 16 + 6 * len(name) and -14 < b - top < 24 for a, b in taken):
            yield left, top, name


def _middle(code: str) -> tuple[float, float] | None:
    shape = outlines().get(code)
    return None if shape is None else ((shape.left + shape.right) / 2, (shape.top + shape.bottom) / 2)


def _small(marks: Sequence[Mark], ground: _Ground) -> set[str]:
    """Departments too small to hold their figure, where others are not."""
    wide = {
        mark.code: (shape.right - shape.left) * ground.scale
        for mark in marks
        if mark.spot is None and (shape := outlines().get(mark.code))
    }
    small = {code for code, width in wide.items() if width < SMALL}
    return small if len(small) < len(wide) else set()


def png(drawn: Picture) -> bytes:
    """The picture as PNG, for a slide; figures and legend as in the SVG."""
    with plugins.optional("territory", "a map as PNG"):
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

    ground = _ground(drawn.marks)
    figure = Figure(figsize=(8, 8 * ground.height / ground.width + 1.6), layout="constrained")
    axes = figure.subplots()
    areas = {mark.code: mark for mark in drawn.marks if mark.spot is None}
    for code, shape in outlines().items():
        color = SHADES[areas[code].shade][0] if code in areas else "#f1f3f4"
        for ring in rings(shape.path):
            axes.fill(*zip(*ring, strict=True), facecolor=color, edgecolor="#777777", linewidth=0.5)
    for x, y, name in towns(ground.window):
        axes.plot(x, y, ".", color="#333333", markersize=3)
        axes.annotate(name, (x, y), (3, 3), textcoords="offset points", fontsize=7)
    for mark in drawn.marks:
        if at := mark.spot or _middle(mark.code):
            color, ink = SHADES[mark.shade]
            disc = {"boxstyle": "circle,pad=0.25", "facecolor": color, "edgecolor": "#555555"}
            box = disc if mark.spot else None
            told = mark.told.replace(" ", "\n")
            axes.text(*at, told, fontsize=8, color=ink, ha="center", va="center", bbox=box)
    right, bottom = ground.left + ground.width, ground.top + ground.height
    axes.set(xlim=(ground.left, right), ylim=(bottom, ground.top), aspect="equal")
    axes.set_axis_off()
    axes.set_title(drawn.title, loc="left", fontweight="bold")
    colors = ((SHADES[shade][0], words) for shade, words in drawn.legend)
    handles = [Patch(facecolor=color, edgecolor="#555555", label=words) for color, words in colors]
    source = f"{shorten(drawn.source, 110)}\n{CREDIT}"
    small = {"fontsize": 9, "title_fontsize": 7, "alignment": "left", "frameon": False}
    figure.legend(handles=handles, loc="outside lower left", title=source, **small)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, metadata={"Software": None})
    return stream.getvalue()


#: Shapes of a map file -> its media type.
SHAPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "html": "text/html; charset=utf-8",
    "geojson": "application/geo+json",
    "xlsx": XLSX,
    "csv": "text/csv; charset=utf-8",
}


def map_as(shape: str, made: Coverage, measure: str) -> str | bytes:
    """A map in one of SHAPES, of what it was asked for alone.  Raises BadInput as `picture`."""
    if shape == "csv":
        return csv_text(made.rows())
    if shape == "xlsx":
        needs = (
            {"zone": cell.area.code, "métier": cell.label, **need}
            for cell in made.cells
            for need in cell.listed()
        )
        notes = (*made.sources, made.left_out, made.facilitator)
        return exports.workbook({"Carte": made.rows(), "Besoins": needs}, notes)
    if shape == "geojson":
        return json.dumps(made.features(), ensure_ascii=False)
    drawn = picture(made, measure)
    if shape == "png":
        return png(drawn)
    if shape == "svg":
        return svg(drawn)
    return exports.page(
        "map",
        title=drawn.title,
        drawing=svg(drawn),
        coverage=made,
        cells=made.lacking[:MOST],
        sources=made.sources,
        on=made.on,
    )
