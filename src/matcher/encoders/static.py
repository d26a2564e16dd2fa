"""The shipped encoder: one learnt vector a piece, summed; read without torch.

The folder is in the sentence-transformers layout (StaticEmbedding, Normalize): `SentenceTransformer(folder)`
gives the same vectors.  Text normalisation is part of tokenizer.json, so that both readers agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matcher.domain import BadInput
from matcher.encoders import Encoder, Role
from matcher.paths import models_dir

CHUNK = 1_024  # texts summed at once: bounds memory to some tens of megabytes


class StaticEncoder:
    """Sums the vectors of a text's pieces and scales the sum to length 1."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        try:
            vocabulary = (folder / "0_StaticEmbedding" / "tokenizer.json").read_bytes()
            weights = (folder / "0_StaticEmbedding" / "model.safetensors").read_bytes()
        except OSError:
            raise BadInput(
                f"no encoder in {folder}: make one with `matcher train encoder --out {folder}`"
            ) from None
        try:
            self._tokenizer = Tokenizer.from_buffer(vocabulary)
            self._vectors = load(weights)["embedding.weight"].astype(np.float32, copy=False)
        except Exception as error:  # tokenizers and safetensors raise a bare Exception on a damaged file
            raise BadInput(f"the static encoder in {folder} is damaged ({error}): train it again") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.dimension = int(self._vectors.shape[1])
        self.fingerprint = "static-" + hashlib.sha256(vocabulary + weights).hexdigest()[:16]

    def encode(self, texts: Sequence[str], role: Role = "passage") -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimension), float32, length 1; zeros for a text without a known piece."""
        out = np.zeros((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), CHUNK):
            encodings = self._tokenizer.encode_batch_fast(
                list(texts[start : start + CHUNK]), add_special_tokens=False
            )
            pieces = [encoding.ids for encoding in encodings]
            lengths = np.array([len(ids) for ids in pieces])
            filled = np.flatnonzero(lengths)
            if len(filled):
                flat = np.concatenate([pieces[i] for i in filled])
                offsets = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
                out[start + filled] = np.add.reduceat(self._vectors[flat], offsets, axis=0)
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, norms, out=out, where=norms > 1e-9)
        return out


def load(path: str | Path | None = None) -> Encoder:
    """The encoder in `path`, by default the shipped one.  Raises BadInput when there is none."""
    return StaticEncoder(Path(path) if path else models_dir() / "encoder")
