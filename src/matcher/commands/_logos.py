"""Logos of the synchronised list, fetched into the store."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matcher.reading.sync._client import Report


def fetched(
    folder: Path,
    only: Collection[str] | None = None,
    opted_out: Collection[str] = (),
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Report:
    """Fetch the logos that the list in `folder` gives (of the SIRETs of `only`) and keep them in the store."""
    from matcher.reading.sync import logos
    from matcher.records import logos as kept
    from matcher.records.store import Store, default_url

    with Store.open(default_url()) as store:
        held = {siret: (one.url, one.fetched, one.removed) for siret, one in kept.known(store).items()}

        def keep(found: logos.Fetched) -> None:
            kept.keep(store, found.siret, found.image, url=found.url, source=logos.SOURCE, day=found.day, why=found.why)  # fmt: skip

        report, gone = logos.logos(
            folder, held, keep, only=None if only is None else set(only), opted_out=opted_out, progress=progress
        )  # fmt: skip
        kept.forget(store, gone)
    return report
