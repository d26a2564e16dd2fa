"""What must be exact in a sentence: articles, whom, shares, weights, names of social criteria, plain formulas.

Each pattern is short and stands with the sentence that made it necessary; all are matched against the folded text of
one sentence (at most 600 characters), so that none can run away.
"""

from __future__ import annotations

import itertools
import re
from typing import Literal

from matcher.reading.clauses.vocabulary import AUDIENCES
from matcher.reference.prose import LOST, folded


def any_of(*patterns: str) -> re.Pattern[str]:
    """One pattern that matches where any of these does."""
    return re.compile("|".join(patterns))


# -------------------------------------------------------------------------------------------- articles

#: "des articles L 2113-12, 13 et 14" names three; "R. 2113-7", "L. 2113-10" none.
_NUMBER = r"1[2-6](?:\s?-\s?1(?!\d))?"
_ARTICLE = re.compile(rf"\bl\s?\.?\s?2113\s?-\s?({_NUMBER})")
_NEXT_ARTICLE = re.compile(
    rf"\s?(,|et|ou|a|&|/|-)\s?(?:(?:de )?(?:l'|les )?(?:articles? )?l\s?\.?\s?)?(?:2113\s?-\s?)?({_NUMBER})(?!\d)"
)
#: "au titre de L2113-12 et non de L2113-13" names the first alone.
_AND_NOT = re.compile(r"\bet non [^,;)]{0,80}")


def articles(text: str) -> tuple[str, ...]:
    """The articles on reserved contracts that stand in a text, sorted; none is ever guessed, none translated."""
    plain = _AND_NOT.sub(" ", folded(text))
    found: set[int | str] = set()
    for match in _ARTICLE.finditer(plain):
        numbers, at = [_bare(match.group(1))], match.end()
        while following := _NEXT_ARTICLE.match(plain, at):
            at = following.end()
            last = _bare(following.group(2))
            if following.group(1) == "a" and numbers[-1] == "12" and last == "14":
                numbers.append("13")
            numbers.append(last)
        found.update(numbers)
    return tuple(f"L2113-{number}" for number in sorted(map(str, found)))


def _bare(number: str) -> str:
    return re.sub(r"\s", "", number)


# ------------------------------------------------------------------------------------------------ whom

_WHO = {who: re.compile(rf"(?<![\w-])(?:{'|'.join(phrases)})") for who, phrases in AUDIENCES.items()}
#: Where no structure is named: "réservé à l'insertion des personnes handicapées", "Paris 10e — réservé insertion".
_BY_PEOPLE = {
    "ESAT/EA": re.compile(r"\bhandicap"),
    "SIAE": re.compile(r"\breserve\w* (?:a l'|pour l')?insertion\b|\btravailleurs defavorises"),
    "ESS": re.compile(r"\bmission de service public\b"),
}


def mended(plain: str) -> str:
    """A folded text whose destroyed letters are guessed: "adapt\ufffde" is "adaptee"; positions do not hold."""
    return re.sub(rf"{LOST}+", "e", plain) if LOST in plain else plain


def who(plain: str) -> tuple[str, ...]:
    """Whom a sentence names, of "ESAT/EA", "SIAE", "ESS" and "prison": by structures, else by the people they employ."""
    plain = _AND_NOT.sub(" ", mended(plain))
    named = tuple(name for name, pattern in _WHO.items() if pattern.search(plain))
    return named or tuple(name for name, pattern in _BY_PEOPLE.items() if pattern.search(plain))[:1]


