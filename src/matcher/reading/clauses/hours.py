"""The hours of insertion that a French notice states, with the lots they are for: "lot 1, 120 h ; lot 2, 240 h".

Every number that may be of hours is a quantity, with the words before and after it up to its neighbours.  Those of
something else (a course, a delay, the base of a share, what was owed before, what is done already) fall out; the
rest is a total, a number for each of several lots, a list to be added up, or one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from matcher.reading.clauses.grammar import any_of
from matcher.reading.clauses.sentences import Sentence, joined
from matcher.reference.prose import LOST, folded, lots_named

Told = list[tuple[float | None, frozenset[str]]]

_DIGITS = r"\d{1,3}(?:[ .\u202f]\d{3}){1,2}(?!\d)|\d{1,6}"
_NUMBER = rf"(?<!\d)(?<!\d[.,/-])(?P<number>{_DIGITS})(?:,(?P<decimals>\d{{1,2}}))?(?!\d)"
_UNIT = r"(?:h|heure?s?)\b"
_HOURS = re.compile(rf"{_NUMBER}\)?[ ._]*(?:\([^()\d]{{3,40}}\)\s*)?{_UNIT}(?! ?\d\d?\b(?! [a-z]))")
_BARE = re.compile(_NUMBER)
_WORDS = {
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
    "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16, "vingt": 20, "vingts": 20,
    "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "cent": 100, "cents": 100, "mille": 1000,
}  # fmt: skip
_ANY_WORD = "(?:" + "|".join(_WORDS) + r")\b"
_SPELT = re.compile(
    rf"\b(?P<words>{_ANY_WORD}(?:[\s-]+(?:et[\s-]+)?{_ANY_WORD})*)[\s-]+(?:le nombre d')?heures?\b"
)
#: The same number again for another lot: "le lot 2 en prévoit le double".
_AGAIN = re.compile(
    r"\b(?:(?:le|du|un) meme (?:volume|nombre|quota|effort)|autant|(?P<double>le double))\b(?! que)"
)
#: Times of the day, delays and rounds of the clock: blanked before any number is read.
_HOUR = r"(?:[01]?\d|2[0-4])"
_CLOCK = any_of(
    rf"\b{_HOUR}\s*(?:h|heures)\s*\d{{2}}\b|\b{_HOUR}\s*(?:h|heures)?\s*(?:-|/|a|et)\s*{_HOUR}\s*(?:h|heures)\b",
    r"\b24 ?h ?/ ?24",
    rf"\b(?:avant|entre|vers|sous|jusqu'a|d[e{LOST}]{{1,2}}lais? de|dans les|heures? limite[^.;\d]{{0,20}}|a partir de) \d{{1,2}}\s*(?:h|heures)\b",
    rf"\bdes {_HOUR} ?h(?:eures)?\b(?! (?:d'|d[eu]))",
    rf"\b(?:a|de) {_HOUR} ?h\b(?! (?:d'|d[eu]|par|minimum|maximum))|\b\w+ semaines de \d\d ?h\w*",
)

# ------------------------------------------------------------------------------- numbers without a unit

#: What a bare number follows when it is of the hours spoken of.
_OPENS = re.compile(
    r"(?:[:=|(?+]|\bsoit|\ben tout|\blire|\b(?:total|minim\w+|plancher|exig\w+|objectif|volume|nombre)(?: \w+)?(?: de| a)?|\bau moins|\bpar lots?,?"
    r"|\b(?:port|pass|ramen|fix|arret|etabli|elev|maint|mont|s'ele)\w*(?: de [\d .]+)? (?:il |elle )?(?:passe )?a|\best (?:fixe )?(?:de|a)|\bsur les|\ba hauteur de)"
    r"\s*(?:d'environ|environ|au moins|donc)?[\s.…_]*$"
)
#: A cell of a row, a line of a list, and one more of numbers told one after the other.
_IN_ROW = re.compile(r"(?:[/;|,]|\blots? \w[^.;:|\n]{0,40}|\n[^\n:]*[a-z)])\s*$")
_ROW_ENDS = re.compile(r"\s*(?:$|[\n;|.)(]|##|[—-]|total\b)")
_ONE_MORE = re.compile(r"(?:,|\bet|\bpuis|\bde) $")
_FOR_WHAT = re.compile(
    r"\s*(?:pour|sur|dans|au titre|a la charge|au lot|en (?:phase|tranche)|revien\w+|seront)\b"
)
_CLOSES = re.compile(
    r"\s*(?:$|[\n.,;:|)(/+—-]|(?:pour|sur|par|au|aux|a|et|dans|du|en|des|de|revien\w+|seront|prevu\w*|exige\w*|demande\w*|qu|environ)\b|[}\"])"
)
_SPEAKS_OF_HOURS = re.compile(rf"\b{_UNIT}|\bh\. ")

# ---------------------------------------------------------------------------------- what a number is of

#: What a number of hours is of, when it is not of insertion; and what hours are for a length of time.
_OTHER = (
    r"\b(?:"
    r"formation|ouvert|amplitude|astreinte|intervention|semaine|hebdo|pr.avis|(?<!volume )horaire|nuit\b|m.nage|nettoyage|pr.sence"
    r"|assistance|conduite|gardiennage|t.l.phon|retard|par jour|ouvr(?:abl|ees)|accueil|permanence|animation|cours\b|enseignement|interruption|encadrement|session|s.ance|visites"
    r"|accompagnement|d.placement|(?<!-)maintenance|surveillance|d.veloppement|int.rim\b|utilisation|fonctionnement|tutorat|occupation|conseil\b|engins|en centre|en entreprise)"
)
_OTHER_AFTER = re.compile(
    rf"^\s*(?:(?:de|d'|en|par|du|a|au|/)\s*)?(?:(?:la|l'|travail de|prestations? de|service d[e'])\s*)?(?:{_OTHER})"
)
_OTHER_BEFORE = re.compile(
    rf"(?:(?<!lot )(?<!phase )(?:{_OTHER})|d.lai)[^,;:()]*$|\bdur(?:.e de|e|ent|era|eront) $"
)
#: What a trade does in hours is of insertion where these words follow.
_ALL_THE_SAME = re.compile(r"^\s*(?:d'insertion|de travail|effectu|realis|travaill|confi)")
#: The base of a share ("5 % des 7 000 heures"), a rate ("70 heures par tranche de 100 000 €") and one of two ways.
_BASE_BEFORE = any_of(
    r"(?:%|pour ?cent) (?:des|de|du|sur) (?:les )?$|(?:^|[.;:])\W*sur (?:un total de |les )?$",
    r"\bcalcul\w* sur (?:la base de )?(?:les )?$|^\w pour $",
)
_RATE = any_of(
    r"^ pour $|\b(?:par|chaque|toute) tranches? de [\d .]{3,}",
    r"\b(?:pour|par) (?:chaque )?[\d .]{2,}(?:euros?|€|eur\b|k€|heures)",
)
#: What was owed before, done elsewhere or is taken back; a box left empty.
_NO_MORE = any_of(
    r"\b(?:initial\w*|au lieu d[e']|ancien\w*|auparavant|jusqu'ici|(?:av|et|dev|prevoy|propos|exige|impos|comport|envisage|demand|annonc|mentionn)(?:ait|aient))\b[^.;]{0,40}$",
    r"\b(?:precedent|sortant)\w*\b[^.;,]{0,40}$|\b(?:non|pas) (?:de |les? )?$",
    r"\bn(?:e |')\w+ (?:\w+ )?(?:pas|plus|nullement|aucune?)\b(?:(?!inf.rieur|moins|mais)[^.;:,]){0,30}$",
    r"\b(?:a|ont|deja|ayant) (?:\w+ )?(?:realise|effectue|accompli|execute) $|\bn'en a \w+ que $",
    r"\b(?:reste\w*|devez encore|manque\w*) (?:\w+ )?$|\bsupprim\w+ ?(?:(?!ajout|lire|rempla)[^.;]){0,90}$",
    r"\b(?:renonc|abandonn|annul)\w* [^.;,]{0,40}$|\bnon (?:encore )?(?:affermie|levee|retenue)\b[^.;]{0,50}$",
    r"[☐□]\s*$|\[ ?\]\s*$",
)
#: A number that replaces the one before it: "de 400 à 560 heures", "est porté à 560", "22 des 66".
_RAISED = re.compile(r"\b(?:port|pass|ramen|relev|augment|redui|abaiss|elev|mont)\w* (?:a|de) ?(?:\w+ )?$")
_OUT_OF = re.compile(r"\b(?:sur|des) (?:les |un total de )?$")
#: What one offers beyond what is owed, and what is owed.
_OFFERED = re.compile(r"\b(?:propos\w+|offr\w+|s'est engage\w*|souhait\w+|annonc\w+)\b[^.;]{0,30}$")
_FLOOR = re.compile(r"\b(?:minim\w+|mini|plancher|exig\w+|au moins)\b[^.;)]{0,50}$")
_PART = re.compile(r"\b(?:dont|y compris|parmi lesquelles|incluant|sur lesquelles)\b[^.;:]{0,12}$")
_YEARLY = re.compile(r"^[^.;,]{0,20}\b(?:par an|annuel|chaque annee|par lot|par mois|par personne|chacun)")
_OF_INSERTION = any_of(
    r"\binsertion|\bparcours|loign|demandeurs?|\bpublics?\b|personnes\b|\brsa\b|\bjeunes\b|ch.meur|habitants",
    rf"difficult|b.n.ficiaires|allocataires|travailleurs|{LOST}loign",
)
_TOTAL = re.compile(r"\btotal\w*|\bglobal|\ben tout\b|\bau cumul|\bcumul|\bensemble (?:de|du|des)\b")
_SO = re.compile(
    r"\b(?:soit|represente|a savoir|c'est-a-dire|donc)\b\s*(?:a |un total de |environ |\w+ ){0,2}$"
)
_EACH = re.compile(r"\b(?:chacune?s?|chaque|par lot)\b")
_UNSAID = any_of(
    r"\b(?:a|reste\w* a) (?:d.{1,2}terminer|d.{1,2}finir|pr.{1,2}ciser|fixer|convenir)",
    r"\bsera (?:pr.{1,2}cis|d.{1,2}fini|fix)|\bcorrespond a \d+ ?%",
)

# ------------------------------------------------------------------------------------- how far to read

#: Fewer hours than these, in a sentence that does not speak of insertion, are those of something else.
_FEW = 20
#: Characters of a list or a table that are read before the clause and after it.
_BACK, _AHEAD = 1_200, 3_000
#: What opens a sentence that goes on telling hours.
_GOES_ON = re.compile(
    r"^\W*(?:(?:et|puis|pour|sur|au titre|soit|en) )*(?:du |de la |le |la |les |l'|un |une )?(?:lots?\b|tranches?\b|phase|ann.{1,2}e|second|deuxi|premi|total|volume|nombre|minimum|objectif|quota|plancher|engagement|heures?\b|\d)"
)
_SOME_HOURS = re.compile(r"\d\s*\)?\s*(?:h|heures?)\b|\bheures?\b[^.;]{0,40}\d")
#: Numbers told one after the other, the lots before them or "respectivement" beside them.
_SERIES = re.compile(
    rf"(?<![\d.,/])(?:{_DIGITS})(?: ?{_UNIT})?(?:(?:,| et|, et| puis) (?:{_DIGITS})(?: ?{_UNIT})?)+(?!\d)"
)
#: The number of a lot that opens a bracket, or a row.
_LISTED = re.compile(
    r"(?:^|[\s,:])(?P<first>\d{1,2}) ?\([^()\d]*$|(?:\n|[—:;-] )0*(?P<row>[1-9]\d?) ?[|/;][^\n\d]*$"
)
#: What stands between the numbers of a list, and what makes it no list.
_APART = re.compile(r"^(?=.*[a-z]{3})[^.;|]{0,40}?(?:[,;|/+\n—-]|\. |\bet\b|\bpuis\b).{0,80}$", re.DOTALL)
_A_VERB = re.compile(
    r"\b(?:est|sont|sera|seront|propos\w+|plafonn\w+|maxim\w+|minim\w+|au moins|par (?:an|mois|salarie|personne)|engag\w+|penalit\w+)\b"
)
_LABELLED = re.compile(r"\blots?\b|\bsites?\b|\bphase|\btranche|\bann.{1,2}e|\|")
_NUMBER_OF_HOURS = re.compile(r"\W{0,3}(?:tel est )?le nombre d'heures")


def spelt(words: str) -> int:
    """The number that folded French words spell: "mille deux cents" is 1,200; 0 where there is none."""
    total = current = 0
    for word in re.split(r"[\s-]+", words.strip()):
        value = _WORDS.get(word, 0)
        if value == 1000:
            total, current = (total + max(current, 1) * 1000), 0
        elif value == 100:
            current = max(current, 1) * 100 if current < 100 else current + 100
        elif value == 20 and current % 100 == 4:
            current += 76  # quatre-vingts
        else:
            current += value
    return total + current


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that may be of hours, with the words from the last letter of the number before it to the one after it."""

    start: int
    end: int
    hours: float
    before: str = ""
    after: str = ""

    @property
    def near(self) -> str:
        """The words just beside it."""
        return f"{self.before[-30:]} # {self.after[:25]}"


