"""What was read of a structure is told as read, never as declared by it."""

from dataclasses import replace

import made
from matcher.domain import Offer, Place
from matcher.reading.need import free_text_tender

POINT = {"label": "Pantin", "latitude": 48.89, "longitude": 2.41}
PANTIN = Place(commune="93055", department="93", region="11", postcode="93500", **POINT)


def quoted(offer: Offer, need: str) -> str:
    who = made.structure("00010001600013", "Maison", kind="ACI", place=PANTIN, offers=(offer,))
    matches = made.matcher_over([who]).match(free_text_tender(need, PANTIN), 5, groups=0).lots[0].matches
    return " ".join(reason.text for reason in matches[0].reasons)


def test_a_reason_says_where_a_read_offer_comes_from() -> None:
    read = {"inferred": True, "source": "son site, lu le 28/11/2026", "evidence": "Tonte"}
    offer, need = Offer(id="1", title="Tonte de pelouses et taille de haies", **read), "tonte de pelouses"
    told = quoted(offer, need)
    assert "selon son site, lu le 28/11/2026, « Tonte" in told and "selon sa fiche, « Tonte" not in told
    assert "selon sa fiche, « Tonte" in quoted(replace(offer, source="annuaire", inferred=False), need)


def test_a_quotation_is_a_sentence_or_a_title_and_no_scrap_of_it() -> None:
    sentence = "Collecte, tri et vente de vêtements et de meubles d'occasion"
    shop = Offer(id="1", title="Boutique", text=f"{sentence}. Ouvert le samedi.")
    told = quoted(shop, "tri de vêtements usagés")
    assert f"selon sa fiche, « {sentence} »" in told


def test_of_several_pieces_that_of_the_need_is_quoted_and_none_is_given_a_trade_that_it_does_not_name() -> (
    None
):
    both = Offer(id="1", title="Ateliers", text="Tonte de pelouses. Élagage et abattage d'arbres dangereux.")
    assert "espaces verts : selon sa fiche, « Élagage" in quoted(both, "élagage d'arbres dangereux")
    hours = Offer(id="1", title="Conditions", text="Débutants acceptés avec permis et papiers à jour")
    assert "formation : selon" not in quoted(hours, "préparation au permis de conduire")


def test_a_job_is_quoted_as_one_of_its_jobs() -> None:
    job = Offer(id="1", title="Jardinier / Jardinière", text="Travail en équipe.", nature="job")
    told = quoted(job, "tonte de pelouses")
    assert "parmi ses postes, « Jardinier / Jardinière »" in told and "fiche" not in told
