// Every family of data types through ioredis: `families.mjs PORT PROTOCOL MAPPING` runs the checks against a server and
// prints one line of JSON for each; `families.mjs --list` only says how they are called.
//
// ioredis gives RESP3's maps and doubles as RESP2 would (MAPPING legacy), or as objects and numbers (MAPPING resp3).

import assert from "node:assert/strict";
import Redis from "ioredis";

const BOUND_MS = 30_000;
const checks = {};
const [port, protocol, mapping] = process.argv.slice(2);
const options = { port: Number(port), protocol: Number(protocol), maxRetriesPerRequest: 0, retryStrategy: null };
if (mapping === "resp3") options.replyMapping = mapping;

const equal = assert.deepEqual;
const by = (legacy, resp3) => (mapping === "resp3" ? resp3 : legacy);
// A score or other double.
const double = (text) => by(text, Number(text));
const refused = (promise, text) => assert.rejects(promise, (error) => error.message.includes(text));

async function eventually(condition, what) {
  for (const deadline = Date.now() + BOUND_MS; Date.now() < deadline; ) {
    const said = await condition();
    if (said) return said;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`not within ${BOUND_MS} ms: ${what}`);
}

// What `call` gives on a connection of its own, where it blocks until `serve` has run.
async function whileBlocked(client, call, serve) {
  const blocked = async () => Number(/blocked_clients:(\d+)/.exec(await client.info("clients"))[1]);
  const other = client.duplicate();
  try {
    const before = await blocked();
    let settled = false;
    const settle = () => (settled = true);
    const reply = call(other);
    reply.then(settle, settle);
    await eventually(async () => settled || (await blocked()) > before, "the call blocks");
    assert(!settled, "the call did not block");
    await serve();
    return await reply;
  } finally {
    other.disconnect();
  }
}

// All that a scan stream gives.
async function all(stream) {
  const seen = [];
  for await (const part of stream) seen.push(...part);
  return seen;
}

const range = (count, name = (n) => n) => Array.from({ length: count }, (_, n) => name(n));

checks["strings and keys"] = async (c) => {
  equal(await c.set("a", "1", "EX", 100, "NX"), "OK");
  equal(await c.set("a", "2", "NX"), null);
  equal(await c.incrby("a", 41), 42);
  equal(await c.incrbyfloat("f", "1.5"), "1.5");
  equal(await c.mset({ x: "1", y: Buffer.from([0, 255]) }), "OK");
  equal(await c.mget("x", "none"), ["1", null]);
  equal(await c.getBuffer("y"), Buffer.from([0, 255]));
  assert((await c.ttl("a")) > 90);
  equal(await c.type("a"), "string");
  equal(await c.exists("a", "x", "none"), 2);
  equal(await c.del("a", "x", "y", "f"), 4);
};

checks["pipeline"] = async (c) => {
  const pipeline = c.pipeline();
  for (let n = 0; n < 1000; n++) pipeline.set(`k${n}`, n).get(`k${n}`);
  const replies = await pipeline.exec();
  equal(replies, range(2000, (n) => [null, n % 2 ? `${(n - 1) / 2}` : "OK"]));
  const mixed = await c.pipeline().lpush("k1", "x").rpush("l", "y").exec();
  assert(mixed[0][0].message.startsWith("WRONGTYPE"));
  equal(mixed[1], [null, 1]);
};

checks["transaction"] = async (c) => {
  const replies = await c.multi().set("a", 1).incr("a").rpush("l", "x").hset("h", "f", "v").hgetall("h").exec();
  equal(replies, [[null, "OK"], [null, 2], [null, 1], [null, 1], [null, { f: "v" }]]);
  await c.multi({ pipeline: false });
  equal(await c.sadd("s", "x"), "QUEUED");
  equal(await c.zadd("z", 1, "x"), "QUEUED");
  equal(await c.exec(), [[null, 1], [null, 1]]);
  await c.watch("a");
  const other = c.duplicate();
  await other.set("a", 100);
  other.disconnect();
  equal(await c.multi().incr("a").exec(), null);
  equal(await c.get("a"), "100");
};

