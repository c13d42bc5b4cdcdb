//! What a trial ran on, so that a result can be judged later.

use serde::{Deserialize, Serialize};

/// Program, machine and source state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// This program's version.
    pub version: String,
    /// Operating system and architecture.
    pub platform: String,
    /// The processor's own name; empty where the system does not tell.
    pub processor: String,
    /// Logical cores this process may use.
    pub cores: usize,
    /// Vector instructions the kernels use.
    pub simd: String,
    /// The GPU that trained; empty where none did.
    #[serde(default)]
    pub gpu: String,
    /// Main memory in MiB; 0 where the system does not tell.
    pub memory_mib: u64,
    /// Commit of the source folder, with `+changes` where files differ from it;
    /// empty outside a checkout.
    pub commit: String,
    /// Seconds since 1970 when the trial started.
    pub started: u64,
}

impl Environment {
    /// The program and the machine in a line, without what differs between two runs
    /// of the same: `ablate 0.1.0 (1a2b3c), Some Processor, 2 cores, avx512`.
    pub fn text(&self) -> String {
        let commit = match &*self.commit {
            "" => String::new(),
            commit => format!(" ({commit})"),
        };
        let cores = format!("{} cores", self.cores);
        let parts = [&self.processor, &cores, &self.simd, &self.gpu];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let machine: Vec<&str> = parts.map(String::as_str).collect();
        format!("ablate {}{commit}, {}", self.version, machine.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut environment = Environment {
            version: "1.2.3".to_string(),
            cores: 4,
            ..Environment::default()
        };
        assert_eq!(environment.text(), "ablate 1.2.3, 4 cores");
        environment.commit = "1a2b+changes".to_string();
        environment.processor = "Some Processor".to_string();
        environment.simd = "avx2".to_string();
        environment.gpu = "A GPU".to_string();
        assert_eq!(
            environment.text(),
            "ablate 1.2.3 (1a2b+changes), Some Processor, 4 cores, avx2, A GPU"
        );
    }
}
