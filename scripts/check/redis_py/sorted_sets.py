"""Sorted sets, the blocking commands among them."""

from ..holding import equal, expect, refused

INFINITY = float("inf")


def check_scores(on):
    c = on.client
    equal(c.zadd("z", {"a": 1, "b": 2.5, "c": "-inf"}), 3, "zadd")
    equal(c.zadd("z", {"a": 2, "d": 4}, ch=True), 2, "zadd ch")
    equal(c.zadd("z", {"a": 9}, nx=True), 0, "zadd nx")
    equal(c.zadd("z", {"e": 9}, xx=True), 0, "zadd xx")
    equal(c.zadd("z", {"a": 1}, gt=True, ch=True), 0, "zadd gt")
    equal(c.zadd("z", {"a": 1}, lt=True, ch=True), 1, "zadd lt")
    equal(c.zadd("z", {"a": 2}, incr=True), 3.0, "zadd incr")
    equal(c.zadd("z", {"a": 2}, incr=True, nx=True), None, "zadd incr that is not done")
    equal(c.zincrby("z", -0.5, "a"), 2.5, "zincrby")
    equal(c.zscore("z", "a"), 2.5, "zscore")
    equal(c.zscore("z", "c"), -INFINITY, "zscore of infinity")
    equal(c.zscore("z", "none"), None, "zscore of no member")
    equal(c.zmscore("z", ["d", "none"]), [4.0, None], "zmscore")
    equal(c.zcard("z"), 4, "zcard")
    equal(c.zcount("z", "(2.5", "+inf"), 1, "zcount")
    equal(c.zrem("z", "a", "none"), 1, "zrem")
    refused(lambda: c.zadd("z", {"a": "x"}), "not a valid float", "zadd of a word")
    refused(lambda: c.execute_command("ZADD", "z", "NX", "GT", 1, "a"), "not compatible", "zadd nx gt")


def check_ranks(on):
    c = on.client
    c.zadd("z", {"a": 1, "b": 2, "c": 2, "d": 3})
    equal([c.zrank("z", member) for member in "abcdx"], [0, 1, 2, 3, None], "zrank")
    equal(c.zrevrank("z", "a"), 3, "zrevrank")
    equal(c.zrank("z", "b", withscore=True), [1, 2.0], "zrank with the score")
    equal(c.zrevrank("z", "b", withscore=True), [2, 2.0], "zrevrank with the score")


def check_ranges(on):
    c = on.client
    c.zadd("z", {"a": 1, "b": 2, "c": 3, "d": 4})
    equal(c.zrange("z", 0, -1), [b"a", b"b", b"c", b"d"], "zrange")
    equal(c.zrange("z", 1, 2, withscores=True), on.pairs((b"b", 2.0), (b"c", 3.0)), "zrange with scores")
    equal(c.zrange("z", 0, 1, desc=True), [b"d", b"c"], "zrange rev")
    equal(c.zrevrange("z", 0, 1, withscores=True), on.pairs((b"d", 4.0), (b"c", 3.0)), "zrevrange with scores")
    equal(c.zrange("z", "(1", 3, byscore=True, offset=1, num=5), [b"c"], "zrange byscore")
    equal(c.zrange("z", "+inf", "-inf", byscore=True, desc=True, offset=0, num=1), [b"d"], "zrange byscore rev")
    equal(c.zrangebyscore("z", 2, "+inf", start=0, num=2), [b"b", b"c"], "zrangebyscore")
    equal(c.zrangebyscore("z", 4, 9, withscores=True), on.pairs((b"d", 4.0)), "zrangebyscore with scores")
    equal(c.zrevrangebyscore("z", 3, "(1"), [b"c", b"b"], "zrevrangebyscore")
    equal(c.zrangestore("to", "z", 1, 2), 2, "zrangestore")
    equal(c.zrange("to", 0, -1, withscores=True), on.pairs((b"b", 2.0), (b"c", 3.0)), "what it stored")
    equal(c.zremrangebyrank("z", 0, 0), 1, "zremrangebyrank")
    equal(c.zremrangebyscore("z", "(2", 3), 1, "zremrangebyscore")
    equal(c.zrange("z", 0, -1), [b"b", b"d"], "what is left")


