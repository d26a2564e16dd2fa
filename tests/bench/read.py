"""How well texts are read: figures over texts of authors who had seen no code, and random samples to be read by hand.

python tests/bench/read.py offers [--show]
    Recall of offers in three sets of 60 invented texts of three kinds (tests/data/said_texts*.txt), by set and kind; nothing was
    tuned on the third.
python tests/bench/read.py sheets
    Fields right of fields stated in invented spreadsheets, file by file, and what was read wrong.
python tests/bench/read.py night CATALOGUE [--draw 60] [--seed 1] [--notices]
    Counts of a night over the notices of a catalogue (lots, lots announced, structures notified), and pairs of lot and structure;
    with --notices of notice and structure, each by one of its lots: lots of one notice are one card of a digest.
python tests/bench/read.py counts CATALOGUE [--draw 300] [--seed 1]
    Needs at places, real and invented: the counts of the map (of trades), the potential, the list that its number opens, the lists of
    its reservations and the record that is kept of it; each that differs.

Mark each line of a sample relevant, doubtful or noise (true and useful, true, false) and count.
"""

import csv
import html
import io
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import typer

import sheets as invented
from matcher.domain import ANSWERABLE, Place, Reason, Structure
from matcher.matching.engine import Matcher
from matcher.matching.reasons import sentences
from matcher.outreach.batch import Options
from matcher.outreach.rules import Rules
from matcher.outreach.work import Task, matches_of
from matcher.reading import brochure, files, gather
from matcher.reference import places, toponyms, trades, typed_places
from matcher.territory import coverage
from matcher.territory.areas import Area, somewhere
from matcher.territory.counts import Desk

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
    shares = {"found": found / max(1, said), "wrong": wrong / max(1, found + wrong)}
    shares |= {"types right": types / max(1, typed)}
    counts = {"zones right": f"{zones} of {zoned}", "zones invented": invented}
    rounded = {name: round(share, 3) for name, share in shares.items()}
    return {"texts": len(chosen), "trades": said} | rounded | counts


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
            found = {_code(place) for place in typed_places.mentioned(row["text"])}
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


# ----------------------------------------------------------------------------------- the counts of a territory

TYPED = (
    "ménage de la médiathèque le soir", "débarrasser les archives et les vieux meubles", "laver les draps du foyer",
    "plateaux repas pour un séminaire", "tondre les ronds-points, tailler les haies", "peindre les grilles de l'école",
    "trier et recycler les papiers", "mise sous pli de la lettre du maire", "deux agents pour la déchèterie cet été",
    "réparer les vélos des agents", "conduire les enfants au centre de loisirs", "nettoyage des vitres et entretien du parc",
    "numériser les registres d'état civil", "construction d'un gymnase", "transport par hélicoptère", "café et biscuits",
)  # fmt: skip
WIDE = ("93", "59", "2A", "Finistère", "Gers", "974", "Rennes Métropole")  # zones that are no commune


@app.command()
def counts(catalogue: Path, draw: int = 300, seed: int = 1) -> None:
    from service.app import create_app

    from pages_client import PagesClient, signed_in
    from serving import settings_of

    chance, differ, some = random.Random(seed), 0, 0
    communes = sorted(places.communes(), key=lambda one: -one.population)[:4000]
    titles = [lot.title for t in gather.load_notices(catalogue) for lot in t.lots if 8 < len(lot.title) < 120]
    labels = {trade.name: trade.label for trade in trades.trades()}
    with tempfile.TemporaryDirectory() as home:
        service = create_app(settings_of(catalogue, Path(home), processes=0))
        with PagesClient(service) as page:
            signed_in(page, "buyer")
            desk = Desk(service.state.serving.get().matcher)
            for _ in range(draw):
                zone = chance.choice(WIDE) if chance.random() < 0.3 else chance.choice(communes).code
                trade = chance.choice(list(labels)) if chance.random() < 0.4 else ""
                need = labels.get(trade, chance.choice((*TYPED, *chance.sample(titles, len(TYPED)))))
                amount = chance.choice(("", "", "18 000", "250 k€", "4 M€")) if not trade else ""
                told = _counted(page, need, zone, amount)
                if trade:
                    where = Area(code=zone, label=zone, words=zone, place=somewhere(zone))
                    (cell,) = coverage.cover(desk, [], [where], trade=trade).cells
                    told["carte"] = (cell.count.likely, cell.count.plausible, cell.count.to_ask)
                some += any(map(any, told.values()))
                if len(set(told.values())) > 1 or not told:
                    differ += 1
                    print(f"- {need[:70]} | {zone} | {amount or 'sans montant'} : {told}")
    print(f"{draw} needs at places, {some} with some structure: {differ} differ")


def _counted(page: Any, need: str, zone: str, amount: str) -> dict[str, tuple[int, ...]]:
    """Who is to be called, checked first and asked about a need, by who says so; with a reservation that differs."""
    asked = {"need": need, "place": zone, "amount": amount}
    studied = html.unescape(page.post("/territoire/potentiel", data=asked).text)
    addresses = re.findall(r'<a href="(/acheteur/r/[^"]+)">([^<]+)</a>', studied)
    if not addresses:
        return {}
    (own, words), *reserved = addresses
    reference = own.removeprefix("/acheteur/r/")
    kept = page.post("/acheteur/fiches", data={"de": reference}, follow_redirects=False)
    lines = page.get(f"{kept.headers['location']}/export.json").json()["events"]
    bands = Counter(line["payload"]["band"] for line in lines if line["kind"] == "listed")
    told = {"potentiel": _in_words(words), "liste": _listed(page, own)}
    told["fiche"] = tuple(bands[f"à {what}"] for what in WHAT)
    for address, words in reserved:
        if (shown := _listed(page, address)) != _in_words(words):
            told |= {f"réservé {address[-30:]}": shown, "conseil": _in_words(words)}
    return told


WHAT = ("appeler", "vérifier", "interroger")


def _in_words(words: str) -> tuple[int, ...]:
    return tuple(int((re.findall(rf"(\d+) à {what}", words) or [0])[0]) for what in WHAT)


def _listed(page: Any, address: str) -> tuple[int, ...]:
    """The structures that the page of a list shows, by level."""
    text = page.get(f"{address}{'&' if '?' in address else '?'}tout=1").text
    parts = text.split('<aside id="carte"')[0].split('<details class="level"')
    called, *checked = (part.count('<li class="row"') for part in parts)
    return called, sum(checked), sum(part.count('<li><a href="/structure/') for part in parts[1:])


if __name__ == "__main__":
    app()
