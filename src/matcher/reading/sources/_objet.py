"""The lots that one line of text names ("... Lot 1 : nettoyage ; Lot 2 : espaces verts")."""

import re
from itertools import pairwise

_NUMBER = r"(?:\d{1,3}(?:\s?[A-Fa-f](?![\w']))?|[IVX]{1,5}(?![\w'])|[A-H](?![\w']))"
_LOT = re.compile(
    rf"(?<![A-Za-zÀ-ÿ])(?:du\s+|le\s+|des\s+|les\s+)?(?P<word>lots?)\s*(?:n\s*[°ºo�]?\s*\.?\s*|num[ée]ro\s+|#\s*)?(?P<number>{_NUMBER})",
    re.I,
)
#: "lots 1, 2 et 3", "lots 1 à 6", "lots 3-6-9": numbers listed, nothing named.
_LIST_AFTER_PLURAL = re.compile(r"^\s*(?:,|;|/|-|&|et|à|a|ou|au)\s*(?:n\s*[°ºo�]?\s*)?\d", re.I)
_LIST_AFTER_SINGLE = re.compile(r"^\s*(?:,\s*\d+\s*(?:,|et)|(?:&|et|à|ou)\s*(?:n\s*[°ºo�]?\s*)?\d)", re.I)
_NAMED_LIST = re.compile(r"^\s*\([^()]*\)\s*,\s*\d")
#: What may follow a lot's number before its title; "lot 1 est attribué", "lot 2 du marché" name nothing.
_APART = re.compile(
    r"\s*[:;.)/\-–—«\"“(•=]|\s*[A-ZÀ-Ý]"
    r"|\s+(?!(?:est|sont|a|ont|du|des?|pour|et|ou|qui|dans|sur|au|aux|en|par|sera|seront|ne|n)\b)[a-zà-ÿ]"
)
_EDGE = " \t\r\n:;,./|-–—•*+&»«\"'“”()"
_TAIL = re.compile(r"[\s•;,/–—-]{1,20}(?:et(?:\s+(?:du|de|des|le|la|les))?|ou|du|le|relance)$", re.I)
_HEAD = re.compile(r"^(?:concerne|intitul[ée]e?|relatif\s+[àa]|portant\s+sur|est)\s+", re.I)


def lots_named(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(what they have in common, ((number, title), ...)); no lots unless at least two distinct are named.

    "LOT 4 - MENUISERIES" is one lot, "3 lots" and "lots 1 à 6" name none; "Lot 3: Lot 4 : Parement" is one.
    """
    names = [match for match in _LOT.finditer(text) if not _listed(match, text)]
    if any(match["number"][0].isdigit() for match in names):
        # "LOT G - ... Lot 6 : Serrurerie": a lettered plot of land among numbered lots.
        names = [match for match in names if match["number"][0].isdigit()]
    if len({_plain(match["number"]) for match in names}) < 2:
        return text, ()
    around = ((text[: match.start()].rstrip(), text[match.end() :].lstrip()) for match in names)
    if all(before.endswith("(") and after.startswith(")") for before, after in around):
        common, named = _after_titles(names, text)
    else:
        common, named = _before_titles(names, text)
    distinct: dict[str, str] = {}
    for number, title in named:
        distinct.setdefault(number, title)
    if len(distinct) < 2:
        return text, ()
    return common, tuple(distinct.items())


def _plain(number: str) -> str:
    bare = re.sub(r"\s", "", number).upper()
    return bare.lstrip("0") or "0"


def _listed(match: re.Match[str], text: str) -> bool:
    rest = text[match.end() : match.end() + 200]
    if match["word"].lower() == "lots":
        return bool(_LIST_AFTER_PLURAL.match(rest) or _NAMED_LIST.match(rest))
    return bool(_LIST_AFTER_SINGLE.match(rest))


def _title(text: str) -> str:
    bare = text.strip(_EDGE)
    while (shorter := _TAIL.sub("", " " + bare).strip(_EDGE)) != bare:
        bare = shorter
    bare = _HEAD.sub("", bare).strip(_EDGE)
    # A bracket opened inside the title and cut at its edges is closed again.
    return bare + ")" if bare.count("(") == bare.count(")") + 1 else bare


def _speaks(title: str) -> bool:
    return len(re.findall(r"[A-Za-zÀ-ÿ�]", title)) >= 3


def _before_titles(found: list[re.Match[str]], text: str) -> tuple[str, list[tuple[str, str]]]:
    """ "Lot 1 : nettoyage - Lot 2 : espaces verts": a title follows its number."""
    ends = [match.start() for match in found[1:]] + [len(text)]
    named, first = [], None
    for match, end in zip(found, ends, strict=True):
        between = text[match.end() : end]
        title = _title(between)
        if _speaks(title) and _APART.match(between):
            named.append((_plain(match["number"]), title))
            first = match if first is None else first
    common = (
        text[: first.start()].strip(_EDGE.replace(")", "").replace('"', "").replace("»", ""))
        if first
        else text
    )
    return common, named


def _after_titles(found: list[re.Match[str]], text: str) -> tuple[str, list[tuple[str, str]]]:
    """ "Organisation (lot 1) et relations presse (lot 2) de la Nuit": a title stands before its number."""
    starts = [0] + [text.index(")", match.end()) + 1 for match in found]
    named = []
    for (begin, _), match in zip(pairwise([*starts, len(text)]), found, strict=False):
        title = re.sub(
            r"^\W*(?:et|ainsi que|,|;)\s+(?:(?:de|du|des|d['’])\s*)?",
            "",
            text[begin : match.start()],
            flags=re.I,
        )
        title = _title(title)
        if _speaks(title):
            named.append((_plain(match["number"]), title))
    return text[starts[-1] :].strip(_EDGE) or text, named
