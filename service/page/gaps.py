"""What is missing in a structure's profile, and what each piece would bring it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from matcher.catalogue import denials
from matcher.domain import Lot, Structure, Tender
from matcher.reading.procedure import closing, open_at
from matcher.reference import trades
from service.snapshot import Snapshot

ADJACENT = 0.25  # least cosine between a trade and what a structure does, for the trade to be asked of it
TRADES = 4  # trades asked of a structure at once


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing piece, and what it would bring."""

    title: str
    gain: str
    lots: tuple[tuple[str, str], ...] = ()  # (notice, title of the lot)
    offer: str = ""  # the offer to add


def gaps(structure: Structure, snapshot: Snapshot) -> list[Gap]:
    """Missing facts, then trades close to its own that lots of its department ask for and that it does not name."""
    return [*_facts(structure), *_trades(structure, snapshot)]


def _facts(structure: Structure) -> Iterator[Gap]:
    if not any(o.nature == "offer" for o in structure.offers):
        yield Gap(
            "Décrivez au moins une offre",
            "sans offre décrite, vous n'êtes trouvé que par votre nom ou votre code NAF.",
        )
    if not structure.phone and not structure.email:
        yield Gap(
            "Donnez un téléphone ou un courriel",
            "un acheteur qui ne peut pas vous joindre passe à la structure suivante.",
        )
    if structure.zone is None and not any(o.zone for o in structure.offers):
        yield Gap(
            "Dites où vous intervenez",
            "sans zone, la distance seule décide : vous manquez les marchés un peu plus loin que vous servez pourtant.",
        )
    if structure.turnover is None:
        yield Gap(
            "Indiquez votre chiffre d'affaires",
            "il permet de vous proposer dans des groupements à votre mesure.",
        )


def _trades(structure: Structure, snapshot: Snapshot) -> Iterator[Gap]:
    wanted = _wanted(structure, snapshot)
    labels = {t.name: t.label for t in trades.trades()}
    similarity = _similarity(structure, snapshot, {trade: labels[trade] for trade in wanted})
    ranked = sorted(
        (-similarity[trade] * len(lots) ** 0.5, trade)
        for trade, lots in wanted.items()
        if similarity[trade] >= ADJACENT
    )
    for _, trade in ranked[:TRADES]:
        lots = wanted[trade]
        count = f"{len(lots)} lot{'s' if len(lots) > 1 else ''} de votre département"
        examples = tuple({title: (notice, title) for notice, title in lots}.values())[:3]
        yield Gap(
            f"Faites-vous aussi : {labels[trade]} ?",
            f"{count} le demandent en ce moment.",
            examples,
            labels[trade],
        )


def _wanted(structure: Structure, snapshot: Snapshot) -> dict[str, list[tuple[str, str]]]:
    """Trade that the structure neither names nor denies -> lots of its department that ask for it."""
    denied = snapshot.catalogue.denied.get(snapshot.catalogue.row(structure.siret), ())
    known = {name for name, sure in trades.skills(structure).items() if sure >= 1} | denials.trades(denied)
    department = structure.place.department
    wanted: dict[str, list[tuple[str, str]]] = {}
    for tender, lot, named in snapshot.once("trades", lambda: _asked(snapshot)):
        if department and not any(p.department == department for p in lot.places):
            continue
        for trade in named:
            if trade not in known:
                wanted.setdefault(trade, []).append((tender.id, lot.title))
    return wanted


def _similarity(structure: Structure, snapshot: Snapshot, labels: Mapping[str, str]) -> dict[str, float]:
    """How close each trade is to what the structure says it does (cosine with its nearest piece); 1 where it says nothing."""
    catalogue = snapshot.catalogue
    row = catalogue.row(structure.siret)
    rows = np.arange(catalogue.offsets[row], catalogue.offsets[row + 1])
    own = rows[catalogue.nature_mask(("offer", "description", "job"))[rows]]
    if not len(own) or not labels:
        return dict.fromkeys(labels, 1.0)
    pieces = np.asarray(catalogue.vectors[own], dtype=np.float32)
    asked = catalogue.encoder.encode(list(labels.values()), role="query")
    return dict(zip(labels, (asked @ pieces.T).max(axis=1).tolist(), strict=True))


def _asked(snapshot: Snapshot) -> list[tuple[Tender, Lot, tuple[str, ...]]]:
    """The lots that can still be answered, with the trades that their titles name."""
    moment = datetime.now(UTC)
    listed = snapshot.answerable()
    still = [t for t in listed if open_at(closing(t), t.published, moment)] or listed[:60]
    return [(tender, lot, tuple(trades.named(lot.title))) for tender in still for lot in tender.lots]
