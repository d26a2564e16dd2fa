"""The potential of a need before a tender: who could answer, and what the buyer may do about it, with reasons.

Who could answer is the list of the same need; the facts count it.  `advise` is a pure function of these facts: each rule
gives an advice with its reasons and articles, or says why it does not apply.  Every rule is read in
`matcher.reference.law` on the day asked.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any, Self

import numpy as np

from matcher import codec
from matcher.domain import LENDING_KINDS, BadInput, Lot, Match, Tender
from matcher.learned import asks
from matcher.matching.parts import parts_of
from matcher.matching.ranking import Ranking
from matcher.matching.reasons import everywhere
from matcher.matching.standing import way_in
from matcher.reading.need import sized_need
from matcher.records import facilitators
from matcher.reference import amounts, law, toponyms
from matcher.reference.french import counted, euros, grouped
from matcher.reference.naming import as_written
from matcher.territory import assumptions, exports
from matcher.territory import hours as insertion
from matcher.territory.counts import Count, Desk, Rows

EMPTY = Count()
#: The rule that opens each reservation.
OPENED_BY = {
    law.DISABILITY: "reservation.disability",
    law.INSERTION: "reservation.insertion",
    law.COMBINED: "reservation.combined",
}


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
            few = f"chiffre d'affaires inconnu pour {counted(self.unknown, 'soumissionnaire')} : à demander"
            return few if self.unknown else "aucun soumissionnaire à appeler"
        share = "" if self.median is None else f", part médiane {100 * self.median:.0f} %"
        return (
            f"chiffre d'affaires connu pour {counted(self.known, 'soumissionnaire')}{share} ; {self.comfortable} à l'aise, "
            f"{self.small} trop petites seules ; inconnu pour {self.unknown}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a buyer says of a purchase beside its words; euros before tax, None is unknown, `rate` from 0 to 1."""

    amount: float | None = None  # of the whole need, all lots
    like_needs: float | None = None  # other needs of the same kind to be added up
    works: bool | None = None  # None: as the code or the words tell
    buyer: law.BuyerType = "local"
    defence: bool = False
    public_service: bool | None = None  # does it carry a public-service mission?
    rate: float | None = None  # direct employment rate
    contribution: float | None = None  # of OETH, before deductions, euros of the year

    def checked(self) -> Self:
        """Itself.  Raises BadInput on a negative amount or a rate that is none."""
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise BadInput(f"un taux d'emploi de {100 * self.rate:g} % : donnez un taux entre 0 et 100 %")
        for value in (self.amount, self.like_needs, self.contribution):
            if value is not None and not 0 <= value < 1e11:
                raise BadInput(f"un montant de {value:g} € : donnez un montant hors taxes, en euros")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Given):
    """All that the rules look at; amounts in euros before tax, NaN-free: None is unknown."""

    on: date
    lot_amount: float | None = None
    months: float | None = None
    works: bool = False
    lots: int = 1
    ess_service: bool = False  # a service that may be reserved to ESS enterprises
    social: bool = False  # a social or other specific service: its European threshold is its own
    reserved: tuple[str, ...] | None = None  # articles already stated
    everyone: Count = EMPTY  # of the list, whatever the kind
    staff: bool = True  # who lends staff answers itself: the lot asks for staff
    weight: Mapping[str, Weight] = field(default_factory=dict)  # article, "" for everyone -> weight
    by_need: Mapping[str, int] = field(default_factory=dict)  # trade, of several -> bidders to call
    cuts: Mapping[int, int] = field(default_factory=dict)  # cut into k equal lots -> bidders at ease
    clause_hours: float | None = None  # at the desk's default share
    clause_share: float = 0.05
    carriers: tuple[str, ...] = ()  # names of who could carry the hours
    competition: int = 3
    verified: int = 1
    least_hours: float = 140.0
    least_months: float = 3.0
    yearly: float | None = None  # yearly part of the lot
    labour: assumptions.Labour | None = None  # of the lot's trade

    def within(self, article: str) -> Count:
        """Those to call who may answer under an article."""
        return self.everyone.under(article, self.on)

    def lending(self, count: Count) -> int:
        """Of those to call, who lends staff to the holder of the lot and would not hold it."""
        return 0 if self.staff else sum(n for kind, n in count.kinds.items() if kind in LENDING_KINDS)

    def usable(self, article: str) -> int:
        """Of those to call under an article, who would hold the lot and is not known to be too small alone."""
        count = self.within(article)
        return count.likely - self.lending(count) - self.weight.get(article, Weight()).small