#: "Marché réservé.", "Lot réservé (ESAT)", "Participation réservée : oui": reserved, whoever it is to.
_DEAL = r"(?:marches?|lots?|accords?-cadres?|consultations?|procedures?|participation|concessions?)"
_BARE_RESERVED = re.compile(rf"\b{_DEAL}(?: [\w-]+){{0,3}} reserve\w*\W*(?:$|[.;:(?]|oui)|\breserve\w*\W*$")
#: What defines the structures in other codes, and the name of the field in other languages.
_STATUTE = re.compile(r"\bl ?\.? ?(?:5132-4|5213-13|344-2)\b|\bres-(?:ws|pub-ser)\b|\bsheltered\b")
#: "Le marché est réservé à une entreprise adaptée": whatever a classifier says, this reserves ...
_PLAIN_RESERVED = re.compile(rf"\b{_DEAL}\b[^.;:]{{0,40}}\breserve(?:e|s|es)?\b[^.;:]{{0,60}}\ba(?:ux?)?\b")
#: "périmètre NORD - LOT RÉSERVÉ", at the end of a title.
_TITLE_RESERVED = re.compile(r"(?:^|[-(:.,] ?)(?:lot|marche|accord-cadre) reserve[\s).»]*$")
#: ... unless it is denied, supposed or a box left empty ("☐ Marché réservé aux EA") ...
_NOT_PLAIN = any_of(
    r"[☐□]|\[ ?\]|\( ?\)",
    r"\bn'|\bne\b|\bn\b|\bpas\b|\bnon\b|\baucun|\bsans\b|\bni\b",
    r"\bsi\b|\bs'il|\bpeu(?:t|ven)|\bpour+a|\bcas\b|\?",
)
#: ... remembered, taken back, of another contract ("le précédent marché", "l'opération voisine") or only spoken of ...
_NOT_NOW = any_of(
    r"\betai|\bavai|\bdevai|\bete\b|\bont\b|\bprecedent|\bancien|\bsortant|\bdernier|\bdernieres?\b|\bbilan\b",
    r"\bau lieu\b|\berreur|\bmention\b|\brayer",
    r"\bautre|\bdistinct|\bfutur|\bsubsequent|\bvoisin",
    r"\betude|\bformation|\bopportun|\bdefini|\bpermet|\bpour memoire|\breunion|\bschema|\breferences?\b",
)
#: ... or of a part of this one: "réserve 10 % des heures travaillées aux publics en difficulté".
_OF_PART = any_of(r"\bpart\b", r"\bheures?\b", r"%", r"\bde\b.{0,3}\breserver")


def names_audience(plain: str) -> bool:
    """Whether a passage says to whom, by which article, or plainly that the contract is reserved."""
    return bool(
        articles(plain) or _STATUTE.search(plain) or _BARE_RESERVED.search(mended(plain)) or of_people(plain)
    )


def plainly_reserved(plain: str) -> bool:
    """Whether a sentence reserves its contract in the plainest words: no classifier may take that away."""
    plain = mended(plain)
    named = [pattern.search(plain) for pattern in _WHO.values()]
    stated = _PLAIN_RESERVED.search(plain)
    stated_so = bool(stated and any(named)) or _TITLE_RESERVED.search(plain) is not None
    return stated_so and not any(p.search(plain) for p in (_NOT_PLAIN, _NOT_NOW, _OF_PART))


#: "Pour les ESAT : l'agrément préfectoral, ou pour les EA le CPOM": papers asked of those who are one, not of all.
_PAPERS = any_of(
    r"\bpour les? (?:esats?|ea|entreprises adaptees|siaes?|structures)\b|\bagrement|\bcpom\b|\bpluriannuel",
    r"\battestations?\b",
)
_SHUT = any_of(
    r"reserv|\bne (?:peu|ser|pour)|\bseul|\bexclusi|\buniquement|\bapparten|\brejet|\birreceva|\becart",
    r"\belimin|\bn'est|\bne sont|2113",
)


def asks_papers(plain: str) -> bool:
    """Whether a sentence only asks papers of the structures that it names."""
    plain = mended(plain)
    return _PAPERS.search(plain) is not None and not _SHUT.search(plain)


