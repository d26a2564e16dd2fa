"""The potential of a need before a tender: who could answer, and what the buyer may do about it, with reasons.

`facts` counts, by the trades and reach of `Supply`, and takes the order of presentation from the engine.
`advise` is a pure function of these facts: each rule gives an advice with its reasons and articles, or says
why it does not apply.  Every rule is read in `matcher.law` on the day asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from matcher import law, needs
from matcher.domain import SIAE_KINDS, BadInput, Filters, Lot, Match, Tender
from matcher.engine import Matcher
from matcher.territory import assumptions, facilitators
from matcher.territory import hours as insertion
from matcher.territory.supply import Mask, Supply, Worth, placed, trades_of_lot

#: Codes of the services that L2113-15 opens (annex of the code, from article 77 of directive 2014/24/EU).
ESS_SERVICES = (
    "75121000", "75122000", "75123000", "79622000", "79624000", "79625000", "80110000", "80300000", "80420000",
    "80430000", "80511000", "80520000", "80590000", "92500000", "92600000", "98133000", "98133110",
)  # fmt: skip
ARTICLES = ("L2113-12", "L2113-13", "L2113-14", "L2113-15")
CUTS = (2, 3, 4, 6)
EMPTY = Worth()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a lot weighs in the turnover of those who could answer: yearly amount over their own turnover."""

    known: int = 0  # bidders whose turnover is known
    unknown: int = 0
    median: float | None = None
    comfortable: int = 0  # known, the lot weighs at most the desk's comfortable share
    small: int = 0  # known, the lot weighs more than a whole year of theirs

    def shown(self) -> str:
        """In French, with what is not known."""
        if not self.known:
            return f"chiffre d'affaires inconnu pour les {self.unknown} structures : à leur demander"
        share = "" if self.median is None else f", part médiane {100 * self.median:.0f} %"
        return f"chiffre d'affaires connu pour {self.known} structures{share} ; {self.comfortable} à l'aise, {self.small} trop petites seules ; inconnu pour {self.unknown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the rules look at; amounts in euros before tax, NaN-free: None is unknown."""

    on: date
    amount: float | None = None  # of the whole contract, all lots
    like_needs: float | None = None  # other needs of the same kind to be added up; None: not said
    lot_amount: float | None = None
    months: float | None = None
    works: bool = False
    buyer: law.BuyerType = "local"
    lots: int = 1
    defence: bool = False
    ess_service: bool = False  # a service that L2113-15 lists
    public_service: bool | None = None  # does it carry a public-service mission?
    reserved: tuple[str, ...] | None = None  # articles already stated
    within: Mapping[str, Worth] = field(default_factory=dict)  # article -> bidders in reach with the trade
    everyone: Worth = EMPTY  # in reach with the trade, whatever the kind
    weight: Mapping[str, Weight] = field(default_factory=dict)  # article -> weight
    by_need: Mapping[str, int] = field(
        default_factory=dict
    )  # need -> bidders in reach, where the lot asks for several
    whole: int | None = None  # bidders that have every need of the lot
    cuts: Mapping[int, int] = field(default_factory=dict)  # cut into k equal lots -> bidders at ease
    clause_hours: float | None = None  # at the desk's default share
    clause_share: float = 0.05
    carriers: int = 0
    competition: int = 3
    verified: int = 1
    least_hours: float = 140.0
    least_months: float = 3.0
    trade_known: bool = True
    yearly: float | None = None  # yearly part of the lot
    labour: assumptions.Labour | None = None  # of the lot's trade
    rate: float | None = None  # direct employment rate of the buyer, 0 to 1; None: not said
    contribution: float | None = None  # of the buyer, before deductions, euros of the year


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a buyer may do, why, under which article, and under which conditions; never bare."""

    code: str
    title: str
    reasons: tuple[str, ...]
    rules: tuple[law.Rule, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def articles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rule.article for rule in self.rules))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A way that does not apply, and why."""

    code: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """The first advice, the others that are open too, those that are not, and the effect on OETH beside them."""

    first: Advice
    also: tuple[Advice, ...]
    refused: tuple[Refused, ...]
    oeth: Advice | Refused


def _rules(on: date, *codes: str) -> tuple[law.Rule, ...]:
    return tuple(rule for code in codes if (rule := law.rule(code, on)) is not None)


def _euros(amount: float) -> str:
    return f"{amount:,.0f} € HT".replace(",", "\u202f")


