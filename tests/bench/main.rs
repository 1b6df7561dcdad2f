//! `make bench`: how long, how much memory, how many calls and writes. Prints a table and judges
//! nothing: counts that must hold are held by tests.
//!
//! Everything is real but the tenant: etcd, kube-apiserver, the operator as it is released, with
//! its default timers and limits. Times and memory depend on the machine, counts do not.
//!
//! # Layout
//! - [`latency`]: from apply to Ready, one group after another.
//! - [`scale`]: memory, adoption and restart with many groups.
//! - [`planning`]: `kubectl psg plan` over many manifests.
//! - [`watch`]: the outside observer; [`figures`]: what is printed.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot go on says why and stops"
)]

mod figures;
mod latency;
mod planning;
mod scale;
mod watch;

use std::{process::ExitCode, time::Instant};

use crate::figures::Figures;

const USAGE: &str = "\
psg-bench: measure time to Ready, memory, tenant calls and Kubernetes writes (about 8 minutes)

  psg-bench                     all of it
  psg-bench latency plan 1000   only these: from apply to Ready, a plan of 1000 manifests, a tenant of
                                1000 groups

PSG_TEST_BIN_DIR names the folder with the programs that are measured.
";

/// How many groups are met at once.
const SIZES: [usize; 3] = [0, 1_000, 10_000];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let asked = |part: &str| words.iter().any(|word| word == part);
    let (latency, plan) = (asked("latency"), asked("plan"));
    if sizes.len() + usize::from(latency) + usize::from(plan) != words.len() {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    }
    if std::env::var_os("PSG_TEST_BIN_DIR").is_none() || cfg!(debug_assertions) {
        eprintln!("this is not what is released: `make bench` measures that");
    }
    let all = words.is_empty();
    let sizes = if all { SIZES.to_vec() } else { sizes };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let began = Instant::now();
    let figures = runtime.expect("a runtime").block_on(async {
        let mut figures = Figures::default();
        if all || latency {
            latency::measure(&mut figures).await;
        }
        if all || plan {
            planning::measure(&mut figures).await;
        }
        for size in sizes {
            scale::measure(&mut figures, size).await;
        }
        figures
    });
    println!("{figures}");
    eprintln!("measured in {:.0?}", began.elapsed());
    ExitCode::SUCCESS
}
