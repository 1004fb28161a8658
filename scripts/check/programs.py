"""redis-cli and redis-benchmark, the programs that come with Redis.

A check passes if the program ends well and neither prints an error nor makes the server reply with one.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from measure import server
from measure.resp import Client, set_chunks

from .holding import clean, expect, run

KEYS = 20_000
# A benchmark takes seconds, but waits long for its turn on a machine that others load.
BENCHMARK_SECONDS = 240
# Options of redis-benchmark, each with these tests, of which the time of a check allows.
SHORT = ["-t", "ping,set,get,incr,mset", "-n", "10000"]
SHORT_ROWS = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET"]
SHORT_BENCHMARKS = {
    "two threads, pipelined": ["--threads", "2", "-P", "16"],
    "500 clients": ["-c", "500"],
    "500 clients, pipelined": ["-c", "500", "-P", "16"],
    "RESP3": ["-3"],
}
# ... and with all tests that it runs by itself. LRANGE_600 alone asks for 600 elements each time.
WHOLE = ["-n", "2000"]
WHOLE_ROWS = """PING_INLINE PING_MBULK SET GET INCR LPUSH RPUSH LPOP RPOP SADD HSET SPOP ZADD ZPOPMIN LPUSH LRANGE_100
    LRANGE_300 LRANGE_500 LRANGE_600 MSET""".split()
WHOLE_BENCHMARKS = {"plain": [], "pipelined": ["-P", "16"], "two threads": ["--threads", "2"]}
# The biggest key of every type, and how many bytes or elements it has.
BIGGEST = {
    "string": ("a string", 5000),
    "list": ("a list", 500),
    "set": ("a set", 600),
    "hash": ("a hash", 700),
    "zset": ("a sorted set", 800),
    "stream": ("a stream", 900),
}


def on_terminal(command, seconds, typed=b"", until=None):
    """What a client shows on a terminal within `seconds`, or until that text is seen; then it is ended."""
    master, slave = pty.openpty()
    # With a size of its own, the terminal is not asked for one.
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "HOME": "/nonexistent"}
    process = subprocess.Popen(
        [str(part) for part in command], stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline and not (until and until in shown):
            if select.select([master], [], [], 0.1)[0]:
                try:
                    shown += os.read(master, 65536)
                except OSError:
                    break
            if typed and b"> " in shown:
                os.write(master, typed)
                typed = b""
    finally:
        ended = process.poll()
        process.terminate()
        process.wait()
        os.close(master)
    text = shown.decode(errors="replace")
    expect(ended is None or ended == 0, f"exit code {ended}: {text[:400]}")
    clean(text)
    return text


class Programs:
    """The programs on a server's port. Each method named check_* is a check."""

    def __init__(self, port):
        self.port = port
        self.cli = [server.find_tool("redis-cli"), "-p", port]
        self.benchmark = [server.find_tool("redis-benchmark"), "-p", port]

    def fresh(self):
        """Empties the server and puts KEYS keys there."""
        with Client(self.port) as client:
            client.call("FLUSHALL")
            client.load(set_chunks(KEYS, b"x" * 64))

    def fill_all_types(self):
        """Adds the keys of BIGGEST."""
        with Client(self.port) as client:
            client.call("SET", "a string", b"x" * 5000)
            client.call("RPUSH", "a list", *range(500))
            client.call("SADD", "a set", *(f"m{n}" for n in range(600)))
            client.call("HSET", "a hash", *(part for n in range(700) for part in (n, n)))
            client.call("ZADD", "a sorted set", *(part for n in range(800) for part in (n, f"m{n}")))
            for n in range(900):
                client.call("XADD", "a stream", "*", "n", n)

    def size(self):
        with Client(self.port) as client:
            return client.call("DBSIZE")

    def errors(self):
        """Error replies so far."""
        with Client(self.port) as client:
            return int(server.info(client, "stats")["total_error_replies"])

    def check_cli_commands(self):
        expect(run(*self.cli, "PING") == "PONG\n", "PING")
        expect(run(*self.cli, "-3", "HELLO").count("\n") > 5, "HELLO in RESP3")
        text = run(*self.cli, stdin=b'SET greeting "a b"\nGET greeting\nINCRBY counter 5\nEXPIRE counter 100\n')
        expect(text.split("\n")[:4] == ["OK", "a b", "5", "1"], text)
        run(*self.cli, "INFO", "everything")

    def check_cli_help_from_the_server(self):
        text = run(*self.cli, "COMMAND", "DOCS", "SET")
        expect("summary" in text, text[:200])

    def check_cli_hints_on_a_terminal(self):
        text = on_terminal(self.cli, 10.0, typed=b"set ", until=b"key value")
        expect("key value" in text, f"no hint for SET: {text!r}")

    def check_cli_transaction(self):
        text = run(*self.cli, stdin=b"MULTI\nSET a 1\nINCR a\nGET a\nEXEC\n")
        expect(text.split("\n")[:8] == ["OK", "QUEUED", "QUEUED", "QUEUED", "OK", "2", "2", ""], text)

    def check_cli_scan(self):
        self.fresh()
        names = run(*self.cli, "--scan").split()
        expect(
            len(names) >= KEYS and len(set(names)) == KEYS,
            f"{len(names)} names, {len(set(names))} different, of {KEYS}",
        )
        names = set(run(*self.cli, "--scan", "--pattern", "key:*42").split())
        expect(len(names) == KEYS // 100, f"{len(names)} names end in 42")

    def check_cli_bigkeys(self):
        self.fresh()
        self.fill_all_types()
        text = run(*self.cli, "--bigkeys", "-i", "0")
        expect(f"Sampled {KEYS + len(BIGGEST)} keys" in text, text[-1500:])
        for kind, (name, size) in BIGGEST.items():
            expect(re.search(rf'Biggest +{kind} found .*"{name}.* has {size} ', text), f"{kind}: {text[-1500:]}")

    def check_cli_memkeys(self):
        self.fresh()
        self.fill_all_types()
        text = run(*self.cli, "--memkeys", "-i", "0")
        expect(f"Sampled {KEYS + len(BIGGEST)} keys" in text, text[-1500:])
        for kind, (name, _) in BIGGEST.items():
            expect(re.search(rf'Biggest +{kind} found .*"{name}.* has \d+ bytes', text), f"{kind}: {text[-1500:]}")

    def check_cli_stat(self):
        text = on_terminal([*self.cli, "--stat", "-i", "0.1"], 1.5)
        lines = [line for line in text.splitlines() if re.match(r"\d+ +\S+ +\d+", line)]
        expect(len(lines) >= 3, f"fewer than three lines of figures: {text}")

    def check_cli_latency(self):
        text = run(*self.cli, "--raw", "--latency", "-i", "1", seconds=20)
        lowest, highest, average, count = text.split()
        expect(int(lowest) <= float(average) <= int(highest) and int(count) > 10, text)

    def check_cli_latency_history(self):
        text = on_terminal([*self.cli, "--latency-history", "-i", "0.5"], 2.0)
        expect("samples" in text and "avg" in text, text)

    def check_cli_pipe(self):
        self.fresh()
        requests = b"".join(payload for payload, _ in set_chunks(100_000, b"y" * 64, key="pipe:%011d"))
        text = run(*self.cli, "--pipe", stdin=requests)
        expect("errors: 0, replies: 100000" in text, text)
        expect(self.size() == KEYS + 100_000, f"{self.size()} keys")

    def check_cli_inline_pipe(self):
        text = run(*self.cli, "--pipe", stdin=b"SET inline 1\r\n" * 1000)
        expect("errors: 0, replies: 1000" in text, text)

    def redis_benchmark(self, tests, rows, options):
        before = self.errors()
        text = run(*self.benchmark, *tests, "-r", "100000", "-d", "64", "--csv", *options, seconds=BENCHMARK_SECONDS)
        seen = [line.split('","')[0].strip('"').split()[0] for line in text.splitlines()[1:]]
        # Newer releases have further tests at the end.
        expect(seen[: len(rows)] == rows, f"rows {seen}: {text}")
        expect(self.errors() == before, f"{self.errors() - before} error replies")


def checks(port):
    """(name, function) of every check."""
    programs = Programs(port)
    for name in dir(Programs):
        if name.startswith("check_"):
            yield name.removeprefix("check_").replace("_", " "), getattr(programs, name)
    for tests, rows, forms in (SHORT, SHORT_ROWS, SHORT_BENCHMARKS), (WHOLE, WHOLE_ROWS, WHOLE_BENCHMARKS):
        for name, options in forms.items():
            yield f"redis-benchmark, {name}", lambda t=tests, r=rows, o=options: programs.redis_benchmark(t, r, o)
