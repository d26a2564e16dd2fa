"""The amount, the duration, the dates and the framework that a text states; what is read in a text is marked inferred.

Only an amount called value, maximum or estimate of the contract counts; the estimate of works in a design contest,
prizes, fees, thresholds, required turnovers and references do not.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Literal

from matcher.domain import Condition, Lot, Place, Tender
from matcher.reading.sources import _facts as facts
from matcher.reference import amounts
from matcher.reference.french import MONTHS
from matcher.reference.identifiers import clean_date
from matcher.reference.prose import SPELT, figure, folded, lots_named
from matcher.reference.text import clean, fold

#: "61 500 € HT", "80 000,00 euros"
_MONEY = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:[ .\u202f]\d{3}){1,3}|\d{4,9})(?:[.,]\d{1,2})?\s?(?:€|(?:d')?euros?\b|(?:d')?eur)"
)
#: "estimée entre 7 000 000 € HT et" before the upper end
_LOWER_END = re.compile(
    rf"(\b(?:estim|evalu)\w*[^.;\d]{{0,25}} )entre {_MONEY.pattern.rpartition('(?:€')[0]}(?:€|eur(?:os)?)?(?: ht)? et (?=\d)"
)
#: "Maximum annuel de", "Montant estimé :", "max.:", "ne pourra excéder" before an amount
_CALLED = re.compile(
    r"\b(?:montants?|max(?:imum|imal|i|\.)|estim\w*|valeur|enveloppe|ne \w+ (?:exced|depass)er)(?!\w)[^;\d]{0,60}$"
)
_MOST = re.compile(r"max|(?:exced|depass)er")
#: "sur 2 ans :" before one
_YEARS = re.compile(r"\b(?:sur|pour) (\d) ans\b(?=[^.;\d]{0,60}$)")
#: "Estimation des travaux : 4 310 000 €", "prime de 25 000 €", "achats d'un montant supérieur à 428 000 €"
_OF_OTHERS = re.compile(
    r"\b(?:travaux|partie|prime|indemnite|seuil|chiffres? d'affaire|reference|garanti|provision|penalit|caution|assur|budget"
    r"|droits? d'|loyer|tranche|superieur|plus de |entre |par (?:bon de )?(?:commande|candidat|operation)"
    r"|recette|depense|deficit|redevance|(?:premiere|initiale) periode|periode initiale(?! et))"
)
#: "est de 80 000 € HT pour la ville et de 20 000 €": a part of their sum
_AND_MORE = re.compile(
    r"(?!.{0,60}\b(?:ans?|total|soit|mini\w*|maxi\w*)\b)[^.;]{1,60} et (?:de )?(\d{1,3}(?:[ .\u202f]\d{3})+)\b"
)
#: "Montant minimum de 20 000 €"; in "sans montant minimum et avec un maximum de 90 000 €" the amount is the maximum.
_LEAST = re.compile(r"\bmini(?!.*\bmaxi)", re.DOTALL)
_YEARLY = re.compile(
    r"\bannuel|\b(?:par|pour un) an\b|/ ?an\b|\blimites?\b.{0,30}\bchaque annee|\bchaque annee\b.{0,60}\blimites?\b"
)
#: "maximum 30 000 € pour la première période et 20 000 € pour les périodes suivantes": parts of the total
_FIRST_THEN_EACH = re.compile(
    rf"\bmax(?=[^;]{{0,150}}\b(?:premiere periode|periode initiale))[^;\d]{{0,90}}{_MONEY.pattern}"
    rf"(?=[^;]{{0,110}}\b(?:periodes? suivante|reconduction))[^;\d]{{0,90}}{_MONEY.pattern}"
)
_EACH_PERIOD = re.compile(r"\b(?:par|chaque) periode")
#: "Ces montants seront identiques à chaque reconduction", after the amounts of the first
_SAME_AGAIN = re.compile(r"[^;\d]{0,20}\.\s(?:ces montants|ils) (?:sont|seront) identiques")
_CLAUSE_END = re.compile(r";|(?<!max)(?<!min)\.(?!\d)")
_SUM = r"(?<!\d)(?:(\d{1,3}(?:[ .\u202f]\d{3}){1,3}|\d{5,9})(?:,\d{1,2})? ?(?:€|(?:d')?eur|ht)|(\d{1,3}(?:,\d{1,3})?) ?(?:m ?(?:€|eur)|millions? d'eur))"
_NEAR = 120  # characters of a lot and its sum, where what is asked stands above
#: "chiffre d'affaires moyen des 3 dernières années (2021, 2022, 2023) d'au moins 90 000 €", "90 000 € TTC de chiffre d'affaires"
_TURNOVER = re.compile(
    r"(?:chiffres? d'affaires?\b(?:[^;\d]|(?<!\d)(?:[123] (?=dern)|20\d\d(?! ?\d))){0,160}?|^\W*)"
    rf"{_SUM}|{_SUM}\S*(?: ht| ttc)?,? (?:de |\(moyenne des )?chiffres? d'affaire"
)
#: "cumulé", "48 M€ sur les 3 derniers exercices": no year's, but "le niveau annuel cumulé par les cotraitants" is
_SUMMED = re.compile(r"\bcumul(?!\w* par )|(?:€|eur|euros) sur les (?:\d|deux|trois) dern")
#: "au moins 900 000 € sur les 3 derniers exercices cumulés": three times a year's
_IN_ALL = re.compile(rf"\bles (\d|{SPELT})(?: ?\(\d\))? dern")
#: "90 000 (lot 2)" and "90 000 € pour le lot 2", for "lot 2 : 90 000 €"
_OF_LOT_BEFORE = re.compile(
    r"(\d{1,3}(?:[ .]\d{3}){1,3})(?: eur| ?€)?(?: ht)? ?(?:\(|pour le )(lot (?:n ?[o°] ?)?\d)"
)
_EACH_LOT = re.compile(r"(?<!et au )(?<!et le )(?=\blots? (?:n ?[o°]s? ?)?\d)")
#: "un CA annuel minimum", "un CA supérieur à"; "niveau minimum de capacité financière : 90 000 €", where it is told to be a turnover
_SHORT_TURNOVER = re.compile(
    r"\bCA(?= (?:minimum|annuel|global|moyen|(?:inf|sup)érieur))|(?<=\bminimum de )capacité financière"
)
_REQUIRED = re.compile(
    r"(?=.*\bchiffres? d['’]affaires?\b).*\b(?:minim|exig|imp[ée]rativement|au moins|insuffisant|(?:inf|sup)érieure? à)",
    re.I | re.S,
)
_COUNT = rf"(\d{{1,3}}|{SPELT})(?: ?\([\w-]+\))?"
#: "un chiffre d'affaires au moins égal à deux fois le montant estimatif du marché"
_TURNOVER_TIMES = re.compile(
    rf"\bchiffres? d'affaires?\b[^.;]{{0,80}}? (\d|{SPELT}) fois le montant\b(?:(?! du lot)[^.;])*"
)
#: "2 ans et 11 mois"
_YEARS_MONTHS = re.compile(rf"(?<!-)\b{_COUNT} ans?,?(?: et)? {_COUNT} mois\b")
_LENGTH = rf"{_COUNT} (?:nouvelles? |dernieres? )?(mois|ans?|annees?)\b(?! scolaires?)"
#: "durée du marché : 24 mois", "La durée est estimée à 4 ans", "le délai d'exécution est de 8 mois", "une première période de douze (12) mois", "conclu pour 3 ans",
#: "Marché d'une année"
_DURATION = re.compile(
    r"(?:(?<!periodes d'une )dur.{1,2}e(?: [\w'-]+){0,8}? ?(?:(?:est |)(?:fix|estim)\w* a|(?:est |)d[e'](?:environ)?|a savoir|sur|:)|elle est fixee a"
    r"|\bdelai (?:global|previsionnel|d'execution|de realisation)(?: [\w'-]+){0,6}? (?:est |)(?:d[e']|:)"
    r"|periode (?:ferme|initiale) d[e']|\b(?:conclue?s?|passee?s?|contrat|marche|accord-cadre)"
    rf" (?:d[e']|pour(?: une (?:premiere )?periode d[e'])?)|\bpour une periode d[e'](?= .{{1,20}} a compter)) ?:? ?{_LENGTH}"
)
#: "pendant un an", "sur 24 mois", "nettoyage, 12 mois": as a need is typed
_TYPED_LENGTH = re.compile(rf"(?:\b(?:pendant|durant|sur|pour)|[,;(]) ?(?={_LENGTH})")
#: "une durée de vie de 8 ans", "deux prolongations d'une durée de 1 an", "conception et exploitation pour une durée de 15 ans"
_LASTS_OTHERWISE = re.compile(
    r"\b(?:vie|garantie|prolong\w+|recon\w+|renouvel\w+|option\w*|annuel\w*|validite|consultable|reduite)\b|(?<!d')\bexploitation\b"
)
#: "la durée totale", with the renewals where there are any
_IN_TOTAL = re.compile(r"\b(?:(?<!montant )maxim|total)")
#: "reconductible 3 fois", "trois reconductions", "pour 3 périodes de 1 an", "dans la limite de quatre (4) fois"
_RENEWED = re.compile(
    r"\b(?:recond\w+|renouvel\w+|prolong\w+|prorog\w+|options? de duree (?:sont )?inclus|comprend \w+ periodes? optionnel)"
)
#: "n'est pas reconductible", "ne sera pas reconduit"; not "en cas de non reconduction"
_NOT_RENEWED = re.compile(
    r"\b(?:n'est|ne sera|ne sont) pas recondu|\bnon reconductible|\b(?:sans|aucune) recondu"
)
#: "la durée indiquée comprend cette option de durée", "durée, options incluses"
_INCLUDED = re.compile(r"\bcompren(?:d|nent)\b[^.;]{0,12} option|\boptions? de duree (?:sont )?inclus")
_TIMES = re.compile(
    rf"\b{_COUNT} (?:fois\b|(?:\w+ )?(?:reconduction|renouvellement)s?\b|prolongations?\b)"
    r"|\b([2-9]|deux|trois|quatre) (?:levees? d')?options? d[e'](?= ?\w)"
    rf"|\breconductions?(?: \w+){{0,3}} (?:de|a) {_COUNT}(?! ?\(| mois| an)"
)
_PERIODS = re.compile(rf"\b{_COUNT} (?!premiere)(?:\w+ )?periodes?\b")
#: "par périodes successives de 12 mois", "3 fois 1 an", "deux reconductions d'un an chacune", "chacune ayant une durée d'un an"
_EACH = re.compile(
    r"\b(?:fois|(?<!premiere )periodes?|options?|prolongee|(?:reconduc|prolonga|proroga)tions?|chacune)(?: \w{6,14})?(?: au (?:maximum|plus))?,?"
    rf"(?: (?:de(?: duree d[e'])?|par (?:periode|duree)s? d[e']|est de|pour|(?:pour |d'|ayant )une (?:nouvelle )?(?:duree|periode) d[e']))? ?(?:d')?{_LENGTH}"
)
#: "24 mois fermes + 12 mois en option", "5 ans + prolongation d'un an"; "5 ans, dont les 2 dernières années en option", "4 ans ferme et une option d'un an"
_FIRM = re.compile(
    rf"\b{_LENGTH}(?: (fermes?\b[^.;\d]{{0,40}}?|\+(?: eventuelle)?) |,? dont (?:les )?)(?:(?:option(?:nelle)?|prolongation)\b[^.;\d]{{0,20}}? d[e'] ?{_LENGTH}"
    rf"|{_LENGTH} (?:en option|optionnel\w*)(?: d[e'] ?{_LENGTH} chacune)?)"
)
#: "(36 + 12 + 12)", in months
_ADDED = re.compile(r"\((\d\d)(?: ?\+ ?\d\d)+(?: mois)?\)")
#: "au 1er janvier de chaque année", "à chaque date anniversaire", "reconduction annuelle"
_EACH_YEAR = re.compile(
    r"\b(?:(?:de|a) chaque (?:annee|date anniversaire)|(?:reconduc|renouvel)\w+ annuel\w*)\b"
)
#: "soit une durée maximale de huit ans", "sans que sa durée totale ne puisse excéder 48 mois"
_WHOLE = re.compile(rf"\b(?:total\w*|maxim\w+|exced\w+|depass\w+|soit)\b(?:,? \w+){{0,6}}? {_LENGTH}")
#: "La valeur estimée est le maximum des trois années", "the amount stated above is the maximum"
_IS_MAXIMUM = re.compile(
    r"\b(?:montant|valeur) (?:indiquee?|mentionnee?|estimee?)\b(?: [\w ]{1,15}[iv]+(?:\.\d)+\)?)?[^.;\d]{0,40}\bmax"
)
#: "sans montant minimum ni maximum", "sans maximum"
_NO_MAXIMUM = re.compile(r"\bsans (?:montant )?(?:mini\w*(?: ni| et sans)? (?:montant )?)?maxi")
#: "Les estimations de la rubrique II.2.6 sont données pour la première année", "les montants indiqués sont annuels"
_OF_A_YEAR = re.compile(
    r"\b(?:ii\.2\.6|(?:montant|valeur)s? (?:indique|mentionne|estime)e?s?)\b[^.;\d]{0,80}\b(?:annuel|(?:sur|pour) (?:la (?:1 ?re|premiere)|une) annee\b)"
)
_DAY = rf"(\d{{1,2}})(?:er)? ?[./ -] ?(\d{{1,2}}|{'|'.join(map(folded, MONTHS))}) ?[./ -] ?(\d{{4}})\b"
#: "Date prévisionnelle de début des prestations : 1.9.2021", "prend effet le 1er mai 2022", "5 ans à compter du 1/1/2023"
_START = re.compile(
    r"(?:\bau plus tot le\b|(?<!\bde la )\bdate (?:\w+ ){0,2}?(?:de |du |d')(?:debut|demarrage|depart|commencement|prise d'effet|effet|entree en vigueur)\b"
    r"|\bpr(?:enn?ent|end|endra|endront) effet\b|\b(?:debut|demarr)(?:er(?:a|ait|ont)|ant)\b[^.;\d\n]{0,30} (?:a compter du|le)\b"
    r"|\b(?:debut|demarrage|commencement)\b[^.;\d\n]{0,50} (?:est|sont) (?:prevu|fixe)e?s? (?:au|le|pour le)\b"
    rf"|\b(?:(?:duree|periode|conclue?s?)\b[^.;\n]{{0,60}}?|ans|mois) a (?:compter|partir) du\b|\ba compter du(?= \S+ pour une duree)"
    rf"|\bmise en place\b[^.;\d\n]{{0,60}}? au\b)(?:(?!renouvel|recondu|notifi|jusqu)[^.;\d\n]){{0,50}} ?{_DAY}(?! pour l)"
)
#: "exploitation du réseau à compter du 1.4.2027", where nothing says it better
_RUN_FROM = re.compile(
    rf"\b(?:exploitation|gestion|distribution)\b[^.;\d\n]{{0,120}} (?:a compter du|entre le) {_DAY}"
)
#: "en option", "une tranche optionnelle", "des prestations supplémentaires éventuelles (PSE)"
_OPTION = re.compile(
    r"\ben option\b|\b(?:optionnel|conditionnelle)|supplémentaires? éventuelle|\d options? (?:obligatoire|facultative)|^\W*options? ?:",
    re.I,
)
_NO_OPTION = re.compile(r"\b(?:aucune?|pas de|sans|ni|garantie)\b", re.I)
#: "1re reconduction : du 1.1.2025 au 31.12.2025", "du 1.1.2025 (ou de sa notification) jusqu'au 31.12.2025"
_FROM_TO = re.compile(rf"\bdu {_DAY}(?: \([^()]{{0,90}}\)| ou [^.;\d]{{0,60}})? (?:jusqu')?au {_DAY}")
_FIRST_DAYS = re.compile(
    rf"\b(?:dur.{{1,2}}e|(?:premiere|initiale) periode|periode initiale|conclue?s?)\b(?:[^.;\d]|\(\d+\)){{0,60}} {_FROM_TO.pattern}"
)
#: "Durée : 24 mois (2 ans) du 1.1.2027 au 31.12.2028"
_TWICE = re.compile(rf"{_DURATION.pattern}(?: \([^()]*\))? {_FROM_TO.pattern}")
#: "les réponses devront parvenir avant le 16.4.2027 (12h00)", to a notice without a field for it
_DUE = re.compile(
    rf"\b(?:manifestations? d'interet|leur interet|reponses?)\b[^.;\n]{{0,200}}? avant (?:le|la date du) {_DAY}(?:[ (a-]{{1,4}}(\d\d? ?[h:] ?\d?\d?))?"
)
#: "conclu à compter de sa notification jusqu'au 31.12.2027", "le marché se terminera le 31 mars 2028"
_UNTIL = re.compile(
    rf"(?:\b(?:conclue?s?|periode|effet|execut\w+)\b(?:(?!recond|renouv)[^;]){{0,120}}? jusqu'au|\b(?:terminera|prendra fin) (?:le|au)) {_DAY}"
)
#: "reconduction expresse en 2028, 2029 et 2030"
_IN_YEARS = re.compile(r"\b(?:en|pour(?: les annees)?) (20\d\d(?:(?:, | et )20\d\d)+)")
#: "le nombre maximal de lots pouvant être attribués à un même candidat est de deux", "ne peut se voir attribuer que 2 lots"
_MOST_LOTS = re.compile(
    rf"\bnombre max\w+ de lots?\b[^.;]{{0,60}}\battribue[^;]{{0,160}}?\b(?:fixe a|est de|limite a) {_COUNT}(?: lots?\b|\W|$)"
    r"|\b(?:meme|un|chaque) (?:candidat|soumissionnaire|titulaire|operateur)\b(?:[^.;]{0,40}\b(?:attribu\w+|obtenir|titulaire))?[^.;]{0,12}"
    rf" (?:qu'|que d'|que |plus d[e'] ?){_COUNT}(?: seuls?)? lots?\b"
)
#: "La présente consultation ne concerne que le lot 3 : peinture."
_SOLE_LOT = re.compile(
    r"(?:ne (?:concerne|porte)\w*(?: sur)? que|(?:concerne|porte sur) (?:uniquement|exclusivement|seulement)) le lot (?:n ?[°º]? ?)?(\d{1,3})"
    r"\s?[:–—-]\s?([^.;\n]{4,160})",
    re.I,
)
#: "La consultation est passée selon une procédure adaptée", "Procédure adaptée (article R2123-1)"; not "en application de la
#: procédure adaptée de l'article 30, le titulaire pourra se voir confier d'autres travaux"
_ADAPTED = re.compile(
    r"(?:^|\n|[.:-] |\b(?:selon|suivant|conformement a|sous la forme d'|en|est|de|lancee par|fait l'objet d')) ?(?:la |une? |l'|— |- ){0,2}"
    r"(?:presente )?(?:marche (?:public )?(?:passe )?(?:a|en|selon une) )?procedure (?:est )?adapte(?!\w*[^.;]{0,80}(?:ulterieur|lots? (?:n|\d)))"
)
#: "Choix de la procédure ouverte", "La procédure est ouverte", "une procédure négociée, sans publication préalable"
_PROCEDURE = re.compile(
    r"\b(?:procedures?|appel d'offres)(?: de delegation de service public)?(?: \(dsp\))? (?:est )?\W{0,2}(?:(ouvert|restreint|simplifie)e?s?\b|(negociee,? sans publi|avec negociation))"
    r"|\bpassee?s? (?:sous la forme d'un marche )?(sans publicite)"
)
#: "Numéro de référence : 27-S-04", "la référence du dossier est 27s04"
_REFERENCE = re.compile(
    r"(?:[Nn]uméro de référence ?:|[Rr]éférence (?:du dossier|de la consultation|du marché) ?(?::|est|suivante)) ?([^.;,()\n]{3,60})"
)
#: "Accord-cadre à bons de commande", "l'accord-cadre est reconduit tacitement", "Conclusion d'accords-cadres"
_FRAMEWORK = re.compile(
    r"(?:^|[.:;(>\n] ?|\b(?:le present|cet|(?<!pas )(?<!fondes sur )un) |l'|d'un |d'(?=accords))(?:accord|marche)s?[- ]cadres?\b"
)
_NAMES_FRAMEWORK = re.compile(r"\b(?:accord|marche)s?[- ]cadre")
_ONE_HOLDER = re.compile(
    r"\bmono-? ?attributaire|\bun (?:\(1\) )?seul (?:titulaire|operateur|attributaire|prestataire)\b"
)
_HOLDERS = re.compile(
    r"(?<!\()\bmulti-? ?attributaire|\b(?:avec|a) plusieurs (?:titulaires|attributaires|operateurs economiques)\b"
)
#: "Le lot 3 est multi-attributaire" in the text of the whole notice.
_OF_A_LOT = re.compile(r"\blots? (?:n\b|\d)[^.;\n]*$")
NEGOTIATED = ("négociée avec mise en concurrence préalable", "négociée sans mise en concurrence préalable")
ONE_HOLDER, SEVERAL_HOLDERS = "Accord-cadre", "Accord-cadre à plusieurs titulaires"
#: What is typed into forms that require a value: a placeholder, or the price of a unit.
SYMBOLIC = 10.0  # euros


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of money in a text: for how long it is, `years` where they are said, and whether it is the contract's."""

    euros: float
    per: Literal["total", "year", "period"]
    years: int
    called: Literal["maximum", "worth", ""]


