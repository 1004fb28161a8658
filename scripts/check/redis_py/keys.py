"""What goes over all types: SORT, DUMP and RESTORE, SCAN with TYPE, COPY, OBJECT."""

import redis

from ..holding import Failed, equal, expect, refused


def fill(client):
    """A key of every type, of a small and of a big encoding."""
    client.set("string", "value")
    client.set("integer", 42)
    for name, count in {"small": 5, "big": 1000}.items():
        values = [f"value:{n}" for n in range(count)]
        client.rpush(f"list:{name}", *values)
        client.sadd(f"set:{name}", *values)
        client.sadd(f"intset:{name}", *range(count))
        client.hset(f"hash:{name}", mapping={value: n for n, value in enumerate(values)})
        client.zadd(f"zset:{name}", {value: n / 2 for n, value in enumerate(values)})
        for n in range(1, count + 1):
            client.xadd(f"stream:{name}", {"n": n, "value": values[n - 1]}, id=f"{n}-0")
    client.xgroup_create("stream:small", "g", id="0")
    client.xreadgroup("g", "c", {"stream:small": ">"}, count=2)


def content(client, name):
    """All there is in a key, whatever its type."""
    kind = client.type(name)
    return kind, {
        b"string": lambda: client.get(name),
        b"list": lambda: client.lrange(name, 0, -1),
        b"set": lambda: client.smembers(name),
        b"hash": lambda: client.hgetall(name),
        b"zset": lambda: client.zrange(name, 0, -1, withscores=True),
        b"stream": lambda: (client.xrange(name), client.xinfo_groups(name)),
    }[kind]()


def check_dump_and_restore(on):
    c = on.client
    fill(c)
    for name in c.keys("*"):
        payload = c.dump(name)
        equal(c.restore(b"copy of " + name, 0, payload), b"OK", f"restore of {name!r}")
        equal(content(c, b"copy of " + name), content(c, name), f"what was restored of {name!r}")
        encodings = [c.object("encoding", each) for each in (name, b"copy of " + name)]
        equal(encodings[0], encodings[1], f"encoding of {name!r} and of its copy")
        spoilt = payload[:-1] + bytes([payload[-1] ^ 1])
        refused(lambda: c.restore("spoilt", 0, spoilt), "checksum", f"a wrong checksum of {name!r}")
    refused(lambda: c.restore("string", 0, c.dump("string")), "BUSYKEY", "restore onto a key")
    equal(c.restore("string", 100_000, c.dump("integer"), replace=True), b"OK", "restore with replace")
    expect(90 < c.ttl("string") <= 100 and c.get("string") == b"42", "its time to live and value")
    equal(c.dump("none"), None, "dump of no key")


def check_copy_rename_and_delete(on):
    c = on.client
    fill(c)
    names = c.keys("*")
    for name in names:
        before = content(c, name)
        equal(c.copy(name, b"copy of " + name), True, f"copy of {name!r}")
        equal(content(c, b"copy of " + name), before, f"what was copied of {name!r}")
        equal(c.rename(name, b"other " + name), True, f"rename of {name!r}")
        equal(content(c, b"other " + name), before, f"what was renamed of {name!r}")
    equal(c.unlink(*(b"copy of " + name for name in names)), len(names), "unlink")
    equal(c.delete(*(b"other " + name for name in names)), len(names), "delete")
    equal(c.dbsize(), 0, "nothing is left")


def check_scan_by_type(on):
    c = on.client
    fill(c)
    for kind, count in {"string": 2, "list": 2, "set": 4, "hash": 2, "zset": 2, "stream": 2}.items():
        equal(len(set(c.scan_iter(_type=kind))), count, f"keys of type {kind}")
    equal(len(set(c.scan_iter(match="*:small", count=3))), 6, "keys of a pattern")


def check_sort(on):
    c = on.client
    c.rpush("l", 3, 10, 1, 2)
    equal(c.sort("l"), [b"1", b"2", b"3", b"10"], "sort")
    equal(c.sort("l", desc=True, start=1, num=2), [b"3", b"2"], "sort desc with a limit")
    equal(c.sort("l", alpha=True), [b"1", b"10", b"2", b"3"], "sort alpha")
    c.mset({"{l}weight_1": 5, "{l}weight_2": 4, "{l}weight_3": 3, "{l}weight_10": 1})
    c.hset("{l}object_1", "name", "one")
    equal(c.sort("l", by="{l}weight_*"), [b"10", b"3", b"2", b"1"], "sort by")
    got = c.sort("l", get=["#", "{l}object_*->name"], groups=True, num=2, start=0)
    equal(got, [(b"1", b"one"), (b"2", None)], "sort get")
    equal(c.sort("l", by="nosort"), [b"3", b"10", b"1", b"2"], "sort by nosort")
    equal(c.sort("l", store="to"), 4, "sort store")
    equal(c.lrange("to", 0, -1), [b"1", b"2", b"3", b"10"], "what it stored")
    equal(c.sort_ro("l", desc=True), [b"10", b"3", b"2", b"1"], "sort_ro")
    c.zadd("z", {"b": 1, "a": 2})
    equal(c.sort("z", alpha=True), [b"a", b"b"], "sort of a sorted set")
    c.sadd("words", "x", "y")
    refused(lambda: c.sort("words"), "can't be converted into double", "sort of words as numbers")


def check_expiry_of_every_type(on):
    c = on.client
    fill(c)
    names = c.keys("*")
    for name in names:
        equal(c.expire(name, 1000), True, f"expire of {name!r}")
        expect(900 < c.ttl(name) <= 1000, f"ttl of {name!r}")
        equal(c.persist(name), True, f"persist of {name!r}")
        equal(c.pexpireat(name, 1), True, f"pexpireat of {name!r}")
    equal(c.exists(*names), 0, "all are gone")


def check_transaction_over_all_types(on):
    c = on.client
    with c.pipeline(transaction=True) as pipe:
        pipe.rpush("l", "a").sadd("s", "a").hset("h", "f", "v").zadd("z", {"a": 1}).xadd("x", {"f": "v"}, id="1-1")
        pipe.lrange("l", 0, -1).smembers("s").hgetall("h").zscore("z", "a").xlen("x").lpop("l").exists("l")
        wanted = [1, 1, 1, 1, b"1-1", [b"a"], {b"a"}, {b"f": b"v"}, 1.0, 1, b"a", 0]
        equal(pipe.execute(), wanted, "the replies of the transaction")
    with c.pipeline() as pipe:
        pipe.watch("h")
        c.hset("h", "f", "other")
        pipe.multi()
        pipe.hset("h", "f", "third")
        try:
            pipe.execute()
            raise Failed("EXEC went through though a watched hash had changed")
        except redis.WatchError:
            equal(c.hget("h", "f"), b"other", "the hash")