checks["autopipelining"] = async () => {
  const c = new Redis({ ...options, enableAutoPipelining: true });
  try {
    const replies = await Promise.all(range(500, (n) => (n % 2 ? c.rpush("l", n) : c.hset("h", n, n))));
    equal(replies, range(500, (n) => (n % 2 ? (n + 1) / 2 : 1)));
    equal(await Promise.all([c.llen("l"), c.hlen("h")]), [250, 250]);
  } finally {
    c.disconnect();
  }
};

checks["key prefix"] = async (c) => {
  const prefixed = c.duplicate({ keyPrefix: "app:" });
  try {
    await prefixed.rpush("l", "a", "b");
    await prefixed.zadd("z", 1, "a");
    await prefixed.sadd("s1", "a", "b");
    await prefixed.sadd("s2", "b");
    equal(await prefixed.sinter("s1", "s2"), ["b"]);
    equal(await prefixed.zunionstore("to", 2, "z", "s1"), 2);
    equal(await prefixed.xadd("x", "1-1", "f", "v"), "1-1");
    equal(await prefixed.blpop("none", "l", 1), ["app:l", "a"]);
    equal((await c.keys("*")).sort(), ["app:l", "app:s1", "app:s2", "app:to", "app:x", "app:z"]);
  } finally {
    prefixed.disconnect();
  }
};

checks["lists"] = async (c) => {
  equal(await c.rpush("l", "a", "b", "c", "b"), 4);
  equal(await c.lpush("l", "z"), 5);
  equal(await c.lrange("l", 0, -1), ["z", "a", "b", "c", "b"]);
  equal(await c.lpos("l", "b", "COUNT", 0), [2, 4]);
  equal(await c.linsert("l", "BEFORE", "c", "x"), 6);
  equal(await c.lrem("l", 1, "b"), 1);
  equal(await c.lset("l", 0, "y"), "OK");
  equal(await c.lindex("l", -1), "b");
  equal(await c.lmove("l", "m", "LEFT", "RIGHT"), "y");
  equal(await c.lmpop(2, "none", "l", "LEFT", "COUNT", 2), ["l", ["a", "x"]]);
  equal(await c.ltrim("l", 0, 0), "OK");
  equal(await c.lpop("l", 5), ["c"]);
  equal(await c.exists("l"), 0);
};

checks["blocking lists"] = async (c) => {
  equal(await c.blpop("none", 0.01), null);
  const push = () => c.rpush("l", "a", "b");
  equal(await whileBlocked(c, (d) => d.blpop("none", "l", 0), push), ["l", "a"]);
  equal(await c.brpop("l", 1), ["l", "b"]);
  equal(await whileBlocked(c, (d) => d.blmove("l", "m", "RIGHT", "LEFT", 0), push), "b");
  equal(await whileBlocked(c, (d) => d.brpoplpush("n", "m", 0), () => c.lmove("l", "n", "LEFT", "LEFT")), "a");
  equal(await whileBlocked(c, (d) => d.blmpop(0, 1, "l", "LEFT", "COUNT", 5), push), ["l", ["a", "b"]]);
  equal(await c.lrange("m", 0, -1), ["a", "b"]);
};

checks["hashes"] = async (c) => {
  equal(await c.hset("h", { a: 1, b: "x" }), 2);
  equal(await c.hset("h", "c", "y"), 1);
  equal(await c.hgetall("h"), { a: "1", b: "x", c: "y" });
  equal(await c.hmget("h", "a", "none"), ["1", null]);
  equal(await c.hincrby("h", "a", 4), 5);
  equal(await c.hincrbyfloat("h", "a", "0.5"), "5.5");
  equal((await c.hkeys("h")).sort(), ["a", "b", "c"]);
  const pairs = await c.hrandfield("h", 3, "WITHVALUES");
  equal((mapping === "resp3" ? pairs.flat() : pairs).sort(), ["5.5", "a", "b", "c", "x", "y"]);
  equal(await c.hdel("h", "a", "b", "c"), 3);
  equal(await c.exists("h"), 0);
};

