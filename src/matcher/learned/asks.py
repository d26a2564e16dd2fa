"""What a lot asks for, read once: its trades and parts, its nature, who carries it, who answers such needs.

One linear model with several outputs (`matcher train asks`) reads the words of a lot, their vectors and its CPV codes.
A first reading gives each text weights of trades; the outputs then correct it by what labelled lots taught.  Numpy alone.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np

from matcher.domain import Asked, Lot, Part, Tender
from matcher.learned.encoders import Encoder, static
from matcher.reference import toponyms
from matcher.reference.arrays import F32, I8, I32, I64, Array, model_arrays
from matcher.reference.codes import cpv_label
from matcher.reference.law import is_concession
from matcher.reference.prose import support_trade, unreserved
from matcher.reference.text import fold, hashed, lot_part, shorten, tokens
from matcher.reference.trades import trade_of_cpv, trades, trades_of_cpv

READ_UP_TO = 600  # characters of a lot, as in training
#: Chances from which the likeliest trade, and a further one, are asked for; those of a lot with a code, which states its
#: main trade.
FIRST, MORE = 0.3, 0.35
FIRST_CODED, MORE_CODED = 0.35, 0.7
AS_LIKELY = 0.5  # of the chance of the likeliest: a further trade has that share of it at least
#: yearly amounts from which it counts more, as the logarithm to the base 10 over 100,000 euros
LARGE, HUGE = 0.5, 1.0
DOUBTED = 0.5  # chance of a trade below which it is not told of what nobody here carries
KNOWN = 0.01  # chances of trades below are left out
STATED = 0.5  # chance from which a text states a need
#: characters of a lot's own words, and weight of a trade from which they tell what is needed
SHORT, TELLS = 120, 0.45
MOST, LISTED, TOLD = 12, 10, 24  # parts of one lot; pieces of its title, and of its text, that are read
NAMES_A_TRADE = 0.3  # weight of the trade of a support, below which the words name none
#: of hashed words and pairs of words: of the outputs, of the first reading
BUCKETS, FIRST_BUCKETS = 2**16, 2**15
#: Outputs that exclude each other, and those that stand alone.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "nature": ("supply", "service", "works", "studies", "operation", "staff"),
    "carried": ("alone", "group", "beyond"),
    "served": ("yes", "clause", "no"),
}
ALONE = ("staff", "stated", "offered")
#: Codes of administration and social services, under which insertion is bought whatever the trade.
INSERTION_DIVISIONS = ("75", "85")
_WORD = re.compile(r"[a-z]{2,}")
_PIECE = re.compile(r"\s{0,9}(?:[,;:/+|•▪·‣\n]|\.\s|\s(?:et|&|ou|ainsi que|dont|[-–—])\s)\s*", re.I)


@cache
def names() -> tuple[str, ...]:
    """The trades of the taxonomy, in the order of every array."""
    return tuple(trade.name for trade in trades())


@dataclass(frozen=True, slots=True)
class Wording:
    """What is read of a lot: its own title, title and description, the title of the notice, codes, numbers."""

    title: str
    text: str
    context: str = ""
    codes: tuple[str, ...] = ()
    numbers: tuple[float, ...] = (0.0,) * 10


def wording(lot: Lot, tender: Tender) -> Wording:
    """The wording of a lot, of an insertion contract that of its support."""
    lot = supported(lot)
    begun = lot.description.startswith(lot.title.rstrip("…"))  # the title is the beginning of a typed need
    text = lot.description if begun else f"{lot.title}. {lot.description}"
    # a long need: the rest of its list counts as much as its beginning
    cut = begun and lot.title.endswith("…")
    amount = lot.amount if lot.currency == "EUR" and "amount" not in lot.inferred else None
    size = math.log10(max(amount, 1.0)) - 5 if amount else 0.0
    years = math.log2(max(lot.duration_months, 1.0) / 12) if lot.duration_months else 0.0
    yearly = size - math.log10(2) * max(years, 0.0) if amount else 0.0
    return Wording(
        title=lot_part(text[:READ_UP_TO] if cut else lot.title),
        text=_read_of(text),
        context="" if tender.title in lot.title else tender.title,
        codes=() if "cpv" in lot.inferred else lot.cpv,
        numbers=(
            size,
            float(bool(amount)),
            years,
            float(bool(lot.duration_months)),
            float(is_concession(tender)),
            float(lot.reserved),
            float(bool(lot.social_conditions)),
            yearly,
            max(yearly - LARGE, 0.0),
            max(yearly - HUGE, 0.0),
        ),
    )


@lru_cache(256)  # several readers ask it of a lot
def supported(lot: Lot) -> Lot:
    """The lot as its trade is told: that of an insertion contract is its support, of which its code says nothing."""
    whole = lot.description and lot.description.startswith(lot.title.rstrip("…"))
    trade = support_trade(lot.description[:READ_UP_TO] if whole else lot.title)
    # "insertion par le recours à des heures" names no trade of works
    if not trade or shipped().first_reading([trade])[0, _supports()].max() < NAMES_A_TRADE:
        return lot
    codes = tuple(code for code in lot.cpv if not code.startswith(INSERTION_DIVISIONS))
    return replace(lot, title=trade, description="", cpv=codes)


@cache
def _supports() -> I64:
    """The trades that can be the support of insertion: not insertion itself, nor staff or studies."""
    return np.flatnonzero([name not in ("insertion", "personnel", "etudes") for name in names()])


# ------------------------------------------------------------------------------------------ the model


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear model of vectors and hashed words (`buckets` of them known), in 8 bits with a scale for each output.

    `dense` (inputs, outputs), `words` (known buckets, outputs), `rarity` (known buckets,) their idf, `bias` (outputs,),
    `at` the row of each bucket in `words`, -1 where it was not seen.
    """

    dense: F32
    words: I8
    scale: F32
    rarity: F32
    bias: F32
    at: I32

    def logits(self, inputs: F32, terms: Sequence[tuple[Array, F32]]) -> F32:
        """Log-odds of each output; shape (len(inputs), outputs).  `terms` are rows of `words` and their weights."""
        z = inputs @ self.dense + self.bias
        for row, (at, weight) in zip(z, terms, strict=True):
            row += (weight @ self.words[at].astype(np.float32)) * self.scale
        return np.asarray(z, dtype=np.float32)


