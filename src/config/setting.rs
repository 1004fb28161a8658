//! The kinds of directive: how a value is read from text, checked, and printed.
//!
//! A kind knows its field of [`Config`] by two accessor functions and nothing of files or
//! clients. Must hold: what `format` prints, `parse` reads back to the same value; a refused
//! value leaves the configuration untouched. The error texts are those of Valkey's CONFIG SET.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::choice::Choice;
use super::line;
use super::table::Config;

/// Why a value was refused, without the directive's name.
pub type Reason = Cow<'static, str>;

/// How many words a directive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Exactly one.
    One,
    /// Any number; CONFIG SET passes them in one value, parted by single spaces.
    Any,
}

/// One kind of directive, bound to its field.
pub trait Setting: Sync {
    /// How many words `parse` takes.
    fn words(&self) -> Words {
        Words::One
    }

    /// Reads the words (exactly one for [`Words::One`]) into the configuration.
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason>;

    /// The value as CONFIG GET prints it.
    fn format(&self, config: &Config) -> Vec<u8>;

    /// The lines, without the directive's name, that a configuration file needs to say this
    /// value. A directive that is said part by part leaves out the parts equal to `default`.
    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        vec![self.format(config)]
    }

    /// Whether several lines add up, each saying a part, rather than the last one counting.
    fn is_said_by_part(&self) -> bool {
        false
    }

    /// Whether the value is what the server would choose if told nothing.
    fn is_default(&self, config: &Config, default: &Config) -> bool {
        self.format(config) == self.format(default)
    }
}

/// Access to one field of the configuration.
pub struct Field<T: 'static> {
    /// Reads it.
    pub get: fn(&Config) -> &T,
    /// Changes it.
    pub get_mut: fn(&mut Config) -> &mut T,
}

/// A rule beyond a kind's own, on one value.
type Check<T> = fn(&T) -> Result<(), Reason>;

fn any<T: ?Sized>(_: &T) -> Result<(), Reason> {
    Ok(())
}

/// `yes` or `no`.
pub struct Switch {
    field: Field<bool>,
    check: Check<bool>,
}

/// A directive that is on or off.
pub const fn switch(field: Field<bool>) -> Switch {
    Switch { field, check: any }
}

/// A directive that is on or off, with a rule on what it may be.
pub const fn switch_if(field: Field<bool>, check: Check<bool>) -> Switch {
    Switch { field, check }
}

impl Setting for Switch {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let value = match words[0] {
            word if word.eq_ignore_ascii_case(b"yes") => true,
            word if word.eq_ignore_ascii_case(b"no") => false,
            _ => return Err("argument must be 'yes' or 'no'".into()),
        };
        (self.check)(&value)?;
        *(self.field.get_mut)(config) = value;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        if *(self.field.get)(config) { b"yes".to_vec() } else { b"no".to_vec() }
    }
}

/// An integer type that a directive can have.
pub trait Number: Copy + Sync + 'static {
    /// The value as this type; the directive's range must lie inside the type's.
    fn from_i64(value: i64) -> Option<Self>;
    /// The value as an `i64`.
    fn to_i64(self) -> i64;
}

macro_rules! number {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            fn from_i64(value: i64) -> Option<Self> {
                Self::try_from(value).ok()
            }

            fn to_i64(self) -> i64 {
                i64::try_from(self).unwrap_or(i64::MAX)
            }
        }
    )*};
}
number!(u8, u16, u32, u64, usize, i32, i64);

/// An integer within a range.
pub struct Integer<T: 'static> {
    field: Field<T>,
    range: RangeInclusive<i64>,
    clamp: RangeInclusive<i64>,
}

/// An integer that must lie within `range`.
pub const fn integer<T>(field: Field<T>, range: RangeInclusive<i64>) -> Integer<T> {
    Integer { field, range, clamp: i64::MIN..=i64::MAX }
}

