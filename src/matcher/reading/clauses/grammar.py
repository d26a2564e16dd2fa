"""Patterns for facts that must be exact: articles, beneficiaries, lots, shares, weights, names of social criteria.

Each stands below the (invented) sentence that made it necessary, and is matched against one folded sentence.
"""

import re
from functools import lru_cache

from matcher.learned import clauses as classifier
from matcher.reading.clauses.sentences import EXCEPTED
from matcher.reading.criteria import NUMERAL, Unit, weights
from matcher.reference.prose import folded, lots_named

#: "L. 2113-12", "L2113-13-1", "des articles L 2113-12, 13 et 14"; "R. 2113-7" and "L. 2113-10" are none.
_NUMBER = r"(?<!\d)1[2-6](?:\s?-\s?1\b)?(?!\d)"
_ARTICLES = re.compile(
    rf"\bl\s?\.?\s?2113\s?-\s?{_NUMBER}(?:\s?(?:,|et|ou|a)\s?(?:l\s?\.?\s?)?(?:2113\s?-\s?)?{_NUMBER})*"
)


def articles(text: str) -> tuple[str, ...]:
    """Articles on reserved contracts cited in a text, sorted; never guessed or translated."""
    runs = _ARTICLES.findall(folded(text))
    numbers = {re.sub(r"\s", "", one) for run in runs for one in re.findall(_NUMBER, run)}
    numbers |= {"13" for run in runs if re.search(r"-\s?12 a .*14$", run)}  # "L. 2113-12 à L. 2113-14"
    return tuple(f"L2113-{number}" for number in sorted(numbers))


def _named(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(phrases)})")


#: The beneficiaries that the articles name, keys of `domain.AUDIENCES`, and the phrases that name each.
_WHO = {
    "ESAT/EA": _named(
        r"entreprises? adaptees?",
        r"(?:esats?|ea)\b",
        r"(?:aide|accompagnement) par le travail",  # établissements et services d'aide par le travail
        r"(?:ateliers?|secteurs?|travail) (?:protege|adapte)s?",
        r"l\.? ?(?:344-2|5213-13)\b",  # du code de l'action sociale, du code du travail
    ),
    "SIAE": _named(
        r"(?:s?iaes?|s\.i\.a\.e|acis?|ettis?|eis?)\b",
        r"(?:structure|entreprise|association|acteur|chantier)s? (?:de l.?|d.?)insertion\b",
        r"insertion par l'activite economique",
        r"associations? intermediaires?",
        r"handicape\w* (?:ou|et) defavorise",  # the directives name those of L2113-12 and of -13 together
        r"l\.? ?5132-4\b",  # du code du travail
        r"reserve\w* (?:a l')?insertion\b(?! des pers)",  # "Lot 7, réservé insertion"
        r"travailleurs defavorises",
    ),
    "ESS": _named(r"economie sociale et solidaire", r"(?:ess|esus)\b", r"mission de service public\b"),
    "prison": _named(r"\w+ penitentiaires?", r"saps?\b", r"detenue?s?\b", r"detention\b"),
}
#: "☒ réservé aux SIAE ☐ réservé aux ESAT", "ESAT : oui ; SIAE : non": an empty box or a "non" states nothing.
_UNTICKED = re.compile(
    r"[☐□](?:(?!(?<!\bart)[.;] )[^☐□☒☑■])*|(?:(?<=[;|] )|^)[^;|:]{0,120}: ?(?:non|neant|sans objet)\b"
)


def ticked(plain: str) -> str:
    """A sentence without what its empty boxes name, and what it answers with "non"."""
    return _UNTICKED.sub("", plain)


def who(plain: str) -> tuple[str, ...]:
    """The beneficiaries that a sentence names, of "ESAT/EA", "SIAE", "ESS" and "prison": by structures, else by handicap."""
    plain = ticked(plain)
    named = tuple(name for name, pattern in _WHO.items() if pattern.search(plain))
    return named or (("ESAT/EA",) if re.search(r"\bhandicap", plain) else ())


#: "le lot 4 faisant seul exception", "le lot 2 étant attribué selon les règles de droit commun"
NEGATED = re.compile(
    r"\bn['e]\b|\b(?:non(?!-\w)|ni|pas|aucune?|neant|sans objet|excl(?:us|ue)s?|exceptee?s?|exempt\w*|dispens\w*|f\w+ (?:seule? )?exception)\b|\b(?:regles?|regime|conditions) (?:\w+ )?(?:de droit commun|ordinaire|habituel)|\b(?:ouvert\w*|accessible) a (?:tou|l'ensemble)"
)
_AND_LOT = re.compile(r"(?:,| et|, et) (?=(?:celui du |ceux des |les? )lots? )")
#: "Aucun lot n'est réservé": a sentence that states that the contract, or a lot, is not reserved.
DENIED = re.compile(
    r"\bn['e] ?\w+ (?:\w+ )?(?:pas|point|plus|nullement) (?:(?!et |mais )[\w']+ ){0,4}reserv|\baucun\w*\b[^.;:,]{0,80}\breserv"
)


