"""Awards as contracts: repeated rows, holders published apart and modifications of one contract are told apart."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from matcher.domain import Award, Holder
from matcher.reference.text import fold

Relation = Literal["single", "group", "framework", "modification", "unknown"]


def among(holders: tuple[Holder, ...], group_form: str | None, framework: bool) -> Relation:
    """What several holders of one contract are to each other."""
    if group_form in ("conjoint", "solidaire"):
        return "group"
    if len(holders) == 1:
        return "single"
    if len(holders) > 1 and (framework or group_form == "none"):
        return "framework"
    # Several holders, no form of group declared, no framework: most often a group, but not said.
    return "unknown"


def consolidate(awards: Iterable[Award]) -> list[Award]:
    """One Award a contract, in order of first appearance; four similar-looking cases are distinguished.

    - several rows of one contract (same uid, text, day and amount), each with a holder, are one award with several holders: a
      *group* where the form says so, a *framework* where it is one or "pas de groupement" is declared,
      else *unknown*;
    - a row that is a *modification* is no new win: the award keeps its first date and amount and is flagged
      "modified"; only a holder that a modification brought in gives an award of its own (relation "modification");
    - a *repeat* (same contract, holder, text, day and amount, under any uid) is dropped, the first flagged
      "repeated";
    - separate framework contracts with one buyer, text, day and amount and distinct holders are a framework
      with several holders published apart: each is kept with relation "framework".
    """
    contracts: dict[str, list[Award]] = {}
    for award in awards:
        contracts.setdefault(award.uid, []).append(award)
    merged = [award for rows in contracts.values() for award in _contracts(rows)]
    return _parallel_frameworks(_without_repeats(merged))


def _contracts(rows: list[Award]) -> Iterator[Award]:
    """The contracts under one uid (publishers give one id to several lots), with their modifications."""
    first = [row for row in rows if row.relation != "modification"]
    later = [row for row in rows if row.relation == "modification"]
    if not first:
        first, later = later[:1], later[1:]
    versions: dict[tuple[Any, ...], list[Award]] = {}
    for row in first:
        versions.setdefault((*_same(row), row.amount), []).append(row)
    contracts: list[Award] = []
    for same in versions.values():
        award = _joined(same)
        # The same text and holders under the same uid with another day or amount: the contract, updated.
        mark = fold(award.title), _names(award)
        twins = (at for at, other in enumerate(contracts) if mark == (fold(other.title), _names(other)))
        duplicate = next(twins, None) if award.holders else None
        if duplicate is None:
            contracts.append(award)
        else:
            contracts[duplicate] = _flagged(contracts[duplicate], "modified")
    if later:
        contracts[0] = _flagged(contracts[0], "modified")
        names = {name for row in contracts for name in _names(row)}
        for row in later:
            new = _distinct(h for h in row.holders if (h.id or h.name) not in names)
            if new:
                contracts.append(replace(row, holders=new, relation="modification"))
                names |= {holder.id or holder.name for holder in new}
    for number, award in enumerate(contracts, 1):
        yield award if number == 1 else replace(award, uid=f"{award.uid}:{number}")


def _joined(rows: list[Award]) -> Award:
    """Rows that differ by their holder alone, as one award."""
    base = rows[0]
    holders = _distinct(holder for row in rows for holder in row.holders)
    relation: Relation = base.relation
    if len(holders) > len(base.holders):
        framework = "accord-cadre" in base.nature or any(row.relation == "framework" for row in rows)
        relation = among(holders, base.group_form, framework)
    base = replace(base, holders=holders, relation=relation)
    return _flagged(base, "repeated") if len(holders) < sum(len(row.holders) for row in rows) else base


def _names(award: Award) -> set[str]:
    return {holder.id or holder.name for holder in award.holders}


def _flagged(award: Award, flag: str) -> Award:
    return award if flag in award.flags else replace(award, flags=(*award.flags, flag))


def _distinct(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    return tuple({holder.id or holder.name: holder for holder in holders}.values())


def _same(award: Award) -> tuple[Any, ...]:
    return (award.buyer.id, fold(award.title), award.notified, award.cpv)


def _without_repeats(awards: list[Award]) -> list[Award]:
    kept: dict[tuple[Any, ...], int] = {}
    result: list[Award] = []
    for award in awards:
        holders = tuple(sorted(_names(award)))
        key = (*_same(award), award.amount, holders, award.relation == "modification")
        if holders and key in kept:
            index = kept[key]
            result[index] = _flagged(result[index], "repeated")
            continue
        kept[key] = len(result)
        result.append(award)
    return result


def _parallel_frameworks(awards: list[Award]) -> list[Award]:
    together: dict[tuple[Any, ...], list[int]] = {}
    for index, award in enumerate(awards):
        if award.relation == "single" and "accord-cadre" in award.nature and award.amount is not None:
            together.setdefault((*_same(award), award.amount), []).append(index)
    for indexes in together.values():
        if len({awards[index].holders[0].siren for index in indexes}) > 1:
            for index in indexes:
                awards[index] = replace(awards[index], relation="framework")
    return awards
