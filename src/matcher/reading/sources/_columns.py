"""Which field a column holds, by its heading and by its cells, and the user's corrections of that.

A heading claims a field by how much of its words an alias of the field covers, each word weighed by how few fields it
serves.  The cells confirm a claim, contradict it, or make one alone: fourteen digits are a SIRET under any heading.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from matcher.console import say
from matcher.domain import BadInput, Offer
from matcher.reading.sources import Columns, _structure, _zones
from matcher.reading.sources._places import department_names, loosely, postcode_of
from matcher.reading.sources._tabular import Placed
from matcher.reference import places, tables, toponyms, trades
from matcher.reference.identifiers import clean_naf, number_of, siren_valid
from matcher.reference.text import clean, fold, shorten

Aliases = Mapping[str, Sequence[str]]
Cells = Mapping[str, Sequence[str]]  # heading -> some of its cells
#: Field -> the headings it is known by, by kind of list (accents, case, underscores and plurals do not matter).
HEADINGS: Mapping[str, Any] = tables.lists("headings.json")

AHEAD = 200  # rows seen before columns are settled
SEEN = 60  # cells of a column that are weighed
SURE = 0.42  # merit from which a column is that of a field
ALONE = 0.6  # share of cells that makes a column that of a field whatever its heading
VALUE = "kind:"  # a correction of a value: "kind:Tiers-lieu" -> "ESS"
SHEET = "sheet:"  # of a whole sheet: "sheet:Prospects" -> none
NONE = frozenset(("", "none", "aucune", "aucun"))  # a column that is none, or a sheet that is not read
SAVED = "profile:"  # before the field of a saved correction, which binds where its column is: "profile:name" -> "Nom"

_EMPTY_WORDS = frozenset(
    "de du des d la le les l un une et ou n no s votre vos notre nos vous quel quelle quelles est en a au aux "
    "dans etes sur the of your".split()
)
#: A heading that begins so counts, dates or codes the thing: "nb postes" is no post, "date creation" no creation.
_QUALIFIERS = frozenset("nb nombre tranche date dt annee code id identifiant contact flag type taux".split())
#: Headings of what is no field here: they keep a column from being taken for another by one common word.
_NO_FIELD = HEADINGS["no field"]
#: Field -> the headings of what a structure says that it does, in any list (accents, case and plurals do not matter).
TEXTS: Aliases = HEADINGS["texts"]


# ------------------------------------------------------------------------------------------------ what cells look like


def _town(cell: str) -> bool:
    name = re.sub(r"^\d{5}\s+|\s{0,9}\(\w{2,5}\)$|,\s?\w{2,3}$|\s{1,9}cedex.*$", "", cell.strip(), flags=re.I)
    if len(name) >= 50 or name[:1].islower():
        return False
    loose = loosely(cell)  # "St-Étienne, Côte Chaude"
    return loose is None or any(map(places.precise, loose))


def _area_named(cell: str) -> bool:
    """One department by its name, its number aside ("Morbihan (56)")."""
    return places.area_named(re.sub(r"\b\d[\dABab]{1,2}\b", "", cell))[0] is not None


_NUMBERS = re.compile(r"\d+(?!\d*\s*km)")


@lru_cache(2_000)
def _areas(cell: str) -> bool:
    """A zone by its words: a number may be any other."""
    return len(cell) < 120 and _zones.zone_of(_NUMBERS.sub(" ", cell))[0] is not None


def _goes(cell: str) -> bool:
    """An area, a country (“Choletais”), or places one of which is known: beside a place it is where the structure goes."""
    parts = map(str.strip, re.split("[,;/+]", cell)) if len(cell) < 120 else ()
    named = (part for part in parts if part[:1].isupper())
    return any(_COUNTRY.fullmatch(part) or toponyms.named(part) for part in named) or _areas(cell)


_COUNTRY = re.compile(
    r"(?:(?:nord|sud|est|ouest|haut|bas|grand|pays|le)[ -])?[A-ZÀ-Ý][^\W\d]{3,}(?:ais|ois)"
    r"|(?:nord|sud|est|ouest)(?: \w+)?",
    re.I,
)


_TICKED = frozenset("x v o y 1 oui yes vrai true".split())
UNTICKED = frozenset(("non", "no", "0", "n", "false", "faux", "-", ""))


def is_mark(cell: str) -> bool:
    """Is this a tick, or the lack of one, whatever the sign?"""
    sign = fold(cell).strip(" ()")
    return sign in _TICKED or sign in UNTICKED or (len(sign) <= 3 and not re.search(r"\w", sign))


#: Who answers: a person, or a desk.
_PERSON = re.compile(
    r"(?:m|mr|mme|mlle|monsieur|madame)\b\.? [A-ZÀ-Ý]|(?:accueil|agence|astreinte|bureau|direction|secr[ée]tariat|standard"
    r"|service \w+)(?:\W|$)",
    re.I,
)

#: Or a name of two words.
_FULL_NAME = re.compile(r"[A-ZÀ-Ý][a-zà-ÿ]+(?:-[A-ZÀ-Ý]?[a-zà-ÿ]+)? [A-ZÀ-Ý](?:\.|[\w'’-]+)")

LOOKS: dict[str, Callable[[str], bool]] = {
    "siret": lambda c: bool(re.fullmatch(r"\D{0,12}(?:\d[\s.\u00a0\u202f-]?){13,14}", c)),
    "email": lambda c: bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]+(?:[\s;,/].*)?", c.lower())),
    "website": lambda c: bool(
        re.fullmatch(r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,8}(?:/\S*)?", c.lower())
    ),
    "phone": lambda c: len(c) < 60 and bool(_structure.phone_of(c)) and not siren_valid(c),
    "siren": lambda c: siren_valid(re.sub(r"\s", "", c)),
    "naf": lambda c: len(c) <= 8 and clean_naf(c) is not None,
    "postcode": lambda c: len(c) < 8 and bool(places.communes_of_postcode(postcode_of(c) or "")),
    "kind": lambda c: len(c) < 80 and _structure.is_kind(c),
    "town": _town,
    "department": lambda c: c.strip().upper().zfill(2) in department_names() or _area_named(c),
    "area": _area_named,
    "offer": lambda c: bool(trades.named(c[:300])),
    "areas": _areas,
    "goes": _goes,
    "number": lambda c: number_of(c) is not None,
    "mark": is_mark,
    "code": lambda c: bool(re.fullmatch(r"[\w/.-]*\d[\w/.-]*", c)),
    "full name": lambda c: bool(_FULL_NAME.fullmatch(c)),
    "person": lambda c: bool(_PERSON.match(c)) and len(c) < 60,
    "prose": lambda c: len(re.findall(r"[^\W\d_]{2,}", c)) >= 6,
}
#: Forms that cells tell whatever the heading, the surest first, and the field of each where it is not of its name.
ALONE_TELL = tuple("siret email website phone naf postcode kind town area offer areas goes prose".split())
_FURTHER = ("phone", "email", "website", "offer")  # of which every column counts
_FIELD_OF = {"area": "department", "areas": "zone", "goes": "zone", "prose": "description"}
_STANDS = frozenset({"town", "postcode", "commune", "department", "address"})
#: What a list of structures says of each beside its name: two of these make one.
ABOUT_SOMEONE = (
    frozenset({"siret", "siren", "finess"}),
    _STANDS,
    frozenset({"phone", "email", "website"}),
    frozenset({"kind"}),
    frozenset({"offer", "sectors", "description", "zone"}),
)
#: Nouns of who does something: "prestataire", "opérateur", "adhérent", "partenaire".
_AGENT = re.compile(
    r"\b(?!secteur|valeur|commentaire|inventaire)\w{3,}(?:taire|naire|eur|rent|ant|trice)\b|\bqui\b"
)
#: What cells of another form contradict, and what no other field looks like.
_STRICT = ("siret", "email", "website", "phone", "siren", "naf")
_NO_TEXT = (*_STRICT[:4], "number", "areas", "mark", "kind")
#: Fields that hold the form of another.
_LIKE = {
    "predecessors": "siret",
    "commune": "postcode",
    "buyer_id": "siret",
    "url": "website",
    "documents": "website",
    "headcount": "number",
    "places": "number",
    "zone": "goes",
}


def looks(cells: Sequence[str]) -> dict[str, float]:
    """Form -> share of these cells that have it; nothing where there are no cells."""
    seen = [cell.strip() for cell in cells if cell.strip()][:SEEN]
    if not seen:
        return {}
    shares = {form: sum(map(test, seen)) / len(seen) for form, test in LOOKS.items()}
    of_other = max(shares[form] for form in (*_STRICT, "number", "mark"))
    return shares | {"title": _titles(seen) * (of_other < ALONE and shares["person"] <= 0.2)}


# --------------------------------------------------------------------------------------------- what headings are called


def words(heading: str) -> str:
    """A heading made comparable: no accent, case, underscore, punctuation nor plural; numbers kept apart."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    plain = re.sub(r"[^a-z0-9]+", " ", fold(spaced))
    plain = re.sub(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])", " ", plain)
    return " ".join(word[:-1] if len(word) > 3 and word[-1] in "sx" else word for word in plain.split())