@dataclass(frozen=True, slots=True)
class Advice:
    """What a buyer may do, or owes, why, under which article, and under which conditions; never bare."""

    code: str
    title: str
    reasons: tuple[str, ...] = ()
    rules: tuple[law.Rule, ...] = ()
    conditions: tuple[str, ...] = ()
    article: str = ""  # of a reservation

    @property
    def articles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rule.article for rule in self.rules))


@dataclass(frozen=True, slots=True)
class Refused:
    """A way that does not apply, and why."""

    code: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """The first advice, the other ways that are open, those that are not; apart, what is due and the effect on OETH."""

    first: Advice
    also: tuple[Advice, ...]
    refused: tuple[Refused, ...]
    duties: tuple[Advice, ...]
    oeth: Advice | Refused


def _euros(amount: float) -> str:
    return f"{euros(amount)} HT"


def _small_lot(f: Facts) -> Advice | None:
    """A lot of a larger contract that may be bought directly: small itself, and within the share of all small lots."""
    limit = law.rule("direct.lot.works" if f.works else "direct.lot.supplies", f.on)
    share = law.rule("small-lots.share", f.on)
    if limit is None or share is None or f.lots < 2 or not f.lot_amount or not f.amount:
        return None
    least, most = limit.value or 0.0, share.value or 0.0
    if f.lot_amount >= least or f.lot_amount > most * f.amount:
        return None
    part = f"{100 * f.lot_amount / f.amount:.0f} % de la valeur de tous les lots"
    small = f"{_euros(f.lot_amount)} pour ce lot, en dessous de {_euros(least)}, et {part}"
    all_lots = f"tous les lots ainsi passés réunis : au plus {100 * most:.0f} % de la valeur de tous les lots"
    reasons = (small, f"à solliciter : {f.everyone.shown()}")
    rules = (limit, share, *law.in_force(f.on, "same-supplier"))
    return Advice("direct-lot", "Acheter ce petit lot directement", reasons, rules, (all_lots, *_quotes(f)))


def _lent(f: Facts, count: Count) -> str:
    """That those who lend staff are not among those who would hold the lot; "" where there are none."""
    lending = f.lending(count)
    those = f"les {lending} qui prêtent" if lending > 1 else "celle qui prête"
    return f" (sans {those} du personnel au titulaire)" if lending else ""


def _quotes(f: Facts) -> tuple[str, ...]:
    """Whom to complete the quotes with, where the list calls fewer than are usual."""
    holding = f.everyone.likely - f.lending(f.everyone)
    if holding >= f.competition:
        return ()
    others = [f"{f.everyone.plausible} à vérifier"] * bool(f.everyone.plausible)
    others += [f"{f.everyone.to_ask} à interroger"] * bool(f.everyone.to_ask)
    from_list = f" par les {' et les '.join(others)} de la liste, sinon" if others else ""
    return (
        f"{counted(holding, 'structure')} à appeler{_lent(f, f.everyone)} pour {f.competition} devis d'usage : "
        f"compléter{from_list} par d'autres entreprises",
    )


def _direct(f: Facts) -> Advice | Refused:
    refused = partial(Refused, "direct", title := "Acheter directement, en demandant des devis")
    threshold = law.rule("direct.works" if f.works else "direct.supplies", f.on)
    if f.amount is None:
        return refused("montant inconnu : donnez le montant estimé hors taxes de tous les lots")
    if threshold is None or threshold.value is None:
        return refused(f"seuil non connu à la date du {f.on:%d/%m/%Y}")
    total = f.amount + (f.like_needs or 0.0)
    if total >= threshold.value:
        if (small := _small_lot(f)) is not None:
            return small
        added = f", besoins semblables compris ({_euros(f.like_needs)})" if f.like_needs else ""
        innovative, new = law.rule("direct.innovative", f.on), ""
        if innovative is not None and total < (most := innovative.value or 0.0):
            new = f" ; une solution innovante peut l'être en dessous de {_euros(most)} ({innovative.article})"
        return refused(
            f"{_euros(total)}{added} : pas en dessous du seuil de {_euros(threshold.value)} "
            f"({threshold.article}, depuis le {threshold.since:%d/%m/%Y}){new}"
        )
    if not f.everyone.likely + f.everyone.plausible + f.everyone.to_ask:
        return refused("permis à ce montant, mais la liste ne montre aucune structure à solliciter")
    again = "ne pas contracter systématiquement avec la même structure quand plusieurs offres conviennent"
    similar = "les besoins semblables de l'année (même famille, même opération)"
    like = f"additionner d'abord {similar} : ils n'ont pas été donnés"
    low = f"{_euros(total)} au total, en dessous du seuil de {_euros(threshold.value)}"
    conditions = (*((like,) if f.like_needs is None else ()), again, *_quotes(f))
    rules = (threshold, *law.in_force(f.on, "same-supplier"))
    return Advice("direct", title, (low, f"à solliciter : {f.everyone.shown()}"), rules, conditions)


