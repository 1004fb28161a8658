//! LOLWUT: a relay, drawn by chance. Each runner leaves a trail of its own kind, and only the one
//! that holds the baton moves, until it meets a trail and hands over.

use super::connection::REDIS_VERSION;
use super::{Args, CommandError, CommandResult, SessionContext, parse_integer};
use crate::resp::Writer;

const DEFAULT_SIZE: (usize, usize) = (72, 18);
/// Columns and rows at the most.
const MAX_SIZE: i64 = 500;
/// What runners leave behind.
const TRAILS: &[u8] = b".:-=+*#%@";

/// LOLWUT [VERSION version] [columns [rows]]: what other versions would draw takes no arguments
/// here but is not refused any.
pub fn lolwut(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut sizes = 1;
    if args.is(1, "VERSION") {
        if args.len() > 2 {
            args.integer(2)?;
        }
        sizes = 3;
    }
    let size = |at: usize, usual: usize| match args.get(at) {
        None => Ok(usual),
        Some(text) => parse_integer(text)
            .map(|size| size.clamp(1, MAX_SIZE) as usize)
            .ok_or(CommandError::fixed("ERR Syntax error. Use: LOLWUT [columns rows]")),
    };
    let (columns, rows) = (size(sizes, DEFAULT_SIZE.0)?, size(sizes + 1, DEFAULT_SIZE.1)?);
    let mut rng = fastrand::Rng::with_seed(cx.server.clock.unix_us());
    let mut text = draw(columns, rows, &mut rng);
    let version = env!("CARGO_PKG_VERSION");
    text.push_str(&format!("\nBaton ver. {version}, for clients of Redis ver. {REDIS_VERSION}\n"));
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

/// A field of `columns` times `rows` with the trails of a relay.
fn draw(columns: usize, rows: usize, rng: &mut fastrand::Rng) -> String {
    const DIRECTIONS: [(usize, usize); 4] = [(1, 0), (usize::MAX, 0), (0, 1), (0, usize::MAX)];
    let mut field = vec![vec![b' '; columns]; rows];
    let mut runners: Vec<(usize, usize)> =
        TRAILS.iter().map(|_| (rng.usize(..columns), rng.usize(..rows))).collect();
    let (mut holder, mut direction) = (0, 0);
    for _ in 0..columns * rows / 2 {
        let (x, y) = runners[holder];
        field[y][x] = TRAILS[holder];
        if rng.u8(..4) == 0 {
            direction = rng.usize(..4);
        }
        let (dx, dy) = DIRECTIONS[direction];
        // The field's edges meet.
        let next = (x.wrapping_add(dx), y.wrapping_add(dy));
        let next = (
            if next.0 == usize::MAX { columns - 1 } else { next.0 % columns },
            if next.1 == usize::MAX { rows - 1 } else { next.1 % rows },
        );
        runners[holder] = next;
        if !matches!(field[next.1][next.0], b' ') {
            holder = (holder + 1) % TRAILS.len();
        }
    }
    let mut text = String::new();
    for line in field {
        text.push_str(String::from_utf8_lossy(&line).trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn it_fits_its_field() {
        for (columns, rows) in [(1, 1), (1, 9), (9, 1), (72, 18)] {
            let text = draw(columns, rows, &mut fastrand::Rng::with_seed(7));
            assert_eq!(text.lines().count(), rows);
            assert!(text.lines().all(|line| line.len() <= columns));
        }
    }
}