def unit(rarity: F32) -> F32:
    """Weights of the terms of a text by their rarity, of length 1."""
    return np.asarray(rarity / max(float(np.linalg.norm(rarity)), 1e-9), dtype=np.float32)


def first_terms(text: str) -> I64:
    """Buckets of the first reading of a text: its words and pairs of words."""
    return np.array(hashed(_WORD.findall(fold(text[:READ_UP_TO])), FIRST_BUCKETS), dtype=np.int64)


#: The texts of a wording, the prefix of their terms and the weight of each.
FIELDS = (("title", "t:", 1.0), ("text", "x:", 1.0), ("context", "w:", 0.5))
CODE_DIGITS, OTHER_CODE = (2, 3, 4, 5), 0.5


def terms(given: Wording) -> dict[str, dict[int, float]]:
    """Buckets by field, and their weights before rarity: stems and their pairs in each text, prefixes of codes."""
    fields: dict[str, dict[int, float]] = {}
    for name, prefix, worth in FIELDS:
        stems = [prefix + stem for stem in tokens(getattr(given, name))]
        fields[name] = dict.fromkeys(hashed(stems, BUCKETS), worth)
    codes: dict[int, float] = {}
    for place, code in enumerate(given.codes):
        for digits in CODE_DIGITS:
            (bucket,) = hashed([f"{'cpv' if not place else 'cpv+'}{code[:digits]}"], BUCKETS)
            codes[bucket] = max(codes.get(bucket, 0.0), 1.0 if not place else OTHER_CODE)
    fields["codes"] = codes
    return fields


def weighed(given: Wording, at: I32, rarity: F32) -> tuple[I64, F32]:
    """Rows of the known terms of a wording, and their weights; `at` is the row of each bucket, -1 where unknown."""
    rows, weights = [], []
    for name, buckets in terms(given).items():
        known = at[np.array([*buckets], dtype=np.int64)]
        worth = np.array([*buckets.values()], dtype=np.float32)[known >= 0]
        rows.append(known[known >= 0])
        weights.append(worth if name == "codes" else worth * unit(rarity[rows[-1]]))
    return np.concatenate(rows).astype(np.int64), np.concatenate(weights).astype(np.float32)


def rows_of(buckets: Array, width: int) -> I32:
    """The place of each bucket among these, -1 for others; (width,)."""
    at = np.full(width, -1, dtype=np.int32)
    at[buckets] = np.arange(len(buckets))
    return at


