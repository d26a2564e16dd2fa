"""What tests make up: structures that declare texts, and a matcher over a few of them."""

from collections.abc import Iterable
from typing import Any

from matcher.catalogue.build import build_catalogue
from matcher.domain import Award, Offer, Structure
from matcher.matching.engine import Matcher


def structure(siret: str, name: str, *texts: str, **facts: Any) -> Structure:
    """An EI of a directory that declares each text as an offer; the facts stand over these."""
    numbered = enumerate((text for text in texts if text), 1)
    facts_of = ({"id": f"{siret}#{i}", "title": text[:60], "text": text} for i, text in numbered)
    offers = tuple(Offer(**each, source="directory") for each in facts_of)
    given = {"siret": siret, "name": name, "kind": "EI", "offers": offers, "source": "directory"}
    return Structure(**given | facts)


def matcher_over(structures: Iterable[Structure], awards: Iterable[Award] = (), **options: Any) -> Matcher:
    """A matcher by the default recipe."""
    return Matcher(build_catalogue(structures, awards, **options))
