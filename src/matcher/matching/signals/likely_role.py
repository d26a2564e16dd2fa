"""Likely role: does this kind of structure provide what the lot requires: a service, social-clause hours, or staff?"""

import numpy as np

from matcher.matching import demand, evidence, trades
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why

STATED = 0.5  # confidence in its trade from which it is told by itself
HINTED = 0.25  # and from which it cannot be said that nothing tells it
OFTEN = 0.15  # share of a kind from which it is said to do what is asked


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
    needs_staff = asked["staff"] > demand.SHARE
    trade = _of_trade(shortlist, i, kind, quiet=needs_staff)
    if needs_staff:
        return Why(f"{kind} : met {hires} à disposition{whom}{trade}")
    if asked["clause"] >= demand.SHARE:
        return Why(f"{kind} : peut porter des heures d'insertion par mise à disposition{whom}{trade}")
    return Why(
        f"{kind} : met {hires} à disposition{whom}, sous votre encadrement, n'exécute pas la prestation{trade}"
    )


def _of_trade(shortlist: Shortlist, i: int, kind: str, quiet: bool) -> str:
    """Whether those of its kind place in what is asked, where it says nothing of it itself; `quiet` where few do."""
    if evidence.of(shortlist, "sure")[i] >= STATED or not shortlist.query.asked.trades:
        return ""
    if trades.usual(shortlist, kind)[1] >= OFTEN:
        return f" ; {trades.usual_in_words(shortlist, kind)}"
    hinted = max(np.nan_to_num(evidence.of(shortlist, name)[i]) for name in evidence.TRADE_SOURCES) >= HINTED
    return "" if quiet or hinted else f" ; rien ne dit {trades.asked_in_words(shortlist)}, à demander"
