"""A wheel installed where there is no clone indexes, matches and serves a reader's own spreadsheet."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from mail_server import free_port

pytest.importorskip("hatchling", reason="hatchling is not installed: pip install 'maillage[dev]'")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PLACES = {
    "src/matcher": "matcher",
    "service": "matcher/_shipped/web/service",
    "models": "matcher/_shipped/models",
}
PLACES |= {f"data/{name}": f"matcher/_shipped/{name}" for name in ("reference", "assumptions", "sample")}
NETWORK = """SIRET;Nom;Type;Commune;Code postal;Activités
00010001600013;Les Jardins du Canal;ACI;Pantin;93500;Entretien d'espaces verts, tonte, taille de haies
00010002400017;Net Services;EI;Montreuil;93100;Nettoyage de bureaux et de vitres
"""


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=clean(**environment), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def clean(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MATCHER_", "PYTHONPATH"))}
    return {**kept, **more}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    built = run(sys.executable, "-c", code, str(out), cwd=ROOT, PYTHONPATH=os.pathsep.join(sys.path))
    return out / built.split()[-1]


@pytest.fixture(scope="module")
def matcher(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that holds the wheel, and this environment's libraries without the clone."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, symlinks=True)
    site = next(home.glob("lib/python*/site-packages"))
    libraries = [path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages")]
    # a path file that is not run: the editable install of the clone is a path file of those libraries
    (site / "libraries.pth").write_text("\n".join(map(str, libraries)), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    run(*pip, "--no-index", "--ignore-installed", "--target", str(site), str(wheel), cwd=home)
    command = home / "bin" / "matcher"
    command.write_text(f"#!{home}/bin/python\nfrom matcher.cli import main\nmain()\n", encoding="utf-8")
    command.chmod(0o755)
    return command


def test_the_wheel_installs_one_package_alone_and_training_texts_stay_at_home(wheel: Path) -> None:
    held = set(ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in held}
    assert tops == {"matcher", next(top for top in tops if top.endswith(".dist-info"))}
    for folder, place in PLACES.items():
        tracked = run("git", "ls-files", cwd=ROOT / folder).splitlines()
        assert {f"{place}/{name}" for name in tracked} - held == set(), f"not all of {folder} is installed"
    assert not any("training/" in name.replace("lab/training/", "") for name in held)


def test_index_match_and_serve_in_an_empty_folder(matcher: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(NETWORK, encoding="utf-8")
    where = run(str(matcher.parent / "python"), "-c", "import matcher; print(matcher.__file__)", cwd=tmp_path)
    assert where.startswith(str(matcher.parents[1])), "the wheel itself is tried, not the clone"
    run(str(matcher), "index", "mine.csv", cwd=tmp_path)
    need = ("--need", "taille de haies dans un parc", "--place", "93500", "--format", "jsonl")
    assert "Les Jardins du Canal" in run(str(matcher), "match", *need, cwd=tmp_path)
    night = ("batch --dry-run data/sample", "outbox send --outbox mails", "personal erase nobody@example.org")
    run(str(matcher), "sample", cwd=tmp_path)
    for words in night:  # commands that read the settings of the service
        run(str(matcher), *words.split(), cwd=tmp_path, MATCHER_HOME=str(tmp_path))
    port = free_port()
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    command = [str(matcher), "serve", "--port", str(port)]
    serving = subprocess.Popen(command, cwd=tmp_path, env=clean(MATCHER_HOME=str(tmp_path)), **pipes)
    try:
        assert '"structures":2' in answered(serving, f"http://127.0.0.1:{port}/v1/health")
    finally:
        serving.terminate()
        serving.communicate(timeout=60)
        shutil.rmtree(tmp_path / "var", ignore_errors=True)


def answered(serving: subprocess.Popen[str], address: str, patience: float = 180) -> str:
    """The body of the address, asked until the service is up."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if serving.poll() is not None:
            pytest.fail(f"the service ended: {serving.communicate()[1]}")
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.3)
    pytest.fail("the service did not answer")
