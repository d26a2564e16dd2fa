"""Reference tables (CPV, NAF, communes)."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

from matcher.domain import BadInput
from matcher.reading.sync import _client
from matcher.reading.sync._client import Report
from matcher.reference import imports


def nomenclatures(folder: Path) -> Report:
    """The full CPV, NAF and communes, from their addresses or files, into the user's own tables, which take precedence over those shipped.

    What the shipped tables lack is reported.  Raises BadInput for a list of another shape; the old tables then stay.
    """
    with _client.run("reference", folder, publisher="") as run:
        state, report = run.state, run.report
        for what in (*imports.LABELS, "cog"):
            target = folder / (f"{what}.json" if what == "cog" else f"{what}.csv")
            source = _client.address_of(what)
            if source and urlsplit(source).scheme not in ("http", "https", "ftp"):  # a file
                local = Path(urlsplit(source).path if source.startswith("file:") else source)
                if not local.is_file():
                    raise BadInput(
                        f"{_client.variable_of(what)} names {local}, which is not a file: correct it"
                    )
                url, validators = str(local), {"etag": f"{local.stat().st_mtime_ns}-{local.stat().st_size}"}
                if state.get(what) == {**validators, "url": url}:
                    report.unchanged += 1
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(local, target)
            else:
                try:
                    url = _client.address(what)
                except BadInput as error:
                    report.notes.append(str(error))
                    continue
                held = state.get(what, {})
                known = held if target.exists() and held.get("url") == url else {}
                fetched = run.http.download(url, target, known)
                if fetched is None:
                    report.unchanged += 1
                    continue
                validators = fetched
            report.pages += 1
            try:
                count = (
                    imports.import_communes(target) if what == "cog" else imports.import_labels(what, target)
                )
            except BadInput as error:
                raise _client.Unreachable(
                    f"{what}: {error} Set {_client.variable_of(what)}; the tables in use stay."
                ) from None
            lacked = imports.beyond_shipped(what)
            report.notes.append(f"{what}: {count} codes kept, {lacked} that the shipped table lacks")
            report.records += count
            state[what] = {**validators, "url": url}
            run.save()
    return report
