//! `make demo` and `make up`: everything real but the tenant, in front of one's eyes.
//!
//! A real etcd, kube-apiserver, kube-controller-manager and kubectl, the operator with its default
//! timers, and the simulator with the believable tenant. A scene that does not show what it
//! promises ends the demo with status 1. Nothing is slept for: each wait has a condition and an end.
//!
//! # Layout
//! - [`foresee`], [`scenes`], [`passwords`], [`crash`], [`deletion`]: what is shown.
//! - [`stage`]: what runs behind it; [`screen`]: how it is printed; [`calls`]: the tenant's ledger.
//! - [`picture`]: some scenes as an SVG, for the README.
//! - `manifests/`: what is applied, besides `config/samples`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a demo that cannot go on says why and stops"
)]

mod calls;
mod crash;
mod deletion;
mod foresee;
mod passwords;
mod picture;
mod scenes;
mod screen;
mod stage;

use std::{fs, panic::AssertUnwindSafe, process::ExitCode, time::Instant};

use futures::FutureExt;
use psg_tests::support::binaries::repository;
use tokio::signal::unix::{SignalKind, signal};

use crate::{screen::Screen, stage::Stage};

/// Why a scene did not show what it promises.
type Broken = String;

/// The scenes of the picture: a change that is seen before it is made, and made.
const PICTURED: [u8; 2] = [2, 3];

const USAGE: &str = "\
psg-demo: see psg-operator work, without a cluster and without a tenant

  psg-demo                  show everything, stop everything, end with status 0
  psg-demo --stay           start the same, say what to type, end on Ctrl-C
  psg-demo --picture FILE   show everything, and write the first scenes as an SVG

PSG_TEST_KUBECONFIG=FILE uses a cluster that is there already.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (stay, picture) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (false, None),
        ["--stay"] => (true, None),
        ["--picture", file] => (false, std::path::absolute(file).ok()),
        ["--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    // Commands are printed with paths from here, and can be typed again here.
    std::env::set_current_dir(repository()).expect("the repository");
    // What stopped is said once, below; a place in the demo's source helps nobody.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let screen = Screen::new();
    let begin = Instant::now();
    let played = AssertUnwindSafe(play(&screen, stay)).catch_unwind();
    let ended = runtime
        .block_on(played)
        .unwrap_or_else(|panic| Err(words_of(&*panic)));
    match ended {
        Ok(()) => {
            screen.note(&format!(
                "Everything that was started has ended. {:.0} s in all.",
                begin.elapsed().as_secs_f64()
            ));
            match picture.map(|file| fs::write(file, picture::svg(&screen.printed(), &PICTURED))) {
                Some(Err(why)) => {
                    eprintln!("the picture was not written: {why}");
                    ExitCode::FAILURE
                }
                _ => ExitCode::SUCCESS,
            }
        }
        Err(why) => {
            screen.broken(&why);
            ExitCode::FAILURE
        }
    }
}

async fn play(screen: &Screen, stay: bool) -> Result<(), Broken> {
    let mut stage = Stage::start(screen).await?;
    foresee::tenant(&mut stage).await?;
    let foreseen = foresee::plan(&mut stage).await?;
    scenes::apply(&mut stage, &foreseen).await?;
    if stay {
        stage.say_what_to_type();
        interrupted().await?;
        screen.gap();
        return stage.stop().await;
    }
    passwords::once(&mut stage).await?;
    passwords::offline(&mut stage).await?;
    scenes::drift(&mut stage).await?;
    scenes::refused(&mut stage).await?;
    crash::between_post_and_answer(&mut stage).await?;
    scenes::adopt(&mut stage).await?;
    deletion::delete(&mut stage).await?;
    passwords::alone(&mut stage).await?;
    stage.stop().await
}

async fn interrupted() -> Result<(), Broken> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|why| why.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|why| why.to_string())?;
    tokio::select! {
        biased;
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the demo panicked").to_owned()
}
