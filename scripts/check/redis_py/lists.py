"""Lists, the blocking commands among them."""

from ..holding import equal, expect, refused


def check_both_ends(on):
    c = on.client
    equal(c.rpush("l", "b", "c"), 2, "rpush")
    equal(c.lpush("l", "a"), 3, "lpush")
    equal(c.lpushx("none", "a"), 0, "lpushx of no key")
    equal(c.rpushx("l", "d", 5), 5, "rpushx")
    equal(c.lrange("l", 0, -1), [b"a", b"b", b"c", b"d", b"5"], "lrange")
    equal(c.llen("l"), 5, "llen")
    equal(c.lpop("l"), b"a", "lpop")
    equal(c.rpop("l", 2), [b"5", b"d"], "rpop of two")
    equal(c.lpop("l", 0), [], "lpop of none")
    equal(c.lpop("none", 2), None, "lpop of no key")
    equal(c.lpop("l", 10), [b"b", b"c"], "lpop of all")
    equal(c.exists("l"), 0, "an empty list is gone")


def check_by_index(on):
    c = on.client
    c.rpush("l", *"abcabc")
    equal(c.lindex("l", -1), b"c", "lindex")
    equal(c.lindex("l", 6), None, "lindex beyond the end")
    equal(c.lset("l", 0, "x"), True, "lset")
    refused(lambda: c.lset("l", 9, "x"), "index out of range", "lset beyond the end")
    equal(c.linsert("l", "BEFORE", "b", "y"), 7, "linsert")
    equal(c.linsert("l", "AFTER", "none", "y"), -1, "linsert beside no element")
    equal(c.lpos("l", "c"), 3, "lpos")
    equal(c.lpos("l", "none"), None, "lpos of no element")
    equal(c.lpos("l", "c", count=0), [3, 6], "lpos of all")
    equal(c.lpos("l", "c", rank=-1, maxlen=1), 6, "lpos from the end")
    equal(c.lrem("l", -1, "c"), 1, "lrem from the end")
    equal(c.ltrim("l", 1, 3), True, "ltrim")
    equal(c.lrange("l", 0, -1), [b"y", b"b", b"c"], "lrange")


def check_moves(on):
    c = on.client
    c.rpush("from", "a", "b", "c")
    equal(c.lmove("from", "to", "LEFT", "RIGHT"), b"a", "lmove")
    equal(c.rpoplpush("from", "to"), b"c", "rpoplpush")
    equal(c.lmove("from", "from", "RIGHT", "LEFT"), b"b", "lmove onto itself")
    equal(c.lmove("none", "to"), None, "lmove of no key")
    equal(c.lrange("to", 0, -1), [b"c", b"a"], "what was moved")
    equal(c.lmpop(2, "none", "to", direction="LEFT", count=5), [b"to", [b"c", b"a"]], "lmpop")
    equal(c.lmpop(2, "none", "to", direction="RIGHT"), None, "lmpop of no key")


def check_many_elements(on):
    c = on.client
    values = [b"element %05d" % n for n in range(5000)]
    with c.pipeline(transaction=False) as pipe:
        for begin in range(0, 5000, 100):
            pipe.rpush("l", *values[begin : begin + 100])
        equal(pipe.execute(), list(range(100, 5001, 100)), "rpush in a pipeline")
    equal(c.object("encoding", "l"), b"quicklist", "encoding of a long list")
    equal(c.lrange("l", 0, -1), values, "lrange")
    equal(c.lrange("l", 4990, 6000), values[4990:], "lrange of the end")
    equal(c.lindex("l", 2500), values[2500], "lindex in the middle")
    equal(c.linsert("l", "AFTER", values[2500], "x" * 10_000), 5001, "linsert of a long element")
    equal(c.lindex("l", 2501), b"x" * 10_000, "the long element")
    c.rpush("short", 1, 2, 3)
    equal(c.object("encoding", "short"), b"listpack", "encoding of a short list")


