"""Hashes, with the expiry of single fields."""

import time

from ..holding import eventually, equal, expect, refused


def check_fields(on):
    c = on.client
    equal(c.hset("h", "a", 1), 1, "hset")
    equal(c.hset("h", mapping={"a": 2, "b": "x", b"\x00": b"\xff"}), 2, "hset of three")
    equal(c.hget("h", "a"), b"2", "hget")
    equal(c.hget("h", "none"), None, "hget of no field")
    equal(c.hmget("h", "a", "none", "b"), [b"2", None, b"x"], "hmget")
    equal(c.hgetall("h"), {b"a": b"2", b"b": b"x", b"\x00": b"\xff"}, "hgetall")
    equal(c.hgetall("none"), {}, "hgetall of no key")
    equal(sorted(c.hkeys("h")), [b"\x00", b"a", b"b"], "hkeys")
    equal(sorted(c.hvals("h")), [b"2", b"x", b"\xff"], "hvals")
    equal(c.hlen("h"), 3, "hlen")
    equal(c.hexists("h", "a"), True, "hexists")
    equal(c.hexists("h", "none"), False, "hexists of no field")
    equal(c.hstrlen("h", "b"), 1, "hstrlen")
    equal(c.hsetnx("h", "a", 3), 0, "hsetnx of a field there")
    equal(c.hdel("h", "a", "none"), 1, "hdel")
    equal(c.hdel("h", "b", b"\x00"), 2, "hdel of the rest")
    equal(c.exists("h"), 0, "an empty hash is gone")


def check_numbers(on):
    c = on.client
    equal(c.hincrby("h", "n", 5), 5, "hincrby")
    equal(c.hincrby("h", "n", -7), -2, "hincrby of a negative")
    equal(c.hincrbyfloat("h", "f", 1.5), 1.5, "hincrbyfloat")
    equal(c.hincrbyfloat("h", "f", -0.25), 1.25, "hincrbyfloat of a negative")
    equal(c.hget("h", "f"), b"1.25", "hget of a float")
    c.hset("h", "word", "x")
    refused(lambda: c.hincrby("h", "word"), "hash value is not an integer", "hincrby of a word")
    refused(lambda: c.hincrbyfloat("h", "word"), "hash value is not a float", "hincrbyfloat of a word")
    c.hset("h", "n", 2**63 - 1)
    refused(lambda: c.hincrby("h", "n"), "overflow", "hincrby beyond 64 bits")


def check_random_fields(on):
    c = on.client
    fields = {b"f%d" % n: b"v%d" % n for n in range(5)}
    c.hset("h", mapping=fields)
    expect(c.hrandfield("h") in fields, "hrandfield")
    equal(sorted(c.hrandfield("h", 9)), sorted(fields), "hrandfield of more than there are")
    equal(len(c.hrandfield("h", -9)), 9, "hrandfield with repetition")
    pairs = c.hrandfield("h", 9, withvalues=True)
    if on.protocol == 2:
        pairs = [pairs[n : n + 2] for n in range(0, len(pairs), 2)]
    equal(sorted(pairs), [[field, value] for field, value in fields.items()], "hrandfield with values")
    equal(c.hrandfield("none"), None, "hrandfield of no key")
    equal(c.hrandfield("none", 2), [], "two of no key")


def check_scan(on):
    c = on.client
    fields = {b"f%04d" % n: b"v%d" % n for n in range(3000)}
    c.hset("h", mapping=fields)
    equal(c.object("encoding", "h"), b"hashtable", "encoding of a big hash")
    equal(dict(c.hscan_iter("h")), fields, "hscan_iter")
    equal(len(dict(c.hscan_iter("h", match="f*7", count=100))), 300, "hscan_iter with a pattern")
    equal(sorted(set(c.hscan_iter("h", no_values=True))), sorted(fields), "hscan_iter without values")
    equal(c.hgetall("h"), fields, "hgetall")
    c.hset("small", mapping={"a": 1, "b": 2})
    equal(c.object("encoding", "small"), b"listpack", "encoding of a small hash")
    equal(c.hscan("small"), (0, {b"a": b"1", b"b": b"2"}), "hscan")
    equal(c.hscan("none"), (0, {}), "hscan of no key")


