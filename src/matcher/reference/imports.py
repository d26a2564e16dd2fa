"""Import official tables that take precedence over the shipped ones."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matcher.domain import BadInput
from matcher.reference import tables
from matcher.reference.identifiers import clean_cpv, digits, number_of
from matcher.reference.places import department


def _naf(raw: str) -> str | None:
    code = raw.replace(".", "").upper()
    return code if re.fullmatch(r"[0-9]{2}(?:[0-9]{1,2}[A-Z]?)?", code) else None


#: Of the CPV and the NAF: columns of codes and of labels, what reads a code.
LABELS: Mapping[str, tuple[str, str, Callable[[str], str | None]]] = {
    "cpv": ("code8 code", "label_fr libelle label", clean_cpv),
    "naf": ("code code_naf naf", "libelle libellé label_fr label intitule", _naf),
}


def import_labels(what: str, path: str | Path) -> int:
    """Keep code and label of each row of a CSV file of the "cpv" or "naf"; returns their number; they take precedence over those shipped.

    Raises BadInput when the file cannot be read or holds no code with a label.
    """
    codes, names, code_of = LABELS[what]
    columns = f"code et {names.split()[0]}"
    listed = [
        (code_of(_first(row, *codes.split())), _first(row, *names.split()))
        for row in tables._listed(path, columns)
    ]
    labels = {code: label for code, label in listed if code and label}
    if not labels:
        raise BadInput(f"{path} ne contient aucun code {what.upper()} : il faut les colonnes {columns}.")
    tables._keep(f"{what}.csv", [("code", "label"), *sorted(labels.items())])
    return len(labels)


def _first(row: Mapping[str, Any], *names: str) -> str:
    """The first of these columns that is filled; "" where none is."""
    return next((str(row[name]).strip() for name in names if row.get(name)), "")


def import_communes(path: str | Path) -> int:
    """Keep the communes of a list of the official code, JSON (geo.api.gouv.fr) or CSV (INSEE); returns their number.

    What a list does not say (postcodes, coordinates, SIREN) stays as shipped.  Raises BadInput for anything else.
    """
    source = Path(path)
    try:
        text = source.read_text("utf-8-sig")
        is_json = text.lstrip()[:1] in ("[", "{")
        listed: Any = json.loads(text) if is_json else list(tables._listed(source, "code et nom"))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{source} ne peut être lu ({error}) : donnez la liste des communes en JSON ou en CSV."
        ) from None
    shipped = {row[0]: row for row in tables._rows("communes.csv.gz")}
    made: dict[str, tuple[str, ...]] = {}
    for row in listed if isinstance(listed, list) else ():
        if not isinstance(row, dict) or str(row.get("typecom") or "COM") not in ("COM", "ARM"):
            continue
        code = _first(row, "code", "com", "code_insee").upper()
        name = _first(row, "nom", "libelle", "name")
        if not re.fullmatch(r"[0-9][0-9AB][0-9]{3}", code) or not name:
            continue
        old = shipped.get(code, [code, name, "", "", "", "", "", "", ""])
        postcodes = " ".join(re.findall(r"\b[0-9]{5}\b", _first(row, "codesPostaux", "codes_postaux")))
        centre = row.get("centre")
        point = (isinstance(centre, dict) and centre.get("coordinates")) or (row.get("lon"), row.get("lat"))
        longitude, latitude = (_degrees(value) for value in (*point, None, None)[:2])
        within = _first(row, "codeDepartement", "dep", "departement") or old[3]
        within = within or (code[:3] if code[:2] in ("97", "98") else code[:2])
        area = department(within)
        made[code] = (
            code,
            name,
            postcodes or old[2],
            within,
            (area.region if area else "") or old[4],
            digits(str(row.get("population") or "")) or old[5],
            digits(str(row.get("siren") or "")) or old[6],
            latitude or old[7],
            longitude or old[8],
        )
    if not made:
        raise BadInput(f"{source} ne contient aucune commune : il faut au moins leur code et leur nom.")
    headings = tuple("code name postcodes department region population siren latitude longitude".split())
    tables._keep(tables.OFFICIAL_COMMUNES, [headings, *sorted(made.values())])
    return len(made)


def beyond_shipped(what: str) -> int:
    """The number of codes of an imported list ("cpv", "naf" or "cog") the shipped table lacks."""
    name = tables.OFFICIAL_COMMUNES if what == "cog" else f"{what}.csv"
    shipped_codes = {row[0] for row in tables._rows(f"{name}.gz" if what == "cog" else name)}
    codes = (row[0].rstrip("0").ljust(2, "0") if what == "cpv" else row[0] for row in tables._own_rows(name))
    return sum(code not in shipped_codes for code in codes)


def _degrees(value: Any) -> str:
    number = number_of(value)
    return "" if number is None or abs(number) > 180 else f"{number:.4f}"