def _value(found: re.Match[str], skipped: int = 0) -> float:
    whole = float(re.sub(r"\D", "", found.group("number")[skipped:]))
    decimals = found.group("decimals")
    return whole + (int(decimals) / 10 ** len(decimals) if decimals else 0.0)


def _blanked(run: str) -> str:
    """A run without times of the day, delays and rounds of the clock."""
    return _CLOCK.sub(lambda found: " " * len(found.group()), run)


def _with_unit(run: str) -> Iterator[Quantity]:
    """The numbers that say that they are of hours."""
    for match in _HOURS.finditer(run):
        skipped = 0
        number = match.group("number")
        if " " in number and re.search(r"\blots?\s*(?:n\s*°?\s*)?$", run[: match.start()][-12:]):
            skipped = number.index(" ") + 1  # "le lot 2 120 heures" is no 2,120
        yield Quantity(match.start() + skipped, match.end(), _value(match, skipped))
    for match in _SPELT.finditer(run):
        rate = re.match(r"\s*(?:pour|par)\b", run[match.end() :])  # "une heure pour 2 000 euros"
        if spelt(match.group("words")) > 1 or not rate:
            yield Quantity(match.start(), match.end(), float(spelt(match.group("words"))))


def _without_unit(run: str, known: list[Quantity]) -> Iterator[Quantity]:
    """The numbers that are of hours by their place: after a label, in a row, or after a number of hours."""
    reach = -200
    for match in _BARE.finditer(run):
        start, end = match.span()
        if any(one.start < end and start < one.end for one in known):
            reach = end
            continue
        before, after = run[max(0, start - 60) : start], run[end : end + 40]
        spoken = [found.end() for found in _SPEAKS_OF_HOURS.finditer(run, max(0, start - 180), start)]
        if start - max([reach, *spoken]) > 180 and not _NUMBER_OF_HOURS.match(after):
            continue
        if _value(match) < _FEW:
            continue
        if (
            _NUMBER_OF_HOURS.match(after)
            or (_OPENS.search(before) and _CLOSES.match(after))
            or (_IN_ROW.search(before) and _ROW_ENDS.match(after))
            or (_ONE_MORE.search(before) and _FOR_WHAT.match(after))
        ):
            reach = end
            yield Quantity(start, end, _value(match))


