//! What was measured, as a table.

use std::{fmt, fs, time::Duration};

use psg_tests::support::memory;

/// Rows of a table, in the order of measuring.
#[derive(Debug, Default)]
pub struct Figures(Vec<(String, String)>);

impl Figures {
    /// One more row, which is also progress.
    pub fn add(&mut self, what: impl Into<String>, found: impl Into<String>) {
        let (what, found) = (what.into(), found.into());
        eprintln!("    {what}: {found}");
        self.0.push((what, found));
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.0.iter().map(|(what, _)| what.chars().count()).max();
        let widest = widest.unwrap_or(0);
        writeln!(f, "| {:<widest$} | measured", "what")?;
        writeln!(f, "|-{:-<widest$}-|---------", "")?;
        for (what, found) in &self.0 {
            writeln!(f, "| {what:<widest$} | {found}")?;
        }
        Ok(())
    }
}

/// Seconds, or milliseconds if it is less than ten of them.
pub fn time(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// The value below which so many percent are.
pub fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let place = (times.len() * percent).div_ceil(100).max(1);
    times[place - 1]
}

/// Resident memory of a process in MiB, now and at its highest.
pub fn memory(process: u32) -> String {
    let mebibytes = |figure: &str| {
        let bytes = memory::of_process(process, figure).expect("a process");
        f64::from(u32::try_from(bytes / 1024).expect("less than 4 TiB")) / 1024.0
    };
    format!(
        "{:.1} MiB, at most {:.1}",
        mebibytes("VmRSS"),
        mebibytes("VmHWM")
    )
}

/// What a process has computed so far.
pub fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