def check_blocking_with_elements_there(on):
    c = on.client
    c.rpush("l", *"abcdefg")
    pair = tuple if on.protocol == 2 else list
    equal(c.blpop(["none", "l"], 1), pair([b"l", b"a"]), "blpop")
    equal(c.brpop("l", 1), pair([b"l", b"g"]), "brpop")
    equal(c.brpoplpush("l", "m", 1), b"f", "brpoplpush")
    equal(c.blmove("l", "m", 1, "LEFT", "LEFT"), b"b", "blmove")
    equal(c.blmpop(1, 2, "none", "l", direction="LEFT", count=2), [b"l", [b"c", b"d"]], "blmpop")


def check_blocking_until_timeout(on):
    c = on.client
    equal(c.blpop(["x", "y"], 0.01), None, "blpop")
    equal(c.brpop("x", 0.01), None, "brpop")
    equal(c.blmove("x", "y", 0.01), None, "blmove")
    equal(c.brpoplpush("x", "y", 0.01), None, "brpoplpush")
    equal(c.blmpop(0.01, 1, "x", direction="RIGHT"), None, "blmpop")
    refused(lambda: c.blpop("x", -1), "timeout is negative", "a negative timeout")


def check_blocking_until_served(on):
    c = on.client
    pair = tuple if on.protocol == 2 else list

    def push():
        equal(c.rpush("b", "1", "2"), 2, "rpush")

    equal(on.while_blocked(lambda d: d.blpop(["a", "b"], 0), push), pair([b"b", b"1"]), "blpop")
    equal(c.lrange("b", 0, -1), [b"2"], "the rest stays")
    c.delete("b")
    equal(on.while_blocked(lambda d: d.brpop(["a", "b"], 0), push), pair([b"b", b"2"]), "brpop")
    c.delete("b")
    equal(on.while_blocked(lambda d: d.blmove("b", "to", 0, "RIGHT", "LEFT"), push), b"2", "blmove")
    equal(c.lrange("to", 0, -1), [b"2"], "what blmove moved")
    c.delete("b")
    served = on.while_blocked(lambda d: d.blmpop(0, 2, "a", "b", direction="LEFT", count=10), push)
    equal(served, [b"b", [b"1", b"2"]], "blmpop")
    equal(c.exists("a", "b"), 0, "nothing is left")


def check_blocking_pop_served_by_a_transaction(on):
    c = on.client

    def transaction():
        with c.pipeline(transaction=True) as pipe:
            equal(pipe.rpush("l", "a").lpush("l", "b").execute(), [1, 2], "the transaction")

    pair = tuple if on.protocol == 2 else list
    equal(on.while_blocked(lambda d: d.blpop("l", 0), transaction), pair([b"l", b"b"]), "what is first when it ends")


def check_blocking_chain(on):
    c = on.client
    pair = tuple if on.protocol == 2 else list
    moved = []

    def mover():
        moved.append(on.while_blocked(lambda d: d.blmove("first", "second", 0), lambda: c.rpush("first", "x")))

    equal(on.while_blocked(lambda d: d.blpop("second", 0), mover), pair([b"second", b"x"]), "the end of the chain")
    equal(moved, [b"x"], "its middle")
    equal(c.exists("first", "second"), 0, "nothing is left")


def check_blocking_in_a_transaction(on):
    with on.client.pipeline(transaction=True) as pipe:
        equal(pipe.blpop("none", 0).blmove("none", "to", 0).execute(), [None, None], "no call blocks there")


def check_client_unblock(on):
    def unblock():
        ids = [int(each["id"]) for each in on.client.client_list() if each["cmd"] == "blpop"]
        equal(len(ids), 1, "clients in blpop")
        equal(on.client.client_unblock(ids[0]), True, "client unblock")

    equal(on.while_blocked(lambda d: d.blpop("none", 0), unblock), None, "the unblocked call")


def check_refusals(on):
    c = on.client
    c.set("s", "x")
    c.rpush("l", "a")
    for name, call in {
        "lpush": lambda: c.lpush("s", 1),
        "llen": lambda: c.llen("s"),
        "blpop": lambda: c.blpop("s", 1),
        "lmove": lambda: c.lmove("l", "s"),
    }.items():
        refused(call, "wrong kind of value", f"{name} of a string")
    refused(lambda: c.get("l"), "wrong kind of value", "get of a list")
    refused(lambda: c.lpop("l", -1), "must be positive", "lpop of a negative count")
    expect(c.llen("l") == 1, "the list is untouched")
