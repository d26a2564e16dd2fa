"""A brochure pasted as text, turned into candidate offers, each with its passage.

Each proposal is a passage of the text, never a sentence of ours; all are marked inferred, the person decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from matcher.domain import BadInput, Offer
from matcher.reference import trades
from matcher.reference.text import clean, fold, shorten

MOST = 40  # proposals of one text
LONGEST = 200_000  # characters of a brochure
PARAGRAPH = 2_000  # characters beyond which a line is joined to none before it
TITLE = 120  # characters of a proposed title

_BULLET = re.compile(r"^\s*(?:[•▪◦●○■□✓✔➢►→*·–—-]|\d{1,2}\s?[.)/]|[a-z]\))\s+(?=\S)")
#: Lines that tell how to reach a structure: never an offer.
_CONTACT = re.compile(
    r"@|https?:|www\.|\b(?:0\d(?:[\s.-]?\d{2}){4}|\+33)|^\W*\d{5}\s+[a-z]|\bsiret\b|\bsiren\b|\btel\b|telephone|\bfax\b|horaires"
    r"|mentions legales|cookies|copyright|©|tous droits"
)
#: Short lines that a site or a report shows around its offers.
_AROUND = re.compile(
    r"nous contacter|contactez|ouvert du|newsletter|plan d'acces|en savoir plus|lire la suite|qui sommes|nos valeurs|notre equipe"
    r"|nos partenaires|ils nous font confiance|rejoignez|suivez|facebook|linkedin|instagram|politique de|accueil$|actualites"
    r"|temoignages?|siege social|rapport d'activite|adherents?|subventions?|financeurs?"
)
SHORT = 60
#: What opens a list of activities in a sentence: what follows it are offers.
_OPENS = re.compile(
    r"(?:nos (?:activites|prestations|services|metiers|savoir-faire|competences|domaines?(?: d'activites?| d'intervention)?|produits|ateliers)"
    r"(?: (?:sont|principales|principaux))?|activites?(?: proposees| principales)?|prestations?(?: proposees)?"
    r"|nous (?:vous )?(?:proposons|realisons|assurons|effectuons|fabriquons|offrons|intervenons(?: (?:en|dans|pour|sur))?|prenons en charge)"
    r"|(?:specialis[ea]e?s?|expert(?:e|s|es)?|intervient|intervenons|propose|realise|assure|fabrique) (?:dans|en|sur|pour)?"
    r"|domaines? d'(?:activite|intervention)s?|savoir-faire|services? proposes?)"
)
_VERB = re.compile(
    r"\b(?:propos(?:e|ons|ent)|realis(?:e|ons|ent|ation)|assur(?:e|ons|ent)|effectu(?:e|ons|ent)|fabriqu(?:e|ons|ent)|intervien\w+|interven\w+"
    r"|entreti(?:en|ent)|entreten\w+|prestations?|specialis\w+|mise a disposition|fourni\w+|confection\w*|livr\w+|install\w+|repar\w+|nettoy\w+)\b"
)
_SUBJECT = re.compile(
    r"(?:nous|notre équipe|il|elle|ils|elles|la structure|l['’](?:association|atelier|esat|entreprise))\b",
    re.I,
)
_LEAD = re.compile(
    r"^(?:et |ou |ainsi que |mais aussi |de |du |des |d'|l'|le |la |les |en |dans |sur |pour |a |notamment |:|,|aussi |[eé]galement )+",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    bullet: bool
    heading: bool


def propose(text: str, source: str = "brochure") -> tuple[Offer, ...]:
    """Offers to tick, in the order of the text: title, passage (`evidence`), `inferred` True.

    Headings with what stands under them, bullets, the items of a listing sentence, and sentences that say what is
    done.  Raises BadInput when the text is empty or too long; a text that names no activity gives none.
    """
    if not text.strip():
        raise BadInput("the brochure is empty: paste the text that says what the structure does")
    if len(text) > LONGEST:
        raise BadInput(f"the brochure has {len(text):,} characters: paste the pages that describe the offers")
    found: dict[str, Offer] = {}
    for title, passage in _passages(list(_lines(text))):
        mark = re.sub(r"[^a-z0-9]+", " ", fold(title)).strip()
        if not mark or any(mark == known or f" {mark} " in f" {known} " for known in found):
            continue
        for shorter in [known for known in found if f" {known} " in f" {mark} "]:
            # The longer wording says the same and more; it takes the place of the shorter.
            found.pop(shorter)
        found[mark] = Offer(
            id="", title=title, text=passage if passage != title else "", nature="offer", source=source,
            inferred=True, evidence=passage,
        )  # fmt: skip
        if len(found) >= MOST:
            break
    return tuple(replace(offer, id=f"proposal-{number}") for number, offer in enumerate(found.values(), 1))


def _lines(text: str) -> Iterator[_Line]:
    """Lines without noise; a line broken by the page's width is joined to the one before."""
    made: list[_Line] = []
    for raw in text.replace("\r", "\n").split("\n"):
        bullet = bool(_BULLET.match(raw))
        line = clean(_BULLET.sub("", raw, count=1) if bullet else raw)
        if not line:
            made.append(_Line("", False, False))
            continue
        before = made[-1] if made else None
        if before and before.text and not bullet and not before.heading and _goes_on(before.text, line):
            made[-1] = _Line(f"{before.text} {line}", before.bullet, False)
            continue
        made.append(_Line(line, bullet, not bullet and _is_heading(line)))
    yield from (line for line in made if not _noise(fold(line.text)))


