//! Entry point of `kubectl-psg`, which kubectl runs as `kubectl psg`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use jiff::Timestamp;
use psg_domain::text;
use psg_plugin::{Args, Command, annotate, cluster, explain};

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(said) => match io::stdout().write_all(text::lines(&said).as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            // The reader has seen enough: `kubectl psg explain | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(message) => {
            let _ = writeln!(io::stderr(), "error: {}", text::lines(&message));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<String, String> {
    let change = match &args.command {
        Command::Explain { reason: None } => return Ok(explain::all()),
        Command::Explain { reason: Some(word) } => return explain::one(word),
        Command::Reconcile { name } => annotate::reconcile(name, Timestamp::now()),
        Command::Pause { name, length } => annotate::pause(name, *length, Timestamp::now())?,
        Command::Resume { name } => annotate::resume(name),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(cluster::send(args, &change))?;
    Ok(change.said + "\n")
}