def check_expiry_of_fields(on):
    c = on.client
    c.hset("h", mapping={"a": 1, "b": 2, "c": 3})
    equal(c.hexpire("h", 1000, "a", "none"), [1, -2], "hexpire")
    equal(c.hexpire("h", 2000, "a", "b", nx=True), [0, 1], "hexpire nx")
    equal(c.hexpire("h", 500, "a", "b", gt=True), [0, 0], "hexpire gt")
    equal(c.hpexpire("h", 500_000, "a", "b", lt=True), [1, 1], "hpexpire lt")
    left = c.httl("h", "a", "c", "none")
    expect(400 < left[0] <= 500 and left[1:] == [-1, -2], f"httl: {left}")
    left = c.hpttl("h", "b")
    expect(400_000 < left[0] <= 500_000, f"hpttl: {left}")
    stamp = int(time.time()) + 3000
    equal(c.hexpireat("h", stamp, "a"), [1], "hexpireat")
    equal(c.hexpiretime("h", "a", "c"), [stamp, -1], "hexpiretime")
    equal(c.hpexpireat("h", stamp * 1000 + 7, "a"), [1], "hpexpireat")
    equal(c.hpexpiretime("h", "a", "none"), [stamp * 1000 + 7, -2], "hpexpiretime")
    equal(c.hpersist("h", "a", "c", "none"), [1, -1, -2], "hpersist")
    equal(c.httl("h", "a"), [-1], "httl after hpersist")
    equal(c.hexpireat("h", 1, "c"), [2], "hexpireat in the past")
    equal(c.hexists("h", "c"), False, "the field is gone")
    refused(lambda: c.execute_command("HEXPIRE", "h", 10, "FIELDS", 2, "a"), "numfields", "a count that is wrong")


def check_fields_go_by_themselves(on):
    c = on.client
    c.hset("h", mapping={"a": 1, "b": 2})
    equal(c.hpexpire("h", 20, "a"), [1], "hpexpire")
    eventually(lambda: c.hget("h", "a") is None, "the field expires")
    equal(c.hgetall("h"), {b"b": b"2"}, "the other stays")
    equal(c.hpexpire("h", 20, "b"), [1], "hpexpire of the last")
    eventually(lambda: c.exists("h") == 0 and c.dbsize() == 0, "the hash goes with its last field")


def check_get_and_set_with_expiry(on):
    c = on.client
    c.hset("h", mapping={"a": 1, "b": 2, "c": 3})
    equal(c.hgetex("h", "a", "none", ex=1000), [b"1", None], "hgetex")
    expect(900 < c.httl("h", "a")[0] <= 1000, "httl after hgetex")
    equal(c.hgetex("h", "a", persist=True), [b"1"], "hgetex persist")
    equal(c.httl("h", "a"), [-1], "httl after persist")
    equal(c.hsetex("h", mapping={"b": 20, "d": 4}, px=900_000), 1, "hsetex")
    expect(800 < c.httl("h", "d")[0] <= 900, "httl after hsetex")
    equal(c.hmget("h", "b", "d"), [b"20", b"4"], "what hsetex set")
    equal(c.hsetex("h", "b", 30, keepttl=True), 1, "hsetex keepttl")
    expect(800 < c.httl("h", "b")[0] <= 900, "httl after keepttl")
    equal(c.hset("h", "b", 40), 0, "hset")
    equal(c.httl("h", "b"), [-1], "httl after hset")
    equal(c.hgetdel("h", "a", "none"), [b"1", None], "hgetdel")
    equal(c.hgetdel("h", "b", "c", "d"), [b"40", b"3", b"4"], "hgetdel of the rest")
    equal(c.exists("h"), 0, "the hash is gone")


def check_refusals(on):
    c = on.client
    c.set("s", "x")
    for name, call in {
        "hset": lambda: c.hset("s", "f", 1),
        "hgetall": lambda: c.hgetall("s"),
        "hexpire": lambda: c.hexpire("s", 10, "f"),
        "hscan": lambda: c.hscan("s"),
    }.items():
        refused(call, "wrong kind of value", f"{name} of a string")
    refused(lambda: c.execute_command("HSET", "h", "f"), "wrong number of arguments", "hset of no value")
    equal(c.exists("h"), 0, "a refused command leaves no key")
