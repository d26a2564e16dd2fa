"""The shipped encoder: one learnt vector per token, summed; read without torch.

The folder is in the sentence-transformers layout (StaticEmbedding, then a Router): `SentenceTransformer(folder).float()`
gives the same vectors, with `encode_query` for queries.  Queries go through a linear projection that was learnt
with the vectors, so that a shared word alone does not make a need and an offer similar.  Text normalisation is
part of tokenizer.json, so that both readers agree.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from matcher.domain import BadInput
from matcher.learned.encoders import BLOCK, Role
from matcher.reference import paths
from matcher.reference.arrays import F32

REMEMBERED = 200_000  # words whose tokens are kept
PROJECTION = Path("1_Router") / "query_0_Dense"  # the query projection; optional
#: The files of an encoder: vocabulary, vectors, projection.
PARTS = (
    Path("0_StaticEmbedding") / "tokenizer.json",
    Path("0_StaticEmbedding") / "model.safetensors",
    PROJECTION / "model.safetensors",
)


class StaticEncoder:
    """Sums the vectors of a text's tokens, projects the sum if it is a query, and normalises it."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        try:
            vocabulary, weights = ((folder / name).read_bytes() for name in PARTS[:2])
            path = folder / PARTS[2]
            projection = path.read_bytes() if path.is_file() else b""
        except OSError:
            remedy = f"make one with `matcher train encoder --out {folder}`"
            raise BadInput(f"no encoder in {folder}: {remedy}") from None
        try:
            self._tokenizer = Tokenizer.from_buffer(vocabulary)
            self._vectors = load(weights)["embedding.weight"].astype(np.float32, copy=False)
            dimension = self._vectors.shape[1]
            whole = load(projection)["linear.weight"].T if projection else np.eye(dimension)
            self._turn = np.ascontiguousarray(whole.reshape(dimension, dimension), dtype=np.float32)
        except Exception as error:  # tokenizers and safetensors raise a bare Exception on a damaged file
            raise BadInput(f"the static encoder in {folder} is damaged ({error}): train it again") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # words recur: cut once each, half of the time of a query goes
        self._pieces = lru_cache(REMEMBERED)(self._cut)
        self.dimension = int(self._vectors.shape[1])
        digest = hashlib.sha256(vocabulary)
        digest.update(weights)  # successively: concatenating would copy them
        digest.update(projection)
        self.fingerprint = f"static-{digest.hexdigest()[:16]}"

    def normalise(self, text: str) -> str:
        """The text as the vocabulary sees it: lower case, no accents, damaged letters repaired, single spaces."""
        normalised: str = self._tokenizer.normalizer.normalize_str(text)
        return normalised

    def encode(self, texts: Sequence[str], role: Role = "passage") -> F32:
        """Vectors of shape (len(texts), dimension), float32, length 1; zeros for a text without a known piece."""
        out = np.zeros((len(texts), self.dimension), np.float32)
        for low in range(0, len(texts), BLOCK):
            some, block = texts[low : low + BLOCK], out[low : low + BLOCK]
            self._add(some, block)
            if role == "query":
                block[:] = block @ self._turn
            norms = np.linalg.norm(block, axis=1, keepdims=True)
            np.divide(block, norms, out=block, where=norms > 1e-9)
        return out

    def _add(self, texts: Sequence[str], out: F32) -> None:
        """Write the sum of each text's token vectors."""
        from scipy.sparse import csr_array

        pieces = [
            [*chain.from_iterable(map(self._pieces, text.split(" ")))] if text else []
            for text in map(self.normalise, texts)
        ]
        ends = np.cumsum([0, *map(len, pieces)])
        held = np.fromiter(chain.from_iterable(pieces), np.int32, int(ends[-1]))
        ones = np.ones(len(held), np.float32)
        out[:] = csr_array((ones, held, ends), (len(pieces), len(self._vectors))) @ self._vectors

    def _cut(self, word: str) -> list[int]:
        """The tokens of a normalised word; "" stands between two spaces, and may be a token too."""
        return [piece.id for piece in self._tokenizer.model.tokenize("▁" + word)]


def load(path: str | Path | None = None) -> StaticEncoder:
    """The encoder in `path`, by default the shipped one.  Raises BadInput when there is none."""
    folder = Path(path) if path else paths.model("encoder")
    return _opened(folder, tuple(_stamp(folder / name) for name in PARTS))


@lru_cache(maxsize=4)
def _opened(folder: Path, stamps: tuple[tuple[int, int], ...]) -> StaticEncoder:
    """The encoder of files as they stand: a catalogue that takes the place of another keeps its encoder."""
    return StaticEncoder(folder)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_ino
