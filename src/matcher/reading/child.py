"""The reading process: a warm idle process, forked for each file, each fork under resource limits of the kernel.

Started by `reading.confined`, which sends it an open connection and an open file for each fork.
"""

import contextlib
import json
import os
import resource
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from matcher import console
from matcher.reading import confined, files, limits
from matcher.reading.limits import Limits
from matcher.reference import forking

BATCH = 16  # records of a message
FILES = 64  # files that a fork may have open
#: First files of each shape, so that modules, tables and models are in memory before the first fork.
WARM = {
    "besoin.txt": "Objet du marché : nettoyage des locaux à Pantin\nLot 1 : insertion, 120 heures réservées\nSIRET 000 100 016 00013",
    "avis.json": '[{"dataset": "boamp", "idweb": "26-1", "nature": "APPEL_OFFRE", "dateparution": "2026-11-20", "code_departement": ["93"], '
    '"objet": "Entretien des espaces verts et réservation aux entreprises adaptées", "nomacheteur": "Commune de Pantin"}]',
    "avis.xml": '<ContractNotice xmlns="urn:oasis:names:specification:ubl:schema:xsd:ContractNotice-2"/>',
    "structures.csv": "siret;nom;commune;offres\n00010001600013;Les Sentiers;Pantin;Entretien des espaces verts",
}


def _warm() -> None:
    with contextlib.suppress(ImportError):
        import docx  # noqa: F401
        import pypdf  # noqa: F401
    import openpyxl  # noqa: F401
    from lxml import etree  # noqa: F401

    for name, text in WARM.items():
        list(files.read_bytes(text.encode(), name))


def _work(_: bytes, given: list[int]) -> None:
    """Read one file."""
    with Connection(given[0]) as connection:
        connection.send_bytes(confined.PID + str(os.getpid()).encode())
        task = json.loads(connection.recv_bytes())
        console.quiet(task["quiet"])
        _confine(Limits(**task["limits"]))
        kind = confined.END
        try:
            with os.fdopen(given[1], "rb") as stream:
                records = files.read_stream(
                    stream, task["name"], task["source"], task["columns"], task["walked"]
                )
                for message in confined.messages(records, BATCH):
                    connection.send_bytes(message)
        except (MemoryError, RecursionError):
            kind = confined.FAILED
        connection.send_bytes(kind)


def _confine(bounds: Limits) -> None:
    """Set the resource limits at which the kernel kills this process."""
    limits.enforce(bounds)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, bounds.wall)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.cpu, bounds.cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bounds.total, bounds.total))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    resource.setrlimit(resource.RLIMIT_AS, (_in_use() + bounds.memory,) * 2)


def _in_use() -> int:
    """Bytes of address space of this process."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 1 << 30


if __name__ == "__main__":
    _warm()
    forking.serve(_work)
