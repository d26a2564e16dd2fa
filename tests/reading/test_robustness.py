"""Damaged files are set aside with a reason: no exception, none slow, memory bounded."""

import json
from pathlib import Path

import pytest

import bombs
from bench import bench_sources as bench
from matcher.domain import Rejected, Tender
from matcher.reading import files


def test_hundreds_of_damaged_files_raise_nothing() -> None:
    list(files.read([bench.SAMPLE]))  # libraries and tables are in memory before it is measured
    told = bench.attack(200, seed=1, archives=5)
    assert told["records"] > 150  # salvaged: the damage is not everywhere
    assert told["grown"] < 300  # MB


def nested(depth: int) -> bytes:
    inner = b"<a/>"
    for level in range(depth):
        inner = bombs.packed({f"{level}.zip": inner})
    return inner


DOCTYPE = b'<!DOCTYPE TED_EXPORT [<!ENTITY a "x">]><TED_EXPORT>&a;</TED_EXPORT>'
DEEP = json.dumps('{"EFORMS":' * 20_000 + "1" + "}" * 20_000)
REFUSED = [
    ("bomb.xml", b'<?xml version="1.0"?>' + DOCTYPE, "document type"),
    ("far.xml", b'<?xml version="1.0"?>' + b" " * 70_000 + DOCTYPE, ""),
    ("bomb.zip", bombs.bomb("deflate_bomb"), "bomb"),
    ("bomb.gz", bombs.bomb("gzip_bomb"), "bomb"),
    ("nested.zip", nested(6), "nested"),
    ("deep.json", bombs.bomb("deep_json"), "nest"),
    ("inside.json", f'[{{"idweb":"1","nomacheteur":"x","objet":"y","donnees":{DEEP}}}]'.encode(), "nested"),
    ("empty.xml", b"  \n ", "empty"),
]


@pytest.mark.parametrize(("name", "data", "word"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_what_would_stop_a_reader_is_refused_in_a_sentence(name: str, data: bytes, word: str) -> None:
    records = list(files.read_bytes(data, name))
    assert records and all(isinstance(record, Rejected) for record in records)
    assert word in records[0].reason  # type: ignore[union-attr]


def test_a_damaged_file_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"<TED_EXPORT><FORM_SECTION>")
    sound = Path(__file__).resolve().parents[2] / "data" / "sample" / "boamp_page_1.json"
    (tmp_path / "b.json").write_bytes(sound.read_bytes())
    records = list(files.read([tmp_path]))
    assert isinstance(records[0], Rejected) and "well-formed" in records[0].reason
    assert sum(isinstance(record, Tender) for record in records) > 5