def shared_out(plain: str) -> list[str]:
    """The parts of a sentence that reserves lots to different structures: "le lot 1 aux SIAE et le lot 2 aux ESAT"."""
    parts = _AND_LOT.split(plain)
    return parts if all(who(one) or DENIED.search(one) for one in parts) else [plain]


#: "..., à l'exception du lot 3", "à l'exception du lot 3, tous les lots ...", "le lot 1 est réservé, mais le lot 2 ne l'est pas"
_OF_THESE = re.compile(
    r"\d(?: ?\([^()]*\))?,? \(?(?:qui (?:est|sont|sera|seront) |lui |eux |lot |marche )*reserv"
)
_SIDE = re.compile(
    rf"[,(]? ?\b(?={EXCEPTED}|mais\b)|,? (?=seuls? les? lots?\b)|, (?=les? lots?\b|\b(?:tous les|l'ensemble des) lots?\b|(?:est|sont|sera|seront) )"
)


@lru_cache(maxsize=1024)
def lots_of(plain: str, reserving: bool = True) -> tuple[frozenset[str], frozenset[str]]:
    """The lots that a sentence is about (none: all, or those of its heading), and those that it leaves out."""
    none: frozenset[str] = frozenset()
    named, sides = lots_named(plain), [(lots_named(side), side) for side in _SIDE.split(plain)]
    excepted = [side for _, side in sides if re.match(EXCEPTED, side)]
    out = none.union(*(lots_named(side) for side in excepted))
    # "Aucun lot n'est réservé, sauf le lot 3", "ouvert, sauf le lot 3, réservé aux ESAT"
    if reserving and out and (DENIED.search(plain) or any(map(_OF_THESE.search, excepted))):
        return out, none
    open_to_all = none.union(*(lots for lots, side in sides if NEGATED.search(side)))
    others = any(
        re.search(r"\blots\b", side) for lots, side in sides if not lots and not NEGATED.search(side)
    )
    if others or named - out - open_to_all:
        out |= open_to_all
    return named - out, out


#: "7,5 % des heures travaillées", "10 % du personnel", "taux d'insertion de 6 %"
_SHARE = re.compile(
    rf"{NUMERAL} ?%[^.;]{{0,40}}\b(?:heures?|temps|travail|effectif|main|masse|personnel)"
    rf"|\b(?:taux|clause) d'insertion\b[^.;:\d]{{0,40}}{NUMERAL} ?%"
    rf"|^(?=.*\b(?:confi|sous-?trai)).*?\b{NUMERAL} ?% d(?:u|es|e la|e) ?(?:montant|prix|prestation|volume|valeur|lot\b|marche\b)"
)
#: "lot 2 : 10 points", after "Critère social : lot 1 : 20 points"
LOT_WEIGHT = re.compile(
    r"\W*(?:et |pour )?(?:les? )?lots? (?:n ?° ?)?[\d, eta-]+\W{1,3}\d+ ?(?:%|points?|pts)\W*"
)


def share(plain: str) -> float | None:
    """The share of hours or of work that a sentence states, 0 to 1."""
    found = _SHARE.search(plain)
    return float(next(filter(None, found.groups())).replace(",", ".")) / 100 if found else None


def social_weight(plain: str) -> tuple[float, Unit] | None:
    """The weight of the social criterion in a sentence that may list others: "prix 60 %, insertion sociale 10 %"."""
    named = SOCIAL_WORD.search(plain)
    return next(iter(weights(plain, named.end() if named else 0) or weights(plain)[::-1]), None)


#: The word that a social criterion is about.
SOCIAL_WORD = re.compile(
    r"\b(?:soci[ae]|(?:re)?insertion|inclusi|emploi|rse\b|handicap|egalite (?:pro|des ch|fem|hom|sal|entre les [fh])|chom|rsa\b|esats?\b|detenu)\w*"
)
#: "Clause d'insertion : néant", "sans clause sociale", "aucune obligation d'insertion"
NOT_OWED = re.compile(
    r"\b(?:insertion|clauses? social\w*)(?: [a-z']+){0,4} ?[:?=|] ?(?:0|neant|sans objet|non|aucune?)\b|\b(?:sans|(?<!n'est )pas d[e']|aucune?) ?(?:clause|critere|obligation|heure)s?(?! (?:env|eco))"
)
#: "Prestation d'insertion ayant pour support ..."; "Le titulaire s'engage à réaliser une action d'insertion" is a duty
OBJECT = re.compile(
    r"(?!.*\b(?:titulaire|attributaire|prestataire|operateur|candidat|heure|obligat)).*"
    r"\b(?:(?:marches?|prestations?|services?|missions?|actions?)(?: (?!aux|une?|structures?)\w+){0,2} d'(?:re)?insertion\b"
    r"|(?:re)?insertion\b.{0,120}\bsupports?\b)"
)


@lru_cache(maxsize=1024)
def social_name(name: str) -> bool:
    """Whether a criterion of this name is social: insertion, employment, equality ..."""
    return classifier.shipped().chances(f"Critère : {name}")["criterion"] > 0.5
