"""A map of departments as one SVG, drawn from shipped outlines: no outside host, readable without colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

from matcher.domain import BadInput
from matcher.reference import places
from matcher.reference.french import grouped
from matcher.reference.text import shorten
from matcher.territory.outlines import CREDIT, Outline, outlines

#: ColorBrewer "YlGnBu" in five classes: distinct in grey and by colour-blind readers.
SHADES = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
INK = ("#1a1a1a", "#1a1a1a", "#1a1a1a", "#ffffff", "#ffffff")
#: Paris and its inner ring are too small for a whole country: they are drawn again, enlarged.
RING = ("75", "92", "93", "94")


def breaks(values: Sequence[float], classes: int = len(SHADES)) -> tuple[float, ...]:
    """Upper bounds of the classes, by quantiles of the values; the last is the highest; those shown alike are one."""
    known = sorted({_figure(v): v for v in sorted(v for v in values if v == v)}.values())
    if not known:
        return (0.0,)
    if len(known) <= classes:
        return tuple(known)
    cut = [known[min(len(known) - 1, round((i + 1) * len(known) / classes) - 1)] for i in range(classes)]
    return tuple(sorted(set(cut)))


def shade(value: float, bounds: Sequence[float]) -> int:
    """The class of a value, spread over the shades."""
    at = next((i for i, bound in enumerate(bounds) if value <= bound), len(bounds) - 1)
    return round(at * (len(SHADES) - 1) / max(len(bounds) - 1, 1))


def svg(
    values: Mapping[str, float | None],
    *,
    title: str,
    unit: str = "",
    source: str = "",
    departments: Sequence[str] = (),
    width: int = 760,
) -> str:
    """The map of `values` (department -> figure, None where it is not known), cropped to `departments`.

    Each department shows its code and figure as text and in its tooltip; the legend states the classes.
    Raises BadInput for a department that does not exist.
    """
    for code in (*departments, *values):
        if places.department(code) is None:
            raise BadInput(f"le département {code!r} n'existe pas : écrivez son code, 75 ou 2A par exemple")
    drawn = outlines()
    asked = list(departments) or [
        d.code for d in places.departments() if d.code in drawn or values.get(d.code) is not None
    ]
    inside = [code for code in asked if code in drawn]
    apart = [code for code in asked if code not in drawn]
    known = {code: value for code in asked if (value := values.get(code)) is not None and value == value}
    bounds = breaks(list(known.values()))
    boxes = [drawn[code] for code in inside]
    left, top = min((b.left for b in boxes), default=0.0), min((b.top for b in boxes), default=0.0)
    right, bottom = max((b.right for b in boxes), default=1.0), max((b.bottom for b in boxes), default=1.0)
    scale = width / max(right - left, (bottom - top) * 0.9, 1.0)
    small = [code for code in RING if code in inside] if len(inside) > 30 else []
    head, foot = 46, 118
    tall = (bottom - top) * scale if boxes else 0.0
    drawn_width = (right - left) * scale
    room = 190 if small else 0
    total = head + tall + (64 if apart else 0) + foot
    parts = [_opening(title, _described(known, asked, unit), width + room, total)]
    frame = _Frame(scale, max(0.0, (width - drawn_width) / 2) - left * scale, head - top * scale)
    parts += [_area(code, drawn[code], known.get(code), bounds, frame, unit) for code in inside]
    hidden = set(small)
    parts += [
        _label(code, drawn[code], known.get(code), bounds, frame) for code in inside if code not in hidden
    ]
    if small:
        parts += _inset({code: drawn[code] for code in small}, known, bounds, unit, width + 20, head)
    parts += [
        _box(code, known.get(code), bounds, unit, 8 + i * 74, head + tall + 12)
        for i, code in enumerate(apart)
    ]
    parts += _legend(bounds, bool(len(known) < len(asked)), bool(known), unit, total - foot + 24)
    parts.append(
        f'<text x="8" y="{total - 28:.0f}" font-size="11" fill="#444">{escape(shorten(source, 112))}</text>'
    )
    parts.append(f'<text x="8" y="{total - 10:.0f}" font-size="11" fill="#444">{CREDIT}</text></svg>')
    return "".join(parts)


def _opening(title: str, description: str, width: float, height: float) -> str:
    """The beginning of the picture: its size, texts for screen readers, the pattern of unknown figures, the title."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-labelledby="map-title map-desc" font-family="system-ui, sans-serif">'
        f'<title id="map-title">{escape(title)}</title>'
        f'<desc id="map-desc">{escape(description)}</desc>'
        '<defs><pattern id="unknown" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="#f4f4f4"/><line x1="0" y1="0" x2="0" y2="6" stroke="#8a8a8a" stroke-width="1.4"/>'
        "</pattern></defs>"
        f'<rect width="100%" height="100%" fill="#ffffff"/><text x="8" y="26" font-size="18" font-weight="600" fill="#1a1a1a">{escape(title)}</text>'
    )