def check_ranges_by_name(on):
    c = on.client
    c.zadd("z", dict.fromkeys(["a", "b", "c", "d", "e"], 0))
    equal(c.zrangebylex("z", "-", "[c"), [b"a", b"b", b"c"], "zrangebylex")
    equal(c.zrangebylex("z", "(a", "+", start=1, num=2), [b"c", b"d"], "zrangebylex with a limit")
    equal(c.zrevrangebylex("z", "(c", "-"), [b"b", b"a"], "zrevrangebylex")
    equal(c.zrange("z", "[b", "(d", bylex=True), [b"b", b"c"], "zrange bylex")
    equal(c.zlexcount("z", "[b", "[d"), 3, "zlexcount")
    equal(c.zremrangebylex("z", "-", "(c"), 2, "zremrangebylex")
    refused(lambda: c.zrangebylex("z", "a", "+"), "not valid string range item", "a bound without a bracket")


def check_pops(on):
    c = on.client
    c.zadd("z", {"a": 1, "b": 2, "c": 3, "d": 4})
    equal(c.zpopmin("z"), on.by_protocol([(b"a", 1.0)], [b"a", 1.0]), "zpopmin")
    equal(c.zpopmax("z", 2), on.pairs((b"d", 4.0), (b"c", 3.0)), "zpopmax of two")
    equal(c.zpopmin("none"), [], "zpopmin of no key")
    c.zadd("z", {"a": 1, "c": 3})
    popped = c.zmpop(2, ["none", "z"], min=True, count=2)
    equal(popped, [b"z", on.by_protocol([[b"a", b"1"], [b"b", b"2"]], [[b"a", 1.0], [b"b", 2.0]])], "zmpop")
    equal(c.zmpop(1, ["none"], max=True), None, "zmpop of no key")
    equal(c.zrange("z", 0, -1), [b"c"], "what is left")


def check_algebra(on):
    c = on.client
    c.zadd("x", {"a": 1, "b": 2, "c": 3})
    c.zadd("y", {"b": 10, "c": 20, "d": 30})
    c.sadd("s", "a", "c")
    equal(c.zunion(["x", "y"]), [b"a", b"b", b"c", b"d"], "zunion")
    both = on.pairs((b"b", 12.0), (b"c", 23.0))
    equal(c.zinter(["x", "y"], withscores=True), both, "zinter with scores")
    weighted = on.pairs((b"b", 6.0), (b"c", 9.0))
    equal(c.zinter({"x": 3, "y": 0}, withscores=True, aggregate="MAX"), weighted, "zinter with weights")
    only = on.by_protocol([b"a", b"1"], [[b"a", 1.0]])
    equal(c.zdiff(["x", "y"], withscores=True), only, "zdiff with scores")
    equal(c.zunionstore("to", {"x": 2, "y": 1}, aggregate="MIN"), 4, "zunionstore")
    stored = on.pairs((b"a", 2.0), (b"b", 4.0), (b"c", 6.0), (b"d", 30.0))
    equal(c.zrange("to", 0, -1, withscores=True), stored, "what it stored")
    equal(c.zinterstore("to", ["x", "s"]), 2, "zinterstore with a set")
    equal(c.zrange("to", 0, -1, withscores=True), on.pairs((b"a", 2.0), (b"c", 4.0)), "what it stored")
    equal(c.zdiffstore("to", ["x", "x"]), 0, "zdiffstore of nothing")
    equal(c.exists("to"), 0, "nothing stored")
    equal(c.zintercard(2, ["x", "y"]), 2, "zintercard")
    equal(c.zintercard(2, ["x", "y"], limit=1), 1, "zintercard with a limit")


