"""rq: jobs in queues, done by workers in processes of their own."""

import os

import redis
from rq import Queue, Retry
from rq.registry import FailedJobRegistry, FinishedJobRegistry

from ..holding import equal, eventually, expect
from . import BIN, Process, rq_jobs

MODULE = "check.applications.rq_jobs"


def fresh(port):
    client = redis.Redis(port=port)
    client.flushall()
    return client


def worker(port, *arguments):
    """`rq worker` with its own worker class: everything else as people start it."""
    address = ["--url", f"redis://127.0.0.1:{port}", "--worker-class", f"{MODULE}.Worker"]
    return Process(os.path.join(BIN, "rq"), "worker", *address, *arguments)


def check_rq_in_a_burst(port):
    client = fresh(port)
    queue = Queue("work", connection=client)
    jobs = [queue.enqueue(rq_jobs.add, n, 10) for n in range(5)]
    last = queue.enqueue(rq_jobs.total_of_dependencies, depends_on=jobs)
    failed = queue.enqueue(rq_jobs.broken)
    retried = queue.enqueue(rq_jobs.broken_the_first_time, "attempts", retry=Retry(max=1))
    equal(queue.count, 7, "jobs in the queue, without the one that depends on others")
    equal(last.get_status().value, "deferred", "status of that one")
    with worker(port, "--burst", "work") as process:
        process.output()
    equal([job.return_value() for job in jobs], [10, 11, 12, 13, 14], "results")
    equal(last.return_value(), 60, "result of the job that depends on others")
    equal(retried.return_value(), "done", "result of the job that failed once")
    equal(client.get("attempts"), b"2", "its attempts")
    equal(failed.get_status(refresh=True).value, "failed", "status of the job that fails")
    expect("this job fails" in failed.latest_result().exc_string, "its traceback")
    equal(FailedJobRegistry(queue=queue).get_job_ids(), [failed.id], "failed jobs")
    equal(len(FinishedJobRegistry(queue=queue)), 7, "finished jobs")
    equal(queue.count, 0, "jobs left in the queue")
    failed.delete()
    equal(FailedJobRegistry(queue=queue).get_job_ids(), [], "failed jobs after it was deleted")


def check_rq_workers_that_wait(port):
    """Workers that block on their queues, one and several, until they have done so many jobs."""
    client = fresh(port)
    queues = {name: Queue(name, connection=client) for name in ("alone", "high", "low")}
    with worker(port, "--max-jobs", 2, "alone") as one, worker(port, "--max-jobs", 2, "high", "low") as other:
        eventually(lambda: client.info("clients")["blocked_clients"] == 2, "both workers wait")
        names = ("alone", "low", "alone", "high")
        jobs = [queues[name].enqueue(rq_jobs.count, "counter", 1) for name in names]
        one.output()
        other.output()
    equal(sorted(job.return_value() for job in jobs), [1, 2, 3, 4], "results")
    equal(jobs[0].latest_result(timeout=1).return_value, jobs[0].return_value(), "a result read from its stream")


def check_rq_workers_that_compete(port):
    client = fresh(port)
    queue = Queue("work", connection=client)
    prepared = [Queue.prepare_data(rq_jobs.count, ("counter", 1)) for _ in range(12)]
    jobs = queue.enqueue_many(prepared)
    with worker(port, "--burst", "work") as one, worker(port, "--burst", "work") as other:
        one.output()
        other.output()
    equal(sorted(job.return_value() for job in jobs), list(range(1, 13)), "each job was done once")
