//! The real passes and the real actor over two models, in virtual time: a cluster in memory,
//! and the simulator's own library behind the client's transport. One thread, paused clock.

mod alone;
mod answers;
mod audit;
mod audit_lines;
mod bell;
mod bursts;
mod calls;
mod chaos;
mod cluster;
mod costs;
mod crashes;
mod edits;
mod foreseen;
mod fuse;
mod held;
mod http;
mod inputs;
mod kubernetes;
mod letting_go;
mod matrix;
mod newer;
pub mod objects;
mod odd_answers;
mod oracle;
mod panics;
mod password_changes;
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

use std::{
    ops::{ControlFlow, Range},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lets a story play in a time of its own, which passes as soon as nobody has anything to do.
fn in_virtual_time<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(story)
}

/// Does each of so many things once, on all cores, until it is told that it is enough.
fn on_all_cores(things: Range<u64>, one: impl Fn(u64) -> ControlFlow<()> + Sync) {
    let next = AtomicU64::new(things.start);
    let enough = AtomicBool::new(false);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !enough.load(Ordering::SeqCst) {
                    let thing = next.fetch_add(1, Ordering::SeqCst);
                    if thing >= things.end {
                        return;
                    }
                    if one(thing).is_break() {
                        enough.store(true, Ordering::SeqCst);
                    }
                }
            });
        }
    });
}
