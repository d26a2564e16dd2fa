"""French formatting of numbers and dates, and the time zone of French notices."""

import math
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

#: The zone of every day and hour that a French notice or a page states.
PARIS = ZoneInfo("Europe/Paris")
#: The zones of overseas departments and collectivities, by their codes.
OVERSEAS = {
    code: ZoneInfo(name)
    for code, name in {
        "971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne", "974": "Indian/Reunion",
        "975": "America/Miquelon", "976": "Indian/Mayotte", "977": "America/St_Barthelemy", "978": "America/Marigot",
        "986": "Pacific/Wallis", "987": "Pacific/Tahiti", "988": "Pacific/Noumea",
    }.items()
}  # fmt: skip
MONTHS = tuple("janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split())


def grouped(value: float, decimals: int = 0) -> str:
    """A number with thin spaces between thousands and a decimal comma: 45 000."""
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace(".", ",")


def counted(number: str | int, words: str) -> str:
    """A number with its words, each in the plural from two: "1 lot attribué", "5 lots attribués"."""
    one = str(number) in ("0", "1")
    return f"{number} {words if one else ' '.join(f'{word}s' for word in words.split())}"


def euros(value: float | None, unknown: str = "—") -> str:
    """An amount in whole euros; `unknown` for None and NaN."""
    return unknown if value is None or not math.isfinite(value) else f"{grouped(value)} €"


def day(value: date | datetime | str | None, unknown: str = "—") -> str:
    """15/09/2026; a day in ISO form is read."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if value else None
    return f"{value:%d/%m/%Y}" if value else unknown


def in_paris(moment: datetime) -> datetime:
    """The moment with a time zone: that of Paris where none is stated."""
    return moment if moment.tzinfo else moment.replace(tzinfo=PARIS)


def hour_stated(deadline: datetime) -> bool:
    """Whether a deadline is at a stated hour: one of a day alone is at its last microsecond."""
    return deadline.time() != time.max


def iso(deadline: datetime) -> str:
    """ISO 8601 to the minute in Paris, or the day alone where no hour is stated."""
    local = in_paris(deadline).astimezone(PARIS)
    return local.isoformat(timespec="minutes") if hour_stated(local) else local.date().isoformat()


def is_over(deadline: datetime | None, moment: datetime | None = None) -> bool:
    """Whether a deadline has passed at `moment` (now by default); one that is not stated has not."""
    return deadline is not None and in_paris(deadline) <= (moment or datetime.now(PARIS))


def due(deadline: datetime | None, moment: datetime | None = None) -> str:
    """ "réponse avant le 15/09/2026", "clos depuis le 15/09/2026", or "" where no deadline is stated."""
    if deadline is None:
        return ""
    on = f"{in_paris(deadline).astimezone(PARIS):%d/%m/%Y}"
    return f"clos depuis le {on}" if is_over(deadline, moment) else f"réponse avant le {on}"


def long_day(value: date) -> str:
    """1er mars 2026."""
    return f"{'1er' if value.day == 1 else value.day} {MONTHS[value.month - 1]} {value.year}"