checks["expiry of hash fields"] = async (c) => {
  await c.hset("h", { a: 1, b: 2 });
  equal(await c.hexpire("h", 1000, "FIELDS", 2, "a", "none"), [1, -2]);
  const [ttl, none] = await c.httl("h", "FIELDS", 2, "a", "b");
  assert(ttl > 900 && none === -1);
  equal(await c.hpersist("h", "FIELDS", 1, "a"), [1]);
  equal(await c.hpexpire("h", 10, "FIELDS", 1, "a"), [1]);
  await eventually(async () => (await c.hlen("h")) === 1, "the field expires");
  equal(await c.hgetall("h"), { b: "2" });
  equal(await c.call("HSETEX", "h", "EX", 1000, "FIELDS", 1, "b", "3"), 1);
  equal(await c.call("HGETEX", "h", "PERSIST", "FIELDS", 1, "b"), ["3"]);
  equal(await c.call("HGETDEL", "h", "FIELDS", 1, "b"), ["3"]);
};

checks["sets"] = async (c) => {
  equal(await c.sadd("x", "a", "b", "c"), 3);
  equal(await c.sadd("y", ["b", "c", "d"]), 3);
  equal((await c.smembers("x")).sort(), ["a", "b", "c"]);
  equal(await c.smismember("x", "a", "d"), [1, 0]);
  equal((await c.sinter("x", "y")).sort(), ["b", "c"]);
  equal((await c.sunion("x", "y")).sort(), ["a", "b", "c", "d"]);
  equal(await c.sdiffstore("to", "x", "y"), 1);
  equal(await c.sintercard(2, "x", "y", "LIMIT", 1), 1);
  equal(await c.smove("x", "y", "a"), 1);
  equal((await c.spop("y", 10)).sort(), ["a", "b", "c", "d"]);
  assert(["b", "c"].includes(await c.srandmember("x")));
};

checks["sorted sets"] = async (c) => {
  equal(await c.zadd("z", 1, "a", 2.5, "b", "-inf", "c"), 3);
  equal(await c.zscore("z", "b"), double("2.5"));
  equal(await c.zscore("z", "c"), by("-inf", -Infinity));
  equal(await c.zincrby("z", 2, "a"), double("3"));
  equal(await c.zadd("z", "INCR", 1, "a"), double("4"));
  equal(await c.zmscore("z", "a", "none"), [double("4"), null]);
  equal(await c.zrange("z", 0, -1), ["c", "b", "a"]);
  const scored = by(["b", "2.5", "a", "4"], [["b", 2.5], ["a", 4]]);
  equal(await c.zrange("z", 1, -1, "WITHSCORES"), scored);
  equal(await c.zrangebyscore("z", "(0", "+inf", "WITHSCORES"), scored);
  equal(await c.zrange("z", "+inf", "(0", "BYSCORE", "REV", "LIMIT", 0, 1), ["a"]);
  equal(await c.zrank("z", "a", "WITHSCORE"), [2, double("4")]);
  equal(await c.zadd("w", 10, "a"), 1);
  equal(await c.zinter(2, "z", "w", "WITHSCORES"), by(["a", "14"], [["a", 14]]));
  equal(await c.zunionstore("to", 2, "z", "w", "WEIGHTS", 1, 2, "AGGREGATE", "MAX"), 3);
  equal(await c.zpopmax("to"), by(["a", "20"], ["a", 20]));
  equal(await c.zmpop(1, "to", "MIN", "COUNT", 2), ["to", [["c", by("-inf", -Infinity)], ["b", double("2.5")]]]);
  equal(await c.zlexcount("z", "-", "+"), 3);
  equal(await c.zremrangebyrank("z", 0, -1), 3);
};

checks["blocking sorted sets"] = async (c) => {
  equal(await c.bzpopmin("none", 0.01), null);
  const add = () => c.zadd("z", 1, "a", 2.5, "b");
  equal(await whileBlocked(c, (d) => d.bzpopmin("none", "z", 0), add), ["z", "a", double("1")]);
  equal(await c.bzpopmax("z", 1), ["z", "b", double("2.5")]);
  const popped = await whileBlocked(c, (d) => d.bzmpop(0, 2, "none", "z", "MAX", "COUNT", 5), add);
  equal(popped, ["z", [["b", double("2.5")], ["a", double("1")]]]);
};

// What XREAD and XREADGROUP say of one stream.
const read = (name, entries) => by([[name, entries]], { [name]: entries });

