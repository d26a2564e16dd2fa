"""The trade of an insertion contract: what follows "ayant pour support"."""

from __future__ import annotations

import re

from matcher.reference.prose import folded, french

#: "ayant pour activité support l'entretien", "avec comme support technique :", "Marché d'insertion. Support : tri"
_SUPPORT = french(
    r"\b(?:pour|comme) (?:activités? |prestations? )?supports?(?: d'activité| techniques?)?\s*[:,]?\s*"
    r"|[\s(.;-]supports?(?: d'insertion)?\s*(?::|est)\s*"
)
#: "prestations d'insertion par l'entretien des espaces verts", "insertion à travers la réalisation de travaux"
_THROUGH = french(
    r"\b(?:ré)?insertion\b[^.;]{0,140}?\b(?:par le biais d(?:e|')|par (?=l'|la |le |les |des )|via|à travers|au moyen d(?:e|'|es))\s*"
)
#: "insertion par l'activité économique", "par l'emploi": how, and no trade.
_NO_TRADE = french(r"(?:l'|le |la |les )?(?:activité|emploi|travail|formation|économique|sport|culture)\b")
#: "l'exécution de prestations de", "la réalisation de", "les", before the trade itself.
_LEADING = french(
    r"(?:(?:l'|le |la |les |des |d'|de |du |un |une )?(?:activités?|réalisation|exécution|prestations?|travaux|services?|diverses?|différentes?)(?: supports?)? (?:de |d'|du |des |en )+)+"
    r"|(?:l'|le |la |les |des |d'|de |du |un |une |diverses? |différentes? )+"
)
_ENDS = re.compile(
    r"\s{0,9}(?:[.;|\n]|\s[-–—]{1,2}\s|\(\s*lot\b|,?\s{1,9}(?:pour le compte|sur le territoire|au profit|dans le cadre|a destination|en application)\b)"
)


def support_trade(text: str) -> str | None:
    """The trade of an insertion contract: what follows "ayant pour support"; None where none is stated."""
    plain = folded(text)
    if not any(word in plain for word in ("insertion", "chantier", "qualification")):
        return None
    found = _SUPPORT.search(plain) or _THROUGH.search(plain)
    if not found or _NO_TRADE.match(plain, found.end()):
        return None
    end = _ENDS.search(plain, found.end() + 3)
    trade = text[found.end() : min(end.start() if end else len(text), found.end() + 240)]
    trade = trade.strip(" :,-–—«»\"'()")
    leading = _LEADING.match(folded(trade))
    rest = trade[leading.end() :].strip() if leading else trade
    return (rest if len(rest) > 3 else trade) if re.search(r"[^\W\d_]{3}", trade) else None
