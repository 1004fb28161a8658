//! Bitmap commands: strings as arrays of bits.
//!
//! `bit` reads, sets, counts and finds bits, `field` works on integers of any width, `operate`
//! combines strings. The bits themselves are the business of [`crate::value::bits`]. Here stand
//! what the files share, and the table.

mod bit;
mod field;
mod operate;

use super::spec::{Arg, ArgKind, Categories, Command, Group, KeySpec};
use super::{CommandError, Read, parse_integer};

/// The offset of a bit, from 0; with `#` before it, of a field of `width` bits where there is one.
/// It must lie in a string of `proto-max-bulk-len` bytes.
fn bit_offset(cx: &Read<'_>, text: &[u8], width: Option<u32>) -> Result<u64, CommandError> {
    const WRONG: CommandError =
        CommandError::fixed("ERR bit offset is not an integer or out of range");
    let (text, unit) = match (text, width) {
        ([b'#', text @ ..], Some(width)) => (text, i64::from(width)),
        _ => (text, 1),
    };
    let offset = parse_integer(text).and_then(|number| number.checked_mul(unit)).ok_or(WRONG)?;
    let offset = u64::try_from(offset).map_err(|_| WRONG)?;
    if offset >> 3 >= cx.config().proto_max_bulk_len { Err(WRONG) } else { Ok(offset) }
}

const KEY: Arg = Arg::new("key", ArgKind::Key(0));
const OFFSET: Arg = Arg::new("offset", ArgKind::Integer);
const ENCODING: Arg = Arg::new("encoding", ArgKind::String);
const UNIT: Arg = Arg::one_of("unit", &[Arg::token("byte", "BYTE"), Arg::token("bit", "BIT")])
    .since("7.0.0")
    .optional();
const RANGE: Arg = Arg::block(
    "range",
    &[
        Arg::new("start", ArgKind::Integer),
        Arg::block("end-unit-block", &[Arg::new("end", ArgKind::Integer), UNIT]).optional(),
    ],
)
.optional();
const OPERATION: Arg = Arg::one_of(
    "operation",
    &[
        Arg::token("and", "AND"),
        Arg::token("or", "OR"),
        Arg::token("xor", "XOR"),
        Arg::token("not", "NOT"),
        Arg::token("diff", "DIFF"),
        Arg::token("diff1", "DIFF1"),
        Arg::token("andor", "ANDOR"),
        Arg::token("one", "ONE"),
    ],
);
const GET: Arg = Arg::block("get-block", &[ENCODING, OFFSET]).with_token("GET");
const OVERFLOW: Arg = Arg::one_of(
    "overflow-block",
    &[Arg::token("wrap", "WRAP"), Arg::token("sat", "SAT"), Arg::token("fail", "FAIL")],
)
.with_token("OVERFLOW")
.optional();
const SET: Arg = Arg::block("set-block", &[ENCODING, OFFSET, Arg::new("value", ArgKind::Integer)])
    .with_token("SET");
const INCRBY: Arg =
    Arg::block("incrby-block", &[ENCODING, OFFSET, Arg::new("increment", ArgKind::Integer)])
        .with_token("INCRBY");
const FIELD_WRITE: Arg =
    Arg::block("write", &[OVERFLOW, Arg::one_of("write-operation", &[SET, INCRBY])]);

const READ_KEY: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const FIELD_NOTES: &str = "Read only where all operations are";

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("setbit", 4, bit::setbit)
        .keys(const { &[KeySpec::one(1, "RW access update")] })
        .denyoom()
        .categories(Categories::BITMAP)
        .args(const { &[KEY, OFFSET, Arg::new("value", ArgKind::Integer)] })
        .docs(
            Group::Bitmap,
            "2.2.0",
            "Sets one bit of a string, which grows with zeros if it is too short.",
            "O(1), if the string need not grow",
        ),
    Command::read("getbit", 3, bit::getbit)
        .keys(READ_KEY)
        .fast()
        .categories(Categories::BITMAP)
        .args(const { &[KEY, OFFSET] })
        .docs(Group::Bitmap, "2.2.0", "Gives one bit of a string.", "O(1)"),
    Command::read("bitcount", -2, bit::bitcount)
        .keys(READ_KEY)
        .categories(Categories::BITMAP)
        .args(const { &[KEY, RANGE] })
        .history(
            const {
                &[
                    ("7.0.0", "New options `BYTE` and `BIT`."),
                    ("8.0.0", "`end` may be left out: the range then goes to the last byte."),
                ]
            },
        )
        .docs(
            Group::Bitmap,
            "2.6.0",
            "Counts the ones in a string or in a part of it.",
            "O(N), where N is the number of bytes looked at",
        ),
    Command::read("bitpos", -3, bit::bitpos)
        .keys(READ_KEY)
        .categories(Categories::BITMAP)
        .args(const { &[KEY, Arg::new("bit", ArgKind::Integer), RANGE] })
        .history(const { &[("7.0.0", "New options `BYTE` and `BIT`.")] })
        .docs(
            Group::Bitmap,
            "2.8.7",
            "Finds the first one or the first zero in a string or in a part of it.",
            "O(N), where N is the number of bytes looked at",
        ),
    Command::write("bitop", -4, operate::bitop)
        .keys(const { &[KeySpec::one(2, "OW update"), KeySpec::range(3, -1, 1, "RO access")] })
        .denyoom()
        .categories(Categories::BITMAP)
        .args(
            const {
                &[
                    OPERATION,
                    Arg::new("destkey", ArgKind::Key(0)),
                    Arg::new("key", ArgKind::Key(1)).multiple(),
                ]
            },
        )
        .docs(
            Group::Bitmap,
            "2.6.0",
            "Combines strings bit by bit and stores the result.",
            "O(N*M), where N is the number of strings and M the length of the longest",
        ),
    Command::write("bitfield", -2, field::bitfield)
        .keys(const { &[KeySpec::one(1, "RW access update variable_flags").notes(FIELD_NOTES)] })
        .denyoom()
        .categories(Categories::BITMAP)
        .args(const { &[KEY, Arg::one_of("operation", &[GET, FIELD_WRITE]).optional().multiple()] })
        .docs(
            Group::Bitmap,
            "3.2.0",
            "Reads and changes integers of any width and place in a string.",
            "O(1) for each operation",
        ),
    Command::read("bitfield_ro", -2, field::bitfield_ro)
        .keys(READ_KEY)
        .fast()
        .categories(Categories::BITMAP)
        .args(const { &[KEY, GET.optional().multiple_token()] })
        .docs(
            Group::Bitmap,
            "6.0.0",
            "Reads integers of any width and place in a string.",
            "O(1) for each operation",
        ),
];

#[cfg(test)]
mod tests;
