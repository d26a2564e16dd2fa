"""A lot that asks for several trades is split; one that merely mentions them is not."""

from __future__ import annotations

import pytest

from matcher.domain import Lot, Offer, Structure
from matcher.reference import needs, trades


def split(title: str, description: str = "", cpv: tuple[str, ...] = ()) -> dict[str, str]:
    lot = Lot(id="n-1", title=title, description=description, cpv=cpv)
    return {need.trade: need.passage for need in needs.split(lot)}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Nettoyage des locaux et entretien des espaces verts", {"nettoyage", "espaces-verts"}),
        ("NETTOYAGE DES LOCAUX ET ENTRETIEN DES ESPACES VERTS", {"nettoyage", "espaces-verts"}),
        ("Plâtrerie, peinture, revêtements de sols", {"platrerie", "peinture", "sols"}),
        ("Lot 4 : menuiserie bois - serrurerie", {"menuiserie", "metallerie"}),
        ("Blanchisserie et restauration du personnel", {"blanchisserie", "restauration"}),
        ("Collecte des encombrants, réemploi", {"debarras", "reemploi"}),
    ],
)
def test_the_trades_of_a_title_are_needs(title: str, expected: set[str]) -> None:
    assert set(split(title)) == expected


@pytest.mark.parametrize(
    ("title", "description"),
    [
        ("Nettoyage des locaux", ""),
        ("Nettoyage des locaux", "Le titulaire prendra à sa charge les frais de transport."),
        ("Peinture", "Hors électricité et plomberie."),
        ("Maîtrise d'œuvre pour la réfection de la toiture et la peinture", ""),
        ("Cloisons", "Prévenir le lot électricité pour le passage des réseaux."),
        ("Fourniture de stylos", "Livraison comprise."),
        ("", ""),
    ],
)
def test_one_trade_or_a_mere_mention_is_not_split(title: str, description: str) -> None:
    assert split(title, description) == {}


def test_bullets_of_the_description_are_needs_each_with_its_own_passage() -> None:
    found = split(
        "Rénovation du gymnase",
        "Les travaux comprennent : - la démolition des gradins ; - la maçonnerie ; - la peinture des vestiaires.",
    )
    assert found == {
        "demolition": "la démolition des gradins",
        "maconnerie": "la maçonnerie",
        "peinture": "la peinture des vestiaires",
    }


def test_codes_tell_needs_where_words_do_not() -> None:
    assert split("Entretien du site", cpv=("90910000", "77310000")) == {
        "nettoyage": "CPV 90910000",
        "espaces-verts": "CPV 77310000",
    }
    # a main code unlike the title is the title's trade, classed otherwise
    assert split("Peinture", cpv=("45410000",)) == {}


def test_weights_sum_to_one_and_the_title_weighs_more() -> None:
    lot = Lot(
        id="n",
        title="Nettoyage des locaux",
        description="Comprend : - la tonte ;",
        cpv=("90910000", "77310000"),
    )
    parts = {need.trade: need for need in needs.split(lot)}
    assert sum(need.weight for need in parts.values()) == pytest.approx(1.0)
    assert parts["nettoyage"].weight > parts["espaces-verts"].weight
    assert parts["espaces-verts"].cpv == ("77310000",) and parts["nettoyage"].id == "n#nettoyage"


def test_coverage_is_measured_need_by_need() -> None:
    asked = needs.split(Lot(id="n", title="Nettoyage des locaux et entretien des espaces verts"))
    crew = [
        Structure(siret="1", name="A", offers=(Offer(id="a", title="Lavage de vitres, bionettoyage"),)),
        Structure(siret="2", name="B", naf="8130Z"),
        Structure(siret="3", name="C", kind="ETTI"),
        Structure(siret="4", name="D"),
        Structure(siret="5", name="E", offers=(Offer(id="e", title="Chantier", cpv=("77310000",)),)),
    ]
    assert [need.trade for need in asked] == ["nettoyage", "espaces-verts"]
    assert needs.cover(asked, crew) == [[1.0, 0.0, 0.5, 0.25, 0.0], [0.0, 0.5, 0.5, 0.25, 1.0]]


def test_every_trade_names_itself_and_no_code_is_claimed_by_two() -> None:
    for trade in trades.trades():
        assert trade.words.pattern and trade.label
    seen = [code for trade in trades.trades() for code in trade.cpv]
    assert not {code for code in seen if seen.count(code) > 1}


def test_a_title_of_several_trades_is_cut_into_them() -> None:
    assert needs.pieces("Entretien des espaces verts et nettoyage des locaux") == [
        "Entretien des espaces verts",
        "nettoyage des locaux",
    ]
    assert needs.pieces("Nettoyage des locaux, vitrerie comprise") == []
    assert needs.pieces("Maîtrise d'œuvre : peinture, sols souples et électricité") == []


def test_clearing_snow_is_no_cleaning() -> None:
    assert "nettoyage" not in trades.trades_of_cpv(["90620000", "90630000"])
    assert "nettoyage" in trades.trades_of_cpv(["90919200"])


@pytest.mark.parametrize(
    ("code", "trade"),
    [
        ("45421000", "menuiserie"),  # joinery: doors, windows, blinds
        ("45421141", "platrerie"),  # partitions
        ("45421148", "metallerie"),  # gates
        ("77211400", "espaces-verts"),  # felling of trees
        ("79571000", "logistique"),  # mailing
        ("98371000", ""),  # funerals are no laundry
        ("90690000", "voirie-proprete"),  # graffiti
        ("85312400", "aide-personnes"),
        ("85312510", "insertion"),
        ("44110000", ""),  # building materials are no subcontracting
    ],
)
def test_a_code_names_the_trade_that_does_such_work(code: str, trade: str) -> None:
    assert next(iter(trades.trades_of_cpv([code])), "") == trade
