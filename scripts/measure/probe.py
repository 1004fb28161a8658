"""The probe (benches/probe.rs): GETs at a fixed rate, and how long they take."""

import json
import os
import subprocess
import sys

from . import server

REAL_TIME_PRIORITY = 10


def build_probe():
    """Builds the probe and returns its path."""
    return server.build_bench("probe")


class Probe:
    """The probe at work on a server, with `rate` GETs per second; `finish` ends it and returns its figures.

    It asks for the first `keys` keys in turn, or for `key` alone.
    """

    def __init__(self, program, each, rate, keys=1, key=None):
        command = [program, "watch", "--port", each.port, "--rate", rate, "--keys", keys]
        command += ["--key", key] if key else []
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            os.sched_setscheduler(self.process.pid, os.SCHED_FIFO, os.sched_param(REAL_TIME_PRIORITY))
        except PermissionError:
            print("the probe runs at ordinary priority: its figures include waiting for a core", file=sys.stderr)

    def finish(self):
        out, _ = self.process.communicate()
        if self.process.returncode != 0:
            raise RuntimeError("the probe failed")
        return json.loads(out)
