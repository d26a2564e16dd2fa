"""Parts of a lot that requires several trades, matched separately: a likely match for one may not be one for the whole."""

from __future__ import annotations

from dataclasses import replace

from matcher.domain import Asked, Lot


def parts_of(lot: Lot, asked: Asked) -> tuple[Lot, ...]:
    """Each part as a lot of its own, with its words, codes and share of the amount; empty for a lot of one trade."""
    return tuple(
        replace(
            lot,
            id=part.id,
            title=part.words,
            description="",
            cpv=part.cpv,
            amount=None if lot.amount is None else lot.amount * part.share,
            trades=(part.trade,),
        )
        for part in asked.several
    )