#: "Le marché n'est pas réservé", "Aucun lot n'est réservé": what contradicts a box that is ticked.
_DENIED = re.compile(
    rf"\b(?:{_DEAL} )?(?:n'est|ne sont) (?:donc )?pas reserve|\baucun(?:e|s)?(?: des)? {_DEAL} n'est reserve"
)


def denied(plain: str) -> bool:
    """Whether a sentence says outright that the contract, or a lot, is not reserved."""
    return _DENIED.search(mended(plain)) is not None


#: "Tous les lots sont réservés aux ESAT, à l'exception du lot 3."
_ALL_LOTS = re.compile(
    r"\btous les lots\b|\b(?:l'ensemble|la totalite) des lots\b|\b(?:chaque lot|chacun des lots)\b"
)
_EXCEPTED = re.compile(
    r"\b(?:a l'exception|sauf|hormis|excepte|hors)\b(?: (?:du|des|le|les|pour)){0,2} lots?[^.;]{0,40}"
)
#: "certains lots sont réservés": some, and not said which.
_SOME = any_of(
    r"\b(?:certains|plusieurs|quelques|une partie des|un des|l'un des|parmi)(?: des| les)? lots?\b",
    r"\b\d+ (?:des |lots? (?:sur|parmi))",
)


def all_lots(plain: str) -> bool:
    return _ALL_LOTS.search(plain) is not None


def excepted(plain: str) -> str:
    """The words that leave lots out, "" where none do."""
    found = _EXCEPTED.search(plain)
    return found.group() if found else ""


def some_lots(plain: str) -> bool:
    return _SOME.search(plain) is not None


#: "Le lot 1 est réservé, mais le lot 2 ne l'est pas": each side is judged alone.
_BUT = any_of(
    r",? (?:mais|en revanche|tandis que|alors que|toutefois|cependant|par contre)\b",
    r", (?=(?:le|les|seuls?|tous) (?:lots?|autres?)\b)",
)


def sides(plain: str) -> list[tuple[int, int]]:
    """The parts of a sentence that a "mais" sets apart, as (start, end)."""
    cuts = [0, *(found.start() for found in _BUT.finditer(plain)), len(plain)]
    return [(a, b) for a, b in itertools.pairwise(cuts) if b - a > 3]


# -------------------------------------------------------------------------------------- shares, weights

_NUMERAL = r"(\d{1,3}(?:[.,]\d{1,2})?)"
#: "7,5 % des heures travaillées", "5 % du temps de travail"
_SHARE = re.compile(
    rf"{_NUMERAL} ?(?:%|pour ?cent)[^.;]{{0,40}}\b(?:heures?|temps|travail|effectif|etp|main|masse)"
)
Unit = Literal["%", "points", ""]
#: "(pondération 15)", "Pondération: 50", "coefficient 2"
_PONDERATION = re.compile(
    rf"\b(?:ponder\w+|coefficient|coeff?\.?)\s?(?::|=|de|a|est de)?\s?{_NUMERAL} ?(%|points?|pts?)?"
)
#: "Emploi et formation:5 %", "Performance sociale (15 points)", "7 sur 100", "10/100"
_WEIGHT = re.compile(
    rf"(?<![\d.,]){_NUMERAL} ?(%|pour ?cent|points?\b|pts?\b|(?:/|sur) ?(?:10|20|40|50|60|100)\b(?!\d))"
)


def share(plain: str) -> float | None:
    """The share of hours or of work that a sentence states, 0 to 1."""
    found = _SHARE.search(plain)
    return _number(found.group(1)) / 100 if found else None


def weight(plain: str) -> tuple[float, Unit] | None:
    """The weight that an item of criteria states, with its unit."""
    found = _PONDERATION.search(plain) or _WEIGHT.search(plain)
    if found is None:
        return None
    said = found.group(2) or ""
    unit: Unit = "%" if said.startswith(("%", "pour")) or "100" in said else "points" if said else ""
    return _number(found.group(1)), unit


def _number(text: str) -> float:
    return float(text.replace(",", "."))


