"""Dependency audit: bill of materials (CycloneDX), licences, consistency, and advisories.

    python tests/bench/audit.py --out build/sbom.json

Exit status 1 where requirements conflict, a licence is proprietary, or an advisory applies.  If the advisory service cannot be reached, this is printed and the audit goes on.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds for the advisory service


def installed() -> set[str]:
    """Name of every distribution of this environment."""
    return {d.metadata["Name"].lower().replace("_", "-") for d in distributions()}


def bill(out: Path) -> dict[str, Any]:
    """Write the bill of materials and read it back."""
    out.parent.mkdir(parents=True, exist_ok=True)
    told = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml")]
    told += ["--output-format", "JSON", "--output-file", str(out), sys.executable]
    subprocess.run(told, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def licences(made: dict[str, Any]) -> tuple[Counter[str], list[str]]:
    """Licences counted, and the packages that state none."""
    counted: Counter[str] = Counter()
    none = []
    for part in made["components"]:
        of = [{"name": each.get("expression")} | each.get("license", {}) for each in part.get("licenses", [])]
        stated = {str(one.get("id") or one["name"]) for one in of}
        counted.update(name for name in stated if len(name) < 60)
        none += [] if stated else [part["name"]]
    return counted, none


def advisories() -> tuple[int, list[str], list[str]]:
    """How many packages could be looked up, the advisories that apply, and the packages that could not."""
    command = [sys.executable, *"-m pip_audit --format json --progress-spinner off --timeout 10".split()]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        told = json.loads(ran.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return 0, [], []
    seen = [d for d in told if "skip_reason" not in d]
    faults = ((d, v, ", ".join(v["fix_versions"]) or "no version yet") for d in seen for v in d["vulns"])
    apply = [f"{d['name']} {d['version']}: {v['id']} (mended in {mended})" for d, v, mended in faults]
    return len(seen), apply, [f"{d['name']} ({d['skip_reason']})" for d in told if "skip_reason" in d]


def main(out: Path = ROOT / "build" / "sbom.json") -> None:
    made = bill(out)
    listed = {part["name"].lower().replace("_", "-") for part in made["components"]}
    absent = sorted(installed() - listed - {"maillage"})
    bad = [f"the bill of materials lacks {', '.join(absent)}"] if absent else []
    counted, none = licences(made)
    proprietary = re.compile("nvidia|proprietary", re.I)
    bad += [f"the licence {name} is proprietary" for name in counted if proprietary.search(name)]
    print(f"bill of materials: {len(listed)} packages; without a licence: {', '.join(none) or 'none'}")
    print("licences: " + ", ".join(f"{name} {count}" for name, count in counted.most_common()))
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    bad += checked.stdout.strip().splitlines() if checked.returncode else []
    print(f"requirements: {'consistent' if not checked.returncode else 'in contradiction'}")
    seen, faults, unseen = advisories()
    told = f"{len(faults)} apply to {seen} packages looked up; not looked up: {', '.join(unseen) or 'none'}"
    offline = "offline, the advisory service could not be asked; run this again where there is a network"
    print(f"advisories: {told if seen else offline}")
    for line in bad + faults:
        print(f"  {line}", file=sys.stderr)
    raise typer.Exit(bool(bad + faults))


if __name__ == "__main__":
    typer.run(main)
