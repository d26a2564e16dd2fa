"""Websites of structures: the home page and up to five more pages about their activities.

robots.txt, noindex and the operator's opt-out list are obeyed; one request a second.  Only titles, headings, lists and
paragraphs are kept, without what concerns a person.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

from lxml import etree

from matcher import plugins
from matcher.domain import Structure
from matcher.reading.impersonal import impersonal
from matcher.reading.sync._client import Report, _read_json, _state, _write_json
from matcher.reading.sync._guard import Fetcher, Page, Refused, checked, host_of, joined
from matcher.reference import trades
from matcher.reference.text import clean, fold, shorten

AGENT = "maillage"
#: Seconds between two requests that robots.txt may ask for; beyond, the site is left alone.
LONGEST_DELAY = 10.0
FURTHER = 5  # pages after the home page
AGAIN = 90  # days until a site is read again
#: A new reading that lost more of the text than this is a site under repair: the old one stands.
MOST_LOST = 0.8
ACTIVITIES = re.compile(
    r"activit|service|prestation|metier|savoir[- ]faire|atelier|produit|competence|expertise|realisation|offre|que faisons"
    r"|(?:entreprise|professionnel|client|collectivite)s?$"
)
_FILE = re.compile(r"\.(?!html?$|php$|aspx?$)[a-z0-9]{2,5}$")  # that is no page
AROUND = re.compile(
    r"actu|agenda|blog|contact|mention|legal|rgpd|confidential|cookie|recrut|emploi|carriere|candidat|don(?:s|ner)?$|login"
    r"|connexion|compte|panier|plan|presse|partenaire|equipe|histoire|newsletter|galerie|adher"
)


LINES, LINE, LINKS = 400, 1_000, 1_000  # lines kept of a page, characters of one, links looked at
#: Characters of a page that are read, and of a tag: libxml2 compares each attribute of a tag with all before it.
LONGEST, TAG = 1 << 20, 3_000
#: Elements whose text says nothing of what a structure does, and those whose content is no text at all.
ASIDE = frozenset("aside button footer form iframe nav noscript select svg template".split())
RAW = frozenset("script style textarea title xmp".split())
MARKED = {**dict.fromkeys(("h1", "h2", "h3", "h4", "h5"), "# "), **dict.fromkeys(("li", "dt", "dd"), "• ")}
INLINE = frozenset("a abbr b cite em font i mark q small span strong sub sup time u wbr".split())
_PARSER = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
_LONG_TAG = re.compile(rf"(<[^<>]{{{TAG}}})[^<>]+")


@dataclass
class Document:
    """What a page holds: title, lines (headings marked "# ", items "• "), links as (address, words), robots directives."""

    title: str = ""
    lines: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    directives: list[tuple[str, str]] = field(default_factory=list)


def site(
    folder: Path,
    structures: Iterable[Structure],
    opted_out: Collection[str] = (),
    fetcher: Fetcher | None = None,
    today: date | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Report:
    """The sites of those that have one, each at most every `AGAIN` days; a site that fails leaves its last reading.

    `opted_out` holds hosts, SIRETs and SIRENs that are never read; what was read of them before is removed.
    """
    report = Report("site", folder)
    day = today or datetime.now(UTC).date()
    listed = {s.siret: s for s in structures if s.website}
    with _state(folder), fetcher or Fetcher() as fetch:
        for number, structure in enumerate(listed.values(), 1):
            if number % 20 == 1 or number == len(listed):
                say(f"{number} of {len(listed)} sites: {structure.name}")
            target = folder / "pages" / structure.siret[:3] / f"{structure.siret}.json"
            host = host_of(structure.website if "://" in structure.website else f"//{structure.website}")
            names = {structure.siret, structure.siren, host, host.removeprefix("www.")}
            if names & set(opted_out):
                target.unlink(missing_ok=True)
                continue
            last = _read_json(target)
            same = last and last["website"] == structure.website
            if same and (day - date.fromisoformat(last["asked"])).days < AGAIN:
                report.unchanged += 1
                continue
            reading = _reading(fetch, structure, day)
            if reading["pages"] and not (bool(last) and _size(reading) < (1 - MOST_LOST) * _size(last)):
                report.pages += len(reading["pages"])
                report.records += 1
            elif last and reading["why"] != NOINDEX:
                reading = {**last, "asked": day.isoformat(), "why": reading["why"] or "shorter than before"}
            _write_json(target, reading)
        report.requests = fetch.requests
    return report


NOINDEX = "noindex"


def _size(reading: dict[str, Any]) -> int:
    return sum(len(line) for page in reading.get("pages", ()) for line in page["lines"])


def _reading(fetch: Fetcher, structure: Structure, day: date) -> dict[str, Any]:
    """What is kept of one site; without pages, `why` says why."""
    pages, why = [], ""
    try:
        pages = list(_pages(fetch, structure.website))
    except Refused as error:
        why = str(error)
    days = dict.fromkeys(("read", "asked"), day.isoformat())
    names = [name for name in (structure.name, structure.brand) if name]
    stated = {"siret": structure.siret, "website": structure.website, "names": names}
    return {**stated, **days, "pages": pages, "why": why}


def _pages(fetch: Fetcher, website: str) -> Iterator[dict[str, Any]]:
    """The home page, then the linked pages most relevant to activities.  Raises Refused for the home page."""
    rules = Rules(fetch)

    def fetched(url: str, base: str) -> tuple[Page, Document]:
        page = fetch.get(url, lambda to: _same_site(base, to) and rules.allow(to), rules.delay(url))
        return page, _document(page)

    home = checked(website)
    page, document = fetched(home, home)
    if _noindex(page, document):
        raise Refused(NOINDEX)
    links = [] if "nofollow" in _directives(page, document) else _links(page.url, document)
    if kept := _kept(page, document):
        yield kept
    for link in links[:FURTHER]:
        with suppress(Refused):
            further, document = fetched(link, page.url)
            if not _noindex(further, document) and (kept := _kept(further, document)):
                yield kept


class Rules:
    """robots.txt of each host met, read once; a host whose rules cannot be read is not read (RFC 9309)."""

    def __init__(self, fetch: Fetcher) -> None:
        self._fetch = fetch
        self._of = cache(self._read)

    def allow(self, url: str) -> bool:
        rules = self._of(urljoin(url, "/robots.txt"))
        return rules is not None and bool(rules.can_fetch(url, AGENT)) and self.delay(url) <= LONGEST_DELAY

    def delay(self, url: str) -> float:
        rules = self._of(urljoin(url, "/robots.txt"))
        return float((rules.crawl_delay(AGENT) if rules is not None else 0) or 0)

    def _read(self, url: str) -> Any:
        with plugins.optional("sites", "reading robots.txt"):
            from protego import Protego
        try:
            page = self._fetch.get(url)
        except Refused:
            return None
        if page.status >= 500 or page.status == 429:
            return None
        return Protego.parse(page.text if page.status < 400 and "html" not in page.kind else "")


def _same_site(one: str, other: str) -> bool:
    """Whether two addresses are of one site: one host, a part of the other, or one name under two endings ("x.org", "x.fr")."""
    first, second = (host_of(url).removeprefix("www.") for url in (one, other))
    if first == second or first.endswith(f".{second}") or second.endswith(f".{first}"):
        return True
    halves = first.split("."), second.split(".")
    return len(halves[0]) == len(halves[1]) == 2 and halves[0][0] == halves[1][0]


def _document(page: Page) -> Document:
    """What a page holds.  Raises Refused for what is no page of text."""
    if page.status != 200 or page.kind not in ("text/html", "application/xhtml+xml", "text/plain", ""):
        raise Refused(f"{page.url[:200]} is no page ({page.status}, {page.kind[:40]})")
    if page.kind == "text/plain":
        lines = page.text.split("\n")[:LINES]
        return Document(lines=[clean(line)[: 2 * LINE] for line in lines])
    return _parsed(page.text.replace("\0", " "))


def _parsed(text: str) -> Document:
    """A page; what is not well formed is read as far as it goes."""
    try:
        root = etree.fromstring(_LONG_TAG.sub(r"\1", text[:LONGEST]).encode("utf-8", "replace"), _PARSER)
    except etree.XMLSyntaxError:  # nothing that a page is made of
        root = None
    if root is None:
        return Document()
    title = shorten(clean(root.findtext(".//title") or "", LINE), 200)
    metas = ((meta.get("name", ""), meta.get("content", "")) for meta in root.iter("meta"))
    directives = [(name.lower(), content.lower()) for name, content in metas]
    links = [
        (a.get("href", ""), clean(" ".join(a.itertext()))[:200])
        for a in islice(root.iterfind(".//a[@href]"), LINKS)
    ]
    lines = list(islice(dict.fromkeys(_lines(root)), LINES))
    return Document(title, lines, links, directives)


def _lines(root: etree._Element) -> Iterator[str]:
    pieces: list[str] = []
    mark = ""
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        start, name = event == "start", element.tag
        if name not in INLINE:
            line = clean(" ".join(pieces), 4 * LINE)[: 2 * LINE]  # cut again once impersonal
            if len(line) > 2:
                yield mark + line
            pieces.clear()
            mark = MARKED.get(name, mark) if start else "" if name in MARKED else mark
        # a menu that was never closed, or a form around the whole page, holds its main part
        if start and (name in RAW or (name in ASIDE and next(element.iter("h1", "main"), None) is None)):
            walk.skip_subtree()
        else:
            pieces.append((element.text if start else element.tail) or "")


def _directives(page: Page, document: Document) -> str:
    stated = [content for name, content in document.directives if name in ("robots", AGENT)]
    return " ".join([page.headers.get("x-robots-tag", ""), *stated]).lower()


def _noindex(page: Page, document: Document) -> bool:
    return bool(re.search(r"\b(?:noindex|none)\b", _directives(page, document)))


def _links(base: str, document: Document) -> list[str]:
    """Pages of the same site about activities, most relevant first."""
    scored: dict[str, tuple[int, int]] = {}
    for place, (address, anchor) in enumerate(document.links):
        words, path = fold(anchor), fold(unquote(address))[:300]
        named = 2 * bool(ACTIVITIES.search(words)) + 2 * bool(trades.named(words))
        relevance = named + bool(ACTIVITIES.search(path))
        if not relevance or AROUND.search(words) or _FILE.search(path.partition("?")[0]):
            continue
        with suppress(Refused):
            url = checked(joined(base, address))
            if _same_site(base, url) and url != base:
                scored.setdefault(url, (-relevance, place))
    return sorted(scored, key=lambda url: scored[url])


def _kept(page: Page, document: Document) -> dict[str, Any] | None:
    """Title and lines of a page without personal data; None where nothing is left."""
    # cut only after: half a telephone number is not recognised as one
    lines = [shorten(impersonal(line), LINE) for line in document.lines if line]
    if not lines:
        return None
    return {"url": page.url[:500], "title": impersonal(document.title), "lines": lines}


def opted_out(path: Path | None) -> frozenset[str]:
    """Hosts, SIRETs and SIRENs of the operator's list, one a line; what follows "#" is a comment."""
    if path is None or not path.is_file():
        return frozenset()
    lines = (line.partition("#")[0].strip().lower() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line.removeprefix("www.") for line in lines if line)
