"""Practical conditions stated in the text of the notice: a visit, samples, a qualification, the form of a group, groups forbidden.

Quoted by passage; a label is given only where the sentence imposes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from matcher.domain import Condition
from matcher.reading.clauses.findings import Finding
from matcher.reading.clauses.grammar import any_of, repaired
from matcher.reading.clauses.sentences import Sentence

#: The qualifications that notices ask for by their names ...
_NAMES = "Certiphyto Certibiocide RABC Qualibat Qualifelec Qualipaysage Qualiopi APSAD CACES RGE MASE HACCP CNAPS AIPR OPQIBI SSIAP"
#: ... and those written in several ways: label -> pattern.
_WRITTEN = {
    "Amiante sous-section 3": r"sous-section 3|ss3",
    "Amiante sous-section 4": r"sous-section 4|ss4",
    "Habilitation électrique": r"habilitations? electriques?",
    "ISO 9001": r"iso ?9001",
    "ISO 14001": r"iso ?14001",
    "Écolabel": r"eco-?labels?",
    "Agrément services à la personne": r"agrements?\b[^.;]{0,40}services? a la personne",
}
QUALIFICATIONS = {name: name.lower() for name in _NAMES.split()} | _WRITTEN
_QUALIFICATIONS = {label: re.compile(rf"\b(?:{words})\b") for label, words in QUALIFICATIONS.items()}
_ANY_QUALIFICATION = re.compile(rf"\b(?:{'|'.join(QUALIFICATIONS.values())})\b")
_QUALIFICATION_STEMS = (
    *_NAMES.lower().split(), "sous-section", "ss3", "ss4", "habilitation", "iso9", "iso 9", "iso1", "iso 1", "label", "agrement",
)  # fmt: skip
#: "Qualification Qualibat 2111 ou équivalent"; the trainings bought in "Lot 3 : CACES 1, 3 et 5" are asked of nobody.
_ASKED = re.compile(
    r"\b(?:certif|qualif|agre|attest|habilit|autoris|exig|justif|dispos|poss|detenir|competence|norme|label|equivalen)"
)
#: "Le Certiphyto n'est pas exigé", "tout certificat (exemple : Qualibat)", "le cas échéant, la norme ISO 14001"; "accompagnement
#: à la certification ISO 9001", "des sessions de formation à la sécurité incendie (SSIAP)" are bought
_NOT_ASKED = re.compile(
    r"\b(?:pas|non) (?:exige|obligatoire|requis|demande)|\bexemple|\bex ?:|\ble cas echeant"
    r"|\baccompagnement\b|\b(?:prestations?|sessions?|actions?) de formations?\b"
)

#: "Une visite du site est obligatoire", "Les candidats devront obligatoirement procéder à une visite"
_VISIT = any_of(
    r"\bvisites?\b[^.;]{0,80}?\b(?:obligatoires?|imperatives?|exigees?|imposees?|sous peine)\b",
    r"\b(?:doivent|devront|doit|devra)\b[^.;]{0,40}\b(?:visiter|visite)\b",
)
#: "La visite n'est pas obligatoire", "visite facultative", "les visites périodiques sont obligatoires"
_NO_VISIT = any_of(
    r"\b(?:n'est|ne sont|non|pas|aucune)\b|\bfacultati|\bconseille|\brecommande",
    r"\bvisites? (?:medicale|periodique|annuelle|de (?:controle|chantier))",
)
#: "Des échantillons sont à remettre avec l'offre, à peine d'irrecevabilité", "Les candidats doivent remettre les échantillons"
_SAMPLES = any_of(
    r"\bechantillons?\b[^.;]{0,80}\b(?:obligatoire|exige|a remettre|a fournir|devront|doivent|demandes)",
    r"\b(?:doi(?:ven)?t|devr(?:a|ont)|fournir(?:a|ont)|remettr(?:a|ont))\b[^.;]{0,80}\bechantillons?\b",
)
#: "Les échantillons d'eau doivent être analysés", "aucun échantillon n'est exigé"
_NO_SAMPLES = re.compile(r"\b(?:aucun|n'est|ne sont|pas)\b|\banalys|\bprelev|\blaboratoire")
_FORBIDDEN = r"^(?=.*(?:\binterdi|\bne (?:peu|pour|ser)|\bpas (?:etre )?(?:autoris|admis|la possib)))"
#: "Les candidats ne peuvent être membres de plusieurs groupements", "présentée que dans un seul groupement"
_SEVERAL = re.compile(
    rf"{_FORBIDDEN}.*(?:(?<!ou )\b(?:plusieurs|plus d'un|un autre)(?: autres)?|dans un seul) groupements?"
)
#: "Il est interdit d'agir à la fois en candidat individuel et en membre d'un groupement"
_ALONE_TOO = re.compile(rf"{_FORBIDDEN}(?=.*\bgroupement).*\b(?:individuel|a la fois seul)")
#: "Nul ne peut être mandataire de plusieurs groupements" (R2142-23): being a member of several is allowed.
_OF_LEADER = re.compile(r"\bmandataire (?:de|pour|ne)\b|\brepresenter\b")
#: "Les variantes sont autorisées"
_VARIANTS = re.compile(r"\bvariantes?\b[^.;]{0,40}\b(?:autorise|admise|accepte)e?s?\b")
_NO_VARIANTS = re.compile(r"\b(?:ne|non|pas|aucune|ni|si)\b|n'")
#: Conditions by the stem that their sentences hold, with patterns that impose and that revoke them.
_IMPOSED = (
    ("visit", "visit", "Visite obligatoire", _VISIT, _NO_VISIT),
    ("chantillon", "samples", "Échantillons demandés", _SAMPLES, _NO_SAMPLES),
    ("groupement", "several-groups", "Interdit d'être dans plusieurs groupements", _SEVERAL, _OF_LEADER),
    ("groupement", "alone-and-group", "Interdit de répondre seul et en groupement", _ALONE_TOO, _OF_LEADER),
    ("variante", "variants", "Variantes admises", _VARIANTS, _NO_VARIANTS),
)
#: "Le groupement devra prendre la forme d'un groupement conjoint avec mandataire solidaire", "groupement solidaire imposé"
_FORM = re.compile(
    r"(?<!membre du )(?<!mandataire du )\b(?:groupement|ce dernier|celui-ci|il)\b(?:(?!mandataire)[^.;,]){0,80}?"
    r"\b(?:impose|exige|contraint|devra|devront|doit|doivent|obligatoirement|prend(?:ra|ront|nent)?)\b(?:(?!mandataire)[^.;,]){0,80}?"
    r"\b(conjoint|solidaire)"
)
#: "Le groupement devra être conjoint ou solidaire", "aucune forme n'est imposée"
_FORM_FREE = re.compile(
    r"\b(?:conjoint|solidaire)e?s?\b.{0,25}\bou\b|\b(?:aucune|libre|ne|pas)\b|n'|\bsoit\b"
)
_LEADER_BOUND = re.compile(r"\bmandataires?[^.;]{0,30}\bsolidaires?\b")

_STEMS = tuple(dict.fromkeys(stem for stem, *_ in _IMPOSED))


def speaks(plain: str) -> bool:
    """Whether a folded text holds a word of these conditions."""
    return any(stem in plain for stem in _STEMS) or _qualifies(plain)


def _qualifies(plain: str) -> bool:
    return (
        any(stem in plain for stem in _QUALIFICATION_STEMS) and _ANY_QUALIFICATION.search(plain) is not None
    )


def stated(found: Sequence[Sentence]) -> Iterator[Finding[Condition]]:
    """What these sentences impose on tenderers, each with its passage; an item is read with the heading of its list."""
    heading: Sentence | None = None
    qualified = _qualifies("\n".join(one.plain for one in found))
    for one in found:
        text, plain = one.text, one.plain
        if plain.endswith(":"):
            heading = one
        elif not one.item:
            heading = None
        elif heading:
            text, plain = f"{heading.text} {text}", f"{heading.plain} {plain}"
        for code, label in _labels(plain, qualified):
            yield Finding(Condition(code=code, label=label, passage=text), one.lots)


def _labels(plain: str, qualified: bool) -> Iterator[tuple[str, str]]:
    if any(stem in plain for stem in _STEMS):
        yield from _of_stems(repaired(plain))
    if qualified and _qualifies(plain):
        yield from _qualified(repaired(plain))


def _of_stems(plain: str) -> Iterator[tuple[str, str]]:
    for stem, code, label, imposes, frees in _IMPOSED:
        if stem in plain and imposes.search(plain) and not frees.search(plain):
            yield code, label
    form = _FORM.search(plain) if "groupement" in plain else None
    if form and not _FORM_FREE.search(plain, form.start()):
        leader = " avec mandataire solidaire" if _LEADER_BOUND.search(plain) else ""
        yield "group-form", f"Groupement {form.group(1)}{leader}"


def _qualified(plain: str) -> Iterator[tuple[str, str]]:
    if _ASKED.search(plain) and not _NOT_ASKED.search(plain):
        for label, pattern in _QUALIFICATIONS.items():
            if pattern.search(plain):
                yield "qualification", label