def _again(run: str, known: list[Quantity]) -> Iterator[Quantity]:
    """The numbers told as those of another lot."""
    for match in _AGAIN.finditer(run):
        earlier = [one.hours for one in known if one.end <= match.start()]
        if earlier and "lot" in run[max(0, match.start() - 60) : match.start()]:
            yield Quantity(*match.span(), earlier[-1] * (2 if match.group("double") else 1))


def _quantities(run: str) -> list[Quantity]:
    """Every number of a run that may be of hours, in order, each with the words around it."""
    known = list(_with_unit(run))
    known += list(_without_unit(run, known))
    known.sort(key=lambda one: one.start)
    found = sorted([*known, *_again(run, known)], key=lambda one: one.start)
    found = [one for one in found if one.hours >= 1]
    ends = [0, *(one.end for one in found)]
    starts = [*(one.start for one in found[1:]), len(run)]
    return [
        replace(one, before=run[max(0, end - 1) : one.start], after=run[one.end : start])
        for one, end, start in zip(found, ends, starts, strict=False)
    ]


def _is_owed(one: Quantity) -> bool:
    """Whether nothing beside a number says that it is of something else, or owed no more."""
    before = re.split(r"[.;,:()]|\bet\b", one.before[-48:])[-1]
    after = re.split(r"[.;,:()]|\bet\b", one.after[:32])[0]
    sentence = re.split(r"[.;]\s", one.before)[-1]
    return not (
        _OTHER_AFTER.match(after)
        or (_OTHER_BEFORE.search(before) and not _ALL_THE_SAME.match(one.after))
        or _BASE_BEFORE.search(one.before[-30:])
        or _RATE.search(sentence)
        or _RATE.search(re.split(r"[.;]", one.after[:60])[0])
        or _NO_MORE.search(one.before[-120:])
    )