# ------------------------------------------------------------------------------------------------- rules


def _direct(f: Facts) -> Advice | Refused:
    code, title = "direct", "Acheter directement, avec trois devis"
    threshold = law.direct_threshold(f.on, f.works)
    if f.amount is None:
        return Refused(
            code=code,
            title=title,
            reason="montant inconnu : donnez le montant estimé hors taxes de tous les lots",
        )
    if threshold is None or threshold.value is None:
        return Refused(code=code, title=title, reason=f"seuil non connu à la date du {f.on:%d/%m/%Y}")
    total = f.amount + (f.like_needs or 0.0)
    if total >= threshold.value:
        added = f", besoins semblables compris ({_euros(f.like_needs)})" if f.like_needs else ""
        return Refused(
            code=code,
            title=title,
            reason=f"{_euros(total)}{added} : pas en dessous du seuil de {_euros(threshold.value)} ({threshold.article}, depuis le {threshold.since:%d/%m/%Y})",
        )
    conditions = [
        "ne pas contracter systématiquement avec la même structure quand plusieurs offres conviennent"
    ]
    if f.like_needs is None:
        conditions.insert(
            0,
            "additionner d'abord les besoins semblables de l'année (même famille, même opération) : ils n'ont pas été donnés",
        )
    if f.everyone.possible < f.competition:
        conditions.append(
            f"{f.everyone.possible} structures de l'ESS à portée pour {f.competition} devis : compléter par d'autres entreprises"
        )
    return Advice(
        code=code, title=title,
        reasons=(f"{_euros(total)} au total, en dessous du seuil de {_euros(threshold.value)}", f"à solliciter : {f.everyone.shown()}"),
        rules=(threshold, *_rules(f.on, "same-supplier")), conditions=tuple(conditions),
    )  # fmt: skip


def _usable(f: Facts, article: str) -> int:
    """Bidders that may answer under an article and are not known to be too small alone."""
    return f.within.get(article, EMPTY).possible - f.weight.get(article, Weight()).small


def _reserve(f: Facts) -> Advice | Refused:
    lot = f.lots > 1
    code, title = ("reserve-lot", "Réserver ce lot") if lot else ("reserve", "Réserver le marché")
    if f.reserved is not None:
        stated = ", ".join(f.reserved) or "article non précisé, voir le règlement"
        return Refused(code=code, title=title, reason=f"déjà réservé ({stated})")
    if f.defence:
        rule = law.rule("reservation.defence", f.on)
        return Refused(code=code, title=title, reason=rule.shown() if rule else "marché de défense")
    usable = {article: _usable(f, article) for article in ("L2113-12", "L2113-13", "L2113-14")}
    alone = {a: usable[a] for a in ("L2113-12", "L2113-13") if usable[a] >= f.competition}
    combined = law.rule("reservation.combined", f.on)
    if alone:
        article = max(alone, key=lambda a: (alone[a], a))
    elif usable["L2113-14"] >= f.competition and combined is not None:
        article = "L2113-14"
    else:
        said = " ; ".join(f"{a} : {f.within.get(a, EMPTY).shown()}" for a in ("L2113-12", "L2113-13"))
        small = sum(f.weight.get(a, Weight()).small for a in ("L2113-12", "L2113-13"))
        why = f" ; {small} seraient trop petites seules" if small else ""
        return Refused(
            code=code,
            title=title,
            reason=f"moins de {f.competition} structures admissibles à portée, la concurrence ne demeurerait pas ({said}{why})",
        )
    worth, weight = f.within[article], f.weight.get(article, Weight())
    names = {
        "L2113-12": "reservation.disability",
        "L2113-13": "reservation.insertion",
        "L2113-14": "reservation.combined",
    }
    reasons = [
        f"au titre de {article} : {worth.shown()}",
        f"concurrence qui demeure : {usable[article]} soumissionnaires distincts",
        weight.shown(),
    ]
    other = [a for a in alone if a != article]
    if other:
        reasons.append(
            f"possible aussi au titre de {other[0]} ({usable[other[0]]} structures), ou des deux ensemble (L2113-14)"
        )
    elif article != "L2113-14" and combined is not None and usable["L2113-14"] > usable[article]:
        reasons.append(f"au titre des deux articles ensemble (L2113-14), {usable['L2113-14']} structures")
    conditions = [
        "l'avis doit dire que le marché ou le lot est réservé, et l'article",
        "un groupement avec une entreprise ordinaire serait irrecevable",
    ]
    if worth.verified < f.verified:
        code += "-if-verified"
        title += ", sous condition de vérification"
        conditions.insert(
            0,
            f"{worth.verified} vérifiées actives sur {worth.possible} possibles : appelez-les avant de réserver, un lot réservé sans offre est infructueux",
        )
    if not f.trade_known:
        conditions.insert(
            0, "métier non reconnu dans l'intitulé : les comptes portent sur toutes les structures à portée"
        )
    return Advice(
        code=code,
        title=f"{title} ({article})",
        reasons=tuple(reasons),
        rules=_rules(
            f.on, names[article], "reservation.share", "reservation.stated", "reservation.mixed-group"
        ),
        conditions=tuple(conditions),
    )


