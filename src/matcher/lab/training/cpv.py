"""Fit the CPV model: a linear model and neighbours, weighed and calibrated on held-out later awards.

The blends are learnt where nothing has been seen: that of short texts on awards of the last months of the history,
by an encoder and views fitted before them; that of long texts on notices, by views that had read none.  The shipped
arrays are then fitted on the whole history and the notices.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from matcher.console import say
from matcher.domain import BadInput, Tender
from matcher.lab import published
from matcher.lab.evaluation import HISTORY, UNDATED
from matcher.lab.leads import ece
from matcher.lab.training import encoder as encoding
from matcher.lab.training import save, write_card
from matcher.lab.training.texts import OURS, cpv_labels, gather, past_awards, read_table
from matcher.learned import cpv
from matcher.learned.encoders import static
from matcher.reading import files
from matcher.reference.arrays import F32, F64, I64, Mask

KEPT = encoding.AWARDS.axes  # dimensions of a neighbour: the part of the encoder that reads awards
OTHERS = 0.4  # weight of a label, a notice or a line of our own, an award being 1
COST = 0.15  # inverse regularisation of the linear model
Coded = list[tuple[str, str]]


def fit_views(awards: Coded, others: Coded, reader: static.StaticEncoder) -> cpv.Views:
    """The linear model and the neighbours of coded texts."""
    from sklearn.svm import LinearSVC

    texts, codes = [t for t, _ in awards + others], np.array([int(c) for _, c in awards + others])
    counts = cpv.hashed([reader.normalise(t) for t in texts])
    seen = np.asarray((counts > 0).sum(axis=0)).ravel()
    columns = np.flatnonzero(seen >= 2)
    rarity = (np.log((len(texts) + 1) / (seen[columns] + 1)) + 1).astype(np.float16).astype(np.float32)
    features = cpv.unit_blocks(counts[:, columns], rarity, int((columns < cpv.WORDS).sum()))
    weight = np.concatenate([np.ones(len(awards)), np.full(len(others), OTHERS)])
    model = LinearSVC(C=COST, random_state=0).fit(features, codes // 10**6, sample_weight=weight)
    near = reader.encode(texts)[:, :KEPT]
    lengths = np.linalg.norm(near, axis=1, keepdims=True)
    known = lengths[:, 0] > 1e-9
    return cpv.Views(
        divisions=[f"{c:02d}" for c in model.classes_],
        columns=columns,
        rarity=rarity,
        weights=model.coef_.T.astype(np.float32),
        bias=model.intercept_.astype(np.float32),
        neighbours=near[known] / lengths[known],
        codes=codes[known],
    )


def fit_blend(views: cpv.Views, reader: static.StaticEncoder, held: Coded, works: bool = False) -> cpv.Blend:
    """Weights by likelihood of the held-out divisions, kernel widths by that of the classes, isotonic curves.

    With `works`, also what is taken off the score of works: for texts among which there are fewer than in awards.
    """
    from scipy.optimize import minimize
    from sklearn.isotonic import IsotonicRegression

    heads = [t[: cpv.LIMIT] for t, _ in held]
    texts, vectors = [reader.normalise(t) for t in heads], reader.encode(heads)
    likeness = views.likeness(vectors)
    codes = np.array([int(c) for _, c in held])
    linear = views.linear(texts)
    order = {int(d): i for i, d in enumerate(views.divisions)}
    right = np.array([order.get(int(c) // 10**6, -1) for c in codes])
    known = np.flatnonzero(right >= 0)

    def loss(weights: F64, spread: F64) -> float:
        scores = weights[0] * linear + weights[1] * np.log(spread + cpv.FLOOR)
        if works:
            scores[:, order[cpv.WORKS]] -= weights[2]
        scores = scores - scores.max(axis=1, keepdims=True)
        chosen = scores[known, right[known]]
        return float(np.mean(np.log(np.exp(scores[known]).sum(axis=1)) - chosen))

    start = np.array([2.0, 1.0, 0.2]) if works else np.array([3.0, 0.5])
    trials = []
    for width in (0.05, 0.07, 0.1, 0.14, 0.2):
        kinds, shares = views.shares(likeness, width, 2)
        spread = np.zeros_like(linear)
        spread[:, [order[int(k)] for k in kinds]] = shares
        minimum = minimize(loss, start, args=(spread,), method="Nelder-Mead")
        trials.append((float(minimum.fun), width, minimum.x))
    _, width, weights = min(trials, key=lambda t: t[0])
    curves: dict[str, tuple[list[float], list[float]]] = {}
    taken = float(weights[2]) if works else 0.0
    blend = cpv.Blend(float(weights[0]), float(weights[1]), width, width, taken, curves)
    narrow = min(
        (0.03, 0.05, 0.07, 0.1, 0.14),
        key=lambda n: _surprise(replace(blend, narrow=n), views, texts, vectors, codes),
    )
    blend = replace(blend, narrow=narrow)
    for level, digits in cpv.LEVELS.items():
        kinds, raw = blend.raw(views, texts, vectors, level)
        best = np.argsort(-raw, axis=1)[:, :10]
        hit = kinds[best] == (codes // 10 ** (8 - digits))[:, None]
        chance = np.take_along_axis(raw, best, axis=1)
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(chance.ravel(), hit.ravel())
        grid = np.unique(np.quantile(chance, np.linspace(0, 1, 41)))
        curves[level] = (np.round(grid, 5).tolist(), np.round(curve.predict(grid), 5).tolist())
    return blend


def _surprise(blend: cpv.Blend, views: cpv.Views, texts: Sequence[str], vectors: F32, codes: I64) -> float:
    kinds, raw = blend.raw(views, texts, vectors, "class")
    place = {int(k): i for i, k in enumerate(kinds)}
    rows = [(i, place[int(c) // 10**4]) for i, c in enumerate(codes) if int(c) // 10**4 in place]
    return float(-np.mean([np.log(raw[i, j] + 1e-6) for i, j in rows]))


def noticed(data: Path) -> tuple[Coded, Coded]:
    """Long texts of up to three lots of each notice (title and description) with their code; every other notice apart."""
    folders = [f for f in (data / "notices" / "ted", data / "notices" / "eforms") if f.is_dir()]
    halves: tuple[Coded, Coded] = ([], [])
    for record in files.read(folders) if folders else ():
        if not isinstance(record, Tender) or record.language != "fr":
            continue
        stated = [lot for lot in record.lots if lot.cpv and "cpv" not in lot.inferred]
        texts = {f"{lot.title}. {lot.description or record.description}": lot.cpv[0] for lot in stated}
        mine = [(t, c) for t, c in texts.items() if len(t) >= cpv.LONG][:3]
        halves[sum(map(ord, record.id)) % 2].extend(mine)
    return halves


def coded_texts(data: Path) -> tuple[list[Any], Coded, Coded]:
    """Awards with a code, the other coded texts (labels, our own texts), and those of notices."""
    material = gather(data)
    awards = [a for a in past_awards(data / HISTORY) if a.cpv]
    others = [(label, code) for code, label in cpv_labels(data / "nomenclatures").items()]
    # the words of a trade alone are not what one codes: trained on them, the model was overconfident
    words = {row["word"] for row in read_table(OURS / "words.csv.gz")}
    notices: Coded = []
    for name, into in (("notice-label", notices), ("trade-label", others)):
        into += [(t, c) for t, _, c, _ in material.pairs[name] if len(c) == 8 and t not in words]
    return awards, others, notices


def split(awards: list[Any], share: float = 0.3) -> tuple[Coded, Coded, date]:
    """Awards to learn from; the dated ones from a day on, without those whose objet was read before; that day."""
    dated = sorted((a for a in awards if a.notified and a.notified < UNDATED), key=lambda a: a.notified)
    if len(dated) < 200:
        raise BadInput(
            f"{len(dated)} dated awards are too few to calibrate on: give 200 or more with a CPV code"
        )
    day = dated[int(len(dated) * (1 - share))].notified
    fitted = [(a.title, a.cpv) for a in awards if (a.notified or UNDATED) < day]
    read = {t for t, _ in fitted}
    return fitted, [(a.title, a.cpv) for a in dated if a.notified >= day and a.title not in read], day


def train(data: Path, out: Path, encoder: Path | None = None) -> Path:
    """Fit on a folder laid out as for the encoder; writes cpv.npz, cpv.json and the card; returns the folder."""
    awards, others, notices = coded_texts(data)
    fitted, held, day = split(awards)
    say(f"calibrating on {len(held)} awards notified from {day}")
    with TemporaryDirectory() as folder:
        earlier = static.load(encoding.train(data, Path(folder), before=day, parts=[encoding.AWARDS]))
        short = fit_blend(fit_views(fitted, others + notices, earlier), earlier, held)
    reader = static.load(encoder)
    history = [(a.title, a.cpv) for a in awards]
    long, of_notices = fit_long(fit_views(history, others, reader), reader, noticed(data), short)
    views = fit_views(history, others + notices, reader)
    save(out, "cpv", cpv.pack(views))
    blends = {"short": vars(short), "long": vars(long)}
    content = {"encoder": reader.fingerprint, "divisions": views.divisions, **blends}
    (out / "cpv.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_card(
        out,
        "cpv",
        machine=published.machine_in_words(),
        encoder=reader.fingerprint,
        megabytes=(out / "cpv.npz").stat().st_size / 1e6,
        awards=len(awards),
        others=len(others + notices),
        weight=OTHERS,
        held=len(held),
        day=day,
        long=cpv.LONG,
        limit=cpv.LIMIT,
        figures="\n".join([*measured(data, cpv.load(out, encoder)), *of_notices]),
    )
    return out


def fit_long(
    unseen: cpv.Views, reader: static.StaticEncoder, halves: tuple[Coded, Coded], short: cpv.Blend
) -> tuple[cpv.Blend, list[str]]:
    """The blend of long texts, by views that read no notice, and lines of the card.

    It is fitted on all; the figures are of each half under what the other half taught, next to the blend of short
    texts.  Without notices the blend of short texts serves.
    """
    one, other = halves
    if min(len(one), len(other)) < 50:
        return short, []

    def judging(blend: cpv.Blend, cases: Coded) -> tuple[cpv.Suggester, Coded]:
        return cpv.Suggester(reader, unseen, blend, blend), cases

    pairs = (halves, halves[::-1])
    crossed = [judging(fit_blend(unseen, reader, mine, works=True), theirs) for mine, theirs in pairs]
    named = {"short texts": [judging(short, one), judging(short, other)], "long texts": crossed}
    what = (
        f"{len(one) + len(other):,} long texts of notices (title and description of a lot), by views that had read no "
        "notice, weighed and calibrated for short or long texts; each half under what the other half taught:"
    )
    return fit_blend(unseen, reader, one + other, works=True), table(what, named)


def table(what: str, named: Mapping[str, Sequence[tuple[cpv.Suggester, Coded]]]) -> list[str]:
    """Lines of the card: how often the first codes are right at each level, and how well their chances hold."""
    lines = [
        what,
        "",
        "| texts | level | top 1 | top 5 | top 10 | mean stated chance of the first | calibration error | "
        "taken for works, wrongly |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, level in product(named, ("division", "group", "class")):
        parts = [first_codes(suggester, cases, level) for suggester, cases in named[name]]
        hit, chance, drift = (np.concatenate(each) for each in zip(*parts, strict=True))
        tops = [hit[:, :k].any(axis=1).mean() for k in (1, 5, 10)]
        figures = (*tops, chance.mean(), ece(chance, hit[:, 0]), drift.mean())
        lines.append(f"| {name} | {level} | {' | '.join(f'{figure:.3f}' for figure in figures)} |")
    return [*lines, ""]


def measured(data: Path, suggester: cpv.Suggester) -> list[str]:
    """Lines of the card where the folder holds later awards."""
    later = data / "awards" / "development.json.gz"
    cases = [(a.title, a.cpv) for a in past_awards(later) if a.cpv] if later.is_file() else []
    if not cases:
        return ["The folder holds no later awards: nothing was measured."]
    return table(f"{len(cases):,} later awards, code from the objet alone:", {"objets": [(suggester, cases)]})


def first_codes(suggester: cpv.Suggester, cases: Coded, level: str) -> tuple[Mask, F64, Mask]:
    """Which of the ten likeliest codes are right (cases, 10), the stated chance of the first, and what is taken for works."""
    kinds, raw, chances = suggester.scored([t for t, _ in cases], level)
    raw, chances = np.nan_to_num(raw), np.nan_to_num(chances)  # a text without a known word has none
    best = np.argsort(-raw, axis=1, kind="stable")[:, :10]
    digits = cpv.LEVELS[level]
    right = np.array([int(c) // 10 ** (8 - digits) for _, c in cases])
    first = kinds[best[:, 0]] // 10 ** (digits - 2)
    drift = (first == cpv.WORKS) & (right // 10 ** (digits - 2) != cpv.WORKS)
    return kinds[best] == right[:, None], np.take_along_axis(chances, best, axis=1)[:, 0], drift
