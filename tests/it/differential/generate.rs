//! The seeded source of everything random: keys from a small pool, so that commands meet; values
//! and numbers of the kinds that break parsers; times that never fall due while the test runs; and
//! mistakes.

use std::collections::HashSet;

use super::family::{Args, Recipe, Step};

/// Keys that everything collides on: plain, with hash tags, empty, binary, long.
const KEYS: &[&[u8]] = &[
    b"k1",
    b"k2",
    b"k3",
    b"k4",
    b"key:5",
    b"key:6",
    b"{a}1",
    b"{a}2",
    b"x{a}3",
    b"{b}1",
    b"{b}2",
    b"{}c",
    b"{d",
    b"d}{e}{f}",
    b"",
    b"\x00\xff\r\n$5\r\n",
    b"caf\xc3\xa9 \xe2\x98\x95",
    b"a-key-that-is-rather-long:0123456789012345678901234567890123456789012345678901234567890123456\
      78901234567890123456789012345678901234567890123456789012345678901234567890123456789",
];

/// Texts that are, or only look like, numbers.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "10",
    "100",
    "-7",
    "42",
    "12345678901",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "-9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "99999999999999999999999",
    "+1",
    "01",
    "-0",
    " 1",
    "1 ",
    "1.0",
    "0x10",
    "1e3",
    "",
    "-",
    "abc",
    "4294967296",
    "2147483648",
    "-2147483649",
];

/// Texts that are, or only look like, floating-point numbers.
const FLOATS: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.1",
    "0.2",
    "1.5",
    "-2.25",
    "3.0",
    "1e2",
    "5.0e3",
    "-5e-1",
    "1e-5",
    "10.50",
    "100000000000000000",
    "1e17",
    "1e308",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "nan",
    "0x1p3",
    "1e400",
    "-1e400",
    " 1",
    "1 ",
    "abc",
    "",
    ".5",
    "5.",
    "1.23456789",
    "3.00000000000000001",
    "9007199254740993",
    "-0",
    "1e",
    "--1",
];

/// What a mistake puts in the place of an argument. No positive number below a minute in
/// milliseconds: it could become an expiry that falls due while the test runs.
const WRONG: &[&str] = &[
    "",
    "abc",
    "-1",
    "0",
    "1.5",
    "nan",
    "-9223372036854775808",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    "NX",
    "XX",
    "GET",
    "EX",
    "PX",
    "KEEPTTL",
    "1e3",
    " 100000",
    "\u{0}",
    "*",
    "COUNT",
    "MATCH",
];

/// Absolute expiries in seconds, from a small pool so that equal ones meet (GT and LT): the
/// last is beyond the year 2100, as all are, and a few are the past.
const FUTURES: &[i64] = &[4_200_000_000, 4_200_000_001, 4_300_000_000, 5_000_000_000];
const PASTS: &[i64] = &[1, 1000, 1_600_000_000, 0, -1, -1_600_000_000];

/// The random source of one run.
#[derive(Debug)]
pub struct Gen {
    rng: fastrand::Rng,
    given_ttls: HashSet<i64>,
}