def _ess(f: Facts) -> Advice | Refused:
    code, title = "reserve-ess", "Réserver aux entreprises de l'économie sociale et solidaire (L2113-15)"
    if f.reserved is not None:
        return Refused(code=code, title=title, reason="déjà réservé")
    if f.defence:
        return Refused(
            code=code,
            title=title,
            reason="les marchés de défense ou de sécurité ne peuvent pas être réservés",
        )
    if not f.ess_service:
        return Refused(
            code=code,
            title=title,
            reason="le code CPV n'est pas l'un des services sociaux, de santé ou culturels que l'article énumère",
        )
    if f.public_service is False:
        return Refused(code=code, title=title, reason="aucune mission de service public n'est confiée")
    worth = f.within.get("L2113-15", EMPTY)
    if worth.possible < f.competition:
        return Refused(
            code=code,
            title=title,
            reason=f"moins de {f.competition} structures admissibles à portée : {worth.shown()}",
        )
    conditions = [
        "trois ans au plus",
        "pas au titulaire qui en a eu un du même acheteur dans les trois années précédentes",
    ]
    if f.public_service is None:
        conditions.insert(0, "le marché doit confier une mission de service public : à confirmer")
    if f.months is not None and f.months > 36:
        conditions.insert(0, f"durée de {f.months:g} mois : à ramener à trois ans")
    return Advice(
        code=code,
        title=title,
        reasons=(worth.shown(), f.weight.get("L2113-15", Weight()).shown()),
        rules=_rules(f.on, "reservation.ess", "reservation.ess-years", "reservation.ess-again"),
        conditions=tuple(conditions),
    )


def _allot(f: Facts) -> Advice | Refused:
    code, title = "allot", "Allotir autrement"
    reasons = []
    more = {need: count for need, count in f.by_need.items() if count > (f.whole or 0)}
    if len(f.by_need) > 1 and f.whole is not None and f.whole < f.competition and more:
        named = ", ".join(f"{need} : {count} structures" for need, count in f.by_need.items())
        reasons.append(f"{f.whole} structures ont tous les métiers du lot ; un lot par métier : {named}")
    now = f.weight.get("", Weight())
    gained = {k: count for k, count in f.cuts.items() if count > now.comfortable}
    if gained and now.comfortable < f.competition:
        named = ", ".join(f"en {k} lots : {count}" for k, count in f.cuts.items())
        reasons.append(
            f"structures pour qui le lot pèserait une part raisonnable de leur chiffre d'affaires : {now.comfortable} aujourd'hui ; {named} ({now.unknown} de chiffre d'affaires inconnu, non comptées)"
        )
    if not reasons:
        why = (
            "le lot ne demande qu'un métier"
            if len(f.by_need) < 2
            else "assez de structures ont tous les métiers du lot, ou aucun découpage n'en ajoute"
        )
        size = (
            "aucun chiffre d'affaires connu : effet d'un découpage par volume non calculable"
            if not now.known
            else "les structures ne sont pas trop petites pour le lot, ou un découpage n'en ajoute pas"
        )
        return Refused(code=code, title=title, reason=f"{why} ; {size}")
    return Advice(
        code=code,
        title=title,
        reasons=tuple(reasons),
        rules=_rules(f.on, "allotment", "small-lots.share"),
        conditions=("découper n'abaisse pas les seuils : ils s'apprécient sur le total des lots",),
    )


