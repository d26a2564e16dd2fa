"""Parts of a lot that requires several trades, matched separately: a likely match for one may not be one for the whole."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from matcher.domain import Asked, Lot, Part, Structure
from matcher.reference.arrays import Mask
from matcher.reference.trades import INDIRECT_FIT, cover, named

INSERTION = "insertion"  # the trade of whoever executes a support with the people that it hires


def executed(asked: Asked) -> tuple[Part, ...]:
    """The parts of a lot of several trades that a member executes; empty for a lot of one trade.

    The support of people, beside another trade, is no part of its own, nor is a trade that neither words nor codes of its own
    ask for: it is another reading of the same words ("Lavage des véhicules").
    """
    told = [
        part for part in asked.several if part.cpv or part.words != part.label or part.label in asked.text
    ]
    kept = [part for part in told if part.trade != INSERTION] if len(told) > 1 else []
    whole = sum(part.share for part in kept)
    return tuple(replace(part, share=part.share / whole) for part in kept)


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
        for part in executed(asked)
    )


def named_first(asked: Asked) -> Part | None:
    """The part that the title of its notice names first, of a lot of several trades whose own words name none; else None."""
    parts = {part.trade: part for part in executed(asked)}
    return next((parts[trade] for trade in named(asked.context) if trade in parts), None)


def known(asked: Sequence[Part], structure: Structure) -> Mask:
    """The parts whose trade the structure declares, or its activity code indicates."""
    return np.array(cover([part.trade for part in asked], [structure])).ravel() >= INDIRECT_FIT
