"""Parts of a lot that requires several trades, matched separately: a likely match for one may not be one for the whole."""

from __future__ import annotations

from dataclasses import replace

from matcher.domain import Lot
from matcher.reference import needs


def parts_of(lot: Lot) -> tuple[Lot, ...]:
    """Each part as a lot of its own, with the id of its need; empty for a lot of one trade."""
    return tuple(_part(lot, need) for need in needs.split(lot))


def _part(lot: Lot, need: needs.Need) -> Lot:
    """The lot restricted to one need: its words, codes and share of the amount."""
    says = (
        need.passage
        if {one.trade for one in needs.asked(Lot(id="", title=need.passage))} == {need.trade}
        else need.label
    )
    amount = None if lot.amount is None else lot.amount * need.weight
    return replace(lot, id=need.id, title=says, description="", cpv=need.cpv, amount=amount)