def _clause(f: Facts) -> Advice | Refused:
    mandatory = law.social_clause_mandatory(f.amount, f.on, f.works, f.buyer)
    code, title = "clause", "Insérer une clause sociale avec des heures d'insertion"
    if mandatory:
        code, title = "clause-mandatory", "Insérer une condition sociale d'exécution : elle est obligatoire"
    told = (
        "heures non calculables : montant du lot inconnu"
        if f.clause_hours is None
        else f"environ {f.clause_hours:.0f} heures d'insertion à {100 * f.clause_share:g} % des heures travaillées"
    )
    carried = f"{f.carriers} structures à portée pourraient les porter (mise à disposition ou prestation)"
    conditions = ["faire valider les heures et leur suivi par le facilitateur du lieu"]
    if mandatory:
        if not f.carriers:
            conditions.insert(
                0,
                "aucune structure à portée pour les porter : embauche directe par le titulaire, ou une autre condition sociale",
            )
        conditions.append("exceptions prévues par l'article : à vérifier")
        return Advice(
            code=code,
            title=title,
            reasons=(told, carried),
            rules=_rules(f.on, "clause.mandatory", "clause.execution"),
            conditions=tuple(conditions),
        )
    if f.clause_hours is None:
        return Refused(code=code, title=title, reason=told)
    if f.clause_hours < f.least_hours:
        return Refused(
            code=code,
            title=title,
            reason=f"{told} : moins que les {f.least_hours:g} heures qui permettent un recrutement",
        )
    if f.months is not None and f.months < f.least_months:
        return Refused(
            code=code,
            title=title,
            reason=f"{f.months:g} mois : trop court pour recruter et accompagner ({f.least_months:g} mois au moins)",
        )
    if not f.carriers:
        return Refused(
            code=code,
            title=title,
            reason="aucune structure à portée ne porterait les heures : voir le facilitateur du lieu",
        )
    return Advice(
        code=code,
        title=title,
        reasons=(told, carried),
        rules=_rules(f.on, "clause.execution", "clause.criterion"),
        conditions=tuple(conditions),
    )


def _oeth(f: Facts) -> Advice | Refused:
    """What the same purchase takes off the buyer's contribution, made from an EA or ESAT: an effect, no way to buy."""
    code, title = "oeth", "Acheter à une EA ou à un ESAT, qui allège aussi la contribution OETH"
    worth = f.within.get("L2113-12", EMPTY)
    if not worth.possible:
        return Refused(code=code, title=title, reason="aucune EA ni aucun ESAT du métier à portée")
    if (
        f.rate is not None
        and (full := law.rule("oeth.rate", f.on)) is not None
        and f.rate >= (full.value or 1.0)
    ):
        return Refused(
            code=code,
            title=title,
            reason=f"taux d'emploi direct de {100 * f.rate:g} % : à {100 * (full.value or 1.0):g} % et plus aucune contribution n'est due, l'achat n'a pas d'effet ({full.article})",
        )
    rules = _rules(f.on, "oeth.labour", "oeth.cap-low", "oeth.cap-high", "oeth.cap-from", "oeth.rate")
    if not rules:
        return Refused(
            code=code, title=title, reason=f"règles de l'OETH non connues à la date du {f.on:%d/%m/%Y}"
        )
    attested = (
        "seule fait foi l'attestation annuelle du fournisseur, avec le coût de la main-d'œuvre de l'année"
    )
    if f.yearly is None or f.rate is None:
        lacking = [
            word
            for word, given in (
                ("le montant du lot", f.yearly),
                ("le taux d'emploi direct (4,2 pour 4,2 %)", f.rate),
            )
            if given is None
        ]
        return Advice(
            code=code, title=title, reasons=(f"EA et ESAT à portée : {worth.shown()}",), rules=rules,
            conditions=(f"donnez {' et '.join(lacking)} : l'effet en dépend", attested),
        )  # fmt: skip
    made = insertion.oeth(f.yearly, f.rate, on=f.on, contribution=f.contribution, labour=f.labour)
    gain = (
        f"déduction : {_euros(made.deduction)} par an"
        if made.deduction is not None
        else f"déduction avant plafond : {_euros(made.deductible)} par an"
    )
    return Advice(
        code=code, title=title,
        reasons=(f"EA et ESAT à portée : {worth.shown()}", f"{gain}, pour {_euros(made.labour_cost)} de main-d'œuvre estimée sur {_euros(f.yearly)}"),
        rules=rules, conditions=(*made.said, *(f"hypothèse : {a}" for a in made.assumed)),
    )  # fmt: skip