def asks(heading: str) -> bool:
    """Is this a question to who fills the form in, whatever words it has?"""
    return heading.rstrip().endswith("?") or bool(re.search(r"\b(?:vous|vos|votre)\b", heading, re.I))


def _stems(text: str) -> tuple[str, ...]:
    """The words that count, cut after seven letters, so that "intervenez" is "intervention"."""
    return tuple(w[:7] for w in text.split() if w not in _EMPTY_WORDS and not w.isdigit())


class Vocabulary:
    """The aliases of fields, made ready to be compared with headings."""

    def __init__(self, aliases: Aliases, several: frozenset[str] = frozenset()) -> None:
        self.several = several  # fields that several columns may hold
        named = {**aliases, "": _NO_FIELD}
        self.aliases = {
            field: {frozenset(_stems(words(name))): words(name).split()[0] for name in names}
            for field, names in named.items()
        }
        serves: dict[str, set[str]] = {}
        for field, known in self.aliases.items():
            for stem in (stem for alias in known for stem in alias):
                serves.setdefault(stem, set()).add(field)
        self.weights = {stem: math.log(1 + len(named) / len(fields)) for stem, fields in serves.items()}
        self.claims = lru_cache(20_000)(self._claims)

    def _known(self, stem: str) -> str:
        """The stem itself, or the one of the vocabulary that it cuts short ("sect", "interv") or misspells."""
        if stem in self.weights or len(stem) < 3:
            return stem
        if longer := [known for known in self.weights if known.startswith(stem)]:
            return min(longer, key=self.weights.__getitem__)  # the word that serves most fields
        near = process.extractOne(stem, self.weights.keys(), scorer=fuzz.ratio, score_cutoff=84)
        return near[0] if near and len(stem) > 4 else stem

    def _claims(self, heading: str) -> dict[str, float]:
        """Field -> share of the heading's words, by weight, that its aliases cover."""
        text = words(heading)
        stems = frozenset(map(self._known, _stems(text)))
        whole = sum(self.weights.get(stem, 0.5) for stem in stems)
        if not stems or len(text) > 120:
            return {}
        first = self._known(next(iter(text.split())))
        shares = {}
        for field, known in self.aliases.items():
            covered: set[str] = set()
            for alias, begins in known.items():
                counts = field == "headcount" or first not in _QUALIFIERS or begins in _QUALIFIERS
                if alias <= stems and (counts or alias == stems):
                    covered |= alias
            if covered:
                shares[field] = sum(self.weights[stem] for stem in covered) / whole
        return shares

    def score(self, headings: Sequence[str]) -> int:
        """How many of these are headings, for telling them from titles and records."""
        return len(self.guess([heading for heading in headings if heading]))

    def guess(
        self, headings: Sequence[str], cells: Cells | None = None, fixed: Columns = None
    ) -> dict[str, str]:
        """Field -> heading, the clearest claim first; "offer.2" is the second column of a field that may have several.

        `fixed` is what the user has settled.
        """
        forms = {heading: looks((cells or {}).get(heading, ())) for heading in headings}
        claims = [
            (merit, -place, field, heading)
            for place, heading in enumerate(headings)
            for field, share in self.claims(heading).items()
            if not (field == "name" and _number(heading) > "1")  # of a further contact
            if (merit := _merit(field, share, forms[heading]) + _PUBLIC * bool(_TO_PUBLISH.search(heading)))
            >= SURE
        ]
        columns = dict(fixed or {})
        taken = set(columns.values())
        for _, _, field, heading in sorted(claims, reverse=True):
            if heading in taken:
                continue
            number = _number(heading) if field in self.several else ""
            key = f"{field}.{number}" if number else field
            if field and key in columns and field in self.several:
                key = next(k for n in range(2, 1000) if (k := f"{field}.{n}") not in columns)
            if field and key in columns:
                continue
            taken.add(heading)
            if field:
                columns[key] = heading
        titled = next((h for _, _, field, h in claims if field == "name" and h == columns.get("offer")), None)
        if titled is not None and not {"name", "siret"} & columns.keys():
            # a list of structures by their titles; where SIRETs stand beside, it is one of their offers
            columns = {"name" if heading == titled else key: heading for key, heading in columns.items()}
        left = {heading: forms[heading] for heading in headings if heading not in taken}
        more = self._by_cells(left, columns)
        if "name" in self.aliases and not {"name", "brand"} & columns.keys():
            name = self._title(headings, forms, columns)
            if name is not None:
                columns = {key: heading for key, heading in columns.items() if heading != name}
                left.pop(name, None)
                more = self._by_cells(left, columns | {"name": name}) | {"name": name}
        place = {heading: at for at, heading in enumerate(headings)}
        return dict(sorted((more | columns).items(), key=lambda pair: place.get(pair[1], -1)))

    def _title(
        self, headings: Sequence[str], forms: Mapping[str, Mapping[str, float]], columns: Mapping[str, str]
    ) -> str | None:
        """The column of names where no heading says so: one of distinct words in a table that tells of someone else too."""
        merits = {}
        for place, heading in enumerate(headings):
            claims = self.claims(heading)
            of = next((key.partition(".")[0] for key, column in columns.items() if column == heading), "")
            confirmed = forms[heading].get(_LIKE.get(of, of), 0.0) >= ALONE
            says = "name" in claims or bool(_AGENT.search(words(heading)))
            if forms[heading].get("title", 0.0) < ALONE or "" in claims or (of and (confirmed or not says)):
                continue
            merits[heading] = (
                forms[heading]["title"]
                - 0.1 * place
                + 0.5 * says
                - 0.3 * bool(of)
                - 0.6 * forms[heading]["full name"]
            )
        return max(merits, key=merits.__getitem__, default=None)

    def _by_cells(self, left: Mapping[str, Mapping[str, float]], found: Mapping[str, str]) -> dict[str, str]:
        """What cells alone tell of the columns left, by the share of their cells that have each form."""
        more: dict[str, str] = {}
        for form in ALONE_TELL:
            field = _FIELD_OF.get(form, form)
            known = {key.partition(".")[0] for key in (*found, *more)}
            if field not in self.aliases or (field in known and field not in _FURTHER):
                continue
            # a further one is of a heading that says nothing else
            free = [h for h in left if h not in more.values() and not (field in known and self.claims(h))]
            held = sorted((h for h in free if left[h].get(form, 0.0) >= ALONE), key=lambda h: -left[h][form])
            for number, heading in enumerate(held if field in _FURTHER else held[:1], 100 * (field in known)):
                more[f"{field}.{number}" if number else field] = heading
        return more


