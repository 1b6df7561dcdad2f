//! Waiting for something to become true, with an end and with a reason.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

/// How often to look.
pub const EVERY: Duration = Duration::from_millis(50);

/// What a look found: the thing waited for, or what was there instead.
pub type Look<T> = Result<T, String>;

/// Looks until it is there, and returns it; at the deadline it says what was seen last.
///
/// ```ignore
/// wait_for("the group is ready", Duration::from_secs(10), async || world.is_ready("a").await).await;
/// ```
pub async fn wait_for<T>(
    what: impl Display,
    deadline: Duration,
    look: impl AsyncFnMut() -> Look<T>,
) -> T {
    match until(deadline, look).await {
        Ok(found) => found,
        Err(seen) => panic!("waited {deadline:?} for {what}; seen last: {seen}"),
    }
}

/// The same without the panic: what was seen last.
pub async fn until<T>(deadline: Duration, mut look: impl AsyncFnMut() -> Look<T>) -> Look<T> {
    let end = Instant::now() + deadline;
    loop {
        // A look that hangs must not hang the test.
        let left = end.saturating_duration_since(Instant::now()).max(EVERY);
        let seen = match tokio::time::timeout(left, look()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(seen)) => seen,
            Err(_) => format!("no answer within {left:?}"),
        };
        if Instant::now() >= end {
            return Err(seen);
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Holds for the whole time: fails at the first look that finds otherwise.
pub async fn stays(what: impl Display, time: Duration, mut look: impl AsyncFnMut() -> Look<()>) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if let Err(seen) = look().await {
            panic!("{what} did not last {time:?}: {seen}");
        }
        tokio::time::sleep(EVERY).await;
    }
}
