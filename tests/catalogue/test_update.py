"""An amended catalogue answers as one built anew, down to the last figure, and takes the place of the old at once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher import codec
from matcher.catalogue.build import build_catalogue, update_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.commands import index
from matcher.domain import Holder, Structure
from matcher.lab import synth
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading import gather
from records import facts

RECIPE = recipes.named("default")


def same(one: Catalogue, other: Catalogue) -> None:
    """Every column, vector and weight of the two is equal."""
    for mine, theirs in ((one.structures, other.structures), (one.evidence, other.evidence)):
        assert mine.column_names == theirs.column_names
        for name in mine.column_names:
            column, expected = mine.column(name), theirs.column(name)
            assert str(column.to_pylist()) == str(expected.to_pylist()), name  # NaN is NaN
    np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-6)
    assert one.manifest == other.manifest


def told(catalogue: Catalogue, tenders: list) -> list:  # type: ignore[type-arg]
    matcher = Matcher(catalogue)
    lots = (lot for tender in tenders for lot in matcher.match(tender, 10, groups=0).lots)
    shown = "lot.id structure.siret structure.kind"
    matches = [match for lot in lots for match in lot.matches]
    return [(facts(m, shown), round(m.score, 5), [r.text for r in m.reasons]) for m in matches]


def test_structures_are_read_from_a_catalogue_as_they_were_given(sample: gather.Gathered) -> None:
    """Fields at their default are left out of what is stored."""
    given = sample.structures[:60]
    held = build_catalogue(given, (), RECIPE)
    for row in range(len(held)):
        structure = held.structure(row)
        assert codec.from_text(Structure, codec.to_text(structure)) == structure
        assert structure == codec.from_text(Structure, codec.to_text(structure, brief=True))
    text = held.structures.column("payload")[0].as_py()
    assert len(text) < len(codec.to_text(held.structure(0)))


def changed(structure: Structure) -> Structure:
    return replace(structure, description="Atelier de reliure et de dorure, restauration d'ouvrages anciens")


@pytest.mark.parametrize("which", ["one", "all", "new", "gone", "kind", "mixed"])
def test_an_update_equals_a_new_build(sample: gather.Gathered, which: str) -> None:
    listed = {f"{s.siret} {s.kind}": s for s in reversed(sample.structures)}
    before = build_catalogue(listed.values(), sample.awards, RECIPE)
    holders = {holder.siren for award in sample.awards for holder in award.holders}
    # of a bidder that goes altogether the awards go too, so that one without any is taken away
    count = Counter(s.siret for s in listed.values())
    leaving = next(s.siret for s in listed.values() if s.siren not in holders and count[s.siret] == 1)
    keys = [key for key in sorted(listed) if not key.startswith(leaving)]
    fresh: list[Structure] = []
    gone: list[str] = []
    if which in ("one", "mixed"):
        fresh += [changed(s) for s in listed.values() if s.siret == listed[keys[0]].siret]
    if which == "all":
        fresh += [changed(s) for s in listed.values()]
    if which in ("new", "mixed"):
        fresh += list(synth.structures(7, seed=4))
    if which in ("gone", "mixed"):
        gone = [leaving]
    if which == "kind":
        other = listed[keys[-1]]
        fresh += [replace(other, kind="SCIC", siret=other.siret)]
    out = {s.siret for s in fresh} | set(gone)
    after = [s for s in listed.values() if s.siret not in out] + fresh
    anew = build_catalogue(after, sample.awards, RECIPE)
    amended = update_catalogue(before, fresh, gone)
    same(amended, anew)
    tenders = sample.tenders[:6]
    assert told(amended, tenders) == told(anew, tenders)


def test_the_same_in_blocks(sample: gather.Gathered, catalogue: Catalogue, monkeypatch: MonkeyPatch) -> None:
    for size in (1, 7):
        monkeypatch.setattr("matcher.catalogue.build.BLOCK", size)
        blocks = build_catalogue(sample.structures, sample.awards, RECIPE)
        same(blocks, catalogue)
        assert told(blocks, sample.tenders[:2]) == told(catalogue, sample.tenders[:2])


def test_half_precision_keeps_the_order(
    sample: gather.Gathered, catalogue: Catalogue, monkeypatch: MonkeyPatch, tmp_path: Path
) -> None:
    """Vectors of a very large catalogue are halves: similarities within a thousandth, amended and saved alike."""
    monkeypatch.setattr("matcher.catalogue.build.HALVED_FROM", 10)
    halved = build_catalogue(sample.structures, sample.awards, RECIPE)
    assert halved.vectors.dtype == np.float16
    save_catalogue(halved, tmp_path / "c")
    halved = load_catalogue(tmp_path / "c")
    rows = np.array([5, 0, 17])
    for query in (q for tender in sample.tenders[:5] for q in Matcher(catalogue).queries(tender)):
        mine, theirs = (c.indexes["faiss"].compare("", query.vector, None) for c in (halved, catalogue))
        np.testing.assert_allclose(mine, theirs, atol=1e-3)
        some = halved.indexes["faiss"].compare("", query.vector, rows)
        np.testing.assert_allclose(some, mine[rows], atol=1e-6)
    row = len(halved) // 2
    again = update_catalogue(halved, [changed(halved.structure(row))])
    assert again.vectors.dtype == np.float16 and again.manifest["data"] != halved.manifest["data"]


def test_nothing_changed_changes_nothing(sample: gather.Gathered) -> None:
    """Foreign holders, whose identifiers are shorter than a SIREN, keep their awards too."""
    abroad = replace(sample.awards[0], uid="abroad", holders=(Holder(id="GB12", name="Abroad"),))
    catalogue = build_catalogue(sample.structures, [*sample.awards, abroad], RECIPE)
    same(update_catalogue(catalogue), catalogue)
    same(update_catalogue(catalogue, [catalogue.structure(len(catalogue) // 2)]), catalogue)


def test_a_supplier_that_joins_a_directory_keeps_its_awards(sample: gather.Gathered) -> None:
    """A holder of awards that no directory named becomes a structure of a kind: once, with its awards."""
    without = build_catalogue([], sample.awards, RECIPE)
    row = int(np.argmax(np.diff(without.offsets)))
    supplier = without.structure(row)
    joined = Structure(siret=supplier.siret[:9] + "99999", name="Atelier du Pont", kind="EI", source="essai")
    amended = update_catalogue(without, [joined])
    same(amended, build_catalogue([joined], sample.awards, RECIPE))
    assert amended.structure(amended.row(supplier.siren)).name == "Atelier du Pont"


def test_the_command_amends_what_stands(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_STORE", f"sqlite:///{tmp_path}/none.sqlite")
    names = [synth.siret(3_000_000 + i) for i in range(4)]

    def listed(name: str, *rows: str) -> Path:
        head = "SIRET;Raison sociale;Code postal;Ville;Activité\n"
        lines = "".join(f"{row};93100;Montreuil;Peinture\n" for row in rows)
        (path := tmp_path / name).write_text(head + lines)
        return path

    first = listed("first.csv", *(f"{siret};Atelier {i}" for i, siret in enumerate(names[:3])))
    second = listed("second.csv", *(f"{siret};Atelier neuf" for siret in (names[0], names[3])))
    folder = tmp_path / "c"
    index.run([first], out=folder)
    index.run([second], out=folder, update=True, gone=[names[1]])
    catalogue = load_catalogue(folder)
    held = {s.siret: s.name for s in map(catalogue.structure, range(len(catalogue)))}
    assert held == {names[0]: "Atelier neuf", names[2]: "Atelier 2", names[3]: "Atelier neuf"}
    left = sorted(p.name for p in tmp_path.iterdir())
    assert left == ["c", "first.csv", "second.csv"]  # nothing is left behind


def test_swapped_under_those_who_read(sample: gather.Gathered, tmp_path: Path) -> None:
    """Whoever opens the folder while it is amended finds a whole catalogue, the old or the new."""
    folder = tmp_path / "c"
    catalogue = build_catalogue(sample.structures, sample.awards, RECIPE)
    save_catalogue(catalogue, folder)
    stop, made = threading.Event(), {catalogue.manifest["data"]}

    def read() -> set[str]:
        seen = set()
        while not stop.is_set():
            opened = Matcher.load(folder)
            opened.match(sample.tenders[0], 3, groups=0)
            seen.add(opened.versions["data"])
        return seen

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            for turn in range(6):
                structure = replace(catalogue.structure(turn), description=f"Atelier numéro {turn}")
                catalogue = update_catalogue(catalogue, [structure])
                save_catalogue(catalogue, folder)
                made.add(catalogue.manifest["data"])
        finally:
            stop.set()
        assert reader.result() <= made
    assert codec.to_json(load_catalogue(folder).structure(5))["description"] == "Atelier numéro 5"
