"""How well texts are read: figures over texts of authors who had seen no code, and random samples to be read by hand.

python tests/bench/read.py offers [--show]
    Recall of offers in three sets of 60 invented texts of three kinds (tests/data/said_texts*.txt), by set and kind; nothing was
    tuned on the third.
python tests/bench/read.py sheets
    Fields right of fields stated in invented spreadsheets, file by file, and what was read wrong.
python tests/bench/read.py night CATALOGUE [--draw 60] [--seed 1] [--notices]
    Counts of a night over the notices of a catalogue (lots, lots announced, structures notified), and pairs of lot and structure;
    with --notices of notice and structure, each by one of its lots: lots of one notice are one card of a digest.
python tests/bench/read.py reasons CATALOGUE QUERIES.jsonl [--draw 100] [--seed 1] [--whole]
    Shown reasons of the first five of 40 needs, each by itself, or all those of a structure as one line.
python tests/bench/read.py silence CATALOGUE [--draw 500] [--seed 1] [--performers FILE]
    Those who say nothing of their trade: twenty searches of ESAT, exposure over real needs, profiles completed by a sentence, and
    needs of what structures of a file do, with their text and without.

Mark each line of a sample relevant, doubtful or noise (true and useful, true, false) and count.
"""

import csv
import io
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import typer

import sheets as invented
from matcher.catalogue.build import build_catalogue, update_catalogue
from matcher.domain import ANSWERABLE, Filters, Lot, Offer, Place, Reason, Reservation, Structure, Tender
from matcher.lab.evaluation import questions
from matcher.learned import asks
from matcher.learned import offers as proposed
from matcher.matching import skills, suitability
from matcher.matching.engine import Matcher
from matcher.matching.parts import INSERTION
from matcher.matching.ranking import PLAUSIBLE, Ranking
from matcher.matching.reasons import sentences
from matcher.matching.trades import STATED, inferred_trades, place
from matcher.outreach.batch import Options
from matcher.outreach.rules import Rules
from matcher.outreach.work import Task, matches_of
from matcher.reading import brochure, clauses, files, gather
from matcher.reading.need import typed_need
from matcher.reference import paths, toponyms, trades

app = typer.Typer(help=__doc__, rich_markup_mode=None, pretty_exceptions_enable=False)
DATA = Path(__file__).parents[1] / "data"
TOP, FLOOR = Options(rules=Rules()).top, Rules().floor


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
        found, said = found + len(got & one.trades), said + len(one.trades)
        wrong += len(got - one.trades)
        if one.types and offers:
            typed += 1
            types += bool({t for offer in offers for t in offer.service_types} & one.types)
        stated = _zone(offers[0].zone) if offers else "-"
        zoned += one.zone != "-" and bool(offers)
        zones += one.zone != "-" and stated.split() == sorted(one.zone.split())
        invented += one.zone == "-" and stated != "-"
        if show and (got != one.trades or (offers and stated.split() != sorted(one.zone.split()))):
            missed, more = sorted(one.trades - got), sorted(got - one.trades)
            print(f"{one.id} missed {missed} wrong {more} zone {stated} of {one.zone}")
    return {
        "texts": len(chosen),
        "trades": said,
        "found": round(found / max(1, said), 3),
        "wrong": round(wrong / max(1, found + wrong), 3),
        "types right": round(types / max(1, typed), 3),
        "zones right": f"{zones} of {zoned}",
        "zones invented": invented,
    }


def _as_labelled(name: str, said: frozenset[str]) -> str:
    """The wider trade of a part where the text is labelled with the wider one: the labels are older than the parts."""
    wider = next(trade.within for trade in trades.trades() if trade.name == name)
    return name if name in said else next((each for each in wider if each in said), name)


def _zone(zone: object) -> str:
    radius, codes, country = (getattr(zone, name, None) for name in ("radius_km", "departments", "country"))
    if country:
        return "France"
    return " ".join(sorted(codes)) if codes else f"{radius:.0f} km" if radius else "-"


@app.command()
def offers(show: bool = False) -> None:
    """`--show`: what was missed and wrong, but for the set held out."""
    for name in SETS:
        chosen = list(texts(name))
        for kind in ("plaquette", "page", "objet"):
            print(name, kind, json.dumps(measure([one for one in chosen if one.kind == kind])))
        print(name, "all", json.dumps(measure(chosen, show and name != "held out")))


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))


