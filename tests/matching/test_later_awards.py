"""What was awarded after the day of a query is not known on that day: who won it moves no score."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

import made
from matcher.catalogue.build import build_catalogue
from matcher.domain import Award, Buyer, Holder, Place, Structure
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading.need import free_text_tender

DAY = date(2020, 6, 1)
WORK = (
    ("Nettoyage des bureaux de la mairie", "90919200"), ("Entretien des espaces verts", "77310000"),
    ("Travaux de peinture d'une école", "45442100"), ("Fourniture de repas en liaison froide", "15894200"),
    ("Collecte des papiers de bureau", "90500000"), ("Impression du bulletin municipal", "79810000"),
)  # fmt: skip


def town(number: int) -> Place:
    return Place(department="44", latitude=47.0 + number % 7 / 10, longitude=-1.5 + number % 5 / 10)


def siret(number: int) -> str:
    return f"{930000000 + number}00001"


def structures() -> list[Structure]:
    kinds, codes = ("EI", "ACI", "AI", "ETTI"), ("8121Z", "8130Z", "8899B")
    texts = {n: WORK[n % 6][0] if n % 2 else "" for n in range(24)}  # every other one is silent
    facts = {n: {"kind": kinds[n % 4], "naf": codes[n % 3], "place": town(n)} for n in texts}
    return [made.structure(siret(n), f"Structure {n}", text, **facts[n]) for n, text in texts.items()]


def awards() -> list[Award]:
    """A hundred and twenty contracts of 2019 and as many of 2021, of one or two holders, structures and ordinary firms."""
    found = []
    for n in range(240):
        objet, cpv = WORK[n % 6]
        holders = tuple(Holder(id=siret(at), name=f"Structure {at}") for at in {n * 7 % 60, n * n % 60})
        buyer = Buyer(id=f"2100{n % 9:05d}00001", name=f"Ville {n % 9}")
        day = date(2019 if n < 120 else 2021, 1 + n % 12, 3) if n % 7 else None
        facts = {"place": town(n), "holders": holders, "amount": 1000.0 * (n + 1), "notified": day}
        found.append(Award(uid=f"a{n}", title=f"{objet}, lot {n}", cpv=cpv, buyer=buyer, **facts))
    return found


def permuted(given: list[Award], seed: int) -> list[Award]:
    """The same awards in another order, the holders of those after DAY or without a day exchanged among them."""
    draw = np.random.default_rng(seed)
    later = [n for n, award in enumerate(given) if not award.notified or award.notified >= DAY]
    found = list(given)
    for n, other in zip(later, draw.permutation(later).tolist(), strict=True):
        found[n] = replace(given[n], holders=given[other].holders)
    return [found[n] for n in draw.permutation(len(found))]


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_who_holds_later_awards_moves_no_score(judged: bool, seed: int) -> None:
    recipe, given = replace(recipes.named("default"), judgement=judged), awards()
    both = (given, permuted(given, seed))
    held = (build_catalogue(structures(), awards, recipe, undated=DAY) for awards in both)
    pair = [Matcher(catalogue, recipe) for catalogue in held]
    for objet, _ in WORK:
        told = []
        for matcher in pair:
            query = matcher.queries(free_text_tender(objet, town(3)), as_of=DAY)[0]
            ranking = matcher.rank(query)
            sirets = matcher.catalogue.of_structure("siret")[ranking.shortlist.candidates]
            told.append(dict(zip(sirets.tolist(), ranking.scores.tolist(), strict=True)))
        assert told[0].keys() == told[1].keys()
        moved = max(abs(told[0][each] - told[1][each]) for each in told[0])
        assert moved < 1e-9, (objet, moved)


def test_the_order_of_the_files_changes_no_catalogue() -> None:
    given = (structures(), awards())
    one, other = (build_catalogue(*(each[::way] for each in given)) for way in (1, -1))
    assert one.manifest["data"] == other.manifest["data"]