def _noise(plain: str) -> bool:
    if len(plain) > 300:
        return False  # a whole page on one line: its sentences are looked at one by one
    return bool(_CONTACT.search(plain)) or (len(plain) <= SHORT and bool(_AROUND.search(plain)))


def _goes_on(before: str, line: str) -> bool:
    return line[0].islower() and before[-1] not in ".!?:;" and len(before) < PARAGRAPH


def _is_heading(line: str) -> bool:
    """A short line without a full stop, in capitals, ended by a colon, or a few words with a capital."""
    if len(line) > 80 or line.endswith((".", ",", ";", "!")):
        return False
    return (
        line.isupper()
        or line.endswith(":")
        or (len(line.split()) <= 8 and line[0].isupper() and not _SUBJECT.match(line))
    )


def _passages(lines: list[_Line]) -> Iterator[tuple[str, str]]:
    """(title, passage) of each candidate, in the order of the text."""
    for index, line in enumerate(lines):
        if not line.text:
            continue
        if line.heading:
            yield from _heading(lines, index)
        elif line.bullet:
            yield from _bullet(line.text)
        else:
            for sentence in re.split(r"(?<=[.!?;])\s+(?=[A-ZÀ-Ý«])", line.text):
                yield from _sentence(sentence)


def _heading(lines: list[_Line], index: int) -> Iterator[tuple[str, str]]:
    """A heading that names a trade is an offer, described by what stands under it; "Nos activités" only opens a list."""
    heading = lines[index].text.strip(" :")
    below: list[str] = []
    for line in lines[index + 1 :]:
        if line.heading or (not line.text and below):
            break
        if line.text:
            below.append(line.text)
    if trades.named(heading) and not _OPENS.fullmatch(fold(heading)):
        title = heading.capitalize() if heading.isupper() else heading
        yield _cut(title), shorten(" ".join([heading, *below]), 1_500)


def _bullet(text: str) -> Iterator[tuple[str, str]]:
    """A bullet is an offer when it names a trade or is short enough to be a name of one."""
    head = re.split(r"\s*[:–—]\s+", text, maxsplit=1)[0]
    plain = fold(text)
    if trades.named(text) or (len(text) <= 90 and _VERB.search(plain)):
        title = head if trades.named(head) or len(head) >= 12 else text
        yield _cut(_LEAD.sub("", title) or title), text


def _sentence(sentence: str) -> Iterator[tuple[str, str]]:
    """The items of a list that a sentence opens, each with the sentence as passage; else what it says is done."""
    plain = fold(sentence)
    opened = _OPENS.search(plain) if len(plain) == len(sentence) else None
    if opened:
        rest = sentence[opened.end() :]
        items = [_item(part) for part in re.split(r"[,;•]|\s+et\s+|\s+ainsi que\s+|\s/\s", rest)]
        if any(item and trades.named(item) for item in items):
            # One item names a trade: the others of the list are of the same kind, known or not.
            yield from ((_cut(item), sentence) for item in items if len(item) >= 4 and len(item.split()) <= 9)
            return
    if _VERB.search(plain) and (found := trades.named(sentence)):
        for piece in found.values():
            yield _cut(_item(piece) or piece), sentence


def _item(part: str) -> str:
    item = _LEAD.sub("", clean(part).strip(" :.…()-"))
    return item.strip(" :.…")


def _cut(title: str) -> str:
    title = shorten(title.strip(" :.;,-"), TITLE)
    return title[:1].upper() + title[1:]
