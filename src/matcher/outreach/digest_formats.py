"""Forms of a digest: the same content as mail text, page, table, feed or calendar.

`content` is what `matcher.outreach.digests` composed (plain JSON).  Texts come from notices: each form makes them inert
itself.  To add one, write a function from the content to bytes, and give it a name in `FORMS`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from matcher import plugins, spreadsheet
from matcher.reference.french import PARIS, hour_stated, long_day
from matcher.reference.naming import as_written
from matcher.reference.text import fold, shorten

COLUMNS: tuple[tuple[str, str], ...] = (
    ("notice_id", "Avis"), ("lot", "Lot"), ("title", "Intitulé du lot"), ("notice_title", "Objet du marché"),
    ("trades", "Métier"), ("buyer", "Acheteur"), ("place", "Lieu"), ("amount", "Montant"), ("duration", "Durée"),
    ("deadline", "Date limite"), ("procedure", "Procédure"), ("limits", "Limite"), ("contact", "Contact"),
    ("reservation", "Réservation"), ("clauses", "Clauses et critères sociaux"), ("conditions", "À savoir"),
    ("alone", "Seule ou avec qui"), ("why", "Pourquoi vous"), ("documents_url", "Dossier"),
    ("url", "Avis en ligne"),
)  # fmt: skip
WIDE = {"Intitulé du lot": 45, "Objet du marché": 45, "Pourquoi vous": 60, "À savoir": 40}
WIDTHS = [WIDE.get(label, 22) for _, label in COLUMNS]
DEADLINE = [name for name, _ in COLUMNS].index("deadline")


def day(iso: str | None) -> str:
    """ "5 mars 2026" of an ISO date or time, in Paris time; "" for none."""
    return long_day(_paris(iso)) if iso else ""


def hour(iso: str | None) -> str:
    """ "à 12 h 00" where a time is stated, else nothing."""
    moment = _paris(iso) if iso and "T" in iso else None
    stated = moment and hour_stated(moment) and (moment.hour, moment.minute) != (0, 0)
    return f"à {moment.hour} h {moment.minute:02d}" if moment and stated else ""


def moment(iso: str | None) -> str:
    """ "5 mars 2026 à 12 h 00"; "" for none."""
    return f"{day(iso)} {hour(iso)}".strip()


def _paris(iso: str) -> datetime:
    moment = datetime.fromisoformat(iso)
    return moment.astimezone(PARIS) if moment.tzinfo else moment


def deadline(item: Mapping[str, Any]) -> str:
    if not item.get("deadline"):
        return "date limite non précisée : voir le dossier"
    return f"{day(item['deadline'])} {hour(item['deadline']) or '(heure non précisée)'}"


def facts(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What every form says of a lot, in order: (label, value)."""
    due = "Date annoncée" if item.get("prior") else "Réponse avant"
    stated = {
        "Métier": item.get("trades"),
        "Acheteur": item["buyer"] or "non précisé",
        "Où": item["place"] or "lieu non précisé",
        "Montant": item["amount"],
        "Durée": item.get("duration"),
        due: deadline(item) if item["deadline"] or not item.get("prior") else "",
        "Procédure": item.get("procedure"),
        "Limite": item.get("limits"),
        "Contact de l'acheteur": item.get("contact"),
        "Facilitateur de la clause": " ; ".join(item.get("facilitators") or ()),
    }
    yield from ((label, value) for label, value in stated.items() if value)


def tags(item: Mapping[str, Any]) -> Iterator[str]:
    """What stands above a lot: that it changed, that it is over, that it is not open yet."""
    if item.get("prior"):
        yield "Avis de préinformation : il n'y a rien à remettre encore"
    if item["kind"] == "correction":
        yield "Avis modifié : " + " ; ".join(item["changes"])
    elif item["kind"] == "cancellation":
        yield "Lot annulé ou déclaré sans suite"
    elif item["kind"] == "wave":
        yield (
            "Un acheteur prépare un besoin et souhaite connaître les structures intéressées. Besoin non publié : merci de le "
            "garder confidentiel"
        )


#: What a lot of a card says by itself where it differs from the first, and what where it has nothing to say.
APART = {"place": "lieu non précisé", "amount": "", "duration": "durée non précisée", "changes": ""}
APART |= {"reservation": "lot non réservé", "clauses": "aucune clause lue", "conditions": "", "alone": ""}
MOST_LOTS = 10  # of a card, one by one


Card = list[tuple[int, Mapping[str, Any]]]  # the items of a card with their numbers, from 1 on


def cards(items: Sequence[Mapping[str, Any]]) -> list[Card]:
    """The items with their numbers, one card for each notice and kind of news."""
    found: dict[tuple[str, str], Card] = {}
    for number, item in enumerate(items, 1):
        found.setdefault((item["notice_id"], item["kind"]), []).append((number, item))
    return list(found.values())


