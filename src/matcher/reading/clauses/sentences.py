"""A text cut into sentences, each with the lots it is about, and into the windows worth classifying."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from matcher.reading.clauses.layout import laid_out
from matcher.reference import prose
from matcher.reference.prose import LOST, lots_named

T = TypeVar("T")
LONGEST = 600  # characters of a sentence; a longer one is cut at a space
MOST, SHORT = 5, 700  # sentences and characters of a window

_ITEM = re.compile(r"[-–—•▪●*+·]|\(?\d{1,2}(?:[.)]|\.\d)|\(?[a-zA-Z][.)]|[a-zà-ÿ]")
#: How far what stands below is about the lots that a sentence names.  "ACTE D'ENGAGEMENT - LOT 2" alone on its line: all of it;
#: "Pour les lots 11 à 19 (réservé insertion) :", "le présent lot n° 1": the items of the list.
_SECTION = re.compile(
    r"\W*(?:acte d'engagement|cahier|c[ct][ct]p|ccap|annexe|dispositions)\b[^:;,|]{0,60}\blot (?:n ?° ?)?\d{1,2}$"
    r"|\W*lot (?:n ?° ?)?\d{1,2}\W*$"
    r"|.*\bpresente? (?:acte|cahier|c[ct][ct]p|ccap|annexe|marche)\b[^.;]{0,40}\blot (?:n ?° ?)?\d{1,2}\b"
)
_OPENS_LIST = re.compile(r":\s*$|\bpresent lot\b")
#: "Lot 2 – Vitrerie" above "Participation réservée aux SIAE": a title; its lines end where another lot or all are spoken of.
_LOT_LINE = re.compile(r"(?:^|\n)[^a-z0-9\n]*lots? (?:n ?° ?)?\d")
_TITLE_LINE = re.compile(r"[^a-z0-9]*lot (?:n ?° ?)?(\d{1,2})\b[^;|]{0,100}(?<![.;,])")
_NOT_BELOW = re.compile(
    r"[^a-z0-9]*(?:article|chapitre|annexe|\d{1,2}\.\d|(?:pour |dans )?(?:tous|l'ensemble|chacun|chaque|les (?:autres )?lots|ces|le respect))\b"
)
#: "Lot 2 - Maçonnerie. L'entreprise réservera 410 heures": so is the rest of the line of its title,
#: and "Lot 1 : marché réservé ? Non. Clause sociale ? Oui", "Le lot 2 est réservé. Il est destiné aux SIAE" go on so.
_TITLE = re.compile(r"\W*lots? (?:n ?° ?)?\d{1,2} ?[-–—:]")
_DASH = re.compile(r"[—–;|]")
_GOES_ON = re.compile(r"[a-z' ]{4,40}[:?]|(?:il|elle|celui-ci|ce (?:dernier|lot)) ")
#: "lot 1 nettoyage (clause sociale), lot 2 vitrerie (réservé ESAT)": each has its own words.
_NEXT_LOT = re.compile(r"(?:\)(?<=[^x ]\)),?| /) (?=lots? (?:n° ?)?\d)")

#: "à l'exception du lot 3", "hors lot 3", "la clause ne s'applique pas au lot 3"; "aux mêmes conditions que le lot 1"
EXCEPTED = r"(?:a l'exc(?:eption|lusion)|exception faite|excepte(?=s? l)|sauf|hormis|(?:en de)?hors|n['e] ?[\w']+ pas (?:\w+ )?(?:aux?|les?) (?=[^.;,]*lots? ))\b"
APART = re.compile(
    rf"\b{EXCEPTED}(?:[^,;().]|, ?(?=\d|pour l|ou |dont )|\(\d+ ?h[^)]*\))*|\bmemes? \w+ qu[e'][^,;.]*"
)

#: How what is written is read: blanks, marks of a typesetter and hyphens as a typewriter has them ...
_REWRITTEN = (
    ("[\u00a0\u202f\u2009\r\f]", " "),
    (r"[\u00ad\u200b\ufeff]|\*\*", ""),
    ("[\u2010\u2011]", "-"),
    (r"(?m)^[ \t]*([-–—•▪●*·\uf0b7➢✓>]|o|\d{1,2}[.)]) *\t[ \t]*", r"\1 "),
    (r"[ \t]*\n\s*", "\n"),
    (r"-\n(?<=[a-zà-ÿ]-\n)(?=[a-zà-ÿ])", ""),  # "inser-\ntion"
    # a line that was wrapped: the next begins, or it ends, within a sentence
    (
        r"\n(?<=[^\n|\t]{40}\n)(?<![.!?|:]\n)(?!lots? )(?=[:;,%€)»(]|[a-zà-ÿœ](?!\) )|\d[\d ]*(?:[%;,:)(a-zà-ÿ]|\.(?:\s|$)|$))",
        " ",
    ),
    (
        r"\n(?<=[^\n|\t]{40}\n)(?i:(?<=[,(«/]\n)|(?<=\b[dl]['’]\n)|(?<=\b[àa]\n)|(?<=\b(?:de|du|et|ou|la|le|en|au|l\.)\n)|(?<=\b(?:aux|des|les|par|une|que|qui|sur|lot)\n))(?![Ll]ots? )(?=\w)",
        " ",
    ),
    # what is read otherwise than it is written: what a correction withdraws ("Au lieu de « lot 5 réservé », lire ..."), dots that lead
    # to a figure, what a form offers before its answer, what is only asked ("serait-il pertinent ?"), lots called by letters or "L01"
    (r"(?i)\bau lieu d(?:e|')\s*:?[^\0]{1,300}?(?=\b(?:lire|il (?:faut|convient de) lire)\b)", ""),
    (r"\.{4,}|\.{3,}(?= ?\d)", ":"),
    (r"(?i)[☐□] ?(?:oui|non)\b|\boui ?/ ?non ?:? ?(?=(?:oui|non)\b)", ""),
    (
        r"(?i)(?<![^.;:?\n)])[^.;:?\n)]*\w-(?:t-)?(?:ils?|elles?|vous|on)\b[^.;?\n]*\?(?! ?:?\s*(?:oui|non|[☒☑■])\b)",
        "",
    ),
    (r"(?i)[☒☑■] ?(?=(?:oui|non)\b)", ""),
    (r"(?i)\b(?:lot-0*|l ?0?(?=\d+ ?[:=]))(\d{1,2})\b", r"lot \1"),
    (
        r"([A-H])\b(?!')(?:(?<=[Ll]ots .)|(?<=[Ll]ot .)|(?<=lots . et .)|(?<=lots ., .)|(?<=, . et .))",
        r"n°\1",
    ),
)

#: Stems that make a sentence worth classifying.
STEMS = (
    "reserv", "2113-1",  # reserved, by which article
    "esat", "siae", " iae", "'iae", "handicap", "par le travail", "entreprises adapt", "secteur adapt", "protege", "intermediaire",
    "nitenti", "detenu",  # to whom
    "insert", " rsa", "chom", "longue duree", "en parcours", " plie", "sans emploi", "sans qualif", "l'emploi", "d'emploi",
    "recrut", "embauch", "apprenti",  # for whom
    "prioritair", "claus", " socia", "societa", " rse", "egalit",  # a clause, a criterion
)  # fmt: skip


class Sentence(NamedTuple):
    """A sentence, item of a list or cell: as published without line breaks, folded, and the lots it is about."""

    text: str
    plain: str
    lots: frozenset[str] = frozenset()
    span: tuple[int, int] = (0, 0)  # where it stands in the `joined` text
    item: bool = False  # opens with a bullet, a number or a small letter: it belongs to what stands before


@dataclass(frozen=True, slots=True)
class Finding(Generic[T]):
    """What is stated, and the lots it names (none: all of them)."""

    what: T
    lots: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()  # the lots that "à l'exception du lot 3" leaves out

    def holds_for(self, number: str) -> bool:
        """Whether it holds for the lot of this number, or letter; "" is the only lot there is."""
        number = number.lower()
        return not number or (number not in self.but and (number in self.lots or not self.lots))


class Page(NamedTuple):
    """A text without superfluous white space, as published and folded, with the stems that stand in it."""

    text: str
    plain: str
    stems: tuple[str, ...] = ()


def repaired(plain: str) -> str:
    """A folded text with its destroyed letters guessed: "adapt\ufffde" gives "adaptee"; offsets are not preserved."""
    return re.sub(rf"{LOST}+", "e", plain) if LOST in plain else plain


def pages(texts: Iterable[str], stems: tuple[str, ...] = ()) -> list[Page]:
    """The texts of a notice, made ready together: white space collapsed (wrapped lines stay), folded, searched for stems."""
    text = "\n\0\n".join(text.replace("\0", " ") for text in texts)
    text = unicodedata.normalize("NFC", text)
    for pattern, instead in _REWRITTEN:
        text = re.sub(pattern, instead, text)
    text = re.sub(r"\n(?=(?i:sans objet|néant|non applicable)\b)", " : ", laid_out(text))
    text = prose.in_figures(text)
    if " ".join(text.split()) != text.replace("\n", " "):  # as most fields are not
        text = "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))
    plain = prose.folded(text)
    # a sentence may begin after these without a blank
    spaced = re.sub("[\n;|•▪●\uf0b7—]", " ", repaired(plain))
    standing = [tuple(stem for stem in stems if stem in f" {one}") for one in spaced.split("\0")]
    return list(map(Page, text.split("\0"), plain.split("\0"), standing))


def cut(page: Page) -> tuple[Sentence, ...]:
    """The sentences of a text, in order; one that names no lot is about those that its heading or title names."""
    text, folded, _ = page
    on_a_line, plainly = text.replace("\n", " "), folded.replace("\n", " ")
    found: list[Sentence] = []
    ended = f"{folded}\n"
    heading = frozenset[str]()
    most = below = 0  # the most lines below a title, and those below the last
    reach = ""  # of the heading: the "line" of a title, the "lines" below it, "items" of a list, a "section"
    for start, end in _short(text, folded):
        published, plain = on_a_line[start:end].strip(), repaired(plainly[start:end].strip())
        line, item = start == 0 or text[start - 1] == "\n", _ITEM.match(published) is not None
        alone = folded[start : ended.index("\n", start)].strip() if line else ""
        own = lots_named(APART.sub("", plain)) if "lot" in plain else frozenset()
        if line and reach == "lines":
            another = _LOT_LINE.match(alone)
            most, below = max(most, below) if another else most, below + 1
            limit = below if _LOT_LINE.search(folded, start) else most or bool(_GOES_ON.match(alone))
            reach = "" if another or _NOT_BELOW.match(alone) or below > limit else reach
        elif line and not (reach == "section" or (reach == "items" and item)):
            reach = ""
        if own:
            heading, below = own, 0
            title = "lines" if _TITLE_LINE.fullmatch(alone) else "line" * bool(_TITLE.match(alone))
            opens = "items" if _OPENS_LIST.search(plain) else ""
            reach = title or ("section" if _SECTION.match(alone) else opens)
        on = found and (_DASH.search(text, found[-1].span[1], start) or _GOES_ON.match(plain))
        lots = own or (found[-1].lots if on and not line else heading if reach else frozenset())
        found.append(Sentence(published, plain, lots, (start, end), item))
    return tuple(found)


def _short(text: str, folded: str) -> Iterator[tuple[int, int]]:
    for start, end in prose.sentences(text, folded):
        for found in _NEXT_LOT.finditer(folded, start, end):
            yield start, found.start() + 1
            start = found.end()
        while end - start > LONGEST:
            at = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
            at = at if at > 0 else start + LONGEST
            yield start, at
            start = at
        yield start, end


def speaking(found: Sequence[Sentence], stems: Sequence[str] = STEMS) -> list[int]:
    """Indices of sentences that may concern reservations or insertion: those with one of the stems."""
    return [at for at, one in enumerate(found) if any(stem in f" {one.plain}" for stem in stems)]


def windows(found: tuple[Sentence, ...], kept: list[int]) -> Iterator[tuple[Sentence, ...]]:
    """Runs of adjacent kept sentences; a short text as a whole."""
    whole = len(found) <= MOST and sum(len(one.text) for one in found) <= SHORT
    run = list(found) if whole and kept else []
    for place in () if whole else kept:
        size = sum(len(one.text) + 1 for one in (*run, found[place]))
        if run and (run[-1] is not found[place - 1] or len(run) >= MOST or size > SHORT + 1):
            yield tuple(run)
            run = []
        run.append(found[place])
    if run:
        yield tuple(run)