/// An integer that must lie within `range`, and is then moved to the nearest of `clamp`.
pub const fn clamped<T>(
    field: Field<T>,
    range: RangeInclusive<i64>,
    clamp: RangeInclusive<i64>,
) -> Integer<T> {
    Integer { field, range, clamp }
}

impl<T: Number> Setting for Integer<T> {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let value = parse_integer(words[0])
            .ok_or(Reason::Borrowed("argument couldn't be parsed into an integer"))?;
        let out_of_range = || out_of_range(self.range.start(), self.range.end());
        if !self.range.contains(&value) {
            return Err(out_of_range());
        }
        let value = value.clamp(*self.clamp.start(), *self.clamp.end());
        *(self.field.get_mut)(config) = T::from_i64(value).ok_or_else(out_of_range)?;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        (self.field.get)(config).to_i64().to_string().into_bytes()
    }
}

/// The refusal of a number beyond its bounds.
pub fn out_of_range(min: impl std::fmt::Display, max: impl std::fmt::Display) -> Reason {
    format!("argument must be between {min} and {max} inclusive").into()
}

/// A decimal integer in its one canonical spelling: no plus sign, no leading zero, no space.
pub fn parse_integer(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let canonical = match digits {
        [b'0'] => word.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A number of bytes, with an optional unit.
pub struct Memory {
    field: Field<u64>,
    range: RangeInclusive<u64>,
}

/// A number of bytes within `range`.
pub const fn memory(field: Field<u64>, range: RangeInclusive<u64>) -> Memory {
    Memory { field, range }
}

impl Setting for Memory {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let bytes =
            parse_memory(words[0]).ok_or(Reason::Borrowed("argument must be a memory value"))?;
        if !self.range.contains(&bytes) {
            return Err(out_of_range(self.range.start(), self.range.end()));
        }
        *(self.field.get_mut)(config) = bytes;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        (self.field.get)(config).to_string().into_bytes()
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        vec![format_memory(*(self.field.get)(config)).into_bytes()]
    }
}

/// The factor of each unit: the short form counts in thousands, the long one in powers of 1024.
const MEMORY_UNITS: [(&[u8], u64); 8] = [
    (b"", 1),
    (b"b", 1),
    (b"k", 1_000),
    (b"kb", 1 << 10),
    (b"m", 1_000_000),
    (b"mb", 1 << 20),
    (b"g", 1_000_000_000),
    (b"gb", 1 << 30),
];

/// Reads `100`, `1k`, `64mb`, `1GB`… into bytes. No digits at all count as zero, as in Redis; a
/// product beyond 64 bits is refused.
pub fn parse_memory(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = word.split_at(digits);
    let (_, factor) = MEMORY_UNITS.iter().find(|(known, _)| known.eq_ignore_ascii_case(unit))?;
    let mut count: u64 = 0;
    for digit in digits {
        count = count.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    count.checked_mul(*factor)
}

/// Bytes with the largest unit that divides them, as CONFIG REWRITE writes them.
pub fn format_memory(bytes: u64) -> String {
    for (unit, factor) in [("gb", 1u64 << 30), ("mb", 1 << 20), ("kb", 1 << 10)] {
        if bytes != 0 && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    bytes.to_string()
}

/// Permission bits of a file, in octal.
pub struct Octal {
    field: Field<u32>,
}

/// Permission bits from 0 to 777.
pub const fn octal(field: Field<u32>) -> Octal {
    Octal { field }
}

impl Setting for Octal {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let not_octal = Reason::Borrowed("argument couldn't be parsed as an octal number");
        if words[0].is_empty() || !words[0].iter().all(|byte| matches!(byte, b'0'..=b'7')) {
            return Err(not_octal);
        }
        let bits = std::str::from_utf8(words[0]).ok().and_then(|t| u32::from_str_radix(t, 8).ok());
        match bits {
            None => Err(not_octal),
            Some(bits) if bits > 0o777 => Err(out_of_range(0, 777)),
            Some(bits) => {
                *(self.field.get_mut)(config) = bits;
                Ok(())
            }
        }
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        format!("{:o}", (self.field.get)(config)).into_bytes()
    }
}

/// The refusal of a word that is not one of `words`.
pub fn not_one_of(words: &[&str]) -> Reason {
    format!("argument(s) must be one of the following: {}", words.join(", ")).into()
}

/// One of a set of words.
pub struct OneOf<T: 'static> {
    field: Field<T>,
    check: Check<T>,
}

/// A directive that takes one of the words of `T`.
pub const fn one_of<T>(field: Field<T>) -> OneOf<T> {
    OneOf { field, check: any }
}

/// A directive that takes one of the words of `T`, with a rule on which of them.
pub const fn one_of_if<T>(field: Field<T>, check: Check<T>) -> OneOf<T> {
    OneOf { field, check }
}

impl<T: Choice> Setting for OneOf<T> {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let Some(value) = T::from_word(words[0]) else {
            let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
            return Err(not_one_of(&words));
        };
        (self.check)(&value)?;
        *(self.field.get_mut)(config) = value;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        (self.field.get)(config).word().as_bytes().to_vec()
    }
}

