"""Sets."""

from ..holding import equal, expect, refused


def check_members(on):
    c = on.client
    equal(c.sadd("s", "a", "b", "c", "a"), 3, "sadd")
    equal(c.sadd("s", "a"), 0, "sadd of a member")
    equal(c.scard("s"), 3, "scard")
    equal(c.smembers("s"), {b"a", b"b", b"c"}, "smembers")
    equal(c.smembers("none"), set(), "smembers of no key")
    equal(c.sismember("s", "a"), 1, "sismember")
    equal(c.sismember("s", "z"), 0, "sismember of no member")
    equal(c.smismember("s", ["a", "z", "c"]), [1, 0, 1], "smismember")
    equal(c.srem("s", "a", "z"), 1, "srem")
    equal(c.smove("s", "t", "b"), True, "smove")
    equal(c.smove("s", "t", "z"), False, "smove of no member")
    equal(c.srem("s", "c"), 1, "srem of the last")
    equal(c.exists("s", "t"), 1, "an empty set is gone")


def check_random_members(on):
    c = on.client
    members = {b"m%d" % n for n in range(20)}
    c.sadd("s", *members)
    expect(c.srandmember("s") in members, "srandmember")
    equal(sorted(c.srandmember("s", 50)), sorted(members), "srandmember of more than there are")
    equal(len(c.srandmember("s", -50)), 50, "srandmember with repetition")
    equal(c.srandmember("none"), None, "srandmember of no key")
    equal(c.srandmember("none", 3), [], "three of no key")
    one = c.spop("s")
    five = set(c.spop("s", 5))
    expect(len(five) == 5 and {one} | five <= members, "spop")
    equal(c.smembers("s"), members - five - {one}, "what spop leaves")
    equal(len(c.spop("s", 100)), 14, "spop of all")
    equal(c.spop("s"), None, "spop of no key")


def check_algebra(on):
    c = on.client
    for name, members in {"x": "abcd", "y": "bcde", "z": "cdef"}.items():
        c.sadd(name, *members)
    equal(c.sinter("x", "y", "z"), {b"c", b"d"}, "sinter")
    equal(c.sunion("x", "z"), {b"a", b"b", b"c", b"d", b"e", b"f"}, "sunion")
    equal(c.sdiff("x", "y"), {b"a"}, "sdiff")
    equal(c.sinter("x", "none"), set(), "sinter with no key")
    equal(c.sintercard(2, ["x", "y"]), 3, "sintercard")
    equal(c.sintercard(2, ["x", "y"], limit=2), 2, "sintercard with a limit")
    equal(c.sinterstore("to", "x", "y"), 3, "sinterstore")
    equal(c.smembers("to"), {b"b", b"c", b"d"}, "what it stored")
    equal(c.sunionstore("to", "to", "z"), 5, "sunionstore onto a source")
    equal(c.sdiffstore("to", "x", "x"), 0, "sdiffstore of nothing")
    equal(c.exists("to"), 0, "nothing stored")


def check_encodings_and_scan(on):
    c = on.client
    c.sadd("i", *range(400))
    equal(c.object("encoding", "i"), b"intset", "encoding of integers")
    c.sadd("i", *range(400, 2000))
    equal(c.object("encoding", "i"), b"hashtable", "encoding of many integers")
    equal(set(c.sscan_iter("i", count=50)), {b"%d" % n for n in range(2000)}, "sscan_iter")
    equal(len(set(c.sscan_iter("i", match="*77"))), 20, "sscan_iter with a pattern")
    c.sadd("small", "a", 1)
    equal(c.object("encoding", "small"), b"listpack", "encoding of a small set")
    cursor, members = c.sscan("small")
    equal((cursor, sorted(members)), (0, [b"1", b"a"]), "sscan")


def check_refusals(on):
    c = on.client
    c.set("string", "x")
    c.sadd("s", "a")
    for name, call in {
        "sadd": lambda: c.sadd("string", 1),
        "sinter": lambda: c.sinter("s", "string"),
        "smove": lambda: c.smove("s", "string", "a"),
        "sunionstore": lambda: c.sunionstore("to", "s", "string"),
    }.items():
        refused(call, "wrong kind of value", f"{name} of a string")
    refused(lambda: c.sintercard(0, []), "numkeys should be greater than 0", "sintercard of no keys")
    equal(c.smembers("s"), {b"a"}, "the set is untouched")
