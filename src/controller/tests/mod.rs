//! The real passes and the real actor over two models, in virtual time: a cluster in memory,
//! and the simulator's own library behind the client's transport. One thread, paused clock.

mod alone;
mod audit;
mod bell;
mod bursts;
mod calls;
mod chaos;
mod cluster;
mod crashes;
mod edits;
mod fuse;
mod held;
mod http;
mod inputs;
mod kubernetes;
mod letting_go;
mod matrix;
mod newer;
pub mod objects;
mod oracle;
mod panics;
mod ports;
mod process;
mod scenarios;
mod served;
mod siblings;
mod tenant;
mod told;
mod watched;
mod wire;
mod without_secret;
mod world;

/// Lets a story play in a time of its own, which passes as soon as nobody has anything to do.
fn in_virtual_time<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(story)
}
