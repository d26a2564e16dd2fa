"""What an encoder learns from: pairs of texts that mean the same trade, each with its source and its licence.

Of awards only those notified before a day are read; nomenclatures, notices (their texts, never their
winners) and glossaries may be of any date.
"""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import combinations, pairwise, product
from pathlib import Path
from random import Random
from typing import IO, Any, NamedTuple

from matcher.domain import Award, BadInput, Tender
from matcher.lab.evaluation import HISTORY, UNDATED
from matcher.reading import files
from matcher.reference.paths import reference_dir
from matcher.reference.tables import csv_rows
from matcher.reference.text import clean, fold, shorten

OURS = reference_dir().parent / "training"  # texts written for this project; in a clone only
PHRASES = 60  # made for each trade of our own texts
_OURS = re.compile(r"\b(?:nos|notre|nous|vos|votre|vous|on)\b ?", re.I)


class Pair(NamedTuple):
    """Texts that belong together; two pairs of one `key` are never each other's negative."""

    left: str
    right: str
    key: str
    wrong: tuple[str, ...] = ()  # texts that tempt, and do not answer the left one


@dataclass
class Material:
    """All that is learnt from: named pairs, and for the card what was read, how much, under which licence."""

    pairs: dict[str, list[Pair]] = field(default_factory=lambda: defaultdict(list))
    sources: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, left: str, right: str, key: str, wrong: tuple[str, ...] = ()) -> None:
        if left and right and left != right:
            self.pairs[name].append(Pair(left, right, key, wrong))

    def texts(self, shares: Mapping[str, float]) -> list[str]:
        """Every distinct text of the pairs that have a share, in a fixed order."""
        chosen = (zip(*pairs, strict=True) for name, pairs in self.pairs.items() if shares.get(name))
        sides = (side for left, right, _, wrong in chosen for side in (left, right, *wrong))
        return list(dict.fromkeys(text for side in sides for text in side))

    def note(self, name: str, licence: str, records: int, what: str) -> None:
        self.sources.append({"name": name, "licence": licence, "records": records, "what": what})


