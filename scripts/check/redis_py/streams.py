"""Streams, with consumer groups and blocking reads."""

from ..holding import equal, expect, refused


def read(on, streams):
    """What XREAD and XREADGROUP of these streams and entries are in redis-py."""
    if on.protocol == 2:
        return [[name, entries] for name, entries in streams.items()]
    return {name: [entries] for name, entries in streams.items()}


def entry(stamp, **fields):
    return stamp.encode(), {name.encode(): value.encode() for name, value in fields.items()}


def fill(client, name="s", last=5):
    for n in range(1, last + 1):
        client.xadd(name, {"n": n}, id=f"{n}-1")


def check_entries(on):
    c = on.client
    equal(c.xadd("s", {"a": 1, "b": "x"}, id="5-1"), b"5-1", "xadd")
    equal(c.xadd("s", {"a": 2}, id="5-*"), b"5-2", "xadd in the same millisecond")
    expect(b"-" in c.xadd("s", {"a": 3}), "xadd of an id of the server's")
    equal(c.xadd("none", {"a": 1}, nomkstream=True), None, "xadd nomkstream")
    refused(lambda: c.xadd("s", {"a": 1}, id="5-1"), "equal or smaller", "an id of the past")
    refused(lambda: c.xadd("s", {"a": 1}, id="0-0"), "greater than 0-0", "id 0-0")
    equal(c.xlen("s"), 3, "xlen")
    first, second = entry("5-1", a="1", b="x"), entry("5-2", a="2")
    equal(c.xrange("s", count=2), [first, second], "xrange")
    equal(c.xrange("s", "(5-1", "5"), [second], "xrange after an id")
    equal(c.xrevrange("s", "5-2", "-"), [second, first], "xrevrange")
    equal(c.xdel("s", "5-1", "9-9"), 1, "xdel")
    equal(c.xrange("s", "-", "5"), [second], "what is left")
    equal(c.xrange("none"), [], "xrange of no key")


def check_trimming(on):
    c = on.client
    for n in range(1, 301):
        c.xadd("s", {"n": n}, id=f"{n}-0")
    equal(c.xtrim("s", maxlen=250, approximate=False), 50, "xtrim maxlen")
    equal(c.xtrim("s", minid="101", approximate=False), 50, "xtrim minid")
    equal(c.xtrim("s", maxlen=50, approximate=True, limit=1), 0, "xtrim within a node")
    equal(c.xadd("s", {"n": 301}, id="301-0", maxlen=10, approximate=False), b"301-0", "xadd maxlen")
    equal([stamp for stamp, _ in c.xrange("s")], [b"%d-0" % n for n in range(292, 302)], "what is left")
    equal(c.xadd("s", {"n": 302}, id="302-0", minid="302", approximate=False), b"302-0", "xadd minid")
    equal(c.xlen("s"), 1, "xlen")
    for n in range(1, 1001):
        c.xadd("long", {"n": n}, id=f"{n}-0", maxlen=100, approximate=True)
    expect(100 <= c.xlen("long") < 300, f"{c.xlen('long')} entries, trimmed by whole nodes")


def check_read(on):
    c = on.client
    fill(c, "s", 3)
    fill(c, "t", 1)
    whole = [entry(f"{n}-1", n=str(n)) for n in (1, 2, 3)]
    equal(c.xread({"s": "0", "t": "1-1"}), read(on, {b"s": whole}), "xread")
    equal(c.xread({"s": "1-1", "t": "0"}, count=1), read(on, {b"s": whole[1:2], b"t": whole[:1]}), "xread of one each")
    equal(c.xread({"s": "$"}), on.by_protocol([], {}), "xread of nothing new")
    equal(c.xread({"s": "+"}), read(on, {b"s": whole[2:]}), "xread of the last")


