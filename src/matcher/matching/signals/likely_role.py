"""Likely role: does this kind of structure provide what the lot requires: a service, social-clause hours, or staff?"""

import numpy as np

from matcher.matching import demand, evidence, trades
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why

STATED = 0.5  # confidence in its trade from which it is told by itself
#: What regulated trades require.
CARDS = {"gardiennage": "carte professionnelle", "nuisibles": "Certibiocide"}
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
    trade = _of_trade(shortlist, i, kind)
    if asked["staff"] > demand.SHARE:
        return Why(f"{kind} : met {hires} à disposition{whom}{trade}")
    if asked["clause"] >= demand.SHARE:
        return Why(f"{kind} : peut porter des heures d'insertion par mise à disposition{whom}{trade}")
    lends = f"{kind} : met {hires} à disposition{whom}, sous votre encadrement"
    return Why(f"{lends}, n'exécute pas la prestation{trade}")


def _of_trade(shortlist: Shortlist, i: int, kind: str) -> str:
    """Whether those of its kind place in what is asked, where it says nothing of it itself; of works, in what they do."""
    asked, sources = shortlist.query.demand.columns, evidence.TRADE_SOURCES
    if evidence.of(shortlist, "sure")[i] >= STATED or not shortlist.query.asked.trades:
        return ""
    if trades.usual(shortlist, kind)[1] >= OFTEN:
        return f" ; {trades.usual_in_words(shortlist, kind)}"
    hinted = any(evidence.of(shortlist, name)[i] >= HINTED for name in sources)
    if hinted or asked["staff"] > demand.SHARE:
        return ""
    if asked["works"] > demand.SHARE and kind != "GEIQ":  # whose hours are of tasks beside the trade
        told = ", ".join(trades.label(int(at)) for at in np.argsort(-trades.rates_of(kind))[:2])
        return f" ; les {kind} placent surtout en {told}"
    card = next(
        (f", réglementé ({CARDS[name]})" for name in shortlist.query.asked.trades if name in CARDS), ""
    )
    return f" ; rien ne dit {trades.asked_in_words(shortlist)}{card}, à demander"
