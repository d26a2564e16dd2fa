"""What an encoder learns from: pairs of texts that mean the same trade, each with its source and its licence.

Of awards only those notified before a day are read; nomenclatures, notices (their texts, never their
winners) and glossaries may be of any date.
"""

import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from pathlib import Path
from random import Random
from typing import IO, Any, NamedTuple

from matcher.domain import BadInput, Tender
from matcher.lab.evaluation import HISTORY
from matcher.reading import files
from matcher.reference.identifiers import clean_cpv, clean_date
from matcher.reference.paths import reference_dir
from matcher.reference.text import clean, fold, shorten

OURS = reference_dir().parent / "training"  # texts written for this project; in a clone only
PHRASES = 60  # made for each trade of our own texts
_OURS = re.compile(r"\b(?:nos|notre|nous|vos|votre|vous|on)\b ?", re.I)
UNDATED = date(2019, 6, 30)  # BENCHMARK: an undated award counts as notified on this day


class Pair(NamedTuple):
    """Texts that belong together; two pairs of one `key` are never each other's negative."""

    left: str
    right: str
    key: str
    near: str  # what makes a negative hard: the same division, say
    wrong: tuple[str, ...]  # texts that tempt, and do not answer the left one


class Pairs(list[Pair]):
    def add(self, left: str, right: str, key: str, near: str = "", wrong: tuple[str, ...] = ()) -> None:
        if left and right and left != right:
            self.append(Pair(left, right, key, near, wrong))


@dataclass
class Material:
    """All that is learnt from: named pairs, and for the card what was read, how much, under which licence."""

    pairs: dict[str, Pairs] = field(default_factory=lambda: defaultdict(Pairs))
    sources: list[dict[str, Any]] = field(default_factory=list)

    def texts(self, shares: Mapping[str, float]) -> list[str]:
        """Every distinct text of the pairs that have a share, in a fixed order."""
        chosen = (
            zip(*pairs, strict=True) for name, pairs in self.pairs.items() if pairs and shares.get(name)
        )
        return list(
            dict.fromkeys(
                t for left, right, _, _, wrong in chosen for side in (left, right, *wrong) for t in side
            )
        )

    def note(self, name: str, licence: str, records: int, what: str) -> None:
        self.sources.append({"name": name, "licence": licence, "records": records, "what": what})


class PastAward(NamedTuple):
    """The few fields of an award that are learnt from."""

    objet: str
    cpv: str | None
    suppliers: tuple[str, ...]
    buyer: str
    notified: date


def read_awards(path: Path, before: date | None = None) -> list[PastAward]:
    """Awards of a DECP JSON file (`.json` or `.json.gz`, shapes of 2019 and normalised) notified before a day.

    Raises BadInput when the file is missing or is not of that form.
    """
    awards = []
    for record in marches(path):
        notified = clean_date(record.get("dateNotification")) or UNDATED
        objet = clean(record.get("objet"))
        if objet and (before is None or notified < before):
            holders = (str(holder.get("id") or "")[:9] for holder in record.get("titulaires") or ())
            suppliers = tuple(filter(None, holders))
            buyer = str((record.get("acheteur") or {}).get("id") or "")[:9]
            awards.append(PastAward(objet, clean_cpv(record.get("codeCPV")), suppliers, buyer, notified))
    return awards


def marches(path: Path) -> list[dict[str, Any]]:
    """The awards of a DECP JSON file (`.json` or `.json.gz`) as published.  Raises BadInput, as `read_awards`."""
    try:
        with opened(path) as stream:
            return list(json.load(stream)["marches"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} is not a DECP file of awards ({error}): give a JSON object with `marches`"
        ) from None


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV nomenclature, or none when there is no such file."""
    if not path.is_file():
        return []
    with opened(path) as stream:
        return list(csv.DictReader(stream))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines.  Raises BadInput where it holds none."""
    try:
        with opened(path) as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}): give JSON lines as in data/training") from None


def opened(path: Path) -> IO[str]:
    """A UTF-8 text to read, compressed where its name ends in .gz."""
    opening: Any = gzip.open if path.suffix == ".gz" else open
    stream: IO[str] = opening(path, "rt", encoding="utf-8", newline="")
    return stream