def _reserve(f: Facts) -> Advice | Refused:
    code, title = ("reserve-lot", "Réserver ce lot") if f.lots > 1 else ("reserve", "Réserver le marché")
    if f.reserved is not None:
        stated = ", ".join(f.reserved) or "article non précisé, voir le règlement"
        return Refused(code, title, f"déjà réservé ({stated})")
    if f.defence:
        rule = law.rule("reservation.defence", f.on)
        return Refused(code, title, rule.shown() if rule else "marché de défense")
    known = [a for a in OPENED_BY if a != law.COMBINED or law.rule("reservation.combined", f.on) is not None]
    enough = {a: n for a in known if (n := f.usable(a)) >= f.competition}
    alone = [a for a in law.UNSPECIFIED if a in enough]  # one article before both together
    article = max(alone, key=lambda a: (enough[a], a), default=law.COMBINED)
    if article not in enough:
        counts = " ; ".join(f"{a} : {f.within(a).shown()}" for a in law.UNSPECIFIED)
        small = sum(f.weight.get(a, Weight()).small for a in law.UNSPECIFIED)
        why = f" ; {small} seraient trop petites seules" if small else ""
        few = f"moins de {f.competition} structures admissibles à appeler{_lent(f, f.everyone)}"
        reason = f"{few} : rien ne dit que la concurrence demeurerait ({counts}{why})"
        return Refused(code, title, reason)
    count, usable = f.within(article), enough.pop(article)
    reasons = [
        f"au titre de {article} : {count.shown()}",
        f"concurrence probable : {usable} soumissionnaires distincts{_lent(f, count)}, à confirmer auprès d'eux",
        f.weight.get(article, Weight()).shown(),
    ]
    if enough:
        named = ", ".join(f"{a} ({counted(n, 'soumissionnaire')})" for a, n in enough.items())
        reasons.append(f"possible aussi au titre de {named}")
    conditions = [
        "l'avis doit dire que le marché ou le lot est réservé, et l'article",
        "un groupement avec une entreprise ordinaire serait irrecevable",
    ]
    if count.verified < f.verified:
        code, title = f"{code}-if-verified", f"{title}, sous condition de vérification"
        first = "appelez-les avant de réserver, un lot réservé sans offre est infructueux"
        conditions.insert(0, f"{count.active} sur {count.likely} à appeler : {first}")
    codes = (f"reservation.{code}" for code in ("share", "stated", "mixed-group"))
    rules = law.in_force(f.on, OPENED_BY[article], *codes)
    return Advice(code, f"{title} ({article})", tuple(reasons), rules, tuple(conditions), article)


def _ess(f: Facts) -> Advice | Refused:
    code, title = "reserve-ess", f"Réserver aux entreprises de l'économie sociale et solidaire ({law.ESS})"
    count = f.within(law.ESS)
    other = "le code CPV n'est pas l'un des services sociaux, de santé ou culturels que l'article énumère"
    few = f"moins de {f.competition} structures admissibles à appeler : {count.shown()}"
    barred = (
        (f.reserved is not None, "déjà réservé"),
        (f.defence, "les marchés de défense ou de sécurité ne peuvent pas être réservés"),
        (not f.ess_service, other),
        (f.public_service is False, "aucune mission de service public n'est confiée"),
        (count.likely < f.competition, few),
    )
    for applies, reason in barred:
        if applies:
            return Refused(code, title, reason)
    again = "pas au titulaire qui en a eu un du même acheteur dans les trois années précédentes"
    conditions = ["trois ans au plus", again]
    if f.public_service is None:
        conditions.insert(0, "le marché doit confier une mission de service public : à confirmer")
    if f.months is not None and f.months > 36:
        conditions.insert(0, f"durée de {f.months:g} mois : à ramener à trois ans")
    reasons = (count.shown(), f.weight.get(law.ESS, Weight()).shown())
    rules = law.in_force(f.on, "reservation.ess", "reservation.ess-years", "reservation.ess-again")
    return Advice(code, title, reasons, rules, tuple(conditions), law.ESS)