def _inset(
    shapes: Mapping[str, Outline],
    known: Mapping[str, float],
    bounds: Sequence[float],
    unit: str,
    left: float,
    top: float,
) -> Iterator[str]:
    """Paris and its neighbours, enlarged."""
    x, y = min(b.left for b in shapes.values()), min(b.top for b in shapes.values())
    by = 150 / (max(b.right for b in shapes.values()) - x)
    frame = _Frame(by, left - x * by, top + 30 - y * by)
    yield f'<text x="{left}" y="{top + 16}" font-size="12" fill="#1a1a1a">Paris et petite couronne</text>'
    for code, shape in shapes.items():
        yield _area(code, shape, known.get(code), bounds, frame, unit)
    for code, shape in shapes.items():
        yield _label(code, shape, known.get(code), bounds, frame)


def _box(code: str, value: float | None, bounds: Sequence[float], unit: str, x: float, y: float) -> str:
    """A department without an outline, as a box with its code and figure."""
    at = None if value is None else shade(value, bounds)
    fill = "url(#unknown)" if at is None else SHADES[at]
    ink = "#1a1a1a" if at is None else INK[at]
    return (
        f'<g><title>{escape(_caption(code, value, unit))}</title><rect x="{x}" y="{y:.1f}" width="66" height="44" fill="{fill}" stroke="#555"/>'
        f'<text x="{x + 33}" y="{y + 18:.1f}" font-size="12" text-anchor="middle" fill="{ink}">{code}</text>'
        f'<text x="{x + 33}" y="{y + 35:.1f}" font-size="13" font-weight="600" text-anchor="middle" fill="{ink}">{_figure(value)}</text></g>'
    )


class _Frame(NamedTuple):
    """Where outlines are drawn: their scale, then the shift of their origin in pixels."""

    scale: float
    x: float
    y: float


def _figure(value: float | None) -> str:
    return (
        "?" if value is None else grouped(value) if value >= 10 or value == int(value) else grouped(value, 1)
    )


def _caption(code: str, value: float | None, unit: str) -> str:
    found = places.department(code)
    name = found.name if found else code
    return f"{name} ({code}) : " + ("inconnu" if value is None else f"{_figure(value)} {unit}".strip())


def _described(known: Mapping[str, float], asked: Sequence[str], unit: str) -> str:
    return " ; ".join(_caption(code, known.get(code), unit) for code in asked)


def _area(
    code: str, shape: Outline, value: float | None, bounds: Sequence[float], frame: _Frame, unit: str
) -> str:
    fill = "url(#unknown)" if value is None else SHADES[shade(value, bounds)]
    return (
        f'<g transform="translate({frame.x:.2f},{frame.y:.2f}) scale({frame.scale:.4f})"><title>{escape(_caption(code, value, unit))}</title>'
        f'<path d="{shape.path}" fill="{fill}" stroke="#555" stroke-width="{0.8 / frame.scale:.3f}" data-department="{code}"/></g>'
    )


def _label(code: str, shape: Outline, value: float | None, bounds: Sequence[float], frame: _Frame) -> str:
    x = (shape.left + shape.right) / 2 * frame.scale + frame.x
    y = (shape.top + shape.bottom) / 2 * frame.scale + frame.y
    wide = (shape.right - shape.left) * frame.scale
    size = 13 if wide > 70 else 8.5
    ink = "#1a1a1a" if value is None else INK[shade(value, bounds)]
    if wide < 24:
        return ""
    halo = "#253494" if ink == "#ffffff" else "#ffffff"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="middle" fill="{ink}" stroke="{halo}" '
        f'stroke-width="2" stroke-opacity="0.6" paint-order="stroke" pointer-events="none">'
        f'{code}<tspan x="{x:.1f}" dy="{size + 1:.0f}" font-weight="700">{_figure(value)}</tspan></text>'
    )


def _legend(bounds: Sequence[float], gaps: bool, some: bool, unit: str, y: float) -> list[str]:
    parts = [f'<text x="8" y="{y:.0f}" font-size="12" fill="#1a1a1a">{escape(unit)}</text>'] if unit else []
    x, lows = 8.0, [None, *bounds[:-1]]
    for low, high in zip(lows, bounds, strict=True) if some else ():
        text = _figure(high) if low is None else f"> {_figure(low)} à {_figure(high)}"
        if low is None and high > 0 and len(bounds) > 1:
            text = f"jusqu'à {_figure(high)}"
        parts.append(
            f'<rect x="{x:.0f}" y="{y + 10:.0f}" width="18" height="14" fill="{SHADES[shade(high, bounds)]}" stroke="#555"/>'
        )
        parts.append(f'<text x="{x + 24:.0f}" y="{y + 22:.0f}" font-size="12" fill="#1a1a1a">{text}</text>')
        x += 24 + 7.5 * len(text) + 22
    if gaps:
        parts.append(
            f'<rect x="{x:.0f}" y="{y + 10:.0f}" width="18" height="14" fill="url(#unknown)" stroke="#555"/>'
        )
        parts.append(f'<text x="{x + 24:.0f}" y="{y + 22:.0f}" font-size="12" fill="#1a1a1a">inconnu</text>')
    return parts