#: In the order in which they are proposed.
WAYS: tuple[Callable[[Facts], Advice | Refused], ...] = (_direct, _reserve, _ess, _allot, _clause)


def advise(f: Facts) -> Advised:
    """The advice for a lot.  Where nothing applies it says "none", with why and what to do before."""
    found = [way(f) for way in WAYS]
    good = [one for one in found if isinstance(one, Advice)]
    refused = tuple(one for one in found if isinstance(one, Refused))
    effect = _oeth(f)
    if f.reserved is not None:
        articles = f.reserved or law.UNSPECIFIED
        worth = f.within.get(articles[0] if len(articles) == 1 else "L2113-14", EMPTY)
        stated = ", ".join(f.reserved) or "article non précisé, voir le règlement"
        kept = Advice(
            code="reserved", title=f"Le lot est déjà réservé ({stated})", reasons=(worth.shown(),), rules=_rules(f.on, "reservation.stated", "reservation.mixed-group"),
            conditions=("vérifier que les structures possibles répondront avant de publier",) if worth.verified < f.competition else (),
        )  # fmt: skip
        good.insert(0, kept)
    if not good:
        none = Advice(
            code="none", title="Ni réserve, ni allotissement, ni clause pour ce lot en l'état",
            reasons=tuple(f"{one.title} : {one.reason}" for one in refused), rules=_rules(f.on, "sourcing.allowed"),
            conditions=("interroger les structures et le facilitateur avant de publier (sourçage) peut changer ces comptes",),
        )  # fmt: skip
        return Advised(first=none, also=(), refused=refused, oeth=effect)
    return Advised(first=good[0], also=tuple(good[1:]), refused=refused, oeth=effect)


# ------------------------------------------------------------------------------------------------- facts


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPotential:
    """A lot, its counts, its advice, and the structures first presented by the engine."""

    lot: Lot
    trades: tuple[str, ...]
    eligible: Mapping[str, Worth]  # article -> everywhere, with the trade
    facts: Facts
    advised: Advised
    first: tuple[Match, ...]
    hours: insertion.Hours | None
    facilitator: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Potential:
    """The potential of a need, lot by lot, with versions and sources."""

    tender: Tender
    lots: tuple[LotPotential, ...]
    on: date
    sources: tuple[str, ...]
    assumed: tuple[str, ...]
    versions: Mapping[str, str]


ORDER = "ordre de présentation, ne préjuge pas du choix"


def potential(
    matcher: Matcher,
    tender: Tender,
    supply: Supply,
    *,
    amount: float | None = None,
    like_needs: float | None = None,
    works: bool | None = None,
    buyer: law.BuyerType = "local",
    defence: bool = False,
    public_service: bool | None = None,
    rate: float | None = None,
    contribution: float | None = None,
    most: int = 5,
) -> Potential:
    """The potential of every lot of a need.  `amount` is that of the whole need where the lots do not say.

    `rate` (direct employment, 0 to 1) and `contribution` (euros) of the buyer tell the OETH effect.  Raises
    BadInput on a negative amount or a rate that is none.
    """
    if rate is not None and not 0 <= rate <= 1:
        raise BadInput(f"un taux d'emploi de {100 * rate:g} % : donnez un taux entre 0 et 100 %")
    for given in (amount, like_needs, contribution):
        if given is not None and not 0 <= given < 1e11:
            raise BadInput(f"un montant de {given:g} € : donnez un montant hors taxes, en euros")
    stated = [lot.amount for lot in tender.lots]
    known = [value for value in stated if value is not None]
    whole = amount if amount is not None else sum(known) if len(known) == len(stated) and known else None
    found = []
    for query in matcher.queries(
        tender, filters=Filters(sirets=tuple(s.siret for s in supply.structures)) if len(supply) else None
    ):
        lot = query.lot
        if lot.amount is None and len(tender.lots) == 1 and whole is not None:
            lot = replace(lot, amount=whole)
        first = matcher.answer(matcher.rank(query), most).matches if len(supply) else ()
        found.append(
            _of_lot(
                lot,
                tender,
                supply,
                first,
                whole,
                like_needs,
                works,
                buyer,
                defence,
                public_service,
                rate,
                contribution,
            )
        )
    desk = supply.desk
    assumed = tuple(
        desk[k].shown()
        for k in (
            "competition",
            "verified",
            "reach_km",
            "turnover_comfort",
            "turnover_most",
            "clause_hours",
            "clause_months",
            "clause_share",
        )
    )
    return Potential(
        tender=tender,
        lots=tuple(found),
        on=supply.on,
        sources=(supply.source(),),
        assumed=assumed,
        versions=matcher.versions,
    )