checks["streams"] = async (c) => {
  equal(await c.xadd("s", "1-1", "a", "1"), "1-1");
  equal(await c.xadd("s", "MAXLEN", "~", 1000, "1-*", "a", "2", "b", "x"), "1-2");
  const entries = [["1-1", ["a", "1"]], ["1-2", ["a", "2", "b", "x"]]];
  equal(await c.xrange("s", "-", "+"), entries);
  equal(await c.xrevrange("s", "+", "-", "COUNT", 1), [entries[1]]);
  equal(await c.xread("COUNT", 5, "STREAMS", "s", "none", "1-1", "0"), read("s", [entries[1]]));
  equal(await c.xread("STREAMS", "s", "$"), null);
  equal(await c.xlen("s"), 2);
  equal(await c.xtrim("s", "MAXLEN", "=", 1), 1);
  equal(await c.xdel("s", "1-2"), 1);
  await refused(c.xadd("s", "1-1", "a", "1"), "equal or smaller");
};

checks["stream groups"] = async (c) => {
  equal(await c.xgroup("CREATE", "s", "g", "$", "MKSTREAM"), "OK");
  await refused(c.xgroup("CREATE", "s", "g", "$"), "BUSYGROUP");
  await c.pipeline().xadd("s", "1-1", "n", 1).xadd("s", "2-1", "n", 2).exec();
  const first = [["1-1", ["n", "1"]]];
  equal(await c.xreadgroup("GROUP", "g", "alice", "COUNT", 1, "STREAMS", "s", ">"), read("s", first));
  equal(await c.xreadgroup("GROUP", "g", "alice", "STREAMS", "s", "0"), read("s", first));
  equal(await c.xpending("s", "g"), [1, "1-1", "1-1", [["alice", "1"]]]);
  const [[id, consumer, idle, times]] = await c.xpending("s", "g", "-", "+", 10);
  equal([id, consumer, times], ["1-1", "alice", 2]);
  assert(idle >= 0);
  equal(await c.xautoclaim("s", "g", "bob", 0, "0", "JUSTID"), ["0-0", ["1-1"], []]);
  equal(await c.xack("s", "g", "1-1"), 1);
  const about = await c.xinfo("GROUPS", "s");
  const wanted = { name: "g", consumers: 2, pending: 0, "last-delivered-id": "1-1", "entries-read": 1, lag: 1 };
  equal(about, [by(Object.entries(wanted).flat(), wanted)]);
  equal(await c.xgroup("DESTROY", "s", "g"), 1);
};

checks["blocking stream reads"] = async (c) => {
  equal(await c.xread("BLOCK", 5, "STREAMS", "s", "$"), null);
  const add = (id) => () => c.xadd("s", id, "n", 1);
  const entry = (id) => read("s", [[id, ["n", "1"]]]);
  equal(await whileBlocked(c, (d) => d.xread("BLOCK", 0, "STREAMS", "s", "$"), add("1-1")), entry("1-1"));
  await c.xgroup("CREATE", "s", "g", "$");
  const block = (d) => d.xreadgroup("GROUP", "g", "alice", "BLOCK", 0, "STREAMS", "s", ">");
  equal(await whileBlocked(c, block, add("2-1")), entry("2-1"));
};

checks["bitmaps and HyperLogLog"] = async (c) => {
  equal(await c.setbit("b", 7, 1), 0);
  equal(await c.getbit("b", 7), 1);
  equal(await c.bitcount("b", 0, 7, "BIT"), 1);
  equal(await c.bitpos("b", 1), 7);
  await c.set("d", Buffer.from([255]));
  equal(await c.bitop("XOR", "to", "b", "d"), 1);
  equal(await c.getBuffer("to"), Buffer.from([254]));
  equal(await c.bitfield("f", "SET", "u8", 0, 200, "OVERFLOW", "SAT", "INCRBY", "u8", 0, 100), [0, 255]);
  equal(await c.pfadd("h", range(1000, (n) => `element:${n}`)), 1);
  equal(await c.pfadd("i", "a", "element:1"), 1);
  const [alone, both] = [await c.pfcount("h"), await c.pfcount("h", "i")];
  assert(alone > 970 && alone < 1030 && both >= alone, `${alone}, ${both}`);
  equal(await c.pfmerge("merged", "h", "i"), "OK");
  equal(await c.pfcount("merged"), both);
};