def cpv_labels(folder: Path) -> dict[str, str]:
    """CPV labels by 8-digit code, from the official list."""
    return {
        r["code8"]: clean(r["label_fr"]) for r in read_table(folder / "cpv_2008_fr_en.csv") if r["label_fr"]
    }


def ancestors(code: str) -> Iterator[str]:
    """A CPV code and those above it, nearest first: class, group, division."""
    yield from dict.fromkeys(code[:digits].ljust(8, "0") for digits in (8, 7, 6, 5, 4, 3, 2))


def _label(code: str, labels: dict[str, str]) -> str:
    """The label of a code, or of the nearest above it that has one; empty where none has."""
    return next((labels[c] for c in ancestors(code) if c in labels), "")


def _award_pairs(material: Material, awards: list[PastAward], labels: dict[str, str], rng: Random) -> None:
    by_group: dict[tuple[str, str], list[PastAward]] = defaultdict(list)
    by_class: dict[str, list[PastAward]] = defaultdict(list)
    by_supplier: dict[str, list[PastAward]] = defaultdict(list)
    for award in awards:
        if award.cpv:
            named = [c for c in ancestors(award.cpv) if c in labels]
            for level, code in enumerate(named[:1] + [c for c in named[1:] if c[4:] == "0000"]):
                name = "objet-label" if level == 0 else "objet-label above"
                material.pairs[name].add(award.objet, labels[code], code, award.cpv[:2])
            by_class[award.cpv[:4]].append(award)
        for supplier in award.suppliers:
            by_supplier[supplier].append(award)
            by_group[supplier, (award.cpv or "")[:3]].append(award)
    of_one = [("one supplier, one group", s, group[:2], 40, each) for (s, group), each in by_group.items()]
    of_one += [("one supplier", supplier, "", 20, each) for supplier, each in by_supplier.items()]
    for name, supplier, near, most, members in of_one:
        couples = list(combinations(dict.fromkeys(award.objet for award in members), 2))
        for first, second in rng.sample(couples, min(most, len(couples))):
            material.pairs[name].add(first, second, supplier, near)
    for code, members in by_class.items():
        shuffled = members[:]
        rng.shuffle(shuffled)
        for a, b in zip(shuffled, shuffled[1:] + shuffled[:1], strict=True):
            material.pairs["one class"].add(a.objet, b.objet, code, code[:2])


def _nomenclature_pairs(material: Material, folder: Path, labels: dict[str, str]) -> None:
    for code, label in labels.items():
        above = next((c for c in list(ancestors(code))[1:] if c in labels), None)
        if above:
            material.pairs["label-label above"].add(label, labels[above], above, code[:2])
    reuse = "EU, reuse authorised (decision 2011/833/EU)"
    material.note("CPV 2008 labels", reuse, len(labels), "nomenclature")
    naf = read_table(folder / "naf_rev2_732.csv")
    for row in naf:
        for level in ("classe", "groupe", "division"):
            material.pairs["NAF"].add(row["libelle"], row[f"{level}_libelle"], row[level], row["division"])
    material.note("NAF rev. 2", "Licence Ouverte 2.0 (INSEE)", len(naf), "nomenclature")
    jobs = {r["rome"]: r["libelle"] for r in read_table(folder / "rome_codes.csv")}
    titles = read_table(folder / "rome_appellations.csv")
    for row in titles:
        material.pairs["ROME"].add(row["libelle"], row["rome_libelle"], row["rome"], row["rome"][:1])
    definitions = read_table(folder / "rome_v347_metiers_definition.csv")
    for row in definitions:
        if row["code_rome"] in jobs:
            text = clean(row["libelle_texte"])
            material.pairs["ROME"].add(jobs[row["code_rome"]], text, row["code_rome"], row["code_rome"][:1])
    material.note("ROME v3", "Licence Ouverte 2.0 (France Travail)", len(titles) + len(definitions), "jobs")
    hired = read_table(folder / "lbb_rome_naf_mapping.csv")
    for row in hired:
        if float(row["hirings"] or 0) >= 50:
            code = row["naf_id"]
            material.pairs["ROME-NAF"].add(row["rome_label"], row["naf_label"], code, code[:2])
    of_jobs = "Licence Ouverte 2.0 (France Travail)"
    material.note("ROME to NAF by hirings", of_jobs, len(hired), "jobs and trades")
    sectors = read_table(folder / "sectors.csv")
    for row in sectors:
        material.pairs["sectors"].add(row["name"], row["group_name"], row["group_pk"] or row["name"])
    material.note("Sectors of Le Marché de l'inclusion", "MIT", len(sectors), "nomenclature")


