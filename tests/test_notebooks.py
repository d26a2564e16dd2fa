"""The notebooks run from top to bottom, carry no output, and define no function."""

import ast
from pathlib import Path

import pytest
from pytest import MonkeyPatch

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ("1_call_list", "2_judgement")
nbformat = pytest.importorskip("nbformat", reason="pip install nbformat nbclient ipykernel")


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_no_output_and_defines_nothing(name: str) -> None:
    book = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert cells and all(not cell.outputs and cell.execution_count is None for cell in cells)
    for cell in cells:
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        nodes = ast.walk(ast.parse(cell.source))
        assert not any(isinstance(node, defined) for node in nodes), "what is defined belongs to the package"


def _run(name: str) -> None:
    nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")
    book = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    where = {"metadata": {"path": str(NOTEBOOKS)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=where).execute()
    outputs = (output for cell in book.cells for output in cell.get("outputs", ()))
    assert not [output.text for output in outputs if output.get("name") == "stderr"], "a reader sees it"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the kernel's own sockets; the package's are errors elsewhere
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_on_the_sample(name: str, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_SAMPLE_ONLY", "1")
    _run(name)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs_on_the_real_data() -> None:
    # the one that shows other cells there; the others take as long again
    from matcher.reference import paths

    if not (paths.shared_dir() / "data" / "awards" / "history.json.gz").is_file():
        pytest.skip("no real data: set MATCHER_SHARED")
    _run("2_judgement")