def _allot(f: Facts) -> Advice | Refused:
    code, title = "allot", "Allotir autrement"
    reasons, whole = [], f.everyone.likely
    if len(f.by_need) > 1 and whole < f.competition and any(n > whole for n in f.by_need.values()):
        named = ", ".join(f"{need} : {counted(n, 'structure')}" for need, n in f.by_need.items())
        reasons.append(
            f"{counted(whole, 'structure')} à appeler pour le lot entier ; un lot par métier : {named}"
        )
    now = f.weight.get("", Weight())
    if now.comfortable < f.competition and any(n > now.comfortable for n in f.cuts.values()):
        named = ", ".join(f"en {k} lots : {count}" for k, count in f.cuts.items())
        whom = "structures pour qui le lot pèserait une part raisonnable de leur chiffre d'affaires"
        apart = f"({now.unknown} de chiffre d'affaires inconnu, non comptées)"
        reasons.append(f"{whom} : {now.comfortable} aujourd'hui ; {named} {apart}")
    if not reasons:
        one = "le lot ne demande qu'un métier"
        several = "assez de structures pour le lot entier, ou aucun découpage n'en ajoute"
        large = "les structures ne sont pas trop petites pour le lot, ou un découpage n'en ajoute pas"
        unknown = "aucun chiffre d'affaires connu : effet d'un découpage par volume non calculable"
        if f.lot_amount is None:
            unknown = "montant du lot inconnu : effet d'un découpage par volume non calculable"
        size = large if now.known else unknown
        return Refused(code, title, f"{several if len(f.by_need) > 1 else one} ; {size}")
    total = "découper n'abaisse pas les seuils : ils s'apprécient sur le total des lots"
    return Advice(code, title, tuple(reasons), law.in_force(f.on, "allotment", "small-lots.share"), (total,))


def _clause(f: Facts) -> Advice | Refused:
    code, title = "clause", "Insérer une clause sociale avec des heures d'insertion"
    if f.clause_hours is None:
        return Refused(code, title, "heures non calculables : montant du lot inconnu")
    share = f"{100 * f.clause_share:g} % des heures travaillées"
    hours = f"environ {grouped(f.clause_hours)} heures d'insertion à {share}"
    few = f"{hours} : moins que les {f.least_hours:g} heures qui permettent un recrutement"
    least = f"trop court pour recruter et accompagner ({f.least_months:g} mois au moins)"
    check = f" ({f.everyone.plausible} à vérifier d'abord)" if f.everyone.plausible else ""
    nobody = f"aucune structure n'est à appeler pour porter les heures{check} : voir le facilitateur du lieu"
    barred = (
        (f.clause_hours < f.least_hours, few),
        (f.months is not None and f.months < f.least_months, f"{f.months or 0:g} mois : {least}"),
        (not f.carriers, nobody),
    )
    for applies, reason in barred:
        if applies:
            return Refused(code, title, reason)
    carriers = f"pourraient les porter (mise à disposition ou prestation) : {', '.join(f.carriers)}"
    conditions = ("faire valider les heures et leur suivi par le facilitateur du lieu",)
    rules = law.in_force(f.on, "clause.execution", "clause.criterion")
    return Advice(code, title, (hours, carriers), rules, conditions)


