"""A longer training learns more of what it is shown; what is kept aside is not learnt from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from matcher import recipes
from matcher.catalogue import Catalogue
from matcher.domain import BadInput
from matcher.evaluation import UNDATED
from matcher.training import curves, encoder, ranker
from matcher.training.texts import Material, Pairs

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
    assert points[1]["learnt"] >= max(points[0]["learnt"], 0.8) and 0 <= points[1]["aside"] <= 1
    with pytest.raises(BadInput, match="wants"):
        next(curves.encoder_curve(material, "notices", (5,), settings))


def test_the_ranker_gains_on_what_it_learns_from() -> None:
    awards = curves.invented(70, 20)
    assert len({a.uid for a in awards}) == 70 and all(a.holders and a.cpv and len(a.cpv) == 8 for a in awards)
    recipe = replace(recipes.named("weighted"), encoder="hashing")
    catalogue = Catalogue.build([], awards, recipe, undated=UNDATED)
    splits = ranker.collect(catalogue, awards, date(2018, 9, 1), 40)
    points = list(curves.ranker_curve(splits, (1, 200)))
    assert points[1]["learnt"] > points[0]["learnt"]
    with pytest.raises(BadInput, match="wants"):
        next(curves.ranker_curve(splits[:3], (1,)))
