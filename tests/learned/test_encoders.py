"""Encoders: that two readers of one model agree, what a damaged model is told by, what is found (their contract: `test_rooms.py`)."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from matcher import plugins
from matcher.domain import BadInput
from matcher.reference.paths import models_dir
from records import cases

HURT = "March\ufffd de ma\ufffdtrise d'\ufffduvre"
MARKED = "RÉNOVATION D’UN GYMNASE <br /> LOT N°2 : MENUISERIES"
TEXTS = ("Entretien des espaces verts de la commune", MARKED, HURT, "collecte", "", " \n ", "???", "日本語")


def test_sentence_transformers_reads_the_shipped_model_with_the_same_vectors() -> None:
    from sentence_transformers import SentenceTransformer

    # Stored in half precision, summed in single: over some thousands of pieces even that strays by more than 1e-5.
    texts = [*TEXTS, "x" * 1_000, "Lot 3 - Électricité " * 300]
    reference = SentenceTransformer(str(models_dir() / "encoder"), device="cpu").float()
    encoder = plugins.find("learned.encoders", "static").load()
    offered, asked = reference.encode_document(texts), reference.encode_query(texts)
    np.testing.assert_allclose(encoder.encode(texts), offered, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(texts, "query"), asked, atol=1e-5)
    assert np.abs(asked - offered).max() > 0.05  # what is asked is turned


@pytest.mark.parametrize(("one", "other"), cases("spellings of one text"))
def test_spelling_of_the_same_words_does_not_change_the_vector(one: str, other: str) -> None:
    vectors = plugins.find("learned.encoders", "static").load().encode([one, other])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_shipped_model_weighs_at_most_10_megabytes() -> None:
    assert sum(f.stat().st_size for f in (models_dir() / "encoder").rglob("*") if f.is_file()) <= 10_000_000


WEIGHTS = {"0_StaticEmbedding": "embedding.weight", "1_Router/query_0_Dense": "linear.weight"}


@pytest.mark.parametrize("part", WEIGHTS)
def test_fingerprint_changes_with_the_weights(tmp_path: Path, part: str) -> None:
    from safetensors.numpy import load_file, save_file

    static = plugins.find("learned.encoders", "static")
    folder = shutil.copytree(models_dir() / "encoder", tmp_path / "encoder")
    assert static.load(folder).fingerprint == static.load().fingerprint
    path = folder / part / "model.safetensors"
    weights = load_file(path)
    weights[WEIGHTS[part]][-1, 0] += 1
    save_file(weights, path)
    assert static.load(folder).fingerprint != static.load().fingerprint


def test_a_missing_or_damaged_model_is_reported_in_one_sentence(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    static = plugins.find("learned.encoders", "static")
    with pytest.raises(BadInput, match="matcher train encoder"):
        static.load(tmp_path)
    folder = tmp_path / "0_StaticEmbedding"
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0"}), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(BadInput, match="train it again"):
        static.load(tmp_path)
    shipped = shutil.copytree(models_dir() / "encoder", tmp_path / "encoder")
    projection = shipped / static.PROJECTION / "model.safetensors"
    save_file({"linear.weight": np.eye(3, dtype=np.float32)}, projection)
    with pytest.raises(BadInput, match="train it again"):
        static.load(shipped)


def test_a_model_that_does_not_exist_and_a_dimension_that_holds_nothing_are_refused(tmp_path: Path) -> None:
    sentence = plugins.find("learned.encoders", "sentence")
    with pytest.raises(BadInput, match="needs a model"):
        sentence.load()
    with pytest.raises(BadInput, match="cannot be loaded"):
        sentence.load(model=str(tmp_path))
    with pytest.raises(BadInput, match="2 or more"):
        plugins.find("learned.encoders", "hashing").load(dimension=0)


def test_prefixes_reach_the_model() -> None:
    sentence = plugins.find("learned.encoders", "sentence")
    model = str(models_dir() / "encoder")
    plain, told = sentence.load(model=model), sentence.load(model=model, query_prefix="travaux de voirie ")
    assert plain.fingerprint != told.fingerprint
    np.testing.assert_allclose(told.encode(["x"], "query"), plain.encode(["travaux de voirie x"]), atol=1e-6)
    np.testing.assert_allclose(told.encode(["x"], "passage"), plain.encode(["x"]), atol=1e-6)


@pytest.mark.parametrize(("probe", "floor"), cases("short needs and tempting offers"))
def test_short_needs_find_the_offer_that_serves_them_before_tempting_ones(probe: str, floor: float) -> None:
    """Probes of authors who had not seen the texts that are learnt from (tests/data/README.md); what was reached is kept."""
    path = Path(__file__).parents[1] / "data" / f"{probe}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    encoder = plugins.find("learned.encoders", "static").load()
    needs = encoder.encode([row["need"] for row in rows], "query")
    rights = encoder.encode([row["right"] for row in rows])
    first = 0
    for need, right, row in zip(needs, rights, rows, strict=True):
        first += float(need @ right) > float((encoder.encode(row["wrong"]) @ need).max())
    print(f"first {first} of {len(rows)}")
    assert first / len(rows) >= floor