#: What a form asks in order to publish it, which counts before the same of who answers.
_TO_PUBLISH = re.compile(r"(?<!non )(?<!ne pas )(?:\bà |\bsera |\bêtre )publi", re.I)
_PUBLIC = 0.6

_TITLE = re.compile(r"\W*(?:\d+\W+)?[A-ZÀ-Ý0-9](?=.*[^\W\d_]{3})(?!.*\d{3})")


def _titles(cells: Sequence[str]) -> float:
    """Share of cells that may be names of someone, each its own: few words, the first with a capital."""
    alike = [c for c in cells if len(c) < 90 and _TITLE.match(c) and len(c.split()) < 12]
    return len({fold(cell) for cell in alike}) / len(cells)


def _merit(field: str, share: float, forms: Mapping[str, float]) -> float:
    """How good a claim is: the share of the heading, more or less what the cells say of it."""
    if not forms:
        return share
    if field in TEXTS:  # "secteur" is one of trades, or where they go
        trade = forms["offer"] * (forms["offer"] >= 0.4)
        no_text = max(forms[form] for form in _NO_TEXT) >= 0.7 or (
            field == "sectors" and forms["goes"] >= ALONE
        )
        return share + 0.5 * trade - 0.6 * no_text
    form = _LIKE.get(field, field)
    if form in LOOKS:
        has = forms[form]
        against = 0.7 if form in _STRICT else 0.3 if form in ("kind", "town", "goes", "postcode") else 0.0
        return share + 0.5 * has if has >= 0.4 else share - against * (has < 0.2)
    names = field in ("name", "brand")
    unlike = (*_STRICT[:4], "code", "person", "kind") if names else _STRICT[:4]
    share -= 0.5 * (names and forms["person"] + forms["full name"] >= ALONE)
    return share - 0.6 * float(max(forms[form] for form in unlike) >= 0.7)


