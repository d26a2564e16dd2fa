"""What past awards say of two bidders: joint wins, similar trades and similar buyers.

Columns over the structures of a catalogue for one member, read from awards dated before the day asked and
from names.  The buyer of the query is never used: its former holders get no advantage.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days
from matcher.catalogue.filters import rare_name
from matcher.matching.shortlist import Column
from matcher.reference.text import plain_words

#: Column -> its weight, learnt from 347 past groups (`data/build/train_partners.py`), and its sentence in French.
AFFINITIES: Mapping[str, tuple[float, str]] = {
    "together": (0.6703, "ont déjà gagné ensemble"),
    "likeness": (0.1141, "a gagné un marché très proche de ceux de l'autre"),
    "profile": (0.7104, "ont des marchés semblables dans l'ensemble"),
    "trades": (0.1543, "travaillent dans les mêmes familles d'achat"),
    "buyers": (0.6316, "servent les mêmes acheteurs"),
    "departments": (0.6744, "travaillent dans les mêmes départements"),
    "names": (0.5741, "portent un nom en commun (même groupe ?)"),
}
COLUMNS = tuple(AFFINITIES)


def award_codes(catalogue: Catalogue) -> NDArray[np.int64]:
    """A number for the award of each evidence row: rows of one award share it; -1 for no award; shape (m,)."""

    def read() -> NDArray[np.int64]:
        ids = catalogue.in_payloads(r'^\{"id":\s*"(?P<found>[^"]*)"')
        codes = np.asarray(ids.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False))
        return np.where(catalogue.nature_mask(("award",)), codes.astype(np.int64), -1)

    return catalogue.once("award codes", read)


def affinities(catalogue: Catalogue, siren: str, as_of: date | None) -> Mapping[str, Column]:
    """One column per name of COLUMNS over all structures, higher is closer; all zero for an unknown member."""
    return catalogue.once("affinities", lambda: lru_cache(64)(partial(_affinities, catalogue)))(siren, as_of)


def _affinities(catalogue: Catalogue, siren: str, as_of: date | None) -> Mapping[str, Column]:
    n = len(catalogue)
    columns: dict[str, Column] = {name: np.zeros(n) for name in COLUMNS}
    own = np.flatnonzero(catalogue.of_structure("siren") == siren)
    if not len(own):
        return columns
    member = int(own[0])
    columns["names"] = _names(catalogue, member)
    awards = catalogue.nature_mask(("award",))
    if as_of is not None:
        awards = awards & (catalogue.of_row("since") < days(as_of))
    rows = np.flatnonzero(awards)
    owners = catalogue.owners[rows]
    bidder = catalogue.of_structure("bidder")
    mine = bidder[owners] == bidder[member]
    if not mine.any():
        return columns

    def per_structure(values: NDArray[Any]) -> Column:
        return np.asarray(np.bincount(owners, weights=values, minlength=n), dtype=np.float64)

    count = np.maximum(per_structure(np.ones(len(rows))), 1.0)

    def share(name: str, divide: int = 1, unknown: int = 0) -> Column:
        """The share of each one's awards whose value of a column is among the member's."""
        values = catalogue.of_row(name)[rows] // divide
        wanted = np.setdiff1d(values[mine], [unknown])
        return per_structure(np.isin(values, wanted)) / count

    codes = award_codes(catalogue)[rows]
    columns["together"] = np.log1p(per_structure(np.isin(codes, codes[mine]) & ~mine))
    vectors = np.asarray(catalogue.vectors[rows], dtype=np.float32)
    centre = vectors[mine].mean(axis=0)
    nearness = np.maximum(vectors @ (centre / (np.linalg.norm(centre) + 1e-9)), 0.0).astype(np.float64)
    best = np.zeros(n)
    np.maximum.at(best, owners, nearness)
    columns["likeness"] = best
    columns["profile"] = per_structure(nearness) / count
    columns["trades"] = share("cpv", 10**6)
    columns["buyers"] = share("buyer")
    columns["departments"] = share("department", unknown=-1)
    return columns


def _names(catalogue: Catalogue, member: int) -> Column:
    """Rarity of the rarest word that a name shares with the member's, 0 to 1: it reveals firms of one group."""
    shared = np.zeros(len(catalogue))
    for word in set(plain_words(catalogue.structures.column("name")[member].as_py())):
        if found := rare_name(catalogue, word):
            information, rows = found
            shared[rows] = np.maximum(shared[rows], information / np.log(max(len(catalogue), 2)))
    shared[member] = 0.0
    return shared


def together(catalogue: Catalogue, one: str, other: str, as_of: date | None = None) -> tuple[str, ...]:
    """Titles of the awards that two bidders won together before a day, newest first."""
    codes = award_codes(catalogue)
    known = codes >= 0
    if as_of is not None:
        known &= catalogue.of_row("since") < days(as_of)
    siren = catalogue.of_structure("siren")[catalogue.owners]
    both = np.intersect1d(codes[known & (siren == one)], codes[known & (siren == other)])
    rows = np.flatnonzero(known & (siren == one) & np.isin(codes, both))
    ordered = rows[np.argsort(-catalogue.of_row("since")[rows], kind="stable")]
    return tuple(catalogue.offer(int(row)).title for row in ordered)
