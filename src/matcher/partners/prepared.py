"""Lots of the notices indexed with a catalogue, read in advance: places, vectors, trades, what they require.

A structure that asks for its opportunities is then compared with lots that need not be read.  A lot is known by its whole
text: one that changed since is read anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_derived
from matcher.domain import ANSWERABLE, Lot, Place, Tender
from matcher.matching import clarity, demand, stored, trades
from matcher.matching.engine import Matcher
from matcher.matching.search import query_of
from matcher.matching.shortlist import Query

NAMES = ("made", "keys", "vectors", "trades", "told", "pieces")


def save(matcher: Matcher, tenders: Iterable[Tender], folder: Path) -> None:
    """Read the lots that structures may answer, and store them in the folder to which the catalogue is being saved."""
    asked = [tender for tender in tenders if tender.nature in ANSWERABLE and tender.lots]
    queries = [query for tender in asked for query in matcher.queries(tender)]
    if not queries or not matcher.judges:
        return
    needs = [trades.of_need(query) for query in queries]
    told = [_told(matcher.catalogue, *pair) for pair in zip(queries, needs, strict=True)]
    pieces = [piece for query in queries for piece in query.pieces]
    text = json.dumps(told, ensure_ascii=False).encode()
    save_derived(folder, {
        "lots_made": np.array(stored.fingerprint(matcher.catalogue)), "lots_trades": np.array(needs),
        "lots_keys": np.array([_key(query.tender, query.lot) for query in queries], dtype=np.uint64),
        "lots_vectors": np.array([query.vector for query in queries]), "lots_told": np.frombuffer(text, dtype=np.uint8),
        "lots_pieces": np.array(pieces, dtype=np.float32).reshape(-1, matcher.catalogue.encoder.dimension),
    })  # fmt: skip


def of(catalogue: Catalogue) -> Lots:
    """The lots stored with a catalogue; none where they were read by other models, tables or code."""
    return catalogue.once("prepared lots", lambda: Lots(catalogue))


class Lots:
    """Queries of lots by their text."""

    def __init__(self, catalogue: Catalogue) -> None:
        held: dict[str, Any] = {name: catalogue.derived.get(f"lots_{name}") for name in NAMES}
        made = held["made"]
        self._rows: dict[int, int] = {}
        if made is None or made.item() != stored.fingerprint(catalogue):
            return
        self._held = held
        self._rows = {key: row for row, key in enumerate(self._held["keys"].tolist())}
        self._told = json.loads(self._held["told"].tobytes())
        self._ends = np.cumsum([told["pieces"] for told in self._told]).tolist()

    def query(self, catalogue: Catalogue, tender: Tender, lot: Lot) -> Query | None:
        """The query of a lot, None where it is not stored."""
        row = self._rows.get(_key(tender, lot)) if self._rows else None
        if row is None:
            return None
        told, end = self._told[row], self._ends[row]
        located = tuple(codec.from_json(Place, place) for place in told["places"]), told["deduced"]
        found = query_of(
            catalogue, lot, tender, text=told["text"], vector=self._held["vectors"][row], located=located,
            pieces=tuple(self._held["pieces"][end - told["pieces"] : end]),
        )  # fmt: skip
        found.memo.keep("demand", told["demand"])
        found.memo.keep("trades asked", self._held["trades"][row])
        found.memo.keep("says need", told["says_need"])
        return found


def _key(tender: Tender, lot: Lot) -> int:
    return int(xxhash.xxh3_64_intdigest(codec.to_text(replace(tender, lots=(lot,)))))


def _told(catalogue: Catalogue, query: Query, asked: NDArray[np.float32]) -> dict[str, Any]:
    """What is said of a lot, as JSON."""
    encoder = catalogue.encoder
    return {
        "text": query.text, "places": [codec.to_json(place) for place in query.places], "deduced": query.deduced,
        "demand": dict(demand.of_query(query, asked)), "pieces": len(query.pieces),
        "says_need": bool(clarity.says_need(query.lot, query.text, query.vector, encoder)),
    }  # fmt: skip