def _in_force(found: list[Quantity]) -> list[Quantity]:
    """The numbers without those that another replaces, those offered beyond what is owed, and parts of another."""
    kept = found[:1]
    for one in found[1:]:
        earlier = kept[-1]
        raised = _RAISED.search(one.before) or (
            _RAISED.search(earlier.before) and re.match(r"\w?\s*(?:il passe )?a $", one.before)
        )
        if raised or _OUT_OF.search(earlier.after):
            kept[-1] = replace(
                one, before=earlier.before + one.before
            )  # with the lot that stands before both
        else:
            kept.append(one)
    floor = [one for one in kept if _FLOOR.search(one.before)]
    most = max(one.hours for one in kept)
    parts = False
    for one in kept[:]:
        parts = one.hours < most and bool(
            _PART.search(one.before[-30:]) or (parts and not re.search(r"[.;]", one.before))
        )
        beyond = bool(_OFFERED.search(one.before)) and one not in floor
        yearly = one.hours < most and _YEARLY.match(one.after)
        if len(kept) > 1 and (parts or (floor and beyond) or yearly):
            kept.remove(one)
    return kept


def _lots_of(piece: str) -> frozenset[str]:
    """The lots that a piece of text names last: "lot 2", or in a list "2 (" and in a row "02 | Charpente |"."""
    at = piece.rfind("lot")
    if at >= 0 and (lots := lots_named(piece[at:])):
        return lots
    listed = _LISTED.search(piece)
    return frozenset({listed.group("first") or listed.group("row")} if listed else ())