@lru_cache(256)  # the text of the whole is asked for each lot
def sums(plain: str) -> tuple[Sum, ...]:
    """The amounts of money that a folded text states."""
    plain = _LOWER_END.sub(r"\1", plain)
    return tuple(_sum(plain, found) for found in _MONEY.finditer(plain))


def _sum(plain: str, found: re.Match[str]) -> Sum:
    before, rest = plain[max(0, found.start() - 250) : found.start()], plain[found.end() : found.end() + 120]
    years = _YEARS.search(before)
    if years:
        before = before[: years.start()] + before[years.end() :]
    clause, after = _CLAUSE_END.split(before)[-1], re.split(r"[.;\d]", rest[:40])[0]
    near = re.split(r"\d", clause)[-1]
    yearly = _YEARLY.search(after if "soit" in near else clause + after)  # "70 000 € par an, soit 280 000 €"
    per: Literal["total", "year", "period"] = "year" if yearly else "total"
    if per == "total" and (_EACH_PERIOD.search(clause + after) or _SAME_AGAIN.match(rest)):
        per = "period"
    own = _CALLED.search(near)
    if own and (_LEAST.search(near) or _OF_OTHERS.search(near + found.group() + after)):
        own = None
    more = _AND_MORE.match(rest)
    most = own and _MOST.search(own.group() + after.partition(",")[0])  # "30 000 € maximum, dont"
    called: Literal["maximum", "worth", ""] = ("maximum" if most else "worth") if own else ""
    euros = _euros(found[1]) + (_euros(more[1]) if more else 0.0)
    return Sum(euros, per, int(years[1]) if years else 0, called)


