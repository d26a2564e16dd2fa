"""Likely role: does this kind of structure provide what the lot requires: a service, social-clause hours, or staff?"""

import re

import numpy as np

from matcher.matching import demand, evidence, trades
from matcher.matching.shortlist import Column, Query, Shortlist
from matcher.matching.signals import Why, _pieces
from matcher.reference.text import fold

STATED = 0.5  # confidence in its trade from which it is told by itself
#: Words of what lent staff may not do, and of who lends by its own words.
_ASBESTOS = re.compile(r"amiant")
_TEMPORARY = re.compile(r"entreprise de travail temporaire", re.IGNORECASE)


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
    hires = "des salariés en alternance" if kind == "GEIQ" else "du personnel"
    whom = ", dans les métiers de ses adhérents" if kind == "GEIQ" else ""
    barred = ", hors désamiantage (interdit aux intérimaires)" if _of_asbestos(shortlist.query) else ""
    trade = barred + _of_trade(shortlist, i, kind)
    if asked["staff"] > demand.SHARE:
        return Why(f"{kind} : met {hires} à disposition{whom}{trade}")
    if asked["clause"] >= demand.SHARE:
        return Why(f"{kind} : peut porter des heures d'insertion par mise à disposition{whom}{trade}")
    lends = f"{kind} : met {hires} à disposition{whom}, sous votre encadrement"
    not_done = ", n'exécute pas la prestation" if kind == "ETTI" else ""
    return Why(f"{lends}{not_done}{trade}")


def _of_asbestos(query: Query) -> bool:
    return query.memo.once(_ASBESTOS, lambda: _ASBESTOS.search(fold(query.text)) is not None)


def _of_trade(shortlist: Shortlist, i: int, kind: str) -> str:
    """Whether those of its kind place in what is asked, where it says nothing of it itself; of works, in what they do."""
    asked, query = shortlist.query.demand.columns, shortlist.query
    told = max(np.nan_to_num(evidence.of(shortlist, name)[i]) for name in ("said_trade", "code_trade"))
    if told >= STATED or not query.asked.trades:
        return ""
    if trades.usual(shortlist, kind)[1] >= evidence.OFTEN:
        return f" ; {trades.usual_in_words(shortlist, kind)}"
    if evidence.hinted(shortlist)[i] or asked["staff"] > demand.SHARE or kind == "GEIQ":
        return ""
    if asked["works"] > demand.SHARE:  # hours are of tasks beside the trade
        rates = trades.rates_of(kind) * trades.building()
        at = int(rates.argmax())
        return f" ; environ {100 * rates[at]:.0f} % des {kind} placent dans le bâtiment ({trades.label(at)})"
    card = "".join(
        f", réglementé ({card})" for name, card in trades.CARDS.items() if name in query.asked.trades
    )
    return f" ; rien ne dit {trades.asked_in_words(shortlist)}{card}, à demander"
