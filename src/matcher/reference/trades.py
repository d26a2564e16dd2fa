"""Trades named in a text or implied by a code."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from types import MappingProxyType

from matcher.domain import LENDING_KINDS, Structure
from matcher.reference.paths import reference_dir
from matcher.reference.tables import assumptions, csv_rows
from matcher.reference.text import fold

READ_FIT = 0.75  # read elsewhere, such as on its site, rather than declared
UNKNOWN_FIT = 0.25  # the trades of this structure are unknown
INDIRECT_FIT = 0.5  # inferred from its NAF code alone, or it lends staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    name: str
    label: str
    written: str  # its words as the alternatives of a pattern: "tonte|tailles? de haies?"
    cpv: tuple[str, ...]
    naf: tuple[str, ...]
    within: tuple[str, ...] = ()  # the wider trades of which it is a part, "" for none of the taxonomy
    things: tuple[str, ...] = ()  # as patterns: who works on the ones does not work on the others

    @property
    def words(self) -> re.Pattern[str]:
        return _beginning(self.written)


@cache
def _beginning(words: str) -> re.Pattern[str]:
    """A pattern that is found at the beginnings of words of a folded text."""
    return re.compile(rf"(?<![a-z0-9])(?:{words})")


@cache
def trades() -> tuple[Trade, ...]:
    """The table of trades; words are matched at the beginning of a word, without accents or case."""
    return tuple(
        Trade(
            name=row["trade"],
            label=row["label"],
            written=row["words"],
            cpv=tuple(filter(None, row["cpv"].split("|"))),
            naf=tuple(filter(None, row["naf"].split("|"))),
            within=tuple(row["within"].split("|")) if row["within"] else (),
            things=tuple(filter(None, row["things"].split(";"))),
        )
        for row in csv_rows(reference_dir() / "trades.csv")
    )


@cache
def neighbours() -> frozenset[tuple[str, str]]:
    """Pairs of trades that one structure often does both of (`data/assumptions/neighbour_trades.csv`)."""
    names = {trade.name for trade in trades()}
    pairs = ((row["trade"], row["neighbour"]) for row in assumptions("neighbour_trades.csv"))
    return frozenset(pair for pair in pairs if names.issuperset(pair))


@cache
def related() -> Mapping[str, frozenset[str]]:
    """Trade -> itself, its neighbours, its parts and the trades that it is a part of."""
    found = {trade.name: {trade.name} for trade in trades()}
    parts = {(trade.name, wider) for trade in trades() for wider in trade.within if wider}
    for first, second in neighbours() | parts:
        found[first].add(second)
        found[second].add(first)
    return {name: frozenset(near) for name, near in found.items()}


_ALTERNATIVE = re.compile(r"\|(?![^(]{0,400}\))")
_BEGUN = re.compile(r"[a-z0-9]{2}(?![*?{])")
_WORD = re.compile(r"[a-z0-9]+")


@cache
def _by_beginning() -> Mapping[str, Sequence[Trade]]:
    """The trades by the two letters that a word of theirs begins with, "" where it may begin with others."""
    found: dict[str, dict[Trade, None]] = {"": {}}
    for trade in trades():
        for words in _ALTERNATIVE.split(trade.written):
            begun = _BEGUN.match(words)
            found.setdefault(begun[0] if begun else "", {})[trade] = None
    return {begun: tuple(those) for begun, those in found.items()}


def _in_words(folded: str) -> Iterator[tuple[Trade, re.Match[str]]]:
    """The trades whose words a folded text holds, each with its first match; few of them are searched for."""
    begun = _by_beginning()
    listed = (begun.get(word[:2], ()) for word in dict.fromkeys(_WORD.findall(folded)))
    for trade in dict.fromkeys(chain(begun[""], *listed)):
        if hit := trade.words.search(folded):
            yield trade, hit


def narrower(text: str, name: str) -> str:
    """The part of a trade that a text of this trade names ("biodéchets" of "collecte-dechets"), else the trade itself."""
    folded = fold(text)
    parts = (trade for trade in trades() if name in trade.within)
    return next((part.name for part in parts if part.words.search(folded)), name)


# not required: excluded, or a mere circumstance of another work
_EXCLUDED = re.compile(
    r"(?:hors|sauf|excepte|exception (?:de|du|des)|exclusion (?:de|du|des)|ne (?:comprend|concerne|porte) pas"
    r"|sans|non compris)[^.;:]{0,40}$"
)


_CHANCE = re.compile(
    r"(?:frais|prix|conditions|delai|charge|respect|visite|regles?) (?:de|du|des|d')\s*(?:la |l')?$"
)


_PIECE = re.compile(r"\s{0,9}(?:[,;:/+|]|\s(?:et|&|ou|ainsi que|dont|[-–—])\s)\s*", re.I)


@lru_cache(maxsize=5_000)  # titles of lots are looked up by many callers
def named(text: str) -> Mapping[str, str]:
    """Trade -> the piece of the text that names it, as published, in the order of the text.

    A text is cut at commas, "et" and the like; the first trade of a piece is the required one ("démolition
    des cloisons" requires demolition).  Exclusions ("hors électricité") do not count.
    """
    pieces: dict[str, str] = {}
    start = 0
    for piece in [*_PIECE.finditer(text), None]:
        end = piece.start() if piece else len(text)
        folded = fold(text[start:end])
        hits = []
        before = fold(text[max(0, start - 60) : start])
        for trade, hit in _in_words(folded):
            earlier = folded[: hit.start()]
            if not _CHANCE.search(earlier) and not _EXCLUDED.search(before + earlier):
                hits.append((hit.start(), -hit.end(), trade.name))
        if hits:
            pieces.setdefault(min(hits)[2], text[start:end].strip(" -–•;."))
        start = piece.end() if piece else end
    return MappingProxyType(pieces)


def trades_of_cpv(codes: Iterable[str]) -> dict[str, str]:
    """Trade -> the code that names it, by the longest prefix; codes that name none are left out."""
    code_of: dict[str, str] = {}
    for code in codes:
        if name := _trade_of_code(code):
            code_of.setdefault(name, code)
    return code_of


@cache
def trade_of_cpv(code: str) -> str | None:
    """The trade of a CPV code: that of the taxonomy, else by the longest beginning in cpv_trades.csv.

    "" where it is of no trade, None where what is bought by such a code varies.
    """
    if named := _trade_of_code(code):
        return named
    rows = (row for row in assumptions("cpv_trades.csv") if code.startswith(row["prefix"]))
    row = max(rows, key=lambda row: len(row["prefix"]), default={"trade": "", "varies": ""})
    return None if row["varies"] else row["trade"]


def _trade_of_code(code: str) -> str:
    """The trade with the longest prefix of a code; "" where none has one."""
    trade_of = _trades_by_prefix()
    return next((trade_of[code[:n]] for n in range(len(code), 2, -1) if code[:n] in trade_of), "")


@cache
def _trades_by_prefix() -> Mapping[str, str]:
    """The trade of each prefix of codes, of three digits at least; the last by name where several have it."""
    return dict(sorted((p, t.name) for t in trades() for p in t.cpv if len(p) >= 3))


def cover(asked: Sequence[str], structures: Sequence[Structure]) -> list[list[float]]:
    """Fit of each structure to each trade, 0 to 1; shape (trades, structures).

    1 where its offers name the trade, 0.5 where only its NAF does or where it lends staff, 0.25 where
    its trades are unknown, 0 where it is known for other trades only.
    """
    practised = [skills(structure) for structure in structures]
    return [
        [_fit(trade, structure, have) for structure, have in zip(structures, practised, strict=True)]
        for trade in asked
    ]


def _fit(trade: str, structure: Structure, have: Mapping[str, float]) -> float:
    fit = have.get(trade, 0.0)
    if fit < INDIRECT_FIT and structure.kind in LENDING_KINDS:  # they lend staff of many trades
        return INDIRECT_FIT
    vague = not have or set(have) <= {"insertion", "personnel"}
    return max(fit, UNKNOWN_FIT) if vague else fit


def skills(structure: Structure) -> Mapping[str, float]:
    """Trade -> confidence that this structure practises it: 1 stated by an offer or past award, 0.75 read elsewhere, 0.5 by its NAF code alone."""
    offers = structure.offers
    texts = [
        structure.name,
        structure.brand,
        structure.description,
        *(f"{o.title}. {o.text}" for o in offers if not o.inferred),
    ]
    read = ". ".join(f"{o.title}. {o.text}" for o in offers if o.inferred)
    codes = tuple(code for offer in offers for code in offer.cpv)
    return _skills(". ".join(filter(None, texts)), read, codes, structure.naf or "", tuple(structure.denied))


@lru_cache(maxsize=20_000)  # each structure is looked up for every lot
def _skills(
    text: str, read: str, cpv: tuple[str, ...], naf: str, denied: tuple[str, ...]
) -> Mapping[str, float]:
    fits = dict.fromkeys(named(text), 1.0) | dict.fromkeys(trades_of_cpv(cpv), 1.0)
    for name in named(read):
        fits.setdefault(name, READ_FIT)
    for trade in trades():
        if naf and naf.startswith(trade.naf):
            fits.setdefault(trade.name, INDIRECT_FIT)
    # who practises a part of a trade knows the trade, and who practises a trade may know its parts
    parts = {part.name: INDIRECT_FIT for part in trades() if any(name in fits for name in part.within)}
    wider = [(name, part.name) for part in trades() if part.name in fits for name in part.within if name]
    for name, fit in (parts | {name: min(fits[part], READ_FIT) for name, part in wider}).items():
        fits.setdefault(name, fit)
    return MappingProxyType({name: fit for name, fit in fits.items() if f"trade:{name}" not in denied})
