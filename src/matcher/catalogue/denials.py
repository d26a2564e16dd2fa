""" "Ce n'est pas notre métier": the trades a structure denies, and the lots that this excludes permanently.

A skill is "trade:" with a trade of the table, "cpv:" with leading digits, or "offer:" with the id of an offer or a
hash of its title (`titled`), which survives renumbering when lists are fetched again.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace

from matcher.domain import BadInput, Lot, Structure
from matcher.reference import trades as trades_
from matcher.reference.codes import cpv_label
from matcher.reference.text import fold, shorten


def titled(title: str) -> str:
    """The hash of an offer's title."""
    return f"~{hashlib.sha256(fold(title).encode()).hexdigest()[:16]}"


def skill(text: str) -> str:
    """A denied skill as it is kept, from its own form or from words ("blanchisserie").

    Raises BadInput where the words name no known trade.
    """
    what, _, value = text.strip().partition(":")
    if what == "trade" and any(trade.name == value for trade in trades_.trades()):
        return f"trade:{value}"
    if what == "cpv" and value.isdigit() and 2 <= len(value) <= 8:
        return f"cpv:{value}"
    if what == "offer" and value:
        return f"offer:{value[:190]}"
    named = next(iter(trades_.named(text)), "")
    if not named:
        raise BadInput(
            f"{shorten(text, 60)!r} names no known trade: write cpv:DIGITS, offer:ID, or the trade in plain words"
        )
    return f"trade:{named}"


def label(denied: str) -> str:
    """The label for people: the trade, the CPV class, or that it is one offer."""
    what, _, value = denied.partition(":")
    if what == "trade":
        return next((trade.label for trade in trades_.trades() if trade.name == value), value)
    if what == "cpv":
        return f"{cpv_label(value.ljust(8, '0')) or 'famille'} (CPV {value}…)"
    return "une offre de votre fiche"


def trades(denied: Iterable[str]) -> frozenset[str]:
    """The trades denied by name."""
    return frozenset(value for what, _, value in (d.partition(":") for d in denied) if what == "trade")


def refuses(denied: Collection[str], lot: Lot, asked: Collection[str]) -> bool:
    """Whether the lot, which asks for these trades, asks only for denied ones: its main CPV is of a denied class, or all its trades are.

    A lot that asks for a denied trade among others may be answered.
    """
    codes = tuple(value for what, _, value in (d.partition(":") for d in denied) if what == "cpv")
    if codes and lot.cpv and lot.cpv[0].startswith(codes):
        return True
    gone = trades(denied)
    if not lot.cpv or "cpv" in lot.inferred:
        gone |= set(trades_.trades_of_cpv(code.ljust(8, "0") for code in codes))
    return bool(asked) and gone.issuperset(asked)


def touches(denied: Collection[str], lot: Lot, asked: Collection[str]) -> bool:
    """Whether any trade of the lot is denied."""
    return refuses(denied, lot, asked) or not trades(denied).isdisjoint(asked)


def applied(structure: Structure, denied: Iterable[str]) -> Structure:
    """The structure without the offers that it denies, nor what was inferred of a trade that it denies."""
    skills = tuple(sorted({*structure.denied, *denied}))
    if not skills:
        return structure
    ids = {value for what, _, value in (d.partition(":") for d in skills) if what == "offer"}
    gone = trades(skills)
    kept = tuple(
        offer
        for offer in structure.offers
        if offer.id not in ids
        and titled(offer.title) not in ids
        and not (
            offer.inferred and (found := set(trades_.named(f"{offer.title}. {offer.text}"))) and found <= gone
        )
    )
    return replace(structure, offers=kept, denied=skills)
