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
    if value > evidence.LENDS:  # what nearly all do, but where staff is asked
        staff = asked["staff"] > demand.SHARE
        return Why(f"{kind} : réalise {'plutôt ' if staff else ''}des prestations", tells=staff)
    hires = "des salariés en alternance" if kind == "GEIQ" else "du personnel"
    whom = ", dans les métiers de ses adhérents" if kind == "GEIQ" else ""
    if asked["staff"] > demand.SHARE:
        return Why(f"{kind} : met {hires} à disposition{whom}")
    if asked["clause"] >= demand.SHARE:
        return Why(f"{kind} : peut porter des heures d'insertion par mise à disposition{whom}")
    return Why(f"{kind} : met {hires} à disposition{whom}, n'exécute pas la prestation")
