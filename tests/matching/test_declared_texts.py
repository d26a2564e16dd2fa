"""What structures say: cut into pieces, compared with a lot, and shown."""

import numpy as np
import pytest

import made
from matcher.catalogue.build import build_catalogue, update_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Filters, Place, Structure
from matcher.matching import declared
from matcher.matching.search import query_of, shortlist_of
from matcher.matching.shortlist import Shortlist
from matcher.reading.need import free_text_tender
from records import cases


def structure(number: int, description: str = "", offers: tuple[str, ...] = ()) -> Structure:
    facts = {"place": Place(department="44"), "description": description}
    return made.structure(f"{number:09d}00017", f"Structure {number}", *offers, **facts)


MANY = (
    "Notre association accompagne vers l'emploi les habitants du quartier. "
    "Nous assurons la collecte du carton, la tonte et la taille de haies, le repassage et la livraison de repas."
)
KNOWN = (
    structure(1, MANY),
    structure(2, "Carrosserie, peinture et mécanique automobile"),
    structure(3),
    structure(4, offers=("Peinture intérieure de logements",)),
    structure(5, offers=("Peinture intérieure de logements", "Peinture intérieure de logements.")),
)


@pytest.fixture(scope="module")
def held() -> Catalogue:
    return build_catalogue(KNOWN)


def asked(catalogue: Catalogue, need: str, filters: Filters | None = None) -> Shortlist:
    tender = free_text_tender(need)
    query = query_of(catalogue, tender.lots[0], tender, filters=filters)
    return shortlist_of(catalogue, query, exhaustive=True)


def test_a_description_of_several_trades_is_cut_into_them() -> None:
    pieces = declared.cut(MANY)
    bare = {piece.removeprefix("la ").removeprefix("le ") for piece in pieces}
    assert {"Nous assurons la collecte du carton", "taille de haies", "livraison de repas"} <= bare
    assert "livraison de repas" in pieces["la livraison de repas"]


@pytest.mark.parametrize(("text", "piece"), cases("single pieces"))
def test_doubled_genders_and_titles_make_no_pieces(text: str, piece: str) -> None:
    assert list(declared.cut(text)) == [piece]


def test_the_trade_asked_is_found_and_shown_within_a_description_of_others(held: Catalogue) -> None:
    lawns = asked(held, "tonte des pelouses et taille des haies du cimetière")
    assert int(np.nanargmax(declared.said_best(lawns))) == 0
    pieces, slots = declared.pieces(lawns), declared.slots_of(lawns).of(0)
    nearest = pieces.text(int(slots[pieces.compare(declared.view_of(lawns), slots).argmax()]))
    assert ("haies" in nearest or "tonte" in nearest) and "emploi" not in nearest


def test_a_word_is_read_with_its_sentence_and_once_and_silence_is_unknown(held: Catalogue) -> None:
    stairwell = declared.said_best(asked(held, "peinture des cages d'escalier d'une résidence"))
    assert stairwell[3] > stairwell[1]
    lawns = asked(held, "tonte des pelouses")
    for column in (declared.said_best(lawns), declared.said_second(lawns)):
        assert np.isnan(column[2]) and not np.isnan(column[0])
    assert not len(declared.slots_of(lawns).of(2))
    painting = asked(held, "peinture d'un gymnase")
    for column in (declared.said_best(painting), declared.said_second(painting)):
        assert column[3] == pytest.approx(column[4], abs=1e-3)


def test_a_score_depends_neither_on_a_filter_nor_on_what_was_read_before(held: Catalogue) -> None:
    need = "livraison de plateaux repas"
    everyone = declared.said_best(asked(held, need))
    fresh = build_catalogue(KNOWN)
    alone = declared.said_best(asked(fresh, need, Filters(sirets=(KNOWN[1].siret,))))
    assert alone == pytest.approx(everyone[1:2], abs=1e-6)
    changed = update_catalogue(fresh, [structure(3, "Plateaux repas livrés au bureau")])
    assert declared.said_best(asked(changed, need))[:2] == pytest.approx(everyone[:2], abs=1e-6)
    assert int(np.nanargmax(declared.said_best(asked(changed, need)))) == 2
