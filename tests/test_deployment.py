"""The files of deploy/ and the page that walks through them name every setting, and hold as systemd reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from service.settings import OTHER_NAMES, Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
NAMES = sorted(f"MATCHER_{name.upper()}" for name in Settings.model_fields)
UNITS = sorted(path.name for path in DEPLOY.glob("maillage*.*") if path.suffix in (".service", ".timer"))


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_in_the_environment_file_and_in_the_table(name: str) -> None:
    assert re.search(rf"^#?{name}=", (DEPLOY / "maillage.env").read_text(), re.M), "deploy/maillage.env"
    assert f"`{name}`" in (ROOT / "docs/operation.md").read_text(encoding="utf-8"), "docs/operation.md"


def test_the_environment_file_names_no_setting_that_is_none() -> None:
    named = re.findall(r"^#?(MATCHER_[A-Z_]+)=", (DEPLOY / "maillage.env").read_text(), re.M)
    assert set(named) - set(NAMES) <= {f"MATCHER_{name}" for name in OTHER_NAMES}


def test_compose_passes_the_settings_of_mail() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    for name in ("SMTP", "SMTP_PASSWORD", "SENDER", "REPLY_TO", "MAIL_SECRET", "PUBLIC_URL", "STORE"):
        assert f"MATCHER_{name}:" in compose
    assert "matcher batch" in compose and "matcher outbox send" in compose


def test_what_is_deployed_is_pinned_by_hash_and_brings_no_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"^DEPLOYED := (.+)$", (ROOT / "Makefile").read_text(), re.M)
    assert {"postgres", "night"} <= set(extras.split())
    wanted = [name for name in project["dependencies"] if not name.startswith("sentence-transformers")]
    for extra in extras.split():
        assert f"`{extra}`" in (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
        wanted += project["optional-dependencies"][extra]
    lock = (DEPLOY / "requirements.txt").read_text()
    pins = re.findall(
        r"^([\w.-]+)==(\S+)(?: ;[^\\]*)? \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", lock, re.M
    )
    assert len(pins) == len(re.findall(r"^[\w.-]+", lock, re.M)) and "://" not in lock
    versions = {canonicalize_name(name): version for name, version, _ in pins}
    for asked in map(Requirement, wanted):
        assert asked.specifier.contains(versions[canonicalize_name(asked.name)]), asked
    assert not [name for name in versions if re.match("nvidia|cuda|torch|triton", name)]


def test_the_image_is_built_of_all_that_the_wheel_holds() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = re.findall(r"^COPY (\S+) \1$", (DEPLOY / "Containerfile").read_text(), re.M)
    assert {*hatch["force-include"], "src"} == set(copied)


def test_images_are_named_by_digest_and_install_by_hash_alone() -> None:
    container, compose = (DEPLOY / "Containerfile").read_text(), (DEPLOY / "compose.yaml").read_text()
    named = re.findall(r"^ARG BASE=(\S+)$", container, re.M) + re.findall(r"image: (\S+/\S+)", compose)
    assert len(named) == 2 and all(re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image) for image in named)
    assert re.findall(r"^FROM (\S+)", container, re.M) == ["${BASE}", "${BASE}"]
    for line in re.findall(r"pip install .*", container):
        assert "--require-hashes" in line or "--no-deps --no-build-isolation" in line


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze: apt-get install systemd")
    for name in UNITS:  # the program is not installed here
        text = (DEPLOY / name).read_text().replace("/opt/maillage/current/bin/matcher", "/bin/true")
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and not [line for line in done.stderr.splitlines() if "maillage" in line], (
        done.stderr
    )


@pytest.mark.parametrize("name", [unit for unit in UNITS if unit.endswith(".timer")])
def test_every_timer_starts_a_service_of_its_name(name: str) -> None:
    assert (DEPLOY / name).with_suffix(".service").is_file()


def test_the_page_installs_every_unit() -> None:
    page = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    assert [name for name in UNITS if f"deploy/{name}" not in page] == []


def test_every_secret_is_in_the_inventory() -> None:
    page = (ROOT / "docs/operation.md").read_text(encoding="utf-8")
    inventory = page.partition("## Keys and secrets")[2].partition("\n## ")[0]
    secrets = {
        name
        for name in (*NAMES, "MATCHER_SEAL_KEY")
        if re.search("SECRET|PASSWORD|_KEY$|STORE|VECTORS", name)
    }
    assert len(secrets) >= 7 and not [name for name in secrets if f"`{name}`" not in inventory]


def test_the_proxy_speaks_tls_of_today_and_leads_no_program_on_from_http() -> None:
    conf = (DEPLOY / "nginx.conf").read_text()
    secure, plain = conf.split("listen 80;")
    assert re.findall(r"^\s*ssl_protocols (.+);", secure, re.M) == ["TLSv1.3 TLSv1.2"]
    ciphers = re.findall(r"^\s*ssl_ciphers (.+);", secure, re.M)[0].split(":")
    assert all(
        re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA\d+|CHACHA20-POLY1305)", one) for one in ciphers
    )
    # pages are led on to https; a key that a program sent in clear is refused
    assert "proxy_pass" not in plain
    assert re.findall(r"location (\S+) \{ return (\d+)", plain) == [("/v1/", "403"), ("/", "301")]
