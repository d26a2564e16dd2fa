"""Likely role: does this kind of structure provide what the lot requires: a service, social-clause hours, or staff?"""

import re

from matcher.domain import LENDING_KINDS
from matcher.matching import demand, evidence, trades
from matcher.matching.shortlist import Column, Query, Shortlist
from matcher.matching.signals import Why, _pieces
from matcher.reference.text import fold

#: Words of what lent staff may not do, of who lends by its own words, and of whom it lends or for what.
_ASBESTOS = re.compile(r"amiant")
_TEMPORARY = re.compile(r"entreprise de travail temporaire", re.IGNORECASE)
_WHOM = re.compile(
    r"[^.,;:\n]{0,99}\b(?:BOETH|[Hh]andicap(?:és|ées)?|clauses?(?: sociales?| d.insertion)?)\b"
)


def measure(shortlist: Shortlist) -> Column:
    """The kind, from those that lend staff to those that do the work; see `evidence.KINDS`."""
    return evidence.of(shortlist, "kind")


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if shortlist.catalogue.of_structure("active")[shortlist.candidates[i]] == 0:
        return Why("établissement fermé d'après le registre")
    kind = str(shortlist.catalogue.of_structure("kind")[shortlist.candidates[i]]) or "entreprise"
    asked = shortlist.query.demand.columns
    if value > evidence.LENDS and (words := _pieces.says(shortlist, i, _TEMPORARY)):
        lends = f"sa fiche dit « {words.lower()} » : met du personnel à disposition"
        return Why(f"{lends}, statut {kind} à vérifier")
    if value > evidence.LENDS:  # what nearly all do, but where staff is asked
        staff = asked["staff"] > demand.SHARE
        size = _size(shortlist, i, kind)
        done = f" : réalise {'plutôt ' if staff else ''}des prestations" if staff or not size else ""
        return Why(f"{kind}{size}{done}", tells=staff or bool(size))
    barred = ", hors désamiantage (interdit aux intérimaires)" if _of_asbestos(shortlist.query) else ""
    whom = _pieces.says(shortlist, i, _WHOM).strip()
    cards = (card for name, card in trades.CARDS.items() if name in shortlist.query.asked.trades)
    said = barred + (f", selon sa fiche « {whom} »" if whom else "")
    said += "".join(f", métier réglementé ({card})" for card in cards)
    if kind == "EITI":
        does = "confie des missions à des travailleurs indépendants"
    elif kind == "GEIQ":
        does = "met des salariés en alternance à disposition de ses seules entreprises adhérentes"
    elif asked["staff"] <= demand.SHARE <= max(asked["clause"], asked["works"]):
        does = "peut porter des heures d'insertion par mise à disposition"
    else:
        does = "met du personnel à disposition"
        does += ", sous votre encadrement" if asked["staff"] <= demand.SHARE else ""
        does += ", n'exécute pas la prestation" if asked["staff"] <= demand.SHARE and kind == "ETTI" else ""
    return Why(f"{kind}{_size(shortlist, i, kind)} : {does}{said}")


def _of_asbestos(query: Query) -> bool:
    return query.memo.once(_ASBESTOS, lambda: _ASBESTOS.search(fold(query.text)) is not None)


def _size(shortlist: Shortlist, i: int, kind: str) -> str:
    """Its places or staff, as known; of who lends, of how many establishments it is one."""
    of, row = shortlist.catalogue.of_structure, shortlist.candidates[i]
    if (count := of("headcount")[row]) > 0:
        return f" de {count:.0f} {'places' if kind == 'ESAT' else 'personnes'}"
    several = int((of("bidder") == of("bidder")[row]).sum()) if kind in LENDING_KINDS else 1
    return f", un de ses {several} établissements connus" if several > 1 else ""
