"""Ways to buy from the social economy: reserve, clause, allot, direct purchase."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from matcher.reference import law
from matcher.reference.french import euros
from matcher.territory import assumptions
from matcher.territory import hours as insertion
from matcher.territory.supply import Worth

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
    like_needs: float | None = None  # other needs of the same kind to be added up; None: unknown
    lot_amount: float | None = None
    months: float | None = None
    works: bool = False
    buyer: law.BuyerType = "local"
    lots: int = 1
    defence: bool = False
    ess_service: bool = False  # a service that may be reserved to ESS enterprises
    social: bool = False  # a social or other specific service: its European threshold is its own
    public_service: bool | None = None  # does it carry a public-service mission?
    reserved: tuple[str, ...] | None = None  # articles already stated
    within: Mapping[str, Worth] = field(
        default_factory=dict
    )  # article -> bidders that the judgement says to call
    everyone: Worth = EMPTY  # to call, whatever the kind
    weight: Mapping[str, Weight] = field(default_factory=dict)  # article -> weight
    by_need: Mapping[str, int] = field(
        default_factory=dict
    )  # need -> bidders to call, where the lot asks for several
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
    rate: float | None = None  # direct employment rate of the buyer, 0 to 1; None: unknown
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
    """The first advice, the others that are open too, those that are not, and the effect on OETH with them."""

    first: Advice
    also: tuple[Advice, ...]
    refused: tuple[Refused, ...]
    oeth: Advice | Refused


def _rules(on: date, *codes: str) -> tuple[law.Rule, ...]:
    return tuple(rule for code in codes if (rule := law.rule(code, on)) is not None)


def _euros(amount: float) -> str:
    return f"{euros(amount)} HT"


def _small_lot(f: Facts) -> Advice | None:
    """A lot of a larger contract that may be bought directly: small itself, and within the share of all small lots."""
    limit, share = law.direct_lot(f.on, f.works), law.rule("small-lots.share", f.on)
    if limit is None or share is None or f.lots < 2 or not f.lot_amount or not f.amount:
        return None
    if f.lot_amount >= (limit.value or 0.0) or f.lot_amount > (share.value or 0.0) * f.amount:
        return None
    return Advice(
        code="direct-lot",
        title="Acheter ce petit lot directement, avec trois devis",
        reasons=(
            f"{_euros(f.lot_amount)} pour ce lot, en dessous de {_euros(limit.value or 0.0)}, et "
            f"{100 * f.lot_amount / f.amount:.0f} % de la valeur de tous les lots",
            f"à solliciter : {f.everyone.shown()}",
        ),
        rules=(limit, share, *_rules(f.on, "same-supplier")),
        conditions=(
            f"tous les lots ainsi passés réunis : au plus {100 * (share.value or 0.0):.0f} % de la valeur de tous les lots",
        ),
    )


def _innovative(f: Facts, total: float) -> str:
    """That an innovative purchase of that size may still be made without publicity; "" where it may not."""
    rule = law.rule("direct.innovative", f.on)
    if rule is None or total >= (rule.value or 0.0):
        return ""
    return f" ; une solution innovante peut l'être en dessous de {_euros(rule.value or 0.0)} ({rule.article})"


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
        if (small := _small_lot(f)) is not None:
            return small
        added = f", besoins semblables compris ({_euros(f.like_needs)})" if f.like_needs else ""
        return Refused(
            code=code,
            title=title,
            reason=f"{_euros(total)}{added} : pas en dessous du seuil de {_euros(threshold.value)} "
            f"({threshold.article}, depuis le {threshold.since:%d/%m/%Y}){_innovative(f, total)}",
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
    usable = {article: _usable(f, article) for article in (*law.UNSPECIFIED, law.COMBINED)}
    alone = {a: usable[a] for a in law.UNSPECIFIED if usable[a] >= f.competition}
    combined = law.rule("reservation.combined", f.on)
    if alone:
        article = max(alone, key=lambda a: (alone[a], a))
    elif usable[law.COMBINED] >= f.competition and combined is not None:
        article = law.COMBINED
    else:
        counts = " ; ".join(f"{a} : {f.within.get(a, EMPTY).shown()}" for a in law.UNSPECIFIED)
        small = sum(f.weight.get(a, Weight()).small for a in law.UNSPECIFIED)
        why = f" ; {small} seraient trop petites seules" if small else ""
        return Refused(
            code=code,
            title=title,
            reason=f"moins de {f.competition} structures admissibles à appeler, à portée : rien ne dit que la concurrence demeurerait ({counts}{why})",
        )
    worth, weight = f.within[article], f.weight.get(article, Weight())
    names = {
        law.DISABILITY: "reservation.disability",
        law.INSERTION: "reservation.insertion",
        law.COMBINED: "reservation.combined",
    }
    reasons = [
        f"au titre de {article} : {worth.shown()}",
        f"concurrence probable : {usable[article]} soumissionnaires distincts, à confirmer auprès d'eux",
        weight.shown(),
    ]
    other = [a for a in alone if a != article]
    if other:
        reasons.append(
            f"possible aussi au titre de {other[0]} ({usable[other[0]]} structures), ou des deux ensemble ({law.COMBINED})"
        )
    elif article != law.COMBINED and combined is not None and usable[law.COMBINED] > usable[article]:
        reasons.append(
            f"au titre des deux articles ensemble ({law.COMBINED}), {usable[law.COMBINED]} structures"
        )
    conditions = [
        "l'avis doit dire que le marché ou le lot est réservé, et l'article",
        "un groupement avec une entreprise ordinaire serait irrecevable",
    ]
    if worth.verified < f.verified:
        code += "-if-verified"
        title += ", sous condition de vérification"
        conditions.insert(
            0,
            f"{worth.verified} vérifiées actives sur {worth.possible} à appeler : appelez-les avant de réserver, un lot réservé sans offre est infructueux",
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
    code, title = "reserve-ess", f"Réserver aux entreprises de l'économie sociale et solidaire ({law.ESS})"
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
    worth = f.within.get(law.ESS, EMPTY)
    if worth.possible < f.competition:
        return Refused(
            code=code,
            title=title,
            reason=f"moins de {f.competition} structures admissibles à appeler, à portée : {worth.shown()}",
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
        reasons=(worth.shown(), f.weight.get(law.ESS, Weight()).shown()),
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
    mandatory = law.social_clause_mandatory(f.amount, f.on, f.works, f.buyer, f.social, f.defence)
    code, title = "clause", "Insérer une clause sociale avec des heures d'insertion"
    if mandatory:
        code, title = (
            "clause-mandatory",
            "Insérer une condition sociale d'exécution : elle est due, à votre choix",
        )
    finding = (
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
        conditions.append(
            "les heures d'insertion en sont une ; une autre condition sociale ou d'emploi peut convenir, et l'absence "
            "de condition se motive"
        )
        return Advice(
            code=code,
            title=title,
            reasons=(finding, carried),
            rules=_rules(
                f.on,
                "clause.mandatory",
                "clause.exceptions",
                "clause.motives",
                "clause.execution",
                "clause.environment",
            ),
            conditions=tuple(conditions),
        )
    if f.clause_hours is None:
        return Refused(code=code, title=title, reason=finding)
    if f.clause_hours < f.least_hours:
        return Refused(
            code=code,
            title=title,
            reason=f"{finding} : moins que les {f.least_hours:g} heures qui permettent un recrutement",
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
        reasons=(finding, carried),
        rules=_rules(
            f.on, "clause.execution", "clause.criterion", "clause.environment", "criterion.environment"
        ),
        conditions=tuple(conditions),
    )


def _oeth(f: Facts) -> Advice | Refused:
    """What the same purchase takes off the buyer's contribution, made from an EA or ESAT: an effect, no way to buy."""
    code, title = "oeth", "Acheter à une EA ou à un ESAT, qui allège aussi la contribution OETH"
    worth = f.within.get(law.DISABILITY, EMPTY)
    if not worth.possible:
        return Refused(
            code=code, title=title, reason="aucune EA ni aucun ESAT à portée n'est connu pour ce métier"
        )
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
    rules = _rules(
        f.on, "oeth.public", "oeth.labour", "oeth.cap-low", "oeth.cap-high", "oeth.cap-from", "oeth.rate"
    )
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
        rules=rules, conditions=(*made.notes, *(f"hypothèse : {a}" for a in made.assumed)),
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
        worth = f.within.get(articles[0] if len(articles) == 1 else law.COMBINED, EMPTY)
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


def effect(oeth: Advice | Refused) -> str:
    """The effect on the OETH contribution in a line."""
    return (
        f"{oeth.title} : {' ; '.join(oeth.reasons)}"
        if isinstance(oeth, Advice)
        else f"sans effet, {oeth.reason}"
    )
