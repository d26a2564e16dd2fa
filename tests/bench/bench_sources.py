"""An oracle of the real notices, which shares no code with their readers (`tests/reading/test_sources_notices.py`), and damaged files
of every kind (`tests/reading/test_robustness.py`).
"""

import gzip
import io
import json
import random
import resource
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

import bombs
from matcher.domain import Rejected, Tender
from matcher.reading import files as files_
from matcher.reading.sources import eforms, ted
from matcher.reference.paths import shared_dir
from papers import pdf, word, workbook

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"


def notices_dir() -> Path:
    return shared_dir() / "data" / "notices"


def ted_files() -> list[Path]:
    return sorted((notices_dir() / "ted").glob("*.xml"))


def local(name: str) -> str:
    return f"*[local-name()='{name}']"


class Oracle:
    """Oracle for a notice: XPath on the untouched document, independent of the reader."""

    def __init__(self, path: Path) -> None:
        root = etree.parse(str(path)).getroot()
        forms = [f for f in root.xpath(f"{local('FORM_SECTION')}/*") if f.get("LG")]
        french = [f for f in forms if f.get("LG") == "FR"]
        original = [f for f in forms if f.get("CATEGORY") == "ORIGINAL"]
        self.root, self.form = root, (french or original or forms)[0]
        self.french = bool(french)

    def all(self, *names: str) -> list[etree._Element]:
        return self.form.xpath("/".join(local(n) for n in names))

    def text(self, *names: str) -> str:
        found = self.all(*names)
        return " ".join(" ".join(found[0].itertext()).split()) if found else ""

    @property
    def lots(self) -> int:
        return len(self.all("OBJECT_CONTRACT", "OBJECT_DESCR"))


NAMED, MISSION = "local-name()", "RESERVED_ORGANISATIONS_SERVICE_MISSION"
#: Superscripts are read as the characters that they stand for: "m<FT>3</FT>" is "m³".
TYPED = str.maketrans("²³°", "23o")


def same(one: str, other: str) -> bool:
    left, right = ("".join(text.translate(TYPED).split()) for text in (one, other))
    return left == right


