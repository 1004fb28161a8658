//! Commands on single positions: GEOADD, GEOPOS, GEODIST, GEOHASH; and how positions are read and
//! written.

use crate::command::error::shown_up_to;
use crate::command::zset::add::{AddOptions, add};
use crate::command::zset::score::score_at;
use crate::command::{Args, CommandError, CommandResult, Read, Write, require};
use crate::resp::{Proto, Writer};
use crate::value::geohash::{self, LATITUDES, LONGITUDES, Point};
use crate::value::zset::Zset;

/// The position whose longitude stands at `at`, and its latitude behind.
pub(super) fn point_at(args: Args<'_>, at: usize) -> Result<Point, CommandError> {
    let (longitude, latitude) = (score_at(args, at)?, score_at(args, at + 1)?);
    let inside = |value: f64, [min, max]: [f64; 2]| (min..=max).contains(&value);
    if inside(longitude, LONGITUDES) && inside(latitude, LATITUDES) {
        return Ok(Point { longitude, latitude });
    }
    Err(CommandError::made(format!(
        "ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"
    )))
}

/// Metres of the unit that stands at `at`.
pub(super) fn unit_at(args: Args<'_>, at: usize) -> Result<f64, CommandError> {
    match () {
        () if args.is(at, "M") => Ok(1.0),
        () if args.is(at, "KM") => Ok(1000.0),
        () if args.is(at, "FT") => Ok(0.3048),
        () if args.is(at, "MI") => Ok(1609.34),
        () => Err(CommandError::UNKNOWN_UNIT),
    }
}

/// The position of a member, which must be there.
pub(super) fn member_position(set: &Zset, member: &[u8]) -> Result<Point, CommandError> {
    set.score(member).map(geohash::decode).ok_or_else(|| {
        let shown = shown_up_to(member, member.len());
        CommandError::made([b"ERR member ", shown, b" does not exist"].concat())
    })
}

/// Replies a distance with four decimals, as a bulk string in both protocols.
pub(super) fn reply_distance(distance: f64, out: &mut Writer<'_>) {
    const SCALE: f64 = 10_000.0;
    let scaled = (distance * SCALE).round_ties_even() as i64;
    let sign = if scaled < 0 { "-" } else { "" };
    let scaled = scaled.unsigned_abs();
    let (whole, part) = (scaled / SCALE as u64, scaled % SCALE as u64);
    out.bulk(format!("{sign}{whole}.{part:04}").as_bytes());
}

/// Replies a coordinate with up to 17 decimals: a bulk string, or a double in RESP3.
fn reply_coordinate(value: f64, out: &mut Writer<'_>) {
    let text = format!("{value:.17}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text == "-0" { "0" } else { text };
    match out.proto() {
        Proto::Resp2 => out.bulk(text.as_bytes()),
        Proto::Resp3 => {
            let buf = out.buf();
            for part in [&b","[..], text.as_bytes(), b"\r\n"] {
                buf.push_raw(part);
            }
        }
    }
}

/// Replies a position.
pub(super) fn reply_point(point: Point, out: &mut Writer<'_>) {
    out.array(2);
    reply_coordinate(point.longitude, out);
    reply_coordinate(point.latitude, out);
}

/// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member …]
pub(super) fn geoadd(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut options = AddOptions::default();
    let mut from = 2;
    while from < args.len() {
        match () {
            () if args.is(from, "NX") => options.nx = true,
            () if args.is(from, "XX") => options.xx = true,
            () if args.is(from, "CH") => options.ch = true,
            () => break,
        }
        from += 1;
    }
    let rest = args.len() - from;
    require(rest.is_multiple_of(3) && !(options.nx && options.xx))?;
    let scores: Vec<f64> = (from..args.len())
        .step_by(3)
        .map(|at| point_at(args, at).map(|point| geohash::encode(point) as f64))
        .collect::<Result<_, _>>()?;
    require(!scores.is_empty())?;
    let members = scores.iter().zip((from + 2..).step_by(3)).map(|(score, at)| (*score, &args[at]));
    add(cx, &args.key(1), options, members, args, out)
}

/// GEOPOS key [member …]
pub(super) fn geopos(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let set = cx.read_as::<Zset>(&args.key(1))?;
    out.array(args.len() - 2);
    for at in 2..args.len() {
        match set.and_then(|set| set.score(&args[at])) {
            Some(score) => reply_point(geohash::decode(score), out),
            None => out.null_array(),
        }
    }
    Ok(())
}

/// GEOHASH key [member …]
pub(super) fn geohash(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let set = cx.read_as::<Zset>(&args.key(1))?;
    out.array(args.len() - 2);
    for at in 2..args.len() {
        match set.and_then(|set| set.score(&args[at])) {
            Some(score) => out.bulk(&geohash::text(geohash::decode(score))),
            None => out.null(),
        }
    }
    Ok(())
}

/// GEODIST key member1 member2 [M | KM | FT | MI]
pub(super) fn geodist(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    require(args.len() <= 5)?;
    let unit = if args.len() == 5 { unit_at(args, 4)? } else { 1.0 };
    let set = cx.read_as::<Zset>(&args.key(1))?;
    let place = |at: usize| set.and_then(|set| set.score(&args[at])).map(geohash::decode);
    match place(2).zip(place(3)) {
        Some((from, to)) => reply_distance(geohash::distance(from, to) / unit, out),
        None => out.null(),
    }
    Ok(())
}
