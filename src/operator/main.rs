//! Entry point of `psg-operator`.

use std::{process::ExitCode, sync::Arc};

use psg_operator::{args::Args, audit::Trail, error::Error, serve, telemetry};

fn main() -> ExitCode {
    let args = Args::read();
    telemetry::start(args.log_format, &args.log_level);
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the operator ends");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Error> {
    let trail = Trail::open(args.audit_log.clone()).map_err(Error::Audit)?;
    let trail = Arc::new(trail);
    // One thread is enough for the whole request budget of a tenant, and keeps memory small.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let ended = runtime.block_on(serve::serve(args, Arc::clone(&trail)));
    // Does not wait for a name that is being looked up.
    runtime.shutdown_background();
    // Only now: a request that was dropped with the runtime has written its line to the trail.
    trail.close();
    ended
}