impl Gen {
    /// The source that this seed stands for.
    pub fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed), given_ttls: HashSet::new() }
    }

    /// True in `percent` of all cases.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    /// A number from `low` up to, without, `high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        self.rng.i64(low..high)
    }

    /// A count from `low` up to and with `high`.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        self.rng.usize(low..=high)
    }

    /// One of these.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.rng.usize(0..from.len())]
    }

    /// One of these numbers.
    pub fn pick_number(&mut self, from: &[i64]) -> i64 {
        from[self.rng.usize(0..from.len())]
    }

    /// A step by one of the recipes, by their weights.
    pub fn recipe(&mut self, recipes: &[Recipe]) -> Step {
        let total: u32 = recipes.iter().map(|(weight, _)| weight).sum();
        let mut at = self.rng.u32(0..total);
        for (weight, make) in recipes {
            if at < *weight {
                return make(self);
            }
            at -= weight;
        }
        unreachable!("the weights add up to the total")
    }

    /// An index by weights.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut at = self.rng.u32(0..weights.iter().sum());
        for (i, weight) in weights.iter().enumerate() {
            if at < *weight {
                return i;
            }
            at -= weight;
        }
        unreachable!("the weights add up to the total")
    }

    /// A key; the first of the pool more often.
    pub fn key(&mut self) -> Vec<u8> {
        if self.chance(50) {
            return self.pick(&KEYS[..6]).to_vec();
        }
        if self.chance(10) {
            // A few hundred further keys, so that tables and iterations have something to hold.
            return format!("many:{}", self.rng.u32(0..300)).into_bytes();
        }
        self.pick(KEYS).to_vec()
    }

    /// Several keys, repetitions included.
    pub fn keys(&mut self, low: usize, high: usize) -> Vec<Vec<u8>> {
        (0..self.count(low, high)).map(|_| self.key()).collect()
    }

    /// A value: numbers, texts, bytes, empty, now and then long.
    pub fn value(&mut self) -> Vec<u8> {
        match self.rng.u32(0..100) {
            0..25 => self.number().into_bytes(),
            25..35 => self.float().into_bytes(),
            35..60 => format!("v{}", self.rng.u32(0..50)).into_bytes(),
            60..65 => Vec::new(),
            65..75 => {
                let len = self.rng.usize(1..40);
                (0..len).map(|_| self.rng.u8(..)).collect()
            }
            75..95 => {
                // Few letters, so that LCS finds something.
                let len = self.rng.usize(1..30);
                (0..len).map(|_| b'a' + self.rng.u8(0..4)).collect()
            }
            _ => {
                let len = self.rng.usize(200..700);
                vec![b'a' + self.rng.u8(0..26); len]
            }
        }
    }

    /// A text that is or looks like an integer.
    pub fn number(&mut self) -> String {
        match self.rng.u32(0..10) {
            0..4 => self.range(-100, 100).to_string(),
            4..6 => self.rng.i64(..).to_string(),
            _ => self.pick(NUMBERS).to_owned(),
        }
    }

    /// A text that is or looks like a floating-point number.
    pub fn float(&mut self) -> String {
        match self.rng.u32(0..10) {
            0..3 => format!("{}.{}", self.range(-1000, 1000), self.rng.u32(0..1000)),
            3..4 => self.number(),
            _ => self.pick(FLOATS).to_owned(),
        }
    }

    /// An index into a string: near both ends, far out, or wrong.
    pub fn index(&mut self) -> String {
        match self.rng.u32(0..20) {
            0..16 => self.range(-40, 40).to_string(),
            16..18 => self.range(-1000, 1000).to_string(),
            _ => self.pick(NUMBERS).to_owned(),
        }
    }

    /// A database: mostly one of the first four, where the keys are.
    pub fn database(&mut self) -> String {
        match self.rng.u32(0..20) {
            0..16 => self.rng.u32(0..4).to_string(),
            16..19 => self.rng.u32(0..18).to_string(),
            _ => self.pick(&["-1", "16", "abc", "", "99999999999999999999", "1.5"]).to_owned(),
        }
    }

    /// Seconds to live that were never given before, between hours and years. Were two equal, a
    /// comparison (GT, LT) of expiries given at different times would hang on milliseconds.
    pub fn ttl_s(&mut self) -> i64 {
        loop {
            let ttl = self.range(10_000, 10_000_000) * 10;
            if self.given_ttls.insert(ttl) {
                return ttl;
            }
        }
    }

    /// Seconds to live as an argument: valid, past, out of range or no number.
    pub fn ttl_arg_s(&mut self) -> String {
        match self.rng.u32(0..20) {
            0..15 => self.ttl_s().to_string(),
            15..17 => self.pick(&["0", "-1", "-1000"]).to_owned(),
            17..18 => self.pick(EXTREME_SECONDS).to_owned(),
            _ => self.pick(WRONG_TIMES).to_owned(),
        }
    }

    /// The same in milliseconds.
    pub fn ttl_arg_ms(&mut self) -> String {
        match self.rng.u32(0..20) {
            0..15 => (self.ttl_s() * 1000 + self.range(0, 1000)).to_string(),
            15..17 => self.pick(&["0", "-1", "-1000"]).to_owned(),
            _ => self.pick(WRONG_TIMES).to_owned(),
        }
    }

    /// A point in time in seconds: the future, the past, or wrong.
    pub fn at_arg_s(&mut self) -> String {
        match self.rng.u32(0..20) {
            0..14 => self.pick_number(FUTURES).to_string(),
            14..17 => self.pick_number(PASTS).to_string(),
            17..18 => self.pick(EXTREME_SECONDS).to_owned(),
            _ => self.pick(WRONG_TIMES).to_owned(),
        }
    }

    /// The same in milliseconds.
    pub fn at_arg_ms(&mut self) -> String {
        match self.rng.u32(0..20) {
            0..14 => (self.pick_number(FUTURES) * 1000).to_string(),
            14..17 => (self.pick_number(PASTS) * 1000).to_string(),
            _ => self.pick(WRONG_TIMES).to_owned(),
        }
    }

    /// An option that sets the expiry in one of its four forms.
    pub fn expiry_option(&mut self) -> Args {
        let (name, value) = match self.rng.u32(0..4) {
            0 => ("EX", self.ttl_arg_s()),
            1 => ("PX", self.ttl_arg_ms()),
            2 => ("EXAT", self.at_arg_s()),
            _ => ("PXAT", self.at_arg_ms()),
        };
        vec![self.word(name), value.into_bytes()]
    }

    /// The same without a point in time that is past: some commands leave such a key for the
    /// background to remove, and what then counts it hangs on the moment.
    pub fn expiry_option_ahead(&mut self) -> Args {
        match self.rng.u32(0..4) {
            0 => vec![self.word("EXAT"), self.pick_number(FUTURES).to_string().into_bytes()],
            1 => {
                let at = self.pick_number(FUTURES) * 1000;
                vec![self.word("PXAT"), at.to_string().into_bytes()]
            }
            2 => vec![self.word("EX"), self.ttl_arg_s().into_bytes()],
            _ => vec![self.word("PX"), self.ttl_arg_ms().into_bytes()],
        }
    }

    /// A glob pattern over the keys of the pool.
    pub fn pattern(&mut self) -> Vec<u8> {
        const PATTERNS: &[&[u8]] = &[
            b"*",
            b"k*",
            b"k?",
            b"k[1-2]",
            b"k[^1]",
            b"k[12]",
            b"{a}*",
            b"*a*",
            b"*:*",
            b"many:*",
            b"many:1*",
            b"key:5",
            b"",
            b"[",
            b"k[",
            b"k[1",
            b"k[]1]",
            b"k[4-1]",
            b"\\k1",
            b"k\\",
            b"*\\*",
            b"**1",
            b"?",
            b"nothing*",
            b"\x00*",
            b"*\xff*",
            b"[^a-z]*",
            b"*[0-9]",
            b"K*",
        ];
        self.pick(PATTERNS).to_vec()
    }

    /// An option or command name in any mix of cases.
    pub fn word(&mut self, word: &str) -> Vec<u8> {
        match self.rng.u32(0..10) {
            0 => word.to_ascii_lowercase().into_bytes(),
            1 => {
                let mut bytes = word.as_bytes().to_vec();
                bytes.iter_mut().for_each(|b| {
                    if self.rng.bool() {
                        *b = b.to_ascii_lowercase();
                    }
                });
                bytes
            }
            _ => word.as_bytes().to_vec(),
        }
    }

    /// Puts pieces (an option with its value is one) into a random order, some of them twice.
    pub fn options(&mut self, pieces: &[Args], percent: u32) -> Args {
        let mut chosen: Vec<&Args> = pieces.iter().filter(|_| self.chance(percent)).collect();
        if self.chance(3) && !pieces.is_empty() {
            chosen.push(&pieces[self.rng.usize(0..pieces.len())]);
        }
        self.rng.shuffle(&mut chosen);
        chosen.into_iter().flatten().cloned().collect()
    }

    /// Makes one mistake: an argument too few, too many, twice, or another one in its place.
    pub fn spoil(&mut self, args: &mut Args) {
        let wrong = self.pick(WRONG).as_bytes().to_vec();
        if args.len() < 2 {
            args.push(wrong);
            return;
        }
        let at = self.rng.usize(1..args.len());
        match self.rng.u32(0..6) {
            0 => drop(args.remove(at)),
            1 => args.truncate(at),
            2 => args.push(wrong),
            3 => args.insert(at, wrong),
            4 => args.insert(at, args[at].clone()),
            _ => args[at] = wrong,
        }
    }
}

/// Times that must be refused, in seconds and in milliseconds.
const WRONG_TIMES: &[&str] = &[
    "abc",
    "",
    "1.5",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "99999999999999999999",
    "+100000000000000",
    " 1000000",
    "0x10",
];

/// Seconds whose milliseconds are just in and just out of range (relative ones are all out).
const EXTREME_SECONDS: &[&str] = &["9223372036854775", "9223372036854774", "92233720368547758"];
