"""What checks share: how one fails, how values are compared, how a program is run to its end.

Time is never part of what is expected: `eventually` polls a condition with a bound that only a broken server meets.
"""

import re
import subprocess
import time

SECONDS = 60
COMPLAINTS = re.compile(r"\bERR |WARNING: could not|\(error\)|^Error\b|unknown command", re.IGNORECASE | re.MULTILINE)


class Failed(Exception):
    """A check that did not hold; the text says what was seen."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


def equal(seen, wanted, what):
    """Raises unless a value is the one wanted, down to the types within: True is not 1, a list not a tuple."""
    if not alike(seen, wanted):
        raise Failed(f"{what}: {seen!r}, not {wanted!r}")


def alike(seen, wanted):
    if type(seen) is not type(wanted):
        return False
    if isinstance(wanted, (list, tuple)):
        return len(seen) == len(wanted) and all(map(alike, seen, wanted))
    if isinstance(wanted, dict):
        return seen.keys() == wanted.keys() and all(alike(seen[key], wanted[key]) for key in wanted)
    return seen == wanted


def refused(call, text, what):
    """Raises unless a call of a client ends with an error of the server whose text holds `text`."""
    import redis

    try:
        reply = call()
    except redis.ResponseError as error:
        expect(text in str(error), f"{what}: {error}")
        return
    raise Failed(f"{what} was not refused: {reply!r}")


def eventually(condition, what, seconds=SECONDS):
    """Waits until a condition holds, and gives what it said."""
    deadline = time.monotonic() + seconds
    while True:
        said = condition()
        if said:
            return said
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def clean(text):
    """Raises if a client's output complains."""
    found = COMPLAINTS.search(text)
    expect(not found, f"{found and found.group()} in: {text.strip()[:400]}")


def run(*command, stdin=b"", seconds=SECONDS, **options):
    """The output of a client that should end by itself, with 0 and no complaint."""
    try:
        result = subprocess.run(
            [str(part) for part in command], input=stdin, capture_output=True, timeout=seconds, check=False, **options
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(
            f"still running after {seconds} s: {(error.stdout or b'').decode(errors='replace')[:400]}"
        ) from error
    text = (result.stdout + result.stderr).decode(errors="replace")
    expect(result.returncode == 0, f"exit code {result.returncode}: {text.strip()[-1500:]}")
    clean(text)
    return text
