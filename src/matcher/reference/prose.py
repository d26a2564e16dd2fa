"""French prose for pattern matching: folded with offsets kept, split into sentences, lot numbers extracted.

Patterns are written in proper French and made, by `french`, to match capitals without accents and accents
destroyed on the way (U+FFFD); the text is folded letter by letter, so a passage is quoted as published.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

LOST = "\ufffd"


#: Signs and ligatures -> what stands for them, one for one.
_SPECIAL = dict(zip("’‘`œŒæÆº‑–\x80", "'''ooaa°--€", strict=True))  # "\x80" is the euro of Windows


class _Fold(dict[int, str]):
    """Each letter to its lower case without accent, one to one, so that offsets are preserved."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        base = _SPECIAL.get(char) or unicodedata.normalize("NFKD", char)[0].lower()
        base = base if len(base) == 1 else char
        if char in "\u00a0\u202f\u2009\t":
            base = " "
        self[code] = base
        return base


_FOLD = _Fold()
#: Frequent characters of French, replaced without a call for each occurrence; "`" and the tabulation are ASCII.
_COMMON = tuple((char, _FOLD[ord(char)]) for char in "`\tàâçèéêëîïôùûœ²’–\xa0")
_STABLE = "«»—•°€"  # their own folding
_STRANGE = re.compile(rf"[^\x00-\x7f{_STABLE}]")


@lru_cache(maxsize=256)
def folded(text: str) -> str:
    """The text in lower case without accents, letter for letter: `len(folded(t)) == len(t)`."""
    plain = text.lower()
    if len(plain) != len(text):  # a capital whose lower case is two characters, such as "İ"
        return text.translate(_FOLD)
    for char, bare in _COMMON:
        plain = plain.replace(char, bare)
    rest = plain
    for char in _STABLE:
        rest = rest.replace(char, "")
    return plain if rest.isascii() else _STRANGE.sub(lambda found: _FOLD[ord(found[0])], plain)


#: A word boundary where U+FFFD counts as a letter.
_EDGE = rf"(?:(?<![\w{LOST}])(?=[\w{LOST}])|(?<=[\w{LOST}])(?![\w{LOST}]))"


@cache
def french(pattern: str) -> re.Pattern[str]:
    """A pattern in proper French, to be matched against a `folded` text.

    An accented letter also matches its bare form and U+FFFD, an apostrophe also a lost one or a space, a
    space any run of spaces.
    """
    made = []
    for char in pattern:
        base = _FOLD[ord(char)]
        if char.isalpha() and base != char.lower():
            made.append(f"[{base}{LOST}]{{1,2}}")
        elif char in "'’":
            made.append(f"(?:['{LOST}]\\s?|\\s)")
        elif char == " ":
            made.append(r"(?:\s+)")
        else:
            made.append(char)
    body = re.sub(r"(?<!\[)\\w", lambda _: rf"[\w{LOST}]", "".join(made))
    return re.compile(body.replace(r"\b", _EDGE))


_ABBREVIATED = re.compile(
    r"(?:\b(?:l|r|d|art|al|n|no|cf|m|mm|mme|ex|env|min|max|etc|st|ste|ord|coeff?)|(?:^|[:;,.(\n])\s*\d{1,2})\.$"
)
#: Where a sentence may end; it begins with one class of rare characters, so that other text is skipped fast.
_BREAK = re.compile(r"[;|•▪●\uf0b7\n.!?…—–](?:(?<=[;|•▪●\uf0b7\n])\s*|(?<=[.!?…])\s+|(?<=\s[—–])[—–]?\s+)")


def sentences(text: str, plain: str | None = None) -> Iterator[tuple[int, int]]:
    """The (start, end) of each sentence, clause after a semicolon, item of a list or line."""
    plain = folded(text) if plain is None else plain
    start = last = 0
    cased = not text.islower()
    for found in _BREAK.finditer(text):
        at, end = found.span()
        mark = text[at]
        first = at + (mark in ".!?…") - (mark in "—–")
        if first < last:  # the dash after a full stop opens the next sentence
            continue
        last, after = end, text[end : end + 1]
        on_one_line = "\n" not in text[first:last]
        answered = mark == "?" and plain[end : end + 3] in ("oui", "non")
        small = mark == "." and after.islower() and cased
        before = plain[max(start, first - 12) : first].rstrip(".") + "."
        abbreviated = mark in ".—–" and _ABBREVIATED.search(before)
        if on_one_line and (answered or small or abbreviated):
            continue
        end = first
        while end > start and text[end - 1].isspace():
            end -= 1
        if end > start:
            yield start, end
        start = last
    if text[start:].strip():
        yield start, len(text)


