"""The files of deploy/ and the page that walks through them name every setting, and hold as systemd reads them."""

import contextlib
import http.server
import re
import shutil
import socket
import ssl
import subprocess
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from service.settings import OTHER_NAMES, Settings

from mail_server import free_port
from serving import at_work, until

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
ENVIRONMENT = (DEPLOY / "maillage.env").read_text()
NAMES = sorted(f"MATCHER_{name.upper()}" for name in Settings.model_fields)
UNITS = sorted(path.name for path in DEPLOY.glob("maillage*.*") if path.suffix in (".service", ".timer"))


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_in_the_environment_file_and_in_the_table(name: str) -> None:
    assert re.search(rf"^#?{name}=", ENVIRONMENT, re.M), "deploy/maillage.env"
    assert f"`{name}`" in (ROOT / "docs/operation.md").read_text(encoding="utf-8"), "docs/operation.md"


def test_the_environment_file_names_no_setting_that_is_none() -> None:
    named = re.findall(r"^#?(MATCHER_[A-Z_]+)=", ENVIRONMENT, re.M)
    assert set(named) - set(NAMES) <= {f"MATCHER_{name}" for name in OTHER_NAMES}
    units = "".join((DEPLOY / name).read_text() for name in (*UNITS, "compose.yaml"))
    words = set(re.findall(r"\$(MAILLAGE_\w+)", units))
    assert words == set(re.findall(r"^(MAILLAGE_\w+)=$", ENVIRONMENT, re.M)) != set()


def test_compose_passes_the_settings_of_mail_and_the_image_holds_all_of_the_wheel() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    for name in ("SMTP", "SMTP_PASSWORD", "SENDER", "REPLY_TO", "MAIL_SECRET", "PUBLIC_URL", "STORE"):
        assert f"MATCHER_{name}:" in compose
    assert "matcher batch" in compose and "matcher outbox send" in compose
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = re.findall(r"^COPY (\S+) \1$", (DEPLOY / "Containerfile").read_text(), re.M)
    assert {*hatch["force-include"], "src"} == set(copied)


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
    command = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "maillage" in line]
    assert done.returncode == 0 and not ours, done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_is_installed_by_the_page_and_every_timer_starts_a_service_of_its_name(name: str) -> None:
    assert f"deploy/{name}" in (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    assert (DEPLOY / name).with_suffix(".service").is_file()


def test_every_secret_is_in_the_inventory() -> None:
    page = (ROOT / "docs/operation.md").read_text(encoding="utf-8")
    inventory = page.partition("## Keys and secrets")[2].partition("\n## ")[0]
    secret = re.compile("SECRET|PASSWORD|_KEY$|STORE|VECTORS")
    secrets = {name for name in (*NAMES, "MATCHER_SEAL_KEY") if secret.search(name)}
    assert len(secrets) >= 7 and not [name for name in secrets if f"`{name}`" not in inventory]


def test_the_proxy_speaks_tls_of_today_and_leads_no_program_on_from_http() -> None:
    conf = (DEPLOY / "nginx.conf").read_text()
    secure, plain = conf.split("listen 80;")
    assert re.findall(r"^\s*ssl_protocols (.+);", secure, re.M) == ["TLSv1.3 TLSv1.2"]
    ciphers = re.findall(r"^\s*ssl_ciphers (.+);", secure, re.M)[0].split(":")
    strong = re.compile(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA\d+|CHACHA20-POLY1305)")
    assert all(map(strong.fullmatch, ciphers))
    # pages are led on to https; a key that a program sent in clear is refused
    assert "proxy_pass" not in plain
    assert re.findall(r"location (\S+) \{ return (\d+)", plain) == [("/v1/", "403"), ("/", "301")]


class Behind(http.server.ThreadingHTTPServer):
    request_queue_size = 128


class Slow(http.server.BaseHTTPRequestHandler):
    """What stands behind the proxy: each answer takes three seconds where its path asks for it."""

    def do_HEAD(self) -> None:
        time.sleep(3 * (self.path == "/slow"))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def asked_by(port: int, *parts: bytes) -> Counter[bytes]:
    """The statuses of the answers to these bytes over TLS, until nothing more comes."""
    found, unverified = b"", ssl._create_unverified_context()
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    with unverified.wrap_socket(plain) as connection, contextlib.suppress(OSError):
        for part in parts:
            connection.sendall(part)
        while more := connection.recv(65_536):
            found += more
    return Counter(re.findall(rb"^HTTP/1.1 (\d+)", found, re.M))


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_the_proxy_bounds_heads_and_the_connections_of_an_address(tmp_path: Path) -> None:
    port, plain, within = free_port(), free_port(), free_port()
    conf = re.sub(r"listen \[::\].*;", "", (DEPLOY / "nginx.conf").read_text())
    for ours, tried in {
        "/etc/maillage/tls": str(tmp_path),
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "127.0.0.1:8000": f"127.0.0.1:{within}",
        "client_header_timeout 10s": "client_header_timeout 1s",
    }.items():
        assert ours in conf
        conf = conf.replace(ours, tried)
    whole = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ access_log off; {conf} }}"
    (tmp_path / "nginx.conf").write_text(whole)
    key = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout privkey.pem -out fullchain.pem"
    subprocess.run(key.split(), cwd=tmp_path, check=True, capture_output=True)
    ask = b"HEAD %s HTTP/1.1\r\nHost: maillage.example.org\r\n%s\r\n"
    once, last = b"Connection: close\r\n", ask % (b"/", b"Connection: close\r\n")
    command = ["nginx", "-g", "daemon off;", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with at_work(Behind(("127.0.0.1", within), Slow)), subprocess.Popen(command) as nginx:
        try:
            until(lambda: (tmp_path / "pid").is_file())
            assert asked_by(port, last) == {b"200": 1}
            assert asked_by(port, ask % (b"/", b"X: %s\r\n" % (b"y" * 20_000))) == {b"400": 1}
            assert asked_by(port, last[:-2]) in ({}, {b"408": 1})  # a head that never ends
            with ThreadPoolExecutor(90) as pool:
                slow = [pool.submit(asked_by, port, ask % (b"/slow", once)) for _ in range(90)]
                assert {status for one in slow for status in one.result()} == {b"200", b"429"}
        finally:
            nginx.terminate()