def places_read(given: list[dict[str, str]]) -> tuple[Counter[str], Counter[str]]:
    """How many places of each kind are read rightly, and how many there are; arrondissements stand for their town."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in given:
        total[row["kind"]] += 1
        try:
            found = {_code(place) for place in toponyms.typed(row["text"])}
        except toponyms.Homonyms:
            continue
        known = {row["place"]}
        if row["kind"] != "department":
            known = {_code(p) for p in toponyms.asked(row["place"])}
        right[row["kind"]] += found == known
    return right, total


def _code(place: Place) -> str:
    code = place.commune or place.department or place.region or ""
    whole = {"751": "75056", "6938": "69123", "132": "13055"}
    return next((town for begun, town in whole.items() if place.commune and code.startswith(begun)), code)


@app.command()
def sheets() -> None:
    right = stated = 0
    errors: list[str] = []
    for sheet in invented.kept():
        records = list(files.read_stream(io.BytesIO(sheet.content), sheet.name))
        read, fields, wrong = invented.measured(sheet, [r for r in records if isinstance(r, Structure)])
        print(f"{sheet.name:28} {read:3} of {fields:3}")
        right, stated, errors = right + read, stated + fields, errors + wrong
    print(f"{'all':28} {right:3} of {stated:3}: {right / stated:.1%}", *errors, sep="\n")


@app.command()
def night(catalogue: Path, draw: int = 60, seed: int = 1, notices: bool = False) -> None:
    """What digests would carry: the rows that a night keeps, before any structure's own settings."""
    random.seed(seed)
    matcher = Matcher.load(catalogue)
    tenders = [t for t in gather.load_notices(catalogue) if t.nature in ANSWERABLE]
    lots, begun = sum(len(t.lots) for t in tenders), time.process_time()
    rows = [
        (t, row)
        for t in tenders
        for row in matches_of(matcher, Task(id=t.id, tender=t, key="", excluded={}), TOP, FLOOR)
    ]
    spent = 1000 * (time.process_time() - begun) / max(1, lots)
    named = {(tender.id, row["lot_id"]) for tender, row in rows}
    levels = Counter(row["detail"]["level"] for _, row in rows)
    print(f"{len(tenders)} notices, {lots} lots ({spent:.1f} ms of processor time each)")
    print(
        f"told: {len(named)} lots, {len({row['siret'] for _, row in rows})} structures of {len(matcher.catalogue)}, "
        f"{len(rows)} pairs, {levels['likely']} to call and {levels['clause']} by the clause; "
        f"{len({(tender.id, row['siret']) for tender, row in rows})} pairs of notice and structure"
    )
    if notices:
        random.shuffle(rows)
        rows = list({(tender.id, row["siret"]): (tender, row) for tender, row in rows}.values())
    for tender, row in random.sample(rows, min(draw, len(rows))):
        lot = next(lot for lot in tender.lots if lot.id == row["lot_id"])
        who = matcher.catalogue.structure(matcher.catalogue.row(row["siret"]))
        where = lot.places[0].label or lot.places[0].department if lot.places else tender.buyer.place.label
        told = [Reason(**reason) for reason in row["detail"]["reasons"]]
        print(
            f"- {row['probability']:.2f} {row['detail']['level']} {tender.title[:60]} / {lot.title[:60]} "
            f"[{(lot.cpv or ('no CPV',))[0]}], {where} | {who.kind} {(who.brand or who.name)[:40]}, {who.place.label} | "
            f"{' ; '.join(sentences(told, 3))}"
        )


