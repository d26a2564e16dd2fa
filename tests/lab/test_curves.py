"""A longer training learns more of what it is shown; what is kept aside is not learnt from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.domain import BadInput
from matcher.lab.evaluation import UNDATED
from matcher.lab.training import curves, encoder, ranker
from matcher.lab.training.texts import Material, Pairs
from matcher.matching import recipes

TRADES = (
    "tonte",
    "vitres",
    "peinture",
    "linge",
    "cuisine",
    "palettes",
    "vélos",
    "papier",
    "meubles",
    "déchets",
)


def test_the_encoder_learns_the_pairs_it_is_shown() -> None:
    pairs = Pairs()
    for i, trade in enumerate(TRADES):
        for place in ("école", "mairie", "stade"):
            pairs.add(f"{trade} {place}", f"atelier {trade} numéro {i}", trade)
    material = Material()
    material.pairs |= {"objet-label": pairs}
    settings = replace(encoder.Settings(), vocabulary=200, dimension=16, batch=30)
    points = list(curves.encoder_curve(material, "objet-label", (5, 60), settings))
    assert [point["steps"] for point in points] == [5.0, 60.0]
    assert points[1]["learnt"] >= max(points[0]["learnt"], 0.8) and 0 <= points[1]["held_out"] <= 1
    with pytest.raises(BadInput, match="wants"):
        next(curves.encoder_curve(material, "notices", (5,), settings))


def test_parts_lie_side_by_side_and_what_is_asked_is_turned(tmp_path: Path) -> None:
    """Only the wrong offers repeat the word of the need; what was learnt of it is read back from disk."""
    acts = ("taille", "lavage", "collecte", "pose", "cuisson", "tri")
    hands = ("sécateur", "raclette", "benne", "visseuse", "marmite", "tapis")
    labels, choices = Pairs(), Pairs()
    for act, hand in zip(acts, hands, strict=True):
        for place in ("école", "mairie", "stade", "crèche"):
            labels.add(f"{act} {place}", f"{act} en général", act)
            choices.add(f"{act} {place}", f"{hand} {place}", act, "", (f"vente {act}", f"cours de {act}"))
    material = Material()
    material.pairs |= {"objet-label": labels, "choices": choices}
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
        np.testing.assert_allclose(
            asked, whole / np.linalg.norm(whole), atol=1e-3
        )  # weights are kept in half precision
        assert np.abs(asked - model.encode(need)[0]).max() > 0.01


def test_what_all_needs_share_prefers_no_offer() -> None:
    rng = np.random.default_rng(0)
    vectors, turn = rng.normal(size=(9, 4)).astype(np.float32) + 1, rng.normal(size=(4, 4))
    texts = np.arange(9), np.array([0, 3, 6])
    before = vectors.reshape(3, 3, 4).sum(axis=1) @ turn
    mean = (before / np.linalg.norm(before, axis=1, keepdims=True)).mean(axis=0)
    after = vectors.reshape(3, 3, 4).sum(axis=1) @ encoder.without_common(turn, vectors, texts)
    np.testing.assert_allclose(after @ mean, 0, atol=1e-6)
    across = np.linalg.svd(mean[None])[2][1:]  # the directions that the mean has no part in are as before
    np.testing.assert_allclose(after @ across.T, before @ across.T, atol=1e-6)


def test_the_ranker_gains_on_what_it_learns_from() -> None:
    awards = curves.invented(70, 20)
    assert len({a.uid for a in awards}) == 70 and all(a.holders and a.cpv and len(a.cpv) == 8 for a in awards)
    recipe = replace(recipes.named("weighted"), encoder="hashing")
    catalogue = build_catalogue([], awards, recipe, undated=UNDATED)
    splits = ranker.collect(catalogue, awards, date(2018, 9, 1), 40)
    points = list(curves.ranker_curve(splits, (1, 200)))
    assert points[1]["learnt"] > points[0]["learnt"]
    with pytest.raises(BadInput, match="wants"):
        next(curves.ranker_curve(splits[:3], (1,)))