def check_blocking_read(on):
    c = on.client
    fill(c, "s", 1)
    equal(c.xread({"s": "$", "none": "0"}, block=10), on.by_protocol([], {}), "xread until its timeout")
    new = entry("7-1", x="y")

    def add():
        equal(c.xadd("t", {"x": "y"}, id="7-1"), b"7-1", "xadd")

    equal(on.while_blocked(lambda d: d.xread({"s": "$", "t": "$"}, block=0), add), read(on, {b"t": [new]}), "xread")
    equal(c.xread({"t": "0"}, block=0), read(on, {b"t": [new]}), "xread of what is there")


def check_groups(on):
    c = on.client
    equal(c.xgroup_create("s", "g", id="0", mkstream=True), True, "xgroup_create")
    refused(lambda: c.xgroup_create("s", "g"), "BUSYGROUP", "the same group again")
    refused(lambda: c.xreadgroup("none", "c", {"s": ">"}), "NOGROUP", "a group that is not there")
    fill(c)
    first = [entry("1-1", n="1"), entry("2-1", n="2")]
    equal(c.xreadgroup("g", "alice", {"s": ">"}, count=2), read(on, {b"s": first}), "xreadgroup")
    equal(c.xreadgroup("g", "bob", {"s": ">"}, count=1), read(on, {b"s": [entry("3-1", n="3")]}), "of another consumer")
    equal(c.xreadgroup("g", "alice", {"s": "0"}), read(on, {b"s": first}), "what alice has pending")
    consumers = [{"name": b"alice", "pending": 2}, {"name": b"bob", "pending": 1}]
    equal(c.xpending("s", "g"), {"pending": 3, "min": b"1-1", "max": b"3-1", "consumers": consumers}, "xpending")
    equal(c.xack("s", "g", "1-1", "9-9"), 1, "xack")
    pending = c.xpending_range("s", "g", "-", "+", 10)
    for each in pending:
        expect(each.pop("time_since_delivered") >= 0, "time since delivered")
    # Alice read hers again from her pending list.
    wanted = [(b"2-1", b"alice", 2), (b"3-1", b"bob", 1)]
    rows = [{"message_id": stamp, "consumer": name, "times_delivered": times} for stamp, name, times in wanted]
    equal(pending, rows, "xpending_range")
    equal(c.xpending_range("s", "g", "-", "+", 10, consumername="none"), [], "xpending_range of nobody")
    equal(c.xreadgroup("g", "alice", {"s": ">"}, noack=True, count=1), read(on, {b"s": [entry("4-1", n="4")]}), "noack")
    equal(c.xpending("s", "g")["pending"], 2, "what noack leaves pending")
    equal(c.xgroup_createconsumer("s", "g", "carol"), 1, "xgroup_createconsumer")
    equal(c.xgroup_delconsumer("s", "g", "bob"), 1, "xgroup_delconsumer")
    equal(c.xgroup_setid("s", "g", "0"), True, "xgroup_setid")
    equal(c.xgroup_destroy("s", "g"), True, "xgroup_destroy")


def check_claims(on):
    c = on.client
    fill(c, last=3)
    c.xgroup_create("s", "g", id="0")
    c.xreadgroup("g", "alice", {"s": ">"})
    equal(c.xclaim("s", "g", "bob", 0, ["1-1", "9-9"]), [entry("1-1", n="1")], "xclaim")
    equal(c.xclaim("s", "g", "bob", 0, ["2-1"], justid=True), [b"2-1"], "xclaim justid")
    equal(c.xclaim("s", "g", "bob", 3_600_000, ["3-1"]), [], "xclaim of what is not idle")
    claimed = c.xautoclaim("s", "g", "carol", 0, count=2)
    equal(claimed, [b"3-1", [entry("1-1", n="1"), entry("2-1", n="2")], []], "xautoclaim")
    c.xdel("s", "3-1")
    equal(c.xautoclaim("s", "g", "carol", 0, start_id="3-1"), [b"0-0", [], [b"3-1"]], "xautoclaim of a deleted entry")
    equal(c.xautoclaim("s", "g", "dave", 0, justid=True), [b"1-1", b"2-1"], "xautoclaim justid")