@app.command()
def reasons(catalogue: Path, queries: Path, draw: int = 100, seed: int = 1, whole: bool = False) -> None:
    random.seed(seed)
    matcher = Matcher.load(catalogue)
    asked = random.sample(list(questions(queries, [])), 40)
    lines = []
    for question in asked:
        tender = clauses.complete(question.tender)  # as what is typed is read: "réservé aux ESAT"
        for answer in matcher.match(tender, 5, groups=0, as_of=question.day).lots:
            for match in answer.matches:
                told = sentences(match.reasons, 3)
                kind = match.structure.kind + " (à vérifier)" * ("kind-unsure" in match.structure.flags)
                line = f"- {answer.lot.title[:90]} | {kind} {match.structure.name[:40]} |"
                lines += [f"{line} {said}" for said in ([" ; ".join(told)] if whole else told)]
    print(f"{len(lines)} {'lines' if whole else 'reasons'} shown for {len(asked)} needs")
    print("\n".join(random.sample(lines, min(draw, len(lines)))))


# ------------------------------------------------------------------------------ who says nothing of its trade

SEARCHED = (
    "entretien des espaces verts, nettoyage de bureaux, mise sous pli de courriers, blanchisserie".split(", ")
)
TOWNS = ("Nîmes", "Limoges", "Rennes", "Lille", "Dijon")


@app.command()
def silence(catalogue: Path, draw: int = 500, seed: int = 1, performers: str = "speaking_2026.jsonl") -> None:
    chance, matcher = random.Random(seed), Matcher.load(catalogue)
    sets = sorted((paths.shared_dir() / "data" / "judged").glob("*.queries.jsonl"))
    needs = [one.tender for path in sets for one in questions(path, [])]
    _searches(matcher)
    lots = _exposure(matcher, chance.sample(needs, min(draw, len(needs))))
    _completions(matcher, lots, draw, chance)
    _performers(matcher, performers, chance)


def _answers(
    matcher: Matcher, tender: Tender, filters: Filters | None = None
) -> tuple[Ranking, list[int], list[int]]:
    """The ranking of the first lot, the rows that are listed for it, best first, and those to be asked."""
    ranking = matcher.rank(matcher.queries(tender, filters=filters)[0], whole=False)
    listed = ranking.order[ranking.levels[ranking.order] >= PLAUSIBLE]
    return ranking, ranking.shortlist.candidates[listed].tolist(), suitability.asking(ranking).tolist()


def _searches(matcher: Matcher) -> None:
    """Twenty searches of ESAT: by the filter, by the words, by the article, which admits EA too."""
    only, article = Filters(kinds=("ESAT",)), Reservation(articles=("L2113-12",), origin="typed")
    some, same, said = 0, 0, 0
    # one that is EA and ESAT is listed by its nearer establishment where both may answer: the bidder is what counts
    bidder, kinds = map(matcher.catalogue.of_structure, ("bidder", "kind"))
    esats = set(bidder[kinds == "ESAT"].tolist())
    for need, town in product(SEARCHED, TOWNS):
        texts_, at = (need, f"{need}, réservé aux ESAT"), toponyms.asked(town)
        plain, words = (typed_need(text, at, whole=True) for text in texts_)
        reserved = replace(plain, lots=tuple(replace(lot, reservation=article) for lot in plain.lots))
        found = [
            _answers(matcher, *each) for each in ((plain, only), (words, only), (reserved, only), (words,))
        ]
        listed = {frozenset(esats.intersection(bidder[[*shown, *ask]].tolist())) for _, shown, ask in found}
        told = [text for match in matcher.answer(found[0][0]).matches for text in sentences(match.reasons)]
        some, same = some + bool(found[0][1]), same + (len(listed) == 1)
        said += any("% des" in text for text in told)
    print(
        f"20 searches by kind: {some} show some, {same} one list by filter, words and article, {said} the share"
    )


def _exposure(matcher: Matcher, tenders: Sequence[Tender]) -> list[Lot]:
    """Of bidders in reach of needs of trades that they probably have, those never in the first ten nor to be asked."""
    bidders, kinds = (matcher.catalogue.of_structure(name) for name in ("bidder", "kind"))
    reached, seen, lots = dict[int, str](), set[int](), []
    for tender in tenders:
        ranking, shown, ask = _answers(matcher, tender)
        reached |= {bidders[row]: kinds[row] or "-" for row in suitability.probable(ranking)}
        seen.update(bidders[[*shown[:10], *ask]].tolist())
        lots.append(ranking.shortlist.query.lot)
    never = Counter(kind for bidder, kind in reached.items() if bidder not in seen)
    counted = Counter(reached.values()).most_common()
    each = ", ".join(f"{kind} {never[kind] / many:.2f} of {many}" for kind, many in counted)
    print(f"never seen over {len(tenders)} needs {never.total() / len(reached):.3f} (at most 0.35): {each}")
    return lots