def amount(*texts: str) -> tuple[float, str] | None:
    """(euros, "year" or "total") where folded texts state one estimate or value, else one maximum, and one only; else None."""
    stated = [
        one for text in texts for one in sums(text) if one.called and one.per != "period" and not one.years
    ]
    called = "worth" if any(one.called == "worth" for one in stated) else "maximum"
    worth = {(one.euros, one.per) for one in stated if one.called == called}
    return worth.pop() if len(worth) == 1 else None


def maximum(lot: Lot, *texts: str, of: float | None = None) -> float | None:
    """The total that folded texts call a maximum, and one only, that is `of` so many euros if given; else None.

    A yearly one is for as many months as the lot lasts, one of a period for each of its periods.
    """
    parts = (part for text in texts if "periode" in text for part in _FIRST_THEN_EACH.finditer(text))
    if of is None and lot.renewals and (part := next(parts, None)):
        return _euros(part[1]) + lot.renewals * _euros(part[2])
    every = (one for text in texts for one in sums(text))
    most = {one for one in every if one.called == "maximum" and of in (None, one.euros)}
    yearly = sum(one.euros for one in most if one.per == "year")
    if whole := next((one for one in most if one.per == "total" and one.euros == yearly), None):
        most = {
            replace(whole, per="year")
        }  # "maximum de 50 000 €", of which 20 000 and 30 000 are two buyers' a year
    stated = {one.euros for one in most if one.per == "total" and not one.years}
    if most and not stated:
        years, periods = amounts.months(lot) / 12, 1 + (lot.renewals or 0)
        years = math.ceil(years - 0.15) if years == years else years  # some weeks before the first whole one
        each = (one.euros * (periods if one.per == "period" else years / (one.years or 1)) for one in most)
        stated = {round(total, 2) for total in each if total == total}
    return stated.pop() if len(stated) == 1 else None


