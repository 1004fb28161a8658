"""What rq's workers of `rq_checks` import: jobs, and the worker."""

import rq


class Worker(rq.Worker):
    """rq's worker, which hears no commands of others (stop a job, shut down) where the server has no SUBSCRIBE yet."""

    def subscribe(self):
        if b"subscribe" in self.connection.command_list(pattern="subscribe"):
            super().subscribe()


def add(a, b):
    return a + b


def count(name, by=1):
    """Counts in the server itself, through the connection of the job."""
    return rq.get_current_job().connection.incrby(name, by)


def total_of_dependencies():
    return sum(job.return_value() for job in rq.get_current_job().fetch_dependencies())


def broken():
    raise ValueError("this job fails")


def broken_the_first_time(name):
    if rq.get_current_job().connection.incr(name) == 1:
        raise ValueError("this job fails once")
    return "done"
