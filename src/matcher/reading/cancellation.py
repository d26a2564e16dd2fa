"""What the text of a correction or of a cancellation withdraws: the whole procedure, some lots, or nothing.

"Le lot 1 est annulé" withdraws a lot; "La visite est annulée", "peut à tout moment déclarer sans suite" and "annule et
remplace" withdraw nothing.  The form's own fields come first: this reads what they leave open.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from matcher.domain import Tender
from matcher.reference.prose import lots_named
from matcher.reference.text import fold


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What a text withdraws: the whole procedure, or the lots of these numbers."""

    whole: bool = False
    lots: tuple[str, ...] = ()


#: An act that ends a procedure or a lot, in folded text (no accents, lower case).
_ACT = re.compile(
    r"\b(?:annul(?:ee?s?|ation)\b(?! et remplac)|(?:decid\w*|decision) (?:d')?annuler|annulons|sans suites?\b|infructueu(?:x|ses?)\b"
    r"|abandon(?:nee?s?)?\b|retire(?:e|s|es)?\b|supprimee?s?\b|suppression\b|met(?:tre)? (?:fin|un terme) (?:a|au)\b|mis(?:e)? fin (?:a|au)\b"
    r"|(?:ne )?ser(?:a|ont) pas attribuee?s?\b|n'(?:est|a) (?:pas|plus) (?:ete )?attribuee?\b|n'est plus (?:a pourvoir|propose)|interrompue?s?\b"
    r"|arretee?s?\b(?= (?:definitivement|pour))|renonc(?:e|ent|er|ons)\b|n'aura pas lieu\b)"
)
#: The act is possible, conditional, denied or someone else's.
_NOT_DONE = re.compile(
    r"\b(?:peut|peuvent|pourra|pourront|pourrait|pourraient|se reserve|si\b|s'il|en cas d|au cas ou|dans l'hypothese|le cas echeant|eventuel\w*"
    r"|possibilite|droit de|faculte|a tout moment|susceptible|sera declaree? (?:sans suite|infructueu\w+) (?:si|en cas)|sous peine|afin de ne pas|pour eviter"
    r"|ne (?:sera|seront|saurait) (?:pas|en aucun cas) (?:annul|declar)|n'est pas (?:annul|declar|abandon|retir|infruct)|ne sont pas (?:annul|declar|abandon)"
    r"|n'a pas ete (?:annul|declar)|aucun(?:e)? (?:lot|procedure|consultation) n'est|non annul|a ete annulee? par erreur|maintenue?s?\b|relanc\w+ apres|precede\w*|anterieure?\w*"
    r"|initialement (?:annul|declar)|suite a (?:l'infructuosite|la declaration|l'annulation|une procedure|un (?:premier )?appel d'offres|une premiere consultation)"
    r"|apres (?:une? )?(?:procedure|consultation|appel d'offres)|tribunal|recours en annulation|demander l'annulation|refere|indemni\w+|resiliation)"
)
#: What is withdrawn is a part of the organisation or of the papers, not a procedure.
_MINOR = re.compile(
    r"\b(?:visites?|rendez-vous|reunions?|seances?|audition\w*|permanences?|questions?|reponses?|annexes?|pieces?|documents?|formulaires?|dce|ccap|cctp|rc\b|bpu|dpgf|plans?|articles?"
    r"|paragraphes?|clauses?|criteres?|sous-criteres?|mentions?|phrases?|pages?|variantes?|options?|pse|tranches? (?:optionnelle|conditionnelle)s?|prestations? supplementaires?|echantillons?"
    r"|cautions?|penalites?|commande\w*|dates?|delais?|heures?|lignes?|numeros?|avis rectificatif\w*|rectificatif|erratum|jury|dossiers?|envois?|depots? papier"
    r"|contraintes?|obligations?|dispositions?|reserves?|abonnement|certificat|exigences?|assurances?|retenue|avances?|reglement|acte d'engagement|maquettes?)\b"
)
_ALL_LOTS = re.compile(
    r"\b(?:tous les|ensemble des|totalite des|l'integralite des|les (?:deux|trois|quatre|cinq|six)) lots\b"
)
_UNIQUE = re.compile(r"\blot unique\b")
_WHOLE = re.compile(
    r"\b(?:consultations?|procedures?|marches?|avis|appels? (?:d'offres|a concurrence|public)|accords?-cadres?|annonces?|operations?|projets?|concours|mises? en concurrence|delegations?"
    r"|concessions?|publications?|presente?|affaires?|mapa|dsp|contrats?|sad|systeme d'acquisition|partenariats?|consultation|besoins?|achats?)\b"
)
_SENTENCE = re.compile(r"(?<=[.;!?])\s+(?=\S)|\n+| - |\s•\s|, mais |, toutefois |, (?=[Ll]es? lots? )|\. ")


def withdrawn(text: str) -> Withdrawn:
    """What a text says is withdrawn.  Where a sentence withdraws without saying what, it is the whole procedure."""
    lots: dict[str, None] = {}
    whole = False
    for sentence in _sentences(text):
        act = _ACT.search(sentence)
        if act is None or _NOT_DONE.search(sentence):
            continue
        named = sorted(lots_named(sentence), key=lambda number: (len(number), number))
        if _ALL_LOTS.search(sentence) or _UNIQUE.search(sentence):
            whole = True
        elif named:
            lots |= dict.fromkeys(named)
        elif _is_procedure(sentence, act):
            whole = True
    return Withdrawn(whole, () if whole else tuple(lots))


def _sentences(text: str) -> Iterator[str]:
    for part in _SENTENCE.split(text.replace("’", "'")):
        if plain := " ".join(fold(part).split()):
            yield plain


def _is_procedure(sentence: str, act: re.Match[str]) -> bool:
    """Whether what the act bears on, the nearest noun before it or else after it, is the procedure."""
    before, after = sentence[: act.start()], sentence[act.end() :]
    for words in (before, after):
        minor, major = _MINOR.search(words), _WHOLE.search(words)
        if minor or major:
            # the subject stands first: "la visite du marché est annulée" is of the visit
            return major is not None and (not minor or major.start() < minor.start())
    # "Infructueux." alone
    return len(before.split()) < 2 and len(after.split()) < 3


def settled(tender: Tender) -> Tender:
    """A correction or a cancellation with what its text withdraws; a correction that withdraws all is a cancellation."""
    if tender.nature not in ("correction", "cancellation") or tender.cancels:
        return tender
    notice = withdrawn(tender.change)
    if notice.lots:
        return replace(tender, cancels=notice.lots)
    return replace(tender, nature="cancellation") if notice.whole else tender