def _in_order(run: str) -> Told:
    """The hours told one after the other for lots told one after the other: "lots 1 et 2 : 90 h et 60 h"."""
    for series in _SERIES.finditer(run):
        numbers = [_value(found) for found in _BARE.finditer(series.group())]
        beside = (
            f"{run[max(0, series.start() - 20) : series.start()]} # {run[series.end() : series.end() + 40]}"
        )
        if min(numbers) < 10 or not ("respectivement" in beside or _SPEAKS_OF_HOURS.search(series.group())):
            continue
        at = run.rfind("lot", 0, series.start())
        lots = lots_named(run[at : series.start()]) if at >= 0 else frozenset()
        if not lots and "respectivement" in beside:
            lots = lots_named(run[series.end() :])
        if len(lots) == len(numbers):
            by_number = sorted(lots, key=lambda lot: (int(re.sub(r"\D", "", lot)), lot))
            return [(hours, frozenset({lot})) for hours, lot in zip(numbers, by_number, strict=True)]
        if "respectivement" in beside:
            return [(sum(numbers), frozenset())]
    return []


def _total(found: list[Quantity]) -> Told:
    """The number that is said to be the whole of others."""
    for at, one in enumerate(found[1:], 1):
        if one.hours > max(other.hours for other in found[:at]) and _SO.search(one.before[-40:]):
            return [(one.hours, frozenset())]  # "200 h par an, soit 600 h"
    for one in found:
        if len(found) > 1 and _TOTAL.search(one.near) and one.hours >= max(other.hours for other in found):
            return [(one.hours, frozenset())]
    return []


def _by_lot(run: str, found: list[Quantity]) -> Told:
    """The hours of each lot where every number has lots of its own on the same side, else nothing."""
    for beside in ([one.before for one in found], [one.after for one in found]):
        pieces = [_lots_of(piece) for piece in beside]
        if len(found) > 1 and all(pieces) and len(set(pieces)) > 1:
            given: dict[frozenset[str], float] = {}
            for one, piece in zip(found, pieces, strict=True):
                given.setdefault(piece, one.hours)
            rest = lots_named(run).difference(*pieces)
            unsaid: Told = [(None, rest)] if rest and _UNSAID.search(run) else []
            return [*((hours, piece) for piece, hours in given.items()), *unsaid]
    return []


def _times(run: str, one: Quantity) -> Told:
    """The one number told, for each of several lots or so many times over."""
    sentence = re.split(r"[.;](?:\s|$)", one.before)[-1]
    if not (_EACH.search(sentence) or _EACH.search(re.split(r"[.;,]", one.after[:50])[0])):
        return []
    in_brackets = re.search(r"\blots?\b[^.;()]{0,30}\((\d[\d, et]*)\)", sentence)
    lots = lots_named(f"lots {in_brackets.group(1)}") if in_brackets else _lots_of(sentence)
    if len(lots) > 1:
        return [(one.hours, frozenset({lot})) for lot in sorted(lots)]
    count = len(re.findall(r"\b(?:le|du|au) (?:lot|site|secteur|canton)\b", sentence))
    return [(one.hours * count, frozenset())] if count > 1 and not lots else []


