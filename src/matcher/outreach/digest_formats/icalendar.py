"""The deadlines of a digest as a calendar (RFC 5545); a corrected deadline replaces the old one, by its UID."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from matcher import plugins
from matcher.outreach.digest_formats._words import facts, tags

MEDIA = "text/calendar; charset=utf-8"
SUFFIX = ".ics"


def render(content: Mapping[str, Any]) -> bytes:
    with plugins.optional("night", "a calendar of deadlines"):
        from icalendar import Alarm, Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//Maillage//matcher//FR")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Dates limites des marchés")
    made = datetime.fromisoformat(content["made"])
    for item in content["items"]:
        if not item.get("deadline"):
            continue
        due = datetime.fromisoformat(item["deadline"])
        event = Event()
        event.add("uid", f"{item['notice_id']}-{item['lot_id']}@maillage".replace(" ", "-"))
        event.add("dtstamp", made)
        event.add("sequence", int(made.timestamp()) // 60 % 2**31)
        event.add("summary", f"Date limite : {item['title']}")
        said = (
            *tags(item),
            item["notice_title"],
            *(f"{label} : {value}" for label, value in facts(item)),
            item["alone"],
        )
        event.add("description", "\n".join(filter(None, said)))
        if item.get("kind") == "cancellation":
            event.add("status", "CANCELLED")
        event.add("dtstart", due.astimezone(UTC) if due.tzinfo else due)
        if item["documents_url"].startswith(("https://", "http://")):
            event.add("url", item["documents_url"])
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"Dans une semaine : {item['title']}")
        alarm.add("trigger", timedelta(days=-7))
        event.add_component(alarm)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
