"""The parts of a lot that asks for several trades, each asked for itself: who is likely for one may not be for the whole."""

from __future__ import annotations

from dataclasses import replace

from matcher.domain import Lot
from matcher.reference import needs


def parts_of(lot: Lot) -> tuple[Lot, ...]:
    """Each part as a lot of its own, with the id of its need; empty where the lot asks for one trade."""
    return tuple(_part(lot, need) for need in needs.split(lot))


def _part(lot: Lot, need: needs.Need) -> Lot:
    """The lot cut down to one need: its words, its codes, its share of the amount."""
    says = (
        need.passage
        if {one.trade for one in needs.asked(Lot(id="", title=need.passage))} == {need.trade}
        else need.label
    )
    amount = None if lot.amount is None else lot.amount * need.weight
    return replace(lot, id=need.id, title=says, description="", cpv=need.cpv, amount=amount)