def _duties(f: Facts) -> tuple[Advice, ...]:
    """What the law requires whatever way is chosen: no option, and never of a reserved lot as an addition."""
    found = []
    if law.social_clause_mandatory(f.amount, f.on, f.works, f.buyer, f.social, f.defence):
        threshold = law.formal_threshold(f.on, f.works, f.buyer, f.social)
        services = "services sociaux ou spécifiques" if f.social else "fournitures et services"
        nature = "travaux" if f.works else services
        limit = f"{_euros(threshold.value or 0.0) if threshold else ''} ({nature})"
        large = f"{_euros(f.amount or 0.0)} : à partir du seuil européen de {limit}"
        title = "Prévoir une condition sociale ou d'emploi, au choix de l'acheteur"
        rules = law.in_force(f.on, "clause.mandatory", "clause.exceptions", "clause.motives")
        other = "une autre condition peut convenir, et l'absence de condition se motive"
        conditions = (f"les heures d'insertion en sont une ; {other}",)
        found.append(Advice("social-condition", title, (large,), rules, conditions))
    rules = law.in_force(f.on, "clause.environment", "criterion.environment")
    if rules and not f.defence:
        when = "à tout montant dans l'exécution ; dans un critère, dès qu'il y a des critères"
        found.append(Advice("environment", "Prendre en compte l'environnement", (when,), rules))
    return tuple(found)


def _oeth(f: Facts) -> Advice | Refused:
    """What the same purchase takes off the buyer's contribution, made from an EA or ESAT: an effect, no way to buy."""
    code, title = "oeth", "Acheter à une EA ou à un ESAT, qui allège aussi la contribution OETH"
    count, full = f.within(law.DISABILITY), law.value("oeth.rate", f.on)
    rules = law.in_force(
        f.on, *(f"oeth.{code}" for code in "public labour cap-low cap-high cap-from rate".split())
    )
    if not count.likely:
        return Refused(code, title, "aucune EA ni aucun ESAT de la liste n'est à appeler pour ce besoin")
    if not rules:
        return Refused(code, title, f"règles de l'OETH non connues à la date du {f.on:%d/%m/%Y}")
    if f.rate is not None and full is not None and f.rate >= full:
        none = f"à {100 * full:g} % et plus aucune contribution n'est due, l'achat n'a pas d'effet"
        reason = f"taux d'emploi direct de {100 * f.rate:g} % : {none} ({law.article_of('oeth.rate', f.on)})"
        return Refused(code, title, reason)
    advice = Advice(code, title, (f"EA et ESAT : {count.shown()}",), rules)
    if f.yearly is None or f.rate is None:
        asked = {"le montant du lot": f.yearly, "le taux d'emploi direct (4,2 pour 4,2 %)": f.rate}
        lacking = " et ".join(words for words, given in asked.items() if given is None)
        return replace(advice, conditions=(f"donnez {lacking} : l'effet en dépend", insertion.ATTESTED))
    made = insertion.oeth(f.yearly, f.rate, on=f.on, contribution=f.contribution, labour=f.labour)
    capped = f"avant plafond : {_euros(made.deductible)}"
    gain = capped if made.deduction is None else f": {_euros(made.deduction)}"
    cost = f"pour {_euros(made.labour_cost)} de main-d'œuvre estimée sur {_euros(f.yearly)}"
    reasons = (*advice.reasons, f"déduction {gain} par an, {cost}")
    conditions = (*made.notes, *(f"hypothèse : {words}" for words in made.assumed))
    return replace(advice, reasons=reasons, conditions=conditions)


#: In the order in which they are proposed.
WAYS: tuple[Callable[[Facts], Advice | Refused], ...] = (_direct, _reserve, _ess, _allot, _clause)


def advise(f: Facts) -> Advised:
    """The advice for a lot.  Where nothing applies it says "none", with why and what to do before."""
    found = [way(f) for way in WAYS]
    good = [one for one in found if isinstance(one, Advice)]
    refused = tuple(one for one in found if isinstance(one, Refused))
    if f.reserved is not None:
        stated = ", ".join(f.reserved) or "article non précisé, voir le règlement"
        doubt = ("vérifier que les structures possibles répondront avant de publier",)
        rules = law.in_force(f.on, "reservation.stated", "reservation.mixed-group")
        conditions = doubt if f.everyone.verified < f.competition else ()
        title = f"Le lot est déjà réservé ({stated})"
        good.insert(0, Advice("reserved", title, (f.everyone.shown(),), rules, conditions))
    if not good:
        some = f.everyone.plausible + f.everyone.to_ask
        before = f"appeler d'abord {counted(some, 'structure')} de la liste, à vérifier ou à interroger, peut changer ces comptes"
        ask = "interroger les structures et le facilitateur avant de publier (sourçage) peut changer ces comptes"
        title = "Ni achat direct, ni réserve, ni allotissement, ni clause pour ce lot en l'état"
        reasons = tuple(f"{one.title} : {one.reason}" for one in refused)
        rules_ = law.in_force(f.on, "sourcing.allowed")
        good.append(Advice("none", title, reasons, rules_, (before if some else ask,)))
    return Advised(first=good[0], also=tuple(good[1:]), refused=refused, duties=_duties(f), oeth=_oeth(f))