def _number(heading: str) -> str:
    match = re.search(r"(?:^|\s)(\d{1,3})(?:\s|$)", words(heading))
    return str(int(match.group(1))) if match else ""


# ------------------------------------------------------------------------------------------------------ corrections


Guess = Callable[[Sequence[str], Cells, Mapping[str, str]], dict[str, str]]


class BadCorrection(BadInput):
    """The user's correction names a field or a column that there is none of."""


def settled(
    guess: Guess, headings: Sequence[str], cells: Cells, columns: Columns, fields: Sequence[str]
) -> dict[str, str]:
    """Field -> heading: what the user says (`field=column`, an empty column drops the field), the rest guessed.

    A column that these headings lack is left alone where `cells` has it, of another sheet, or a profile names it: of several
    files each has its own.  Raises BadCorrection naming the fields, or the columns, there are.
    """
    fixed: dict[str, str] = {}
    chosen = dict(sorted((columns or {}).items(), key=lambda pair: not pair[0].startswith(SAVED)))
    for key, column in chosen.items():
        field = key.removeprefix(SAVED)
        if field.startswith((VALUE, SHEET)):
            continue
        if field.split(".", 1)[0] not in fields:
            if key != field:
                continue  # saved for another kind of list
            raise BadCorrection(f"--map: no field {field!r}; the fields are {', '.join(sorted(fields))}")
        match = _column(column, headings) if column else ""
        if match is None and key == field and _column(column, [*cells]) is None:
            raise BadCorrection(f"--map: no column {column!r}; the columns are {', '.join(headings[:40])}")
        fixed |= {field: match} if match is not None else {}
    named = {field: column for field, column in fixed.items() if column}
    dropped = fixed.keys() - named.keys()
    # a correction is of the column that it names: others stay what they were taken for
    first = guess(headings, cells, {}).items() if named else ()
    kept = {key: name for key, name in first if key not in named and name not in named.values()}
    guesses = guess(headings, cells, kept | named).items()
    dropped |= {"phone", "email", "website"} & named.keys()  # a means of contact that is named is the one
    return {key: name for key, name in guesses if key.partition(".")[0] not in dropped} | named


