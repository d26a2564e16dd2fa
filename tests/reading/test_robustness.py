"""Damaged files are set aside with a reason: no exception, memory bounded."""

import json

import pytest

import bombs
from bench import bench_sources as bench
from matcher.domain import Rejected
from matcher.reading import files


def test_hundreds_of_damaged_files_raise_nothing() -> None:
    list(files.read([bench.SAMPLE]))  # libraries and tables are in memory before it is measured
    records, grown = bench.attack(200, seed=1, archives=5)
    assert records > 150  # salvaged: the damage is not everywhere
    assert grown < 300  # MB


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