_LOT = r"(?:\d{1,3}(?!\d)[a-z]?|(?<=n°)[a-h]\b)"
_LOT_NUMBER = re.compile(_LOT)
_UNITS = r"(?:%|mois|ans\b|h\b|heures|lots|points|pour l(?:es?|a)?\b)"
#: "lot 1", "lots n° 3 et 5", "lots 1 (gros œuvre) et 4 (peinture)", "lot « Peinture », numéroté 4"
_LOTS = re.compile(
    rf"\blots?\s*(?:«[^»]{{0,80}}»[\s,(]*(?=n))?(?:numero(?:s|tes?)?\s*|n\s*[°o]?s?\s*\.?\s*)?({_LOT}(?!\s*{_UNITS})"
    rf"(?:(?:\s*\([^()\d]*\)|\s*«[^»\d]{{0,80}}»)?\s*(?:,|et|ainsi que|&|a|au|-|/|ou)\s*(?:le |les |lots? |n° ?)*{_LOT}"
    rf"(?!(?:[ .]\d{{3}})*(?:,\d+)?\s*{_UNITS}))*)"
)
#: "Lots réservés (article L. 2113-13) : 1, 2", "Lots avec clause sociale : n° 3"; not "nombre de lots réservés : 2"
_LABELLED = re.compile(
    r"\b(?<!de )lots (?:reserve|avec|soumis|concerne|comport|faisant)[^:;|]{0,80}: ?(?=(?:n ?°s? ?)?\d)"
)


def lots_named(plain: str, last: bool = False) -> frozenset[str]:
    """The numbers of the lots that a folded text names, or names `last`: "lots 1, 3 et 5", "lots n° 11 a 19"."""
    named: set[str] = set()
    for found in list(_LOTS.finditer(_LABELLED.sub("lots ", plain)))[-1 if last else 0 :]:
        run = found.group(1)
        for first, letter, last in re.findall(
            r"(?<![\d-])(\d{1,3})([a-z]?)\s*(?:a|au|-)\s*(?:lots? |n° ?)*(\d{1,3})\2(?![\d-])", run
        ):
            if int(first) < int(last) < int(first) + 200:
                named.update(f"{number}{letter}" for number in range(int(first), int(last) + 1))
        named.update(
            re.sub(r"^0+(?=\d)", "", number) for number in _LOT_NUMBER.findall(found.string, *found.span(1))
        )
    return frozenset(named)


#: ", marché réservé aux ESAT et EA", "(lot réservé, article L. 2113-12)", "réservé ESAT/EA :"
_RESERVED = french(
    r"[\s,;(–—-]{0,4}(?:(?:marché|lot|consultation|commande)s? )?(?:est |sont )?réservée?s?"
    r"(?:[\s,/&(-]{0,4}(?:d'|l')?\b(?:aux?|à|des?|les?|la|et|ou|par|esat|ea|eatt|siae|iae|structures?|entreprises?"
    r"|établissements?|services?|adaptée?s?|insertion|activité|économique|sociale?|solidaire|aide|travail|article"
    r"|l\.? ?2113-\d+(?:-1)?)(?!\w))+\s{0,4}\)?\s{0,4}:?\s{0,4}"
)
_WHOM = re.compile(r"\b(?:esat|ea|eatt|siae)\b|adapte|insertion|2113")


def unreserved(text: str) -> str:
    """The text without the words that reserve it to structures; the whole text where nothing else is left."""
    plain = folded(text)
    spans = [match.span() for match in _RESERVED.finditer(plain) if _WHOM.search(match.group())]
    left = text
    for start, end in reversed(spans):
        left = f"{left[:start]} {left[end:]}" if start and end < len(left) else left[:start] + left[end:]
    return left if any(map(str.isalpha, left)) else text


