//! The process as the operating system and the allocator see it.
//!
//! Asked by INFO and MEMORY, and once a second by the control thread for the peak. A figure that
//! the system does not give is zero.

use std::io;
use std::sync::{Mutex, PoisonError};

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeVal;
use tikv_jemalloc_ctl::{Access, AsName, arenas, background_thread, epoch, stats, stats_print};

use crate::config::{Config, OomScoreAdj};

/// Bytes as the allocator counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllocatorFigures {
    /// Handed out.
    pub allocated: u64,
    /// In pages with something handed out.
    pub active: u64,
    /// In pages that are in memory.
    pub resident: u64,
    /// In pages that were given back and may still be in memory.
    pub retained: u64,
}

/// What the allocator says now.
pub fn allocator() -> AllocatorFigures {
    // Without a new epoch the figures would be those of the last one.
    let _ = epoch::advance();
    let read = |figure: Result<usize, _>| figure.map_or(0, |bytes: usize| bytes as u64);
    AllocatorFigures {
        allocated: read(stats::allocated::read()),
        active: read(stats::active::read()),
        resident: read(stats::resident::read()),
        retained: read(stats::retained::read()),
    }
}

/// Has the allocator give unused pages back to the system: an arena whose pages may stay unused
/// for no time gives up all of them at once. False if it cannot.
pub fn purge() -> bool {
    let Ok(arenas) = arenas::narenas::read() else { return false };
    let mut done = true;
    for arena in 0..arenas {
        let name = format!("arena.{arena}.dirty_decay_ms\0");
        let control = name.as_bytes().name();
        let Ok(usual_ms) = Access::<isize>::read(control) else { continue };
        done &= Access::<isize>::write(control, 0).is_ok();
        done &= Access::<isize>::write(control, usual_ms).is_ok();
    }
    done
}

/// Whether the allocator has a thread of its own that gives pages back that have been unused for
/// some seconds; without one they go back while others allocate, so not at all in an idle server.
/// False if it cannot.
pub fn purge_in_background(wanted: bool) -> bool {
    background_thread::write(wanted).is_ok()
}

/// Has the calling thread run when others have nothing to do, more or less: its work is to be done
/// some time. Without the right to it, it goes on as before.
pub fn give_way() {
    let _ = rustix::process::nice(GIVING_WAY);
}

/// Everything that the allocator has to say of itself, for people.
pub fn allocator_report() -> Vec<u8> {
    let mut report = Vec::new();
    // Writing to a vector cannot fail.
    let _ = stats_print::stats_print(&mut report, stats_print::Options::default());
    report
}

/// How much nicer a thread is whose work can wait.
const GIVING_WAY: i32 = 10;

/// Files that the server keeps open beside connections: listeners, event queues, logs.
const OWN_FILES: u64 = 32;

/// Sees to it that so many connections can be open, raising the limit on open files as far as
/// the system lets it.
///
/// # Errors
///
/// The number of connections that are possible, if fewer.
pub fn allow_connections(count: u32) -> Result<(), u64> {
    let needed = u64::from(count) + OWN_FILES;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    if soft >= needed {
        return Ok(());
    }
    let possible = needed.min(hard);
    let raised = setrlimit(Resource::RLIMIT_NOFILE, possible, hard).is_ok();
    let limit = if raised { possible } else { soft };
    if limit >= needed { Ok(()) } else { Err(limit.saturating_sub(OWN_FILES)) }
}

/// Where the system keeps how readily it ends this process when memory runs out.
const OOM_SCORE: &str = "/proc/self/oom_score_adj";

/// The score that the process had before the server set one; none while it has that.
static SCORE_BEFORE: Mutex<Option<i32>> = Mutex::new(None);

/// Sets how readily the system ends this process when memory runs out, as `oom-score-adj` says.
///
/// # Errors
///
/// When the system does not allow it, as without privileges it allows no score below that at the
/// start. The score is then what it was.
pub fn adjust_oom_score(config: &Config) -> io::Result<()> {
    let mut before = SCORE_BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let base = match *before {
        Some(score) => score,
        None if config.oom_score_adj == OomScoreAdj::No => return Ok(()),
        None => {
            let text = std::fs::read_to_string(OOM_SCORE)?;
            text.trim()
                .parse()
                .map_err(|_| io::Error::other(format!("{OOM_SCORE} says {text:?}")))?
        }
    };
    let [own, ..] = config.oom_score_adj_values;
    let score = match config.oom_score_adj {
        OomScoreAdj::No => base,
        OomScoreAdj::Relative => base.saturating_add(own),
        OomScoreAdj::Absolute => own,
    };
    std::fs::write(OOM_SCORE, score.clamp(-1000, 1000).to_string())?;
    *before = (config.oom_score_adj != OomScoreAdj::No).then_some(base);
    Ok(())
}

/// Processor time of the process, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTime {
    /// In the kernel.
    pub system: f64,
    /// Outside it.
    pub user: f64,
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

fn cpu_of(who: UsageWho) -> CpuTime {
    getrusage(who).map_or(CpuTime::default(), |usage| CpuTime {
        system: seconds(usage.system_time()),
        user: seconds(usage.user_time()),
    })
}

/// Processor time of all threads.
pub fn cpu() -> CpuTime {
    cpu_of(UsageWho::RUSAGE_SELF)
}

/// Processor time of child processes that have ended.
pub fn children_cpu() -> CpuTime {
    cpu_of(UsageWho::RUSAGE_CHILDREN)
}

/// Bytes of the process in memory.
pub fn resident_bytes() -> u64 {
    kb_line("/proc/self/status", "VmRSS:") * 1024
}

/// Bytes of memory that the machine has.
pub fn system_memory() -> u64 {
    kb_line("/proc/meminfo", "MemTotal:") * 1024
}

/// The number behind `head` in a file of lines `Head:  number kB`.
fn kb_line(path: &str, head: &str) -> u64 {
    let Ok(text) = std::fs::read_to_string(path) else { return 0 };
    text.lines()
        .find_map(|line| line.strip_prefix(head))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Name, release and machine of the operating system, as INFO shows them.
pub fn system_name() -> String {
    let read = |name: &str| {
        std::fs::read_to_string(format!("/proc/sys/kernel/{name}"))
            .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
    };
    format!("{} {} {}", read("ostype"), read("osrelease"), std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_there() {
        assert!(resident_bytes() > 0);
        assert!(system_memory() >= resident_bytes());
        let cpu = cpu();
        assert!(cpu.user + cpu.system > 0.0);
        assert!(system_name().split(' ').count() >= 3);
    }
}
