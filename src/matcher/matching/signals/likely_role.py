"""Likely role: does this kind of structure provide what the lot requires: a service, social-clause hours, or staff?"""

import re

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
        return Why(f"{kind} : réalise {'plutôt ' if staff else ''}des prestations", tells=staff)
    barred = ", hors désamiantage (interdit aux intérimaires)" if _of_asbestos(shortlist.query) else ""
    whom = _pieces.says(shortlist, i, _WHOM).strip()
    trade = barred + (f", selon sa fiche « {whom} »" if whom else "") + _of_trade(shortlist, i, kind)
    if kind == "EITI":
        return Why(f"EITI : confie des missions à des travailleurs indépendants{trade}")
    if kind == "GEIQ":
        return Why(
            f"GEIQ : met des salariés en alternance à disposition de ses seules entreprises adhérentes{trade}"
        )
    if asked["staff"] > demand.SHARE:
        return Why(f"{kind} : met du personnel à disposition{trade}")
    if max(asked["clause"], asked["works"]) >= demand.SHARE:
        return Why(f"{kind} : peut porter des heures d'insertion par mise à disposition{trade}")
    lends = f"{kind} : met du personnel à disposition, sous votre encadrement"
    not_done = ", n'exécute pas la prestation" if kind == "ETTI" else ""
    return Why(f"{lends}{not_done}{trade}")


def _of_asbestos(query: Query) -> bool:
    return query.memo.once(_ASBESTOS, lambda: _ASBESTOS.search(fold(query.text)) is not None)


def _of_trade(shortlist: Shortlist, i: int, kind: str) -> str:
    """How many of its kind place in what is asked, where it says nothing of it itself."""
    query = shortlist.query
    if evidence.told(shortlist)[0][i] or not query.asked.trades:
        return ""
    card = "".join(
        f", réglementé ({card})" for name, card in trades.CARDS.items() if name in query.asked.trades
    )
    if trades.usual(shortlist, kind)[1] > 0:
        return f" ; {trades.usual_in_words(shortlist, kind)}{card}"
    several = "" if kind == "GEIQ" else ", dans des métiers divers"
    return f"{several} ; rien ne dit {trades.asked_in_words(shortlist)}{card}, à demander"
