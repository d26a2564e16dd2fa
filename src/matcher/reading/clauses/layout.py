"""Tables and lists of lots written out: "2 | Charpente | 70" below its heads is "2 | Charpente | Lot 2 : 70 heures d'insertion"."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from matcher.reference.prose import folded

Row = list[str]

#: What separates the cells of a row.  Columns that were lost are found by the number before them and the answer behind.
_SEPARATORS = (re.compile(r"\|"), re.compile(r"\t+| {2,}"), re.compile(r" ?; ?"), re.compile(r" / "))
#: "02 Gros œuvre 910 000 € 1 340", "1 Vidage des corbeilles oui SIAE": a number, a title and answers.
_CELL = r"(?:(?<!\d )\d{1,3}(?: \d{3})*(?:,\d+)?(?: ?(?:€|h\b|heures?\b))?|oui|non|néant|sans objet|ea et esat|esat|ea|siae|[-–—/])(?= |$)"
_FLAT = re.compile(rf"(?i)((?:lot (?:n ?° ?)?)?\d{{1,2}}) (\D.*?)((?: {_CELL})+)$")
_HEADS = re.compile(
    r"(?i)\W*(?:n ?° ?(?:du |de |des )?)?(?:lots?\b(?!\W{0,3}(?:n ?°s? ?)?\d)|n ?°(?! ?\d)|crit|intitulé du lot)(?!.*(?:\d ?%|\.$))"
)
_NUMBER = re.compile(r"(?i)\W*(?:lots?\W{1,2})?(?:n ?° ?)?0*(\d{1,2})\W*")
_LOT = re.compile(r"(?i)\W*lots?\W{1,2}(?:n ?° ?)?0*(\d{1,2}|[a-h])\b")

#: A column that asks for yes or no, for whom or for hours; how an answer says no, and what is no answer.
_ASKS = re.compile(r"reserv|claus|insertion|heure|socia")
_OF_HOURS = re.compile(r"heure|volume|quota|insertion")
_NO = re.compile(
    r"(?i)(?:non(?: concerné)?|n|néant|sans(?: objet)?|aucune?|ouvert|/|[-–—]+|☐|0|)(?: ?h(?:eures?)?)?(?: [-–—/])?"
)
_HOURS = re.compile(r"(?i)(\d[\d .]*)(?: ?h(?:eures?)?)?(?: minimum)?")
_OF_INSERTION = re.compile(r"insertion|clauses? sociale")
_REACH = 9  # lines above a row in which insertion is spoken of
#: "Lot 2 (Charpente) : 70 h", "Lot 3 – Peinture – néant", below a caption that speaks of insertion or behind one.
_LISTED = re.compile(
    r"(?i)(\blots? (?:n ?° ?)?\d{1,2}[a-z]?\b(?:[^.;\n|]|\.(?= ?\d)){0,80}?)(?:(?: ?[:=–—-] ?| (?=\()|(?<=[^\d]) )\(?(\d[\d ]*\d) ?h(?:eures?)?\b"
    r"| ?[:=] ?(\d[\d ]*\d)|(?: ?[:=–—-] ?| )(?:néant|sans objet|non concerné|pas d['’]heures?|[-–—])(?=\W*$))(?=\W*(?:$|[\n;,/)]|\bet\b))"
)


def laid_out(text: str) -> str:
    """The text, each line of which is a row, an item or whole sentences."""
    lines = text.split("\n")
    made: list[str] = []
    caption = ""
    at = 0
    while at < len(lines):
        in_rows = re.search(r"[|\t]|   ", lines[at]) or _HEADS.match(lines[at])
        rows, size = _table(lines, at) if in_rows else ([], 1)
        if rows:
            made += _written(rows, made[-_REACH:])
        else:
            caption = caption if _LOT.match(lines[at]) else lines[at]
            made.append(_itemised(lines[at], caption))
        at += size
    return "\n".join(made)


def _table(lines: Sequence[str], at: int) -> tuple[list[Row], int]:
    """The rows of the table that begins at a line, and how many lines it takes; ([], 1) where none begins."""
    for separator in _SEPARATORS[: 4 if _HEADS.match(lines[at]) else 2]:
        bare = (line.strip(" |\t") if line.startswith("|") else line for line in lines[at : at + 99])
        cells = ([cell.strip() for cell in separator.split(line)] for line in bare)
        if rows := list(takewhile(lambda row: len(row) > 1, cells)):
            return rows, len(rows)
    flat = [_FLAT.fullmatch(line) for line in takewhile(_FLAT.fullmatch, lines[at + 1 : at + 99])]
    if len(flat) > 1:
        asks = _ASKS.search(folded(lines[at]))
        heads = ["Lot", "", lines[at][asks.start() if asks else 0 :].replace(" ?", "")]
        cells = ([one[1], one[2], one[3].strip()] for one in flat if one)
        return [heads, *cells], len(flat) + 1
    wide = next((i for i, line in enumerate(lines[at : at + 7]) if i and _NUMBER.fullmatch(line)), 0)
    if wide > 1 and len(lines[at]) < 20:
        chunks = (list(lines[i : i + wide]) for i in range(at, len(lines) - wide + 1, wide))
        rows = [next(chunks), *takewhile(lambda row: _NUMBER.fullmatch(row[0]), chunks)]
        return rows, wide * len(rows)
    return [], 1


def _written(rows: Sequence[Row], above: Sequence[str]) -> Iterator[str]:
    """The rows of a table in words: each answer with the lot and what its column asks."""
    heads: Row = []
    for row in rows:
        number = _NUMBER.fullmatch(row[0]) or _LOT.match(row[0])
        if number and heads and len(row) > 1:
            of_insertion = _OF_INSERTION.search(folded("\n".join((*above, *heads)))) is not None
            asked = [""] * len(row) + heads[-len(row) + 1 :]
            asked = asked[-len(row) :]
            yield " | ".join(
                _answer(number[1], cell, head, of_insertion) for cell, head in zip(row, asked, strict=True)
            )
        else:
            heads = row if len(row) > 1 else heads
            yield " | ".join(row)


def _answer(lot: str, cell: str, head: str, of_insertion: bool) -> str:
    plain = folded(head)
    hours = _HOURS.fullmatch(cell)
    if head.endswith("%") and cell.isdigit():
        return f"Lot {lot} : {head[:-1]}: {cell} %" if int(cell) else ""
    if _NO.fullmatch(cell):
        return f"Lot {lot} : 0 heures" if cell and "heure" in plain else cell
    if hours and of_insertion and head and (_OF_HOURS.search(plain) or cell.endswith(("h", "heures"))):
        return f"Lot {lot} : {hours[1].strip()} heures d'insertion"
    if not _ASKS.search(plain):
        return cell
    return f"Lot {lot} : {head.split('(')[0].strip()} : {cell}"


def _itemised(line: str, caption: str) -> str:
    """A line in which hours of lots are named as what its caption says they are."""
    if "lot" not in line.lower() or not _OF_INSERTION.search(folded(f"{caption}\n{line}")):
        return line

    def item(found: re.Match[str]) -> str:
        lot, number = re.sub(r" [–—-] ", ", ", found[1]), found[2] or found[3]
        return f"{lot} : {number} heures d'insertion" if number else f"{lot} : 0 heures"

    return _LISTED.sub(item, line)
