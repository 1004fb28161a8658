"""The rate limiter, alone and with processes that compete."""

import sys

import redis

from ..holding import equal, expect
from . import Process
from .rate_limit import SlidingWindow

HOUR_US = 3_600_000_000


def check_rate_limit_of_one(port):
    client = redis.Redis(port=port)
    client.flushall()
    window = SlidingWindow(client, "one", 5, HOUR_US)
    answers = [window.admit() for _ in range(20)]
    expect(all(answers[:5]), f"the first five are admitted: {answers}")
    equal(answers[5:], [None] * 15, "and no one else within the hour")
    expect(SlidingWindow(client, "another", 5, HOUR_US).admit(), "another has a window of its own")


def check_rate_limit_of_many(port):
    client = redis.Redis(port=port)
    client.flushall()
    limit, window_us, wanted, processes = 5, 50_000, 15, 4
    arguments = [port, "many", limit, window_us, wanted]
    started = [
        Process(sys.executable, "-m", "check.applications.rate_limit", *arguments) for _ in range(processes)
    ]
    try:
        admitted = sorted(int(line) for each in started for line in each.output().split())
    finally:
        for each in started:
            each.__exit__()
    equal(len(admitted), wanted * processes, "admissions")
    # Whoever comes `limit` after another is a window away: no window holds more than the limit.
    gaps = [later - earlier for earlier, later in zip(admitted, admitted[limit:])]
    expect(min(gaps) >= window_us, f"{limit + 1} admissions within {min(gaps)} us")
