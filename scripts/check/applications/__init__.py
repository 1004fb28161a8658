"""Small applications, end to end: each with its own processes and what people build it of.

None of them needs scripting. rq (jobs) runs scripts only for unique jobs, rate limits, its scheduler and Queue.empty,
which stay out. huey (tasks) runs one, to take what is due from its schedule: `huey_tasks` does that in a transaction.
The rate limiters of PyPI that hold between processes (limits, pyrate-limiter) are scripts at heart: `rate_limit` is one
of our own over a transaction.
"""

import os
import subprocess
import sys

from measure import server

from ..holding import SECONDS, Failed

BIN = os.path.dirname(sys.executable)


class Process:
    """A program of an application, in the background with its output kept; it is ended with the `with` block."""

    def __init__(self, *command, **environment):
        paths = {"PYTHONPATH": os.path.join(server.ROOT, "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **paths, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def output(self):
        """What it printed, once it has ended by itself, with 0."""
        try:
            text, _ = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"still running after {SECONDS} s: {self.process.args}") from error
        if self.process.returncode != 0:
            raise Failed(f"exit code {self.process.returncode} of {self.process.args}: {text[-1500:]}")
        return text

    def stop(self):
        """Asks it to end; what it printed."""
        self.process.terminate()
        return self.output()


def checks(port):
    """(name, function) of every check."""
    from . import huey_checks, rate_limit_checks, rq_checks

    for module in (rq_checks, huey_checks, rate_limit_checks):
        for name, function in vars(module).items():
            if name.startswith("check_"):
                title = name.removeprefix("check_").replace("_", " ")
                yield f"application {title}", lambda f=function: f(port)
