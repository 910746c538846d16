//! What the process has used: CPU time, not wall-clock time, which other work on the machine would
//! make worthless.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU seconds of this process, in user and system mode, all threads.
pub(crate) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}

/// Forgets the peak of the resident memory, where the system allows that (Linux does).
pub(crate) fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The peak of the resident memory in MB since [`forget_peak`]; 0 where the system does not tell.
pub(crate) fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}

/// The least and the median of some rounds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rounds {
    pub(crate) least: f64,
    pub(crate) median: f64,
}

impl Rounds {
    pub(crate) fn of(count: usize, mut round: impl FnMut() -> f64) -> Self {
        let mut all: Vec<f64> = (0..count).map(|_| round()).collect();
        all.sort_by(f64::total_cmp);
        Self {
            least: all.first().copied().unwrap_or_default(),
            median: all.get(count / 2).copied().unwrap_or_default(),
        }
    }
}
