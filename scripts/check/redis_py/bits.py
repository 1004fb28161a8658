"""Bitmaps and HyperLogLog: strings of bits."""

from ..holding import equal, expect, refused


def check_bits(on):
    c = on.client
    equal(c.setbit("b", 7, 1), 0, "setbit")
    equal(c.setbit("b", 7, 1), 1, "setbit again")
    equal(c.setbit("b", 100, 1), 0, "setbit far on")
    equal(c.strlen("b"), 13, "strlen")
    equal(c.getbit("b", 7), 1, "getbit")
    equal(c.getbit("b", 10_000), 0, "getbit beyond the end")
    c.set("b", b"\xff\xf0\x00")
    equal(c.bitcount("b"), 12, "bitcount")
    equal(c.bitcount("b", 1, 1), 4, "bitcount of a byte")
    equal(c.bitcount("b", 5, 30, "BIT"), 7, "bitcount of bits")
    equal(c.bitcount("none"), 0, "bitcount of no key")
    equal(c.bitpos("b", 0), 12, "bitpos")
    equal(c.bitpos("b", 1, 2), -1, "bitpos that is not there")
    equal(c.bitpos("b", 1, 8, 15, "BIT"), 8, "bitpos of bits")
    refused(lambda: c.setbit("b", 2**32, 1), "bit offset is not an integer", "a bit beyond 512 MB")
    refused(lambda: c.execute_command("SETBIT", "b", 1, 2), "bit is not an integer", "a bit that is 2")


def check_operations(on):
    c = on.client
    c.set("x", b"\xff\x0f")
    c.set("y", b"\x0f\xff\x01")
    for name, wanted in {"AND": b"\x0f\x0f\x00", "OR": b"\xff\xff\x01", "XOR": b"\xf0\xf0\x01"}.items():
        equal(c.bitop(name, "to", "x", "y"), 3, f"bitop {name}")
        equal(c.get("to"), wanted, f"what {name} stored")
    equal(c.bitop("NOT", "to", "x"), 2, "bitop NOT")
    equal(c.get("to"), b"\x00\xf0", "what NOT stored")
    equal(c.bitop("AND", "to", "none"), 0, "bitop of nothing")
    equal(c.exists("to"), 0, "nothing stored")
    if not on.is_valkey:
        for name, wanted in {
            "DIFF": b"\xf0\x00\x00",
            "DIFF1": b"\x00\xf0\x01",
            "ANDOR": b"\x0f\x0f\x00",
            "ONE": b"\xf0\xf0\x01",
        }.items():
            equal(c.bitop(name, "to", "x", "y"), 3, f"bitop {name}")
            equal(c.get("to"), wanted, f"what {name} stored")


def check_fields(on):
    c = on.client
    field = c.bitfield("f")
    equal(field.set("u8", 0, 200).incrby("u8", 0, 100, "SAT").get("u8", 0).execute(), [0, 255, 255], "saturating")
    equal(c.bitfield("f").incrby("u8", 0, 1, "FAIL").execute(), [None], "failing")
    equal(c.bitfield("f").incrby("u8", 0, 1, "WRAP").execute(), [0], "wrapping")
    equal(c.bitfield("f").set("i16", "#2", -5).get("i16", "#2").execute(), [0, -5], "by number of field")
    equal(c.bitfield_ro("f", "i16", "#2"), [-5], "bitfield_ro")
    refused(lambda: c.bitfield("f").get("u64", 0).execute(), "Invalid bitfield type", "a type that is too wide")


def check_hyperloglog(on):
    c = on.client
    equal(c.pfadd("h", "a", "b", "c"), 1, "pfadd")
    equal(c.pfadd("h", "a"), 0, "pfadd of what was there")
    equal(c.pfcount("h"), 3, "pfcount")
    equal(c.pfcount("none"), 0, "pfcount of no key")
    # Same registers and estimator as Redis: the same estimates for the same elements.
    c.pfadd("many", *(f"element:{n}" for n in range(10_000)))
    equal(c.pfcount("many"), MANY, "pfcount of ten thousand")
    expect(c.get("many").startswith(b"HYLL"), "the value is a string with a header")
    equal(c.pfmerge("to", "h", "many"), True, "pfmerge")
    equal(c.pfcount("h", "many"), MANY_AND_THREE, "pfcount of a union")
    equal(c.pfcount("to"), MANY_AND_THREE, "pfcount of what was merged")
    copy = c.get("many")
    c.set("copy", copy)
    equal(c.pfcount("copy"), MANY, "pfcount of a copy of its bytes")
    c.set("s", "x")
    refused(lambda: c.pfcount("s"), "not a valid HyperLogLog", "pfcount of a string")


# What Valkey and Redis say of these elements.
MANY = 10017
MANY_AND_THREE = 10019
