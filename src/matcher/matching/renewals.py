"""Contracts about to end, from awards with a duration: a sourcing reminder for buyers, lead time for structures.

An award gives the scheduled end, not whether the contract is renewed: options, extensions and terminations are unknown.
"""

import calendar
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from matcher.domain import Award, Buyer, Filters, Holder, Lot, Place, Structure, Tender
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, Ranking
from matcher.matching.standing import level_of, way_in
from matcher.reference.french import long_day
from matcher.reference.text import fold, shorten

SOONEST, LATEST = 3, 18  # months from today within which a contract ends
NOTE = "Fin calculée : notification et durée publiées. Reconductions et prolongations ne sont pas toujours publiées."


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A contract about to end: its holders as published, and its calculated end."""

    id: str
    title: str
    buyer: Buyer
    holders: tuple[Holder, ...]
    cpv: str
    place: Place
    amount: float | None
    notified: date
    months: float
    ends: date
    source: str

    def sentence(self) -> str:
        """The renewal in French: object, buyer, holders, end."""
        held = ", ".join(h.name or h.id for h in self.holders) or "titulaire non publié"
        who = self.buyer.name or "acheteur non précisé"
        whose = f"{shorten(self.title, 120)} ({who}), tenu par {held}"
        return f"{whose}, se termine vers le {long_day(self.ends)}"


def months_after(day: date, months: float) -> date:
    """The day this many months later, clipped to the end of the month."""
    years, month = divmod(day.month - 1 + round(months), 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def renewals(
    awards: Iterable[Award],
    on: date,
    *,
    soonest: float = SOONEST,
    latest: float = LATEST,
    buyer: str = "",
    departments: Sequence[str] = (),
    cpv: Sequence[str] = (),
) -> list[Renewal]:
    """The contracts that end `soonest` to `latest` months after a day, earliest end first.

    `buyer` is a SIREN, a SIRET or words of a name, `cpv` prefixes.  A contract published or modified several times counts
    once, with the last end published.
    """
    low, high = months_after(on, soonest), months_after(on, latest)
    found: dict[tuple[str, ...], Renewal] = {}
    for award in awards:
        one = _of(award)
        if one is None or (buyer and not is_buyer(one.buyer, buyer)):
            continue
        if departments and (one.place.department or one.buyer.place.department) not in departments:
            continue
        if cpv and not one.cpv.startswith(tuple(cpv)):
            continue
        holders = sorted(h.siren for h in one.holders)
        key = (one.buyer.id[:9] or fold(one.buyer.name), fold(one.title), *holders)
        if key not in found or found[key].ends < one.ends:
            found[key] = one
    ending = (one for one in found.values() if low <= one.ends <= high)
    return sorted(ending, key=lambda one: (one.ends, one.id))


def _of(award: Award) -> Renewal | None:
    months = award.duration_months
    if award.notified is None or not months or not 1 <= months <= 600:
        return None
    place = award.place if award.place != Place() else award.buyer.place
    return Renewal(
        id=hashlib.sha256(award.uid.encode()).hexdigest()[:16],
        title=award.title,
        buyer=award.buyer,
        holders=award.holders,
        cpv=award.cpv or "",
        place=place,
        amount=award.amount,
        months=months,
        notified=award.notified,
        ends=months_after(award.notified, months),
        source=award.source or award.uid,
    )


def is_buyer(buyer: Buyer, named: str) -> bool:
    """Is this buyer meant by a SIREN, a SIRET, or words of its name?"""
    name = fold(name_and_town(buyer))
    return buyer.id.startswith(named[:9]) or all(word in name for word in fold(named).split())


def name_and_town(buyer: Buyer) -> str:
    """What a buyer is searched by in words."""
    return f"{buyer.name} {buyer.place.label}"


def _asked(matcher: Matcher, one: Renewal, filters: Filters | None = None) -> Ranking:
    """The ranking of structures for the contract if bought again."""
    places = (one.place,) if one.place != Place() else ()
    lot = Lot(id=one.id, title=one.title, cpv=(one.cpv,) if one.cpv else (), places=places)
    tender = Tender(id=one.id, format="decp", title=one.title, buyer=one.buyer, lots=(lot,))
    return matcher.rank(matcher.queries(tender, filters=filters)[0])


def of_structure(matcher: Matcher, structure: Structure, ending: Iterable[Renewal]) -> list[Renewal]:
    """Renewals in the trade and reach of a structure, by the same judgement as its opportunities."""
    only = Filters(sirets=(structure.siret,))
    rankings = ((one, _asked(matcher, one, only)) for one in ending)
    return [one for one, ranking in rankings if len(ranking.order) and level_of(ranking, structure) == LIKELY]


def followers(matcher: Matcher, one: Renewal, most: int = 20) -> list[str]:
    """SIRETs to notify of a renewal: structures likely to answer the contract, likeliest first."""
    ranking = _asked(matcher, one)
    catalogue, candidates = ranking.shortlist.catalogue, ranking.shortlist.candidates
    if not ranking.shortlist.query.located or not ranking.judged:
        return []
    kinds = catalogue.of_structure("kind")[candidates]
    likely = ranking.order[ranking.levels[ranking.order] == LIKELY].tolist()
    held = {holder.siren for holder in one.holders}
    all_sirets = catalogue.of_structure("siret")[candidates]
    sirets = [str(all_sirets[i]) for i in likely if way_in(str(kinds[i]), ranking) == "self"]
    return [siret for siret in sirets if siret[:9] not in held][:most]
