//! The options by which SET, GETEX, MSETEX and their kin for hashes say what becomes of a key's expiry.
//!
//! EX and PX count from now, EXAT and PXAT are Unix time; KEEPTTL and PERSIST exclude them and
//! each other. Repeating one option is allowed, the last one counts. A number is read only after
//! the whole request has been found well formed.

use super::error::invalid_expire;
use super::{Args, CommandError};

/// How an option gives a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `EX`: seconds from now.
    Seconds,
    /// `PX`: milliseconds from now.
    Milliseconds,
    /// `EXAT`: seconds of Unix time.
    UnixSeconds,
    /// `PXAT`: milliseconds of Unix time.
    UnixMilliseconds,
}

const FORMS: [(&str, Form); 4] = [
    ("EX", Form::Seconds),
    ("PX", Form::Milliseconds),
    ("EXAT", Form::UnixSeconds),
    ("PXAT", Form::UnixMilliseconds),
];

impl Form {
    /// The point in time, in milliseconds of Unix time, that `amount` says at `now_ms`; `None` if
    /// it is not after the epoch or beyond what 64 bits hold.
    fn unix_ms(self, amount: i64, now_ms: i64) -> Option<i64> {
        if amount <= 0 {
            return None;
        }
        match self {
            Form::Seconds => amount.checked_mul(1000)?.checked_add(now_ms),
            Form::Milliseconds => amount.checked_add(now_ms),
            Form::UnixSeconds => amount.checked_mul(1000),
            Form::UnixMilliseconds => Some(amount),
        }
    }
}

/// The point in time that argument `at` gives, in milliseconds of Unix time; `command` names the
/// command in the error.
pub fn deadline(
    args: Args<'_>,
    at: usize,
    form: Form,
    now_ms: i64,
    command: &str,
) -> Result<i64, CommandError> {
    form.unix_ms(args.integer(at)?, now_ms).ok_or_else(|| invalid_expire(command))
}

/// What the options ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// They say nothing.
    #[default]
    Unsaid,
    /// `KEEPTTL`.
    Keep,
    /// `PERSIST`.
    Persist,
    /// A point in time, whose number is argument `at`.
    Timed {
        /// How the number is meant.
        form: Form,
        /// Where it stands.
        at: usize,
    },
}

impl Expiry {
    /// Reads the option at `at` if it is one of these (`other` is the one of KEEPTTL and PERSIST
    /// that the command has): gives the position after it.
    pub fn read(
        &mut self,
        args: Args<'_>,
        at: usize,
        other: Expiry,
    ) -> Result<Option<usize>, CommandError> {
        let word = if other == Expiry::Keep { "KEEPTTL" } else { "PERSIST" };
        let (said, next) = if args.is(at, word) {
            (other, at + 1)
        } else if let Some((_, form)) = FORMS.iter().find(|(word, _)| args.is(at, word)) {
            (Expiry::Timed { form: *form, at: at + 1 }, at + 2)
        } else {
            return Ok(None);
        };
        let agrees = match (*self, said) {
            (Expiry::Unsaid, _) => true,
            (Expiry::Timed { form, .. }, Expiry::Timed { form: again, .. }) => form == again,
            (before, again) => before == again,
        };
        if !agrees || next > args.len() {
            return Err(CommandError::SYNTAX);
        }
        *self = said;
        Ok(Some(next))
    }

    /// As [`Expiry::deadline`], for commands to which 0 is an amount like others.
    pub fn deadline_from_zero(
        self,
        args: Args<'_>,
        now_ms: i64,
        command: &str,
    ) -> Result<Option<i64>, CommandError> {
        match self {
            Expiry::Timed { form, at } if args.get(at) == Some(b"0") => Ok(Some(match form {
                Form::Seconds | Form::Milliseconds => now_ms,
                Form::UnixSeconds | Form::UnixMilliseconds => 0,
            })),
            _ => self.deadline(args, now_ms, command),
        }
    }

    /// The point in time asked for, if one is: see [`deadline`].
    pub fn deadline(
        self,
        args: Args<'_>,
        now_ms: i64,
        command: &str,
    ) -> Result<Option<i64>, CommandError> {
        match self {
            Expiry::Timed { form, at } => deadline(args, at, form, now_ms, command).map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time() {
        assert_eq!(Form::Seconds.unix_ms(2, 500), Some(2500));
        assert_eq!(Form::Milliseconds.unix_ms(2, 500), Some(502));
        assert_eq!(Form::UnixSeconds.unix_ms(2, 500), Some(2000));
        assert_eq!(Form::UnixMilliseconds.unix_ms(i64::MAX, 500), Some(i64::MAX));
        for form in FORMS.map(|(_, form)| form) {
            assert_eq!(form.unix_ms(0, 500), None);
            assert_eq!(form.unix_ms(i64::MIN, 500), None);
        }
        assert_eq!(Form::Seconds.unix_ms(i64::MAX / 1000, 808), None);
        assert_eq!(Form::Milliseconds.unix_ms(i64::MAX, 1), None);
        assert_eq!(Form::UnixSeconds.unix_ms(i64::MAX / 1000 + 1, 0), None);
    }
}
