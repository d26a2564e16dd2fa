"""Hours of insertion of a contract, who could carry them, and what a purchase lowers of the OETH contribution.

Hours worked = amount x share of labour / cost of an hour; both come from the table of assumptions
(`labour.csv`), are shown with the answer and can be given instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from matcher.domain import KINDS, LENDING_KINDS, SIAE_KINDS, BadInput, Place
from matcher.matching.ranking import PLAUSIBLE
from matcher.reference import law
from matcher.reference.places import precise
from matcher.territory import assumptions
from matcher.territory.supply import Mask, Supply

STAFF = "personnel"  # the trade of who lends staff
SHARES = (0.05, 0.07, 0.10)
WORKS = frozenset(
    ["demolition", "maconnerie", "charpente-couverture", "menuiserie", "platrerie", "peinture", "sols", "electricite",
     "plomberie-chauffage", "metallerie", "voirie-reseaux", "entretien-batiment", "patrimoine"]
)  # fmt: skip
#: Who lends staff whose hours count as insertion.


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a share of the hours worked means."""

    share: float
    hours: float
    fte: float  # full-time equivalents over the whole duration
    fte_insertion: float  # by the hours that an ACI's convention counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A structure in reach that could carry hours, and how."""

    siret: str
    name: str
    kind: str
    town: str
    kilometres: float | None
    way: str  # "mise à disposition" or "prestation (sous-traitance ou cotraitance)"
    reason: str
    borne: float  # hours it was already asked for within a year
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
    lending: tuple[Carrier, ...]
    serving: tuple[Carrier, ...]
    in_reach: int
    assumed: tuple[str, ...]
    rules: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    on: date


def labour_of(trades: Sequence[str], cpv: Sequence[str] = ()) -> assumptions.Labour:
    """The row of the first trade that the table knows, else of the nature of the CPV code."""
    table = assumptions.labour()
    for trade in trades:
        if trade in table:
            return table[trade]
    nature = nature_of(trades, cpv)
    return table.get(nature, table["rest"]) if nature else table["rest"]


def nature_of(trades: Sequence[str], cpv: Sequence[str] = ()) -> str:
    """ "works", "supplies" or "services" by the main CPV code, else by the trades, else ""."""
    if cpv:
        division = int(cpv[0][:2])
        return "works" if division == 45 else "supplies" if division < 45 or division == 48 else "services"
    if trades:
        return "works" if set(trades) & WORKS else "services"
    return ""


def worked(amount: float, labour: assumptions.Labour) -> float:
    """Hours worked that an amount before tax pays for.  Raises BadInput for an amount that is none."""
    if not 0 < amount < 1e11:
        raise BadInput(
            f"un montant de {amount:g} € : donnez le montant hors taxes de tout le marché, en euros"
        )
    return amount * labour.share / labour.hourly_cost


def lending(supply: Supply, trades: Sequence[str], place: Place | None) -> Mask:
    """Who lends staff and could be asked for hours at a place: by the judgement, else by distance; (n,)."""
    kinds = np.isin(supply.kinds, list(LENDING_KINDS))
    if supply.judged is not None:
        return np.asarray(kinds & (supply.levels((STAFF, *trades), place) >= PLAUSIBLE))
    return kinds if place is None else np.asarray(kinds & supply.reach(place))


def serving(supply: Supply, trades: Sequence[str], place: Place | None) -> Mask:
    """Structures of insertion to call for one of these trades at a place; (n,)."""
    return np.asarray(np.isin(supply.kinds, list(SIAE_KINDS)) & supply.able(trades, place))