def _of_lot(
    lot: Lot, tender: Tender, supply: Supply, first: Sequence[Match], whole: float | None, like_needs: float | None,
    works: bool | None, buyer: law.BuyerType, defence: bool, public_service: bool | None, rate: float | None, contribution: float | None,
) -> LotPotential:  # fmt: skip
    desk = supply.desk
    trades = trades_of_lot(lot)
    asked = needs.split(lot)
    place = placed(lot, tender.buyer.place, tender.buyer.id)
    located = place.department is not None or place.latitude is not None
    reached = supply.reach(place) if located else np.ones(len(supply), dtype=bool)
    able = supply.able(trades) if trades else np.ones(len(supply), dtype=bool)
    notes = [] if located else ["lieu inconnu : toutes les structures du catalogue sont comptées"]
    if not trades:
        notes.append(
            "métier non reconnu dans l'intitulé ni le code CPV : les comptes ne disent que les types et la distance"
        )
    if place.inferred:
        notes.append(f"lieu déduit : {place.label or place.department}")
    every = np.logical_and.reduce([supply.able((need.trade,)) for need in asked]) if len(asked) > 1 else able
    admitted = {article: supply.admitted((article,)) for article in ARTICLES}
    within: dict[str, Mask] = {article: every & reached & mask for article, mask in admitted.items()}
    months = lot.duration_months
    yearly = (
        None
        if lot.amount is None
        else lot.amount
        if lot.amount_period == "year"
        else lot.amount / max((months or 12.0) / 12.0, 1.0)
    )
    total = (
        None
        if lot.amount is None
        else lot.amount * max((months or 12.0) / 12.0, 1.0)
        if lot.amount_period == "year"
        else lot.amount
    )
    if lot.amount_period == "year" and len(tender.lots) == 1 and whole == lot.amount:
        whole = total
    nature = insertion.nature_of(trades, () if "cpv" in lot.inferred else lot.cpv)
    plan = None
    if total:
        plan = insertion.plan(
            supply,
            amount=total,
            trades=trades,
            place=place if located else None,
            cpv=lot.cpv,
            months=months,
            shares=tuple(dict.fromkeys((desk["clause_share"].value, *insertion.SHARES))),
        )
    lenders = supply.bidders_of(
        reached
        & (np.isin(supply.kinds, list(insertion.LENDERS)) | np.isin(supply.kinds, list(SIAE_KINDS)) & able)
    )
    cpv = lot.cpv[:1]
    facts = Facts(
        on=supply.on, amount=whole, like_needs=like_needs, lot_amount=total, months=months,
        works=nature == "works" if works is None else works, buyer=buyer, lots=len(tender.lots), defence=defence,
        ess_service=bool(cpv) and (cpv[0] in ESS_SERVICES or "85000000" <= cpv[0] <= "85323000"), public_service=public_service,
        reserved=lot.reservation.articles if lot.reservation else None,
        within={a: supply.count(mask, trades) for a, mask in within.items()}, everyone=supply.count(every & reached, trades),
        weight={**{a: _weight(supply, mask, yearly) for a, mask in within.items()}, "": _weight(supply, every & reached, yearly)},
        by_need={n.label: supply.bidders_of(supply.able((n.trade,)) & reached) for n in asked},
        whole=supply.bidders_of(every & reached) if len(asked) > 1 else None,
        cuts={k: _weight(supply, every & reached, yearly / k).comfortable for k in CUTS} if yearly else {},
        clause_hours=plan.targets[0].hours if plan else None, clause_share=desk["clause_share"].value, carriers=lenders,
        competition=int(desk["competition"].value), verified=int(desk["verified"].value),
        least_hours=desk["clause_hours"].value, least_months=desk["clause_months"].value, trade_known=bool(trades),
        yearly=yearly or None, labour=insertion.labour_of(trades, lot.cpv) if trades else None, rate=rate, contribution=contribution,
    )  # fmt: skip
    return LotPotential(
        lot=lot, trades=tuple(supply.labels[t] for t in trades), eligible={a: supply.count(every & mask, trades) for a, mask in admitted.items()},
        facts=facts, advised=advise(facts), first=tuple(first), hours=plan, facilitator=facilitators.named(place), notes=tuple(notes),
    )  # fmt: skip


