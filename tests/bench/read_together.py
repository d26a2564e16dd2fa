"""Print first teams, first partners or opportunities of notices drawn at random, to be read and judged by a person.

usage: python tests/bench/read_together.py CATALOGUE groups|partners|opportunities [--count 40] [--seed 7] [--on 2026-01-01]
"""

import argparse
import random
import statistics
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from matcher.commands import consortium
from matcher.domain import Tender
from matcher.learned import asks
from matcher.matching.engine import POOL, Matcher
from matcher.matching.groups.consortium import recommend
from matcher.partners import opportunities, partners
from matcher.reading import gather
from matcher.reading.procedure import answerable
from matcher.reference.text import shorten


def calls(folder: Path) -> list[Tender]:
    """The calls of a catalogue some lot of which structures answer as a rule, or may alone answer."""
    found = [t for t in gather.load_notices(folder) if t.nature == "call" and t.lots]
    return [
        t
        for t in found
        if any(one.served == "yes" or lot.reservation for one, lot in zip(asks.read(t), t.lots, strict=True))
    ]


def heading(tender: Tender) -> None:
    print(f"\n{tender.id} {shorten(tender.title, 110)} ({tender.buyer.name})")


def groups(matcher: Matcher, tender: Tender) -> None:
    """Print what each lot asks, and the first team as `matcher consortium` does."""
    answers = matcher.match(tender, POOL, groups=0).lots
    for each in answers[:8]:
        asked = each.asked
        parts = ", ".join(f"{p.label} {p.share:.0%}" for p in asked.parts) if asked else ""
        where = ", ".join(p.label or p.department or "" for p in asked.places) if asked else ""
        carried = asked.carried if asked else ""
        title = shorten(each.lot.title, 80)
        many = f"{each.likely} à appeler, {each.plausible} à vérifier"
        print(f"  lot {each.lot.number} {title} | {parts} | {carried} | {where} | {many}")
    needs = matcher.parts(tender, answers)
    teams = recommend(answers, tender=tender, n=1, parts=needs, firms=matcher.firms(tender))
    print(*(f"  -> {line}" for line in consortium.lines(tender, teams, answers, needs)), sep="\n")


def pairs(matcher: Matcher, tender: Tender, draw: random.Random) -> float | None:
    """Print one lot of a notice with a structure among those that could enter it: the seconds taken, None where there is none."""
    lot = draw.choice(tender.lots)
    query = matcher.queries(Tender(id=tender.id, format=tender.format, title=tender.title, lots=(lot,)))[0]
    ranking = matcher.rank(query, whole=False)
    kinds = matcher.catalogue.of_structure("kind")[ranking.shortlist.candidates]
    able = [int(i) for i in ranking.order[:15] if kinds[i] and ranking.levels[i] > 0]
    if not able:
        return None
    structure = matcher.catalogue.structure(int(ranking.shortlist.candidates[draw.choice(able)]))
    start = time.perf_counter()
    found = partners.partners(matcher, structure, tender, lot.id, 5)
    seconds = time.perf_counter() - start
    heading(tender)
    print(
        f"  lot {lot.number} {shorten(lot.title, 90)} | {structure.name} ({structure.kind}, {structure.place.label}) | {seconds:.2f} s"
    )
    print(f"  seul : {found.alone} manque : {found.lacking} {found.size} {found.barred or ''}")
    for text in (
        *found.nobody,
        *(f"à interroger : {', '.join(one.name for one in who)}" for who in found.ask.values()),
    ):
        print(f"     ({shorten(text, 220)})")
    for p in (*found.partners, *found.firms, *found.subcontracting):
        print(
            f"     {p.kind[:5]} {p.score:.2f} {p.structure.name} ({p.structure.kind or 'entreprise'}, {p.structure.place.label}, {p.distance_km} km) {shorten(' ; '.join(p.adds), 200)} {p.past or ''}"
        )
    return seconds


def chances(matcher: Matcher, tenders: list[Tender], on: datetime, draw: random.Random) -> None:
    """The opportunities of one structure of the social economy."""
    kinds = matcher.catalogue.of_structure("kind")
    structure = matcher.catalogue.structure(draw.choice([i for i, kind in enumerate(kinds) if kind]))
    found = opportunities.opportunities(matcher, structure, tenders, now=on)
    print(
        f"\n{structure.name} ({structure.kind}, {structure.place.label}) {shorten(', '.join(o.title for o in structure.offers), 120)}"
    )
    for one in opportunities.by_notice(found)[:6]:
        print(
            f"   {one[0].part} {one[0].match.probability:.2f} | {shorten(one[0].tender.title, 90)} | {len(one)} lots | {shorten(' ; '.join(one[0].why), 220)}"
        )
    if not found:
        print("   ", *opportunities.why_nothing(matcher, structure, tenders, now=on), sep="\n    ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("what", choices=["groups", "partners", "opportunities"])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--on", type=datetime.fromisoformat, default=datetime(2014, 1, 1))
    given = parser.parse_args()
    matcher, draw = Matcher.load(given.catalogue), random.Random(given.seed)
    tenders = calls(given.catalogue)
    if given.what == "opportunities":
        tenders = answerable(gather.load_notices(given.catalogue))
        for _ in range(given.count):
            chances(matcher, tenders, given.on.replace(tzinfo=UTC), draw)
        return
    if given.what == "groups":
        for tender in draw.sample(tenders, given.count):
            heading(tender)
            groups(matcher, tender)
        return
    taken = (pairs(matcher, tender, draw) for tender in draw.sample(tenders, len(tenders)))
    seconds = list(islice((one for one in taken if one is not None), given.count))
    print(f"\n{len(seconds)} pairs, median {statistics.median(seconds):.2f} s")


if __name__ == "__main__":
    main()
