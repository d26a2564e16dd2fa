"""Field by field, TED notices as the reader reads them against an extractor that shares no code with it.

python tests/bench/compare_ted.py [--files 300] [--show FIELD]

The extractor below is a dozen XPath expressions over the published XML (R2.0.9); texts are compared by their
letters and digits alone.  Printed: for each field how many are equal, stated by one side alone, or different;
`--show FIELD` prints the pairs that differ.  The notices lie in MATCHER_SHARED (by default `../shared`).
"""

from __future__ import annotations

import argparse
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from lxml import etree

from matcher.domain import Lot, Tender
from matcher.reading.sources import ted

FR = "(//FORM_SECTION/*[@LG='FR'] | //FORM_SECTION/*[@CATEGORY='ORIGINAL'])[@LG='FR' or not(//FORM_SECTION/*[@LG='FR'])][1]"


TOTAL = "OBJECT_CONTRACT[1]/*[self::VAL_ESTIMATED_TOTAL or self::VAL_TOTAL or self::VAL_OBJECT][1]"


def letters(value: Any) -> str:
    """Letters and digits of a text, without accents, case or superscripts; numbers by their value."""
    if isinstance(value, float):
        return f"{value:.2f}"
    text = unicodedata.normalize("NFKD", str(value or "")).lower().replace("°", "o")
    return re.sub(r"[^a-z0-9]", "", text)


