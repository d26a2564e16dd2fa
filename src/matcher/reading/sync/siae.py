"""Structures of Le Marché de l'inclusion: the list, then the page of each with what it does."""

import json
from pathlib import Path
from typing import Any

from matcher.reading.sources._tabular import json_lines
from matcher.reading.sync._client import Gone, Report, _read_json, _write_json, address
from matcher.reading.sync._pages import Listing, Lists, listed, offset, rows_of

KEY = "siae"
LISTING = Listing("results", "count", offset(100))
#: The pages of structures as they came; hidden, since the lists hold them too.
DETAILS = ".details.jsonl"


def siae(folder: Path, details: bool = True, accept_fewer: bool = False) -> Report:
    """Every structure of the list with its own page: sectors, offers, networks, contacts.

    A page is asked for again only where the list says that it changed, and none where pages say no more than the list.
    """
    url = address("siae")
    with listed("siae", folder, accept_fewer) as lists:
        outcome = lists.read(KEY, url, LISTING)
        if details and (outcome != "same" or not lists.state.get("detailed")):
            (lists.folder / DETAILS).touch()
            with (lists.folder / DETAILS).open("rb") as held:
                rows = [row for _, row in json_lines(held) if not isinstance(row, str)]
            kept = {str(row.get("id", "")): row for row in rows}  # the page fetched last
            lists.state["detailed"] = False
            with (lists.folder / DETAILS).open("a", encoding="utf-8") as sink:
                for path in lists.files(KEY):
                    page = _read_json(path)
                    listed_rows, _ = rows_of(page, url, LISTING)
                    page["results"] = [_with_detail(lists, url, row, kept, sink) for row in listed_rows]
                    _write_json(path, page)
            lists.state["detailed"] = True
            lists.save()
    return lists.report


def _with_detail(lists: Lists, url: str, row: Any, kept: dict[str, dict[str, Any]], sink: Any) -> Any:
    number = str(row.get("id", "")) if isinstance(row, dict) else ""
    if not number.isalnum() or lists.state.get("alike"):
        return row
    detail = kept.get(number)
    if detail is None or (row.get("updated_at") and detail.get("updated_at") != row["updated_at"]):
        try:
            fresh, _ = lists.http.json(f"{url.rstrip('/')}/{number}/")
        except Gone:
            return {**(detail or {}), **row}
        if not isinstance(fresh, dict):
            return row
        # list and page share one serializer since 2026: thousands of requests would bring nothing
        lists.state["alike"] = fresh.keys() <= row.keys()
        detail = kept[number] = fresh
        sink.write(json.dumps({**fresh, "id": row["id"]}, ensure_ascii=False) + "\n")
        sink.flush()
    return {**row, **detail}
