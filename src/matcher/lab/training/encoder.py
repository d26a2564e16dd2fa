"""Fit the static encoder: a vocabulary, a vector a piece, by contrast between pairs of texts.

Loss: in-batch multiple negatives (Henderson et al., 2017), in both directions, on cosines times `scale`.
The length of a row is the learnt weight of its piece.  A vector is made of parts that are learnt apart and laid
side by side: one reads awards and nomenclatures, one separates offers that serve from offers that tempt.  Learnt
together, more of the second is less of the first (docs/encoder.md).  A part may learn a linear map of what is asked
stored with its vectors: an offer that repeats a word of the need is then no nearer for that alone.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import block_diag

from matcher.console import progress
from matcher.lab import published
from matcher.lab.training import CARDS, write_card
from matcher.lab.training.texts import Material, Pair, gather
from matcher.learned.encoders import static
from matcher.reference.arrays import F32, F64, I64

#: The files of the sentence-transformers layout that say how a model is read, and the share of each sort of pairs.
_GIVEN = json.loads((CARDS / "encoder.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Settings:
    """The settings of a part's training, apart from the data."""

    vocabulary: int = 12_000
    dimension: int = 384  # learnt
    axes: int = 192  # kept of them: those of the widest spread
    length: float = 1.0  # of the rows, relative to those of the other parts
    steps: int = 700
    batch: int = 1_024
    scale: float = 8.0  # cosines are multiplied by it: low, so that unrelated texts are pushed to 0
    rate: float = 0.01
    whiten: float = 0.25  # how far the spread of the directions is evened out at the end: 0 not, 0.5 wholly
    drop: float = 0.3  # share of pieces left out at random while learning
    choice: float = 0.0  # weight of a loss of its own for the offer that serves against those that tempt
    choice_scale: float = 16.0  # cosines are multiplied by it there
    turn: float = 0.0  # learning rate of the query projection, as a share of `rate`; 0: no projection
    runs: int = 1  # runs from one initialisation, with different random draws, averaged
    seed: int = 0
    shares: dict[str, float] = field(default_factory=lambda: dict(_GIVEN["shares"]))


AWARDS = Settings()
OFFERS = Settings(
    dimension=192,
    length=0.85,
    steps=1_180,
    whiten=0.0,
    choice=1.0,
    turn=0.1,
    runs=3,
    shares=AWARDS.shares | {"choices": 12.0, "more choices": 15.0, "more offers": 1.0, "more labels": 0.4},
)
PARTS = (AWARDS, OFFERS)


BROKEN = "\ufffd"
#: Words whose destroyed accent (U+FFFD) is not an e; elsewhere e is right 19 times of 20 in the awards.
_RESTORED = """ma?tr:maitr b?t:bat contr?l:control h?pit:hopit h?tel:hotel fa?ad:facad ma?on:macon fa?on:facon
fran?ais:francais pl?tr:platr ch?teau:chateau p?le:pole c?te:cote ?uvre:oeuvre r?le:role cl?tur:clotur ao?t:aout c?bl:cabl
d?ment:dument"""
RESTORED = dict(pair.replace("?", BROKEN).split(":") for pair in _RESTORED.split())
TAG = "<[^<>]{1,200}>|&[a-z#0-9]{1,8};"
BROKEN_LETTER = "(?<=[a-zà-ÿ])\\x{FFFD}|\\x{FFFD}(?=[a-zà-ÿ])"
NO_WORD = "[^a-z0-9]+"
NUMBER = "\\b[0-9]*[0-9]{3}[a-z0-9]*\\b"  # references and years carry no information on the trade