@dataclass(frozen=True, slots=True)
class Reader:
    """The first reading, the columns pooled over trades, and the outputs; see the module."""

    encoder: Encoder
    first: Linear
    pooled: F32  # weights of `pool`, shared by all trades
    outputs: Linear
    trusted: F32  # weight of the pooled columns in each trade, (trades,)

    def first_reading(self, texts: Sequence[str], vectors: F32 | None = None) -> F32:
        """Weights of each trade in texts, summing to at most 1; shape (len(texts), trades)."""
        read = [text[:READ_UP_TO] for text in texts]
        inputs = self.encoder.encode(read, role="query") if vectors is None else vectors
        seen = [self.first.at[first_terms(text)] for text in read]
        at = [some[some >= 0] for some in seen]
        z = self.first.logits(inputs, [(some, unit(self.first.rarity[some])) for some in at])
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray((z / z.sum(axis=1, keepdims=True))[:, : len(names())], dtype=np.float32)

    def read(self, given: Sequence[Wording]) -> tuple[F32, Mapping[str, F32]]:
        """Chances of each trade (lots, trades), and of the other outputs: (lots, choices) or (lots,).

        "told" is the weight of the clearest trade in the lot's own words, (lots,).
        """
        inputs, pools = self.inputs(given)
        known_terms = [weighed(one, self.outputs.at, self.outputs.rarity) for one in given]
        z = self.outputs.logits(inputs, known_terms)
        count = len(names())
        offset = pools @ self.pooled[:-1] + self.pooled[-1]
        chances = logistic(z[:, :count] + self.trusted * offset)
        found: dict[str, F32] = {}
        for name, choices in CHOICES.items():
            part = z[:, count : count + len(choices)]
            raised = np.exp(part - part.max(axis=1, keepdims=True))
            found[name] = np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
            count += len(choices)
        found |= {name: logistic(z[:, count + i]) for i, name in enumerate(ALONE)}
        return chances, found | {"told": inputs[:, -2]}

    def inputs(self, given: Sequence[Wording]) -> tuple[F32, F32]:
        """Dense inputs (lots, inputs), and the pooled columns (lots, trades, columns)."""
        title_pieces = [pieces(one.title)[:LISTED] or [one.title] for one in given]
        text_pieces = [pieces(one.text)[:TOLD] or [one.text] for one in given]
        labels = [cpv_label(one.codes[0]) if one.codes else "" for one in given]
        whole = (text for one in given for text in (one.title, one.text, one.context))
        texts = list(dict.fromkeys(chain(whole, labels, *title_pieces, *text_pieces)))
        vectors = self.encoder.encode([text[:READ_UP_TO] for text in texts], role="query")
        readings = self.first_reading(texts, vectors)
        at = {text: row for row, text in enumerate(texts)}
        title, text, context = (
            [at[getattr(one, name)] for one in given] for name in ("title", "text", "context")
        )
        label = [at[each] for each in labels]
        around, coded = (
            np.array([[float(bool(each))] for each in some], dtype=np.float32)
            for some in ([one.context for one in given], labels)
        )
        numbers = np.array([one.numbers for one in given], dtype=np.float32).reshape(len(given), -1)
        dense = [
            vectors[title],
            vectors[text],
            0.5 * around * vectors[context],
            0.7 * coded * vectors[label],
            readings[title],
            readings[text],
            numbers,
            readings[text].max(axis=1, keepdims=True),
            # how long a text is, 1 from six words on
            np.array([[min(len(one.text.split()), 6) / 6] for one in given]),
        ]
        listed, named = (
            np.stack([readings[[at[piece] for piece in each]].max(axis=0) for each in some])
            for some in (title_pieces, text_pieces)
        )
        first = readings[[at[each[0]] for each in title_pieces]]
        read = (readings[title], readings[text], around * readings[context], listed, first)
        pools = pool((*read, coded * readings[label], named), [one.codes for one in given])
        return np.concatenate(dense, axis=1, dtype=np.float32), pools


def logistic(z: Array) -> F32:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))), dtype=np.float32)


def _odds(weights: F32) -> F32:
    kept = np.clip(weights, 1e-3, 1 - 1e-3)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float32)


