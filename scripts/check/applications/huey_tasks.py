"""What huey's consumers of `huey_checks` import: tasks, in a plain queue and in one with priorities.

The server's port is in BATON_PORT.
"""

import os

from huey import Huey, crontab
from huey.storage import PriorityRedisStorage, RedisStorage


class Scriptless:
    """Takes what is due from the schedule in a transaction, where huey's own storage runs a script."""

    def read_schedule(self, ts):
        due = "-inf", self.convert_ts(ts)
        with self.conn.pipeline(transaction=True) as pipe:
            tasks, _ = pipe.zrangebyscore(self.schedule_key, *due).zremrangebyscore(self.schedule_key, *due).execute()
        return tasks


class Storage(Scriptless, RedisStorage):
    pass


class PriorityStorage(Scriptless, PriorityRedisStorage):
    pass


port = int(os.environ.get("BATON_PORT", "6379"))
plain = Huey("plain", storage_class=Storage, port=port, notify_result=True)
priority = Huey("priority", storage_class=PriorityStorage, port=port)


@plain.task()
def add(a, b):
    return a + b


@plain.task()
def broken():
    raise ValueError("this task fails")


@plain.task(retries=1)
def broken_the_first_time(name):
    if plain.storage.conn.incr(name) == 1:
        raise ValueError("this task fails once")
    return "done"


@plain.task()
@plain.lock_task("alone")
def alone():
    """Sees no other of its kind at the same time."""
    connection = plain.storage.conn
    inside = connection.incr("inside")
    connection.decr("inside")
    return inside


@priority.task()
def note(word):
    priority.storage.conn.rpush("notes", word)


@priority.periodic_task(crontab(month="1", day="1", hour="0", minute="0"))
def happy_new_year():
    pass