def effect(oeth: Advice | Refused) -> str:
    """The effect on the OETH contribution in a line."""
    if isinstance(oeth, Refused):
        return f"sans effet, {oeth.reason}"
    return f"{oeth.title} : {' ; '.join(oeth.reasons)}"


ARTICLES = (law.DISABILITY, law.INSERTION, law.COMBINED, law.ESS)
CUTS = (2, 3, 4, 6)
NAMED = 5  # carriers of hours that an advice names
ORDER = "ordre de présentation, ne préjuge pas du choix"
ASSUMED = tuple(
    "competition verified turnover_comfort turnover_most clause_hours clause_months clause_share".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPotential:
    """A lot, its count, its advice, and the first structures of its list."""

    lot: Lot
    trades: tuple[str, ...]
    count: Count
    eligible: Mapping[str, Count]  # article -> those who may answer under it
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


def potential(desk: Desk, tender: Tender, given: Given | None = None, n: int = 5) -> Potential:
    """The potential of every lot of a need, with the first `n` structures of each.  Raises BadInput as `Given.checked`."""
    given = (given or Given()).checked()
    tender = sized_need(tender, given.amount)
    rankings = list(desk.matcher.rank_each(desk.matcher.queries(tender)))  # those that its list shows
    lots = tender.lots
    known = [whole for lot in lots if (whole := _whole(lot)) is not None]
    total = sum(known) if len(known) == len(lots) and known else given.amount
    return Potential(
        tender=tender,
        lots=tuple(_of_lot(desk, tender, *one, given, total, n) for one in zip(lots, rankings, strict=True)),
        on=desk.on,
        sources=(desk.source,),
        assumed=tuple(desk.assumed[key].shown() for key in ASSUMED),
        versions=desk.matcher.versions,
    )


def _whole(lot: Lot) -> float | None:
    """The amount of a lot over its whole duration."""
    value = amounts.total(lot)
    return None if math.isnan(value) else value


def _of_lot(
    desk: Desk, tender: Tender, lot: Lot, ranking: Ranking, given: Given, total: float | None, n: int
) -> LotPotential:
    code, trades = insertion.code_of(lot), tuple(ranking.shortlist.query.asked.trades)
    place, answer, hours = toponyms.of_lot(lot, tender)[0][0], desk.matcher.answer(ranking, n), None
    facts = _facts(desk, tender, lot, ranking, given, total, code)
    if facts.lot_amount:
        shares = tuple(dict.fromkeys((facts.clause_share, *insertion.SHARES)))
        how: dict[str, Any] = {"amount": facts.lot_amount, "months": facts.months, "shares": shares}
        hours = insertion.plan(desk, ranking, labour=insertion.labour_of(trades, code), **how)
        named = [] if answer.calls_for == "beyond" else hours.carriers[:NAMED]
        carriers = tuple(f"{as_written(c.name)} ({c.kind or 'entreprise'})" for c in named)
        facts = replace(facts, clause_hours=hours.targets[0].hours, carriers=carriers)
    deduced = f"lieu déduit : {place.label or place.department}" if place.inferred else ""
    notes = tuple(filter(None, (deduced or everywhere(answer),)))
    return LotPotential(
        lot=lot,
        trades=tuple(desk.labels[name] for name in trades),
        count=facts.everyone,
        eligible={article: facts.within(article) for article in ARTICLES},
        facts=facts,
        advised=advise(facts),
        first=answer.matches,
        hours=hours,
        facilitator=facilitators.named(place),
        notes=notes,
    )


def _facts(
    desk: Desk, tender: Tender, lot: Lot, ranking: Ranking, given: Given, total: float | None, code: str
) -> Facts:
    """What the rules look at, but for the hours of a clause; `total` is the amount of every lot."""
    rows, whole = desk.shown(ranking), _whole(lot)
    # the yearly part of its amount; of a year where no duration is known
    year = None if whole is None else whole / max((lot.duration_months or 12.0) / 12.0, 1.0)
    kinds = [str(kind) for kind in desk.catalogue.of_structure("kind")[rows]]
    holding = [way_in(kind, ranking) == "self" for kind in kinds]
    read = asks.of_lot(lot, tender)
    trades = {part.id: part.label for part in read.several}  # where the lot asks for several
    apart = desk.matcher.queries(replace(tender, lots=parts_of(lot, read))) if trades else ()

    def holders(article: str) -> Rows:
        """The rows of those who would hold the lot, under an article if any."""
        may = [not article or law.eligible(kind, (article,), desk.on) is True for kind in kinds]
        return np.asarray(rows[np.logical_and(holding, may)])

    assumed = {name: row.value for name, row in desk.assumed.items()}
    works = insertion.nature_of(code) == "works" if given.works is None else given.works
    of_buyer = asdict(given) | {"amount": total, "works": works}
    of_buyer["defence"] = given.defence or "defence" in tender.flags
    asked = tuple(ranking.shortlist.query.asked.trades)
    return Facts(
        **of_buyer,
        on=desk.on,
        lots=len(tender.lots),
        months=lot.duration_months,
        lot_amount=whole,
        yearly=year or None,
        ess_service=law.ess_service(code),
        social=law.social_service(code),
        reserved=lot.reservation.opened_by if lot.reservation else None,
        everyone=desk.count(ranking),
        staff=all(holding),
        weight={article: _weight(desk, holders(article), year) for article in ("", *ARTICLES)},
        cuts={k: _weight(desk, rows, year / k).comfortable for k in CUTS} if year else {},
        by_need={
            trades[r.shortlist.query.lot.id]: desk.count(r).likely for r in desk.matcher.rank_each(apart)
        },
        labour=insertion.labour_of(asked, code) if asked else None,
        competition=int(assumed["competition"]),
        verified=int(assumed["verified"]),
        clause_share=assumed["clause_share"],
        least_hours=assumed["clause_hours"],
        least_months=assumed["clause_months"],
    )


def _weight(desk: Desk, rows: Rows, yearly: float | None) -> Weight:
    turnover = np.asarray(desk.catalogue.of_structure("turnover")[rows], dtype=np.float64)
    known = turnover[turnover > 0] if yearly is not None else turnover[:0]
    shares, unknown = (yearly or 0.0) / known, len(rows) - len(known)
    comfort, top = (desk.assumed[key].value for key in ("turnover_comfort", "turnover_most"))
    small, easy = int((shares > top).sum()), int((shares <= comfort).sum())
    median = float(np.median(shares)) if len(known) else None
    return Weight(known=len(known), unknown=unknown, median=median, comfortable=easy, small=small)


def advised_row(one: LotPotential) -> dict[str, Any]:
    """What a row says of the advice for a lot, and its counts."""
    advised = codec.flat(one.advised.first, "conseil=title, raisons=reasons, conditions")
    also = {
        "articles": ", ".join(one.advised.first.articles),
        "aussi possible": " ; ".join(a.title for a in one.advised.also),
        "obligations": " ; ".join(a.title for a in one.advised.duties),
    }
    counts = codec.flat(one.count, "à appeler=likely, à vérifier=plausible, à interroger=to_ask")
    return advised | also | counts


def rows(found: Potential) -> Iterator[dict[str, Any]]:
    """One flat row a lot, for a spreadsheet."""
    for one in found.lots:
        refused = " ; ".join(f"{r.title} : {r.reason}" for r in one.advised.refused)
        yield {
            "besoin": found.tender.id,
            "lot": one.lot.number,
            "intitulé": one.lot.title,
            "métiers": ", ".join(one.trades),
            **advised_row(one),
            "écarté": refused,
            "OETH": effect(one.advised.oeth),
            **{f"à appeler, admissibles {a}": count.likely for a, count in one.eligible.items()},
            **codec.flat(one.count, "vérifiées actives=verified, ont répondu depuis un an=answered"),
            "part du chiffre d'affaires": one.facts.weight.get("", Weight()).shown(),
            "facilitateur": one.facilitator,
            "sources": " | ".join(found.sources),
            "date": found.on.isoformat(),
        }


def text(found: Potential) -> str:
    """The potential as a person reads it in a terminal."""
    return exports.filled("potential.txt", found=found, order=ORDER, effect=effect).rstrip()
