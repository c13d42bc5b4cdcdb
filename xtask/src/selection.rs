//! Which trials a command is about: the arguments that `run` and `report` share.

use std::path::PathBuf;

use ablate_runner::Draft;

use crate::workspace;

/// An experiment under a profile and settings, and where its trials are kept.
#[derive(Clone, Debug, clap::Args)]
pub struct Selection {
    /// The experiment file.
    pub experiment: PathBuf,
    /// How much of the real thing to run: `quick`, `ci`, `paper` or a profile of
    /// your own; without it, the experiment's default.
    #[arg(long)]
    pub profile: Option<String>,
    /// Override a key in every variant, for example `optimiser.lr=0.003`; a key
    /// that has a value here is not searched.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Seeds a variant; without it, the profile's number.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: Option<u64>,
    /// The run store; without it, `runs/` in the workspace.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

impl Selection {
    /// An experiment as its file has it.
    pub fn of(experiment: PathBuf) -> Self {
        Self {
            experiment,
            profile: None,
            settings: Vec::new(),
            seeds: None,
            store: None,
        }
    }

    /// Reads the experiment file.
    pub fn draft(&self) -> ablate_runner::Result<Draft> {
        Draft::read(
            &self.experiment,
            self.profile.as_deref(),
            &self.settings,
            self.seeds,
            workspace::data_context(),
        )
    }

    /// The run store's folder.
    pub fn store(&self) -> PathBuf {
        let usual = || workspace::root().join("runs");
        self.store.clone().unwrap_or_else(usual)
    }
}