def absent(
    columns: Columns, headings: Sequence[str], read_as: Mapping[str, str], fields: Sequence[str]
) -> str:
    """Which columns of a profile a file lacks, and what is read in their stead; "" where it has them all."""
    lacking = {
        key.removeprefix(SAVED): column
        for key, column in (columns or {}).items()
        if key.startswith(SAVED) and column and key.removeprefix(SAVED) not in (columns or {})
        if key.removeprefix(SAVED).partition(".")[0] in fields
    }
    told = [
        f"{column!r} ({field}; {f'{read_as[field]!r} is taken for it' if field in read_as else 'no other is taken for it'})"
        for field, column in lacking.items()
        if _column(column, headings) is None
    ]
    remedy = "name another with --map FIELD=COLUMN, or none with --map FIELD=none"
    return f"no column {', '.join(told)}, which the profile names: {remedy}" if told else ""


def typed(columns: Columns) -> bool:
    """Has the user named a column of this very file?"""
    return any(not key.startswith((SAVED, VALUE, SHEET)) for key in columns or {})


def _column(column: str, headings: Sequence[str]) -> str | None:
    exact = (h for h in headings if h == column)
    return next(exact, None) or next((h for h in headings if words(h) == words(column)), None)


def pairs(options: Iterable[str]) -> dict[str, str] | None:
    """`field=heading` options, and files of them (JSON) that `matcher columns --save` wrote; None where there are none.

    Raises BadInput for anything else.
    """
    made: dict[str, str] = {}
    for option in options:
        field, sign, heading = option.partition("=")
        if sign and (name := field.strip()):
            # of offers and ticks there may be several
            again = sum(key.partition(".")[0] == name for key in made)
            made[f"{name}.{again + 1}" if again else name] = _unless_none(heading)
            continue
        try:
            saved = json.loads(Path(option).read_text(encoding="utf-8"))
            made |= {
                key if key.startswith((VALUE, SHEET)) else SAVED + key: _unless_none(str(value))
                for key, value in saved.items()
            }
        except (OSError, ValueError, AttributeError):
            raise BadInput(
                f"--map {option!r}: write field=heading, for example --map siret='N° SIRET', or give a file that "
                "`matcher columns FILE --save PROFILE` wrote"
            ) from None
    return made or None


