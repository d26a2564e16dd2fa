"""What a notice lacks and its text lets one suppose: always marked, never in the place of what is stated."""

import json

from pytest import MonkeyPatch

from matcher.domain import Award, Lot, Rejected, Tender
from matcher.reading import files, inference
from terminal import command

GREEN = Lot(id="a/1", title="Tonte des pelouses et taille des haies des parcs", number="1")
STATED = Lot(id="a/2", title="Nettoyage des vitres", number="2", cpv=("90911300",))
MUTE = Lot(id="a/3", title="123 456", number="3")


def notice(*lots: Lot) -> Tender:
    return Tender(id="a", format="x", title="Travaux et services", lots=lots)


def test_a_lot_without_a_code_is_given_the_likeliest_and_says_so() -> None:
    (made,) = inference.coded([notice(GREEN, STATED, MUTE)])
    assert isinstance(made, Tender)
    green, stated, mute = made.lots
    assert green.inferred == ("cpv",) and 1 <= len(green.cpv) <= inference.TOP
    assert green.cpv[0].startswith("773") and all(len(code) == 8 for code in green.cpv)
    assert stated == STATED  # what is stated is never touched
    assert (mute.cpv, mute.inferred) == ((), ())  # no known word: nothing is supposed
    (flag,) = made.flags
    assert flag.startswith(f"cpv inferred, lot 1: {green.cpv[0]} (0.")
    assert all(lot.amount is None for lot in made.lots)


def test_records_keep_their_order_and_no_model_is_loaded_in_vain(monkeypatch: MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(inference, "shipped", never)
    others = Rejected(path="p", record="r", reason="why"), Award(uid="u", title="t")
    records = [notice(STATED), *others, notice(STATED)]
    assert list(inference.coded(records)) == records


def test_order_holds_across_batches(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "BATCH", 2)
    given = (STATED if i % 3 else GREEN for i in range(10))
    records = [Tender(id=f"{i}", format="x", title="Vitres", lots=(lot,)) for i, lot in enumerate(given)]
    made = list(inference.coded(records))
    assert [r.id for r in made if isinstance(r, Tender)] == [r.id for r in records]
    assert [bool(r.flags) for r in made if isinstance(r, Tender)] == [i % 3 == 0 for i in range(10)]


def test_read_shows_what_is_supposed(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "notices.csv"
    path.write_text("Référence;Objet;Acheteur\nA;Tonte des pelouses et taille des haies;Ville\n", "utf-8")
    shown = command("read", str(path), "--format", "jsonl")
    lot = json.loads(shown.stdout)["lots"][0]
    assert lot["inferred"] == ["cpv"] and lot["cpv"][0].startswith("773") and lot.get("amount") is None
    table = command("read", str(path), "--format", "csv")
    assert f"≈{lot['cpv'][0]}" in table.stdout
    bare = command("read", str(path), "--format", "jsonl", "--as-stated")
    assert json.loads(bare.stdout)["lots"][0].get("cpv", []) == []
    (record,) = files.read([path])  # the step comes after: readers state, they do not suppose
    assert isinstance(record, Tender) and record.lots[0].cpv == ()
