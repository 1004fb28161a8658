"""Every family of data types through ioredis, by ioredis/families.mjs: in RESP2, and in RESP3 with both ways in which
ioredis gives that protocol's replies."""

import functools
import json
import os
import shutil
import subprocess

from .holding import Failed, expect

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ioredis")
SCRIPT = os.path.join(FOLDER, "families.mjs")
SECONDS = 120
FORMS = {"RESP2": ("2", "legacy"), "RESP3": ("3", "legacy"), "RESP3's own replies": ("3", "resp3")}


def node(*arguments):
    """The lines that families.mjs prints."""
    program = shutil.which("node")
    expect(program, "no node, 20 or newer (scripts/test clients installs it)")
    expect(os.path.isdir(os.path.join(FOLDER, "node_modules")), "no ioredis (scripts/test clients installs it)")
    result = subprocess.run(
        [program, SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    expect(result.returncode == 0, f"exit code {result.returncode}: {(result.stdout + result.stderr)[-1500:]}")
    return result.stdout.splitlines()


def checks(port):
    """(name, function) of every check; the first of a form runs them all."""
    try:
        names = node("--list")
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        yield "ioredis", functools.partial(fail, error)
        return
    for form, arguments in FORMS.items():
        outcomes = functools.cache(lambda a=arguments: {row["name"]: row for row in map(json.loads, node(port, *a))})
        for name in names:
            yield f"ioredis {form}: {name}", functools.partial(passed, outcomes, name)


def fail(error):
    raise error


def passed(outcomes, name):
    outcome = outcomes().get(name)
    expect(outcome, "it did not run")
    expect(outcome["error"] is None, outcome["error"])
