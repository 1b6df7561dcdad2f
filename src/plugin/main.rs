//! Entry point of `kubectl-psg`, which kubectl runs as `kubectl psg`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use jiff::Timestamp;
use psg_domain::text;
use psg_plugin::{Args, Command, annotate, cluster, explain, plan};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok((said, code)) => match io::stdout().write_all(text::lines(&said).as_bytes()) {
            Ok(()) => code,
            // The reader has seen enough: `kubectl psg explain | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
            Err(_) => ExitCode::FAILURE,
        },
        Err(message) => {
            let _ = writeln!(io::stderr(), "error: {}", text::lines(&message));
            ExitCode::FAILURE
        }
    }
}

/// What to print, and how to exit.
fn run(args: &Args) -> Result<(String, ExitCode), String> {
    let well = |said| (said, ExitCode::SUCCESS);
    let change = match &args.command {
        Command::Explain { reason: None } => return Ok(well(explain::all())),
        Command::Explain { reason: Some(word) } => return explain::one(word).map(well),
        Command::Plan(asked) => {
            let namespace = args.namespace.as_deref();
            let outlook = runtime()?.block_on(plan::run(asked, namespace, Timestamp::now))?;
            return Ok((outlook.text, ExitCode::from(outlook.code)));
        }
        Command::Reconcile { name } => annotate::reconcile(name, Timestamp::now()),
        Command::Pause { name, length } => annotate::pause(name, *length, Timestamp::now())?,
        Command::Resume { name } => annotate::resume(name),
    };
    runtime()?.block_on(cluster::send(args, &change))?;
    Ok(well(change.said + "\n"))
}

fn runtime() -> Result<Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    runtime.map_err(|error| error.to_string())
}
