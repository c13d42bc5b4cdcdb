//! The device a trial computes on: its name in a config, and the thing itself.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Site};

/// A device by name: `cpu`, `cuda` (the first GPU) or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda {
        /// Its number, from 0.
        ordinal: usize,
    },
}

impl DeviceName {
    /// What of the name can change a result, as a trial's hash takes it: devices
    /// of one kind count as the same. `None` for the CPU, the device of every
    /// trial that says nothing.
    pub(crate) fn kind(self) -> Option<&'static str> {
        match self {
            Self::Cpu => None,
            Self::Cuda { .. } => Some("cuda"),
        }
    }

    /// The device of a rank that has `local` others before it on its machine: each has
    /// a GPU of its own.
    pub(crate) fn of_rank(self, local: usize) -> Self {
        match self {
            Self::Cpu => Self::Cpu,
            Self::Cuda { ordinal } => Self::Cuda {
                ordinal: ordinal + local,
            },
        }
    }

    /// The device, ready for tensors.
    ///
    /// # Errors
    /// The program was built without the feature `cuda`, or there is no such GPU.
    pub fn open(self) -> Result<Device> {
        let Self::Cuda { ordinal } = self else {
            return Ok(Device::Cpu);
        };
        self.check_program()?;
        ablate_ops::gpu(ordinal).map_err(|error| {
            self.wrong(
                format!("`{self}` does not open: {error}"),
                "give the number of a GPU that `nvidia-smi` lists",
            )
        })
    }

    /// Whether trials can compute on it where they will run, as far as that shows here.
    ///
    /// # Errors
    /// As for [`open`](Self::open); of another machine, the name means a certain one of
    /// its GPUs.
    pub(crate) fn check(self, site: Site) -> Result<()> {
        match (site, self) {
            (Site::Here, _) => self.open().map(drop),
            (Site::Elsewhere, Self::Cpu) => Ok(()),
            (Site::Elsewhere, Self::Cuda { ordinal: 0 }) => self.check_program(),
            (Site::Elsewhere, Self::Cuda { .. }) => Err(self.wrong(
                format!("a launcher's task does not know which GPU is `{self}`: it sees only those it was given"),
                "set machine.device=\"cuda\", the first of them",
            )),
        }
    }

    /// Whether this program has kernels for it.
    fn check_program(self) -> Result<()> {
        match self == Self::Cpu || cfg!(feature = "cuda") {
            true => Ok(()),
            false => Err(self.wrong(
                format!("`{self}` needs CUDA, which this program was built without"),
                "run `cargo xtask-cuda` in place of `cargo xtask`",
            )),
        }
    }

    fn wrong(self, problem: String, fix: &str) -> Error {
        let fix = format!("{fix}, or set machine.device=\"cpu\" (see docs/cuda.md)");
        Error::config("the configuration", "machine.device", problem, fix)
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda { ordinal } => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let ordinal = match name.split_once(':') {
            None if name == "cpu" => return Ok(Self::Cpu),
            None if name == "cuda" => Some(0),
            Some(("cuda", ordinal)) => ordinal.parse().ok(),
            _ => None,
        };
        match ordinal {
            Some(ordinal) => Ok(Self::Cuda { ordinal }),
            None => Err(format!(
                "`{name}` is no device; there are `cpu`, `cuda` and `cuda:N`"
            )),
        }
    }
}

/// The maker's name of a GPU; empty for the CPU.
pub(crate) fn gpu_name(device: &Device) -> String {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            let name = device.cuda_stream().context().name();
            name.unwrap_or_else(|error| format!("unknown ({error})"))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Machine, TrialConfig};

    fn trial_on(device: DeviceName) -> TrialConfig {
        TrialConfig {
            machine: Machine {
                device,
                ..Machine::default()
            },
            ..TrialConfig::of_any()
        }
    }

    #[test]
    fn a_gpu_makes_another_trial_and_its_number_does_not() {
        let [cpu, first, second] =
            ["cpu", "cuda", "cuda:1"].map(|name| trial_on(named(name).expect("a device")));
        assert_ne!(cpu.hash(0), first.hash(0));
        assert_eq!(first.hash(0), second.hash(0));
        // Trials from before there was a choice keep their hash.
        assert!(!cpu.leaves().keys().any(|key| key.starts_with("machine")));
        assert_eq!(first.leaves()["machine.device"], "cuda");
        assert_eq!(second.to_value()["machine"]["device"], "cuda:1");
    }

    fn named(name: &str) -> Result<DeviceName, String> {
        name.to_string().try_into()
    }

    #[test]
    fn names_go_round() {
        assert_eq!(named("cuda"), Ok(DeviceName::Cuda { ordinal: 0 }));
        for name in ["cpu", "cuda:0", "cuda:12"] {
            assert_eq!(named(name).map(String::from), Ok(name.to_string()));
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:x"] {
            let message = named(name).expect_err("no device");
            assert!(message.contains("`cuda:N`"), "{message}");
        }
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_program_without_cuda_says_how_to_get_one_with_it() {
        let error = DeviceName::Cuda { ordinal: 1 }.open();
        let message = error.expect_err("no kernels").to_string();
        for part in ["`machine.device`", "`cuda:1`", "xtask-cuda", "docs/cuda.md"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_task_elsewhere_computes_on_the_gpu_it_is_given() {
        let error = DeviceName::Cuda { ordinal: 1 }.check(Site::Elsewhere);
        let message = error.expect_err("no such GPU").to_string();
        for part in ["`machine.device`", "`cuda:1`", "machine.device=\"cuda\""] {
            assert!(message.contains(part), "{message}");
        }
        // There need be no GPU here, but kernels in the program.
        let first = DeviceName::Cuda { ordinal: 0 }.check(Site::Elsewhere);
        assert_eq!(first.is_ok(), cfg!(feature = "cuda"));
        DeviceName::Cpu.check(Site::Elsewhere).expect("everywhere");
    }
}
