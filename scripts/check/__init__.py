"""The checks of scripts/clients: real clients and small applications, run against a server.

`programs` drives redis-cli and redis-benchmark, `redis_py` and `ioredis` client libraries through every family of
data types, `applications` programs that people build on a server. A check is a function that raises when something
is not as it should be; `holding` has what they share.
"""