def duration(*texts: str) -> float | None:
    """The months of the contract where folded texts state one duration, and one only; else None."""
    renewed = any(map(_RENEWED.search, texts))
    durations = {
        _months(*match.groups())
        for plain in texts
        for match in (_DURATION.finditer(plain) if " an" in plain or " mois" in plain else ())
        if not _LASTS_OTHERWISE.search(said := plain[max(0, match.start() - 30) : match.end()])
        and not (renewed and _IN_TOTAL.search(said))
    }
    spans = (_between(days.groups()) for plain in texts for days in _FIRST_DAYS.finditer(plain))
    durations = durations or set(filter(None, spans))
    if not durations and (first := start(*texts)):
        begun = (first.day, first.month, first.year)
        ends = (
            _between((*map(str, begun), *days.groups())) for plain in texts for days in _UNTIL.finditer(plain)
        )
        durations = set(filter(None, ends))
    return durations.pop() if len(durations) == 1 else None


def typed_duration(text: str) -> float | None:
    """The months that a typed need states: as `duration`, or as one writes them without that word."""
    return duration(_TYPED_LENGTH.sub(" duree : ", folded(text)))


def _between(days: Sequence[str]) -> float | None:
    """Months from a day to another, each in three parts."""
    return facts.span(str(_day(*days[:3])), str(_day(*days[3:])))


