"""Likely role: does this kind of structure provide what the lot requires: a service, social-clause hours, or staff?"""

from matcher.matching import demand, evidence
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why


def measure(shortlist: Shortlist) -> Column:
    """The kind, from those that lend staff to those that do the work; see `evidence.KINDS`."""
    return evidence.of(shortlist, "kind")


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if shortlist.catalogue.of_structure("active")[shortlist.candidates[i]] == 0:
        return Why("établissement fermé d'après le registre")
    kind = str(shortlist.catalogue.of_structure("kind")[shortlist.candidates[i]]) or "entreprise"
    asked = shortlist.query.demand.columns
    lends = value <= evidence.LENDS
    if asked["staff"] > demand.SHARE:
        does = "met du personnel à disposition" if lends else "réalise plutôt des prestations"
        return Why(f"{kind} : {does}")
    if lends and asked["clause"] >= demand.SHARE:
        return Why(f"{kind} : peut porter des heures d'insertion par mise à disposition")
    if lends:
        return Why(f"{kind} : met surtout du personnel à disposition")
    return Why(f"{kind} : réalise des prestations", tells=False)  # what nearly all do
