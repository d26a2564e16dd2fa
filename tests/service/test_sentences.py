"""The sentences of the pages, listed in one file to be read as a whole: one term for one thing, nothing untrue.

`MATCHER_SENTENCES=write pytest tests/service/test_sentences.py` writes the list again after a change: read what it adds.
"""

import ast
import os
import re
from pathlib import Path

import pytest
from service.page import render

from records import cases

LIST = Path(__file__).parents[1] / "data" / "sentences.txt"
LEAST = 4  # words of a sentence
QUOTED = r"'((?:[^'\\]|\\.)*)'|\"([^\"]*)\""  # strings of a template's table


def written(path: Path) -> set[str]:
    """The strings of a module, docstrings apart, with … for what is filled in."""
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    parts = [part for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in each.values]
    docs = [each.value for each in ast.walk(tree) if isinstance(each, ast.Expr)]
    for each in ast.walk(tree):
        if isinstance(each, ast.JoinedStr):
            found.add("".join(p.value if isinstance(p, ast.Constant) else "…" for p in each.values))
        elif isinstance(each, ast.Constant) and isinstance(each.value, str) and each not in (*parts, *docs):
            found.add(each.value)
    return {" ".join(text.split()) for text in found if " " in text and not text.startswith("<")}


def sentences() -> list[str]:
    """Every text of the templates' tags and of their routes, of so many words at least, with … for what is filled in."""
    found: set[str] = set().union(*map(written, render.TEMPLATES.parent.glob("*.py")))
    for path in (path for path in render.TEMPLATES.iterdir() if path.suffix in (".html", ".txt")):
        text = re.sub(r"{#.*?#}|<script.*?</script>", "", path.read_text("utf-8"), flags=re.S)
        tables = " ".join(re.findall(r"{%-?\s*set .*?%}", text, re.S))
        found |= {" ".join(words.split()) for pair in re.findall(QUOTED, tables) for words in pair}
        text = re.sub(r"{%-?\s*set .*?%}", "", text, flags=re.S)
        text = re.sub(r"{{[^{}]*?['\"]([^'\"]{25,})['\"][^{}]*?}}", r" \1 ", text)
        text = re.sub(r"{{.*?}}", "…", re.sub(r"{%.*?%}", "|", text, flags=re.S), flags=re.S)
        for piece in re.split(r"<[^<>]*>", text.replace("&nbsp;", " ")):
            found |= {" ".join(part.split()).strip("… ,;:") for part in piece.split("|")}
    code = re.compile(r"[{}=]|maxlength| if | else |format\(|problems,")
    return sorted(p for p in found if len(re.findall(r"\w{2,}", p)) >= LEAST and not code.search(p))


def test_the_sentences_of_the_pages_are_those_that_were_read() -> None:
    now = sentences()
    if os.environ.get("MATCHER_SENTENCES") == "write":
        LIST.write_text("\n".join(now) + "\n", encoding="utf-8")
    read = LIST.read_text("utf-8").splitlines()
    assert len(now) >= 200
    assert set(now) - set(read) == set(), "new sentences: read them, then write the list again (see above)"


@pytest.mark.parametrize(("words", "instead"), cases("words not said, and what is instead"))
def test_what_is_not_said(words: str, instead: str) -> None:
    paths = (path for path in render.TEMPLATES.parent.rglob("*.*") if path.suffix in (".html", ".txt", ".py"))
    said = [path.name for path in paths if re.search(words, path.read_text("utf-8"))]
    assert said == [], f"say instead: {instead}"
