"""What one must know to act, in the words of the notice: a visit, a qualification, the form of a group, groups forbidden.

The passage, or nothing: a label is told only where the sentence imposes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from matcher.domain import Condition
from matcher.reading.clauses.findings import Finding
from matcher.reading.clauses.grammar import any_of, mended
from matcher.reading.clauses.sentences import Sentence

#: The qualifications that notices ask for: label -> the words of which one must stand there.
QUALIFICATIONS: dict[str, str] = {
    "Certiphyto": r"\bcertiphyto",
    "Certibiocide": r"\bcertibiocide",
    "RABC": r"\brabc\b|\bnf en 14065\b",
    "Qualibat": r"\bqualibat",
    "Qualifelec": r"\bqualifelec",
    "Qualipaysage": r"\bqualipaysage",
    "Qualiopi": r"\bqualiopi\b",
    "APSAD": r"\bapsad\b",
    "CACES": r"\bcaces\b",
    "RGE": r"\brge\b",
    "MASE": r"\bmase\b",
    "HACCP": r"\bhaccp\b",
    "CNAPS": r"\bcnaps\b|\bautorisation d'exercer[^.]{0,40}l\.? ?612",
    "AIPR": r"\baipr\b",
    "Amiante sous-section 3": r"\bsous-section 3\b|\bss3\b",
    "Amiante sous-section 4": r"\bsous-section 4\b|\bss4\b",
    "Habilitation électrique": r"\bhabilitations? electriques?\b",
    "OPQIBI": r"\bopqibi\b",
    "SSIAP": r"\bssiap\b",
    "ISO 9001": r"\biso ?9001\b",
    "ISO 14001": r"\biso ?14001\b",
    "Écolabel": r"\beco-?labels?\b",
    "Agrément services à la personne": r"\bagrements?\b[^.;]{0,40}services? a la personne",
}
_QUALIFICATIONS = {label: re.compile(pattern) for label, pattern in QUALIFICATIONS.items()}
_ANY_QUALIFICATION = re.compile("|".join(QUALIFICATIONS.values()))
_NOT_ASKED = re.compile(
    r"\b(?:pas|non) (?:exigee?s?|obligatoires?|requise?s?|demandee?s?)\b|\ba titre d'exemple"
)

#: "Une visite du site est obligatoire.", "visite des lieux sous peine d'irrecevabilité"
_VISIT = any_of(
    r"\bvisites?\b(?! medicale)[^.;]{0,80}?\b(?:obligatoires?|imperatives?|exigees?|imposees?|sous peine)\b",
    r"\b(?:doivent|devront|doit|devra|obligation de)\b[^.;]{0,40}\b(?:visiter|visite|se rendre sur)\b",
)
#: "La visite n'est pas obligatoire.", "visite facultative", "visite médicale"
_NO_VISIT = any_of(
    r"\b(?:n'est|ne sont) (?:pas|plus|ni)\b|\bfacultati|\b(?:non|pas) obligatoire|\baucune visite\b",
    r"\bmais pas\b|\bconseille|\brecommande",
    r"\bvisites? (?:medicale|periodique|de (?:maintenance|controle|conformite|fin|chantier))",
    r"\bvisites? (?:annuelle|mensuelle|trimestrielle)",
)
#: "Des échantillons sont à remettre avec l'offre, à peine d'irrecevabilité."
_SAMPLES = re.compile(
    r"\bechantillons?\b[^.;]{0,80}\b(?:obligatoire|exige|a remettre|a fournir|devront|doivent|sont demandes|sous peine)"
)
_NO_SAMPLES = re.compile(
    r"\baucun echantillon|\bn'est pas|\bne sont pas|\bpas d'echantillon|\banalyse|\bprelev|\blaboratoire"
)

#: "Le groupement devra prendre la forme d'un groupement conjoint avec mandataire solidaire."
_FORM = re.compile(r"\b(conjointe?s?|solidaires?)\b")
_LEADER_BOUND = re.compile(r"\bmandataires?[^.;]{0,30}\bsolidaires?\b")
_IMPOSED = re.compile(
    r"\b(?:impose|exige|contraint|devra|devront|doit|doivent|obligatoirement|assurer sa transformation|prendra|prendre la forme|forme imposee)\b"
)
#: "en cas de groupement conjoint, le mandataire est solidaire", "aucune forme n'est imposée": no form is imposed.
_FORM_FREE = any_of(
    r"\bconjointe?s?\b.{0,12}\bou\b.{0,12}\bsolidaires?\b|\bsolidaires?\b.{0,12}\bou\b.{0,12}\bconjointe?s?\b",
    r"\baucune forme\b|\bn'impose\b|\bpas d'imposer\b|\bn'est (?:pas )?(?:impos|exig)",
    r"\bne (?:sera|souhaite|peut|pourra)\b|\blibre|\bau choix\b|\bquelle que soit\b|\bpas de forme\b",
)
_IF_JOINT = re.compile(
    r"\b(?:en cas|si|s'il|lorsque|dans le cas|dans l'hypothese)\b[^.;,]{0,80}\b(?:groupement|conjointe?|solidaire)"
)
_BEFORE_AWARD = re.compile(r"\b(?:apres|a l'issue de|suite a) l'attribution\b|\battributaires?\b")

#: "Il est interdit de présenter plusieurs offres en agissant à la fois en candidat individuel et en membre d'un groupement."
_SEVERAL = any_of(
    r"\bplusieurs (?:offres|candidatures)\b[^.;]{0,90}\b(?:en agissant|a la fois|membres?|groupements?)",
    r"\bmembres?\b[^.;]{0,25}\b(?:de plusieurs|d'un ou plusieurs|de plus d'un) (?:autres? )?groupements?",
    r"\bplus d'un groupement\b|\bplusieurs groupements\b",
)
_FORBIDDEN = any_of(
    r"\binterdi|\bne (?:peu|pour|ser|doi)\w+|\bn'est pas (?:autoris|admis|possible)|\bpas autoris",
    r"\bnon autoris|\birrecevab",
)
#: R2142-23 forbids to lead two groups; it forbids no one to be a member of both.
_OF_LEADER = any_of(
    r"\bmandataires? (?:de|d'un|pour) (?:plus|plusieurs)",
    r"\bmeme (?:personne|operateur|entreprise|candidat)\b[^.;]{0,40}\b(?:represent|mandataire)",
    r"\bmandataire de plus",
)

#: "Les variantes sont autorisées."
_VARIANTS = re.compile(r"\bvariantes?\b[^.;]{0,40}\b(?:autorisee?s?|admises?|acceptee?s?|exigee?s)\b")
_NO_VARIANTS = re.compile(r"\b(?:ne|non|pas|aucune|ni)\b|n'|\bsi\b")

_STEMS = ("visit", "chantillon", "groupement", "plusieurs offres", "plusieurs candidatures", "variante")


def stated(found: Iterable[Sentence]) -> Iterator[Finding[Condition]]:
    """What these sentences impose on who answers, each with its passage."""
    for one in found:
        plain = mended(one.plain)
        labels = [*_of_stems(plain)] if any(stem in plain for stem in _STEMS) else []
        for code, label in [*labels, *_qualified(plain)]:
            yield Finding(Condition(code=code, label=label, passage=one.text), one.lots)


def _of_stems(plain: str) -> Iterator[tuple[str, str]]:
    if _VISIT.search(plain) and not _NO_VISIT.search(plain):
        yield "visit", "Visite obligatoire"
    if _SAMPLES.search(plain) and not _NO_SAMPLES.search(plain):
        yield "samples", "Échantillons demandés"
    if "groupement" in plain and (form := _imposed_form(plain)):
        yield "group-form", form
    if _SEVERAL.search(plain) and _FORBIDDEN.search(plain) and not _OF_LEADER.search(plain):
        yield "several-groups", "Interdit d'être dans plusieurs groupements"
    if _VARIANTS.search(plain) and not _NO_VARIANTS.search(plain):
        yield "variants", "Variantes admises"


def _imposed_form(plain: str) -> str:
    """The form of group that a sentence imposes, "" where it imposes none."""
    form = _FORM.search(plain)
    if not form or not _IMPOSED.search(plain) or _FORM_FREE.search(plain) or _IF_JOINT.search(plain):
        return ""
    if form.group(1).startswith("conjoint"):
        return (
            "Groupement conjoint avec mandataire solidaire"
            if _LEADER_BOUND.search(plain)
            else "Groupement conjoint"
        )
    return "Groupement solidaire"


def _qualified(plain: str) -> Iterator[tuple[str, str]]:
    if not _ANY_QUALIFICATION.search(plain) or _NOT_ASKED.search(plain):
        return
    for label, pattern in _QUALIFICATIONS.items():
        if pattern.search(plain):
            yield "qualification", label