def _listed(run: str, found: list[Quantity]) -> Told:
    """The sum of numbers told one after the other: of slices, of years, of trades."""
    between = [one.before for one in found[1:]]
    if len(found) < 2:
        return []
    if len({one.hours for one in found}) == 1 and not all(_LABELLED.search(piece) for piece in between):
        return []  # the same number said again
    if all(_APART.match(piece) and not _A_VERB.search(piece) for piece in between):
        return [(sum(one.hours for one in found), lots_named(run))]
    return []


def told(run: str) -> Told:
    """The hours of insertion that a folded run of sentences states, with the lots that each number is for.

    A stated total stands alone; hours that follow lots, one after the other, go to these lots; slices, years and
    trades told in a list are summed; else the first number holds for the lots that are named.
    """
    run = _blanked(run)
    named = lots_named(run)
    found = [one for one in _quantities(run) if _is_owed(one)]
    if not found:
        return [(None, named)]
    in_order = _in_order(run)
    if in_order:
        return in_order
    found = _in_force(found)
    by_lot = _by_lot(run, found)
    if by_lot:
        return by_lot
    total = _total(found)
    if total:
        parts = [one for one in found if one.hours != total[0][0]]
        by_lot = _by_lot(run, parts)
        return by_lot if sum(one.hours for one in parts) == total[0][0] and by_lot else total
    listed = _listed(run, found)
    if listed:
        return listed
    explicit = [one for one in found if _OF_INSERTION.search(re.split(r"[.;:]", one.after[:70])[0])]
    first = (explicit or found)[0]
    times = _times(run, first)
    if times:
        return times
    own = _lots_of(first.before) or lots_named(first.after)
    rest = named - own
    if own and rest and _UNSAID.search(run[first.end :]):
        return [(first.hours, own), (None, rest)]
    return [(first.hours, own or named)]


def _goes_on(before: str, sentence: str) -> bool:
    """Whether a sentence goes on telling the hours of those before it."""
    item = before[-1:] not in ".!?" and re.search(r"\d\d|\d ?%|n.ant|sans objet|aucune", sentence)
    if item:
        return True
    says = _SOME_HOURS.search(sentence) or _UNSAID.search(sentence) or _SPELT.search(sentence)
    if _GOES_ON.match(sentence):
        return bool(says or _AGAIN.search(sentence) or re.search(r"sans objet|n.ant|aucune", sentence))
    return bool(says and told(before)[0][0] is None)


def told_around(plain: str, spans: list[tuple[int, int]], at: int) -> tuple[Told, int]:
    """The hours told from sentence `at` on, else in the sentences around it, and where what was read ends."""

    start_of = spans[at][0]

    def near(one: int, other: int) -> bool:
        within = start_of - _BACK < spans[one][0] and spans[other][1] < start_of + _AHEAD
        return within and len(plain[spans[one][1] : spans[other][0]].strip()) <= 3

    low = last = at
    while low and near(low - 1, low) and plain[spans[low - 1][1] - 1] not in ".!?":
        low -= 1
    while last + 1 < len(spans) and near(last, last + 1):
        end, (start, stop) = spans[last][1], spans[last + 1]
        in_row = "|" in plain[end : stop + 3]
        if not in_row and not _goes_on(plain[spans[low][0] : end], plain[start:stop]):
            break
        last += 1
    found = told(plain[spans[low][0] : spans[last][1]])
    if found[0][0] is not None:
        return found, spans[last][1]
    high = last
    while low and at - low < 4 and near(low - 1, low):
        low -= 1
    while high + 1 < len(spans) and high - at < 12 and near(high, high + 1):
        high += 1
    wider = told(plain[spans[low][0] : spans[high][1]])
    some = sum(hours or 0 for hours, _ in wider) >= _FEW
    return (wider, spans[high][1]) if some else (found, spans[last][1])


class Listed:
    """The hours of a text, each number told once however often its sentence is asked."""

    def __init__(self, text: str, found: Sequence[Sentence]) -> None:
        self.text, self.spans = text, [one.span for one in found]
        self.heard = 0  # up to where hours were told

    @cached_property
    def plain(self) -> str:
        return folded(joined(self.text))

    def told_at(self, span: tuple[int, int]) -> Told:
        """The hours told from a sentence on, with their lots."""
        if span[0] < self.heard or span not in self.spans:
            return [(None, lots_named(self.plain[slice(*span)]))]
        found, last = told_around(self.plain, self.spans, self.spans.index(span))
        self.heard = max(self.heard, last)
        return found
