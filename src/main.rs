//! Arguments, configuration, run; nothing else.

use std::process::ExitCode;

use baton::clock::Clock;
use baton::config::{ConfigStore, Invocation, read_command_line};

#[global_allocator]
static ALLOCATOR: baton::allocator::Allocator = baton::allocator::Allocator;

fn main() -> ExitCode {
    let startup = match read_command_line(std::env::args_os(), std::io::stdin()) {
        Ok(Invocation::Run(startup)) => startup,
        Ok(Invocation::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // Before anything is opened: relative paths (log, socket, files to come) start from there.
    if let Err(error) = std::env::set_current_dir(&startup.config.dir) {
        eprintln!("baton: cannot work in {}: {error}", startup.config.dir.display());
        return ExitCode::FAILURE;
    }
    if let Err(error) = baton::observe::log::start(&startup.config) {
        eprintln!("baton: {error}");
        return ExitCode::FAILURE;
    }
    for note in &startup.notes {
        tracing::warn!("{note}");
    }
    let store = ConfigStore::new(startup.config, startup.file);
    match baton::run::run(store, Clock::system()) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            tracing::error!("cannot start: {error:#}");
            eprintln!("baton: {error:#}");
            ExitCode::FAILURE
        }
    }
}