checks["geo"] = async (c) => {
  equal(await c.geoadd("g", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"), 2);
  equal(await c.geodist("g", "Palermo", "Catania", "km"), "166.2742");
  equal(await c.geohash("g", "Palermo", "none"), ["sqc8b49rny0", null]);
  const place = by(["13.36138933897018433", "38.11555639549629859"], [13.361389338970184, 38.1155563954963]);
  equal(await c.geopos("g", "Palermo"), [place]);
  const center = ["FROMLONLAT", 15, 37];
  equal(await c.geosearch("g", ...center, "BYRADIUS", 200, "km", "ASC"), ["Catania", "Palermo"]);
  equal(await c.geosearch("g", ...center, "BYBOX", 200, 200, "km", "WITHDIST"), [["Catania", "56.4413"]]);
  equal(await c.geosearchstore("to", "g", ...center, "BYRADIUS", 200, "km"), 2);
};

checks["sort, dump and restore"] = async (c) => {
  await c.rpush("l", 3, 1, 2);
  await c.mset("{l}w1", 3, "{l}w2", 1, "{l}w3", 2);
  equal(await c.sort("l", "DESC", "LIMIT", 0, 2), ["3", "2"]);
  equal(await c.sort("l", "BY", "{l}w*", "GET", "#", "GET", "{l}w*"), ["2", "1", "3", "2", "1", "3"]);
  equal(await c.sort("l", "STORE", "sorted"), 3);
  await c.hset("h", { f: "v" });
  await c.zadd("z", 1, "a");
  for (const [name, content] of Object.entries({
    sorted: () => c.lrange("copy", 0, -1).then((list) => equal(list, ["1", "2", "3"])),
    h: () => c.hgetall("copy").then((hash) => equal(hash, { f: "v" })),
    z: () => c.zscore("copy", "a").then((score) => equal(score, double("1"))),
  })) {
    equal(await c.restore("copy", 0, await c.dumpBuffer(name), "REPLACE"), "OK");
    await content();
  }
};

checks["scan streams"] = async (c) => {
  const names = range(2000, (n) => `name:${n}`);
  await c.pipeline().sadd("s", names).hset("h", Object.fromEntries(names.map((name) => [name, "v"])))
    .zadd("z", names.flatMap((name, n) => [n, name])).exec();
  const pipeline = c.pipeline();
  for (const name of names) pipeline.set(name, "v");
  await pipeline.exec();
  const sorted = [...names].sort();
  const unique = (seen) => [...new Set(seen)].sort();
  equal(unique(await all(c.scanStream({ match: "name:*", count: 100 }))), sorted);
  equal(unique(await all(c.scanStream({ type: "zset" }))), ["z"]);
  equal(unique(await all(c.sscanStream("s", { count: 100 }))), sorted);
  equal(unique(await all(c.sscanStream("s", { match: "*99" }))), sorted.filter((name) => name.endsWith("99")));
  equal(unique((await all(c.hscanStream("h"))).filter((part) => part !== "v")), sorted);
  equal(unique((await all(c.zscanStream("z"))).filter((part) => String(part).startsWith("name"))), sorted);
};

checks["refusals"] = async (c) => {
  await c.set("s", "x");
  for (const call of [() => c.lpush("s", 1), () => c.hset("s", "f", 1), () => c.sadd("s", 1), () => c.zadd("s", 1, "a"),
    () => c.xadd("s", "*", "f", "v"), () => c.blpop("s", 1), () => c.geoadd("s", 1, 1, "a")]) {
    await refused(call(), "WRONGTYPE");
  }
  await refused(c.call("NOSUCHCOMMAND"), "unknown command");
  equal(await c.get("s"), "x");
};

if (port === "--list") {
  for (const name of Object.keys(checks)) console.log(name);
} else {
  for (const [name, check] of Object.entries(checks)) {
    const begin = performance.now();
    const client = new Redis(options);
    client.on("error", () => {});
    let error = null;
    try {
      await client.flushall();
      await check(client);
    } catch (raised) {
      error = String(raised.stack ?? raised);
    }
    client.disconnect();
    console.log(JSON.stringify({ name, error, ms: performance.now() - begin }));
  }
}
