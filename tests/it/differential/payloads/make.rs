//! Values to be dumped, and payloads in the forms of older servers.
//!
//! A value is a list of ordinary commands and the directives under which they are run, so that
//! every encoding is met: few elements and many, short and long, with small limits and usual ones.

use super::super::family::{Args, args};
use super::super::generate::Gen;
use super::seal;

/// The version that old forms are sealed with: every server takes it.
const OLD_VERSION: u16 = 9;

/// How a value is made at a key.
pub struct Value {
    /// Directives that are set before.
    pub config: Vec<(&'static str, String)>,
    /// The commands.
    pub commands: Vec<Args>,
}

/// The limits at which encodings change, each small or as servers have it.
pub fn limits(g: &mut Gen) -> Vec<(&'static str, String)> {
    let mut limit = |name, choices: &[&str]| (name, g.pick(choices).to_owned());
    vec![
        limit("list-max-listpack-size", &["-2", "-2", "3", "1", "-1"]),
        limit("hash-max-listpack-entries", &["512", "512", "2", "0"]),
        limit("hash-max-listpack-value", &["64", "64", "3"]),
        limit("zset-max-listpack-entries", &["128", "128", "2", "0"]),
        limit("zset-max-listpack-value", &["64", "64", "3"]),
        limit("set-max-intset-entries", &["512", "512", "2"]),
        limit("set-max-listpack-entries", &["128", "128", "2", "0"]),
        limit("set-max-listpack-value", &["64", "64", "3"]),
    ]
}

/// A random value at `key`.
pub fn value(g: &mut Gen, key: &[u8]) -> Value {
    let config = limits(g);
    let commands = match g.weighted(&[3, 3, 3, 3, 4, 4, 1]) {
        0 => string(g, key),
        1 => list(g, key),
        2 => set(g, key),
        3 => zset(g, key),
        4 => hash(g, key),
        5 => stream(g, key),
        _ => hyperloglog(g, key),
    };
    Value { config, commands }
}

/// A short text, an integer, or now and then a long one.
pub fn element(g: &mut Gen) -> Vec<u8> {
    match g.count(0, 9) {
        0..3 => g.range(-200, 200).to_string().into_bytes(),
        3 => g.pick(&["40000", "-8388608", "2147483648", "-9223372036854775808"]).into(),
        4..8 => format!("e{}", g.count(0, 300)).into_bytes(),
        8 => vec![b'a' + g.count(0, 3) as u8; g.count(0, 90)],
        _ => g.value(),
    }
}

fn elements(g: &mut Gen) -> Vec<Vec<u8>> {
    let most = g.pick_number(&[1, 3, 8, 30]) as usize;
    (0..g.count(1, most)).map(|_| element(g)).collect()
}

fn string(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let mut commands = vec![args!["SET", key, g.value()]];
    if g.chance(30) {
        // Long, and compressed in its payload.
        commands.push(args!["SETRANGE", key, g.count(0, 400), element(g)]);
        commands.push(args!["APPEND", key, "abcabcabcabcabcabcabcabcabcabc"]);
    }
    commands
}

fn hyperloglog(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let mut command = args!["PFADD", key];
    command.extend(elements(g));
    let mut commands = vec![command];
    if g.chance(10) {
        commands.push(args!["PFDEBUG", "TODENSE", key]);
    }
    commands
}

fn list(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let mut command = args!["RPUSH", key];
    command.extend(elements(g));
    if g.chance(5) {
        // A node of its own.
        command.push(vec![b'x'; 9_000]);
    }
    vec![command]
}

fn set(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let mut command = args!["SADD", key];
    if g.chance(50) {
        let widest = g.pick_number(&[100, 30_000, 2_000_000_000, i64::MAX]);
        command.extend((0..g.count(1, 12)).map(|_| g.range(-widest, widest).to_string().into()));
    } else {
        command.extend(elements(g));
    }
    vec![command]
}

fn zset(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let mut command = args!["ZADD", key];
    for member in elements(g) {
        let score = match g.count(0, 5) {
            0..3 => g.range(-50, 50).to_string(),
            3 => format!("{}.{}", g.range(-50, 50), g.count(0, 99)),
            4 => g.pick(&["inf", "-inf", "1e300", "-0", "17", "0.1"]).to_owned(),
            _ => "1".to_owned(),
        };
        command.extend([score.into_bytes(), member]);
    }
    vec![command]
}

fn hash(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let mut command = args!["HSET", key];
    let fields = elements(g);
    for field in &fields {
        command.extend([field.clone(), element(g)]);
    }
    let mut commands = vec![command];
    if g.chance(30) {
        let at = 5_000_000_000_000 + g.range(0, 1000);
        commands.push(args!["HPEXPIREAT", key, at, "FIELDS", "1", fields[0].clone()]);
    }
    commands
}

fn stream(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let mut commands = Vec::new();
    let entries = g.count(0, 6);
    for at in 1..=entries {
        let mut command = args!["XADD", key, format!("{at}-{}", g.count(1, 3))];
        let fields = if g.chance(60) { 1 } else { g.count(1, 3) };
        for field in 0..fields {
            command.extend([format!("f{field}").into_bytes(), element(g)]);
        }
        commands.push(command);
    }
    let groups = if entries == 0 { g.count(1, 2) } else { g.count(0, 2) };
    for group in 0..groups {
        let group = format!("g{group}");
        let from = g.pick(&["0", "$", "2-5", "1-1"]);
        commands.push(args!["XGROUP", "CREATE", key, group.clone(), from, "MKSTREAM"]);
        for consumer in 0..g.count(0, 2) {
            let consumer = format!("c{consumer}");
            commands.push(if g.chance(30) {
                args!["XGROUP", "CREATECONSUMER", key, group.clone(), consumer]
            } else {
                let count = g.count(1, 2);
                args![
                    "XREADGROUP",
                    "GROUP",
                    group.clone(),
                    consumer,
                    "COUNT",
                    count,
                    "STREAMS",
                    key,
                    ">"
                ]
            });
        }
    }
    if g.chance(30) {
        commands.push(args!["XDEL", key, "1-1", "2-2", "3-1"]);
    }
    if g.chance(10) {
        commands.push(args!["XTRIM", key, "MAXLEN", "1"]);
    }
    commands
}

/// A payload as servers wrote them long ago: elements one by one, ziplists, a zipmap.
pub fn old(g: &mut Gen) -> Vec<u8> {
    let mut elements = elements(g);
    elements.truncate(20);
    let distinct = {
        let mut sorted = elements.clone();
        sorted.sort();
        sorted.dedup();
        sorted
    };
    // Scores ascend, as they do in a sorted set that is packed.
    let mut score = g.range(-50, 0);
    let mut pairs: Vec<Vec<u8>> = Vec::new();
    for member in &distinct {
        score += g.range(0, 5);
        pairs.extend([member.clone(), score.to_string().into_bytes()]);
    }
    let kind = g.pick_number(&[1, 2, 3, 4, 5, 9, 10, 12, 13, 14]) as u8;
    let mut value = vec![kind];
    match kind {
        1 => counted(&mut value, &elements, elements.len()),
        2 => counted(&mut value, &distinct, distinct.len()),
        // The scores of the third have a length in one byte before them, as short texts have.
        3 | 4 => counted(&mut value, &pairs, distinct.len()),
        5 => {
            value.push(distinct.len() as u8);
            for member in &distinct {
                text(&mut value, member);
                value.extend((g.range(-50, 50) as f64).to_le_bytes());
            }
        }
        9 => text(&mut value, &zipmap(&pairs)),
        10 => text(&mut value, &ziplist(&elements)),
        14 => {
            let nodes: Vec<Vec<u8>> = elements.chunks(3).map(ziplist).collect();
            counted(&mut value, &nodes, nodes.len());
        }
        _ => text(&mut value, &ziplist(&pairs)),
    }
    seal(value, OLD_VERSION)
}

fn counted(out: &mut Vec<u8>, texts: &[Vec<u8>], count: usize) {
    out.push(count as u8);
    texts.iter().for_each(|each| text(out, each));
}

/// A text with its length in the form of RDB files.
fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        len @ 0..64 => out.push(len as u8),
        len @ 64..0x4000 => out.extend([0x40 | (len >> 8) as u8, len as u8]),
        len => {
            out.push(0x80);
            out.extend((len as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

fn ziplist(elements: &[Vec<u8>]) -> Vec<u8> {
    let (mut entries, mut before, mut last) = (Vec::new(), 0, 0);
    for element in elements {
        last = entries.len();
        if before < 254 {
            entries.push(before as u8);
        } else {
            entries.push(254);
            entries.extend((before as u32).to_le_bytes());
        }
        let number = std::str::from_utf8(element).ok().and_then(|t| t.parse::<i64>().ok());
        match number.filter(|n| n.to_string().as_bytes() == element.as_slice()) {
            Some(n @ 0..=12) => entries.push(0xF1 + n as u8),
            Some(n) if i8::try_from(n).is_ok() => entries.extend([0xFE, n as u8]),
            Some(n) => {
                entries.push(0xE0);
                entries.extend(n.to_le_bytes());
            }
            None if element.len() < 64 => {
                entries.push(element.len() as u8);
                entries.extend_from_slice(element);
            }
            None => {
                entries.extend([0x40 | (element.len() >> 8) as u8, element.len() as u8]);
                entries.extend_from_slice(element);
            }
        }
        before = entries.len() - last;
    }
    let mut out = ((entries.len() + 11) as u32).to_le_bytes().to_vec();
    out.extend(((last + 10) as u32).to_le_bytes());
    out.extend((elements.len() as u16).to_le_bytes());
    out.extend(entries);
    out.push(0xFF);
    out
}

fn zipmap(pairs: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![(pairs.len() / 2).min(254) as u8];
    for (at, text) in pairs.iter().enumerate() {
        if text.len() < 254 {
            out.push(text.len() as u8);
        } else {
            out.push(254);
            out.extend((text.len() as u32).to_le_bytes());
        }
        if at % 2 == 1 {
            out.push(0);
        }
        out.extend_from_slice(text);
    }
    out.push(0xFF);
    out
}