def check_random_members(on):
    c = on.client
    c.zadd("z", {"a": 1, "b": 2, "c": 3})
    expect(c.zrandmember("z") in (b"a", b"b", b"c"), "zrandmember")
    equal(sorted(c.zrandmember("z", 9)), [b"a", b"b", b"c"], "zrandmember of more than there are")
    equal(len(c.zrandmember("z", -9)), 9, "zrandmember with repetition")
    scored = c.zrandmember("z", 9, withscores=True)
    if on.protocol == 2:
        scored = [[scored[n], float(scored[n + 1])] for n in range(0, len(scored), 2)]
    equal(sorted(scored), [[b"a", 1.0], [b"b", 2.0], [b"c", 3.0]], "zrandmember with scores")


def check_many_members(on):
    c = on.client
    scores = {b"m%05d" % n: float(n * 7919 % 5000) for n in range(5000)}
    c.zadd("z", scores)
    equal(c.object("encoding", "z"), b"skiplist", "encoding of a big sorted set")
    order = sorted(scores, key=lambda member: (scores[member], member))
    equal(c.zrange("z", 0, -1), order, "zrange")
    equal([c.zrank("z", member) for member in order[::500]], list(range(0, 5000, 500)), "zrank")
    equal(dict(c.zscan_iter("z")), scores, "zscan_iter")
    equal(len(dict(c.zscan_iter("z", match="*99", count=100))), 50, "zscan_iter with a pattern")
    equal(c.zcount("z", 100, 199), 100, "zcount")
    equal(c.zremrangebyrank("z", 10, -11), 4980, "zremrangebyrank")
    equal(c.zrange("z", 0, -1), order[:10] + order[-10:], "what is left")
    c.zadd("small", {"a": 1})
    equal(c.object("encoding", "small"), b"listpack", "encoding of a small sorted set")
    equal(c.zscan("small"), (0, [(b"a", 1.0)]), "zscan")


def check_blocking(on):
    c = on.client
    triple = tuple if on.protocol == 2 else list
    equal(c.bzpopmin(["x", "y"], 0.01), None, "bzpopmin until its timeout")
    equal(c.bzmpop(0.01, 1, ["x"], max=True), None, "bzmpop until its timeout")

    def add():
        equal(c.zadd("y", {"a": 1, "b": 2.5}), 2, "zadd")

    equal(on.while_blocked(lambda d: d.bzpopmin(["x", "y"], 0), add), triple([b"y", b"a", 1.0]), "bzpopmin")
    equal(c.bzpopmax(["x", "y"], 1), triple([b"y", b"b", 2.5]), "bzpopmax")
    popped = on.while_blocked(lambda d: d.bzmpop(0, 2, ["x", "y"], max=True, count=5), add)
    equal(popped, [b"y", on.by_protocol([[b"b", b"2.5"], [b"a", b"1"]], [[b"b", 2.5], [b"a", 1.0]])], "bzmpop")
    served = on.while_blocked(lambda d: d.bzpopmax("to", 0), add, lambda: c.zunionstore("to", ["y"]))
    equal(served, triple([b"to", b"b", 2.5]), "bzpopmax served by a store")


def check_refusals(on):
    c = on.client
    c.set("s", "x")
    for name, call in {
        "zadd": lambda: c.zadd("s", {"a": 1}),
        "zrange": lambda: c.zrange("s", 0, -1),
        "zunion": lambda: c.zunion(["s"]),
        "bzpopmin": lambda: c.bzpopmin("s", 1),
    }.items():
        refused(call, "wrong kind of value", f"{name} of a string")
    c.zadd("z", {"a": "inf"})
    refused(lambda: c.zincrby("z", "-inf", "a"), "not a number", "a sum that is no number")
    refused(lambda: c.zrangebyscore("z", "x", 1), "not a float", "a bound that is a word")