def _months(number: str, unit: str) -> float:
    return float(figure(number) * (1 if unit == "mois" else 12))


def renewals(stated: float | None, *texts: str) -> dict[str, Any]:
    """`duration_months`, `renewals`, `renewal_months` as folded texts state them; {} where they name no renewal.

    `stated` are the months of the field, which holds the initial period or the whole: the whole is cut down to the
    initial period where the texts state that sum.
    """
    partly: dict[str, Any] = {}  # how many, not how long
    for plain in texts:
        if firm := _FIRM.search(plain):
            initial, optional = (
                _months(*filter(None, firm.groups()[part])) for part in (slice(2), slice(3, 7))
            )
            initial -= 0 if firm[3] else optional
            once = _months(*firm.groups()[7:]) if firm[8] else optional
            return {"duration_months": initial, "renewals": round(optional / once), "renewal_months": once}
        for found in _RENEWED.finditer(plain):
            before = plain[max(0, found.start() - 300) : found.end()]
            part = plain[max(0, found.start() - 20) : found.end() + 260]
            each = _EACH.search(part)
            times = [*_TIMES.finditer(part)] or [*_PERIODS.finditer(part)]
            # "une reconduction annuelle, trois reconductions au plus"
            count = max((figure(next(filter(None, one.groups()))) for one in times), default=None)
            if count is None and (listed := _IN_YEARS.search(part)):
                count = len(re.findall(r"20\d\d", listed[1]))
            first = duration(before) or duration(plain)
            ends = (  # "une durée maximale de reconduction de deux ans" comes after the first period
                _months(*one.groups()) + (first or stated or 0.0) * ("reconduc" in one.group())
                for one in _WHOLE.finditer(part)
            )
            most = max(ends, default=None)
            if added := _ADDED.search(part):
                first, count = float(added[1]), added[0].count("+")
            length = _months(*each.groups()) if each else 12.0 if _EACH_YEAR.search(part) else None
            if length is None and (days := _FROM_TO.search(part)):
                length = _between(days.groups())
            length = length or first or (stated if stated != most else None)  # "renouvelable 3 fois"
            rest = (stated or 0.0) - (count or 0) * (length or 0.0)  # "40 mois", of 76 that are with 3 x 12
            if count and length != rest and re.search(rf"(?<!\d){rest:g} mois\b", plain):
                first = first or rest
            if count or (length and most):
                most = stated if _INCLUDED.search(plain) and not first else most
                told = _renewed(stated, first, count, length, most)
                if length and told:
                    return told
                partly = partly or told
    return partly


