"""What tests make up: structures that declare texts, needs with facts of their lot, and a matcher over a few structures."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from matcher.catalogue.build import build_catalogue
from matcher.domain import Award, Offer, Place, Structure, Tender
from matcher.matching.engine import Matcher
from matcher.reading.need import free_text_tender


def structure(who: int | str, name: str, *texts: str, **facts: Any) -> Structure:
    """An EI of a directory, by its SIRET or the number of its SIREN, that declares each text as an offer; facts stand over these."""
    siret = f"{who:09d}00014" if isinstance(who, int) else who
    numbered = enumerate((text for text in texts if text), 1)
    facts_of = ({"id": f"{siret}#{i}", "title": text[:60], "text": text} for i, text in numbered)
    offers = tuple(Offer(**each, source="directory") for each in facts_of)
    given = {"siret": siret, "name": name, "kind": "EI", "offers": offers, "source": "directory"}
    return Structure(**given | facts)


def need(text: str, place: Place | None, **lot: Any) -> Tender:
    """A typed need, with these facts of its lot."""
    tender = free_text_tender(text, place)
    return replace(tender, lots=(replace(tender.lots[0], **lot),))


def matcher_over(structures: Iterable[Structure], awards: Iterable[Award] = (), **options: Any) -> Matcher:
    """A matcher by the default recipe."""
    return Matcher(build_catalogue(structures, awards, **options))
