"""Practical conditions that a sentence of the notice imposes: a visit, samples, a qualification, the form of a group, groups forbidden."""

import re
from collections.abc import Iterator, Sequence

from matcher.domain import Condition
from matcher.reading.clauses.grammar import NEGATED
from matcher.reading.clauses.sentences import Finding, Sentence
from matcher.reference.prose import SPELT

#: The qualifications that notices ask for: by their names, and those written in several ways (label -> pattern).
_NAMES = "Certiphyto Certibiocide RABC Qualibat Qualifelec Qualipaysage Qualiopi APSAD CACES RGE MASE HACCP CNAPS AIPR OPQIBI SSIAP"
_WRITTEN = {
    "Amiante sous-section 3": r"sous-section 3|ss3",
    "Amiante sous-section 4": r"sous-section 4|ss4",
    "Habilitation électrique": r"habilitations? electriques?",
    "ISO 9001": r"iso ?9001",
    "ISO 14001": r"iso ?14001",
    "Écolabel": r"eco-?labels?",
    "Agrément services à la personne": r"agrements?\b[^.;]{0,40}services? a la personne",
}
_QUALIFICATIONS = {name: name.lower() for name in _NAMES.split()} | _WRITTEN
#: "Qualification Qualibat 2111 ou équivalent"; not "tout certificat (exemple : Qualibat)", nor what is bought: "sessions de formation SSIAP".
_ASKED = re.compile(
    r"(?!.*(?:\bexemple|\bex ?:|\ble cas echeant|\baccompagnement\b|\b(?:prestations?|sessions?|actions?) de formations?\b))"
    r".*\b(?:certif|qualif|agre|habilit|autoris|exig|competence|equivalen)"
)

_FORBIDDEN = r"^(?=.*groupement)(?=.*\b(?:interdi|impossible|ne (?:peu|pour|ser)|pas (?:autoris|la possib)))"
#: "Nul ne peut être mandataire de plusieurs groupements" (R2142-23): being a member of several is allowed.
_OF_LEADER = r"\bmandataire de\b"
#: Conditions: code, label, the pattern of a sentence that imposes it, and that of one that does not.
_IMPOSED = (
    (  # "Une visite du site est obligatoire", "Les candidats devront procéder à une visite"; "visite médicale obligatoire"
        *("visit", "Visite obligatoire"),
        r"\bvisites?\b(?! (?:medicale|periodique|facultative))[^.;]{0,200}?\b(?:obligatoires?|imposee)\b"
        r"|\b(?:doivent|devront|obligatoire d[e'])\b[^.;]{0,40}\bvisite\b"
        r"|\b(?:attestation|certificat|proces-verbal) de visite\b[^.;]{0,80}\b(?:devra|sera|a (?:remettre|joindre|fournir))",
        NEGATED.pattern,
    ),
    (  # "Des échantillons sont à remettre avec l'offre", "Les candidats doivent remettre les échantillons"
        *("samples", "Échantillons demandés"),
        r"\bechantillons?\b[^.;]{0,80}\b(?:a remettre|a fournir|devront|demandes)"
        r"|\b(?:doivent|fournir(?:a|ont))\b[^.;]{0,80}\bechantillons?\b",
        NEGATED.pattern,
    ),
    (  # "Les variantes sont autorisées", "Variantes facultatives : oui", "peuvent proposer des variantes", "deux variantes libres"
        *("variants", "Variantes admises"),
        r"\bvariantes?\b[^.;]{0,40}(?:\b(?:autorise|admise|accepte|possible|sont facultativ)e?s?\b|\bpeuvent etre |[:?] ?oui\b)"
        rf"|\b(?:peuvent (?:pro|pre)\w+ [^.;]{{0,20}}\bvariantes?|(?:\d|{SPELT}) variantes? (?:facultativ|libr)es?)\b",
        NEGATED.pattern,
    ),
    (  # "Les candidats ne peuvent être membres de plusieurs groupements", "présentée que dans un seul groupement"
        *("several-groups", "Interdit d'être dans plusieurs groupements"),
        rf"{_FORBIDDEN}.*(?:(?<!ou )\b(?:plusieurs|un autre)(?: autres)?|dans un seul) (?:groupements?|gme)\b",
        _OF_LEADER,
    ),
    (  # "Il est interdit d'agir à la fois en candidat individuel et en membre d'un groupement"
        *("alone-and-group", "Interdit de répondre seul et en groupement"),
        rf"{_FORBIDDEN}.*\b(?:individuel|a la fois seul)",
        _OF_LEADER,
    ),
)
#: "Le groupement devra prendre la forme d'un groupement conjoint avec mandataire solidaire", "groupement imposé : solidaire",
#: "la transformation en un groupement solidaire sera exigée"
_FORM = re.compile(
    r"(?:(?<!mandataire du )\b(?:groupement|ce dernier|celui-ci)\b(?:(?!mandataire)[^.;,]){0,80}?"
    r"\b(?:impose|contraint|devra|obligatoirement)\b|\btransformation\b[^.;,]{0,60}\ben\b)(?:(?!mandataire)[^.;,]){0,80}?"
    r"\b(conjoint|solidaire)"
)
#: "Le groupement devra être conjoint ou solidaire", "l'acheteur se réserve la possibilité d'exiger la transformation"
_FORM_FREE = re.compile(rf"{NEGATED.pattern}|\b(?:conjoint|solidaire)s?\b.{{0,25}}\bou\b|\bpossibilite\b")
#: "En cas de groupement conjoint, le mandataire devra être solidaire" binds the leader, whatever the form
_LEADER_BOUND = re.compile(
    r"\bmandataires?\b(?P<must>[^.;,]{0,60}?\b(?:est|soit|sera|devra|doit)\b)?(?:(?!groupement)[^.;]){0,45}?\bsolidaires?\b"
)

