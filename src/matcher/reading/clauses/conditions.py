"""Practical conditions stated in the text of the notice: a visit, samples, a qualification, the form of a group, groups forbidden.

Quoted by passage; a label is given only where the sentence imposes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from matcher.domain import Condition
from matcher.reading.clauses.findings import Finding
from matcher.reading.clauses.grammar import any_of, repaired
from matcher.reading.clauses.sentences import Sentence, speaking

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
_QUALIFICATION_STEMS = (
    *_NAMES.lower().replace("rge ", "").split(), " rge", "(rge", "sous-section", "ss3", "ss4", "habilitation",
    "iso9", "iso 9", "iso1", "iso 1", "label", "agrement",
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
_FORBIDDEN = re.compile(r"\binterdi|\bne (?:peu|pour|ser)|\bpas (?:etre )?(?:autoris|admis|la possib)")
#: "Les candidats ne peuvent être membres de plusieurs groupements", "présentée que dans un seul groupement"
_SEVERAL = re.compile(r"(?:(?<!ou )\b(?:plusieurs|plus d'un|un autre)(?: autres)?|dans un seul) groupements?")
#: "Il est interdit d'agir à la fois en candidat individuel et en membre d'un groupement"
_ALONE_TOO = re.compile(r"\b(?:individuel|a la fois seul)")
#: "Nul ne peut être mandataire de plusieurs groupements" (R2142-23): being a member of several is allowed.
_OF_LEADER = re.compile(r"\bmandataire (?:de|pour|ne)\b|\brepresenter\b")
#: "Les variantes sont autorisées"
_VARIANTS = re.compile(r"\bvariantes?\b[^.;]{0,40}\b(?:autorise|admise|accepte)e?s?\b")
_NO_VARIANTS = re.compile(r"\b(?:ne|non|pas|aucune|ni|si)\b|n'")
#: Conditions by the stem that their sentences hold, with patterns that impose and that revoke them.
_IMPOSED = (
    ("visit", "visit", "Visite obligatoire", _VISIT, _NO_VISIT),
    ("chantillon", "samples", "Échantillons demandés", _SAMPLES, _NO_SAMPLES),
    ("variante", "variants", "Variantes admises", _VARIANTS, _NO_VARIANTS),
)
_GROUPS = (
    (_SEVERAL, "several-groups", "Interdit d'être dans plusieurs groupements"),
    (_ALONE_TOO, "alone-and-group", "Interdit de répondre seul et en groupement"),
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

#: What a sentence holds that states a condition.
STEMS = (*(stem for stem, *_ in _IMPOSED), "groupement", *_QUALIFICATION_STEMS)


def stated(found: Sequence[Sentence], stems: Sequence[str] = STEMS) -> Iterator[Finding[Condition]]:
    """What these sentences impose on tenderers, each with its passage; an item is read with the heading of its list."""
    heading: int | None = None
    speaks = set(speaking(found, stems))
    for at, one in enumerate(found):
        text, plain = one.text, one.plain
        if plain.endswith(":"):
            heading = at
        elif not one.item:
            heading = None
        if at in speaks or heading in speaks:
            if heading not in (None, at):
                text, plain = f"{found[heading].text} {text}", f"{found[heading].plain} {plain}"
            for code, label in _labels(repaired(plain)):
                yield Finding(Condition(code=code, label=label, passage=text), one.lots)


def _labels(plain: str) -> Iterator[tuple[str, str]]:
    yield from _of_stems(plain)
    if any(stem in plain for stem in _QUALIFICATION_STEMS):
        yield from _qualified(plain)


def _of_stems(plain: str) -> Iterator[tuple[str, str]]:
    for stem, code, label, imposes, frees in _IMPOSED:
        if stem in plain and imposes.search(plain) and not frees.search(plain):
            yield code, label
    if "groupement" in plain and _FORBIDDEN.search(plain) and not _OF_LEADER.search(plain):
        yield from (told for pattern, *told in _GROUPS if pattern.search(plain))
    form = _FORM.search(plain) if "conjoint" in plain or "solidaire" in plain else None
    if form and not _FORM_FREE.search(plain, form.start()):
        leader = " avec mandataire solidaire" if _LEADER_BOUND.search(plain) else ""
        yield "group-form", f"Groupement {form.group(1)}{leader}"


def _qualified(plain: str) -> Iterator[tuple[str, str]]:
    if _ASKED.search(plain) and not _NOT_ASKED.search(plain):
        for label, pattern in _QUALIFICATIONS.items():
            if pattern.search(plain):
                yield "qualification", label