@lru_cache(4)  # trainings ask for the same several times
def past_awards(path: Path, before: date | None = None) -> Sequence[Award]:
    """Awards of a DECP file notified before a day, those without a date on UNDATED.  Raises BadInput where it holds none."""
    read = files.read([path], source="decp") if path.is_file() else ()
    awards = [each for each in read if isinstance(each, Award) and each.title]
    if not awards:
        raise BadInput(f"{path} holds no awards: give a DECP file with `marches`")
    return [each for each in awards if before is None or (each.notified or UNDATED) < before]


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV nomenclature, or none when there is no such file."""
    return list(csv_rows(path)) if path.is_file() else []


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


def _award_pairs(material: Material, awards: Sequence[Award], labels: dict[str, str], rng: Random) -> None:
    by_group, by_class, by_supplier = (defaultdict[Any, list[str]](list) for _ in range(3))
    for award in awards:
        if award.cpv:
            named = [c for c in ancestors(award.cpv) if c in labels]
            for level, code in enumerate(named[:1] + [c for c in named[1:] if c[4:] == "0000"]):
                material.add("objet-label above" if level else "objet-label", award.title, labels[code], code)
            by_class[award.cpv[:4]].append(award.title)
        for supplier in (holder.siren for holder in award.holders if holder.siren):
            by_supplier[supplier].append(award.title)
            by_group[supplier, (award.cpv or "")[:3]].append(award.title)
    of_one = [("one supplier, one group", s, 40, each) for (s, _), each in by_group.items()]
    of_one += [("one supplier", supplier, 20, each) for supplier, each in by_supplier.items()]
    for name, supplier, most, titles in of_one:
        couples = list(combinations(dict.fromkeys(titles), 2))
        for first, second in rng.sample(couples, min(most, len(couples))):
            material.add(name, first, second, supplier)
    for code, titles in by_class.items():
        shuffled = rng.sample(titles, len(titles))
        for a, b in pairwise([*shuffled, shuffled[0]]):
            material.add("one class", a, b, code)


def _nomenclature_pairs(material: Material, folder: Path, labels: dict[str, str]) -> None:
    for code, label in labels.items():
        above = next((c for c in list(ancestors(code))[1:] if c in labels), None)
        if above:
            material.add("label-label above", label, labels[above], above)
    reuse = "EU, reuse authorised (decision 2011/833/EU)"
    material.note("CPV 2008 labels", reuse, len(labels), "nomenclature")
    naf = read_table(folder / "naf_rev2_732.csv")
    for row, level in product(naf, ("classe", "groupe", "division")):
        material.add("NAF", row["libelle"], row[f"{level}_libelle"], row[level])
    material.note("NAF rev. 2", "Licence Ouverte 2.0 (INSEE)", len(naf), "nomenclature")
    jobs = {r["rome"]: r["libelle"] for r in read_table(folder / "rome_codes.csv")}
    titles = read_table(folder / "rome_appellations.csv")
    for row in titles:
        material.add("ROME", row["libelle"], row["rome_libelle"], row["rome"])
    definitions = read_table(folder / "rome_v347_metiers_definition.csv")
    for row in definitions:
        material.add("ROME", jobs.get(row["code_rome"], ""), clean(row["libelle_texte"]), row["code_rome"])
    of_jobs = "Licence Ouverte 2.0 (France Travail)"
    material.note("ROME v3", of_jobs, len(titles) + len(definitions), "jobs")
    hired = read_table(folder / "lbb_rome_naf_mapping.csv")
    for row in hired:
        if float(row["hirings"] or 0) >= 50:
            material.add("ROME-NAF", row["rome_label"], row["naf_label"], row["naf_id"])
    material.note("ROME to NAF by hirings", of_jobs, len(hired), "jobs and trades")
    sectors = read_table(folder / "sectors.csv")
    for row in sectors:
        material.add("sectors", row["name"], row["group_name"], row["group_pk"] or row["name"])
    material.note("Sectors of Le Marché de l'inclusion", "MIT", len(sectors), "nomenclature")


def _notice_pairs(material: Material, folder: Path, labels: dict[str, str]) -> None:
    """Titles, descriptions and CPV labels of notices in French; their winners are never looked at."""
    folders = [f for f in (folder / "ted", folder / "eforms", folder / "boamp") if f.is_dir()]
    notices = [each for each in files.read(folders) if isinstance(each, Tender) and each.language == "fr"]
    for notice in notices:
        whole = clean(notice.title)
        material.add("notices", whole, clean(notice.description, 600), notice.id)
        for lot in notice.lots:
            title, description = clean(lot.title), clean(lot.description, 600)
            material.add("notices", title, description, f"{notice.id} {lot.number}")
            material.add("notices", whole, title, notice.id)
            for code, text in product(lot.cpv[:3], (title, shorten(description, 250))):
                material.add("notice-label", text, _label(code, labels), code[:8])
    title = "Notices: titles, lots, descriptions, CPV (no winners)"
    licence = "CC BY 4.0 (TED), Licence Ouverte 2.0 (BOAMP)"
    material.note(title, licence, len(notices), f"{sum(len(each.lots) for each in notices)} lots")


def _own_pairs(material: Material, folder: Path, labels: dict[str, str], rng: Random) -> dict[str, str]:
    """Our own texts: abbreviations with what they stand for, and trades in the words of who buys and who does."""
    expansions: dict[str, list[str]] = defaultdict(list)
    for row in read_table(folder / "abbreviations.csv.gz"):
        expansions[row["abbreviation"]].append(row["expansion"])
        material.add("abbreviations", row["abbreviation"], row["expansion"], row["expansion"])
    trades, words = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for column, file, texts_of in (("text", "trades", trades), ("word", "words", words)):
        for row in read_table(folder / f"{file}.csv.gz"):
            texts_of[row["trade"]].append(row[column])
            material.add("trade-label", row[column], _label(row["cpv"], labels), row["cpv"])
    for trade, texts in trades.items():
        for a, b in combinations(texts, 2):
            material.add("trades", a, b, trade)
    spoken = _speech_pairs(material, folder, labels)
    spoken += _choice_pairs(material, folder / "choices.csv.gz", labels, "choices", "offers", "speech-label")
    spoken += _choice_pairs(
        material, folder / "choices_more.csv.gz", labels, "more choices", "more offers", "more labels"
    )
    contexts = [row["context"] for row in read_table(folder / "contexts.csv.gz")]
    for trade, listed in words.items():
        wordings = listed + trades[trade]
        for _ in range(PHRASES):
            drawn = rng.sample(wordings, min(len(wordings), rng.randint(4, 8)))
            half = rng.randint(1, len(drawn) - 1)
            left, right = drawn[:half], drawn[half:]
            material.add("phrases", _phrase(left, contexts, rng), _phrase(right, contexts, rng), trade)
    count = spoken + sum(sum(map(len, each.values())) for each in (words, trades, expansions))
    material.note("Glossary of abbreviations and trades", "Apache-2.0 (this project)", count, "our own texts")
    return {texts[0]: short for short, texts in expansions.items() if len(texts) == 1}


def _speech_pairs(material: Material, folder: Path, labels: dict[str, str]) -> int:
    """Needs as buyers say them with offers as those who do the work say them, of one fine trade; how many texts."""
    by_role: dict[str, dict[str, list[str]]] = {role: defaultdict(list) for role in ("need", "offer")}
    rows = read_table(folder / "speech.csv.gz")
    for row in rows:
        by_role[row["role"]][row["trade"]].append(row["text"])
        material.add("speech-label", row["text"], _label(row["cpv"], labels), row["cpv"])
    for trade, offers in by_role["offer"].items():
        for offer, need in product(offers, by_role["need"][trade]):
            material.add("speech", need, offer, trade)
        for a, b in combinations(offers, 2):
            material.add("offers", a, b, trade)
    return len(rows)


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
        for need, offer in product(needs, right):
            material.add(choices, need, offer, row["trade"], wrong)
        material.add(offers, *right, row["trade"])
        for text in (*needs, *right):
            material.add(to_label, text, _label(row["cpv"], labels), row["cpv"])
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
    awards, labels = past_awards(data / HISTORY, before), cpv_labels(data / "nomenclatures")
    _award_pairs(material, awards, labels, rng)
    latest = max((a.notified or UNDATED for a in awards), default=UNDATED)
    what = f"objet, CPV, holder; last notified {latest}"
    material.note("DECP awards (history)", "Licence Ouverte 2.0", len(awards), what)
    _nomenclature_pairs(material, data / "nomenclatures", labels)
    _notice_pairs(material, data / "notices", labels)
    short = _own_pairs(material, OURS, labels, rng)
    folded = {fold(long): abbreviation for long, abbreviation in short.items() if len(long) > 8}
    for award in awards:
        material.add("misspelled", _misspell(award.title, rng), award.title, award.title)
        text = fold(award.title)
        for long, abbreviation in folded.items():
            if long in text:
                material.add("abbreviated", text.replace(long, abbreviation), text, text)
    return material