def plan(
    supply: Supply,
    *,
    amount: float,
    trades: Sequence[str],
    place: Place | None = None,
    cpv: Sequence[str] = (),
    months: float | None = None,
    labour: assumptions.Labour | None = None,
    shares: Sequence[float] = SHARES,
    most: int = 10,
) -> Hours:
    """Hours for each share (0 to 1), in full-time equivalents, and who in reach could carry them.

    Without `months` the equivalents are of one year.  Raises BadInput on a share or a duration out of bounds.
    """
    for share in shares:
        if not 0 < share <= 1:
            raise BadInput(f"une part de {share:g} : donnez une part des heures travaillées entre 0 et 100 %")
    if months is not None and not 0 < months <= 600:
        raise BadInput(f"une durée de {months:g} mois : donnez la durée du marché en mois")
    desk = supply.desk
    chosen = labour or labour_of(trades, cpv)
    total = worked(amount, chosen)
    years = (months or 12.0) / 12.0
    targets = tuple(
        Target(
            share=share, hours=total * share, fte=total * share / (desk["fte_hours"].value * years),
            fte_insertion=total * share / (desk["fte_hours_insertion"].value * years),
        )
        for share in shares
    )  # fmt: skip
    lends, serves = lending(supply, trades, place), serving(supply, trades, place)
    notes = []
    if place is None:
        notes.append("lieu inconnu : toutes les structures du catalogue sont comptées, sans distance")
    if months is None:
        notes.append("durée inconnue : les équivalents temps plein sont ceux d'une seule année")
    if total * min(shares) < desk["clause_hours"].value:
        notes.append(
            f"à {min(shares):.0%} la clause fait {total * min(shares):.0f} heures, moins que les "
            f"{desk['clause_hours'].value:g} heures en dessous desquelles elle ne vaut pas d'être suivie".replace(
                "%", " %"
            )
        )
    notes.append(
        "trois façons de tenir les heures : embauche directe par le titulaire (candidats proposés par le facilitateur), "
        "mise à disposition (AI, ETTI, GEIQ), sous-traitance ou cotraitance avec une structure d'insertion"
    )
    rule = law.rule("clause.execution", supply.on)
    return Hours(
        amount=amount, months=months, labour=chosen, worked=total, targets=targets,
        lending=_carriers(supply, lends, place, "mise à disposition", trades, most),
        serving=_carriers(supply, serves, place, "prestation (sous-traitance ou cotraitance)", trades, most),
        in_reach=supply.bidders_of(lends | serves),
        assumed=(chosen.shown(), *(desk[k].shown() for k in _used(supply))),
        rules=(rule.shown(),) if rule else (), notes=tuple(notes), sources=(supply.source(),), on=supply.on,
    )  # fmt: skip


def _used(supply: Supply) -> tuple[str, ...]:
    """The assumptions behind a plan; a radius only where no judgement tells who comes."""
    return ("fte_hours", "fte_hours_insertion", *(() if supply.judged is not None else ("reach_km",)))


def _carriers(
    supply: Supply,
    mask: np.ndarray[tuple[int], np.dtype[np.bool_]],
    place: Place | None,
    way: str,
    trades: Sequence[str],
    most: int,
) -> tuple[Carrier, ...]:
    distance = supply.kilometres(place) if place is not None else np.full(len(supply), np.nan)
    able = supply.able(trades, place)
    at = np.flatnonzero(mask)
    keys = [
        (
            not able[i],
            (
                supply.standings.get(supply.structures[i].siret, None) is not None
                and supply.standings[supply.structures[i].siret].hours
            )
            or 0.0,
            np.nan_to_num(distance[i], nan=1e6),
            int(i),
        )
        for i in at
    ]
    found: dict[int, Carrier] = {}
    for _, borne, _, i in sorted(keys):
        s = supply.structures[i]
        known = place is not None and precise(place) and not np.isnan(distance[i])
        kilometres = round(float(distance[i]), 1) if known else None
        reason = (
            "son métier, d'après ce qui est connu d'elle"
            if able[i]
            else f"{KINDS.get(s.kind, s.kind)} : prête du personnel, métier à lui demander"
        )
        day = s.updated or s.checked
        found.setdefault(
            int(supply.bidders[i]),
            Carrier(
                siret=s.siret, name=s.brand or s.name, kind=s.kind, town=s.place.label, kilometres=kilometres, way=way,
                reason=reason, borne=float(borne), verified=s.active is True,
                source=f"{s.source or 'source non précisée'}{f', {day:%d/%m/%Y}' if day else ', date non précisée'}",
            ),
        )  # fmt: skip
        if len(found) >= most:
            break
    return tuple(found.values())


