"""Build `data/reference/accents.txt.gz`: the French words that hold an accent, to repair destroyed ones.

Usage: python data/build/build_accents.py [--packages FOLDER]

The words come from the npm package `an-array-of-french-words` 2.0.0 (MIT), the names of towns from
`communes.csv.gz`, and the words of the trade from the other tables of `data/reference`.  Words that
differ only by their accents (pêche, péché) all stand in the list: what is ambiguous is not repaired.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import tempfile
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "data" / "reference"
PACKAGE = "an-array-of-french-words@2.0.0"
#: Words of the trade that general lists lack, written here.
TRADE = (
    "bât bâts bétonné biodéchet biodéchets déchetterie déchetteries déchèterie déchèteries déconstruction déconstructions "
    "démolitions désamiantage désamiantages déplombage désimperméabilisation éco écopâturage écoquartier ème étanchéité "
    "hydroélectrique métallerie métalleries médico métrés multiaccueil périscolaire périscolaires réaménagement "
    "réaménagements réemploi réhabilitation résidentialisation sénior séniors télégestion télésurveillance "
    "thermorégulation vidéoprotection vidéosurveillance éclairagiste éclairagisme réglementaire réglementaires "
    "règlementaire règlementaires événementiel évènementiel"
)
WORD = re.compile(r"[^\W\d_]+")


def literary(word: str, words: set[str]) -> bool:
    """Whether a word is a form of the simple past or the imperfect subjunctive, which no notice uses ("forât")."""
    if re.search(r"(?:[âîû](?:mes|tes))$", word):
        return True
    ending = re.search(r"(?:ât|èrent)$", word)
    return bool(ending) and word[: ending.start()] + "er" in words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, help="a folder to fetch the package into")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.packages or Path(temporary)
        subprocess.run(
            ["npm", "install", "--silent", "--prefix", str(folder), "--no-save", PACKAGE], check=True
        )
        listed = json.loads(
            (folder / "node_modules" / "an-array-of-french-words" / "index.json").read_text("utf-8")
        )
    words = {part.lower() for word in listed for part in WORD.findall(word)}
    words.update(TRADE.split())
    for name in (
        "communes.csv.gz",
        "former_communes.csv.gz",
        "departments.csv",
        "cpv.csv",
        "naf.csv",
        "rome.csv",
    ):
        path = OUT / name
        data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
        words.update(word.lower() for word in WORD.findall(data.decode("utf-8")))
    accented = sorted(word for word in words if not word.isascii() and not literary(word, words))
    packed = gzip.compress("\n".join(accented).encode(), 9, mtime=0)
    (OUT / "accents.txt.gz").write_bytes(packed)
    print(f"accents.txt.gz: {len(accented):,} words, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