def _renewed(
    stated: float | None, initial: float | None, count: int | None, each: float | None, whole: float | None
) -> dict[str, Any]:
    """The initial period, the number and the length of renewals from what is stated of them and of their sum."""
    first = initial or stated
    if count is None and first and each and whole and whole > first:
        count = round((whole - first) / each)
    if not count:
        return {}
    # four years, which a framework may last, with three yearly renewals are their sum
    if stated and each and not initial and stated in (whole, 48.0 if each == 12 and count == 3 else whole):
        first = stated - count * each
    elif stated and stated == whole and not each:
        first = each = stated / (count + 1)
    elif stated and not (initial and each and stated in (initial + count * each, whole)):
        first = stated
    return {
        "duration_months": first if first and first > 0 else stated,
        "renewals": count,
        "renewal_months": each,
    }


def turnover(text: str, worth: float | None = None) -> float | None:
    """The yearly turnover that a text requires of every candidate; None where none, or one for each lot, is stated.

    It may be stated as so many times what the contract is worth.
    """
    plain = folded(text)
    required = {_sum_of(one[1] or one[3], one[2] or one[4]) for one in _TURNOVER.finditer(plain)}
    if not required and worth:
        required = {worth * figure(one.group(1)) for one in _TURNOVER_TIMES.finditer(plain)}
    years, summed = _IN_ALL.search(plain) if "cumul" in plain else None, _SUMMED.search(plain)
    if len(required) != 1 or "lot" in plain.replace("ce lot", "") or (summed and not years):
        return None
    return round(required.pop() / (figure(years[1]) if years else 1), 0)


