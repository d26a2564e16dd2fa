"""Hours of insertion of a contract, who could carry them, and what a purchase lowers of the OETH contribution.

Hours worked = amount x share of labour / cost of an hour; both come from the table of assumptions
(`labour.csv`), are shown with the answer and can be given instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from matcher import codec
from matcher.domain import SIAE_KINDS, BadInput, Lot, Place
from matcher.learned import cpv
from matcher.matching.by_clause import by_clause
from matcher.matching.ranking import LIKELY, Ranking
from matcher.reading.need import sized_need
from matcher.reference import law
from matcher.reference.naming import source_name
from matcher.territory import assumptions
from matcher.territory.counts import Desk, need_of

SHARES = (0.05, 0.07, 0.10)
SURE = 0.5  # probability from which the code that the words of a need suggest is believed
SERVICE = "prestation (sous-traitance ou cotraitance)"
ATTESTED = "seule fait foi l'attestation annuelle du fournisseur, avec le coût de la main-d'œuvre de l'année"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a share of the hours worked means."""

    share: float
    hours: float
    fte: float  # full-time equivalents over the whole duration
    fte_insertion: float  # by the hours that an ACI's convention counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A structure of the list that could carry hours, and how."""

    siret: str
    name: str
    kind: str
    town: str
    kilometres: float | None
    way: str  # "mise à disposition" or "prestation (sous-traitance ou cotraitance)"
    reason: str
    verified: bool
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of a contract, with every assumption used."""

    amount: float
    months: float | None
    labour: assumptions.Labour
    worked: float
    targets: tuple[Target, ...]
    carriers: tuple[Carrier, ...]
    assumed: tuple[str, ...]
    rules: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    on: date


def code_of(lot: Lot) -> str:
    """The CPV code of a lot: the one published, else the one that its words suggest, "" where they are vague."""
    if lot.cpv and "cpv" not in lot.inferred:
        return lot.cpv[0]
    for level in ("class", "division"):
        (found,) = cpv.shipped().likeliest([lot.title], 1, level)
        if found and found[0][1] >= SURE:
            return found[0][0]
    return ""


def nature_of(code: str) -> str:
    """ "works", "supplies" or "services" by a CPV code; "" without one."""
    if not code:
        return ""
    division = int(code[:2])
    return "works" if division == 45 else "supplies" if division < 45 or division == 48 else "services"


def labour_of(trades: Sequence[str], code: str = "") -> assumptions.Labour:
    """The row of the first trade that the table knows, else of the nature of the CPV code."""
    table = assumptions.labour()
    known = next((table[trade] for trade in trades if trade in table), None)
    return known or table.get(nature_of(code), table["rest"])


def worked(amount: float, labour: assumptions.Labour) -> float:
    """Hours worked that an amount before tax pays for.  Raises BadInput for an amount that is none."""
    if not 0 < amount < 1e11:
        raise BadInput(f"un montant de {amount:g} € : donnez le montant hors taxes de tout le marché")
    return amount * labour.share / labour.hourly_cost


def of_need(
    desk: Desk,
    words: str,
    place: Place | None,
    *,
    amount: float,
    months: float | None = None,
    shares: Sequence[float] = SHARES,
    labour: float | None = None,
    hourly_cost: float | None = None,
) -> Hours:
    """`plan` for a need in words; a share of labour (0 to 1) or the cost of an hour given replaces that of its trade."""
    tender = sized_need(need_of(words, place), amount)
    (query, *_) = desk.matcher.queries(tender)
    row = labour_of(tuple(query.asked.trades), code_of(tender.lots[0]))
    if labour is not None or hourly_cost is not None:
        row = replace(row, reasoning="donné par l'utilisateur", source="saisie", since=date.today())
        row = replace(row, share=row.share if labour is None else labour)
        row = replace(row, hourly_cost=hourly_cost or row.hourly_cost)
    return plan(desk, desk.ranking(query), amount=amount, labour=row, months=months, shares=shares)


def plan(
    desk: Desk,
    ranking: Ranking,
    *,
    amount: float,
    labour: assumptions.Labour,
    months: float | None = None,
    shares: Sequence[float] = SHARES,
    most: int = 10,
) -> Hours:
    """Hours for each share (0 to 1), in full-time equivalents, and who of the list of the need could carry them.

    Without `months` the equivalents are of one year.  Raises BadInput on a share or a duration out of bounds.
    """
    for share in shares:
        if not 0 < share <= 1:
            raise BadInput(f"une part de {share:g} : donnez une part des heures travaillées entre 0 et 100 %")
    if months is not None and not 0 < months <= 600:
        raise BadInput(f"une durée de {months:g} mois : donnez la durée du marché en mois")
    total, years = worked(amount, labour), (months or 12.0) / 12.0
    full, insertion = (desk.assumed[key] for key in ("fte_hours", "fte_hours_insertion"))
    year, its_year = full.value * years, insertion.value * years
    targets = tuple(
        Target(share=part, hours=total * part, fte=total * part / year, fte_insertion=total * part / its_year)
        for part in shares
    )
    rule, floor = law.rule("clause.execution", desk.on), desk.assumed["clause_hours"].value
    notes = [
        "trois façons de tenir les heures : embauche directe par le titulaire (candidats proposés par le facilitateur), "
        "mise à disposition (AI, ETTI, GEIQ), sous-traitance ou cotraitance avec une structure d'insertion"
    ]
    if months is None:
        notes.append("durée inconnue : les équivalents temps plein sont ceux d'une seule année")
    if (least := total * min(shares)) < floor:
        notes.append(
            f"à {100 * min(shares):g} % la clause fait {least:.0f} heures, moins que les {floor:g} heures en dessous "
            "desquelles elle ne vaut pas d'être suivie"
        )
    return Hours(
        amount=amount,
        months=months,
        labour=labour,
        worked=total,
        targets=targets,
        carriers=carriers(desk, ranking, most),
        assumed=(labour.shown(), full.shown(), insertion.shown()),
        rules=(rule.shown(),) if rule else (),
        notes=tuple(notes),
        sources=(desk.source,),
        on=desk.on,
    )


def carriers(desk: Desk, ranking: Ranking, most: int) -> tuple[Carrier, ...]:
    """Who of a list could carry hours: structures of insertion to call for the lot itself, then those of its clause."""
    candidates, kinds = ranking.shortlist.candidates, desk.catalogue.of_structure("kind")
    ways: dict[int, tuple[str, str]] = {}
    for i in ranking.order[ranking.levels[ranking.order] == LIKELY].tolist():
        if kinds[candidates[i]] in SIAE_KINDS:
            ways[i] = (SERVICE, "à appeler pour le lot lui-même")
    for i, code, sentence in by_clause(ranking, most):
        ways.setdefault(i, ("mise à disposition" if code == "clause-hire" else SERVICE, sentence))
    chosen = list(ways)[:most]
    return tuple(
        Carrier(
            **codec.flat(match.structure, "siret, name=known_as, kind, town=place.label"),
            kilometres=match.distance_km,
            way=ways[i][0],
            reason=ways[i][1],
            verified=match.structure.active is True,
            source=source_name(match.structure.source) or "source non précisée",
        )
        for i, match in zip(chosen, desk.matcher.explained(ranking, chosen), strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Oeth:
    """What a purchase from an EA or ESAT takes off the employer's contribution, euros of the year."""

    purchase: float
    labour_cost: float
    deductible: float  # before the cap
    cap: float | None
    deduction: float | None  # None where the contribution is not known
    rate: float
    notes: tuple[str, ...]
    rules: tuple[str, ...]
    assumed: tuple[str, ...]
    on: date


