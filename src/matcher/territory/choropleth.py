"""A map of areas as SVG or PNG: departments from shipped outlines, groupings and communes as discs, towns as ground.

No outside host; readable without colours: every area has its figure, a caption and a place in the legend.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from matcher import plugins
from matcher.reference.french import grouped
from matcher.reference.text import shorten
from matcher.territory.coverage import MEASURES, Coverage
from matcher.territory.outlines import CREDIT, HEIGHT, WIDTH, Outline, outlines, point, rings, towns

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
HEAD, LINE = 34.0, 17.0


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


# ------------------------------------------------------------------------------------------------- drawing


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
    foot = HEAD + ground.height * ground.scale + (150.0 if small else 0.0)
    apart = [mark for mark in drawn.marks if mark.spot is None and mark.code not in outlines()]
    after = foot + (54.0 if apart else 0.0)
    height = after + (LINE * (len(drawn.legend) + 2) + 8 if legend else 8)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="areas" viewBox="0 0 {SIZE:.0f} {height:.0f}" role="group" aria-label="{escape(drawn.title)}" '
        'font-family="system-ui, sans-serif"><rect class="sheet" width="100%" height="100%" fill="#ffffff"/>'
    ]
    parts += _land(drawn.marks, ground)
    parts += [_shape(mark, ground) for mark in drawn.marks if mark.code in outlines() or mark.spot]
    parts += _towns(drawn.marks, ground)
    parts += [_label(mark, ground) for mark in drawn.marks if mark.code not in small]
    head = f'<rect class="sheet" width="100%" height="{HEAD}" fill="#ffffff"/><rect class="sheet" y="{HEAD + ground.height * ground.scale:.0f}" width="100%" height="100%" fill="#ffffff"/>'
    named, ink = escape(shorten(drawn.title, 56)), 'font-size="15" font-weight="600" fill="#1a1a1a"'
    parts.append(f'{head}<text class="ink" x="6" y="20" {ink}>{named}</text>')
    if small:
        parts += _enlarged([mark for mark in drawn.marks if mark.code in small], foot - 140)
    parts += [_box(mark, 6 + i * 78, foot + 4) for i, mark in enumerate(apart)]
    parts += list(_legend(drawn, after)) if legend else []
    return "".join(parts) + "</svg>"


def _fill(shade: str) -> str:
    return f'class="{shade}" fill="{SHADES[shade][0]}"'


def _linked(mark: Mark, drawn: str) -> str:
    told = f"<title>{escape(mark.caption)}</title>{drawn}"
    link = f'<a href="{escape(mark.link)}" aria-label="{escape(mark.caption)}">{told}</a>'
    return link if mark.link else f"<g>{told}</g>"


def _path(shape: Outline, ground: _Ground, drawn: str) -> str:
    x, y = ground.at(0, 0)
    return f'<path d="{shape.path}" transform="translate({x:.1f},{y:.1f}) scale({ground.scale:.3f})" stroke-width="0.8" vector-effect="non-scaling-stroke" {drawn}/>'


def _land(marks: Sequence[Mark], ground: _Ground) -> Iterator[str]:
    """The departments in sight that are no areas of the map, under the discs of communes."""
    areas = {mark.code for mark in marks if mark.spot is None}
    stroke = 'class="ground" fill="#f1f3f4" stroke="#aab6bf"'
    for code, shape in outlines().items():
        across = shape.left < ground.left + ground.width and shape.right > ground.left
        down = shape.top < ground.top + ground.height and shape.bottom > ground.top
        if code not in areas and across and down:
            yield _path(shape, ground, stroke)


def _shape(mark: Mark, ground: _Ground) -> str:
    if mark.spot is None:
        stroke = f'stroke="#555" data-department="{mark.code}"'
        return _linked(mark, _path(outlines()[mark.code], ground, f"{_fill(mark.shade)} {stroke}"))
    x, y = ground.at(*mark.spot)
    return _linked(mark, f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" {_fill(mark.shade)} stroke="#555"/>')


def _towns(marks: Sequence[Mark], ground: _Ground) -> Iterator[str]:
    """The largest towns in sight, but where a disc has their name."""
    taken = [ground.at(*at) for mark in marks if (at := mark.spot or _middle(mark.code))]
    for x, y, name in towns(ground.window):
        left, top = ground.at(x, y)
        if not any(-12 < a - left < 16 + 6 * len(name) and -14 < b - top < 24 for a, b in taken):
            yield (
                f'<circle class="town" cx="{left:.1f}" cy="{top:.1f}" r="2.2" fill="#333"/><text class="halo" x="{left + 5:.1f}" y="{top - 4:.1f}" '
                f'font-size="10.5" fill="#1a1a1a" stroke="#fff" stroke-width="2.4" paint-order="stroke" pointer-events="none">{escape(name)}</text>'
            )


def _middle(code: str) -> tuple[float, float] | None:
    shape = outlines().get(code)
    return None if shape is None else ((shape.left + shape.right) / 2, (shape.top + shape.bottom) / 2)


def _label(mark: Mark, ground: _Ground) -> str:
    """The figure on a disc; the code and the figure of a department."""
    if (at := mark.spot or _middle(mark.code)) is None:
        return ""
    (x, y), words = ground.at(*at), mark.told.split()
    spans = "".join(f'<tspan x="{x:.1f}" dy="{13 * bool(n)}">{word}</tspan>' for n, word in enumerate(words))
    return _text(x, y + (4 if mark.spot else 0), spans, mark.shade)


def _text(x: float, y: float, words: str, shade: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" font-weight="600" text-anchor="middle" class="on-{shade}" fill="{SHADES[shade][1]}" '
        f'pointer-events="none">{words}</text>'
    )


def _small(marks: Sequence[Mark], ground: _Ground) -> set[str]:
    """Departments too small to hold their figure, where others are not."""
    wide = {
        mark.code: (shape.right - shape.left) * ground.scale
        for mark in marks
        if mark.spot is None and (shape := outlines().get(mark.code))
    }
    small = {code for code, width in wide.items() if width < SMALL}
    return small if len(small) < len(wide) else set()


def _enlarged(marks: Sequence[Mark], top: float) -> Iterator[str]:
    """Small departments drawn again, enlarged, at the foot of the map."""
    whole = _ground(marks)
    factor = 118 / (whole.height * whole.scale)
    yield f'<g transform="translate(6,{top - HEAD * factor:.1f}) scale({factor:.3f})">'
    for mark in marks:
        yield _shape(mark, whole)
    yield "</g>"
    for mark in marks:
        x, y = whole.at(*(_middle(mark.code) or (0.0, 0.0)))
        yield _text(6 + x * factor, top + (y - HEAD) * factor, mark.told, mark.shade)


def _box(mark: Mark, x: float, y: float) -> str:
    """A department without an outline, as a box with its code and figure."""
    words = _text(x + 36, y + 26, mark.told, mark.shade)
    box = f'<rect x="{x}" y="{y:.0f}" width="72" height="42" {_fill(mark.shade)} stroke="#555"/>'
    return _linked(mark, f"{box}{words}")


def _legend(drawn: Picture, top: float) -> Iterator[str]:
    y = top + LINE
    for shade, words in drawn.legend:
        yield f'<rect x="6" y="{y - 11:.0f}" width="18" height="13" {_fill(shade)} stroke="#555"/><text class="ink" x="30" y="{y:.0f}" font-size="12" fill="#1a1a1a">{escape(words)}</text>'
        y += LINE
    for line in (shorten(drawn.source, 88), CREDIT):
        yield f'<text class="ink" x="6" y="{y + 2:.0f}" font-size="9.5" fill="#444">{escape(line)}</text>'
        y += 13


# ------------------------------------------------------------------------------------------------- picture file


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
