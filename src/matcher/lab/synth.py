"""Synthetic structures and notices for load tests, resampled from trades, places and kinds that really occur.

No draw is uniform: places by the square root of their population, trades by the divisions of the CPV that
public buyers use, kinds and zones by what goes with the trade.  Texts are recombined from our own sample and
from the labels of the nomenclatures; numbers pass the Luhn check and belong to nobody (SIREN under 000 325 000
are not in the register, and those above 000 400 000 here are drawn outside of what a run of the sample uses).
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matcher import domain
from matcher.domain import Place, Structure, Tender
from matcher.reading import gather
from matcher.reference import codes, law, paths
from matcher.reference.identifiers import luhn
from matcher.reference.places import communes, locate
from matcher.reference.text import clean


def _shares(listed: str) -> dict[str, float]:
    return {name: float(share) for name, share in (pair.split(":") for pair in listed.split())}


#: Share of notices by CPV division, rounded from the counts of a year of French notices, and of all of them
#: together; the rest is drawn uniformly from the other divisions.
NAMED = 0.94
DIVISIONS = _shares(
    "45:0.36 71:0.10 50:0.06 90:0.07 79:0.06 33:0.05 72:0.04 77:0.04 55:0.03 60:0.03 85:0.03 80:0.03 39:0.02 66:0.02"
    " 92:0.02 98:0.02 34:0.02"
)
#: Kinds with their shares, as the State's lists and the sector's reports have them, rounded.
KINDS = _shares("ACI:.20 EI:.12 AI:.07 ETTI:.04 EA:.08 ESAT:.14 GEIQ:.02 SCOP:.08 ASSO:.17 ESUS:.05 SCIC:.03")
WAYS = ("Entretien et", "Prestations de", "Équipe dédiée :", "Atelier", "Service de", "Chantier :", "")
FORMS = ("Marché de", "Prestations de", "Accord-cadre :", "Travaux et services de", "")
NAMES = ("Atelier", "Les Chantiers", "Régie", "Association", "Ressources")
COLUMNS = "SIRET;Raison sociale;Type;Code postal;Ville;Activité;Description de l'activité;CPV;Courriel"


class _Piece(NamedTuple):
    """A text of a trade: a title, a sentence, its CPV."""

    title: str
    text: str
    cpv: str


@cache
def _drawn() -> tuple[dict[str, list[_Piece]], list[str], Any]:
    """Texts by CPV division, of our sample's offers and lots and the labels of the nomenclature; the divisions and their shares."""
    pieces: dict[str, list[_Piece]] = defaultdict(list)
    sample = paths.reference_dir().parent / "sample"
    if sample.is_dir():
        gathered = gather.gather([sample])
        offers = [(o.title, o.text, o.cpv) for structure in gathered.structures for o in structure.offers]
        lots = [(lot.title, lot.description, lot.cpv) for tender in gathered.tenders for lot in tender.lots]
        for title, text, cpv in offers + lots:
            if cpv:
                pieces[cpv[0][:2]].append(_Piece(title, text, cpv[0]))
    for code, label in sorted(codes.cpv_labels().items()):
        pieces[code[:2]].append(_Piece(label, "", code.ljust(8, "0")))
    divisions = sorted(pieces)
    named = np.array([DIVISIONS.get(d, 0.0) for d in divisions])
    other = (named == 0).astype(float)
    shares = NAMED * named / named.sum() + (1 - NAMED) * other / max(1.0, other.sum())
    return dict(pieces), divisions, shares / shares.sum()


@cache
def _towns() -> tuple[list[Place], Any]:
    """Communes with the chance of each: the square root of its population, since trades spread more than people."""
    towns = [one for one in communes(200) if one.latitude == one.latitude]
    places = [locate(Place(commune=one.code, postcode=(one.postcodes or (None,))[0])) for one in towns]
    chances = np.array([one.population**0.5 for one in towns])
    return places, chances / chances.sum()


def _luhn(stem: str) -> str:
    """The stem with the digit that makes it pass the Luhn check."""
    return next(number for digit in "0123456789" if luhn(number := stem + digit))


def siret(number: int) -> str:
    """A SIRET that passes both checks, of SIREN 00X XXX XXX: a different one for each number up to 29,999,999."""
    return _luhn(_luhn(f"{number:08d}") + "0001")


def structures(n: int, seed: int = 0, offers: float = 3.0) -> Iterator[Structure]:
    """`n` structures with about `offers` offers each, the same for a seed; the number i is always structure i."""
    pieces, divisions, shares = _drawn()
    places, chances = _towns()
    kinds, weights = zip(*KINDS.items(), strict=True)
    size = 10_000
    for low in range(0, n, size):
        chance = np.random.default_rng((seed, low))
        where = chance.choice(len(places), size=size, p=chances)
        what = chance.choice(len(divisions), size=(size, 2), p=shares)
        kind = chance.choice(len(kinds), size=size, p=np.array(weights) / np.sum(weights))
        many = 1 + chance.poisson(offers - 1, size=size).clip(max=12)
        dice = chance.random((size, 6))
        for i in range(min(size, n - low)):
            bare = _structure(low + i, places[where[i]], kinds[kind[i]], dice[i])
            trades = [divisions[d] for d in what[i]]
            yield replace(bare, offers=tuple(_offers(bare, trades, int(many[i]), dice[i], pieces, chance)))