# -------------------------------------------------------------------------------------------- criteria

#: Names of criteria that are social, each with one that was met.
_SOCIAL_NAME = any_of(
    r"\b(?:criteres?|performances?|valeur|qualites?|aspects?|volet|demarches?|engagements?|politique|mesures?)\b.{0,40}\bsocia(?:l|le|les|ux)\b",  # Critère social
    r"\bsociet(?:al|ale|ales|aux)\b",  # Critère sociétal et environnemental
    r"\bsocia(?:l|le|les|ux) (?:et|/|,) (?:d')?environ",  # qualité dans le domaine social et environnemental
    r"\ben\w{0,3}ironn?\w+ (?:et|/|,) (?:de )?socia",  # Critère environnementaux et sociaux
    r"\brse\b|\br\.s\.e\b|\bresponsabilite sociale\b",  # démarche RSE
    r"\b(?:politique|demarche|volet|note|performance|engagement)s? (?:en matiere )?(?:d'|de l')?insertion",  # politique d'insertion
    r"\binsertion (?:sociale|pro\w+|socio\w*|par (?:le|l'?)\s?(?:activite|emploi|economique|travail))",  # insertion professionnelle
    r"\binsertion (?:de |des |du )(?:personnes|publics?|demandeurs|jeunes|salaries)",  # insertion des personnes éloignées de l'emploi
    r"\b(?:publics?|personnes?)\b.{0,25}\b(?:en difficulte|eloigne\w*|prioritaires?|defavorise\w*)",  # publics en difficulté
    r"^\W*(?:critere \d*\W*)?(?:emplois?|insertion|inclusion)(?: (?:et|/) \w+)?\W*(?:\d|$)",  # Emploi et formation : 5 %
    r"\bclauses? (?:sociales?|d'insertion)\b",  # engagement sur la clause d'insertion
)  # fmt: skip
#: What is bought, built or declared, and no criterion of that kind: "Qualité de l'accompagnement social", "logement social".
_NO_SOCIAL_NAME = any_of(
    r"\b(?:accompagnement|suivi|action|travail|logements?|bailleurs?|centres?|habitat) (?:medico-?)?socia",
    r"\b(?:mixite|siege|securite|protection|cohesion|lien|droit|medias?|reseaux|sciences) socia",
    r"\bhumaines et socia|\bmedico-? ?socia",
)


def social_name(name: str) -> bool:
    """Whether a criterion of this name is social: insertion, employment, social or societal performance."""
    plain = mended(folded(name))
    return not _NO_SOCIAL_NAME.search(plain) and _SOCIAL_NAME.search(plain) is not None


# ------------------------------------------------------------------------------ conditions of performance