def _notice_pairs(material: Material, folder: Path, labels: dict[str, str]) -> None:
    """Titles, descriptions and CPV labels of notices in French; their winners are never looked at."""
    pairs, named, read_notices, lots = material.pairs["notices"], material.pairs["notice-label"], 0, 0
    folders = [f for f in (folder / "ted", folder / "eforms", folder / "boamp") if f.is_dir()]
    for record in files.read(folders):
        if not isinstance(record, Tender) or record.language != "fr":
            continue
        read_notices += 1
        pairs.add(clean(record.title), clean(record.description, 600), record.id)
        for lot in record.lots:
            lots += 1
            near = lot.cpv[0][:2] if lot.cpv else ""
            title, description = clean(lot.title), clean(lot.description, 600)
            pairs.add(title, description, f"{record.id} {lot.number}", near)
            pairs.add(clean(record.title), title, record.id, near)
            for code in lot.cpv[:3]:
                label = _label(code, labels)
                named.add(title, label, code[:8], near)
                named.add(shorten(description, 250), label, code[:8], near)
    title, licence = (
        "Notices: titles, lots, descriptions, CPV (no winners)",
        "CC BY 4.0 (TED), Licence Ouverte 2.0 (BOAMP)",
    )
    material.note(title, licence, read_notices, f"{lots} lots")


def _own_pairs(material: Material, folder: Path, labels: dict[str, str], rng: Random) -> dict[str, str]:
    """Our own texts: abbreviations with what they stand for, and trades in the words of who buys and who does."""
    expansions: dict[str, list[str]] = defaultdict(list)
    for row in read_table(folder / "abbreviations.csv.gz"):
        expansions[row["abbreviation"]].append(row["expansion"])
        material.pairs["abbreviations"].add(row["abbreviation"], row["expansion"], row["expansion"])
    trades: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_table(folder / "trades.csv.gz"):
        trades[row["trade"]].append(row)
    for trade, rows in trades.items():
        for a, b in combinations(rows, 2):
            material.pairs["trades"].add(a["text"], b["text"], trade, a["cpv"][:2])
        for row in rows:
            label = _label(row["cpv"], labels)
            material.pairs["trade-label"].add(row["text"], label, row["cpv"], row["cpv"][:2])
    words: dict[str, list[str]] = defaultdict(list)
    for row in read_table(folder / "words.csv.gz"):
        words[row["trade"]].append(row["word"])
        label = _label(row["cpv"], labels)
        material.pairs["trade-label"].add(row["word"], label, row["cpv"], row["cpv"][:2])
    spoken = _speech_pairs(material, folder, labels)
    spoken += _choice_pairs(material, folder / "choices.csv.gz", labels, "choices", "offers", "speech-label")
    spoken += _choice_pairs(
        material, folder / "choices_more.csv.gz", labels, "more choices", "more offers", "more labels"
    )
    contexts = [row["context"] for row in read_table(folder / "contexts.csv.gz")]
    for trade, listed in words.items():
        wordings = listed + [row["text"] for row in trades[trade]]
        for _ in range(PHRASES):
            drawn = rng.sample(wordings, min(len(wordings), rng.randint(4, 8)))
            half = rng.randint(1, len(drawn) - 1)
            left, right = drawn[:half], drawn[half:]
            material.pairs["phrases"].add(_phrase(left, contexts, rng), _phrase(right, contexts, rng), trade)
    count = spoken + sum(sum(map(len, each.values())) for each in (words, trades, expansions))
    material.note("Glossary of abbreviations and trades", "Apache-2.0 (this project)", count, "our own texts")
    return {texts[0]: short for short, texts in expansions.items() if len(texts) == 1}


