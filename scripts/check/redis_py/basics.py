"""Strings, keys, pipelines, transactions and introspection."""

import redis

from ..holding import Failed, equal, expect, refused


def check_strings_and_keys(on):
    c = on.client
    expect(c.ping(), "ping")
    expect(c.set("a", b"\x00\xff", ex=100) and c.get("a") == b"\x00\xff", "set, get")
    expect(c.set("a", "b", nx=True) is None, "set nx")
    expect(98 <= c.ttl("a") <= 100 and c.persist("a"), "ttl, persist")
    expect(c.mset({f"k{i}": i for i in range(100)}), "mset")
    equal(c.mget([f"k{i}" for i in range(100)]), [b"%d" % i for i in range(100)], "mget")
    equal(c.incrbyfloat("f", 1.5), 1.5, "incrbyfloat")
    equal(c.incr("n", 3), 3, "incr")
    expect(c.getdel("n") == b"3" and not c.exists("n"), "getdel, exists")
    expect(c.append("s", "abc") == 3 and c.getrange("s", 0, 1) == b"ab", "append, getrange")
    expect(c.type("s") == b"string" and c.object("encoding", "k1") == b"int", "type, object encoding")
    equal(len(set(c.scan_iter(match="k*", count=10))), 100, "scan_iter")
    expect(c.rename("s", "t") and c.copy("t", "u") and c.delete("t", "u") == 2, "rename, copy, delete")
    c.set("word", "word")
    refused(lambda: c.incr("word"), "not an integer", "incr of a word")


def check_transactions(on):
    c = on.client
    with c.pipeline(transaction=True) as pipe:
        equal(pipe.set("x", 1).incr("x").get("x").execute(), [True, 2, b"2"], "transaction")
    with c.pipeline() as pipe:
        pipe.watch("x")
        c.set("x", 10)
        pipe.multi()
        pipe.incr("x")
        try:
            pipe.execute()
            raise Failed("EXEC went through though a watched key had changed")
        except redis.WatchError:
            equal(c.get("x"), b"10", "the watched key")


def check_introspection(on):
    c = on.client
    info = c.info()
    expect("redis_version" in info and info["connected_clients"] >= 1, "info")
    expect(c.config_get("maxmemory")["maxmemory"] == "0", "config get")
    expect(c.client_setname("me") and any(each["name"] == "me" for each in c.client_list()), "client list")
    expect(c.command_count() > 50 and c.dbsize() == 0 and c.time()[0] > 0, "command count, dbsize, time")
