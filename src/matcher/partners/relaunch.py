"""A reserved lot that got no answer: whom to call, which small groups could take it, and what to change before asking again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from matcher.domain import Consortium, Lot, LotAnswer, Match, NotFound, Structure, Tender
from matcher.matching.engine import POOL, Matcher
from matcher.matching.groups import consortium
from matcher.reference import law
from matcher.reference.french import counted

MEMBERS = 4  # of a group: more is not put together in the weeks of a consultation


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaunch:
    """What a buyer does about a lot before it is asked for again."""

    lot: Lot
    call: tuple[Match, ...]  # likely and admissible, best first
    check: tuple[Match, ...]  # plausible and admissible, best first
    ask: tuple[Structure, ...]  # of which no trade is known, as the list names them
    teams: tuple[Consortium, ...]
    changes: tuple[str, ...]  # French: what to change in the lot, and what it brings


def relaunch(matcher: Matcher, tender: Tender, lot: str | None = None, n: int = 8) -> tuple[Relaunch, ...]:
    """For each reserved lot of a notice, or the one named by id or number.  Raises NotFound where there is none."""
    wanted = [x for x in tender.lots if (x.reservation if lot is None else lot in (x.id, x.number))]
    if not wanted:
        what = "lot réservé" if lot is None else f"lot {lot!r}"
        raise NotFound(f"l'avis {tender.id} n'a pas de {what} : donnez un lot par son numéro")
    return tuple(_of_lot(matcher, replace(tender, lots=(each,)), n) for each in wanted)


def _of_lot(matcher: Matcher, tender: Tender, n: int) -> Relaunch:
    (answer,) = answers = matcher.match(tender, POOL, groups=0).lots
    parts = matcher.parts(tender, answers, POOL)
    teams = consortium.recommend(answers, tender=tender, max_members=MEMBERS, parts=parts)
    admissible = [match for match in answer.matches if match.eligible is not False]
    able = {
        task: sum(m.level == "likely" and m.eligible is not False for m in parts[task].matches)
        for task in parts
    }
    split = (
        f"à part, {consortium.task_label(tender, task)} : {count}{'' if count < POOL else ' au moins'} à appeler"
        for task, count in able.items()
        if count
    )
    return Relaunch(
        lot=answer.lot,
        call=tuple(match for match in admissible if match.level == "likely")[:n],
        check=tuple(match for match in admissible if match.level == "plausible")[:n],
        ask=answer.asking[:n],
        teams=tuple(team for team in teams if len(team.members) > 1),
        changes=(*_changes(matcher, tender, answer), *split),
    )


def _changes(matcher: Matcher, tender: Tender, answer: LotAnswer) -> Iterator[str]:
    """Opening it to those of the other article, or without a reserve, a longer way, a smaller lot."""
    lot, either = answer.lot, (law.DISABILITY, law.INSERTION)
    if (held := lot.reservation) and len(open_ := set(either) & {*held.opened_by}) == 1:
        both = replace(lot, reservation=replace(held, articles=either, who=()))
        (wider,) = matcher.match(replace(tender, lots=(both,)), 1, groups=0).lots
        more = wider.likely + wider.plausible - answer.likely - answer.plausible
        if more > 0:
            to = "ESAT et EA" if law.INSERTION in open_ else "SIAE"
            yield f"réservé aussi aux {to} ({law.COMBINED}) : {counted(more, 'structure')} de plus"
    yield from answer.relaxations
    if answer.asked and answer.asked.carried != "alone":
        yield (
            "le lot est à la taille de plusieurs structures : divisez-le par lieu ou par prestation, ou laissez le temps "
            "de se grouper et dites que les groupements sont bienvenus"
        )