def apart(item: Mapping[str, Any], first: Mapping[str, Any]) -> Iterator[str]:
    """What a further lot of a card says otherwise than its first."""
    if item["title"] not in (first["title"], item["notice_title"]):
        yield item["title"]
    stands = f"{item['title']} {first['title']} {first['text']}"
    if _words(item["text"]) - _words(stands):
        yield item["text"]
    if item["deadline"] != first["deadline"]:
        yield f"avant : {deadline(item)}"
    for name, nothing in APART.items():
        if isinstance(item[name], str):
            differs = item[name] != first[name]
            yield from filter(None, [item[name] or nothing] if differs else [])
        else:
            yield from (each for each in item[name] if each not in first[name])


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", fold(text)))


def table(content: Mapping[str, Any], *, typed: bool = False) -> Iterator[list[Any]]:
    """A heading, then a row for each lot, in the order of COLUMNS; `typed` keeps a date limit as a time of Paris."""
    yield [label for _, label in COLUMNS]
    for item in content["items"]:
        joined = {"why": " ; ".join(item.get("reasons", ()))}
        joined["conditions"] = " ; ".join(item.get("conditions", ()))
        values = {**item, **joined, "deadline": deadline(item)}
        cells: list[Any] = [str(values.get(key) or "") for key, _ in COLUMNS]
        if typed and item.get("deadline"):
            until = _paris(item["deadline"])
            cells[DEADLINE] = until.replace(tzinfo=None) if hour_stated(until) else until.date()
        yield cells


@cache
def templates() -> Any:
    """The mail templates; everything that is filled in is escaped in HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("matcher.outreach", "digest_templates"),
        autoescape=select_autoescape(enabled_extensions=("html", "xml"), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions = (day, deadline, cards, facts, tags, apart)
    made.globals.update({each.__name__: each for each in functions}, most=MOST_LOTS)
    # without characters that XML forbids
    made.filters["printed"] = lambda text: "".join(c for c in text if c.isprintable() or c in "\n\t")
    made.filters |= {"as_written": as_written, "shorten": shorten}
    return made


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a feed; its id is stable, so that readers show it once."""

    id: str
    title: str
    updated: str  # an instant, ISO 8601
    summary: str
    link: str = ""


def feed(id: str, title: str, updated: str, entries: Iterable[Entry], at: str = "") -> bytes:
    """A feed (RFC 4287), which stands at the address `at`."""
    facts = {"id": id, "title": title, "updated": updated, "entries": entries, "at": at}
    return str(templates().get_template("feed.xml").render(facts)).encode()


def lines(item: Mapping[str, Any]) -> Iterator[str]:
    """A lot as lines, for forms without a template: all that text and HTML say of it."""
    yield from tags(item)
    # "Lot 2" alone tells a reader of feeds nothing
    yield " · ".join(filter(None, dict.fromkeys((item["lot"], item["notice_title"]))))
    yield item["text"]
    yield from (f"{label} : {value}" for label, value in facts(item))
    yield from (item["reservation"], item["clauses"], *item["conditions"])
    yield from (f"Pourquoi vous : {reason}" for reason in item["reasons"])
    yield item["alone"]
    yield f"Dossier : {item['documents_url'] or item['profile'] or 'lien non publié'}"
    yield f"Avis {item['notice_id']}" + (f" : {item['url']}" if item["url"] else "")


def _atom(content: Mapping[str, Any]) -> bytes:
    """One entry a lot."""
    who, name, made = content["addressee"], content["name"] or content["addressee"], content["made"]

    def entry(item: Mapping[str, Any]) -> Entry:
        named = " – ".join(filter(None, dict.fromkeys((item["title"], item["notice_title"]))))
        id = f"urn:maillage:lot:{item['notice_id']}:{item['lot_id']}:{item['edition']}"
        title = f"{named} ({item['buyer']})" if item["buyer"] else named
        link = item["documents_url"] or item["url"]
        address = link if link.startswith(("https://", "http://")) else ""
        return Entry(id, title, made, "\n".join(filter(None, lines(item))), address)

    return feed(f"urn:maillage:digest:{who}", f"Marchés pour {name}", made, map(entry, content["items"]))


def _icalendar(content: Mapping[str, Any]) -> bytes:
    """The deadlines as a calendar (RFC 5545); a corrected deadline replaces the old one, by its UID."""
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
        event.add("description", "\n".join(filter(None, lines(item))))
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


def _templated(content: Mapping[str, Any], ending: str) -> bytes:
    """The text or the HTML of a mail: sober, readable without images, no outside host."""
    name = "buyer" if content["addressee"].startswith("buyer:") else "structure"
    return str(templates().get_template(f"{name}.{ending}").render(d=content)).encode()


#: Name of a form -> what writes a digest in it.
FORMS: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {
    "text": lambda content: _templated(content, "txt"),
    "html": lambda content: _templated(content, "html"),
    "json": lambda content: json.dumps(dict(content), ensure_ascii=False, indent=1).encode(),
    "csv": lambda content: spreadsheet.to_csv(table(content)),
    "xlsx": lambda content: spreadsheet.to_xlsx(
        spreadsheet.Sheet(title="Avis", rows=table(content, typed=True), widths=WIDTHS, frozen="A2")
    ),
    "atom": _atom,
    "icalendar": _icalendar,
}