def _weight(supply: Supply, mask: Mask, yearly: float | None) -> Weight:
    turnover: dict[int, float] = {}
    for i in np.flatnonzero(mask):
        bidder, own = int(supply.bidders[i]), float(supply.turnover[i])
        held = turnover.get(bidder, float("nan"))
        turnover[bidder] = own if held != held else held if own != own else max(held, own)
    known = np.array([value for value in turnover.values() if value == value and value > 0])
    if yearly is None or not len(known):
        return Weight(
            known=len(known) if yearly is not None else 0,
            unknown=len(turnover) - (len(known) if yearly is not None else 0),
        )
    shares = yearly / known
    comfort, top = supply.desk["turnover_comfort"].value, supply.desk["turnover_most"].value
    return Weight(
        known=len(known), unknown=len(turnover) - len(known), median=float(np.median(shares)),
        comfortable=int((shares <= comfort).sum()), small=int((shares > top).sum()),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ shown


def effect(oeth: Advice | Refused) -> str:
    """The effect on the OETH contribution in a line."""
    return (
        f"{oeth.title} : {' ; '.join(oeth.reasons)}"
        if isinstance(oeth, Advice)
        else f"sans effet, {oeth.reason}"
    )


def rows(found: Potential) -> Iterator[dict[str, Any]]:
    """One flat row a lot, for a spreadsheet."""
    for one in found.lots:
        f, first = one.facts, one.advised.first
        yield {
            "besoin": found.tender.id, "lot": one.lot.number, "intitulé": one.lot.title, "métiers": ", ".join(one.trades),
            "conseil": first.title, "raisons": " ; ".join(first.reasons), "conditions": " ; ".join(first.conditions),
            "articles": ", ".join(first.articles), "aussi possible": " ; ".join(a.title for a in one.advised.also),
            "écarté": " ; ".join(f"{r.title} : {r.reason}" for r in one.advised.refused),
            "OETH": effect(one.advised.oeth), "à portée": f.everyone.possible, **{f"admissibles {a} à portée": w.possible for a, w in f.within.items()},
            "vérifiées actives": f.everyone.verified, "ont répondu depuis un an": f.everyone.answered,
            "part du chiffre d'affaires": f.weight.get("", Weight()).shown(), "facilitateur": one.facilitator,
            "sources": " | ".join(found.sources), "date": found.on.isoformat(),
        }  # fmt: skip


def told(found: Potential) -> Iterator[str]:
    """The potential as a person reads it in a terminal, line by line."""
    yield f"{found.tender.title}"
    for one in found.lots:
        f = one.facts
        yield f"\nLot {one.lot.number} : {one.lot.title} [{', '.join(one.trades) or 'métier non reconnu'}]"
        yield f"  À portée : {f.everyone.shown()}"
        for article, worth in f.within.items():
            yield f"  {article} : {one.eligible[article].possible} admissibles dans le catalogue, à portée {worth.shown()}"
        yield f"  Poids du lot : {f.weight.get('', Weight()).shown()}"
        for number, advice in enumerate((one.advised.first, *one.advised.also)):
            yield f"  {'Conseil' if not number else 'Aussi possible'} : {advice.title}"
            yield from (f"    parce que {reason}" for reason in advice.reasons)
            yield from (f"    à condition : {condition}" for condition in advice.conditions)
            yield from (f"    règle : {rule.shown()}" for rule in advice.rules)
        for refused in one.advised.refused:
            yield f"  Écarté : {refused.title}, {refused.reason}"
        oeth = one.advised.oeth
        yield f"  OETH : {effect(oeth)}"
        if isinstance(oeth, Advice):
            yield from (f"    à condition : {condition}" for condition in oeth.conditions)
            yield from (f"    règle : {rule.shown()}" for rule in oeth.rules)
        if one.first:
            yield f"  Structures ({ORDER}) :"
        for match in one.first:
            s = match.structure
            far = "distance inconnue" if match.distance_km is None else f"{match.distance_km:.0f} km"
            yield f"    {s.brand or s.name} ({s.kind}, {s.place.label}, {far}) {s.phone or s.email or s.website or 'aucun contact connu'}"
        yield f"  {one.facilitator}"
        yield from (f"  note : {note}" for note in one.notes)
    yield from (f"hypothèse : {assumption}" for assumption in found.assumed)
    yield from (f"source : {source}" for source in found.sources)
