"""CPV suggestion: several codes with probabilities that mean what they say."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from matcher.domain import BadInput, StaleArtefact
from matcher.learned import cpv
from matcher.reference.codes import cpv_label
from matcher.reference.identifiers import clean_cpv
from matcher.reference.paths import models_dir, shared_dir
from records import cases
from terminal import command

NEED = "Entretien des espaces verts et taille des haies"


@pytest.mark.parametrize(("need", "division"), cases("divisions of needs"))
def test_plain_needs_find_their_division(need: str, division: str) -> None:
    assert cpv.shipped().suggest(need, 1, "division")[0][0] == division + "000000"


@pytest.mark.parametrize("level", cpv.LEVELS)
def test_codes_are_of_the_level_labelled_and_sorted(level: cpv.Level) -> None:
    found = cpv.shipped().suggest(NEED, 6, level)
    digits = cpv.LEVELS[level]
    codes = [code for code, _, _ in found]
    assert len(set(codes)) == 6
    assert all(clean_cpv(code) == code and code[digits:].strip("0") == "" for code in codes)
    assert [label for _, label, _ in found] == [cpv_label(code) for code in codes]
    chances = [chance for _, _, chance in found]
    assert chances == sorted(chances, reverse=True)
    assert min(chances) >= 0 and sum(chances) <= 1.001


def test_a_deeper_code_is_never_likelier_than_what_it_lies_in() -> None:
    reader = cpv.load()
    divisions, above, _ = reader.scored([NEED], "division")
    groups, below, _ = reader.scored([NEED], "group")
    summed = np.array([below[0][groups // 10 == d].sum() for d in divisions])
    np.testing.assert_allclose(above.sum(), 1)
    np.testing.assert_allclose(summed[summed > 0], above[0][summed > 0])


@pytest.mark.parametrize("text", ["", "   ", "???", "日本語", "12345"])
def test_a_text_without_words_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="French words"):
        cpv.shipped().suggest(text)


def test_wrong_level_and_number_are_refused() -> None:
    with pytest.raises(BadInput, match="division, group, class, code"):
        cpv.shipped().suggest(NEED, 5, "chapter")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="1 to 100"):
        cpv.shipped().suggest(NEED, 0)


def test_long_texts_are_answered_and_of_buildings_are_no_works() -> None:
    assert cpv.shipped().suggest(f"{NEED} " * 40_000, 1)[0][0].startswith("77")
    assert len(LONG_NEED) >= cpv.LONG
    assert cpv.shipped().suggest(LONG_NEED, 1)[0][0].startswith("909")


LONG_NEED = (
    "Nettoyage des locaux de la mairie. Le marché porte sur l'entretien courant des bâtiments communaux : bureaux, "
    "salles de réunion, sanitaires et circulations du bâtiment principal et de ses deux annexes, réhabilitées l'an "
    "dernier, ainsi que sur la remise en état après travaux. Le titulaire fournit les produits et le matériel."
)


def test_short_and_long_texts_asked_together_are_answered_as_alone() -> None:
    reader = cpv.load()
    short, long, silent = reader.likeliest([NEED, LONG_NEED, "12345"], 3, "class")
    for together, text in ((short, NEED), (long, LONG_NEED)):
        (alone,) = reader.likeliest([text], 3, "class")
        assert [code for code, _ in together] == [code for code, _ in alone]
        np.testing.assert_allclose([p for _, p in together], [p for _, p in alone], atol=1e-4)
    assert silent == []


def test_a_model_of_another_encoder_is_refused(tmp_path: Path) -> None:
    shipped = models_dir() / "cpv"
    told = json.loads((shipped / "cpv.json").read_text(encoding="utf-8")) | {"encoder": "static-other"}
    (tmp_path / "cpv.json").write_text(json.dumps(told), encoding="utf-8")
    (tmp_path / "cpv.npz").write_bytes((shipped / "cpv.npz").read_bytes())
    with pytest.raises(StaleArtefact, match="matcher train cpv"):
        cpv.load(tmp_path)
    with pytest.raises(BadInput, match="no model cpv"):
        cpv.load(tmp_path / "absent")


def test_command_prints_codes_and_refuses_silence() -> None:
    done = command("cpv", NEED, "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, len(rows)) == (0, 5)
    assert rows[0]["cpv"].startswith("773") and not any(row["cpv"].endswith("000000") for row in rows)
    silent = command("cpv")
    assert (silent.returncode, silent.stdout) == (2, "")
    assert "nothing to code" in silent.stderr


@pytest.mark.shared
@pytest.mark.slow
def test_probabilities_are_calibrated_on_later_awards() -> None:
    path = shared_dir() / "data" / "awards" / "development.json.gz"
    if not path.is_file():
        pytest.skip("no real awards: set MATCHER_SHARED")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        records = json.load(stream)["marches"]
    coded = [(r["objet"], clean_cpv(r.get("codeCPV"))) for r in records if (r.get("objet") or "").strip()]
    coded = [(t, c) for t, c in coded if c][::4]
    reader = cpv.load()
    best = [reader.suggest(t, 1, "division")[0] for t, _ in coded]
    hit = np.array([b[0][:2] == c[:2] for b, (_, c) in zip(best, coded, strict=True)])
    chance = np.array([b[2] for b in best])
    assert hit.mean() > 0.66
    assert abs(hit.mean() - chance.mean()) < 0.06