# -------------------------------------------------------------------------------------------------- OETH


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


def _checked(purchase: float, rate: float | None, contribution: float | None) -> float:
    """The employment rate, if it and the amounts are possible.  Raises BadInput."""
    if rate is None:
        raise BadInput(
            "l'effet sur l'OETH dépend du taux d'emploi direct de travailleurs handicapés : donnez-le, 4,2 pour 4,2 %"
        )
    if not 0 <= rate <= 1:
        raise BadInput(f"un taux d'emploi de {100 * rate:g} % : donnez un taux entre 0 et 100 %")
    if not 0 < purchase < 1e11:
        raise BadInput(f"un achat de {purchase:g} € : donnez le montant hors taxes payé dans l'année")
    if contribution is not None and contribution < 0:
        raise BadInput(
            "une contribution négative : donnez la contribution de l'année avant déductions, en euros"
        )
    return rate


def _capped(
    deductible: float,
    rate: float,
    contribution: float | None,
    headcount: float | None,
    figure: Mapping[str, float],
) -> tuple[float | None, float | None, list[str]]:
    """Cap, deduction (None where the contribution is unknown) and notes."""
    if headcount is not None and headcount < 20:
        why = "moins de vingt salariés : aucune contribution n'est due, l'achat n'a pas d'effet"
        return 0.0, 0.0, [why]
    if rate >= figure["rate"]:
        why = f"le taux d'emploi atteint {100 * figure['rate']:g} % : aucune contribution n'est due, l'achat n'a pas d'effet"
        return 0.0, 0.0, [why]
    part = figure["cap-high"] if rate >= figure["cap-from"] else figure["cap-low"]
    if contribution is None:
        why = f"au plus {100 * part:g} % de la contribution : donnez la contribution de l'année avant déductions pour connaître le plafond"
        return None, None, [why]
    cap = part * contribution
    capped = [f"plafonné à {100 * part:g} % de la contribution"] if deductible > cap else []
    return cap, min(deductible, cap), capped


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
    rate = _checked(purchase, rate, contribution)
    rules = {
        code: law.rule(f"oeth.{code}", on) for code in ("rate", "labour", "cap-low", "cap-high", "cap-from")
    }
    if any(rule is None for rule in rules.values()):
        raise BadInput(
            f"les règles de l'OETH ne sont connues que depuis le 01/01/2020 : la date du {on:%d/%m/%Y} est antérieure"
        )
    figure = {code: float(rule.value or 0.0) for code, rule in rules.items() if rule is not None}
    default = assumptions.desk()["workshop_share"]
    share = labour.share if labour else default.value
    assumed = () if labour_cost is not None else (labour.shown() if labour else default.shown(),)
    cost = purchase * share if labour_cost is None else labour_cost
    if not 0 <= cost <= purchase:
        raise BadInput(
            "le coût de la main-d'œuvre ne peut dépasser l'achat hors taxes : reprenez celui de l'attestation"
        )
    deductible = figure["labour"] * cost
    cap, deduction, notes = _capped(deductible, rate, contribution, headcount, figure)
    notes.append(
        "seule fait foi l'attestation annuelle que le fournisseur (EA, ESAT) remet à l'acheteur, avec le coût de la "
        "main-d'œuvre de l'année ; les autres achats de l'année auprès d'EA et d'ESAT entrent sous le même plafond"
    )
    public = law.rule("oeth.public", on)
    if public is not None:
        notes.append(public.shown().removesuffix("."))
    return Oeth(
        purchase=purchase, labour_cost=cost, deductible=deductible, cap=cap, deduction=deduction, rate=rate, notes=tuple(notes),
        rules=tuple(rule.shown() for rule in rules.values() if rule is not None), assumed=assumed, on=on,
    )  # fmt: skip