#: "Des clauses d'insertion sociale seront insérées", "conditions d'exécution à caractère social": a clause, in plain words.
_CLAUSE = any_of(
    r"\bclauses? (?:\w+ ){0,2}(?:sociales?|d'insertion)\b",
    r"\bconditions? (?:\w+ ){0,2}d'execution\b[^.;]{0,160}\b(?:sociale?s?|sociaux|insertion)\b",
)
#: "Heures d'insertion : lot 1 : 610 ; lot 2 : 240"
_HOURS_DUE = re.compile(
    r"^\W*(?:volume d'|nombre d')?heures? d'insertion[^.;\d]{0,20}: ?[\w ]{0,12}:? ?\d{2}"
)
_CLAUSE_BINDS = any_of(
    r"\bcomport\w+|\bprevoi\w*|\bcompren\w*|\bcontien\w*|\bfer(?:a|ont) l'objet|\best soumis",
    r"\bavec (?:une )?clause|\bser(?:a|ont) (?:inser|integr|impos)|\bobligatoire|\bdetail\w* (?:est|dans|au)\b",
)
#: "clause sociale de reprise du personnel": of the staff that is taken over.
_OTHER_CLAUSE = re.compile(r"\breprise\b|\btransfert\b|\bpersonnel en place\b|\barticle l ?\.? ?2112-2\b")
#: "insertion dans le site", "l'emploi et à la qualification du personnel": no insertion of people.
_SITE = any_of(
    r"\binsertion (?:\w+ ){0,2}(?:dans|sur|au) (?:le |la |son |leur |l')?(?:site|contexte|tissu|environnement|paysage|quartier|lieux)",
    r"\binsertion (?:et \w+ )?(?:urbaine?|paysagere|architectur\w*|environnementale|du (?:projet|batiment)|des (?:batiments|ouvrages))\b",
    r"\bl'emploi et a la qualification",
)
_OF_PEOPLE = any_of(
    r"insertion|inclusi|soci(?:al|aux|etal)|\bemplois?\b|eloign|chom|\brsa\b|\bdetld?\b|handicap|prioritaire|defavoris|difficulte",
    r"\bpublics?\b|apprenti|stagiaire|\bjeunes?\b|parcours|detenu|quartier|qualification|diplome|clause|facilitat|mission locale",
    r"\besat|\bs?iae\b|\bgeiq|\bplie\b|\bei\b|\betti\b|\baci\b|\bess\b|adapte|protege|intermediaire|equivalente|solidaire",
    r"par le travail|penitentiaire|mission de service public",
)


def plainly_conditioned(plain: str) -> bool:
    """Whether a sentence sets a social condition in the plainest words."""
    plain = mended(plain)
    named = _CLAUSE.search(plain) and _CLAUSE_BINDS.search(plain) and not _OTHER_CLAUSE.search(plain)
    return bool(
        (named or _HOURS_DUE.search(plain)) and not _NOT_PLAIN.search(plain) and not _NOT_NOW.search(plain)
    )


def of_people(plain: str) -> bool:
    """Whether a sentence speaks of people at work at all, and not of how a building sits in its street."""
    return _OF_PEOPLE.search(_SITE.sub(" ", mended(plain))) is not None


#: "ces entreprises doivent employer au moins 50 % de travailleurs handicapés": what those are to whom it is reserved.
_THEY_EMPLOY = re.compile(
    r"\b(?:emploi(?:e|ent)|employ(?:er|ant)|occup\w+|dont|compt\w+)\b[^.;]{0,60}(?:%|pour ?cent|proportion|handicap|defavoris)"
)
_BINDS_HOLDER = re.compile(
    r"\btitulaires?\b|\battributaires?\b|\bheures?\b|\bclauses?\b|\bconditions? d'execution|\bcritere"
)


def tells_who_they_are(plain: str) -> bool:
    """Whether a sentence describes the structures themselves, not what the holder must do."""
    plain = mended(plain)
    return _THEY_EMPLOY.search(plain) is not None and not _BINDS_HOLDER.search(plain) and bool(who(plain))


# -------------------------------------------------------------------------------- insertion as the object

#: "Prestation d'insertion ayant pour support ...", "Marché d'insertion et de qualification professionnelle"
_OBJECT = any_of(
    r"\b(?:marches?|prestations?|services?|missions?|accord-cadre|actions?)(?: (?!aux|structures?|organismes?)\w+){0,2} (?:de |d')(?:re)?insertion\b(?! \(?\d)",
    r"\b(?:re)?insertion\b.{0,120}\bsupports?\b",
)
#: "Le titulaire s'engage à réaliser une action d'insertion": a duty, not the object.
_DUTY = any_of(
    r"\btitulaires?\b|\battributaires?\b|\bcandidats?\b|\bclauses?\b|\bheures?\b|\bobligat|\bdevra|\bs'engage",
    r"\bcritere",
)


def names_object(plain: str) -> bool:
    """Whether a sentence says that insertion itself is bought."""
    plain = mended(plain)
    return bool(_OBJECT.search(plain)) and not _DUTY.search(plain)
