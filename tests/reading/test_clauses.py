"""What counts as a statement in a French notice, and what does not: reservations, clauses, conditions, supports."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matcher.domain import AUDIENCES, BadInput, Clause, Lot, Reservation, Tender
from matcher.lab.training import clauses as training
from matcher.lab.training.texts import opened
from matcher.learned import clauses as classifier
from matcher.reading import clauses
from matcher.reference import paths
from matcher.reference.paths import shared_dir
from matcher.reference.prose import LOST, folded
from records import cases

DATA = Path(__file__).parents[1] / "data"
SHARED = shared_dir()
OURS = Path(__file__).parents[2] / "data" / "training" / "clauses.jsonl.gz"


def bare(text: str) -> str:
    """In capitals without accents, as BOAMP writes."""
    return text.upper().translate(str.maketrans("ÉÈÊËÀÂÎÏÔÛÙÇ", "EEEEAAIIOUUC"))


def destroyed(text: str) -> str:
    """Every accented letter lost, as one record in five has it."""
    return "".join(LOST if ord(c) > 191 and c.isalpha() else c for c in text)


def hours_stated(read: clauses.Reading) -> float | None:
    """The hours of insertion stated for the whole, else the sum of those of its lots."""
    stated = {one.lots: one.what.hours for one in reversed(read.clauses) if one.what.hours}
    return stated.get(frozenset()) or sum(stated.values()) or None


SPELLINGS = str, bare, destroyed


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_only_statements_reserve(spelling) -> None:  # type: ignore[no-untyped-def]
    read = {text: clauses.read(spelling(text)).reservation for text, _ in cases("statements that reserve")}
    assert not [text for text, reserves in cases("statements that reserve") if bool(read[text]) != reserves]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_only_conditions_that_bind_are_social_clauses(spelling) -> None:  # type: ignore[no-untyped-def]
    read = {text: clauses.read(spelling(text)).social for text, _ in cases("statements that bind")}
    assert not [text for text, binds in cases("statements that bind") if bool(read[text]) != binds]


def test_the_passage_is_quoted_as_published_and_the_next_sentence_may_cite_the_article() -> None:
    found = clauses.read("Le présent marché est réservé. Il l'est selon l'article L. 2113-12.").reservation
    assert found is not None and found.articles == ("L2113-12",)
    text = "Objet : tonte. Le LOT 2 est Réservé aux ESAT. Délai : un mois."
    found = clauses.read(text).reservation
    assert found is not None and found.passage == "Le LOT 2 est Réservé aux ESAT." and found.origin == "text"


def test_every_row_of_a_long_table_is_read_and_lots_may_have_letters() -> None:
    rows = [f"{n} | Corps d'état | {100 + n}" for n in range(1, 19)]
    text = "Lot | Objet | Heures insertion\n" + "\n".join(rows)
    assert hours_stated(clauses.read(text)) == sum(range(101, 119))
    text = "Le lot A est réservé aux ESAT. Les lots B et C comportent chacun 60 heures d'insertion."
    read = clauses.read(text)
    assert [bool(read.of_lot(lot, read).reservation) for lot in "ABC"] == [True, False, False]
    assert [{one.hours for one in read.of_lot(lot, read).social} for lot in "abc"] == [set(), {60.0}, {60.0}]


def tender(*lots: Lot) -> Tender:
    return Tender(id="t", format="x", title="Entretien", lots=lots)


A = Lot(id="t/1", title="Lot 1", number="1")


def said(lot: Lot) -> dict[str, object]:
    """What is read of a lot, in the fields of `clause_lots.jsonl`."""
    found: dict[str, object] = {}
    if lot.reservation is not None:
        by_article = {AUDIENCE_OF[one] for one in lot.reservation.articles if one != "L2113-14"}
        found["reserved"] = sorted(lot.reservation.who or by_article)
    for one in lot.clauses:
        if one.nature != "objective":
            values = {"hours": one.hours, "share": one.share, "weight": one.weight}
            found |= {one.nature: True} | {name: value for name, value in values.items() if value}
    return found


AUDIENCE_OF = {
    **{"L2113-12": "ESAT/EA", "L2113-13": "SIAE", "L2113-13-1": "prison"},
    **dict.fromkeys(("L2113-15", "L2113-16"), "ESS"),
}


@pytest.mark.parametrize(
    ("name", "count", "most", "left_out"), [("clause_lots", 597, 14, ""), ("clause_lots_2", 80, 3, "share")]
)
def test_what_notices_of_several_lots_state_of_each(name: str, count: int, most: int, left_out: str) -> None:
    """Passages written before they were read: reserved to whom, hours, shares and weights, lot by lot.

    Those of the second file are by an author who had seen nothing of this; which of them are read wrong was never looked at.
    """
    rows = jsonl(name)
    wrong = []
    for row in rows:
        lots = (Lot(id=f"t/{n}", title="Lot", number=str(n)) for n in range(1, row["lots"] + 1))
        tender = Tender(id="t", format="x", title="Consultation", lots=tuple(lots))
        made = clauses.complete(tender, row["text"])
        told = {lot.number: {k: v for k, v in said(lot).items() if k != left_out} for lot in made.lots}
        if {number: each for number, each in told.items() if each} != row["truth"]:
            wrong.append(row["text"])
    assert (len(rows), len(wrong) <= most) == (count, True), len(wrong)


def test_sentences_that_hold_the_words_without_meaning_them() -> None:
    sentences = (DATA / "clause_silent.txt").read_text("utf-8").splitlines()
    lot = Lot(id="t/1", title="Lot", number="1")
    tender = Tender(id="t", format="x", title="Consultation", lots=(lot,))
    wrong = [each for each in sentences if said(clauses.complete(tender, each).lots[0])]
    assert len(sentences) == 889
    assert not wrong, "\n".join(wrong)


def test_fields_and_text_complete_each_other() -> None:
    insertion, handicap = (Clause(nature="objective", passage=words) for words in ("insertion", "handicap"))
    stated = (insertion, handicap, Clause(passage="a"), Clause(passage="b"))
    (lot,) = clauses.complete(tender(replace(A, clauses=stated)), "").lots
    assert [one.passage for one in lot.clauses] == ["insertion", "handicap", "a"]
    by_field = replace(A, reservation=Reservation(passage="BT-71"))
    made = clauses.complete(tender(by_field), "Marché réservé au titre de l'article L. 2113-13.")
    found = made.lots[0].reservation
    assert found is not None and (found.origin, found.articles) == ("field", ("L2113-13",))


def plain(text: str) -> str:
    """The words alone."""
    return re.sub(r"\W+", " ", folded(text)).strip()


def jsonl(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines() if line]


def rates(rows: list[dict[str, Any]], read: list[clauses.Reading]) -> dict[str, tuple[float, float]]:
    """Precision and recall of what is read of these passages, by label."""
    told = [(bool(one.reservations), bool(one.social)) for one in read]
    rates = {}
    for field, said in zip(("reserved", "social_clause"), zip(*told, strict=True), strict=True):
        right = sum(a and row[field] for a, row in zip(said, rows, strict=True))
        rates[field] = right / sum(said), right / sum(row[field] for row in rows)
    return rates


#: What is reached on each, rounded down, by a model that learns from real notices first.
HELD_OUT = [
    ("clause_passages_4", {"reserved": (0.95, 0.93), "social_clause": (0.95, 0.95)}),
    ("clause_passages_5", {"reserved": (0.88, 0.83), "social_clause": (0.91, 0.87)}),
    ("clause_passages_6", {"reserved": (0.95, 0.95), "social_clause": (0.96, 0.94)}),
    ("clause_passages_7", {"reserved": (0.90, 0.95), "social_clause": (0.93, 0.94)}),
]


@pytest.mark.parametrize(("name", "reached"), HELD_OUT, ids=[name for name, _ in HELD_OUT])
def test_passages_held_out(name: str, reached: dict[str, tuple[float, float]]) -> None:
    """By an author who had seen neither the code nor any other passage; never learnt from, mistakes never looked at.

    Formulas of the trade that other authors happen to have written, but for capitals and points, are not judged.
    """
    learnt = {plain(one.text) for one in training.passages(OURS, DATA)}
    every = jsonl(name)
    rows = [row for row in every if plain(row["text"]) not in learnt]
    assert len(every) - len(rows) <= 2
    assert len(rows) >= 150
    figures = rates(rows, [clauses.read(row["text"]) for row in rows])
    for field, (precision, recall) in reached.items():
        assert figures[field][0] >= precision, figures
        assert figures[field][1] >= recall, figures


#: Turns that the grammar does not know.
PARAPHRASED = [
    ("Le tri du papier va à un ESAT, les autres entreprises étant priées de ne pas candidater.", True, False),
    ("Ce lot n'est accessible à aucune entreprise hormis les structures de l'IAE.", True, False),
    ("Le maçon fera travailler deux chômeurs de longue durée envoyés par la mission locale.", False, True),
    ("Les ESAT ont été informés de la publication, comme toutes les entreprises.", False, False),
]


@pytest.mark.parametrize(("text", "reserved", "social"), PARAPHRASED)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_other_words_for_the_same(text: str, reserved: bool, social: bool, spelling) -> None:  # type: ignore[no-untyped-def]
    read = clauses.read(spelling(text))
    assert (read.reservation is not None, bool(read.social)) == (reserved, social)


def test_the_passage_that_the_model_finds_is_quoted_in_a_long_text() -> None:
    around = "Les plis sont remis par voie électronique. Le délai de validité des offres est de quatre mois. "
    text = around * 6 + PARAPHRASED[0][0] + " " + around * 6
    found = clauses.read(text).reservation
    assert found is not None and found.passage == PARAPHRASED[0][0]
    assert 0.5 < found.confidence <= 1


@pytest.mark.parametrize("damage", ["absent", "cut", "another", "words"])
def test_a_damaged_model_is_reported_in_one_sentence(damage: str, tmp_path: Path) -> None:
    for path in (paths.models_dir() / "clauses").glob("clauses.*"):
        data = path.read_bytes()
        if damage == "cut":
            data = data[: len(data) // 2]
        if damage == "words" and path.suffix == ".json":
            data = b'{"verdicts": {"reserved": 3}}'
        if damage == "another" and path.suffix == ".npz":
            data = (paths.models_dir() / "cpv" / "cpv.npz").read_bytes()
        if damage != "absent":
            (tmp_path / path.name).write_bytes(data)
    with pytest.raises(BadInput, match="matcher train clauses"):
        classifier.load(tmp_path)


def test_training_is_the_same_again_and_names_what_it_lacks(tmp_path: Path) -> None:
    with opened(OURS) as lines:
        rows = [json.loads(line) for line in lines]
    few = tmp_path / "few.jsonl"
    chosen = [row for name in "ab" for row in [one for one in rows if one["author"] == name][:60]]
    few.write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
    made = [training.train(few, tmp_path, tmp_path / name) for name in ("one", "two")]
    first, second = ([(path / f"clauses.{end}").read_bytes() for end in ("npz", "json")] for path in made)
    assert first == second
    few.write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match="two authors"):
        training.train(few, tmp_path, tmp_path / "none")


def test_an_empty_text_states_nothing_and_positions_hold_when_letters_are_folded() -> None:
    for text in ("", "anticonstitutionnellement" * 4):  # a word that nothing stands before
        assert clauses.read(text) == clauses.Reading()
    text = "Œuvre d’art — « Ça » ﬁn ½ ẞ İ \ufffd"
    assert len(folded(text)) == len(text)


@pytest.mark.parametrize("name", ["clause_passages", "clause_passages_2"])
def test_passages_written_without_sight_of_the_code(name: str) -> None:
    rows = jsonl(name)
    assert len(rows) >= 150
    read = [clauses.read(row["text"]) for row in rows]
    assert all(precision >= 0.95 and recall >= 0.90 for precision, recall in rates(rows, read).values())
    hours = [(hours_stated(one), row["hours"]) for one, row in zip(read, rows, strict=True)]
    assert sum(a == b for a, b in hours if b is not None) / sum(b is not None for _, b in hours) >= 0.9
    assert sum(a is not None and b is None for a, b in hours) <= 1


def test_sentences_of_our_own_of_many_turns() -> None:
    """Development data, so asked more closely: turns, traps, forms and hours that were wrong once."""
    rows = list(csv.DictReader((DATA / "clause_sentences.csv").read_text("utf-8").splitlines()))
    wrong: dict[str, list[str]] = {"reserved": [], "social": [], "hours": []}
    for row in rows:
        read = clauses.read(row["text"])
        told = {"reserved": read.reservation is not None, "social": bool(read.social)}
        truth = {field: row[field] == "1" for field in told}
        told["hours"], truth["hours"] = hours_stated(read), float(row["hours"]) if row["hours"] else None  # type: ignore[assignment]
        for field in wrong:
            wrong[field] += [row["text"]] if told[field] != truth[field] else []
    assert len(rows) > 500
    assert all(len(texts) / len(rows) < 0.02 for texts in wrong.values()), wrong


@pytest.mark.parametrize("row", jsonl("clause_rules"), ids=lambda row: row["text"][:40])
def test_a_sentence_of_the_rules_holds_for_the_lots_that_it_names(row: dict[str, Any]) -> None:
    lots = tuple(Lot(id=f"t/{n}", title=f"Prestation {n}", number=str(n)) for n in range(1, 5))
    made = clauses.complete(Tender(id="t", format="x", title="Consultation", lots=lots), row["text"]).lots

    def of(nature: str) -> list[str]:
        return [lot.number for lot in made if any(one.nature == nature for one in lot.clauses)]

    social = [one for lot in made for one in lot.clauses]
    assert [lot.number for lot in made if lot.reservation] == row.get("reserved", [])
    assert of("criterion") == row.get("criterion", [])
    assert {lot.number: one.hours for lot in made for one in lot.clauses if one.hours} == row.get("hours", {})
    assert "execution" not in row or of("execution") == row["execution"]
    assert "share" not in row or row["share"] in {one.share for one in social}
    assert "weight" not in row or row["weight"] in {one.weight for one in social}
    kept = [lot.reservation for lot in made if lot.reservation]
    named = {name for one in kept for name in one.who}
    opened = {name for one in kept for name, (_, article) in AUDIENCES.items() if article in one.opened_by}
    assert not row.get("who") or sorted(named) == sorted(opened) == row["who"]
