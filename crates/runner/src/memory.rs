//! How much memory a trial takes and how much there is, so that trials side by side
//! do not push each other out. An estimate from above, not an account.

use std::fs;
use std::path::Path;

use crate::config::TrialConfig;
use crate::outline::Outline;

/// Bytes of a float32.
const F32: u64 = 4;
/// A parameter, its gradient, two moments at most, and a copy while a checkpoint is
/// written.
const COPIES: u64 = 5;
/// Gradients on their way between ranks: what goes out and what comes in.
const EXCHANGED: u64 = 2;
/// What a trial takes whatever its network: batches being read, packed weights,
/// buffers of events.
const REST: u64 = 64 << 20;
/// What is left to the rest of the machine: one part in so many.
const SPARE: u64 = 10;

/// Bytes that training a network takes beside the data, which trials share: for
/// AlexNet 2.2 GiB in batches of 128, where 1.2 to 1.5 GiB were measured.
pub(crate) fn of_trial(config: &TrialConfig, outline: &Outline) -> u64 {
    let (parts, ranks) = (config.training.parts, config.machine.ranks as u64);
    let copies = match ranks {
        1 => COPIES,
        _ => ranks * (COPIES + EXCHANGED),
    };
    let parameters = outline.parameters() as u64 * F32 * copies;
    // Gradients of a layer's values stand beside them, but not all at once.
    let activations = |batch| outline.summary.activation_bytes(batch) / 2 * 3;
    let training = ranks * activations(config.training.batch_size.div_ceil(parts.max(1)));
    parameters + training.max(activations(config.evaluation.batch_size)) + REST
}

/// Bytes that this process may still take: what the system says is available, and
/// within a control group no more than its limit leaves. `None` where the system
/// does not tell.
pub fn available() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok();
    let system = system.and_then(|text| of_meminfo(&text));
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = of_groups(Path::new("/sys/fs/cgroup"), &own);
    match (system, group) {
        (Some(system), Some(group)) => Some(system.min(group)),
        (system, group) => system.or(group),
    }
}

/// How many of `jobs` trials that take `each` bytes fit side by side; 1 at least.
pub fn fitting(jobs: usize, each: u64, available: Option<u64>) -> usize {
    let Some(available) = available else {
        return jobs;
    };
    let usable = available - available / SPARE;
    let fit = usize::try_from(usable / each.max(1)).unwrap_or(usize::MAX);
    jobs.min(fit).max(1)
}

/// The line `MemAvailable`, in kibibytes.
fn of_meminfo(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What the limits of this process's control group and of those it is in leave (version
/// 2). `own` is what the system says of the process: lines such as `0::/a.slice/b.scope`.
fn of_groups(root: &Path, own: &str) -> Option<u64> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    let folder = root.join(own.unwrap_or_default());
    let groups = folder
        .ancestors()
        .take_while(|group| group.starts_with(root));
    groups.filter_map(of_group).min()
}

/// What a control group's limit leaves; `None` without one. Files that were read and can
/// be forgotten count as taken there, and are not.
fn of_group(folder: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    // `max` is no number, and no limit.
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let taken: u64 = read("memory.current")?.trim().parse().ok()?;
    let stat = read("memory.stat").unwrap_or_default();
    let cached = stat
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "))
        .and_then(|bytes| bytes.trim().parse().ok());
    Some(limit.saturating_sub(taken.saturating_sub(cached.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn as_many_run_as_fit() {
        assert_eq!(fitting(8, GIB, None), 8, "nothing is known");
        assert_eq!(fitting(8, GIB, Some(100 * GIB)), 8);
        assert_eq!(fitting(8, GIB, Some(4 * GIB)), 3, "a tenth is spared");
        assert_eq!(fitting(8, 100 * GIB, Some(4 * GIB)), 1, "one always runs");
        assert_eq!(fitting(1, GIB, Some(0)), 1);
    }

    #[test]
    fn the_systems_own_words_are_read() {
        let text = "MemTotal:       24564116 kB\nMemAvailable:   23000000 kB\n";
        assert_eq!(of_meminfo(text), Some(23_000_000 * 1024));
        assert_eq!(of_meminfo("MemTotal: 1 kB"), None);
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(of_group(folder.path()), None);
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        write("memory.max", "max\n").expect("a file");
        write("memory.current", "300\n").expect("a file");
        assert_eq!(of_group(folder.path()), None, "no limit");
        write("memory.max", "1000\n").expect("a file");
        assert_eq!(of_group(folder.path()), Some(700));
        write("memory.max", "200\n").expect("a file");
        assert_eq!(of_group(folder.path()), Some(0));
        write("memory.stat", "anon 1\ninactive_file 150\nactive_file 7\n").expect("a file");
        assert_eq!(of_group(folder.path()), Some(50), "files are forgotten");
    }

    #[test]
    fn the_tightest_limit_counts_wherever_it_is() {
        let root = tempfile::tempdir().expect("a folder");
        let own = root.path().join("job/step");
        fs::create_dir_all(&own).expect("folders");
        let write = |folder: &Path, limit: &str| {
            fs::write(folder.join("memory.max"), limit).expect("a file");
            fs::write(folder.join("memory.current"), "100").expect("a file");
        };
        let found = |text: &str| of_groups(root.path(), text);
        write(&own, "max");
        assert_eq!(found("0::/job/step\n"), None);
        write(root.path(), "1000");
        write(&root.path().join("job"), "400");
        assert_eq!(found("0::/job/step\n"), Some(300));
        write(&own, "300");
        assert_eq!(found("1:cpu:/x\n0::/job/step\n"), Some(200));
        // Within a container, whose own folder is the root.
        assert_eq!(found("0::/\n"), Some(900));
        assert_eq!(found("0::/../outside\n"), Some(900));
        assert_eq!(found(""), Some(900));
    }
}
