//! The longest common subsequence of two byte strings, by the classic dynamic programme.
//!
//! Of several subsequences of that length it is the one that Redis's LCS finds: walking back from
//! the ends, a common last byte is taken, else a byte of the second string is dropped unless
//! dropping one of the first loses less. Costs (n+1)·(m+1) steps, and as many 4-byte cells where
//! more than the length is asked for.

/// A stretch that both strings have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it begins in the first string.
    pub first: usize,
    /// Where it begins in the second string.
    pub second: usize,
    /// Its bytes.
    pub len: usize,
}

/// There was no memory for the table.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// Bytes that the table of [`runs`] takes for strings of these lengths; `None` beyond all memory.
pub fn table_bytes(first: usize, second: usize) -> Option<u64> {
    let cells = (first as u64 + 1).checked_mul(second as u64 + 1)?;
    cells.checked_mul(size_of::<u32>() as u64)
}

/// The length of the longest common subsequence.
pub fn length(first: &[u8], second: &[u8]) -> usize {
    let mut row = vec![0u32; second.len() + 1];
    for &byte in first {
        next_row(byte, second, &mut row);
    }
    row[second.len()] as usize
}

/// Turns the row for a prefix of the first string into that for the prefix with `byte` behind it.
fn next_row(byte: u8, second: &[u8], row: &mut [u32]) {
    let mut diagonal = 0;
    let mut left = 0;
    for (other, cell) in second.iter().zip(&mut row[1..]) {
        let above = *cell;
        left = if *other == byte { diagonal + 1 } else { above.max(left) };
        *cell = left;
        diagonal = above;
    }
}

/// The longest common subsequence as runs, from the ends of the strings backwards. A run is cut
/// where it reaches the beginning of either string.
///
/// # Errors
///
/// If there is no memory for the table ([`table_bytes`]).
pub fn runs(first: &[u8], second: &[u8]) -> Result<Vec<Run>, OutOfMemory> {
    let width = second.len() + 1;
    let cells = (first.len() + 1).checked_mul(width).ok_or(OutOfMemory)?;
    let mut table: Vec<u32> = Vec::new();
    table.try_reserve_exact(cells).map_err(|_| OutOfMemory)?;
    table.resize(width, 0);
    for (at, &byte) in first.iter().enumerate() {
        table.extend_from_within(at * width..);
        next_row(byte, second, &mut table[(at + 1) * width..]);
    }
    Ok(walk_back(first, second, &table, width))
}

fn walk_back(first: &[u8], second: &[u8], table: &[u32], width: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut i, mut j) = (first.len(), second.len());
    while i > 0 && j > 0 {
        if first[i - 1] == second[j - 1] {
            (i, j) = (i - 1, j - 1);
            match runs.last_mut() {
                Some(run) if run.first == i + 1 && run.second == j + 1 => {
                    *run = Run { first: i, second: j, len: run.len + 1 };
                }
                _ => runs.push(Run { first: i, second: j, len: 1 }),
            }
        } else if table[(i - 1) * width + j] > table[i * width + j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    runs
}

/// The bytes of the subsequence that `runs` of `first` make up.
pub fn subsequence(first: &[u8], runs: &[Run]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(runs.iter().map(|run| run.len).sum());
    for run in runs.iter().rev() {
        bytes.extend_from_slice(&first[run.first..run.first + run.len]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_documentation() {
        let (first, second) = (b"ohmytext", b"mynewtext");
        let runs = runs(first, second).expect("memory for a small table");
        let expected = [Run { first: 4, second: 5, len: 4 }, Run { first: 2, second: 0, len: 2 }];
        assert_eq!(runs, expected);
        assert_eq!(subsequence(first, &runs), b"mytext");
        assert_eq!(length(first, second), 6);
    }

    #[test]
    fn nothing_in_common() {
        for (first, second) in [(&b""[..], &b""[..]), (b"a", b""), (b"", b"a"), (b"abc", b"xyz")] {
            assert_eq!(runs(first, second), Ok(vec![]));
            assert_eq!(length(first, second), 0);
        }
        assert_eq!(table_bytes(usize::MAX - 1, usize::MAX - 1), None);
        assert_eq!(table_bytes(1, 2), Some(24));
    }

    fn longest_by_definition(first: &[u8], second: &[u8]) -> usize {
        match (first, second) {
            ([], _) | (_, []) => 0,
            ([a, rest @ ..], [b, other @ ..]) if a == b => 1 + longest_by_definition(rest, other),
            ([_, rest @ ..], [_, other @ ..]) => {
                longest_by_definition(rest, second).max(longest_by_definition(first, other))
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn agrees_with_the_definition(
            first in proptest::collection::vec(0u8..3, 0..9),
            second in proptest::collection::vec(0u8..3, 0..9),
        ) {
            let runs = runs(&first, &second).expect("memory for a small table");
            let common = subsequence(&first, &runs);
            prop_assert_eq!(common.len(), longest_by_definition(&first, &second));
            prop_assert_eq!(common.len(), length(&first, &second));
            let mut ends = (first.len(), second.len());
            for run in &runs {
                prop_assert!(run.first + run.len <= ends.0 && run.second + run.len <= ends.1);
                let of_first = &first[run.first..][..run.len];
                prop_assert_eq!(of_first, &second[run.second..][..run.len]);
                ends = (run.first, run.second);
            }
        }
    }
}