def _speech_pairs(material: Material, folder: Path, labels: dict[str, str]) -> int:
    """Needs as buyers say them with offers as those who do the work say them, of one fine trade; how many texts."""
    by_trade: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in read_table(folder / "speech.csv.gz"):
        by_trade[row["trade"]][row["role"]].append(row)
        label = _label(row["cpv"], labels)
        material.pairs["speech-label"].add(row["text"], label, row["cpv"], row["cpv"][:2])
    for trade, roles in by_trade.items():
        for offer in roles["offer"]:
            for need in roles["need"]:
                material.pairs["speech"].add(need["text"], offer["text"], trade, need["cpv"][:2])
        for a, b in combinations(roles["offer"], 2):
            material.pairs["offers"].add(a["text"], b["text"], trade, a["cpv"][:2])
    return sum(len(rows) for roles in by_trade.values() for rows in roles.values())


def _choice_pairs(
    material: Material, path: Path, labels: dict[str, str], choices: str, offers: str, to_label: str
) -> int:
    """Needs with the offers that serve them and those that only tempt, as pairs of three names; how many texts."""
    rows = read_table(path)
    for row in rows:
        # who serves says "nos équipes" more often than who only tempts: no trade is to be read from it
        row = {name: _OURS.sub("", text) for name, text in row.items()}
        needs, right = (row["need"], row["need2"]), (row["right"], row["right2"])
        wrong = tuple(row[f"wrong{number}"] for number in (1, 2, 3, 4))
        label = _label(row["cpv"], labels)
        for need in needs:
            for offer in right:
                material.pairs[choices].add(need, offer, row["trade"], row["cpv"][:2], wrong)
        material.pairs[offers].add(*right, row["trade"], row["cpv"][:2])
        for text in (*needs, *right):
            material.pairs[to_label].add(text, label, row["cpv"], row["cpv"][:2])
    return 8 * len(rows)


def _phrase(words: list[str], contexts: list[str], rng: Random) -> str:
    """Words of a trade in a circumstance that says nothing of it, so that the circumstance is unlearnt."""
    spoken = words + (rng.sample(contexts, rng.randint(1, 2)) if contexts else [])
    rng.shuffle(spoken)
    return " ".join(spoken)


def _misspell(text: str, rng: Random) -> str:
    """The text as a hurried person or a broken export writes it."""
    words = text.split()
    for _ in range(max(1, len(words) // 4)):
        i = rng.randrange(len(words))
        word, kind = words[i], rng.randrange(4)
        if len(word) < 5:
            continue
        at = rng.randrange(1, len(word) - 1)
        words[i] = (
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
            "".join("\ufffd" if ord(c) > 127 else c for c in word),
        )[kind]
    return " ".join(words)


def gather(data: Path, before: date | None = None, seed: int = 0) -> Material:
    """Pairs from a folder laid out as `awards/history.json.gz`, `nomenclatures/`, `notices/`, and our own texts.

    Raises BadInput when the folder holds no awards.
    """
    material = Material()
    rng = Random(seed)  # noqa: S311 - sampling of pairs, nothing secret
    paths = (data / HISTORY, data / "awards" / "history.json", data / "history.json.gz")
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise BadInput(f"{data} holds no awards: put a DECP file at {data / 'awards' / 'history.json.gz'}")
    awards = read_awards(path, before)
    labels = cpv_labels(data / "nomenclatures")
    _award_pairs(material, awards, labels, rng)
    latest = max((a.notified for a in awards), default=UNDATED)
    what = f"objet, CPV, holder; last notified {latest}"
    material.note("DECP awards (history)", "Licence Ouverte 2.0", len(awards), what)
    _nomenclature_pairs(material, data / "nomenclatures", labels)
    _notice_pairs(material, data / "notices", labels)
    short = _own_pairs(material, OURS, labels, rng)
    folded = {fold(long): abbreviation for long, abbreviation in short.items() if len(long) > 8}
    for award in awards:
        division = (award.cpv or "")[:2]
        material.pairs["misspelled"].add(_misspell(award.objet, rng), award.objet, award.objet, division)
        text = fold(award.objet)
        for long, abbreviation in folded.items():
            if long in text:
                material.pairs["abbreviated"].add(text.replace(long, abbreviation), text, text, division)
    return material