def pool(read: tuple[F32, ...], codes: Sequence[Sequence[str]]) -> F32:
    """Columns that mean the same for every trade: the first readings and what the codes say; (lots, trades, columns).

    `read` are readings of title, text, context, of the pieces of the title at most, of the first of them, of the label
    of the main code, and of the pieces of the text at most.
    """
    title, text, *_ = read
    shape, place = title.shape, {name: i for i, name in enumerate(names())}
    main, listed, other = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    for row, each in enumerate(codes):
        if each:
            trade = trade_of_cpv(each[0])
            other[row] = 1.0
            if trade:
                main[row, place[trade]] = 1.0
                other[row, place[trade]] = 0.0
        for trade in trades_of_cpv(each):
            listed[row, place[trade]] = 1.0
    share = [each / np.maximum(each.max(axis=1, keepdims=True), 1e-9) for each in (title, text)]
    rest = [np.broadcast_to(1 - each.sum(axis=1, keepdims=True), shape) for each in (title, text)]
    return np.stack([*map(_odds, read), *share, main, listed, other, *rest], axis=2).astype(np.float32)


@cache
def shipped(folder: Path | None = None) -> Reader:
    """The model of models/asks, read once.  Raises BadInput where it is absent or damaged."""
    with model_arrays("asks", folder) as arrays:
        return of_arrays(arrays, static.load())


def of_arrays(arrays: Mapping[str, Array], encoder: Encoder) -> Reader:
    """The reader of the arrays of a file."""

    def linear(name: str, width: int) -> Linear:
        given = {part: arrays[f"{name}_{part}"] for part in ("dense", "words", "scale", "rarity", "bias")}
        plain = {part: array.astype(np.float32) for part, array in given.items() if part != "words"}
        return Linear(**plain, words=given["words"], at=rows_of(arrays[f"{name}_buckets"], width))

    first, outputs = linear("first", FIRST_BUCKETS), linear("outputs", BUCKETS)
    pooled, trusted = (arrays[name].astype(np.float32) for name in ("pooled", "trusted"))
    return Reader(encoder, first, pooled, outputs, trusted)


# ------------------------------------------------------------------------------------------ of a tender


def read(tender: Tender) -> tuple[Asked, ...]:
    """What each lot of a tender asks for; to whom who searches reserves it is no part of that."""
    if any(lot.reservation and not lot.reserved for lot in tender.lots):
        texts = ((lot, unreserved(lot.title), unreserved(lot.description)) for lot in tender.lots)
        bare = tuple(replace(lot, title=title, description=text) for lot, title, text in texts)
        tender = replace(tender, title=unreserved(tender.title), lots=bare)
    wordings = [wording(lot, tender) for lot in tender.lots]
    if not wordings:
        return ()
    chances, others = shipped().read(wordings)
    return tuple(
        assembled(lot, tender, words, chances[i], {name: table[i] for name, table in others.items()})
        for i, (lot, words) in enumerate(zip(tender.lots, wordings, strict=True))
    )


def of_text(text: str) -> Asked:
    """What a text alone asks for."""
    return of_lot(Lot(id="text", title=text))


def of_lot(lot: Lot, tender: Tender | None = None) -> Asked:
    """What one lot asks for, of a tender where that is known."""
    whole = tender or Tender(id=lot.id, format="need", title=lot.title)
    return read(replace(whole, lots=(lot,)))[0]


def assembled(lot: Lot, tender: Tender, given: Wording, chances: F32, others: Mapping[str, Any]) -> Asked:
    """What a lot of this wording asks for by given chances, see `Reader.read`."""
    own, text = supported(lot), compared(lot)
    # the trade whose label is all that a typed need says, as a map asks for it
    bare = tender.format == "need" and tender.title == lot.title and not (lot.description or lot.cpv)
    said = fold(lot.title.strip(" ."))
    alone = next((trade.name for trade in trades() if bare and fold(trade.label) == said), "")
    lot = replace(lot, trades=(alone,)) if alone and not lot.trades else lot
    if lot.trades:  # as the user corrected it: codes of others tell nothing, and its words may not name it
        given = replace(given, codes=tuple(code for code in given.codes if trade_of_cpv(code) in lot.trades))
        unread = [
            trade.label
            for trade, p in zip(trades(), chances, strict=True)
            if trade.name in lot.trades and p < FIRST_CODED
        ]
        text = ". ".join([*unread, compared(replace(own, cpv=given.codes))])
        chances = np.array([float(name in lot.trades) for name in names()], dtype=np.float32)
    beyond = float(others["carried"][CHOICES["carried"].index("beyond")])
    if not (given.codes or lot.trades) and beyond > DOUBTED and max(chances, default=0.0) < DOUBTED:
        # "scanner à rayons X": its words resemble a trade that is not asked for
        chances = np.zeros_like(chances)
    places, deduced = toponyms.of_lot(lot, tender)
    natures, carriers, answers = (
        dict(zip(choices, others[name].tolist(), strict=True)) for name, choices in CHOICES.items()
    )
    if alone:  # a trade is one that structures have, and its name tells no size
        answers |= {"yes": answers["yes"] + answers["no"], "no": 0.0}
        carriers |= {"alone": carriers["alone"] + carriers["beyond"], "beyond": 0.0}
    if lot.nature:
        natures = {name: float(name == lot.nature) for name in natures}
    stated = lot.cpv or lot.reservation is not None or lot.clauses or lot.trades or given.context
    vague = len(given.text) <= SHORT and others["told"] < TELLS and own == lot
    return Asked(
        lot=lot.id,
        text=text,
        context=given.context if vague else "",
        codes=given.codes,
        chances={name: float(p) for name, p in zip(names(), chances, strict=True) if p >= KNOWN},
        parts=_parts(lot, given, chances),
        natures=cast("Any", natures),
        carriers=cast("Any", carriers),
        answers=cast("Any", answers),
        offered=float(others["offered"]),
        staff=natures["staff"] if lot.nature else float(others["staff"]),
        stated=bool(stated) or (any(map(str.isalpha, given.text)) and float(others["stated"]) >= STATED),
        places=places,
        deduced=deduced,
    )