def differences(tender: Tender, oracle: Oracle) -> list[str]:
    """The names of the fields that differ from the oracle's (forms of R2.0.9)."""
    wrong = []
    body = ("CONTRACTING_BODY", "ADDRESS_CONTRACTING_BODY")
    addresses = (oracle.text("CONTRACTING_BODY", name) for name in ("URL_DOCUMENT", "URL_PARTICIPATION"))
    documents = next(filter(None, addresses), "")
    reserved = [lot.reservation for lot in tender.lots]
    checks = {
        "title": same(tender.title, oracle.text("OBJECT_CONTRACT", "TITLE")),
        "description": same(tender.description, oracle.text("OBJECT_CONTRACT", "SHORT_DESCR")),
        "buyer": same(tender.buyer.name, oracle.text(*body, "OFFICIALNAME")),
        "buyer postcode": (tender.buyer.place.postcode or "") in oracle.text(*body, "POSTAL_CODE")
        or not oracle.text(*body, "POSTAL_CODE"),
        "reference": same(tender.reference, oracle.text("OBJECT_CONTRACT", "REFERENCE_NUMBER")[:200]),
        "documents": same(tender.documents_url.removeprefix("https://"), documents.removeprefix("https://")),
        "deadline": tender.nature == "correction"  # it tells the new one, under CHANGES
        or (tender.deadline.date().isoformat() if tender.deadline else "")
        == oracle.text("PROCEDURE", "DATE_RECEIPT_TENDERS"),
        "reserved": any(one is not None and one.origin == "field" for one in reserved)
        == bool(
            oracle.form.xpath(f".//*[starts-with({NAMED},'RESTRICTED_SHELTERED') or {NAMED}='{MISSION}']")
        ),
        "awards": len(tender.awards)
        == len(oracle.all("AWARD_CONTRACT", "AWARDED_CONTRACT"))
        + len(oracle.all("RESULTS", "AWARDED_PRIZE"))
        + len(oracle.all("MODIFICATIONS_CONTRACT", "DESCRIPTION_PROCUREMENT")),
    }
    wrong += [name for name, right in checks.items() if not right]
    described = oracle.all("OBJECT_CONTRACT", "OBJECT_DESCR")
    main = [c.get("CODE") for c in oracle.all("OBJECT_CONTRACT", "CPV_MAIN", "CPV_CODE")][:1]
    for lot, element in zip(tender.lots, described, strict=False):
        inside = lambda *names: element.xpath("/".join(local(n) for n in names))  # noqa: B023, E731
        words = lambda found: " ".join(" ".join(found[0].itertext()).split()) if found else ""  # noqa: E731
        own = [c.get("CODE") for c in inside("CPV_ADDITIONAL", "CPV_CODE")]
        expected = [*main, *own] if len(described) == 1 else own or main
        value = inside("VAL_OBJECT")
        stated = {
            "lot title": same(lot.title, words(inside("TITLE")) or tender.title)
            or (not inside("TITLE") and same(lot.title, words(inside("SHORT_DESCR")))),
            "lot description": same(lot.description, words(inside("SHORT_DESCR"))),
            "lot cpv": list(lot.cpv) == list(dict.fromkeys(expected)),
            "lot amount": not value or lot.amount == float(value[0].text),
            "lot nuts": "places" in lot.inferred
            or [p.nuts for p in lot.places if p.nuts] == [n.get("CODE") for n in inside("NUTS")]
            or all(p.inferred for p in lot.places),  # the words name the communes
            "lot duration": not inside("DURATION") or lot.duration_months is not None,
        }
        wrong += [name for name, right in stated.items() if not right]
    holders = [h.name for a in tender.awards for h in a.holders]
    parents = f"{NAMED}='ADDRESS_CONTRACTOR' or {NAMED}='ADDRESS_WINNER'"
    named = ["".join(n.itertext()) for n in oracle.form.xpath(f".//*[{parents}]/*[{NAMED}='OFFICIALNAME']")]
    stripped = [sorted("".join(name.split()) for name in names) for names in (holders, named)]
    return wrong if stripped[0] == stripped[1] else [*wrong, "holders"]


def read_one(path: Path) -> list[Tender | Rejected]:
    with path.open("rb") as stream:
        return list((ted if "ted" in path.parts else eforms).read(stream, path.name))


def seeds() -> list[tuple[str, bytes]]:
    """Small valid files of every kind, synthetic."""
    kept = (path for path in sorted(SAMPLE.rglob("*")) if path.suffix in (".xml", ".json", ".csv"))
    found = [(path.name, path.read_bytes()[:60_000]) for path in kept]
    found += papers()
    for path in sorted((SAMPLE / "eforms").glob("*.xml"))[:1]:
        members = {"a/notice.xml": path.read_bytes(), "b.json": b"{}"}
        found.append(("notices.zip", bombs.packed(members)))
        found.append(("notice.xml.gz", gzip.compress(path.read_bytes())))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            info = tarfile.TarInfo("notice.xml")
            info.size = len(path.read_bytes())
            archive.addfile(info, io.BytesIO(path.read_bytes()))
        found.append(("notices.tgz", buffer.getvalue()))
    return found


def papers() -> list[tuple[str, bytes]]:
    """A consultation as DOCX, XLSX, PDF, plain text and as a ZIP of them; awards as Parquet."""
    import pandas as pd

    text = "Objet du marché : Tonte\nLot 1 - Stades\nLot 2 - Écoles\nLe lot 2 est réservé aux entreprises adaptées."
    rows = ("SIRET", "Nom", "Activité"), ("00010000700014", "Essai", "Tonte")
    made = {"rc.txt": text.encode(), "rc.docx": word(text), "lots.xlsx": workbook(rows), "plan.pdf": pdf("")}
    award = {"uid": ["a"], "id": ["a"], "acheteur_id": ["00010000700014"], "objet": ["Tonte"]}
    parquet = pd.DataFrame(award).to_parquet()
    return [*made.items(), ("dce.zip", bombs.packed(made)), ("awards.parquet", parquet)]


