"""The trade of an insertion contract: what follows "ayant pour support"."""

from __future__ import annotations

import re

from matcher.reference.prose import folded, french

_SUPPORT = [
    french(
        r"\b(?:ayant|avec|prenant|a|ont|utilisant) (?:pour|comme) (?:activités? |prestations? |principale? )?supports?(?: d'(?:activité|insertion))?(?: techniques?| principal| principale)?\s*[:,]?\s*"
    ),
    french(r"\b(?:comme|en) (?:prestations?|activités?|travaux) supports?\s*[:,]?\s*"),
    french(r"\b(?:activités?|prestations?|travaux) supports?(?: d'insertion)?\s*(?::|est|sont)\s*"),
    french(r"\bdont (?:le|l'activité) support est\s*"),
    french(r"(?:^|[\s(.;-])supports?(?: d'insertion| de l'insertion| technique)?\s*:\s*"),
    french(r"\bservant de supports? à[^.;]{0,60}\s*:\s*"),
]
_THROUGH = french(
    r"\b(?:ré)?insertion\b[^.;]{0,140}?\b(?:par le biais d(?:e|'|es)|par l'exécution de|par l'intermédiaire d(?:e|'|es)|par (?=l'|la |le |les |des )|via|à travers|au travers d(?:e|'|es|u)|au moyen d(?:e|'|es|u)|liée?s? (?:à|aux?))\s*"
)
_ACTIVITY = french(
    r"insertion par l'activité|par l'activité économique|(?:par|à travers|au travers) (?:l'|le |la |les |des )?(?:emploi|travail|formation|économique|sport|culture)\b"
)
_LEADING = french(
    r"^(?:(?:l'|le |la |les |des |d'|de |du |un |une )?(?:activités?|réalisation|exécution|prestations?|travaux|services?|missions?|diverses?|différentes?|tâches?)(?: supports?)? (?:de |d'|du |des |en |suivante?s? ?:? ?)+)+|^(?:l'|le |la |les |des |d'|de |du |un |une |diverses? |différentes? )+"
)
_STOP = re.compile(
    r"\s*(?:[.;|\n]|\s[-–—]{1,2}\s|\(\s*lot\b|,?\s+(?:pour le compte|sur le territoire|au profit|dans le cadre|a destination|et destinee?s?|en application|conformement)\b)"
)


def support_trade(text: str) -> str | None:
    """The trade of an insertion contract: what follows "ayant pour support"; None where no support is told."""
    plain = folded(text)
    if "support" not in plain and "insertion" not in plain:
        return None
    if (
        "insertion" not in plain
        and "chantier" not in plain
        and "qualification" not in plain
        and "emploi" not in plain
        and not french(r"(?:pour|comme) (?:activité |prestation )?support").search(plain)
    ):
        return None
    starts = [m.end() for pattern in _SUPPORT for m in [pattern.search(plain)] if m]
    if not starts:
        through = _THROUGH.search(plain)
        if through and not _ACTIVITY.search(plain[through.start() : through.end() + 30]):
            starts = [through.end()]
    for start in sorted(starts)[:1]:
        stop = _STOP.search(plain, start + 3)
        end = min(stop.start() if stop else len(text), start + 240)
        trade = text[start:end].strip(" :,-–—«»\"'()")
        lead = _LEADING.match(folded(trade))
        rest = trade[lead.end() :].strip() if lead else trade
        if re.search(r"[^\W\d_]{3}", rest or trade):
            return rest if len(rest) > 3 else trade
    return None