def _structure(number: int, place: Place, kind: str, dice: Any) -> Structure:
    return Structure(
        siret=siret(1_000_000 + number),
        name=f"{NAMES[int(dice[1] * 5)]} {place.label} {number}",
        kind=kind,
        place=place,
        email=f"s{number}@example.org",
        active=bool(dice[2] > 0.02),
        headcount=float(round(5 + 60 * dice[3] ** 2)),
        turnover=float(round(2e5 + 3e6 * dice[4] ** 3)),
        source="synth",
    )


def _offers(
    of: Structure, divisions: list[str], many: int, dice: Any, pieces: dict[str, list[_Piece]], chance: Any
) -> Iterator[domain.Offer]:
    near = domain.Zone(radius_km=float(20 + 10 * int(dice[0] * 8)))
    zone = near if dice[0] < 0.6 else domain.Zone(departments=(of.place.department or "75",))
    types = ("DISP",) if of.kind in domain.LENDING_KINDS else ("PREST",)
    for j in range(many):
        # four offers in five are of the first trade: structures have one
        pool = pieces[divisions[0] if j == 0 or chance.random() < 0.8 else divisions[1]]
        piece = pool[int(chance.integers(len(pool)))]
        title = f"{WAYS[int(chance.integers(len(WAYS)))]} {piece.title}".strip()
        words: dict[str, Any] = {"title": title, "text": piece.text, "cpv": (piece.cpv,)}
        id = f"{of.siret}#{j + 1}"
        yield domain.Offer(id=id, **words, zone=zone, source="synth", service_types=types)


def tenders(n: int, seed: int = 1, lots: float = 3.0, day: date | None = None) -> Iterator[Tender]:
    """`n` notices with about `lots` lots each, published on `day`, open for five weeks; the same for a seed."""
    pieces, divisions, shares = _drawn()
    places, chances = _towns()
    chance = np.random.default_rng((seed, 7))
    published = day or datetime.now(UTC).date()
    due = datetime.combine(published + timedelta(days=35), datetime.min.time(), UTC).replace(hour=11)
    for i in range(n):
        place = places[int(chance.choice(len(places), p=chances))]
        division = divisions[int(chance.choice(len(divisions), p=shares))]
        id = f"S{seed}-{i}"
        many = 1 + int(chance.poisson(lots - 1))
        made = []
        for j in range(many):
            own = j == 0 or chance.random() < 0.6
            pool = pieces[division if own else divisions[int(chance.choice(len(divisions), p=shares))]]
            piece = pool[int(chance.integers(len(pool)))]
            title = f"{FORMS[int(chance.integers(len(FORMS)))]} {piece.title}".strip()
            reserved = domain.Reservation(articles=(law.INSERTION,)) if chance.random() < 0.02 else None
            hours = [float(100 * chance.integers(1, 40))] if chance.random() < 0.15 else []
            made.append(
                domain.Lot(
                    id=f"{id}-{j + 1}",
                    number=str(j + 1),
                    title=title,
                    description=clean(f"{piece.text} {place.label}"),
                    cpv=(piece.cpv,),
                    places=(place,),
                    amount=float(round(10 ** chance.uniform(4, 6.3))),
                    deadline=due,
                    reservation=reserved,
                    clauses=tuple(domain.Clause(hours=each) for each in hours),
                )
            )
        yield Tender(
            id=id,
            format="boamp",
            title=f"{made[0].title} à {place.label}",
            published=published,
            deadline=due,
            buyer=domain.Buyer(id=siret(2_000_000 + i), name=f"Commune de {place.label}", place=place),
            lots=tuple(made),
            reference=f"{published.year}-{i:05d}",
            documents_url=f"https://example.org/{id}",
        )


def write(folder: Path, n_structures: int, n_tenders: int, seed: int = 0) -> tuple[Path, Path]:
    """Write a directory (CSV, one row an offer) and a file of notices (JSONL of a catalogue), for loads."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "structures.csv"
    with listed.open("w", encoding="utf-8", newline="") as sink:
        out = csv.writer(sink, delimiter=";")
        out.writerow(COLUMNS.split(";"))
        for s in structures(n_structures, seed):
            own = [s.siret, s.name, s.kind, s.place.postcode, s.place.label]
            out.writerows([*own, o.title, o.text, o.cpv[0], s.email] for o in s.offers)
    gather.save_notices(tenders(n_tenders, seed + 1), folder)
    return listed, folder / gather.NOTICES
