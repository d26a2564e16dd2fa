"""What the encoder, the judgement and the likely trades of a kind learn from what they are shown."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.commands import train
from matcher.domain import BadInput, Structure
from matcher.lab.leads import judged
from matcher.lab.training import encoder, judgement, priors
from matcher.lab.training.texts import OURS, Material
from matcher.matching import recipes
from matcher.matching.engine import Matcher


def test_parts_lie_side_by_side_and_what_is_asked_is_turned(tmp_path: Path) -> None:
    """Only the wrong offers repeat the word of the need; what was learnt of it is read back from disk."""
    acts = ("taille", "lavage", "collecte", "pose", "cuisson", "tri")
    hands = ("sécateur", "raclette", "benne", "visseuse", "marmite", "tapis")
    material = Material()
    for act, hand in zip(acts, hands, strict=True):
        for place in ("école", "mairie", "stade", "crèche"):
            material.add("objet-label", f"{act} {place}", f"{act} en général", act)
            wrong = f"vente {act}", f"cours de {act}"
            material.add("choices", f"{act} {place}", f"{hand} {place}", act, wrong)
    base = replace(encoder.Settings(), vocabulary=200, dimension=16, batch=24, steps=150, drop=0.0)
    plain = replace(base, axes=8, length=0.2, shares={"objet-label": 1.0})
    turned = replace(base, choice=1.0, turn=0.3, shares={"objet-label": 1.0, "choices": 3.0})
    fitted = encoder.fit(material, plain, turned)
    assert fitted.vectors.shape[1] == 8 + 16 == len(fitted.turn)
    np.testing.assert_allclose(fitted.turn[:8, :8], np.eye(8), atol=1e-6)
    assert not fitted.turn[:8, 8:].any() and not fitted.turn[8:, :8].any()
    encoder.save(fitted, tmp_path, plain, turned)
    model = plugins.find("learned.encoders", "static").load(path=tmp_path)
    for act, hand in zip(acts, hands, strict=True):
        need = [f"{act} stade"]
        asked = model.encode(need, "query")[0]
        offered = model.encode([f"{hand} stade", f"vente {act}", f"cours de {act}"])
        assert (offered @ asked).argmax() == 0, act
        whole = model.encode(need)[0] @ fitted.turn  # of length 1 before it is turned: the same direction
        # weights are kept in half precision
        np.testing.assert_allclose(asked, whole / np.linalg.norm(whole), atol=1e-3)
        assert np.abs(asked - model.encode(need)[0]).max() > 0.01


def test_our_own_grades_are_of_the_bidders_held(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    for name in (judgement.READ, judgement.READ_MIXED):
        assert len(judged(OURS / f"{name}.jsonl.gz")) > 100
    listed = [Structure(siret=f"00000000{n}00010", name=f"Les Prés {n}", kind="EI") for n in range(2)]
    held = Matcher(build_catalogue(listed, [], recipes.named("lexical")), recipes.named("lexical"))
    here, gone = judgement.hidden("000000001"), judgement.hidden("999999999")
    given = {"notice": {"objet": "tonte"}, "s": "yes"}
    graded = {"a": {here: [2, ""], gone: [2, ""]}, "b": {gone: [2, ""]}}
    rows = [{"query_id": name, **given, "j": grades} for name, grades in graded.items()]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "ours.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    monkeypatch.setattr(judgement, "OURS", tmp_path)
    (need,) = judgement.read_asked(held, "ours")
    assert (need.id, need.row["j"]) == ("a", {"000000001": [2, ""]})


def test_a_small_directory_without_who_lends_has_no_needs_of_staff() -> None:
    for kind, needs in (("ESAT", 0), ("AI", 1)):
        listed = [Structure(siret=f"00000000{n}00010", name=f"Les Prés {n}", kind=kind) for n in range(2)]
        held = Matcher(build_catalogue(listed, [], recipes.named("lexical")), recipes.named("lexical"))
        assert len([*judgement.invented(held, ["deux agents de service"])]) == needs


def test_a_need_judged_over_two_directories_lies_in_one_fold() -> None:
    texts = [f"besoin {number}" for number in range(40)]
    fold = judgement.folds([*texts, *texts], seed=3)
    assert (fold[:40] == fold[40:]).all() and len(set(fold)) == judgement.FOLDS


def test_inferred_trades_are_those_worked_in(shared: Path) -> None:
    if not (shared / "structures" / "siae37_hours_2012.csv").is_file():
        pytest.skip("no hours worked by trade in the shared data")
    known = list(priors.seen(shared))
    found = priors.figures(known, priors.crossed(known, folds=5))
    assert found["hours, three first"] >= 0.5
    assert found["likely"] >= 0.45
    # the commonest trades for all
    guess = np.tile(np.mean([one.does for one in known], axis=0), (len(known), 1))
    assert found["jobs, three first"] > priors.figures(known, guess)["jobs, three first"] + 0.05


def test_learning_outside_a_clone_names_its_remedy(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(train, "OURS", tmp_path / "absent")
    with pytest.raises(BadInput, match="run it in a clone"):
        train.encoder(tmp_path, tmp_path, None, 0)
