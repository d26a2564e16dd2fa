"""Lots of the notices indexed with a catalogue, read in advance: what they ask for, and their vectors.

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

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_derived
from matcher.domain import ANSWERABLE, Asked, Lot, Tender
from matcher.matching import stored
from matcher.matching.engine import Matcher
from matcher.matching.search import query_of
from matcher.matching.shortlist import Query

NAMES = ("made", "keys", "vectors", "texts", "asked")


def save(matcher: Matcher, tenders: Iterable[Tender], folder: Path) -> None:
    """Read the lots that structures may answer, and store them in the folder to which the catalogue is being saved."""
    asked = [tender for tender in tenders if tender.nature in ANSWERABLE and tender.lots]
    queries = [query for tender in asked for query in matcher.queries(tender)]
    if not queries or not matcher.judges:
        return
    text = json.dumps([codec.to_json(query.asked) for query in queries], ensure_ascii=False).encode()
    arrays = {
        "made": np.array(stored.fingerprint(matcher.catalogue)),
        "asked": np.frombuffer(text, dtype=np.uint8),
        "keys": np.array([_key(query.tender, query.lot) for query in queries], dtype=np.uint64),
        "vectors": np.array([query.vector for query in queries]),
        "texts": np.array([query.text for query in queries]),
    }
    save_derived(folder, {f"lots_{name}": values for name, values in arrays.items()})


def of(catalogue: Catalogue) -> Lots:
    """The lots stored with a catalogue; none where they were read by other models, tables or code."""
    return catalogue.once("prepared lots", lambda: Lots(catalogue))


class Lots:
    """Queries of lots by their text."""

    def __init__(self, catalogue: Catalogue) -> None:
        held: dict[str, Any] = {name: catalogue.derived.get(f"lots_{name}") for name in NAMES}
        self._rows: dict[int, int] = {}
        if held["made"] is not None and held["made"].item() == stored.fingerprint(catalogue):
            self._held, self._asked = held, json.loads(held["asked"].tobytes())
            self._rows = {key: row for row, key in enumerate(held["keys"].tolist())}

    def query(self, catalogue: Catalogue, tender: Tender, lot: Lot) -> Query | None:
        """The query of a lot, None where it is not stored."""
        row = self._rows.get(_key(tender, lot)) if self._rows else None
        if row is None:
            return None
        read = codec.from_json(Asked, self._asked[row])
        text, vector = str(self._held["texts"][row]), self._held["vectors"][row]
        return query_of(catalogue, lot, tender, read, text=text, vector=vector)


def _key(tender: Tender, lot: Lot) -> int:
    return int(xxhash.xxh3_64_intdigest(codec.to_text(replace(tender, lots=(lot,)))))
