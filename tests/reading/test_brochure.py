"""A pasted brochure becomes offers to tick: what it says is done, with the passage, and nothing else."""

import pytest

from matcher.domain import BadInput
from matcher.reading import brochure
from records import cases

((TEXT,),) = cases("a brochure")


def titles(text: str) -> list[str]:
    return [offer.title for offer in brochure.propose(text)]


def test_headings_bullets_and_listing_sentences_become_proposals_in_order() -> None:
    bullets = ["Tonte et taille de haies", "Élagage d'arbres", "Conditionnement"]
    expected = ["Blanchisserie", "Espaces verts", *bullets, "Mise sous pli", "Nettoyage de bureaux"]
    assert [title for title in titles(TEXT) if title in expected] == expected
    trades = {offer.sectors[0] for offer in brochure.propose(TEXT)}
    certain = {"blanchisserie", "espaces verts", "logistique et conditionnement", "nettoyage et propreté"}
    assert certain <= trades <= {*certain, "mobilier"}


def test_each_proposal_is_marked_inferred_and_quotes_the_text() -> None:
    flat = " ".join(TEXT.split())
    for offer in brochure.propose(TEXT):
        assert offer.inferred
        assert offer.nature == "offer"
        first = offer.evidence.split(" ")[0]
        assert first in flat
    assert "linge plat" in brochure.propose(TEXT)[0].text
    assert [offer.id for offer in brochure.propose(TEXT)][:2] == ["proposal-1", "proposal-2"]


def test_empty_too_long_and_html_texts() -> None:
    with pytest.raises(BadInput, match="empty"):
        brochure.propose("  \n ")
    with pytest.raises(BadInput, match="paste the pages"):
        brochure.propose("x" * 300_000)
    assert titles("<ul><li>•</li></ul>") == []
    assert titles("<p>Nous assurons le <b>nettoyage</b> de bureaux.</p>") == ["Nettoyage de bureaux"]


def test_a_long_text_gives_a_list_one_can_tick() -> None:
    text = "\n".join(f"• Nettoyage du site numéro {n} de la ville" for n in range(300))
    assert len(titles(text)) == brochure.MOST


def test_offers_have_a_trade_a_service_type_and_a_zone() -> None:
    made = "Nous fabriquons des tables et des chaises en chêne. Livraison dans un rayon de 40 km autour de Niort."
    (one,) = brochure.propose(made)
    assert (one.sectors, one.service_types) == (("mobilier",), ("BUILD",))
    assert one.zone is not None and one.zone.radius_km == 40
    lent = brochure.propose("Mise à disposition de personnel aux communes de la Sarthe, intérim d'insertion.")
    assert {offer.service_types for offer in lent} == {("DISP",)}
    assert lent[0].zone is not None and lent[0].zone.departments == ("72",)


@pytest.mark.parametrize(("purpose",), cases("purposes of associations"))
def test_a_purpose_is_no_trade(purpose: str) -> None:
    assert titles(purpose) == []
    means = brochure.propose(f"{purpose}, par des travaux d'entretien d'espaces verts et de débroussaillage")
    assert {offer.sectors[0] for offer in means} == {"espaces verts"}


@pytest.mark.parametrize("name", ["own", "another author", "held out"])
def test_texts_of_the_true_kinds(name: str) -> None:
    """Plaquettes, pages and declared objects, invented by three authors: four fifths of the trades are found, few are wrong."""
    from bench.read import measure, texts

    found = measure(list(texts(name)))
    assert float(found["found"]) >= 0.8
    assert float(found["wrong"]) <= 0.14
    assert found["zones invented"] == 0


@pytest.mark.parametrize(("line",), cases("trades of others in a page"))
def test_trades_of_others_in_a_page_are_not_proposed(line: str) -> None:
    page = f"Accueil | Nos services | Contact\nLes Jardins du Val, chantier d'insertion\nEspaces verts\nTonte, taille de haies, débroussaillage pour les communes.\n{line}"
    assert {offer.sectors[0] for offer in brochure.propose(page)} == {"espaces verts"}
