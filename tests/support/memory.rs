//! What memory a process has, as the kernel counts it.

use std::fs;

/// A figure in bytes by its name in the kernel's table, such as `VmRSS`; none once the process has ended.
pub fn of_process(process: u32, figure: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