def learn_vocabulary(texts: Sequence[str], settings: Settings) -> Any:
    """A `tokenizers.Tokenizer`: unigram pieces; piece 0 is unknown."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.Unigram())
    replace = normalizers.Replace
    steps = [
        normalizers.Lowercase(),
        replace(Regex(TAG), " "),
        *(replace(old, new) for old, new in RESTORED.items()),
        replace(Regex(BROKEN_LETTER), "e"),
        replace("œ", "oe"),
        normalizers.NFKD(),
        normalizers.StripAccents(),
        replace(Regex(NO_WORD), " "),
        replace(Regex(NUMBER), " "),
        normalizers.Strip(),
    ]
    tokenizer.normalizer = normalizers.Sequence(steps)  # the part of tokenizer.json that every reader applies
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    unknown: dict[str, Any] = {"special_tokens": ["<unk>"], "unk_token": "<unk>"}
    trainer = trainers.UnigramTrainer(vocab_size=settings.vocabulary, show_progress=False, **unknown)
    tokenizer.train_from_iterator(texts, trainer)
    # The trainer's threads leave ties in any order and the last digits to chance: both are settled here.
    pieces = [(p, round(s, 6)) for p, s in json.loads(tokenizer.to_str())["model"]["vocab"]]
    ordered = pieces[:1] + sorted(pieces[1:], key=lambda i: (-i[1], i[0]))
    tokenizer.model = models.Unigram(ordered, 0, False)
    return tokenizer


@dataclass
class _Rows:
    """Tokenised texts, flat: pieces of text i are ids[starts[i]:starts[i + 1]]."""

    ids: I64
    starts: I64

    def take(self, rows: I64) -> tuple[I64, I64]:
        lengths = self.starts[rows + 1] - self.starts[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        index = np.repeat(self.starts[rows] - offsets, lengths) + np.arange(lengths.sum())
        return self.ids[index], offsets


@dataclass
class _Indexed:
    left: I64
    right: I64
    key: I64
    wrong: I64  # (pairs, wrong ones of each)


def _index(pairs: Sequence[Pair], row: dict[str, int]) -> _Indexed:
    keys = {k: i for i, k in enumerate(dict.fromkeys(pair.key for pair in pairs))}
    rows = [(row[pair.left], row[pair.right], keys[pair.key]) for pair in pairs]
    wrong = [[row[text] for text in pair.wrong] for pair in pairs]
    left, right, key = np.array(rows).T.copy()
    return _Indexed(left, right, key, np.array(wrong, dtype=np.int64).reshape(len(pairs), -1))


def latent_semantics(rows: _Rows, size: int, settings: Settings) -> F32:
    """First vectors: singular vectors of TF-IDF (Deerwester et al., 1990), without the common first direction.

    Shape (size, dimension).  The length of a row starts as its inverse document frequency.
    """
    from scipy.sparse import csr_matrix, diags
    from sklearn.preprocessing import normalize
    from sklearn.utils.extmath import randomized_svd

    texts = len(rows.starts) - 1
    counts = csr_matrix((np.ones(len(rows.ids), np.float32), rows.ids, rows.starts), (texts, size))
    counts.sum_duplicates()
    rarity = np.log((texts + 1) / (np.bincount(counts.indices, minlength=size) + 1)).astype(np.float32)
    counts.data = 1 + np.log(counts.data)
    weighted = counts @ diags(rarity)
    _, values, directions = randomized_svd(
        normalize(weighted), settings.dimension + 1, n_iter=4, random_state=settings.seed
    )
    vectors = directions[1:].T / np.sqrt(values[1:]) * rarity[:, None]
    scaled: F32 = (vectors / np.sqrt((vectors**2).sum(axis=1).mean())).astype(np.float32)
    return scaled


def even_out(vectors: F32, texts: tuple[I64, I64], power: float) -> F64:
    """A map to the principal axes of some texts, widest first, each divided by its spread to a power: shape (d, d).

    Texts that share nothing then stand nearer to cosine 0, which a sum over several awards needs: else a
    supplier gains by the mere number of its awards (Mu and Viswanath, 2018, on common directions).
    """
    ids, offsets = texts
    sums = np.add.reduceat(vectors[ids], offsets, axis=0)
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    values, axes = np.linalg.eigh((sums.T @ sums / len(sums)).astype(np.float64))
    order = np.argsort(-values)
    evened: F64 = axes[:, order] / np.maximum(values[order], 1e-9) ** (power / 2)
    return evened


def without_common(turn: F64, vectors: F32, asked: tuple[I64, I64]) -> F64:
    """The query projection, shape (d, d), without the direction that all projected queries share.

    That direction would favour some offers whatever the query.
    """
    ids, offsets = asked
    sums = np.add.reduceat(vectors[ids], offsets, axis=0) @ turn
    mean = (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)).mean(axis=0)
    common = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return np.asarray(turn @ (np.eye(len(turn)) - np.outer(common, common)))


class Fitted(NamedTuple):
    """A tokenizer, the vectors of its pieces, and the query projection."""

    tokenizer: Any
    vectors: F32  # (vocabulary, dimension)
    turn: F32  # (dimension, dimension): applied to a query's sum of rows


def fit(material: Material, *parts: Settings) -> Fitted:
    """Vectors of as many dimensions as axes are kept of the parts together.

    A part reads the pairs that it has a share for; the vocabulary is that of the texts of the first one.  The same
    seed and data give the same up to rounding.
    """
    tokenizer = learn_vocabulary(material.texts(parts[0].shares), parts[0])
    learnt = [_part(material, part, tokenizer) for part in parts]
    turn = block_diag(*(turn for _, turn in learnt)).astype(np.float32)
    return Fitted(tokenizer, np.hstack([vectors for vectors, _ in learnt]), turn)


def _part(material: Material, settings: Settings, tokenizer: Any) -> tuple[F32, F64]:
    """The vectors of one part, (vocabulary, axes kept), and its query projection, (axes, axes).

    A map learnt in more dimensions than are kept loses what came from those left out.
    """
    texts = material.texts(settings.shares)
    ids = [e.ids for e in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
    starts = np.concatenate([[0], np.cumsum([len(i) for i in ids])]).astype(np.int64)
    rows = _Rows(np.fromiter((x for i in ids for x in i), np.int64, starts[-1]), starts)
    number = {t: i for i, t in enumerate(texts)}
    named = {n: _index(p, number) for n, p in material.pairs.items() if len(p) and settings.shares.get(n)}
    first = latent_semantics(rows, tokenizer.get_vocab_size(), settings)
    runs = [_learn(rows, named, first, settings, settings.seed + i) for i in range(settings.runs)]
    learnt, turn = (np.mean(each, axis=0) for each in zip(*runs, strict=True))
    learnt[0] = 0  # an unknown piece says nothing
    objets = np.unique(named["objet-label"].left)
    evened = even_out(learnt, rows.take(objets), settings.whiten)
    kept = (learnt @ evened)[:, : settings.axes]
    scaled = kept / np.sqrt((kept**2).sum(axis=1).mean()) * settings.length
    projected = (np.linalg.inv(evened) @ turn @ evened)[: settings.axes, : settings.axes]
    needs = [pairs.left for pairs in named.values() if pairs.wrong.size]
    if settings.turn and needs:
        projected = without_common(projected, scaled, rows.take(np.unique(np.concatenate(needs))))
    return scaled.astype(np.float32), projected


def _learn(
    rows: _Rows, named: dict[str, _Indexed], first: F32, settings: Settings, seed: int
) -> tuple[F32, F32]:
    """The vectors of the pieces after one run of steps from the first ones, and the query projection."""
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    torch.set_num_threads(1)  # sums in one order, whatever the machine has
    torch.use_deterministic_algorithms(True)
    rng = np.random.default_rng(seed)
    names = list(named)
    shares = np.array([settings.shares[n] for n in names])
    shares /= shares.sum()
    size, dimension = first.shape
    begun = torch.tensor(first, dtype=torch.float32)
    table = torch.nn.EmbeddingBag(size, dimension, mode="sum", _weight=begun)
    turn = torch.nn.Parameter(torch.eye(dimension), requires_grad=settings.turn > 0)
    rates: list[dict[str, Any]] = [{"params": list(table.parameters()), "lr": settings.rate}]
    rates += [{"params": [turn], "lr": settings.rate * settings.turn}] if settings.turn else []
    optimiser = torch.optim.Adam(rates, lr=settings.rate, betas=(0.9, 0.99), fused=True)
    ramp: dict[str, Any] = {"total_steps": settings.steps, "pct_start": 0.1, "anneal_strategy": "linear"}
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [rate["lr"] for rate in rates], **ramp)

    def embed(which: I64, asked: bool = False) -> Any:
        ids, offsets = rows.take(which)
        keep = torch.tensor(rng.random(len(ids)) >= settings.drop, dtype=torch.float32)
        summed = table(torch.from_numpy(ids), torch.from_numpy(offsets), per_sample_weights=keep)
        return functional.normalize(summed @ turn if asked and settings.turn else summed)

    for _ in progress(range(settings.steps), "training the encoder"):
        chosen = named[names[rng.choice(len(names), p=shares)]]
        size = len(chosen.left)
        drawn = rng.choice(size, min(settings.batch, size), replace=False)
        key, left, right = chosen.key[drawn], chosen.left[drawn], chosen.right[drawn]
        a, b = embed(left, asked=True), embed(right)
        same = (key[:, None] == key[None]) | (right[:, None] == right[None]) | (left[:, None] == left[None])
        np.fill_diagonal(same, False)
        scores = (a @ b.T * settings.scale).masked_fill(torch.from_numpy(same), -1e4)
        target = torch.arange(len(drawn))
        tempting = chosen.wrong[drawn]
        ahead, apart = scores, torch.zeros(())
        if tempting.size:  # distractors are compared with their own need only
            c = embed(tempting.ravel()).reshape(*tempting.shape, -1)
            hard = torch.einsum("nd,nkd->nk", a, c)
            ahead = torch.hstack([scores, hard * settings.scale])
            own = torch.hstack([(a * b).sum(dim=1, keepdim=True), hard]) * settings.choice_scale
            apart = settings.choice * functional.cross_entropy(own, torch.zeros_like(target))
        loss = (functional.cross_entropy(ahead, target) + functional.cross_entropy(scores.T, target)) / 2
        loss = loss + apart
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return table.weight.detach().numpy().copy(), turn.detach().numpy().copy()


def save(fitted: Fitted, out: Path, *parts: Settings) -> None:
    """Write the sentence-transformers layout: a StaticEmbedding, then a Router that projects queries (`task="query"`)."""
    from safetensors.numpy import save_file

    tokenizer, vectors, turn = fitted
    dense, size = f"{static.PROJECTION}/config.json", {"in_features": len(turn), "out_features": len(turn)}
    configs = {**_GIVEN["layout"], "training.json": [asdict(part) for part in parts]}
    for path, config in {**configs, dense: configs[dense] | size}.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    table = out / "0_StaticEmbedding"
    table.mkdir(parents=True, exist_ok=True)
    tokenizer.no_padding()
    tokenizer.save(str(table / "tokenizer.json"), pretty=False)
    save_file({"embedding.weight": vectors.astype(np.float16)}, str(table / "model.safetensors"))
    turned = np.ascontiguousarray(turn.T, np.float16)
    save_file({"linear.weight": turned}, str(out / static.PROJECTION / "model.safetensors"))


def train(
    data: Path, out: Path, before: date | None = None, seed: int = 0, parts: Sequence[Settings] = PARTS
) -> Path:
    """Gather, fit, save, write the card, which says what the weights were learnt from and how; returns the folder."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    parts = tuple(replace(part, seed=seed) for part in parts)
    began = time.perf_counter()
    material = gather(data, before, seed)
    with threadpool_limits(1):
        fitted = fit(material, *parts)
    save(fitted, out, *parts)
    seconds = time.perf_counter() - began
    option = f" --before {before}" if before else ""
    rate = [(part, part.steps / sum(part.shares.values())) for part in parts]
    count = [f" batches of part {i + 1} |" for i in range(len(parts))]
    settings = ({k: v for k, v in asdict(part).items() if k != "shares"} for part in parts)
    pairs = []
    for name, each in material.pairs.items():
        # batches of one run that are drawn from these pairs, on average
        batches = " | ".join(f"{one.shares.get(name, 0) * per:.0f}" for one, per in rate)
        pairs += [f"| {name} | {len(each):,} | {batches} |"] if each else []
    reader = static.load(out)
    write_card(
        out,
        "encoder",
        fingerprint=reader.fingerprint,
        pieces=reader._vectors.shape[0],
        dimensions=reader.dimension,
        megabytes=sum(f.stat().st_size for f in out.rglob("*") if f.is_file()) / 1e6,
        command=f"matcher train encoder --data DATA --out OUT{option} --seed {parts[0].seed}",
        seconds=seconds,
        machine=published.machine_in_words(),
        sources="\n".join(
            "| {name} | {licence} | {records:,} | {what} |".format(**s) for s in material.sources
        ),
        before=before or "the end of the file",
        how="\n".join("- " + ", ".join(f"{k} {v:g}" for k, v in each.items()) for each in settings),
        pairs="\n".join(["| pairs | number |" + "".join(count), "|---|---:|" + "---:|" * len(parts), *pairs]),
    )
    return out
