//! Entry point of `kubectl-psg`, which kubectl runs as `kubectl psg`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use jiff::Timestamp;
use psg_domain::text;
use psg_plugin::{
    Args, Command, annotate, cluster, completion, diff, doctor, explain, export, inventory, orphan,
    plan, status, uninstall,
};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    completion::answer_a_shell();
    let mut words = std::env::args_os();
    if words
        .next()
        .is_some_and(|program| completion::is_for_kubectl(&program))
    {
        return print(&completion::answer_kubectl(words), ExitCode::SUCCESS);
    }
    match run(&Args::parse()) {
        Ok((said, code)) => print(&said, code),
        Err(message) => {
            let _ = writeln!(io::stderr(), "error: {}", text::lines(&message));
            ExitCode::FAILURE
        }
    }
}

fn print(said: &str, code: ExitCode) -> ExitCode {
    match io::stdout().write_all(said.as_bytes()) {
        Ok(()) => code,
        // The reader closed the pipe early: `kubectl psg explain | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs a command; returns the exit code and what to print, which acts on a terminal only by
/// colours.
fn run(args: &Args) -> Result<(String, ExitCode), String> {
    let well = |said: String| (text::lines(&said), ExitCode::SUCCESS);
    let change = match &args.command {
        Command::Explain { reason: None } => return Ok(well(explain::all())),
        Command::Explain { reason: Some(word) } => return explain::one(word).map(well),
        Command::Plan(asked) => {
            let plan = runtime()?.block_on(plan::run(&args.at, asked, Timestamp::now))?;
            return Ok((plan.text, ExitCode::from(plan.code)));
        }
        Command::Sources(asked) => {
            let sources = inventory::sources(&args.at, asked, Timestamp::now);
            return Ok((runtime()?.block_on(sources)?, ExitCode::SUCCESS));
        }
        Command::Policies(asked) => {
            let policies = inventory::policies(&args.at, asked, Timestamp::now);
            return Ok((runtime()?.block_on(policies)?, ExitCode::SUCCESS));
        }
        Command::Groups(asked) => {
            let groups = inventory::groups(&args.at, asked, Timestamp::now);
            return Ok((runtime()?.block_on(groups)?, ExitCode::SUCCESS));
        }
        Command::Export(asked) => {
            let export = export::run(&args.at, asked, Timestamp::now);
            return Ok((runtime()?.block_on(export)?, ExitCode::SUCCESS));
        }
        Command::Diff(asked) => {
            let diff = diff::run(&args.at, asked, Timestamp::now);
            let (text, code) = runtime()?.block_on(diff)?;
            return Ok((text, ExitCode::from(code)));
        }
        Command::Doctor(asked) => {
            let doctor = doctor::run(&args.at, asked, Timestamp::now);
            let (text, code) = runtime()?.block_on(doctor)?;
            return Ok((text, ExitCode::from(code)));
        }
        Command::Status(asked) => {
            let (text, code) = runtime()?.block_on(status::run(&args.at, asked))?;
            return Ok((text, ExitCode::from(code)));
        }
        Command::Orphan(asked) => {
            return runtime()?.block_on(orphan::run(&args.at, asked)).map(well);
        }
        Command::Uninstall(asked) => {
            let (text, code) = runtime()?.block_on(uninstall::run(&args.at, asked))?;
            return Ok((text, ExitCode::from(code)));
        }
        Command::Completion { shell } => {
            return Ok((completion::script(*shell)?, ExitCode::SUCCESS));
        }
        Command::Reconcile { name } => annotate::reconcile(name, Timestamp::now()),
        Command::Pause { name, length } => annotate::pause(name, *length, Timestamp::now())?,
        Command::Resume { name } => annotate::resume(name),
    };
    runtime()?.block_on(cluster::send(&args.at, &change))?;
    Ok(well(change.said + "\n"))
}

fn runtime() -> Result<Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    runtime.map_err(|error| error.to_string())
}
