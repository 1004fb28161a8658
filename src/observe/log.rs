//! The log: lines in the way of Redis's, by the tracing crate, to standard output or `logfile`.
//!
//! ```text
//! 4711:M 24 Nov 2026 12:00:00.000 * Ready to accept connections
//! ```
//!
//! The level can change while the server runs (`CONFIG SET loglevel`).

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::sync::{Mutex, OnceLock};

use time::OffsetDateTime;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload::Handle;

use crate::clock::Clock;
use crate::config::{Config, LogLevel};

/// Changes the level of a running log.
static LEVEL: OnceLock<Box<dyn Fn(LevelFilter) + Send + Sync>> = OnceLock::new();

/// Starts logging by the directives `loglevel` and `logfile`.
///
/// # Errors
///
/// When the log file cannot be opened.
pub fn start(config: &Config) -> io::Result<()> {
    let format = RedisFormat { clock: Clock::system() };
    let (filter, handle) = tracing_subscriber::reload::Layer::new(filter(config.loglevel));
    if let Some(path) = &config.logfile {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
            io::Error::new(error.kind(), format!("log file {}: {error}", path.display()))
        })?;
        install(filter, handle, format, Mutex::new(file));
    } else {
        install(filter, handle, format, io::stdout);
    }
    Ok(())
}

fn install<W>(
    filter: tracing_subscriber::reload::Layer<LevelFilter, tracing_subscriber::Registry>,
    handle: Handle<LevelFilter, tracing_subscriber::Registry>,
    format: RedisFormat,
    writer: W,
) where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let _ = LEVEL.set(Box::new(move |level| {
        // Fails only after the subscriber is gone, at the end of the process.
        let _ = handle.modify(|filter| *filter = level);
    }));
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(false).event_format(format).with_writer(writer);
    // A second subscriber in one process is a test's doing; the first one stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Changes the level.
pub fn set_level(level: LogLevel) {
    if let Some(set) = LEVEL.get() {
        set(filter(level));
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    }
}

/// Writes lines in the way of Redis.
struct RedisFormat {
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for RedisFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mark = match *event.metadata().level() {
            Level::ERROR | Level::WARN => '#',
            Level::INFO => '*',
            Level::DEBUG => '-',
            Level::TRACE => '.',
        };
        write!(writer, "{}:M ", std::process::id())?;
        write_time(&mut writer, self.clock.unix_ms())?;
        write!(writer, " {mark} ")?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes a time as `24 Nov 2026 12:00:00.000`, in UTC.
fn write_time(writer: &mut Writer<'_>, unix_ms: i64) -> fmt::Result {
    let time = OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let month = MONTHS[u8::from(time.month()) as usize - 1];
    let (day, year) = (time.day(), time.year());
    let (hour, minute, second) = time.to_hms();
    let ms = unix_ms.rem_euclid(1000);
    write!(writer, "{day:02} {month} {year} {hour:02}:{minute:02}:{second:02}.{ms:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_in_a_calendar() {
        for (unix_ms, text) in [
            (0, "01 Jan 1970 00:00:00.000"),
            (951_782_400_123, "29 Feb 2000 00:00:00.123"),
            (1_795_521_600_000, "24 Nov 2026 12:00:00.000"),
        ] {
            let mut line = String::new();
            write_time(&mut Writer::new(&mut line), unix_ms).expect("a string takes all");
            assert_eq!(line, text);
        }
    }
}
