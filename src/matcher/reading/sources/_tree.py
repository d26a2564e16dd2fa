"""Safe trees for the XML and JSON notices: parsed without entities, named without prefixes.

`parse` reads XML; `grow` turns JSON (of UBL: `cbc:Name`, `@languageID`, `#text`) into the same elements, so that one
walker serves both.  Namespaces are dropped: within a format, local names suffice.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from lxml import etree

from matcher.domain import BadInput
from matcher.reading.sources._json import text

MAX_BYTES = 64 * 1024 * 1024  # the largest real notices stay below 10 MB
MAX_DEPTH = 200  # libxml2 allows 256 without huge_tree; a UBL notice has some 20 levels
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]|^(?![A-Za-z_])")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Element = etree._Element
#: How any XML is read here; comments and processing instructions hold no data.
SAFELY: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


def slurp(stream: BinaryIO, name: str) -> bytes:
    """The whole stream.  Raises BadInput for an empty one or one above 64 MiB."""
    data = stream.read(MAX_BYTES + 1)
    if not data.strip():
        raise BadInput(f"{name}: the file is empty; export it again from its source")
    if len(data) > MAX_BYTES:
        raise BadInput(f"{name}: larger than {MAX_BYTES >> 20} MiB, which no notice is; split the file")
    return data


def parse(data: bytes, name: str) -> Element:
    """The root of an XML document, tags without namespace.

    Raises BadInput for a document type declaration or entities (refused, not expanded), for XML that is
    cut or malformed, and for an encoding that does not hold.
    """
    head = data[:4096] if b"\x00" not in data[:64] else data[:8192].replace(b"\x00", b"")
    if re.search(rb"<!\s*(?:DOCTYPE|ENTITY)", head.upper()):
        raise BadInput(f"{name}: a document type or entities are refused; remove the <!DOCTYPE ...> part")
    try:
        root = etree.fromstring(data, etree.XMLParser(**SAFELY))
    except etree.XMLSyntaxError as error:
        line = f" (line {error.lineno})" if error.lineno else ""
        raise BadInput(f"{name}: not well-formed XML{line}: {error.msg}; the file may be cut") from None
    except ValueError as error:
        raise BadInput(f"{name}: unreadable XML: {error}") from None
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise BadInput(f"{name}: a document type is refused; remove the <!DOCTYPE ...> part")
    for element in root.iter("{*}*"):
        element.tag = local(element.tag)
    return flowed(root)


#: Superscripts as plain characters: "m<FT>2</FT>", "n<FT>o</FT> 1".
_RAISED = {"o": "°", "2": "²", "3": "³"}


def flowed(root: Element) -> Element:
    """The same tree with superscript elements (`FT` of TED) merged into the surrounding text."""
    raised = list(root.iter("FT"))
    for letters in raised:
        typed = (letters.text or "").strip()
        letters.text = _RAISED.get(typed, typed)
        if letters.text == "°" and letters.tail and letters.tail[0].isdigit():
            letters.tail = " " + letters.tail
    if raised:
        etree.strip_tags(root, "FT")
    return root


def grow(tag: str, value: Any, depth: int = 0) -> Element:
    """The element tree of JSON, without what is null.  Raises BadInput when it nests deeper than 200 levels."""
    if depth > MAX_DEPTH:
        raise BadInput(f"nested deeper than {MAX_DEPTH} levels, which no notice is")
    element = etree.Element(_NO_NAME.sub("_", local(tag)))
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "#text":
                element.text = legal(child)
            elif name.startswith("@"):
                element.set(_NO_NAME.sub("_", local(name[1:])), legal(child))
            else:
                several = child if isinstance(child, list) else [child]
                element.extend(grow(name, one, depth + 1) for one in several if one is not None)
    elif isinstance(value, list):
        element.text = " ".join(legal(one) for one in value if isinstance(one, str))
    else:
        element.text = legal(value)
    return element


def legal(value: Any) -> str:
    """The text of a JSON scalar, without the characters that XML forbids; nothing for a list or an object."""
    return "" if isinstance(value, dict | list) else _ILLEGAL.sub(" ", text(value))


def local(tag: str) -> str:
    """`cbc:Name` and `{urn:...}Name` as `Name`."""
    return tag[max(tag.rfind("}"), tag.rfind(":")) + 1 :]


def kids(element: Element | None, path: str) -> list[Element]:
    """The elements at a path of local names below `element`, none when it is None; "*" is any name."""
    above = [element] if element is not None else []
    for name in path.split("/"):  # a step at a time: half the time of `findall`
        above = [child for one in above for child in one if name in (child.tag, "*")]
    return above


def grouped(element: Element | None) -> dict[str, list[Element]]:
    """The children by their names, in one pass."""
    by_name: dict[str, list[Element]] = {}
    for child in element if element is not None else ():
        by_name.setdefault(child.tag, []).append(child)
    return by_name


def kid(element: Element | None, path: str) -> Element | None:
    """The first element at a path of local names, or None."""
    first, _, rest = path.partition("/")
    for child in element if element is not None else ():  # in half the time of `iterchildren`
        if child.tag == first:
            if not rest:
                return child
            if (found := kid(child, rest)) is not None:
                return found
    return None


def words(element: Element | None) -> str:
    """All the text of an element, paragraphs separated by one space, stripped; "" for None."""
    if element is None:
        return ""
    if not len(element):
        return (element.text or "").strip()
    return " ".join(filter(None, (str(part).strip() for part in element.itertext())))


def lines(element: Element | None) -> str:
    """All the text of an element, a paragraph a line; "" for None."""
    if element is None:
        return ""
    if not len(element):
        return " ".join((element.text or "").split())
    return "\n".join(filter(None, (" ".join(str(part).split()) for part in element.itertext())))


def value(element: Element | None, path: str) -> str:
    """The text of the first element at a path, or ""."""
    return words(kid(element, path))


def attribute(element: Element | None, path: str, name: str) -> str:
    """An attribute of the first element at a path, or ""."""
    child = kid(element, path)
    return (child.get(name) or "").strip() if child is not None else ""


def values(element: Element | None, path: str) -> Iterator[str]:
    """The texts, not empty, of all elements at a path."""
    for found in kids(element, path):
        text = words(found)
        if text:
            yield text


def told(element: Element | None) -> bool:
    """Is there an element, and anything in it?"""
    return element is not None and bool(len(element) or element.text)


def leaves(
    element: Element | None, without: Collection[str] = (), path: str = ""
) -> Iterator[tuple[str, str]]:
    """(path of names, text) of every element without children, in order, those `without` and below left out."""
    for child in element if element is not None else ():
        if child.tag not in without:
            below = f"{path}/{child.tag}"
            if len(child):
                yield from leaves(child, without, below)
            elif child.text is not None:
                yield below, child.text.strip()


def sentences(element: Element | None, without: Collection[str] = ()) -> Iterator[str]:
    """The texts below an element that a person wrote: with letters, and neither a link, a code nor a date.

    A short answer ("oui", "non", "☐") is kept with the name of its element, which it answers.
    """
    for path, said in leaves(element, without):
        if said.lower() in ("oui", "non", "true", "false", "☐", "☑", "☒"):
            yield f"{re.sub(r'(?<=[a-z])(?=[A-Z])|_', ' ', path.rsplit('/', 1)[-1])} : {said}"
        elif (
            re.search(r"[^\W\d]{3}", said) and not said.startswith("http") and (" " in said or len(said) > 12)
        ):
            yield said


def cpv_codes(element: Element, without: Collection[str] = ()) -> Iterator[str]:
    """CPV codes below names that speak of CPV, the main object's first."""
    pairs = [(path.lower(), said) for path, said in leaves(element, without) if "cpv" in path.lower()]
    for _, said in sorted(pairs, key=lambda pair: "principal" not in pair[0] or "secondaire" in pair[0]):
        yield from re.findall(r"(?<!\d)\d{8}(?:-\d)?(?!\d)", said) or [said]