def compared(lot: Lot) -> str:
    """The text by which a lot is compared: title, beginning of the description, label of its main CPV code."""
    lot = supported(lot)
    label = cpv_label(lot.cpv[0]) if lot.cpv and "cpv" not in lot.inferred else ""
    return ". ".join(part for part in (lot.title, _read_of(lot.description), label) if part)


def _read_of(text: str) -> str:
    """What is read of a text: its beginning, to the end of a word."""
    return text[:READ_UP_TO].rsplit(" ", 1)[0] if len(text) > READ_UP_TO else text


def told(chances: F32, coded: bool) -> list[int]:
    """The trades asked for by their chances, the likeliest first; `coded` where the lot has a CPV code."""
    order = np.argsort(-chances, kind="stable")[:MOST]
    first, more = (FIRST_CODED, MORE_CODED) if coded else (FIRST, MORE)
    least = max(more, AS_LIKELY * float(chances[order[0]]))
    return [int(i) for place, i in enumerate(order) if chances[i] >= (least if place else first)]


def _parts(lot: Lot, given: Wording, chances: F32) -> tuple[Part, ...]:
    kept = told(chances, bool(given.codes))
    if not kept:
        return ()
    words = _words_of(given, kept) if len(kept) > 1 else {kept[0]: given.title}
    total, taxonomy = float(chances[kept].sum()), trades()
    return tuple(
        Part(
            id=f"{lot.id}#{names()[i]}",
            trade=names()[i],
            label=taxonomy[i].label,
            share=float(chances[i]) / total,
            words=shorten(words.get(i) or taxonomy[i].label, 240),
            cpv=tuple(code for code in given.codes if trade_of_cpv(code) == names()[i]),
        )
        for i in kept
    )


def _words_of(given: Wording, kept: Sequence[int]) -> dict[int, str]:
    """The words that ask for each of these trades: its pieces of the title, else the plainest piece of the text.

    A piece of the title that names none of them stays with the one before it.
    """
    in_title, in_text = pieces(given.title), pieces(given.text)[:60]
    if not in_text:
        return {}
    readings = shipped().first_reading([*in_title, *in_text])[:, list(kept)]
    pieces_of: dict[int, list[str]] = {}
    trade = kept[0]
    for piece, row in zip(in_title, readings, strict=False):
        if row.max() >= NAMES_A_TRADE:
            trade = kept[int(row.argmax())]
        pieces_of.setdefault(trade, []).append(piece)
    found = {trade: ", ".join(listed) for trade, listed in pieces_of.items()}
    of_text = readings[len(in_title) :]
    for column, trade in enumerate(kept):
        best = int(of_text[:, column].argmax())
        if trade not in found and of_text[best, column] >= NAMES_A_TRADE:
            found[trade] = in_text[best]
    return found


def pieces(text: str) -> list[str]:
    """A text cut at commas, "et" and the like."""
    return list(dict.fromkeys(text[start:end].strip(" -–•;.") for start, end in spans(text)))


def spans(text: str) -> list[tuple[int, int]]:
    """Where the pieces of a text begin and end."""
    cuts = [match.span() for match in _PIECE.finditer(text)]
    ends = zip([0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)], strict=True)
    return [(start, end) for start, end in ends if any(map(str.isalpha, text[start:end]))]
