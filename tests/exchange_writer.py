"""A writer to be killed: declares on notices FIRST..LAST-1 for one SIRET and says each one that lasts.

usage: exchange_writer.py URL TOKEN SIRET FIRST LAST
"""

import sys
from datetime import UTC, datetime

from matcher.domain import Tender
from matcher.records import exchange, keys
from matcher.records.store import Store


def main(url: str, token: str, siret: str, first: str, last: str) -> None:
    store = Store.open(url)
    bearer = keys.prove(store, token)
    for number in range(int(first), int(last)):
        id, until = f"n-{number}", datetime(2090, 1, 1, tzinfo=UTC)
        notice = Tender(id=id, format="boamp", title="Entretien")
        said = {"brings": "tonte", "seeks": "nettoyage", "deadline": until, "tender": notice}
        exchange.declare(store, bearer, siret=siret, notice_id=id, **said)
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