/// A field that holds free text; the empty text may mean "none".
pub trait FreeText: Sync + 'static {
    /// The field's value for a text.
    fn from_bytes(bytes: &[u8]) -> Self;
    /// The text for the field's value.
    fn to_bytes(&self) -> Vec<u8>;
}

impl FreeText for Vec<u8> {
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes.to_vec()
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.clone()
    }
}

impl FreeText for PathBuf {
    fn from_bytes(bytes: &[u8]) -> Self {
        PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()))
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.as_os_str().as_bytes().to_vec()
    }
}

impl<T: FreeText> FreeText for Option<T> {
    fn from_bytes(bytes: &[u8]) -> Self {
        (!bytes.is_empty()).then(|| T::from_bytes(bytes))
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.as_ref().map(T::to_bytes).unwrap_or_default()
    }
}

/// Free text.
pub struct Text<T: 'static> {
    field: Field<T>,
    check: Check<[u8]>,
}

/// A directive that takes any text.
pub const fn text<T>(field: Field<T>) -> Text<T> {
    Text { field, check: any }
}

/// A directive that takes text that follows a rule.
pub const fn text_if<T>(field: Field<T>, check: Check<[u8]>) -> Text<T> {
    Text { field, check }
}

impl<T: FreeText> Setting for Text<T> {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        (self.check)(words[0])?;
        *(self.field.get_mut)(config) = T::from_bytes(words[0]);
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        (self.field.get)(config).to_bytes()
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        vec![line::quote(&self.format(config))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_units() {
        for (word, bytes) in [
            ("1k", Some(1000)),
            ("1kb", Some(1024)),
            ("1GB", Some(1 << 30)),
            ("5b", Some(5)),
            ("05", Some(5)),
            ("", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("17179869184gb", None),
            ("1.5gb", None),
            ("-1", None),
            ("+5", None),
            (" 5", None),
            ("5tb", None),
            ("1%", None),
        ] {
            assert_eq!(parse_memory(word.as_bytes()), bytes, "{word:?}");
        }
    }

    #[test]
    fn memory_is_written_short() {
        for (bytes, word) in
            [(0, "0"), (1023, "1023"), (1024, "1kb"), (3 << 20, "3mb"), (1 << 31, "2gb")]
        {
            assert_eq!(format_memory(bytes), word);
            assert_eq!(parse_memory(word.as_bytes()), Some(bytes));
        }
    }

    #[test]
    fn integers_have_one_spelling() {
        for (word, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-0", None),
            ("05", None),
            ("+5", None),
            (" 5", None),
            ("5\n", None),
            ("", None),
            ("-", None),
            ("0x10", None),
        ] {
            assert_eq!(parse_integer(word.as_bytes()), value, "{word:?}");
        }
    }
}
