"""The whole path of a tender, in one readable module: shortlist, signals, score, reasons, groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from matcher import plugins
from matcher.catalogue import denials
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import DECLARED
from matcher.catalogue.files import load_catalogue
from matcher.catalogue.filters import allowed_mask
from matcher.domain import (
    LEVEL_LABELS,
    Answer,
    Filters,
    Level,
    Lot,
    LotAnswer,
    Match,
    Offer,
    Reason,
    Recipe,
    Tender,
    __version__,
)
from matcher.learned import asks
from matcher.matching import by_clause, declared, judgement, reach, recipes, stored, suitability
from matcher.matching.parts import parts_of
from matcher.matching.ranking import LIKELY, PLAUSIBLE, UNLIKELY, Ranking, rotate_near_ties
from matcher.matching.reasons import missing, sentences, warnings
from matcher.matching.search import narrowed, query_of, shortlist_of
from matcher.matching.shortlist import Column, Query, Shortlist
from matcher.matching.suitability import eligible
from matcher.reference import deadline, paths
from matcher.reference.arrays import I64, Mask

#: Names of the levels of a ranking, by number.
LEVELS: tuple[Level, ...] = ("unlikely", "plausible", "likely")
DIGITS = 9  # decimals of a score that count
POOL = 25  # structures per lot among which groups are formed


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The outcome of one structure on one lot.

    `state` is filtered, denied, not-retrieved, other-place, ineligible, closed, below-floor or ranked.
    """

    lot: Lot
    state: str
    text: str  # French
    rank: int | None = None
    match: Match | None = None