def oeth(
    purchase: float,
    rate: float | None,
    *,
    on: date,
    contribution: float | None = None,
    labour_cost: float | None = None,
    labour: assumptions.Labour | None = None,
    headcount: float | None = None,
) -> Oeth:
    """The effect of a purchase before tax; `rate` is the direct employment rate from 0 to 1.

    By the rules `oeth.*` of a private employer, which a public one takes for an approximation: its contribution
    goes to another fund (`oeth.public`).  Raises BadInput where the rate is not given: it decides of everything.
    """
    if rate is None:
        depends = "l'effet sur l'OETH dépend du taux d'emploi direct de travailleurs handicapés"
        raise BadInput(f"{depends} : donnez-le, 4,2 pour 4,2 %")
    if not 0 <= rate <= 1:
        raise BadInput(f"un taux d'emploi de {100 * rate:g} % : donnez un taux entre 0 et 100 %")
    if not 0 < purchase < 1e11:
        raise BadInput(f"un achat de {purchase:g} € : donnez le montant hors taxes payé dans l'année")
    if contribution is not None and contribution < 0:
        raise BadInput("une contribution négative : donnez celle de l'année avant déductions, en euros")
    rules = {k: law.rule(f"oeth.{k}", on) for k in ("rate", "labour", "cap-low", "cap-high", "cap-from")}
    if any(rule is None for rule in rules.values()):
        known = "les règles de l'OETH ne sont connues que depuis le 01/01/2020"
        raise BadInput(f"{known} : la date du {on:%d/%m/%Y} est antérieure")
    figure = {code: float(rule.value or 0.0) for code, rule in rules.items() if rule is not None}
    default = assumptions.desk()["workshop_share"]
    share = labour.share if labour else default.value
    assumed = () if labour_cost is not None else (labour.shown() if labour else default.shown(),)
    cost = purchase * share if labour_cost is None else labour_cost
    if not 0 <= cost <= purchase:
        raise BadInput("le coût de la main-d'œuvre dépasse l'achat hors taxes : reprenez l'attestation")
    deductible = figure["labour"] * cost
    exempt = f"le taux d'emploi atteint {100 * figure['rate']:g} %" if rate >= figure["rate"] else ""
    exempt = "moins de vingt salariés" if headcount is not None and headcount < 20 else exempt
    part = figure["cap-high"] if rate >= figure["cap-from"] else figure["cap-low"]
    cap: float | None = None if contribution is None else part * contribution
    if exempt:
        cap, notes = 0.0, [f"{exempt} : aucune contribution n'est due, l'achat n'a pas d'effet"]
    elif cap is None:
        give = "donnez la contribution de l'année avant déductions pour connaître le plafond"
        notes = [f"au plus {100 * part:g} % de la contribution : {give}"]
    else:
        notes = [f"plafonné à {100 * part:g} % de la contribution"] if deductible > cap else []
    deduction = None if cap is None else min(deductible, cap)
    others = "les autres achats de l'année auprès d'EA et d'ESAT entrent sous le même plafond"
    notes.append(f"{ATTESTED} ; {others}")
    public = law.rule("oeth.public", on)
    if public is not None:
        notes.append(public.shown().removesuffix("."))
    return Oeth(
        purchase=purchase,
        labour_cost=cost,
        deductible=deductible,
        cap=cap,
        deduction=deduction,
        rate=rate,
        notes=tuple(notes),
        assumed=assumed,
        on=on,
        rules=tuple(rule.shown() for rule in rules.values() if rule is not None),
    )
