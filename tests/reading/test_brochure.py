"""A pasted brochure becomes offers to tick: what it says is done, with the passage, and nothing else."""

from __future__ import annotations

import pytest

from matcher.domain import BadInput
from matcher.reading import brochure

TEXT = """ESAT LES TILLEULS
Qui sommes-nous ?
Association fondée en 1978, nous accompagnons 80 travailleurs.

NOS ACTIVITÉS

Blanchisserie
Lavage, séchage et repassage du linge plat.
Capacité de 2 tonnes par jour.

ESPACES VERTS
• Tonte et taille de haies
• Élagage d'arbres
- Conditionnement : mise sous film, étiquetage, kits
- La convivialité

Nous proposons également la mise sous pli, la restauration de meubles et le nettoyage de bureaux.
Notre équipe assure l'entretien des locaux de nombreux clients du territoire.
Contact : 03 87 00 00 00 - contact@tilleuls.example
57000 Metz
Horaires : du lundi au vendredi
"""


def titles(text: str) -> list[str]:
    return [offer.title for offer in brochure.propose(text)]


def test_headings_bullets_and_listing_sentences_become_proposals_in_order() -> None:
    assert titles(TEXT) == [
        "Blanchisserie", "Espaces verts", "Tonte et taille de haies", "Élagage d'arbres", "Conditionnement",
        "Mise sous pli", "Restauration de meubles", "Nettoyage de bureaux",
        "Entretien des locaux de nombreux clients du territoire",
    ]  # fmt: skip


def test_each_proposal_is_marked_inferred_and_quotes_the_text() -> None:
    flat = " ".join(TEXT.split())
    for offer in brochure.propose(TEXT):
        assert offer.inferred
        assert offer.nature == "offer"
        first = offer.evidence.split(" ")[0]
        assert first in flat
    assert "linge plat" in brochure.propose(TEXT)[0].text
    assert [offer.id for offer in brochure.propose(TEXT)][:2] == ["proposal-1", "proposal-2"]


@pytest.mark.parametrize(
    "noise",
    [
        "Contact : nettoyage@exemple.example",
        "Tél. 03 87 00 00 00 (service espaces verts)",
        "Qui sommes-nous ?",
        "Horaires de la blanchisserie : 8h-17h",
        "Nous sommes une belle association pleine d'idées.",
        "57000 Metz, entrée par les jardins",
        "Mentions légales - nettoyage",
    ],
)
def test_what_is_no_offer_is_not_proposed(noise: str) -> None:
    assert titles(noise) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nos prestations : peinture, plomberie et nettoyage.", ["Peinture", "Plomberie", "Nettoyage"]),
        ("Nous réalisons la tonte de pelouses.", ["Tonte de pelouses"]),
        (
            "1. Peinture intérieure\n2) Nettoyage de chantier\n",
            ["Peinture intérieure", "Nettoyage de chantier"],
        ),
        ("PEINTURE\nIntérieure et extérieure.", ["Peinture"]),
        ("• le nettoyage\n• Nettoyage", ["Nettoyage"]),
        ("Nettoyage\nNettoyage de vitres", ["Nettoyage de vitres"]),
        (
            "Nous assurons l'entretien des espaces\nverts des communes.",
            ["Entretien des espaces verts des communes"],
        ),
    ],
)
def test_ways_to_write_an_offer(text: str, expected: list[str]) -> None:
    assert titles(text) == expected


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