def _completions(matcher: Matcher, lots: Sequence[Lot], draw: int, chance: random.Random) -> None:
    """Structures that state in one sentence more a trade that they probably have, for a need of it where they are."""
    catalogue, needs = matcher.catalogue, dict[str, list[Lot]]()
    labels = [one.label for one in trades.trades()]
    whole = Tender(id="x", format="need", title="", lots=tuple(lots))
    for lot, asked in zip(lots, asks.read(whole), strict=True):
        for name in [name for name in asked.trades if name != INSERTION][:1]:
            needs.setdefault(labels[place(name)], []).append(lot)
    cases: list[tuple[Structure, Structure, Tender]] = []
    for row in chance.sample(range(len(catalogue)), len(catalogue)):
        who = catalogue.structure(row)
        likely = {label for label, _ in inferred_trades(catalogue, row)}
        has = sorted((likely | {one.label for one in skills.skills(who)}) & needs.keys())
        if who.kind and has and who.place.commune and len(cases) < draw:
            said = Offer(
                id=f"{who.siret}#plus", title=f"Nous faisons aussi : {(trade := chance.choice(has))}."
            )
            lot = replace(chance.choice(needs[trade]), places=(who.place,))
            cases.append((who, replace(who, offers=(*who.offers, said)), replace(whole, lots=(lot,))))
    made = [build_catalogue(some) for some in list(zip(*cases, strict=True))[:2]]
    before, after = (Matcher(one, matcher.recipe, exhaustive=True) for one in made)
    fell = [case for case in cases if (np.subtract(_stands(before, case), _stands(after, case)) > 1e-6).any()]
    print(f"completions: {len(fell)} of {len(cases)} lower the level or score that ranks them (none)")
    for who, _, need in fell:
        print(f"  {who.name} ({who.kind}) | {need.lots[0].title[:70]}")


def _stands(matcher: Matcher, case: tuple[Structure, Structure, Tender]) -> tuple[int, float]:
    """The level and score of a structure for its need."""
    ranking = matcher.rank(matcher.queries(case[2])[0])
    at = int(np.flatnonzero(ranking.shortlist.candidates == matcher.catalogue.row(case[0].siret))[0])
    return int(ranking.levels[at]), float(ranking.scores[at])


def _performers(matcher: Matcher, file: str, chance: random.Random, draw: int = 40) -> None:
    """Needs of what structures of a file say that they do, in their town: with that text, and when it is taken away."""
    catalogue, labels = matcher.catalogue, [one.label for one in trades.trades()]
    everyone = (catalogue.structure(row) for row in range(len(catalogue)))
    told = [s for s in everyone if s.kind and s.place.commune and any(file in o.source for o in s.offers)]
    said = [". ".join(offer.title for offer in one.offers if file in offer.source) for one in told]
    held = proposed.shipped().reader.read(np.asarray(catalogue.encoder.encode(said, role="passage")))
    read = [(who, labels[row.argmax()]) for who, row in zip(told, held, strict=True) if row.max() >= STATED]
    drawn = chance.sample(read, min(draw, len(read)))
    esat = [pair for pair in drawn if pair[0].kind in ("ESAT", "EA")]
    quiet = update_catalogue(catalogue, [replace(who, offers=(), description="") for who, _ in drawn])
    for how, at, some in (
        ("with text", catalogue, drawn),
        ("without", quiet, drawn),
        ("ESAT and EA without", quiet, esat),
    ):
        one, first, shown = Matcher(at, matcher.recipe), 0, 0
        for who, need in some:
            _, listed, ask = _answers(one, typed_need(need, (who.place,), whole=True))
            rows = np.flatnonzero(at.of_structure("siren") == who.siren)
            first += any(row in listed[:10] for row in rows)
            shown += any(row in (*listed, *ask) for row in rows)
        print(f"performers, {how}: in the first ten {first} of {len(some)}, shown or to be asked {shown}")


if __name__ == "__main__":
    app()
