"""A small town at night: structures and notices invented for the tests of the batch and of its digests."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Buyer, Lot, Offer, Place, Recipe, Structure, Tender
from matcher.outreach import batch, intake
from matcher.outreach.rules import Rules
from matcher.records.store import Store
from matcher.records.tables import Digest
from matcher.reference.french import PARIS

MOMENT = datetime(2026, 11, 24, 9, 0, tzinfo=PARIS)  # a Tuesday, within sending hours
TRADES = {
    "tonte": ("Entretien des espaces verts", "tonte des pelouses et taille des haies", "77310000"),
    "menage": ("Nettoyage de bureaux", "ménage des bureaux, vitrerie et sanitaires", "90919200"),
    "repas": ("Livraison de repas", "préparation et livraison de repas en liaison froide", "55520000"),
}
RECIPE = Recipe(encoder="hashing")
_MONTREUIL = Place(label="Montreuil", department="93")
BUYER = Buyer(id="21930048600010", name="Commune de Montreuil", place=_MONTREUIL)


def siret(number: int) -> str:
    return f"0002{number:05d}00015"


def structures(each: int = 8) -> list[Structure]:
    """`each` structures a trade, in three departments."""
    made = []
    for t, (trade, (title, text, cpv)) in enumerate(TRADES.items()):
        for i in range(each):
            number = 100 * (t + 1) + i
            department = ("93", "75", "94")[i % 3]
            offer = Offer(id=f"{number}#1", title=title, text=text, cpv=(cpv,))
            where, kind = Place(label="Montreuil", department=department), ("EI", "ACI", "ESAT")[i % 3]
            mail = {"email": f"{trade}{i}@example.org", "source": "annuaire d'essai"}
            own = {"kind": kind, "place": where, "offers": (offer,), **mail}
            made.append(Structure(siret=siret(number), name=f"Atelier {trade} {i}", **own))
    return made


def tender(id: str, *trades: str, **facts: Any) -> Tender:
    """A notice of Montreuil with one lot a trade, open for three weeks."""
    place = Place(label="Montreuil", department="93")
    lots = tuple(
        Lot(id=f"{id}-{n}", number=str(n), title=title, description=text, cpv=(cpv,), places=(place,))
        for n, (title, text, cpv) in enumerate(map(TRADES.__getitem__, trades or ("tonte",)), 1)
    )
    given: dict[str, Any] = {"format": "boamp", "title": f"Services {id}", "buyer": BUYER, "lots": lots}
    given |= {"published": date(2026, 11, 23), "deadline": MOMENT + timedelta(days=21)}
    given |= {"documents_url": f"https://example.org/dossier/{id}"} | facts
    return Tender(id=id, **given)


def correction(id: str, of: str, **facts: Any) -> Tender:
    return replace(tender(id, nature="correction", related=(of,), title="Rectificatif"), lots=(), **facts)


def catalogue(folder: Path, listed: list[Structure] | None = None) -> Path:
    made = build_catalogue(structures() if listed is None else listed, recipe=RECIPE)
    save_catalogue(made, folder)
    return folder


def mails(store: Store, day: int | None = None) -> dict[str, dict[str, Any]]:
    """Addressee -> content of its digest, of a day after MOMENT, or the last of each."""
    which = [] if day is None else [Digest.day == (MOMENT + timedelta(days=day)).date()]
    rows = store.ask(select(Digest.addressee, Digest.content).where(*which).order_by(Digest.day))
    return {row.addressee: row.content for row in rows}


def night(
    store: Store, folder: Path, *tenders: Tender, day: int = 0, hold: bool = False, **rules: Any
) -> intake.Summary:
    """One run, `day` days after MOMENT."""
    options = batch.Options(rules=Rules(floor=0.0005, **rules), hold=hold)
    return batch.run(store, folder, tenders, options, moment=MOMENT + timedelta(days=day))


def told(
    store: Store, folder: Path, *tenders: Tender, day: int = 0, **options: Any
) -> dict[str, dict[str, Any]]:
    """The mails of one run, by addressee."""
    night(store, folder, *tenders, day=day, **options)
    return mails(store, day)
