"""A rate limiter: at most `limit` in any window of time, for any number of processes.

`python3 -m check.applications.rate_limit PORT NAME LIMIT WINDOW_US WANTED` asks until it was admitted WANTED times, and
prints when, in microseconds of the server's clock.
"""

import sys
import uuid

import redis


class SlidingWindow:
    """The times of those admitted, in a sorted set. An answer stands if nobody else was admitted while it was made."""

    def __init__(self, client, name, limit, window_us):
        self.client = client
        self.key = f"admitted:{name}"
        self.limit = limit
        self.window_us = window_us

    def admit(self):
        """The time of admission, or None."""
        with self.client.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(self.key)
                    seconds, microseconds = pipe.time()
                    now = seconds * 1_000_000 + microseconds
                    begin = now - self.window_us
                    if pipe.zcount(self.key, f"({begin}", "+inf") >= self.limit:
                        return None
                    pipe.multi()
                    pipe.zremrangebyscore(self.key, "-inf", begin)
                    pipe.zadd(self.key, {uuid.uuid4().hex: now})
                    # Only so that nothing stays of what nobody asks for any more.
                    pipe.pexpire(self.key, 2 * self.window_us // 1000 + 1000)
                    pipe.execute()
                    return now
                except redis.WatchError:
                    continue


def main(port, name, limit, window_us, wanted):
    window = SlidingWindow(redis.Redis(port=int(port)), name, int(limit), int(window_us))
    admitted = 0
    while admitted < int(wanted):
        now = window.admit()
        if now:
            admitted += 1
            print(now)


if __name__ == "__main__":
    main(*sys.argv[1:])
