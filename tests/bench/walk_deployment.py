"""Walk docs/deployment.md: run its blocks, in order, against a folder that stands for a bare machine.

    python tests/bench/walk_deployment.py

Real: the wheel, virtual environments, PostgreSQL with passwords (a server of its own), the settings file as systemd reads it, the
service, batch, backup, restore, upgrade, rollback, `systemd-analyze verify`.  Stood in for, and listed in the answer: apt-get, useradd,
systemctl and systemd-run (the commands of the units are run as they stand), nginx where it is missing, and pip's downloads
(dependencies come from the environment that runs this; `--pip` downloads them).  Prints one JSON line; status 1 where a block fails.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATHS = (
    "/opt/maillage",
    "/etc/maillage",
    "/etc/systemd/system",
    "/etc/nginx",
    "/var/lib/maillage",
    "/usr/local/bin",
)
SHIM = """#!{python}
import os, re, shlex, subprocess, sys
from pathlib import Path
HOME = Path({home!r})
def log(what):
    with (HOME / "stood-in").open("a") as sink: sink.write(what + "\\n")
def environment(path):
    found = {{}}
    for line in Path(path).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name.strip()] = value.strip().strip('"')
    return found
def unit(name):
    command, given = [], {{}}
    for line in (HOME / "etc/systemd/system" / name).read_text().splitlines():
        key, _, value = line.partition("=")
        if key == "EnvironmentFile": given |= environment(value)
        if key == "Environment": given |= dict(pair.split("=", 1) for pair in value.split())
        if key == "ExecStart": command.append(shlex.split(value))
    return command, {{**os.environ, **given}}
name, args = Path(sys.argv[0]).name, sys.argv[1:]
"""
BODIES = {
    "apt-get": "log('apt-get ' + ' '.join(args))",
    "useradd": "log('useradd')",
    "nginx": "log('nginx: not installed here')",
    "sudo": "os.execvp(args[2], args[2:])",
    "install": "kept = []\nwhile args:\n    one = args.pop(0)\n    if one in ('-o', '-g'): args.pop(0)\n    else: kept.append(one)\n"
    "os.execv('/usr/bin/install', ['install', *kept])",
    "systemd-run": "given = next(a.partition('EnvironmentFile=')[2] for a in args if 'EnvironmentFile=' in a)\n"
    "command = args[next(i for i, a in enumerate(args) if not a.startswith('--')):]\n"
    "os.chdir(HOME / 'var/lib/maillage')\nos.execve(command[0], command, {**os.environ, **environment(given)})",
    "systemctl": """
pid = HOME / "service.pid"
def stop():
    if pid.exists():
        import signal, time
        os.kill(int(pid.read_text()), signal.SIGTERM)
        for _ in range(300):
            try: os.kill(int(pid.read_text()), 0)
            except ProcessLookupError: break
            if subprocess.run(["ps", "-o", "stat=", "-p", pid.read_text()], capture_output=True, text=True).stdout.strip().startswith("Z"): break
            time.sleep(0.1)
        pid.unlink()
def start():
    (command,), given = unit("maillage.service")
    with (HOME / "service.log").open("a") as sink:
        pid.write_text(str(subprocess.Popen(command, env=given, stdout=sink, stderr=sink, cwd=HOME / "var/lib/maillage", start_new_session=True).pid))
