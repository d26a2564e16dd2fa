"""What a structure says stands over what was read of it, over what was inferred; and no fetch or merge loses a fact."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.catalogue import denials
from matcher.domain import SELF, Offer, Place, Structure
from matcher.reading.merge import merge
from matcher.records.self_declared import Declared, over, overlay
from matcher.reference.text import fold

ONE, MOVED, OTHER = "00010001600013", "00010001600021", "00010073500018"
METZ = Place(commune="57463", department="57", postcode="57000")
SAID = Declared(
    {
        "phone": "01 99 00 00 01",
        "description": "Nous taillons des haies.",
        "offers": [{"title": "Taille de haies", "since": "2026-01-02"}],
    },
    datetime(2026, 1, 2, tzinfo=UTC),
    (f"offer:{denials.titled('Blanchisserie')}", "trade:peinture"),
)


def structure(
    source: str = "liste", day: date | None = date(2025, 1, 1), siret: str = ONE, **more: Any
) -> Structure:
    given = {"name": "Les Ateliers du Lac", "kind": "ACI", "place": METZ, **more}
    return Structure(siret=siret, source=source, updated=day, **given)


def read(*titles: str, siret: str = ONE, day: date = date(2027, 1, 1)) -> Structure:
    source = "son site, lu le 01/01/2027"
    given = {"inferred": True, "source": source, "since": day}
    offers = tuple(Offer(id=f"r{n}", title=t, evidence=t, **given) for n, t in enumerate(titles))
    nameless = {"name": "", "kind": "", "place": Place(), "flags": ("offers-only", "place-unknown")}
    return structure("son site", day, siret, offers=offers, **nameless)


def titles(found: Structure) -> list[str]:
    return [offer.title for offer in found.offers]


names = st.sampled_from("Nettoyage|Taille de haies|Blanchisserie|Peinture|Mise sous pli|Couture".split("|"))
day = st.dates(date(2019, 1, 1), date(2026, 12, 31))


@st.composite
def records(draw: st.DrawFn) -> Structure:
    source = draw(st.sampled_from(["marché", "emplois", "finess", "réseau.xlsx"]))
    own = draw(st.booleans())
    by = SELF if own else source
    offers = tuple(
        Offer(id=str(n), title=title, source=by, inferred=draw(st.booleans()) and not own)
        for n, title in enumerate(draw(st.lists(names, max_size=3, unique=True)))
    )
    phone = draw(st.sampled_from(["", "01 99 00 00 02", "01 99 00 00 03"]))
    given: dict[str, Any] = {"phone": phone, "offers": offers}
    given["provenance"] = {"phone": f"{SELF}, 02/01/2026"} if own and phone else {}
    given["networks"] = tuple(draw(st.lists(names, max_size=2)))
    given["denied"] = tuple(draw(st.lists(st.sampled_from(["trade:peinture", "cpv:90"]), max_size=2)))
    return structure(source, draw(day), turnover=draw(st.sampled_from([None, 100.0])), **given)


@settings(max_examples=80, deadline=None)
@given(st.lists(records(), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_a_merge_loses_no_fact(listed: list[Structure], rng: Any) -> None:
    (found,), _ = merge(listed)
    said = {fold(o.title) for record in listed for o in record.offers}
    assert said == {fold(o.title) for o in found.offers}
    for offer in found.offers:  # said once is said, whoever read it too
        own = [o for record in listed for o in record.offers if fold(o.title) == fold(offer.title)]
        assert offer.inferred == all(o.inferred for o in own)
    assert {n for record in listed for n in record.networks} == set(found.networks)
    assert {d for record in listed for d in record.denied} == set(found.denied)
    assert bool(found.phone) == any(record.phone for record in listed)
    assert found.turnover == max((r.turnover for r in listed if r.turnover), default=None)
    own_phones = {r.phone for r in listed if r.provenance.get("phone", "").startswith(SELF)}
    assert not own_phones or found.phone in own_phones
    for name in ("phone", "turnover", "networks"):  # every field that is filled says where it comes from
        assert not getattr(found, name) or name == "networks" or found.provenance[name]
    shuffled = list(listed)
    rng.shuffle(shuffled)
    (again,), _ = merge(shuffled)
    assert {fold(t) for t in titles(again)} == said
    (twice,) = merge([found, *listed])[0]  # fetched again: nothing is lost, nothing grows
    assert {fold(t) for t in titles(twice)} == said and len(twice.offers) <= len(found.offers)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(records(), min_size=1, max_size=3), min_size=1, max_size=4))
def test_what_it_says_and_what_it_removed_outlast_every_fetch(fetches: list[list[Structure]]) -> None:
    for listed in fetches:
        (found,) = overlay(merge([*listed, read("Blanchisserie", "Peinture de volets")])[0], {ONE: SAID})[0]
        assert (found.phone, found.description) == ("01 99 00 00 01", "Nous taillons des haies.")
        own = [offer for offer in found.offers if offer.source == SELF and offer.title == "Taille de haies"]
        assert own and own[-1].since == date(2026, 1, 2)
        assert "Blanchisserie" not in titles(found)
        assert "Peinture de volets" not in titles(found)  # inferred of a trade that it denies
        assert found.provenance["phone"].startswith(SELF)


def test_an_offer_removed_stays_away_whatever_number_the_next_list_gives_it() -> None:
    words = Declared(denied=(f"offer:{denials.titled('Blanchisserie')}",))
    for offers in ("Blanchisserie|Couture", "Couture|BLANCHISSERIE", "Tri|Couture|blanchisserie"):
        listed = (Offer(id=f"{ONE}#{n}", title=t) for n, t in enumerate(offers.split("|")))
        left = titles(over(structure(offers=tuple(listed)), words))
        assert "Couture" in left and "blanchisserie" not in map(fold, left)


def test_a_moved_siret_keeps_what_was_read_and_declared() -> None:
    now = structure(siret=MOVED, predecessors=(ONE,))
    (found,) = overlay(merge([now, read("Jardinage")])[0], {ONE: SAID})[0]
    assert (found.siret, found.phone) == (MOVED, "01 99 00 00 01")
    assert {"Jardinage", "Taille de haies"} <= set(titles(found))
    # its list does not say that it moved
    (unstated,), _ = merge([replace(now, predecessors=()), read("Jardinage")])
    assert titles(unstated) == ["Jardinage"]


def test_the_object_of_an_association_goes_to_all_its_places() -> None:
    places = [structure(), structure(siret=MOVED, name="Le Chantier", kind="AI"), structure(siret=OTHER)]
    found = merge([*places, replace(read("Couture"), siret=ONE[:9])])[0]
    assert [titles(one) for one in found] == [["Couture"], ["Couture"], []]


def test_a_legal_unit_that_ceased_closes_its_places() -> None:
    ceased = {"name": "[nom non diffusible]", "kind": "", "active": False, "flags": ("unit-ceased",)}
    head = structure("registre", siret=MOVED, checked=date(2026, 5, 1), **ceased)
    found = {s.siret: s for s in merge([structure(active=True, checked=date(2024, 1, 1)), head])[0]}
    assert (found[ONE].active, found[ONE].checked) == (False, date(2026, 5, 1))


def test_declared_is_surer_than_read_which_is_surer_than_an_activity_code() -> None:
    from matcher.reference import trades

    one = structure(naf="8121Z", offers=(Offer(id="a", title="Blanchisserie"),))
    both = replace(one, offers=(*one.offers, *read("Peinture de volets").offers))
    sure = trades.skills(both)
    assert sure["blanchisserie"] > sure["peinture"] > sure["nettoyage"]
