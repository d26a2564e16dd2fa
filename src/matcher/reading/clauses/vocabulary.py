"""Beneficiaries of reserved contracts, and the phrases that name each.

Patterns are matched against folded text (lower case, no accents).  One phrase per list entry, so that
each can be added or removed independently.
"""

from __future__ import annotations

#: Beneficiaries of a reserved contract: those named by the articles, and the phrases that name each.
AUDIENCES: dict[str, tuple[str, ...]] = {
    "ESAT/EA": (
        r"entreprises? (?:\(ea\) )?adaptees?(?: de travail temporaire)?",
        r"(?:etablissements?|services?|centres?)(?: (?:et|ou))?(?: de| des)?(?: services?)? d'(?:aide|accompagnement) par le travail",
        r"esats?\b",
        r"l\.? ?(?:344-2|5213-13)\b",
        r"eatt?\b",
        r"ea\b",
        r"cat\b",
        r"stpa\b",
        r"ateliers? proteges?",
        r"secteurs? (?:du travail )?(?:dit )?(?:protege|adapte)(?: et (?:du )?(?:travail )?(?:adapte|protege))?",
        r"(?:travail|milieu) (?:protege|adapte)(?: et (?:adapte|protege))?",
        r"(?:secteurs?|structures?|acteurs?|entreprises?) du handicap",
    ),
    "SIAE": (
        r"s\.?i\.?a\.?e\b|s?iaes?\b",
        r"l\.? ?5132-4\b",
        r"(?:acis?|ettis?|eitis?|eis?|ai)\b",
        r"(?:structures?|entreprises?|associations?|operateurs?|acteurs?|organismes?)(?: economiques)? (?:du secteur )?(?:de l.?|d.?)(?:insertion|iae)\b",
        r"insertion par l'activite economique",
        r"entreprises? de travail temporaire d'insertion",
        r"(?:ateliers?|chantiers?) d'insertion",
        r"associations? intermediaires?",
        r"regies? de quartiers?",
        r"geiqs?\b",
    ),
    "ESS": (
        r"economie sociale et solidaire",
        r"entreprises? solidaires?(?: d'utilite sociale)?",
        r"esus\b",
        r"ess\b",
        r"organisations? (?:participant|ayant)[^.;]{0,40}mission de service public",
    ),
    "prison": (
        r"(?:etablissements?|ateliers?|travail|administration|productions?) penitentiaires?",
        r"(?:personnes? )?detenue?s\b",
        r"personnes? sous main de justice",
        r"en detention\b",
    ),
}
