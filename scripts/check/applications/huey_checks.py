"""huey: tasks in a list or a sorted set, a schedule, results; done by a consumer in a process of its own."""

import os

from huey.exceptions import TaskException

from ..holding import Failed, equal, eventually, expect
from . import BIN, Process

SECONDS = 30


def tasks(port):
    """The module of tasks, on an empty server at a port."""
    os.environ["BATON_PORT"] = str(port)
    from . import huey_tasks

    huey_tasks.plain.storage.conn.flushall()
    return huey_tasks


def consumer(port, name, *arguments):
    program = os.path.join(BIN, "huey_consumer")
    return Process(program, f"check.applications.huey_tasks.{name}", *arguments, BATON_PORT=str(port))


def result(handle):
    return handle.get(blocking=True, timeout=SECONDS)


def result_at_last(handle):
    """The result of a task that fails first: until it is tried again, the failure stands as its result."""

    def success():
        handle.reset()
        try:
            return handle.get()
        except TaskException:
            return None

    return eventually(success, "the task is tried again", SECONDS)


def check_huey_tasks(port):
    t = tasks(port)
    waiting = [t.add(n, 10) for n in range(5)]
    equal(t.plain.pending_count(), 5, "tasks in the queue")
    with consumer(port, "plain", "--workers", "2", "--scheduler-interval", "1") as process:
        equal([result(handle) for handle in waiting], [10, 11, 12, 13, 14], "results")
        chain = t.plain.enqueue(t.add.s(1, 2).then(t.add, 10))
        equal([result(handle) for handle in chain], [3, 13], "results of a chain")
        later = t.add.schedule((20, 22), delay=0.2)
        equal(result(later), 42, "result of a task of the schedule")
        equal(result_at_last(t.broken_the_first_time("attempts")), "done", "result of the task that failed once")
        try:
            raise Failed(f"the broken task gave {result(t.broken())}")
        except TaskException as error:
            expect("this task fails" in str(error), str(error))
        revoked = t.add.schedule((1, 1), delay=3600)
        eventually(lambda: t.plain.scheduled_count() == 1, "a task far off is in the schedule")
        revoked.revoke()
        expect(revoked.is_revoked(), "it can be revoked")
        process.stop()
    equal(t.plain.pending_count(), 0, "tasks left in the queue")


def check_huey_locks(port):
    t = tasks(port)
    handles = [t.alone() for _ in range(10)]
    with consumer(port, "plain", "--workers", "4", "--no-periodic") as process:
        for handle in handles:
            try:
                equal(result(handle), 1, "tasks at the same time")
            except TaskException as error:
                expect("TaskLockedException" in str(error), str(error))
        process.stop()
    with t.plain.lock_task("alone"):
        expect(t.plain.is_locked("alone"), "a lock that is held")
    expect(not t.plain.is_locked("alone"), "a lock that was given back")


def check_huey_priorities(port):
    t = tasks(port)
    for word, importance in {"last": 0, "first": 10, "second": 5, "third": 1}.items():
        t.note(word, priority=importance)
    with consumer(port, "priority", "--workers", "1") as process:
        connection = t.priority.storage.conn
        eventually(lambda: connection.llen("notes") == 4, "four tasks are done", SECONDS)
        equal(connection.lrange("notes", 0, -1), [b"first", b"second", b"third", b"last"], "their order")
        process.stop()