def flip(data: bytes, draw: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(draw.choice((1, 4, 64))):
        made[draw.randrange(len(made))] = draw.randrange(256)
    return bytes(made)


def cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def splice(data: bytes, draw: random.Random) -> bytes:
    a, b = sorted((draw.randrange(len(data)), draw.randrange(len(data))))
    return data[:a] + data[a:b] * draw.choice((0, 2, 3)) + data[b:]


def number(data: bytes, draw: random.Random) -> bytes:
    huge = draw.choice((b"9" * 5000, b"1e400", b"-1", b"NaN", b"0" * 300, b"1" + b"0" * 30, b"2218-99-99"))
    at = draw.randrange(len(data))
    return data[:at] + huge + data[at:]


def nest(data: bytes, draw: random.Random) -> bytes:
    depth = draw.choice((300, 5_000, 50_000))
    shape = draw.choice(("json", "list", "xml", "inside"))
    if shape == "json":
        begun = b'{"idweb":"1","nomacheteur":"x","dateparution":"2026-01-01","donnees":'
        return begun + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    if shape == "list":
        return b'[{"idweb":"1","nomacheteur":"x","url_avis":' + b"[" * depth + b"]" * depth + b"}]"
    if shape == "xml":
        return b"<TED_EXPORT>" + b"<FORM_SECTION>" * depth + b"</FORM_SECTION>" * depth + b"</TED_EXPORT>"
    inner = json.dumps('{"EFORMS":' * depth + "1" + "}" * depth).encode()
    return b'{"results":[{"idweb":"1","nomacheteur":"x","donnees":' + inner + b"}]}"


def entities(data: bytes, draw: random.Random) -> bytes:
    lines = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol"}">' for i in range(10))
    outside = '<!ENTITY x SYSTEM "file:///etc/hostname">'
    root = draw.choice(("TED_EXPORT", "ContractNotice"))
    pad = " " * draw.choice((0, 5_000, 70_000))
    return f"<?xml version='1.0'?>{pad}<!DOCTYPE {root} [{lines}{outside}]><{root}><ID>&l9;&x;</ID></{root}>".encode()


def encoding(data: bytes, draw: random.Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    name = draw.choice(("latin-1", "utf-16", "utf-32", "cp1252", "utf-8-sig", "cp037"))
    return text.encode(name, errors="replace")


def bomb(data: bytes, draw: random.Random) -> bytes:
    return bombs.bomb(draw.choice(("overlapped", "many_members", "corrupt_lzma", "sparse_tar")))


def noise(data: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(draw.choice((0, 1, 100, 20_000)))


MUTATIONS = {flip: 30, cut: 25, splice: 15, number: 15, nest: 5, entities: 3, encoding: 5, noise: 2}


def mutated(files: int, seed: int = 0, archives: int = 12) -> Iterator[tuple[str, str, bytes]]:
    """(mutation, name, content) of damaged files, the same for a seed; so many `archives` that are bombs among them."""
    draw = random.Random(seed)
    sound = seeds()
    for i in range(files):
        name, data = draw.choice(sound)
        kind = bomb if i < archives else draw.choices([*MUTATIONS], [*MUTATIONS.values()])[0]
        yield kind.__name__, name, kind(data, draw)


def attack(files: int, seed: int = 0, archives: int = 12) -> tuple[int, float]:
    """Read damaged files: how many records they give, and the MB of memory taken.  An exception goes up: it is the finding."""
    records, before = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i, (kind, name, data) in enumerate(mutated(files, seed, archives)):
        for record in files_.read_bytes(data, name):
            reason = record.reason if isinstance(record, Rejected) else ""
            assert not reason.startswith(files_.INTERNAL_ERROR), f"file {i} ({kind} of {name}): {reason}"
            records += not reason
    return records, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
