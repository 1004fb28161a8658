//! ZRANDMEMBER and ZSCAN.

use super::{head, reply_member, reply_pair};
use crate::command::scan_options::{ScanOptions, Scanned, walk};
use crate::command::{
    Args, CommandError, CommandResult, Read, parse_cursor, parse_integer, require,
};
use crate::resp::{Writer, format_double};
use crate::value::zset::Zset;

/// Above this share of the members it is cheaper to go through all of them than to draw.
const DENSE: usize = 3;

/// ZRANDMEMBER key [count [WITHSCORES]]
pub(super) fn zrandmember(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let mut rng = cx.rng().fork();
    let Some(count) = args.get(2) else {
        match cx.read_as::<Zset>(&args.key(1))? {
            None => out.null(),
            Some(set) => {
                let drawn = set.get(rng.usize(..set.len().max(1)));
                drawn.into_iter().for_each(|(member, _)| reply_member(member, out));
            }
        }
        return Ok(());
    };
    let count = parse_integer(count).ok_or(CommandError::NOT_AN_INTEGER)?;
    if count == i64::MIN {
        return Err(CommandError::COUNT_OUT_OF_RANGE);
    }
    require(args.len() <= 4 && (args.len() == 3 || args.is(3, "WITHSCORES")))?;
    let with_scores = args.len() == 4;
    if with_scores && !(-i64::MAX / 2..=i64::MAX / 2).contains(&count) {
        return Err(CommandError::OUT_OF_RANGE);
    }
    let most_bytes = cx.config().proto_max_bulk_len as usize;
    let Some(set) = cx.read_as::<Zset>(&args.key(1))? else {
        out.array(0);
        return Ok(());
    };
    let number = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count >= 0 {
        let ranks = distinct(number, set.len(), &mut rng);
        head(ranks.len(), with_scores, out);
        for (member, score) in ranks.into_iter().filter_map(|rank| set.get(rank)) {
            reply_pair(member, score, with_scores, out);
        }
        return Ok(());
    }
    head(number, with_scores, out);
    let begin = out.buf().len();
    for _ in 0..number {
        if let Some((member, score)) = set.get(rng.usize(..set.len().max(1))) {
            reply_pair(member, score, with_scores, out);
        }
        if out.buf().len() - begin > most_bytes {
            return Err(CommandError::REPLY_TOO_LONG);
        }
    }
    Ok(())
}

/// Up to `count` different ranks below `len`, each set of them with the same probability.
fn distinct(count: usize, len: usize, rng: &mut fastrand::Rng) -> Vec<usize> {
    if count >= len {
        return (0..len).collect();
    }
    if count * DENSE > len {
        let mut ranks: Vec<usize> = (0..len).collect();
        for at in 0..count {
            ranks.swap(at, rng.usize(at..len));
        }
        ranks.truncate(count);
        return ranks;
    }
    let mut drawn = std::collections::HashSet::with_capacity(count);
    let mut ranks = Vec::with_capacity(count);
    while ranks.len() < count {
        let rank = rng.usize(..len);
        if drawn.insert(rank) {
            ranks.push(rank);
        }
    }
    ranks
}

/// ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]
pub(super) fn zscan(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let cursor = parse_cursor(&args[2])?;
    let Some(set) = cx.read_as::<Zset>(&args.key(1))? else {
        out.array(2);
        out.bulk_int(0);
        out.array(0);
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Scanned::SortedSet)?;
    // The texts of scores differ between the encodings, as they do in Redis.
    let is_packed = set.listpack().is_some();
    let mut found = Vec::new();
    let next = walk(cursor, options.count, |cursor, seen| {
        set.scan(cursor, |member, score| {
            *seen += 1;
            if options.takes(member.as_bytes(&mut itoa::Buffer::new())) {
                found.push((member, score));
            }
        })
    });
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(found.len() * if options.bare { 1 } else { 2 });
    let mut text = Vec::new();
    for (member, score) in found {
        reply_member(member, out);
        if !options.bare {
            text.clear();
            match is_packed {
                true => format_double(score, &mut text),
                false => format_general(score, &mut text),
            }
            out.bulk(&text);
        }
    }
    Ok(())
}

/// Significant digits of [`format_general`].
const DIGITS: i32 = 17;

/// Appends a double with 17 significant digits, without zeros at the end: C's `%.17g`, which Redis
/// uses for the scores of a skiplist here.
fn format_general(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return format_double(value, out);
    }
    let scientific = format!("{value:.*e}", DIGITS as usize - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        let text = if text.contains('.') { text.trim_end_matches('0') } else { text };
        text.trim_end_matches('.').as_bytes().to_vec()
    };
    if (-4..DIGITS).contains(&exponent) {
        let decimals = (DIGITS - 1 - exponent) as usize;
        out.extend(trimmed(&format!("{value:.decimals$}")));
    } else {
        out.extend(trimmed(mantissa));
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        out.extend_from_slice(format!("{:02}", exponent.unsigned_abs()).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seventeen_digits_as_c_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.10000000000000001"),
            (1.5, "1.5"),
            (3.0, "3"),
            (1e17, "1e+17"),
            (12345678901234567.0, "12345678901234568"),
            (1e22, "1e+22"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (281.56447, "281.56446999999997"),
            (-1e300, "-1.0000000000000001e+300"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = Vec::new();
            format_general(value, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn ranks_are_different_and_equally_likely() {
        let mut rng = fastrand::Rng::with_seed(1);
        for (count, len) in [(0, 0), (0, 5), (5, 5), (9, 5), (2, 100), (60, 100)] {
            let mut hits = vec![0; len];
            let rounds = if cfg!(miri) { 4 } else { 2_000 };
            for _ in 0..rounds {
                let mut ranks = distinct(count, len, &mut rng);
                assert_eq!(ranks.len(), count.min(len));
                ranks.iter().for_each(|&rank| hits[rank] += 1);
                ranks.sort_unstable();
                ranks.dedup();
                assert_eq!(ranks.len(), count.min(len));
            }
            let expected = rounds * count.min(len) / len.max(1);
            if rounds == 2_000 {
                let off = |hits: usize| hits.abs_diff(expected) > 30 + expected / 4;
                assert!(!hits.iter().any(|&hits| off(hits)), "{hits:?}");
            }
        }
    }
}