class Matcher:
    """Answers tenders from a catalogue by a recipe.  Immutable, safe to share between threads."""

    def __init__(
        self, catalogue: Catalogue, recipe: Recipe | None = None, *, exhaustive: bool = False
    ) -> None:
        paths.model()  # all of them, whole: never another recipe for want of a file
        self.catalogue = catalogue
        self.exhaustive = exhaustive  # score every structure instead of a shortlist, for evaluation
        self.recipe = recipe or catalogue.recipe
        self.ranker = plugins.loaded("matching.rankers", self.recipe.ranker, self.recipe.ranker_options)
        #: Does the judgement rank leads, rather than past awards alone predicting winners?
        self.judges = self.recipe.judgement and self.has_directory and declared.reads(catalogue)
        if self.judges:
            self.ranker = judgement.shipped()
            stored.adopt(catalogue)
        self._signals = {name: plugins.find("matching.signals", name) for name in self.ranker.signals}

    @classmethod
    def load(cls, folder: str | Path, recipe: str | None = None) -> Matcher:
        """A matcher over the saved catalogue of a folder, with its own recipe unless one is named."""
        catalogue = load_catalogue(Path(folder))
        return cls(catalogue, recipes.named(recipe) if recipe else None)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of what produced an answer: code, data, recipe, encoder, ranker."""
        manifest = self.catalogue.manifest
        turn = f"draw of scale {self.recipe.rotation:g}, turn of {date.today().isoformat()}"
        rotation = {"rotation": turn} if self.recipe.daily else {}
        made = {"data": str(manifest["data"]), "built": str(manifest["built"]), "recipe": self.recipe.name}
        made = {"code": __version__, **made, "encoder": str(manifest["encoder"])}
        return rotation | made | {"ranker": self.ranker.fingerprint}

    # ------------------------------------------------------------------------------------ one lot

    def rank(
        self, query: Query, *, whole: bool = True, least: int = PLAUSIBLE, also: Mask | None = None
    ) -> Ranking:
        """Every candidate of a lot, scored and sorted; one entry per bidder.

        Where the judgement ranks, the score is the log-odds of a lead, else of winning, by past awards.  Unless `whole`,
        candidates whom the judgement cannot propose are left out, which is much faster: those below `least`, except plausible
        ones of `also`, a mask of structures.
        """
        deadline.check()
        ranker, some = self.ranker, self.judges and not whole
        everyone = shortlist_of(self.catalogue, query, exhaustive=self.exhaustive, coming=some)
        shortlist = self._measured(contenders(everyone, least, also) if some else everyone)
        nobody = dict.fromkeys(ranker.signals, np.zeros(0))  # filters or denials left nobody
        contributions = ranker.contributions(shortlist) if len(shortlist) else nobody
        scores = np.sum(list(contributions.values()), axis=0) if contributions else np.zeros(len(shortlist))
        chances = ranker.probability(scores)
        levels = self._levels(shortlist, chances)
        ranking = Ranking(
            shortlist=shortlist,
            everyone=everyone if some else shortlist,
            contributions=contributions,
            scores=scores,
            order=self._order(shortlist, scores, levels),
            chances=chances,
            levels=levels,
            judged=self.judges,
        )
        return self.rotated(ranking, query.as_of or date.today())

    def rank_each(
        self, queries: Sequence[Query], least: int = PLAUSIBLE, also: Mask | None = None
    ) -> Iterator[Ranking]:
        """Rankings of the lots of a notice, of those candidates who can be proposed (`rank` unless whole)."""
        return (self.rank(query, whole=False, least=least, also=also) for query in queries)

    def _measured(self, found: Shortlist) -> Shortlist:
        """The shortlist of a lot with one column for each signal of the ranker."""
        columns: dict[str, Column] = {}
        shortlist = replace(found, columns=columns)
        for name, signal in self._signals.items():  # each signal sees the columns before it
            columns[name] = signal.measure(shortlist)
        return shortlist

    def _order(self, shortlist: Shortlist, scores: Column, levels: I64) -> I64:
        """Positions of the best establishment of each bidder, best first: of those that can be proposed, where one can."""
        # equal scores, however they were summed, stay in row order, in which the establishments of one bidder are adjacent
        falling = -np.round(scores, DIGITS)
        turn = suitability.tie_break(shortlist) if self.judges else np.zeros(len(scores), dtype=np.int16)
        order = turn.argsort(kind="stable")  # of short numbers; lexsort takes twice as long
        order = order[falling[order].argsort(kind="stable")]
        count = len(order)
        if not count:
            return order
        places = np.empty(count, dtype=np.int64)
        places[order] = np.arange(count)
        places += np.where(levels == UNLIKELY, count, 0)
        return np.asarray(order[np.sort(np.minimum.reduceat(places, shortlist.bidders) % count)])

    def _levels(self, shortlist: Shortlist, chances: Column) -> I64:
        """The level of each candidate; without a judgement, LIKELY for every admissible one."""
        if self.judges:
            levels = suitability.judged_levels(shortlist, judgement.shipped().levels(chances))
            return np.where(suitability.asked_at_most(shortlist), np.minimum(levels, PLAUSIBLE), levels)
        may = suitability.admitted(shortlist)
        if self.has_directory:
            may = may & reach.proposable(self.catalogue)[shortlist.candidates]
        return np.where(may, LIKELY, UNLIKELY)

    def rotated(self, ranking: Ranking, day: date) -> Ranking:
        """The ranking with near-ties drawn for its lot, and for this day where the recipe says so."""
        return rotate_near_ties(ranking, self.recipe.rotation, day.isoformat() if self.recipe.daily else "")

    @cached_property
    def has_directory(self) -> bool:
        """Does the catalogue contain structures of a known kind or that say what they do, not only past suppliers?"""
        says = self.catalogue.nature_mask(("offer", "description"))
        return bool((self.catalogue.of_structure("kind") != "").any() or says.any())

    def queries(
        self,
        tender: Tender,
        *,
        filters: Filters | None = None,
        as_of: date | None = None,
        incumbents: bool = False,
    ) -> list[Query]:
        """One query for each lot; the texts of all lots are encoded at once."""
        read = asks.read(tender)
        # a lot whose own words tell no trade ("Secteur Sud") is given the title of the notice
        texts = [f"{one.context}. {one.text}" if one.context and self.judges else one.text for one in read]
        vectors = self.catalogue.encoder.encode(texts, role="query") if texts else ()
        made = partial(query_of, self.catalogue, filters=filters, as_of=as_of, incumbents=incumbents)
        return [
            made(lot, tender, one, text=text, vector=vector)
            for lot, one, text, vector in zip(tender.lots, read, texts, vectors, strict=True)
        ]

    # ------------------------------------------------------------------------------------ one tender

    def match(
        self,
        tender: Tender,
        n: int = 10,
        *,
        filters: Filters | None = None,
        as_of: date | None = None,
        incumbents: bool = False,
        groups: int = 3,
    ) -> Answer:
        """The best n structures of each lot with their reasons, and up to `groups` groups for the whole."""
        answers, rankings = [], []
        queries = self.queries(tender, filters=filters, as_of=as_of, incumbents=incumbents)
        for ranking in self.rank_each(queries):
            answers.append(self.answer(ranking, n))
            rankings.append(ranking.brief())
        consortia: tuple[Any, ...] = ()
        if groups:
            from matcher.matching.groups import consortium

            # groups draw on a larger pool than is shown: a structure covering two lots may rank third in each
            each = zip(answers, rankings, strict=True)
            pools = [replace(one, matches=self._pool(ranking, one.matches)) for one, ranking in each]
            parts = [*self._ranked_parts(tender, answers, filters, as_of)]
            found = {
                lot.id: LotAnswer(lot=lot, matches=self._pool(ranking))
                for ranking in parts
                for lot in (ranking.shortlist.query.lot,)
            }
            of_lot = {ranking.shortlist.query.lot.id: ranking for ranking in (*rankings, *parts)}

            def reasons(match: Match) -> tuple[Reason, ...]:
                """Those of whom a group takes, of the pool: most of it is in none."""
                if match.reasons:
                    return match.reasons
                ranking = of_lot[match.lot.id]
                return self._reasons(ranking, int(self._shown(ranking, POOL)[match.rank - 1]))[0]

            firms = self.firms(tender, of_lot if filters in (None, suitability.NONE) else {})
            consortia = consortium.recommend(
                pools, tender=tender, n=groups, parts=found, firms=firms, reasons_of=reasons
            )
        return Answer(tender=tender, lots=tuple(answers), consortia=consortia, versions=self.versions)

    def parts(
        self,
        tender: Tender,
        answers: Sequence[LotAnswer],
        n: int = POOL,
        *,
        filters: Filters | None = None,
        as_of: date | None = None,
    ) -> dict[str, LotAnswer]:
        """The first n for each part of the lots that require several trades, by the id of the need.

        Empty without a judgement: past awards do not distinguish the parts of a lot.
        """
        return {
            lot.id: LotAnswer(lot=lot, matches=self.explained(ranking, self._shown(ranking, n).tolist()))
            for ranking in self._ranked_parts(tender, answers, filters, as_of)
            for lot in (ranking.shortlist.query.lot,)
        }

    def _ranked_parts(
        self, tender: Tender, answers: Sequence[LotAnswer], filters: Filters | None, as_of: date | None
    ) -> Iterator[Ranking]:
        lots = tuple(part for each in answers if each.asked for part in parts_of(each.lot, each.asked))
        if not lots or not self.judges:
            return iter(())
        return self.rank_each(self.queries(replace(tender, lots=lots), filters=filters, as_of=as_of))

    def firms(self, tender: Tender, rankings: Mapping[str, Ranking] = {}) -> Callable[[Lot], Sequence[Match]]:
        """Ordinary firms for a lot of the tender or a part of one, see `groups.firms`; none without a judgement.

        `rankings` are those that are made, without filters, by the id of the lot or part.
        """
        from matcher.matching.groups import firms

        def of(lot: Lot) -> Sequence[Match]:
            if ranking := rankings.get(lot.id):
                return firms.of_lot(self, ranking.shortlist.query, ranking=ranking)
            return firms.of_lot(self, self.queries(replace(tender, lots=(lot,)))[0])

        return of if self.judges else lambda lot: ()

    def answer(self, ranking: Ranking, n: int = 10) -> LotAnswer:
        """The first n of a ranking as matches with reasons, and the facts about the lot as a whole.

        Likely candidates come first, then plausible ones; the others are counted, not shown.
        """
        shortlist = ranking.shortlist
        shown = self._shown(ranking, n)
        matches = self.explained(ranking, shown.tolist())
        relaxed = partial(self.rank, whole=False)
        to_ask, asking = suitability.to_ask(ranking, max(n, suitability.NAMED))
        return LotAnswer(
            lot=shortlist.query.lot,
            matches=matches,
            asked=shortlist.query.asked,
            nobody=self.nobody(ranking),
            relaxations=suitability.relaxations(ranking, relaxed) if len(matches) < n else (),
            by_clause=self._by_clause(ranking, dict(zip(shown.tolist(), matches, strict=True))),
            likely=suitability.count(ranking, LIKELY),
            plausible=suitability.count(ranking, PLAUSIBLE),
            to_ask=to_ask,
            asking=asking,
            considered=ranking.considered,
            calls_for=suitability.calls_for(ranking),
        )

    def _shown(self, ranking: Ranking, n: int) -> I64:
        """The candidates to show, best first, at most n."""
        order = ranking.order
        return order[ranking.levels[order] >= PLAUSIBLE][:n]

    def _by_clause(self, ranking: Ranking, explained: Mapping[int, Match]) -> tuple[Match, ...]:
        """Who could carry the hours of its clause; some are explained already, as answers of their own."""
        if not self.has_directory or not by_clause.clause_asked(ranking.shortlist.query.lot):
            return ()
        found = by_clause.by_clause(ranking)
        others = [i for i, *_ in found if i not in explained]
        known = {**explained, **dict(zip(others, self.explained(ranking, others), strict=True))}
        return tuple(
            replace(known[i], rank=rank, reasons=(Reason(code=code, text=text), *known[i].reasons))
            for rank, (i, code, text) in enumerate(found, 1)
        )

    def _pool(self, ranking: Ranking, shown: tuple[Match, ...] = ()) -> tuple[Match, ...]:
        """The structures among which groups are formed: those `shown`, and others without reasons."""
        more = self._shown(ranking, POOL)[len(shown) :].tolist()
        others = (self._match(ranking, i, rank, (), None) for rank, i in enumerate(more, len(shown) + 1))
        return (*shown, *others)

    def nobody(self, ranking: Ranking) -> bool:
        """True when no candidate is credible: no admissible one is at least plausible."""
        return not bool((ranking.levels >= PLAUSIBLE).any())

    def explain(self, ranking: Ranking, i: int, rank: int) -> Match:
        """Candidate i of a ranking as a match; the contributions of its reasons sum to its score."""
        return self.explained(ranking, [i], rank)[0]

    def explained(self, ranking: Ranking, chosen: Sequence[int], first: int = 1) -> tuple[Match, ...]:
        """These candidates as matches, see `explain`, of ranks from `first`."""
        told = {i: self._reasons(ranking, i) for i in chosen}
        silent = [i for i in chosen if told[i][1] is None]
        offers = dict(zip(silent, self._best_offers(ranking.shortlist, silent), strict=True))
        each = enumerate(chosen, first)
        return tuple(self._match(ranking, i, rank, told[i][0], told[i][1] or offers[i]) for rank, i in each)

    def _reasons(self, ranking: Ranking, i: int) -> tuple[tuple[Reason, ...], Offer | None]:
        """Contribution and explanation of each signal for candidate i, largest first, and the offer that one quotes, if any."""
        shortlist, reasons, quoted = ranking.shortlist, list[Reason](), None
        for name, signal in self._signals.items():
            value, add = float(shortlist.columns[name][i]), float(ranking.contributions[name][i])
            why = signal.explain(shortlist, i, value)
            quoted = quoted or why.offer
            passages = {"notice_passage": why.notice_passage, "offer_passage": why.offer_passage}
            tells = why.tells and value == value
            reasons.append(Reason(code=name, text=why.text, contribution=add, tells=tells, **passages))
        return tuple(sorted(reasons, key=lambda reason: -abs(reason.contribution))), quoted

    def _match(
        self, ranking: Ranking, i: int, rank: int, reasons: tuple[Reason, ...], offer: Offer | None
    ) -> Match:
        shortlist = ranking.shortlist
        row = int(shortlist.candidates[i])
        structure = self.catalogue.structure(row)
        may, others = eligible(shortlist, i), self.catalogue.establishments_of(structure.siren)
        return Match(
            lot=shortlist.query.lot,
            structure=structure,
            offer=offer,
            score=float(ranking.scores[i]),
            probability=float(ranking.chances[i]),
            rank=rank,
            reasons=reasons,
            missing=missing(structure),
            warnings=warnings(structure, may, shortlist.query.lot.reservation is not None),
            reach=reach.of(shortlist).pair(i, shortlist.query.demand.usual_km),
            eligible=may,
            other_places=tuple(siret for siret in others if siret != structure.siret),
            level=LEVELS[int(ranking.levels[i])] if ranking.judged else "",
            established=ranking.judged and suitability.established(ranking, i),
        )

    # ------------------------------------------------------------------------------------ why, why not

    def why(
        self, siret: str, tender: Tender, lot: str | None = None, *, filters: Filters | None = None
    ) -> tuple[Explanation, ...]:
        """What became of a structure on each lot of a tender (or on one, by its number or id).

        Raises NotFound for an unknown SIRET or lot.
        """
        row = self.catalogue.row(siret)
        return tuple(self._why(row, query) for query in self.queries(tender.only(lot), filters=filters))

    def _why(self, row: int, query: Query) -> Explanation:
        if excluded := self._excluded(row, query):
            return Explanation(lot=query.lot, state=excluded[0], text=excluded[1])
        ranking = self.rank(query)
        candidates = ranking.shortlist.candidates
        found = np.flatnonzero(candidates == row)
        if not len(found):
            text = "ni assez proche par le métier, ni par le lieu"
            return Explanation(lot=query.lot, state="not-retrieved", text=text)
        bidder = self.catalogue.of_structure("bidder")
        rank = int(np.flatnonzero(bidder[candidates[ranking.order]] == bidder[row])[0]) + 1
        match = self.explain(ranking, int(found[0]), rank)
        state, text = self._outcome(ranking, row, match)
        return Explanation(lot=query.lot, state=state, text=text, rank=rank, match=match)

    def _excluded(self, row: int, query: Query) -> tuple[str, str] | None:
        """State and text of a structure excluded before the search; None where it may be found."""
        allowed = allowed_mask(self.catalogue, query.filters, query.places)
        if allowed is not None and not allowed[row]:
            return "filtered", "écartée par vos filtres (type, lieu, mots, exclusions)"
        if denials.refuses(self.catalogue.denied.get(row, ()), query.lot, query.asked.trades):
            return "denied", "la structure dit que ce n'est pas son métier"
        return None

    def _outcome(self, ranking: Ranking, row: int, match: Match) -> tuple[str, str]:
        """State and text of a candidate whose bidder stands at `match.rank`."""
        position = f"rang {match.rank} sur {len(ranking.order)}"
        shown = int(ranking.shortlist.candidates[ranking.order[match.rank - 1]])
        if shown != row:
            other = self.catalogue.structure(shown)
            text = f"le même candidat est présenté par son établissement {other.siret} ({other.place.label})"
            return "other-place", f"{text}, {position}"
        if match.eligible is False:
            return "ineligible", f"{'; '.join(match.warnings)}, {position}"
        if match.structure.active is False:
            return "closed", f"établissement fermé, {position}"
        because = " ; ".join(sentences(match.reasons)) or "rien ne dit son métier"
        if ranking.levels[ranking.order[match.rank - 1]] < PLAUSIBLE:
            return "below-floor", f"peu probable pour ce lot, non montrée ({position}) : {because}"
        label = f"{LEVEL_LABELS[match.level]}, " if match.level else ""
        return "ranked", f"{label}{position}, car : {because}"

    def _best_offers(self, shortlist: Shortlist, chosen: Sequence[int]) -> list[Offer | None]:
        """Of these candidates, whom no reason quotes, what is nearest to the lot: declared, else a contract, else its name or code."""
        index, query = next(iter(self.catalogue.indexes.values()), None), shortlist.query
        if index is None:
            return [None] * len(chosen)

        def best(i: int) -> Offer | None:
            """Of the natures that tell most, of which it has any evidence."""
            each = (shortlist.rows_of(i, *natures) for natures in (DECLARED, ("award",), ("name", "naf")))
            if (rows := next(filter(len, each), None)) is None:
                return None
            return self.catalogue.offer(int(rows[index.compare(query.words, query.vector, rows).argmax()]))

        return [best(i) for i in chosen]


MANY = 2_000  # candidates; of fewer, what tells their trade is read of all, which costs less than a step of its own


def contenders(everyone: Shortlist, least: int = PLAUSIBLE, also: Mask | None = None) -> Shortlist:
    """Those that may be of this level at least, or likely to carry hours of a clause, and plausible ones of a mask of structures.

    Nobody else can be, whatever its texts (`Judgement.may_reach`).
    """
    some = everyone
    for known in judgement.STEPS if len(some) > MANY else judgement.STEPS[-1:]:
        if len(some):
            some = narrowed(some, _may_be_proposed(some, known, least, also))
    return some


def _may_be_proposed(some: Shortlist, known: tuple[str, ...], least: int, also: Mask | None) -> Mask:
    """Who may be of this level, or carry hours of a clause, as far as these columns tell; (n,)."""
    judge = judgement.shipped()
    if not some.query.asked.stated:
        return np.zeros(len(some), dtype=bool)
    kept = judge.may_reach(some, judge.likely if least == LIKELY else judge.plausible, {}, known)
    if also is not None:
        kept = kept | (also[some.candidates] & judge.may_reach(some, judge.plausible, {}, known))
    if some.query.filters.radius_km is not None:  # within it who is of the trade is plausible, however far
        kept = kept | judge.may_reach(some, judge.likely, suitability.ON_THE_SPOT, known)
    if by_clause.clause_asked(some.query.lot):
        chance = by_clause.least_chance(some.query.lot)
        kept = kept | judge.may_reach(some, chance, by_clause.asked(some), known)
    # a declared zone that excludes the lot is a refusal, whatever the distance
    return np.asarray(kept & reach.proposable(some.catalogue)[some.candidates] & ~reach.of(some).refused)