#: What a sentence holds that states a condition.
STEMS = (
    "visit", "chantillon", "variante", "groupement", *_NAMES.lower().replace("rge ", "").split(), " rge", "(rge", "sous-section",
    "ss3", "ss4", "habilitation", "iso9", "iso 9", "iso1", "iso 1", "label", "agrement",
)  # fmt: skip


def stated(found: Sequence[Sentence], stems: Sequence[str] = STEMS) -> Iterator[Finding[Condition]]:
    """What these sentences impose on tenderers, each with its passage; an item is read with the heading of its list."""
    heading: Sentence | None = None
    for one in found:
        text, plain = one.text, one.plain
        if plain.endswith(":"):
            heading = one
        elif not one.item:
            heading = None
        elif heading:
            text, plain = f"{heading.text} {text}", f"{heading.plain} {plain}"
        if any(stem in f" {plain}" for stem in stems):
            for code, label in _labels(plain):
                yield Finding(Condition(code=code, label=label, passage=text), one.lots)


def _labels(plain: str) -> Iterator[tuple[str, str]]:
    for code, label, pattern, unless in _IMPOSED:
        if re.search(pattern, plain) and not re.search(unless, plain):
            yield code, label
    form = _FORM.search(plain) if "conjoint" in plain or "solidaire" in plain else None
    leader = _LEADER_BOUND.search(plain) if "solidaire" in plain else None
    if form and not _FORM_FREE.search(plain):
        yield "group-form", f"Groupement {form.group(1)}{' avec mandataire solidaire' if leader else ''}"
    elif leader and leader["must"] and "souhait" not in plain and not NEGATED.search(leader.group()):
        yield "leader-bound", "Mandataire solidaire"
    if _ASKED.match(plain):
        found = (name for name, words in _QUALIFICATIONS.items() if re.search(rf"\b(?:{words})\b", plain))
        yield from (("qualification", name) for name in found)