def turnovers(text: str) -> dict[str, float]:
    """The yearly turnover that a text requires for each lot, by the lot's number; {} where it tells none so."""
    plain = folded(_SHORT_TURNOVER.sub("chiffre d'affaires", text))
    parts = _EACH_LOT.split(_OF_LOT_BEFORE.sub(r"\2 : \1 eur ", plain))
    required: dict[str, float] = {}
    for part in parts if "affaire" in plain and not _SUMMED.search(plain) else ():
        asked = re.search(_SUM, part)
        if asked and (asked.start() < _NEAR or "affaire" in part[: asked.start()]):
            required |= dict.fromkeys(lots_named(part[: asked.start()]), _sum_of(*asked.groups()))
    return required


def requiring_turnover(text: str) -> str:
    """The sentences of a text that require a turnover: "L'acheteur exige un chiffre d'affaires minimal de 90 000 €"."""
    text = _SHORT_TURNOVER.sub("chiffre d'affaires", text)
    sentences = re.split(r"\.\s|\n(?![^\W\dA-ZÀ-Ý])", text) if "affaire" in text else ()
    return "\n".join(dict.fromkeys(filter(_REQUIRED.match, sentences)))


def options(text: str) -> str:
    """The sentences of a text that tell of an option: "Il est demandé en option un abri", "une tranche optionnelle"."""
    told = (
        one
        for one in re.split(r"(?<=[.;])\s(?!\d)|\n", text)
        if _OPTION.search(one) and not _NO_OPTION.search(one)
    )
    return clean(" ".join(dict.fromkeys(told)))


def start(*texts: str) -> date | None:
    """The day on which folded texts say that the contract begins, and one only; else None."""
    for plain in texts if any("20" in plain for plain in texts) else ():
        for pattern in (_START, _FIRST_DAYS, _RUN_FROM):
            if days := {_day(*match.groups()[:3]) for match in pattern.finditer(plain)}:
                return days.pop() if len(days) == 1 else None
    return None


def _day(day: str, month: str, year: str) -> date | None:
    number = int(month) if month.isdigit() else [*map(folded, MONTHS)].index(month) + 1
    return clean_date(f"{int(year)}-{number:02}-{int(day):02}")


def answers_due(plain: str) -> tuple[str, str] | None:
    """The day and the hour ("" for none) before which a folded text asks for answers, where it names one day; else None."""
    named = {(str(_day(*one[:3])), one[3]) for one in _DUE.findall(plain)}
    return named.pop() if len(named) == 1 else None


def lots_per_winner(plain: str) -> int | None:
    """How many lots a folded text says that one may be awarded at most; None where it does not."""
    stated = _MOST_LOTS.search(plain) if "attribu" in plain and "lot" in plain else None
    return figure(next(filter(None, stated.groups()))) if stated else None


def sole_lot(title: str, text: str) -> tuple[str, str] | None:
    """Number and title of the only lot that a notice says it is about; None where it names none."""
    if only := _SOLE_LOT.search(text):
        return only[1], clean(only[2])
    numbers = lots_named(folded(title)) if "lot" in title.lower() else ()
    return (next(iter(numbers)), title) if len(numbers) == 1 else None


def adapted(plain: str) -> bool:
    """Whether a folded text says that the procedure is an adapted one."""
    return "procedure" in plain and _ADAPTED.search(plain) is not None


def procedure(plain: str) -> str:
    """The procedure that a folded text says was chosen: open, restricted or negotiated without a call; "" for none, or several."""
    ways = {"".join(one) for one in _PROCEDURE.findall(plain)}
    way = ways.pop() if len(ways) == 1 else ""
    feminine = {"ouvert": "ouverte", "restreint": "restreinte", "simplifie": "simplifiée"}
    return NEGOTIATED["sans" in way] if " " in way else feminine.get(way, "")


def framework(field: Condition | None, *texts: str) -> Condition | None:
    """The framework agreement that a field or folded texts state; how many hold it is as the first text that says so tells."""
    for named, one, several in map(_holders, texts):
        if one != several and (field or named):
            same = field and (field.label != SEVERAL_HOLDERS) == one
            return (
                field if same else Condition(code="framework", label=ONE_HOLDER if one else SEVERAL_HOLDERS)
            )
    named = any(_holders(plain)[0] for plain in texts)
    return field or (Condition(code="framework", label=ONE_HOLDER) if named else None)


@lru_cache(256)  # the text of the whole is asked for each lot
def _holders(plain: str) -> tuple[bool, bool, bool]:
    """Whether a folded text names a framework agreement, with one holder, with several."""
    spoken = any(word in plain for word in ("attributaire", "titulaire", "operateur", "prestataire"))
    one, several = (
        spoken and any(not _OF_A_LOT.search(plain, 0, at.start()) for at in pattern.finditer(plain))
        for pattern in (_ONE_HOLDER, _HOLDERS)
    )
    named = _NAMES_FRAMEWORK.search(plain) if one or several else _FRAMEWORK.search(plain)
    return named is not None, one, several


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w{3,}", fold(name)))  # "SA"


