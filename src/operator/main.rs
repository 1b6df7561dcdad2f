//! Entry point of `psg-operator`.

use std::process::ExitCode;

use clap::Parser;
use psg_operator::{args::Args, serve, telemetry};

fn main() -> ExitCode {
    let args = Args::parse();
    telemetry::start(args.log_format, &args.log_level);
    // One thread carries a tenant's whole budget of requests with ease, and keeps memory small.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(serve::serve(args));
            // A name that is being looked up does not hold up the end.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(serve::Error::Runtime(error)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the operator ends");
            ExitCode::FAILURE
        }
    }
}