log("systemctl " + " ".join(args))
if args[0] in ("restart", "stop"): stop()
if args[0] == "restart" or "maillage.service" in args: start()
""",
}


def blocks() -> list[str]:
    """The shell blocks of the page, in order."""
    return re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "docs/deployment.md").read_text(encoding="utf-8"), re.S | re.M
    )


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Machine:
    """A folder that stands for a machine, with a PostgreSQL server and stand-ins for what needs a real one."""

    def __init__(self, home: Path, download: bool) -> None:
        self.home, self.port, self.download = home, free_port(), download
        self.shims = home / "shims"
        self.environment = {
            "PATH": f"{self.shims}:{home}/usr/local/bin:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8", "PGPORT": str(free_port()),
            "PGHOST": str(home / "pg"), "PGUSER": "postgres", "MATCHER_BOAMP_URL": "http://127.0.0.1:9/none",
            "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive",
        }  # fmt: skip

    def here(self, text: str) -> str:
        """A text of the page or of a file of deploy/ with the paths and the port of this machine."""
        for path in PATHS:
            text = re.sub(rf"(?<![\w/]){re.escape(path)}", str(self.home) + path, text)
        return text.replace(":8000", f":{self.port}").replace("--port 8000", f"--port {self.port}")

    def prepare(self) -> None:
        work = self.home / "sources"
        for folder in (
            "shims",
            "sources/dist",
            "usr/local/bin",
            "etc/systemd/system",
            "etc/nginx/sites-available",
            "etc/nginx/sites-enabled",
        ):
            (self.home / folder).mkdir(parents=True)
        shutil.copytree(ROOT / "data/sample", work / "data/sample")
        (work / "deploy").mkdir()
        for path in (ROOT / "deploy").iterdir():
            (work / "deploy" / path.name).write_text(self.here(path.read_text(encoding="utf-8")))
        for name, body in BODIES.items():
            if name == "nginx" and shutil.which("nginx"):
                continue
            (self.shims / name).write_text(SHIM.format(python=sys.executable, home=str(self.home)) + body)
            (self.shims / name).chmod(0o755)
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(work / "dist"),
            str(ROOT),
        ]
        subprocess.run(command, check=True)
        if not shutil.which("curl"):
            raise SystemExit("curl is needed: apt-get install curl")

    def database(self) -> tuple[str, list[str]]:
        """Start PostgreSQL: passwords over the network, none on its socket; returns the user and the command that ends it."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        if not found:
            raise SystemExit("PostgreSQL is needed: apt-get install postgresql")
        folder = self.home / "pg"
        folder.mkdir()
        user = pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else ""
        if user:
            for path in (self.home, folder):
                path.chmod(0o755)
            shutil.chown(folder, user)
        who = {"user": user} if user else {}
        self.environment["PATH"] += f":{found[-1]}"

        def run(*command: str) -> None:
            subprocess.run(
                command, check=True, cwd=folder, capture_output=True, env={"LC_ALL": "C.UTF-8"}, **who
            )

        run(
            str(found[-1] / "initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--no-sync",
        )
        options = f"-p {self.environment['PGPORT']} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run(
            str(found[-1] / "pg_ctl"),
            "-D",
            str(folder / "data"),
            "-w",
            "-l",
            str(folder / "log"),
            "-o",
            options,
            "start",
        )
        return user, [str(found[-1] / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"]

    def shell(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a block; pip installs the wheel without downloads, unless asked to."""
        script = self.here(text)
        if not self.download:
            script = re.sub(r"(\S+)/bin/pip install \"?([^\"\[\n]+)\[[^\n]*", self._offline, script)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.home / "sources", env=self.environment, text=True, capture_output=True, timeout=900
        )  # fmt: skip

    def _offline(self, found: re.Match[str]) -> str:
        place, wheel = found.groups()
        libraries = sysconfig.get_paths()["purelib"]
        return (
            f"{place}/bin/pip install --quiet --no-deps --force-reinstall {wheel}\n"
            f"echo {libraries} > $({place}/bin/python -c 'import sysconfig; print(sysconfig.get_paths()[\"purelib\"])')/dependencies.pth"
        )

    def checks(self) -> dict[str, object]:
        """What the page promises and no block shows: who reads without a key, the nightly batch, mails, files of their owner."""
        matcher = f"{self.home}/usr/local/bin/maillage"
        site = f"http://127.0.0.1:{self.port}"
        refused = self.shell(
            f"curl --silent --retry 60 --retry-connrefused --retry-delay 1 -o /dev/null -w '%{{http_code}}' {site}/v1/structures"
        ).stdout
        unit = (self.home / "etc/systemd/system/maillage-batch.service").read_text()
        night = next(
            line.partition("bin/matcher ")[2] for line in unit.splitlines() if line.startswith("ExecStart=")
        )
        offline = self.shell(f"{matcher} {night}")
        sample = self.shell(
            f"{matcher} batch data/sample --hold --at 2026-03-02T02:30 --format jsonl".replace(
                "data/sample", f"{self.home}/sources/data/sample"
            )
        )
        shown = self.shell(f"{matcher} outbox list --format jsonl")
        return {
            "read_without_key_behind_the_proxy": refused, "batch_without_network_status": offline.returncode,
            "report_written": (self.home / "var/lib/maillage/report.html").is_file(), "batch_of_the_sample_status": sample.returncode,
            "digests": shown.stdout.strip()[:200],
        }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pip", action="store_true", help="let pip download the dependencies")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    wanted = parser.parse_args()
    began, done, failed = time.monotonic(), 0, ""
    home = Path(tempfile.mkdtemp(prefix="maillage-machine-"))
    machine = Machine(home, wanted.pip)
    told: dict[str, object] = {}
    machine.prepare()
    user, stop = machine.database()
    try:
        for text in blocks():
            result = machine.shell(text)
            if result.returncode:
                failed = f"{text.splitlines()[0]} ...: status {result.returncode}: {(result.stderr or result.stdout).strip()[-1500:]}"
                break
            done += 1
        if not failed:
            told = machine.checks()
        machine.shell("systemctl stop maillage")
    finally:
        subprocess.run(stop, capture_output=True, check=False, **({"user": user} if user else {}))
        if not wanted.keep:
            shutil.rmtree(home, ignore_errors=True)
        stood = (
            sorted({line.split(" ")[0] for line in (home / "stood-in").read_text().splitlines()})
            if wanted.keep
            else []
        )
    told |= {
        "blocks": done,
        "of": len(blocks()),
        "failed": failed,
        "seconds": round(time.monotonic() - began),
        "stood_in": stood or list(BODIES),
    }
    print(json.dumps(told, ensure_ascii=False))
    right = (
        told.get("read_without_key_behind_the_proxy") == "401"
        and told.get("batch_without_network_status") == 3
    )
    return 0 if not failed and right and told.get("batch_of_the_sample_status") in (0, 4) else 1


if __name__ == "__main__":
    sys.exit(main())
