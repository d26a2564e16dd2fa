"""The rules of the trade, dated, each with its article: thresholds, reserved contracts, groups, clauses.

The product informs and gives no legal advice: every rule is shown with its article, its date and the words
"à vérifier".  `a_verifier` marks what was written from general knowledge, without the text at hand.
Amounts are euros before tax, shares run from 0 to 1, dates are the first and the last day in force.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from matcher.domain import DISABILITY_KINDS, KINDS, SIAE_KINDS, BadInput

BuyerType = Literal["state", "local", "entity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule while it is in force; `value` is its figure (euros, a share, a factor, years), if it has one."""

    code: str
    article: str
    text: str
    since: date
    until: date | None = None
    value: float | None = None
    a_verifier: bool = False

    def holds(self, on: date) -> bool:
        """True when the rule is in force that day."""
        return self.since <= on and (self.until is None or on <= self.until)

    def shown(self) -> str:
        """The rule as it is shown to a user: text, article, date, and that it is to be checked."""
        return f"{self.text} ({self.article}, depuis le {self.since:%d/%m/%Y} ; à vérifier)."


CODE = date(2019, 4, 1)  # the code de la commande publique; before: ordonnance 2015-899, décret 2016-360
REFORM = date(2016, 4, 1)


def _year(first: int, last: int | None = None) -> tuple[date, date | None]:
    return date(first, 1, 1), date(last, 12, 31) if last else None


def _formal() -> list[Rule]:
    """Thresholds of the formal procedures, two years at a time (thousands of euros)."""
    names = {
        "state": "de fournitures et services de l'État",
        "local": "de fournitures et services des collectivités et établissements de santé",
        "entity": "de fournitures et services des entités adjudicatrices",
        "works": "de travaux",
    }
    periods = (
        # first, last, state, local, entity, works, given by the trade note
        (2016, 2017, 135, 209, 418, 5225, False),
        (2018, 2019, 144, 221, 443, 5548, False),
        (2020, 2021, 139, 214, 428, 5350, False),
        (2022, 2023, 140, 215, 431, 5382, False),
        (2024, 2025, 143, 221, 443, 5538, True),
        (2026, 2027, 140, 216, 432, 5404, True),
    )
    found = []
    for first, last, *amounts, given in periods:
        since, until = _year(first, last)
        for (kind, label), amount in zip(names.items(), amounts, strict=True):
            found.append(
                Rule(
                    code=f"formal.{kind}",
                    article="R2124-1 et avis annexé au code",
                    text=f"Procédure formalisée à partir de {amount:,} 000 € HT pour les marchés {label}".replace(
                        ",", " "
                    ),
                    since=since,
                    until=until,
                    value=amount * 1_000.0,
                    a_verifier=not given,
                )
            )
    return found


def _direct() -> list[Rule]:
    """Below these, neither publicity nor competition is required."""
    periods = (
        # code, first day, last day, euros, given by the trade note
        ("direct.supplies", date(2015, 10, 1), date(2019, 12, 31), 25_000, False),
        ("direct.supplies", date(2020, 1, 1), date(2026, 3, 31), 40_000, False),
        ("direct.supplies", date(2026, 4, 1), None, 60_000, True),
        ("direct.works", date(2015, 10, 1), date(2019, 12, 31), 25_000, False),
        ("direct.works", date(2020, 1, 1), date(2020, 7, 23), 40_000, False),
        ("direct.works", date(2020, 7, 24), date(2020, 12, 7), 70_000, False),
        ("direct.works", date(2020, 12, 8), date(2025, 12, 31), 100_000, False),
        ("direct.works", date(2026, 1, 1), None, 100_000, True),
    )
    what = {"direct.supplies": "les fournitures et services", "direct.works": "les travaux"}
    return [
        Rule(
            code=code,
            article="R2122-8",
            text=f"Achat sans publicité ni mise en concurrence en dessous de {amount:,} € HT pour {what[code]}".replace(
                ",", " "
            ),
            since=since,
            until=until,
            value=float(amount),
            a_verifier=not given,
        )
        for code, since, until, amount, given in periods
    ]


