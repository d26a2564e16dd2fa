"""Structures in our own form, one JSON object a line, with every field, source and date (`matcher enrich --out`)."""

from collections.abc import Iterator
from typing import BinaryIO

from matcher import codec
from matcher.domain import Rejected, Structure
from matcher.reading.sources import _tabular

YIELDS = "structure"


def recognises(name: str, head: bytes) -> bool:
    """True for JSON whose keys are those of a structure of ours."""
    return {"siret", "provenance", "predecessors", "convention"} <= _tabular.keys_of(head)


def read(stream: BinaryIO, name: str) -> Iterator[Structure | Rejected]:
    """Each structure as it was written."""

    def made(row: _tabular.Row) -> Structure | str:
        try:
            return codec.from_json(Structure, row)
        except (TypeError, ValueError, KeyError) as error:
            return f"not a structure of our own form ({error}): write it again with `matcher enrich`"

    return _tabular.structures(_tabular.rows(stream, name, lists=("structures",)), name, made)