def _unless_none(column: str) -> str:
    return "" if fold(column.strip()) in NONE else column.strip()


def mapped(
    name: str,
    rows: Iterable[Placed],
    guess: Guess,
    check: Callable[[Mapping[str, str], Sequence[str]], None],
    columns: Columns,
    fields: Sequence[str],
) -> Iterator[tuple[str, dict[str, Any] | str, dict[str, str]]]:
    """Each row with its columns (field -> heading), settled once for each set of headings by the first rows that have it.

    The columns are corrected by the user's; the best of the first guesses is checked.
    """
    guesses: dict[tuple[str, ...], dict[str, str]] = {}
    headings, read_as, of_sheets = dict[str, None](), dict[str, str](), Counter[str]()
    stream, checked = filter(partial(wanted, columns or {}), rows), False
    while ahead := list(islice(stream, AHEAD)):
        cells = cells_of(row for _, row in ahead if isinstance(row, dict))
        guesses = {} if len(guesses) > 5_000 else guesses
        for keys in dict.fromkeys(tuple(filter(None, row)) for _, row in ahead if isinstance(row, dict)):
            if keys not in guesses:
                guesses[keys] = settled(guess, keys, cells, columns, fields)
                headings |= dict.fromkeys(keys)
                read_as = guesses[keys] | read_as
        if guesses and not checked:
            best = max(guesses, key=lambda keys: len(guesses[keys]))
            check(guesses[best], best)
            checked = True
        of_sheets.update(sheet_of(place) for place, row in ahead if isinstance(row, dict))
        for place, row in ahead:
            yield place, row, {} if isinstance(row, str) else guesses[tuple(filter(None, row))]
    if checked and (lacking := absent(columns, tuple(headings), read_as, fields)):
        say(f"{name}: {lacking}")
    if len(of_sheets) > 1:
        sheets = ", ".join(f"{sheet!r} ({count})" for sheet, count in of_sheets.items())
        say(
            f"{name}: rows of {len(of_sheets)} sheets: {sheets}; one is left out with --map 'sheet:NAME=none'"
        )


def sheet_of(place: str) -> str:
    """The sheet of a row called "Membres row 4"; "" in a file of one."""
    return place.rpartition(" row ")[0]


def wanted(columns: Mapping[str, str], placed: Placed) -> bool:
    """Is this a row of a sheet that is to be read?"""
    return columns.get(SHEET + sheet_of(placed[0]), "read") != ""


def told(row: Mapping[str, Any], columns: Mapping[str, str]) -> tuple[list[str], list[Offer]]:
    """(descriptions, offers) of the columns of TEXTS of a row."""
    texts: dict[str, list[str]] = {}
    for key, heading in columns.items():
        texts.setdefault(key.partition(".")[0], []).append(clean(str(row.get(heading) or ""), 20_000))
    titles = [
        title
        for field in ("offer", "sectors")
        for text in texts.get(field, ())
        for title in _structure.several(text)
    ]
    offers = [Offer(id="", title=title) for title in titles]
    stated = filter(None, texts.get("offer_text", ()))
    bodies = [Offer(id="", title=shorten(text, 120), text=text) for text in stated]
    return [text for text in texts.get("description", ()) if text], offers + bodies


def cells_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Heading -> its cells as texts, of every heading of these rows."""
    cells: dict[str, list[str]] = {}
    for row in rows:
        for heading, cell in row.items():
            kept = cells.setdefault(heading, [])
            if heading and len(kept) < SEEN and isinstance(cell, str | int | float) and str(cell).strip():
                whole = isinstance(cell, float) and cell.is_integer()
                kept.append(str(int(cell)) if whole else str(cell)[:2_000])
    return cells