_VALUES = dict.fromkeys("un une".split(), 1) | dict(
    zip(
        "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt vingts trente"
        " quarante cinquante soixante cent cents mille".split(),
        (*range(2, 17), 20, 20, 30, 40, 50, 60, 100, 100, 1000),
        strict=True,
    )
)
#: A number in words: "trois", "quatre-vingt-dix", "mille deux cents".
SPELT = "(?:{0})(?:(?:[ -]| et )(?:{0})){{0,8}}".format("|".join(_VALUES))
_COUNTED = re.compile(rf"\b{SPELT}(?= (?:heures|points|pour cent)\b)", re.I)
_PER_CENT = re.compile(r"(?<=\d) ?pour ?cents?\b", re.I)


def in_figures(text: str) -> str:
    """The text with its numbers of hours, points or per cent in figures: "deux cent dix heures" is "210 heures"."""
    return _PER_CENT.sub(" %", _COUNTED.sub(lambda words: str(figure(words[0])), text))


def figure(words: str) -> int:
    """The value of a number in words, or in figures."""
    total = part = 0
    for word in re.findall(r"\w+", words.lower().replace(" et ", " ")):
        value = _VALUES.get(word) or int(word)
        if value == 1000:
            total, part = (part or 1) * value, 0
        elif value == 100:
            part = (part or 1) * value
        else:  # "quatre-vingts" is four times twenty
            part += 76 if value == 20 and part % 10 == 4 else value
    return total + part


#: "ayant pour activité support l'entretien", "avec comme support technique :", "Marché d'insertion. Support : tri"
_SUPPORT = french(
    r"\b(?:pour|comme) (?:activités? |prestations? )?supports?(?: d'activité| techniques?)?\s*[:,]?\s*"
    r"|[\s(.;-]supports?(?: d'insertion)?\s*(?::|est)\s*"
)
#: "prestations d'insertion par l'entretien des espaces verts", "insertion à travers la réalisation de travaux"
_THROUGH = french(
    r"\b(?:ré)?insertion\b[^.;]{0,140}?\b(?:par le biais d(?:e|')|par (?=l'|la |le |les |des )|via|à travers|s'appuyant sur|au moyen d(?:e|'|es))\s*"
)
#: "insertion par l'activité économique", "par l'emploi": how, and no trade.
_NO_TRADE = french(r"(?:l'|le |la |les )?(?:activité|emploi|travail|formation|économique|sport|culture)\b")
#: "l'exécution de prestations de", "la réalisation de", "les", before the trade itself.
_LEADING = french(
    r"(?:(?:l'|le |la |les |des |d'|de |du |un |une )?(?:activités?|réalisation|exécution|prestations?|travaux|services?|diverses?|différentes?)(?: supports?)? (?:de |d'|du |des |en )+)+"
    r"|(?:l'|le |la |les |des |d'|de |du |un |une |diverses? |différentes? )+"
)
_ENDS = re.compile(
    r"\s{0,9}(?:[.;|\n]|\s[-–—]{1,2}\s|\(\s*lot\b|,?\s{1,9}(?:pour le compte|sur le territoire|au profit|dans le cadre|a destination|en application)\b)"
)


def support_trade(text: str) -> str | None:
    """The trade of an insertion contract: what follows "ayant pour support"; None where none is stated."""
    plain = folded(text)
    if not any(word in plain for word in ("insertion", "chantier", "qualification")):
        return None
    match = _SUPPORT.search(plain) or _THROUGH.search(plain)
    if not match or _NO_TRADE.match(plain, match.end()):
        return None
    end = _ENDS.search(plain, match.end() + 3)
    trade = text[match.end() : min(end.start() if end else len(text), match.end() + 240)]
    trade = trade.strip(" :,-–—«»\"'()")
    leading = _LEADING.match(folded(trade))
    rest = trade[leading.end() :].strip() if leading else trade
    return (rest if len(rest) > 3 else trade) if re.search(r"[^\W\d_]{3}", trade) else None
