"""Recall of offers in texts of structures: three sets of 60 invented texts of three kinds, by three authors.

python tests/bench/read_texts.py [--show]

Prints by set and kind of text how many of the trades said are found, and which share of the trades proposed is wrong; then how many
service types and zones are right where the text states them.  The authors of the second and the third set had seen neither the
reader nor what it learns from; the third is held out: nothing was tuned on it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matcher.reading import brochure
from matcher.reference import trades

DATA = Path(__file__).parents[1] / "data"
SETS = {"own": "said_texts.txt", "another author": "said_texts_2.txt", "held out": "said_texts_3.txt"}


@dataclass(frozen=True)
class Text:
    id: str
    kind: str
    trades: frozenset[str]
    types: frozenset[str]
    zone: str
    text: str


def texts(name: str) -> Iterator[Text]:
    """The texts of a set, in the order of its file."""
    blocks = (DATA / SETS[name]).read_text(encoding="utf-8").split("\n=== ")[1:]
    for block in blocks:
        head, _, text = block.partition("\n")
        name, kind, said, types, zone = (part.strip() for part in head.split("|"))
        sets = [frozenset() if part == "-" else frozenset(part.split()) for part in (said, types)]
        yield Text(name, kind, sets[0], sets[1], zone, text.strip())


def measure(chosen: list[Text], show: bool = False) -> dict[str, float | int | str]:
    """Shares over these texts."""
    names = {trade.label: trade.name for trade in trades.trades()}
    found = wrong = said = types = typed = zones = zoned = invented = 0
    for one in chosen:
        offers = brochure.propose(one.text)
        got = {_as_labelled(names[offer.sectors[0]], one.trades) for offer in offers}
        found, wrong, said = (
            found + len(got & one.trades),
            wrong + len(got - one.trades),
            said + len(one.trades),
        )
        if one.types and offers:
            typed += 1
            types += bool({t for offer in offers for t in offer.service_types} & one.types)
        stated = _zone(offers[0].zone) if offers else "-"
        zoned += one.zone != "-" and bool(offers)
        zones += one.zone != "-" and stated.split() == sorted(one.zone.split())
        invented += one.zone == "-" and stated != "-"
        if show and (got != one.trades or (offers and stated.split() != sorted(one.zone.split()))):
            print(
                one.id,
                "missed",
                sorted(one.trades - got),
                "wrong",
                sorted(got - one.trades),
                "zone",
                stated,
                "of",
                one.zone,
            )
    return {
        "texts": len(chosen), "trades": said, "found": round(found / max(1, said), 3), "wrong": round(wrong / max(1, found + wrong), 3),
        "types right": round(types / max(1, typed), 3), "zones right": f"{zones} of {zoned}", "zones invented": invented,
    }  # fmt: skip


def _as_labelled(name: str, said: frozenset[str]) -> str:
    """The wider trade of a part where the text is labelled with the wider one: the labels are older than the parts."""
    wider = next(trade.within for trade in trades.trades() if trade.name == name)
    return name if name in said else next((each for each in wider if each in said), name)


def _zone(zone: object) -> str:
    radius, codes, country = (getattr(zone, name, None) for name in ("radius_km", "departments", "country"))
    if country:
        return "France"
    return " ".join(sorted(codes)) if codes else f"{radius:.0f} km" if radius else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--show", action="store_true", help="what was missed and wrong, but for the set held out"
    )
    given = parser.parse_args()
    for name in SETS:
        chosen = list(texts(name))
        for kind in ("plaquette", "page", "objet"):
            print(name, kind, json.dumps(measure([one for one in chosen if one.kind == kind])))
        print(name, "all", json.dumps(measure(chosen, given.show and name != "held out")))


if __name__ == "__main__":
    main()
