"""An encoder that learns nothing: words and character n-grams hashed to columns.  For tests and comparison."""

from collections.abc import Sequence

import numpy as np

from matcher.domain import BadInput
from matcher.learned.encoders import Encoder, Role
from matcher.reference.arrays import F32
from matcher.reference.text import fold


class HashingEncoder:
    """Signed hashing (Weinberger et al., 2009) of folded words and of characters within words, 3 to 5."""

    def __init__(self, dimension: int) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        if dimension < 2:
            raise BadInput(f"a hashing encoder of dimension {dimension} holds nothing: give 2 or more")
        self.dimension = dimension
        self.fingerprint = f"hashing-1-{dimension}"
        options = {"n_features": dimension, "norm": None, "preprocessor": fold, "dtype": np.float32}
        self._words = HashingVectorizer(token_pattern=r"[a-z0-9]+", **options)  # noqa: S106
        self._characters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **options)

    def encode(self, texts: Sequence[str], role: Role = "passage") -> F32:
        """Vectors of shape (len(texts), dimension), float32, length 1; zeros for a text without a word."""
        if not len(texts):
            return np.zeros((0, self.dimension), np.float32)
        listed = [text if any(map(str.isalnum, text)) else "" for text in texts]
        both = self._words.transform(listed) * 2 + self._characters.transform(listed)
        rows: F32 = both.toarray().astype(np.float32)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        np.divide(rows, norms, out=rows, where=norms > 1e-9)
        return rows


def load(dimension: int = 1_024) -> Encoder:
    """A hashing encoder of a dimension.  Raises BadInput when it is below 2."""
    return HashingEncoder(dimension)