def check_blocking_group_read(on):
    c = on.client
    for name in ("s", "t"):
        c.xgroup_create(name, "g", mkstream=True)
    nothing = c.xreadgroup("g", "alice", {"s": ">", "t": ">"}, block=10)
    equal(nothing, on.by_protocol([], {}), "xreadgroup until its timeout")

    def block(client):
        return client.xreadgroup("g", "alice", {"s": ">", "t": ">"}, block=0)

    served = on.while_blocked(block, lambda: c.xadd("t", {"x": "y"}, id="7-1"))
    equal(served, read(on, {b"t": [entry("7-1", x="y")]}), "xreadgroup")
    equal(c.xpending("t", "g")["pending"], 1, "what was served is pending")
    refused(lambda: on.while_blocked(block, lambda: c.xgroup_destroy("s", "g")), "NOGROUP", "a group that goes")


def check_information(on):
    c = on.client
    fill(c)
    c.xgroup_create("s", "g", id="0")
    c.xreadgroup("g", "alice", {"s": ">"}, count=2)
    about = c.xinfo_stream("s")
    wanted = {
        "length": 5,
        "last-generated-id": b"5-1",
        "max-deleted-entry-id": b"0-0",
        "entries-added": 5,
        "recorded-first-entry-id": b"1-1",
        "groups": 1,
        "first-entry": entry("1-1", n="1"),
        "last-entry": entry("5-1", n="5"),
    }
    equal({name: about[name] for name in wanted}, wanted, "xinfo_stream")
    group = c.xinfo_groups("s")
    wanted = {"name": b"g", "consumers": 1, "pending": 2, "last-delivered-id": b"2-1", "entries-read": 2, "lag": 3}
    equal(group, [wanted], "xinfo_groups")
    consumers = c.xinfo_consumers("s", "g")
    equal([(each["name"], each["pending"]) for each in consumers], [(b"alice", 2)], "xinfo_consumers")
    full = c.xinfo_stream("s", full=True)
    equal(full["entries"], dict(entry(f"{n}-1", n=str(n)) for n in range(1, 6)), "entries of xinfo_stream full")
    pending = full["groups"][0]["pending"]
    equal([(each[0], each[1], each[3]) for each in pending], [(b"1-1", b"alice", 1), (b"2-1", b"alice", 1)], "pending")
    equal(c.execute_command("XSETID", "s", "9-9", "ENTRIESADDED", 20, "MAXDELETEDID", "8-8"), b"OK", "xsetid")
    equal(c.xinfo_stream("s")["last-generated-id"], b"9-9", "the last id")


def check_deletion_by_references(on):
    if on.is_valkey:
        return
    c = on.client
    fill(c)
    for name in ("g", "other"):
        c.xgroup_create("s", name, id="0")
        c.xreadgroup(name, "alice", {"s": ">"})
    equal(c.xackdel("s", "g", "1-1", "9-9", ref_policy="ACKED"), [2, -1], "xackdel acked")
    equal(c.xackdel("s", "other", "1-1", ref_policy="ACKED"), [1], "xackdel acked by all")
    equal(c.xdelex("s", "2-1", ref_policy="KEEPREF"), [1], "xdelex keepref")
    equal(c.xdelex("s", "3-1", "9-9", ref_policy="DELREF"), [1, -1], "xdelex delref")
    equal(c.xdelex("s", "4-1", ref_policy="ACKED"), [2], "xdelex acked")
    equal(c.xlen("s"), 2, "xlen")
    equal(c.xpending("s", "g")["pending"], 3, "what is pending")


def check_refusals(on):
    c = on.client
    c.set("k", "x")
    for name, call in {
        "xadd": lambda: c.xadd("k", {"a": 1}),
        "xrange": lambda: c.xrange("k"),
        "xread": lambda: c.xread({"k": "0"}, block=1),
        "xgroup": lambda: c.xgroup_create("k", "g"),
    }.items():
        refused(call, "wrong kind of value", f"{name} of a string")
    refused(lambda: c.xinfo_stream("none"), "no such key", "xinfo of no key")
    refused(lambda: c.xadd("s", {"a": 1}, id="x"), "Invalid stream ID", "an id that is none")
    equal(c.exists("s"), 0, "a refused command leaves no key")