def published(data: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The fields of a notice and of its lots as the XML states them."""
    root = etree.parse(BytesIO(data), etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = etree.QName(element).localname
    form = root.xpath(FR)[0]

    def text(node: Any, path: str) -> str:
        found = node.xpath(path)
        if found and isinstance(found[0], str):
            return found[0]
        return " ".join(found[0].itertext()) if found else ""

    def number(node: Any, path: str) -> float | None:
        digits = re.sub(r"[^0-9.,]", "", text(node, path)).replace(",", ".")
        return float(digits) if digits else None

    whole = {
        "title": text(form, "OBJECT_CONTRACT[1]/TITLE"),
        "description": text(form, "OBJECT_CONTRACT[1]/SHORT_DESCR"),
        "buyer": text(form, "CONTRACTING_BODY/ADDRESS_CONTRACTING_BODY/OFFICIALNAME"),
        "reference": text(form, "OBJECT_CONTRACT[1]/REFERENCE_NUMBER"),
        "deadline": text(form, "PROCEDURE/DATE_RECEIPT_TENDERS"),
        "joint buyers": float(len(form.xpath("CONTRACTING_BODY/ADDRESS_CONTRACTING_BODY_ADDITIONAL"))),
        "documents": text(form, "CONTRACTING_BODY/URL_DOCUMENT"),
    }
    shared = {
        "framework": float(bool(form.xpath("PROCEDURE/FRAMEWORK"))),
        "group form": text(form, "LEFTI/LEGAL_FORM"),
        "reserved box": float(bool(form.xpath(
            "LEFTI/RESTRICTED_SHELTERED_WORKSHOP | LEFTI/RESTRICTED_SHELTERED_PROGRAM"
            " | LEFTI/RESERVED_ORGANISATIONS_SERVICE_MISSION"
        ))),
    }  # fmt: skip
    found = form.xpath("OBJECT_CONTRACT/OBJECT_DESCR")
    alone = len(found) == 1
    lots = [
        {
            **shared,
            "lot title": text(lot, "TITLE") or text(lot, "../TITLE"),
            "lot number": text(lot, "LOT_NO"),
            "lot description": text(lot, "SHORT_DESCR"),
            "amount": number(lot, "VAL_OBJECT") or (number(form, TOTAL) if alone else None),
            "criteria": float(
                len(
                    lot.xpath(
                        ".//AC_PRICE | .//AC_COST | .//AC_QUALITY | .//AC_CRITERION[not(ancestor::AC_COST or ancestor::AC_QUALITY)]"
                    )
                )
            ),
            "weights": " ".join(
                str(float(w))
                for w in re.findall(r"\d+(?:\.\d+)?", " ".join(lot.xpath(".//AC_WEIGHTING//text()")))
            ),
            "variants": float(bool(lot.xpath("ACCEPTED_VARIANTS"))),
            "places": " ".join(sorted(set(lot.xpath("NUTS/@CODE")))),
            "duration": number(lot, "DURATION[@TYPE='MONTH']"),
        }
        for lot in found
    ]
    return whole, lots


def read(tender: Tender) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same fields as the reader gives them; what is inferred from the text is left out."""
    whole = {
        "title": tender.title,
        "description": tender.description,
        "buyer": tender.buyer.name,
        "reference": tender.reference,
        "deadline": tender.deadline.date().isoformat() if tender.deadline else "",
        "joint buyers": float(len(tender.joint_buyers)),
        "documents": tender.documents_url,
    }
    return whole, [_lot(lot) for lot in tender.lots]


def _lot(lot: Lot) -> dict[str, Any]:
    codes = {c.code for c in lot.conditions}
    form = [c.passage for c in lot.conditions if c.code == "group-form" and c.label == "Forme du groupement"]
    return {
        "framework": float("framework" in codes),
        "group form": form[0] if form else "",
        "reserved box": float(lot.reservation is not None and lot.reservation.origin == "field"),
        "lot title": lot.title,
        "lot number": lot.number,
        "lot description": lot.description,
        "amount": None if "amount" in lot.inferred else lot.amount,
        "criteria": float(len(lot.criteria)),
        "weights": " ".join(str(float(c.weight)) for c in lot.criteria if c.weight is not None),
        "variants": float("variants" in codes),
        "places": " ".join(sorted({p.nuts for p in lot.places if p.nuts}))
        if "places" not in lot.inferred
        else "",
        "duration": lot.duration_months,
    }


def pairs(paths: list[Path]) -> Iterator[tuple[str, str, Any, Any]]:
    """(notice, field, as published, as read) of every field of every notice and lot."""
    for path in paths:
        data = path.read_bytes()
        if not re.search(
            rb"<OBJECT_CONTRACT[ >]", data
        ):  # the older defence forms, which the expressions do not know
            continue
        whole, lots = published(data)
        for tender in ted.read(BytesIO(data), path.name):
            if not isinstance(tender, Tender):
                continue
            mine, own = read(tender)
            yield from ((path.stem, name, whole[name], mine[name]) for name in whole)
            yield path.stem, "lots", float(max(len(lots), 1)), float(len(own))
            for theirs, ours in zip(lots, own, strict=False):
                yield from ((path.stem, name, theirs[name], ours[name]) for name in theirs)


def verdict(theirs: Any, ours: Any) -> str:
    if theirs == "" and isinstance(ours, str) and ours.isdigit():
        return "equal"  # a lot without number has that of its place
    one, other = letters(theirs), letters(ours)
    if one == other:
        return "equal"
    return "published alone" if not other else "read alone" if not one else "different"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--show", default="")
    args = parser.parse_args()
    folder = Path(os.environ.get("MATCHER_SHARED", "../shared")) / "data" / "notices" / "ted"
    paths = sorted(folder.glob("*.xml"))
    paths = paths[:: max(1, len(paths) // args.files)][: args.files]
    if not paths:
        raise SystemExit(f"no notice in {folder}: set MATCHER_SHARED to the folder of the real data")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for stem, name, theirs, ours in pairs(paths):
        found = verdict(theirs, ours)
        counts[name][found] += 1
        if name == args.show and found != "equal":
            print(f"{stem}\n  published {theirs!r}\n  read      {ours!r}")
    print(f"{len(paths)} notices, {counts['title'].total()} of them R2.0.9")
    for name, found in counts.items():
        rest = ", ".join(f"{count} {what}" for what, count in found.most_common() if what != "equal")
        print(f"  {name:16s} {found['equal']} of {found.total()} equal{': ' + rest if rest else ''}")


if __name__ == "__main__":
    main()
