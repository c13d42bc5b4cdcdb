//! Finds out what a trial runs on.

use std::fs;
use std::process::Command;

use ablate_store::Environment;

/// Looks around. Which GPU trains is the caller's knowledge.
pub fn capture() -> Environment {
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Environment {
        version: env!("CARGO_PKG_VERSION").to_string(),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        processor: field("/proc/cpuinfo", "model name"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        simd: format!("{:?}", ablate_ops::level()).to_lowercase(),
        gpu: String::new(),
        memory_mib: memory_mib(),
        commit: commit(),
        started: started.map_or(0, |elapsed| elapsed.as_secs()),
    }
}

/// The value of `NAME : value` in a file of the kernel's; empty elsewhere.
fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line
        .and_then(|line| line.split_once(':'))
        .map(|(_, value)| value.trim());
    value.unwrap_or_default().to_string()
}

fn memory_mib() -> u64 {
    let kibibytes = field("/proc/meminfo", "MemTotal");
    let number = kibibytes
        .split_whitespace()
        .next()
        .and_then(|number| number.parse::<u64>().ok());
    number.unwrap_or(0) / 1024
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return String::new();
    };
    match git(&["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => head,
        _ => format!("{head}+changes"),
    }
}