def _rule(
    code: str,
    article: str,
    text: str,
    since: date,
    until: date | None = None,
    value: float | None = None,
    known: bool = True,
) -> Rule:
    return Rule(
        code=code, article=article, text=text, since=since, until=until, value=value, a_verifier=not known
    )


def _others() -> list[Rule]:
    return [
        # ------------------------------------------------------------------------------------ publicity
        _rule("publicity.boamp", "R2131-12", "Publicité au BOAMP ou dans un journal d'annonces légales à partir de 90 000 € HT ; en dessous, publicité libre, souvent sur le seul profil d'acheteur", REFORM, value=90_000),
        _rule("social-services.adapted", "R2123-1, 3°", "Services sociaux et autres services spécifiques : procédure adaptée quel que soit le montant", REFORM),
        _rule("social-services.eu", "R2131-14", "Services sociaux et spécifiques : avis européen à partir de 750 000 € HT", REFORM, value=750_000, known=False),
        _rule("same-supplier", "R2122-8", "Achat de faible montant : choisir une offre pertinente, bien utiliser les deniers publics et ne pas contracter systématiquement avec le même opérateur quand plusieurs offres peuvent répondre", REFORM),
        # ------------------------------------------------------------------------------------- allotment
        _rule("allotment", "L2113-10", "L'allotissement est la règle : l'unité est le lot", REFORM),
        _rule("small-lots.share", "R2123-1, 2°", "Petits lots en procédure adaptée : leur cumul ne dépasse pas 20 % de la valeur de tous les lots", REFORM, value=0.20),
        _rule("small-lots.supplies", "R2123-1, 2°", "Petit lot de fournitures ou de services : moins de 80 000 € HT", REFORM, value=80_000, known=False),
        _rule("small-lots.works", "R2123-1, 2°", "Petit lot de travaux : moins de 1 000 000 € HT", REFORM, value=1_000_000, known=False),
        # ---------------------------------------------------------------------------------- reservations
        _rule("reservation.disability", "L2113-12", "Marché ou lot réservé aux entreprises adaptées, aux ESAT et aux structures équivalentes", REFORM),
        _rule("reservation.insertion", "L2113-13", "Marché ou lot réservé aux structures d'insertion par l'activité économique et aux structures équivalentes", REFORM),
        _rule("reservation.prison", "L2113-13-1", "Marché ou lot réservé aux opérateurs qui font travailler des personnes détenues ; ne se combine pas avec L2113-12 et L2113-13", date(2022, 1, 1)),
        _rule("reservation.combined", "L2113-14", "Un même marché ou lot peut être réservé à la fois au titre de L2113-12 et de L2113-13", date(2020, 12, 9)),
        _rule("reservation.share", "R2113-7", "Au moins 50 % des travailleurs de la structure sont handicapés ou défavorisés", REFORM, value=0.50),
        _rule("reservation.stated", "L2113-12 et L2113-13", "L'avis dit que le marché est réservé ; l'article n'est pas toujours précisé : voir le règlement de la consultation", REFORM),
        _rule("reservation.mixed-group", "L2113-12, L2113-13 et note de la DAJ de 2011", "Groupement avec une entreprise ordinaire irrecevable sur un marché réservé : chaque membre, et selon la même note chaque sous-traitant, doit y être admissible", REFORM),
        _rule("reservation.ess", "L2113-15", "Marché réservé aux entreprises de l'économie sociale et solidaire, pour certains services sociaux, de santé et culturels, avec une mission de service public", REFORM),
        _rule("reservation.ess-years", "L2113-16", "Marché réservé aux entreprises de l'économie sociale et solidaire : trois ans au plus", REFORM, value=3),
        _rule("reservation.ess-again", "L2113-16", "Pas de marché réservé de ce type au titulaire qui en a eu un du même acheteur dans les trois années précédentes", REFORM, value=3),
        _rule("reservation.defence", "code de la commande publique, marchés de défense ou de sécurité", "Les marchés de défense ou de sécurité ne peuvent pas être réservés", REFORM),
        # ------------------------------------------------------------------------------- social clauses
        _rule("clause.execution", "L2112-2", "Condition sociale d'exécution : heures d'insertion tenues par l'embauche, la mise à disposition (ETTI, AI, GEIQ), la cotraitance ou la sous-traitance avec une structure d'insertion", REFORM),
        _rule("subcontracting", "L2193-3 à L2193-5", "Sous-traitance : le titulaire peut confier une part des prestations (services et travaux) à un sous-traitant que l'acheteur accepte, avec ses conditions de paiement ; hors marché de fournitures", REFORM, known=False),
        _rule("clause.mandatory", "L2112-2-1 (loi du 22 août 2021, article 35)", "Au-dessus des seuils européens, une condition d'exécution sociale est obligatoire, sauf exceptions", date(2026, 8, 22)),
        _rule("clause.criterion", "R2152-7", "Un critère d'attribution peut porter sur l'insertion et les performances sociales", REFORM),
        # ------------------------------------------------------------------------------------- capacity
        _rule("capacity.turnover", "R2142-7", "Le chiffre d'affaires exigé ne dépasse pas deux fois le montant estimé du marché ou du lot, sauf justification", REFORM, date(2025, 12, 31), 2.0),
        _rule("capacity.turnover", "R2142-7", "Le chiffre d'affaires exigé ne dépasse pas une fois et demie le montant estimé du marché ou du lot, sauf justification", date(2026, 1, 1), None, 1.5),
        # --------------------------------------------------------------------------------------- groups
        _rule("group.form", "R2142-20", "Groupement conjoint : chacun s'engage sur sa part ; solidaire : chacun s'engage pour le tout", REFORM),
        _rule("group.form-free", "R2142-22", "L'acheteur ne peut pas imposer une forme de groupement pour présenter une offre", REFORM, known=False),
        _rule("group.several", "R2142-21", "La consultation peut interdire d'être candidat dans plusieurs groupements", REFORM),
        _rule("group.several-offers", "R2151-7", "La consultation peut interdire de présenter plusieurs offres, seul et en groupement ou dans plusieurs groupements ; cela se lit lot par lot", REFORM),
        _rule("group.one-mandataire", "R2142-23", "Une même personne ne peut être mandataire de plusieurs groupements pour un même marché ; le mandataire représente le groupement", REFORM),
        _rule("group.mandataire-solidaire", "R2142-24", "Le marché peut rendre le mandataire d'un groupement conjoint solidaire de chacun des membres : risque à mesurer pour une petite structure", REFORM),
        _rule("group.capacity", "R2142-25", "Les capacités d'un groupement s'apprécient globalement", REFORM, known=False),
        _rule("group.fixed", "R2142-26", "La composition du groupement ne change pas entre la candidature et la signature, sauf défaillance d'un membre", REFORM, date(2024, 12, 31)),
        _rule("group.fixed", "R2142-26 (décret 2024-1251)", "La composition du groupement ne change pas entre la candidature et la signature, sauf défaillance d'un membre ou changement admis par l'acheteur dans une procédure négociée", date(2025, 1, 1)),
        _rule("group.competition", "L420-1 du code de commerce", "Grouper deux entreprises capables chacune de répondre seules demande une raison", REFORM, known=False),
        # ------------------------------------------------------------------------------ before a tender
        _rule("sourcing.allowed", "R2111-1", "L'acheteur peut consulter les opérateurs et les informer de son projet avant de lancer la procédure", REFORM),
        _rule("sourcing.equal", "R2111-2", "Le sourçage ne doit pas fausser la concurrence : même information pour tous", REFORM),
        _rule("spaser", "L2111-3", "Au-dessus de 50 millions d'euros d'achats par an, schéma de promotion des achats socialement et écologiquement responsables, avec des cibles par type de structure", date(2023, 1, 1), value=50_000_000),
        # ----------------------------------------------------------------------------------------- OETH
        _rule("oeth.rate", "L5212-2 du code du travail", "Obligation d'emploi de travailleurs handicapés : 6 % de l'effectif à partir de vingt salariés ; rien n'est dû au taux de 6 %", date(2020, 1, 1), value=0.06, known=False),
        _rule("oeth.labour", "L5212-10-1 et D5212-22 du code du travail", "Achat à une EA, un ESAT ou un travailleur indépendant handicapé : 30 % du coût de la main-d'œuvre se déduit de la contribution, sur attestation du fournisseur", date(2020, 1, 1), value=0.30, known=False),
        _rule("oeth.cap-low", "D5212-22 du code du travail", "Déduction plafonnée à 50 % de la contribution si le taux d'emploi direct est inférieur à 3 %", date(2020, 1, 1), value=0.50, known=False),
        _rule("oeth.cap-high", "D5212-22 du code du travail", "Déduction plafonnée à 75 % de la contribution si le taux d'emploi direct atteint 3 %", date(2020, 1, 1), value=0.75, known=False),
        _rule("oeth.cap-from", "D5212-22 du code du travail", "Taux d'emploi direct à partir duquel le plafond est de 75 %", date(2020, 1, 1), value=0.03, known=False),
    ]  # fmt: skip


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of every date, by code and date."""
    return tuple(sorted([*_formal(), *_direct(), *_others()], key=lambda r: (r.code, r.since)))


def rules(on: date) -> tuple[Rule, ...]:
    """The rules in force that day, by code; at most one for each code."""
    return tuple(r for r in all_rules() if r.holds(on))


def rule(code: str, on: date) -> Rule | None:
    """The rule of that code in force that day, or None where there was none yet (or it is not known).

    Raises BadInput for a code that no rule bears.
    """
    named = [r for r in all_rules() if r.code == code]
    if not named:
        raise BadInput(
            f"aucune règle ne porte le code {code!r} ; les codes sont ceux de matcher.reference.law.all_rules()"
        )
    return next((r for r in named if r.holds(on)), None)


def value(code: str, on: date) -> float | None:
    """The figure of a rule that day, or None."""
    found = rule(code, on)
    return found.value if found else None


# -------------------------------------------------------------------------------------------- thresholds


def direct_threshold(on: date, works: bool = False) -> Rule | None:
    """Below its value a contract may be concluded without publicity or competition (three quotes are usual)."""
    return rule("direct.works" if works else "direct.supplies", on)


def formal_threshold(on: date, works: bool = False, buyer: BuyerType = "local") -> Rule | None:
    """From its value on the procedure is formal and European; works have one threshold for all buyers."""
    return rule("formal.works" if works else f"formal.{buyer}", on)


def procedure(
    amount: float, on: date, works: bool = False, buyer: BuyerType = "local", social: bool = False
) -> tuple[str, tuple[Rule, ...]] | None:
    """What a contract of that amount (its like needs added up) asks for, and the rules that say it.

    "direct" (no publicity), "profile" (adapted, publicity free), "boamp" (adapted, BOAMP or legal paper),
    "formal"; "social" for social and specific services above the direct threshold.  None where the
    thresholds of that day are not known.
    """
    direct, formal = direct_threshold(on, works), formal_threshold(on, works, buyer)
    boamp = rule("publicity.boamp", on)
    if (
        not direct
        or not formal
        or not boamp
        or direct.value is None
        or formal.value is None
        or boamp.value is None
    ):
        return None
    if amount < direct.value:
        again = rule("same-supplier", on)
        return "direct", (direct, again) if again else (direct,)
    if social:
        return "social", tuple(
            r for c in ("social-services.adapted", "social-services.eu") if (r := rule(c, on))
        )
    if amount >= formal.value:
        mandatory = rule("clause.mandatory", on)
        return "formal", (formal, mandatory) if mandatory else (formal,)
    return ("boamp" if amount >= boamp.value else "profile"), (boamp,)


def social_clause_mandatory(
    amount: float | None, on: date, works: bool = False, buyer: BuyerType = "local"
) -> bool | None:
    """Must the contract hold a social condition of execution (exceptions apart); None where it cannot be told."""
    if rule("clause.mandatory", on) is None:
        return False
    formal = formal_threshold(on, works, buyer)
    if amount is None or formal is None or formal.value is None:
        return None
    return amount >= formal.value


def turnover_ceiling(on: date) -> Rule | None:
    """How many times the amount of the contract or lot a buyer may ask as yearly turnover, at most."""
    return rule("capacity.turnover", on)


# ------------------------------------------------------------------------------------------- reservations

ESS_KINDS = frozenset({"ESUS", "SCOP", "SCIC", "ASSO", "MUTUELLE", "FONDATION", "ESS"})
#: Article -> kinds that it admits, kinds that it may admit (their status does not tell).
_OPEN: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "L2113-12": (DISABILITY_KINDS, frozenset()),
    "L2113-13": (SIAE_KINDS - {"EITI"}, frozenset({"EITI"})),
    "L2113-13-1": (frozenset({"SEP"}), frozenset()),
    # An association intermédiaire is an association by its very definition; the others may be companies.
    "L2113-15": (ESS_KINDS | {"AI"}, (SIAE_KINDS | DISABILITY_KINDS | {"GEIQ"}) - {"AI"}),
}
_TOGETHER = {"L2113-14": ("L2113-12", "L2113-13"), "L2113-16": ("L2113-15",)}
#: What "réservé" without an article may mean: eForms' `res-ws` covers both.
UNSPECIFIED = ("L2113-12", "L2113-13")
_ARTICLE = re.compile(r"\b([LRD])?\s*\.?\s*(\d{4})\s*-\s*(\d+)(?:\s*-\s*(\d+))?", re.I)


def article(raw: str) -> str:
    """An article as the code writes it ("L2113-13-1") from any common notation ("art. L. 2113-13-1 du CCP")."""
    match = _ARTICLE.search(raw)
    if not match:
        return raw.strip()
    letter, book, number, more = match.groups()
    return f"{(letter or 'L').upper()}{book}-{number}" + (f"-{more}" if more else "")


def articles_of(kind: str, on: date) -> tuple[str, ...]:
    """The reserving articles that admit a structure of that kind for certain, in force that day."""
    return tuple(a for a in _OPEN if eligible(kind, (a,), on))


def eligible(kind: str, articles: Sequence[str], on: date, labels: Iterable[str] = ()) -> bool | None:
    """May a structure of this kind answer what is reserved under one of `articles`; None where it cannot be told.

    No article ("article non précisé") stands for L2113-12 and L2113-13 together, as eForms' res-ws does.
    `labels` may name other statuses held (a SCOP that is also an EA).  A firm of no known status ("") is not
    presumed admissible; a kind, or an article, that is not known gives None.
    """
    wanted = [part for a in (articles or UNSPECIFIED) for part in _TOGETHER.get(article(a), (article(a),))]
    statuses = {kind, *(label.strip().upper() for label in labels if label.strip().upper() in KINDS)}
    answers = [_admits(one, status, on) for one in wanted for status in statuses]
    if True in answers:
        return True
    return None if None in answers else False


def _admits(wanted: str, kind: str, on: date) -> bool | None:
    if wanted not in _OPEN or kind not in KINDS:
        return None
    if wanted == "L2113-13-1" and rule("reservation.prison", on) is None:
        return False  # the article did not exist yet
    sure, perhaps = _OPEN[wanted]
    return True if kind in sure else None if kind in perhaps else False


def group_admissible(kinds: Iterable[str], articles: Sequence[str], on: date) -> bool | None:
    """May a group of these kinds answer a reserved lot: every member must be admissible (DAJ note of 2011)."""
    answers = [eligible(kind, articles, on) for kind in kinds]
    if False in answers:
        return False
    return None if None in answers else True
