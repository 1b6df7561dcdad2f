//! The binary: arguments, signals, one line on stdout. The library does everything else.

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, ValueEnum};
use identity_simulator::{Seed, World, clock::Clock, latency::Latency, serve};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A tenant that is not there: the identity API in memory, hostile on demand.
///
/// Prints one line of JSON with both addresses as soon as it listens, then logs to stderr.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where the identity API listens; port 0 takes any free port
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the control port listens
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// A tenant to start with, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    seed: Vec<PathBuf>,
    /// Whether time passes by itself or only when the control port says so
    #[arg(long, value_enum, default_value_t = ClockKind::Real)]
    clock: ClockKind,
    /// How long each answer of the seeded tenants takes, in milliseconds
    #[arg(long, value_name = "N")]
    latency_ms: Option<u64>,
    /// The number from which ids, tokens and shuffles are made
    #[arg(long, value_name = "N", default_value_t = 1)]
    rng_seed: u64,
    /// Listen on addresses that others can reach: there is no protection of any kind
    #[arg(long)]
    allow_remote: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ClockKind {
    Real,
    Virtual,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    logs.with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let clock = match arguments.clock {
        ClockKind::Real => Clock::Real,
        ClockKind::Virtual => Clock::fixed(),
    };
    let mut world = World::new(arguments.rng_seed);
    for path in &arguments.seed {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let mut seed =
            Seed::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if let Some(ms) = arguments.latency_ms {
            seed.latency = Latency::Fixed { ms };
        }
        let tenant = world.put(seed, clock.now())?;
        tracing::info!(tenant = tenant.name, "seeded");
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (listen, control) = (arguments.listen, arguments.control);
    let running = serve::start(world, clock, listen, control, arguments.allow_remote).await?;
    let line = serde_json::json!({"api": running.api_url(), "control": running.control_url()});
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    tokio::select! {
        biased;
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopped");
    Ok(())
}
