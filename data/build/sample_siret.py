"""Make the SIRETs of `data/sample`: right by their check sums, attributed to nobody.

Usage: python data/build/sample_siret.py RANK [ESTABLISHMENT]

INSEE gives SIREN numbers in rising order and, to our knowledge, the lowest in its register is above
000 325 000: numbers below are free and stay so.  A made-up SIREN is 000, then 10000 + rank, then its Luhn digit; its SIRET
adds four digits for the establishment and the Luhn digit of the whole.
"""

from __future__ import annotations

import argparse

PREFIX, FIRST, RANKS = "000", 10_000, 20_000


def check_digit(number: str) -> str:
    """The digit that makes `number` followed by it pass the Luhn sum (ISO/IEC 7812-1)."""
    total = 0
    for position, char in enumerate(reversed(number)):
        value = int(char) * (1 if position % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def made_up_siren(rank: int) -> str:
    """The nine digits of a structure of the sample, by its rank (0 to 19,999)."""
    if not 0 <= rank < RANKS:
        raise ValueError(f"rank {rank} is not between 0 and {RANKS - 1}")
    stem = f"{PREFIX}{FIRST + rank:05d}"
    return stem + check_digit(stem)


def made_up_siret(rank: int, establishment: int = 1) -> str:
    """The fourteen digits of an establishment (1 to 9,999) of a structure of the sample."""
    if not 1 <= establishment <= 9_999:
        raise ValueError(f"establishment {establishment} is not between 1 and 9999")
    stem = f"{made_up_siren(rank)}{establishment:04d}"
    return stem + check_digit(stem)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rank", type=int)
    parser.add_argument("establishment", type=int, nargs="?", default=1)
    given = parser.parse_args()
    print(made_up_siret(given.rank, given.establishment))
