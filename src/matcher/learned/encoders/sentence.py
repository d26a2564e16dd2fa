"""Any sentence-transformers model, by folder or by name: slower, loads torch.

Some models need a prefix that says what they read: multilingual-e5 takes `query_prefix="query: "` and
`passage_prefix="passage: "`.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from matcher import plugins
from matcher.domain import BadInput
from matcher.learned.encoders import Encoder, Role
from matcher.reference.arrays import F32

PROBE = "query: entretien des espaces verts"


class SentenceEncoder:
    """Wraps `SentenceTransformer.encode`, with a prefix per role."""

    def __init__(
        self, model: Any, name: str, query_prefix: str, passage_prefix: str, batch_size: int
    ) -> None:
        self._model = model
        self._prefixes: dict[Role, str] = {"query": query_prefix, "passage": passage_prefix}
        self._batch_size = batch_size
        probe = self._vectors([PROBE])
        self.dimension = int(probe.shape[1])
        # Models have no common version: the vector of a probe text identifies the weights.
        identity = f"{name}|{query_prefix}|{passage_prefix}|{np.round(probe, 4).tobytes().hex()}"
        self.fingerprint = "sentence-" + hashlib.sha256(identity.encode()).hexdigest()[:16]

    def _vectors(self, texts: list[str]) -> F32:
        vectors = self._model.encode(
            texts, batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float32)

    def encode(self, texts: Sequence[str], role: Role = "passage") -> F32:
        """Vectors of shape (len(texts), dimension), float32, length 1; zeros for a text without a letter or digit."""
        out = np.zeros((len(texts), self.dimension), np.float32)
        worded = [i for i, text in enumerate(texts) if any(map(str.isalnum, text))]
        if worded:
            out[worded] = self._vectors([self._prefixes[role] + texts[i] for i in worded])
        return out


def load(
    model: str = "",
    query_prefix: str = "",
    passage_prefix: str = "",
    device: str = "cpu",
    batch_size: int = 32,
) -> Encoder:
    """A sentence-transformers model by folder or hub name.  Raises BadInput when it cannot be loaded."""
    if not model:
        raise BadInput("encoder `sentence` needs a model: set encoder_options = {model: a folder or a name}")
    with plugins.optional("encoders", "an encoder that is not shipped"):
        from sentence_transformers import SentenceTransformer

    try:
        # sums of half-precision weights lose digits
        loaded = SentenceTransformer(model, device=device).float()
    except (OSError, ValueError) as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"model {model!r} cannot be loaded ({why}): give the folder it was saved in") from None
    return SentenceEncoder(loaded, model, query_prefix, passage_prefix, batch_size)
