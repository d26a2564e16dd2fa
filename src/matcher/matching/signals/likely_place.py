"""Likely place: is the distance usual for the trade, and the place in the structure's own territory?"""

from matcher.matching import evidence, reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why, _pieces

FAR = 0.5  # log2 of distance over usual distance beyond which a structure is described as far

WIDE = ("hexagone", "nationale")  # zones that are told of who is far


def measure(shortlist: Shortlist) -> Column:
    """log2 of usual distance over distance: 0 at the usual distance, positive nearer, negative farther; NaN where unknown."""
    return -evidence.of(shortlist, "beyond")


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if not shortlist.query.located:
        return _pieces.at_home(shortlist, i)
    parts = _pieces.where(shortlist, i)
    found, usual = reach.of(shortlist), shortlist.query.demand.usual_km
    far = found.kilometres[i] > usual * 2**FAR and found.zone[i] <= 0
    if far:
        parts.append(f"plus loin que les {usual:.0f} km que ce métier fait d'ordinaire")
    limit = _pieces.says(shortlist, i, _pieces.LIMIT) if found.zone[i] == 0 else ""
    if limit and (far or not limit.endswith(WIDE)):
        parts.append(f"sa fiche dit « {limit} »")
    homely = {
        "portée par une collectivité, qui": evidence.of(shortlist, "public_body")[i],
        "une régie": evidence.out_of_quarter(shortlist)[i],
        "une AI": evidence.of(shortlist, "kind")[i] == evidence.KINDS["AI"]
        and found.shown_km[i] > evidence.AWAY_KM,
    }
    if whose := next((words for words, holds in homely.items() if holds), ""):
        parts.append(f"{whose} travaille d'ordinaire sur son seul territoire")
    if value == value and shortlist.query.asked.deduced:
        parts.append(
            "lieu à vérifier" if reach.only_vague(shortlist.query.places) else "lieu déduit de l'acheteur"
        )
    return Why(", ".join(parts))
