"""Reasons of a match in reading order: trade, place, past contracts.

A score has up to a dozen parts, some of them redundant (several signals read the same past contract) or merely stating that
something is unknown.  They are grouped by subject here; the points of the subjects still sum to the score.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matcher.catalogue.columns import DECLARED
from matcher.domain import KINDS, LEVEL_LABELS, CallsFor, Clause, LotAnswer, Match, Reason, Structure
from matcher.reference.identifiers import is_siret
from matcher.reference.places import Unplaced, unplaced
from matcher.reference.text import shorten


def missing(structure: Structure) -> tuple[str, ...]:
    """Unknown facts about a structure that a buyer would ask for, in French."""
    gaps = [] if is_siret(structure.siret) else ["SIRET inconnu : à demander"]
    if not structure.phone and not structure.email and not structure.website:
        gaps.append("aucun moyen de contact connu")
    if structure.active is None:
        gaps.append("activité de l'établissement non vérifiée")
    if structure.turnover is None:
        gaps.append("aucun chiffre d'affaires connu")
    if not any(offer.nature in DECLARED for offer in structure.offers) and not structure.description:
        gaps.append("ne décrit pas ses activités")
    return tuple(gaps)


def warnings(structure: Structure, may: bool | None, reserved: bool = False) -> tuple[str, ...]:
    """Warnings on a match, in French; `reserved` says that the lot is."""
    texts = []
    if structure.active is False:
        texts.append("établissement fermé d'après le registre")
    if may is False:
        kind = KINDS.get(structure.kind, structure.kind)
        texts.append(f"{kind} : non admissible au lot réservé")
    if reserved and not is_siret(structure.siret):
        texts.append("marché réservé : demandez son SIRET, par lequel son statut s'établit")
    if "kind-unsure" in structure.flags:
        texts.append("type à vérifier, d'après la liste qui l'indique")
    if "siret-checksum" in structure.flags:
        texts.append("SIRET dont la clé de contrôle est fausse : à vérifier")
    return tuple(texts)


#: Subject -> the codes it gathers, in display order.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "Clause sociale": ("clause-hire", "clause-task"),
    "Métier": ("likely_trade", "named"),
    "Statut": ("reservation", "likely_role"),
    "Lieu": ("likely_place", "reach", "department"),
    "Prestations et marchés": ("meaning", "words", "part", "cpv", "holder"),
    "Besoin": ("likely_need",),
    "Moyens": ("capacity",),
}
OTHER = "Autres"
#: Signals that state the same fact about the same pieces: one of each line is shown.
REDUNDANT = (frozenset({"meaning", "words", "part", "cpv"}), frozenset({"reach", "department"}))
#: Shown however little they add.
ALWAYS = frozenset({"likely_place", "likely_role", "clause-hire", "clause-task"})
MIN_POINTS = 0.05  # points below which a reason is not shown
PER_SUBJECT = 2  # most sentences of a subject


@dataclass(frozen=True, slots=True)
class Subject:
    """Sentences on one subject, and the points of all its signals, shown or not.

    `fallback` is the text of the signal with most points, for the detailed view where no sentence is worth showing.
    """

    name: str
    sentences: tuple[str, ...]
    points: float
    fallback: str


def subjects(reasons: Iterable[Reason]) -> tuple[Subject, ...]:
    """The reasons by subject; the points sum to the score.  Subjects with neither sentence nor points are left out."""
    by_subject: dict[str, list[Reason]] = {name: [] for name in (*SUBJECTS, OTHER)}
    for reason in reasons:
        subject = next((name for name, codes in SUBJECTS.items() if reason.code in codes), OTHER)
        by_subject[subject].append(reason)
    listed = []
    for name, each in by_subject.items():
        heaviest = max(each, key=lambda r: abs(r.contribution)).text if each else ""
        told = _sentences(each)
        if name == "Métier" and not told:  # that its trade is another, or is not known, is to be verified
            told = tuple(r.text for r in each if r.code == "likely_trade")
        listed.append(Subject(name, told, sum(r.contribution for r in each), heaviest))
    return tuple(s for s in listed if s.sentences or abs(s.points) >= 0.005)


def sentences(reasons: Iterable[Reason], most: int = 3) -> tuple[str, ...]:
    """The few sentences that matter most: a round-robin merge over subjects."""
    lists = [subject.sentences for subject in subjects(reasons)]
    return tuple(one[i] for i in range(PER_SUBJECT) for one in lists if i < len(one))[:most]


def _sentences(reasons: list[Reason]) -> tuple[str, ...]:
    shown: dict[str, None] = {}
    used: set[frozenset[str]] = set()
    for reason in sorted(reasons, key=lambda r: -r.contribution):
        group = next((codes for codes in REDUNDANT if reason.code in codes), None)
        heavy = reason.code in ALWAYS or abs(reason.contribution) >= MIN_POINTS
        if not reason.text or not reason.tells or not heavy or group in used:
            continue
        if group is not None:
            used.add(group)
        quoted = reason.code in REDUNDANT[0] and reason.offer_passage  # the title of the contract concerned
        told = f"{reason.text} : « {shorten(reason.offer_passage, 90)} »" if quoted else reason.text
        shown.setdefault(told)
    return tuple(shown)[:PER_SUBJECT]


def counts(answer: LotAnswer) -> str:
    """How many structures stand at each level, of those examined: "3 à appeler, 5 à vérifier, sur 89 examinées"."""
    if not answer.considered:
        return "aucune structure à examiner"
    examined = f"{answer.considered} examinée{'s' if answer.considered > 1 else ''}"
    judged = any(match.level for match in answer.matches)
    found = [(answer.likely, LEVEL_LABELS["likely"]), (answer.plausible, LEVEL_LABELS["plausible"])]
    texts = [f"{number} {label}" for number, label in found if judged and number]
    return f"{', '.join(texts)}, sur {examined}" if texts else examined


#: Why nobody is proposed and what to do, by what the lot calls for.
NOBODY: Mapping[CallsFor, str] = {
    "": "Des structures le font d'ordinaire ; personne dans cet annuaire n'est connu pour le faire à portée.",
    "staff": "Le besoin demande du personnel : personne qui en met à disposition n'est connu à portée.",
    "unclear": "Ce texte ne dit pas de besoin : écrivez ce qui est à faire, et où.",
    "clause": "Les structures n'y répondent pas d'ordinaire elles-mêmes : une clause sociale d'exécution leur ouvre ce marché, "
    "par des heures d'insertion ou une part sous-traitée.",
    "beyond": "Ce que l'économie sociale ne fait pas d'ordinaire : reste la clause sociale d'exécution, si des tâches s'y prêtent.",
}


def why_nobody(answer: LotAnswer) -> str:
    """Why no structure is proposed for a lot, and what remains possible; "" where some are proposed or none was examined."""
    if answer.nobody and answer.to_ask:
        return unknown_in_words(answer)
    return NOBODY[answer.calls_for] if answer.nobody and answer.considered else ""


#: Why no place counts, by what `places.unplaced` tells.
UNPLACED: Mapping[Unplaced, str] = {
    "unsaid": "Aucun lieu n'est lu, dites où",
    "unknown": "Le lieu n'est pas connu",
    "abroad": "Le lieu est hors de France",
}


def everywhere(answer: LotAnswer) -> str:
    """That all of France is compared for want of a place that is known there, in French; "" where one is."""
    stated = answer.asked.places if answer.asked else answer.lot.places
    if not (why := unplaced(stated)):
        return ""
    named = ", ".join(place.label for place in stated if place.label)
    where = f" ({named})" if named else ""
    return f"{UNPLACED[why]}{where} : toute la France est comparée, la distance ne compte pas."


def unknown_in_words(answer: LotAnswer) -> str:
    """How many structures in reach say nothing of their trade, in French; "" where there are none."""
    if not answer.to_ask:
        return ""
    several = "s" if answer.to_ask > 1 else ""
    return f"{answer.to_ask} structure{several} à portée {silent(answer)} : à interroger"


def silent(answer: LotAnswer) -> str:
    """What those who say nothing of their trade have in common: their kinds, and that they may do it."""
    kinds = ", ".join(dict.fromkeys(s.kind for s in answer.asking if s.kind))
    says = "ne disent pas ce métier et le font" if answer.to_ask > 1 else "ne dit pas ce métier et le fait"
    return f"({kinds}) {says} peut-être"


def mark(match: Match) -> str:
    """What to do with the match, in a word, unless inadmissibility or closure matters more."""
    if match.eligible is False:
        return "non admissible"
    if match.structure.active is False:
        return "fermée"
    return LEVEL_LABELS[match.level]


def clause_in_words(clause: Clause) -> str:
    """French label of a clause, of a criterion with its weight, or of the object of the contract."""
    if clause.nature == "objective":
        return "Objectif social" if clause.origin == "field" else "Objet du marché : insertion"
    if clause.nature == "criterion":
        if clause.weight is None:
            return "Critère social"
        weight = f"{clause.weight:g}".replace(".", ",")
        unit = {"%": "\u202f%", "points": " points"}.get(clause.weight_unit)
        return f"Critère social : {weight}{unit}" if unit else f"Critère social : pondération {weight}"
    if clause.hours:
        return f"Clause sociale : {clause.hours:,.0f} heures d'insertion".replace(",", "\u202f")
    share = f" : {100 * clause.share:g}\u202f% des heures".replace(".", ",") if clause.share else ""
    return f"Clause sociale{share}"