def reference(text: str) -> str:
    """The buyer's own number of the contract where a text tells it and no field does."""
    stated = _REFERENCE.search(text)
    return clean(stated[1], 200) if stated else ""


def _sum_of(euros: str | None, millions: str | None) -> float:
    """The euros of a `_SUM`."""
    return _euros(euros) if euros else round(float((millions or "0").replace(",", ".")) * 1e6)


def _euros(figures: str) -> float:
    return float(re.sub(r"\D", "", figures) or 0)


def _yearly(euros: float, *texts: str) -> bool:
    """Whether folded texts say that this amount, or those of the notice, are a year's."""
    told = {one.per for text in texts for one in sums(text) if one.euros == int(euros)}
    return told == {"year"} or any(map(_OF_A_YEAR.search, texts))


def told(tender: Tender, general: str, by_lot: Mapping[str, str], address: str = "") -> Tender:
    """A notice with what its texts alone tell: options of its lots, a telephone number, those who buy together, the notices before it.

    `general` is the text of the whole notice, `by_lot` that of each lot by its id, `address` the buyer's own.
    """
    shared = general if len(tender.lots) == 1 else ""
    lots = tuple(
        replace(lot, options=lot.options or options(f"{by_lot.get(lot.id, '')}\n{shared}"))
        for lot in tender.lots
    )
    whole = "\n".join((tender.contact.name, general, *by_lot.values()))
    related = (one for one in (*tender.related, *facts.earlier(whole)) if one != tender.id)
    buyers = (tender.buyer, *tender.joint_buyers)
    known = [_words(one.name.partition("pour le compte")[0]) for one in buyers]
    joint = (
        facts.buyer("", name, Place())
        for name in facts.principals(f"{tender.buyer.name} ; {address}", whole)
        if not any(_words(name) <= words for words in known)
    )
    return facts.awarded(
        replace(
            tender,
            lots=lots,
            joint_buyers=(*tender.joint_buyers, *joint),
            contact=replace(tender.contact, phone=tender.contact.phone or facts.phone(whole)),
            related=tuple(dict.fromkeys(related)),
            reference=tender.reference or reference(whole),
        )
    )


@lru_cache(64)  # a notice has one general text for all its lots
def _in_months(plain: str) -> str:
    return _YEARS_MONTHS.sub(lambda one: f"{12 * figure(one[1]) + figure(one[2])} mois", plain)


def completed(
    lot: Lot, own: str, general: str = "", alone: bool = True, awarded: bool = False
) -> dict[str, Any]:
    """The fields of a lot that its folded texts state where no field does, named in `inferred`.

    `general` is the text of the whole notice: of several lots it states the renewals alone.  An amount stated by a
    field is kept, unless symbolic; the texts may state that it is yearly.  Those of a contract that is `awarded` tell
    what it was awarded for.
    """
    own, general = _in_months(own), _in_months(general)
    texts = (own, general) if alone else (own,)
    read: dict[str, Any] = {}
    inferred = list(lot.inferred)
    stated, said = lot.amount if lot.amount and lot.amount > SYMBOLIC else None, amount(*texts)
    if said and stated is None and not awarded:
        read["amount"], read["amount_period"] = said
        inferred.append("amount")
    elif stated != lot.amount:
        read |= {"amount": None, "amount_period": ""}
    elif stated and _yearly(stated, own, general):
        read["amount_period"] = "year"
    twice = (one.groups() for text in texts for one in _TWICE.finditer(text))  # against the days of a field
    lengths = ((_months(number, unit), _between(days)) for number, unit, *days in twice)
    sure = next((months for months, between in lengths if months == between), None)
    if (lot.duration_months is None or sure) and (months := sure or duration(*texts)) is not None:
        read["duration_months"] = months
        inferred.append("duration_months")
    if not lot.renewals or lot.renewal_months is None:
        told = renewals(lot.duration_months or read.get("duration_months"), own, general)
        # a field that denies them holds the whole, of which the texts state the parts
        first, count, each = told.values() or (0, 0, 0)
        summed = first and each and first + count * each == lot.duration_months
        read |= told if summed or lot.renewals in (None, told.get("renewals")) else {}
        if lot.renewals is None and not told and any(map(_NOT_RENEWED.search, texts)):
            read["renewals"] = 0
    if lot.amount_max is None and not any(map(_NO_MAXIMUM.search, texts)):
        made = replace(lot, **read)
        most = maximum(made, *texts)
        if most is None and stated:
            most = stated if any(map(_IS_MAXIMUM.search, texts)) else maximum(made, general, of=stated)
        if most is not None and most >= (stated or 0.0):
            read["amount_max"] = most
    if lot.start is None and (day := start(own, general)):
        read["start"] = day
        inferred.append("start")
    return read | {"inferred": tuple(dict.fromkeys(inferred))}
