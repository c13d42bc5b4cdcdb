//! Which trials a command is about: the arguments that `run` and `report` share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ablate_runner::Draft;
use ablate_runner::config::MOST_SEEDS;

use crate::sweep;
use crate::workspace;

/// How an experiment is run, and where its trials are kept.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Settings {
    /// How much of the real thing to run: `quick`, `ci`, `paper` or a profile of
    /// your own; without it, the experiment's default.
    #[arg(long)]
    pub profile: Option<String>,
    /// Override a key in every variant, for example `optimiser.lr=0.003`; a key
    /// that has a value here is not searched, and `search.epochs=3` changes the search
    /// itself. Values with commas between them, as
    /// in `optimiser.lr=0.01,0.03`, run the experiment with each.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seeds a variant; without it, the profile's number.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MOST_SEEDS))]
    pub seeds: Option<u64>,
    /// The run store; without it, `runs/` in the project.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// One experiment under one profile and settings.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The experiment file.
    pub experiment: PathBuf,
    /// How it is run; no value is a list to sweep over.
    pub settings: Settings,
    /// Of a sweep, the values that this point has: `optimiser.lr=0.01`.
    pub point: Vec<String>,
}

impl Selection {
    /// Every point of the sweeps over each experiment, experiment by experiment.
    pub fn all(experiments: &[PathBuf], settings: &Settings) -> Vec<Self> {
        let points = sweep::points(&settings.set);
        let selection = |experiment: &Path, point: &sweep::Point| Self {
            experiment: workspace::experiment(experiment),
            settings: Settings {
                set: point.settings.clone(),
                ..settings.clone()
            },
            point: point.varied.clone(),
        };
        experiments
            .iter()
            .flat_map(|experiment| points.iter().map(move |point| selection(experiment, point)))
            .collect()
    }

    /// Reads the experiment file.
    pub fn draft(&self) -> ablate_runner::Result<Draft> {
        Draft::read(
            &self.experiment,
            self.settings.profile.as_deref(),
            &self.settings.set,
            self.settings.seeds,
            workspace::data_context(),
        )
    }

    /// The command that runs this again, wherever its trials are kept.
    pub fn command(&self) -> String {
        self.command_under(&overrides())
    }

    /// The command that runs this again in the same store.
    pub fn command_here(&self) -> String {
        let store = self.settings.store.iter();
        let store = store.map(|store| format!(" --store {}", quoted(&store.to_string_lossy())));
        self.command() + &store.collect::<String>()
    }

    /// The command, with what the environment overrides.
    fn command_under(&self, overrides: &[(String, String)]) -> String {
        let file = &self.experiment;
        let file = file.strip_prefix(workspace::root()).unwrap_or(file);
        let settings = &self.settings;
        let overrides = overrides.iter();
        let mut command: String = overrides
            .map(|(name, value)| format!("{name}={} ", quoted(value)))
            .collect();
        command += &format!("cargo xtask run {}", quoted(&file.to_string_lossy()));
        if let Some(profile) = &settings.profile {
            command += &format!(" --profile {}", quoted(profile));
        }
        for set in &settings.set {
            command += &format!(" --set {}", quoted(set));
        }
        if let Some(seeds) = settings.seeds {
            command += &format!(" --seeds {seeds}");
        }
        command
    }

    /// The run store's folder.
    pub fn store(&self) -> PathBuf {
        workspace::store(self.settings.store.as_deref())
    }

    /// The report's folder within the experiment's: one for each point of a sweep.
    pub fn report_folder(&self) -> String {
        match self.point.is_empty() {
            true => "report".to_string(),
            false => format!("report {}", self.point.join(" ")).replace(['/', '\\', '"'], "_"),
        }
    }
}

/// The environment's variables that override keys, in alphabetical order.
fn overrides() -> Vec<(String, String)> {
    let text = |word: OsString| word.to_string_lossy().into_owned();
    let mut overrides: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .filter(|(name, _)| name.to_ascii_uppercase().starts_with("ABLATE__"))
        .collect();
    overrides.sort();
    overrides
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_what_was_asked_for() {
        let mut selection = Selection {
            experiment: workspace::root().join("experiments/lrn.toml"),
            settings: Settings::default(),
            point: Vec::new(),
        };
        let usual = "cargo xtask run experiments/lrn.toml";
        assert_eq!(selection.command_under(&[]), usual);
        selection.settings.profile = Some("paper".to_string());
        selection.settings.set = ["optimiser.lr=0.003", "machine.device=\"it's\""]
            .map(String::from)
            .to_vec();
        selection.settings.seeds = Some(5);
        let settings = r#" --profile paper --set optimiser.lr=0.003 --set 'machine.device="it'\''s"' --seeds 5"#;
        assert_eq!(selection.command_under(&[]), format!("{usual}{settings}"));
        let overrides = [
            ("ABLATE__OPTIMISER__LR", "0.003"),
            ("ABLATE__TRAINING__PRECISION", "\"f32\""),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string()));
        let environment = r#"ABLATE__OPTIMISER__LR=0.003 ABLATE__TRAINING__PRECISION='"f32"' "#;
        assert_eq!(
            selection.command_under(&overrides),
            format!("{environment}{usual}{settings}")
        );
    }
}
