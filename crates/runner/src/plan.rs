//! Variants times seeds, before anything is trained.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ablate_core::{DataContext, Dataset, Split, registry};
use ablate_store::{Experiment, ExperimentFolder, trial_name};

use crate::config::{Choice, Hashes, TrialConfig};
use crate::outline::Outline;
use crate::remembered::Remembered;
use crate::{Error, Pipeline, PlannedGroup, Result, check, memory};

/// A trial that may or may not have run.
#[derive(Clone, Debug)]
pub struct PlannedTrial {
    /// The variant's name.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// Content hash over config and seed.
    pub hash: String,
    /// Everything it depends on.
    pub config: TrialConfig,
    /// In a search, what is tried: `optimiser.lr = 0.01`.
    pub tries: Option<String>,
    /// In a search, the same trial with fewer epochs, from which it may go on.
    pub continues: Option<Shorter>,
}

/// A trial that is another with fewer epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shorter {
    /// Its content hash.
    pub hash: String,
    /// Its epochs.
    pub epochs: usize,
}

impl PlannedTrial {
    /// A trial of no search; `hashes` are those of its config.
    pub(crate) fn new(variant: &str, seed: u64, hashes: &Hashes, config: TrialConfig) -> Self {
        Self {
            variant: variant.to_string(),
            seed,
            hash: hashes.of(seed),
            config,
            tries: None,
            continues: None,
        }
    }

    /// The name of its folder, which no other trial of a plan has.
    pub fn folder_name(&self) -> String {
        trial_name(&self.variant, self.seed, &self.hash)
    }
}

/// What the trials of a plan are for, and so where they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To answer the claim.
    Claim,
    /// To choose a value that the trials for the claim then use.
    Search,
}

/// Where the trials of a plan will run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// In this process.
    Here,
    /// As tasks of a batch system, on machines that may have GPUs where this has none.
    Elsewhere,
}

/// What a run will do.
pub struct Plan {
    /// The claim and the variants.
    pub experiment: Experiment,
    /// The trials. Seeds come first: after any number of trials the variants are
    /// as evenly done as can be.
    pub trials: Vec<PlannedTrial>,
    /// What they are for.
    pub purpose: Purpose,
    pub(crate) datasets: Arc<Datasets>,
}

/// What is known of a plan's networks before any is trained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Learned values by variant.
    pub parameters: Vec<(String, usize)>,
    /// Bytes that the largest trial takes, about.
    pub memory: u64,
}

impl Plan {
    /// Builds everything but trains nothing, so that a mistake in the last
    /// variant shows before the first is trained.
    ///
    /// # Errors
    /// Whatever a plugin says to its config or its data; or there is no such device.
    pub fn check(&self, site: Site) -> Result<Checked> {
        let mut checked = Checked::default();
        let mut seen = HashSet::new();
        let mut outlines: HashMap<_, Outline> = HashMap::new();
        for trial in &self.trials {
            // Seeds change nothing that can be wrong.
            if !seen.insert((&trial.variant, &trial.tries)) {
                continue;
            }
            let config = &trial.config;
            let outline = match outlines.entry(network(config)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.outline(config, site)?),
            };
            registry::optimiser(&config.optimiser.name, &config.optimiser.config, &[])
                .map_err(|error| in_table("optimiser", error))?;
            let schedule = registry::schedule(&config.schedule.name, &config.schedule.config)
                .map_err(|error| in_table("schedule", error))?;
            check::schedule(config, schedule.as_ref())?;
            check::claim(&self.experiment.claim, config)?;
            let mut known = checked.parameters.iter();
            if known.all(|(variant, _)| *variant != trial.variant) {
                let count = outline.parameters();
                checked.parameters.push((trial.variant.clone(), count));
            }
            checked.memory = checked.memory.max(memory::of_trial(config, outline));
        }
        Ok(checked)
    }

    /// Builds a trial's input and network, but for the values.
    fn outline(&self, config: &TrialConfig, site: Site) -> Result<Outline> {
        config.machine.device.check(site)?;
        let data = self.dataset(&config.data)?;
        for split in [Split::Train, Split::Validation] {
            if data.len(split) == 0 {
                let split = format!("{split:?}").to_lowercase();
                return Err(Error::config(
                    "the configuration",
                    "data",
                    format!("`{}` has no {split} images", config.data.name),
                    "give it images of both splits; `cargo xtask describe` has its keys",
                ));
            }
        }
        let pipeline = Pipeline::build(&config.augmentation, data.as_ref())?;
        Outline::of(
            &config.model,
            pipeline.output_shape(),
            data.info().classes.len(),
            config.machine.workers,
        )
    }

    /// Where its trials lie in a run store; created if need be.
    pub(crate) fn folder(&self, store: &Path) -> Result<ExperimentFolder> {
        Ok(match self.purpose {
            Purpose::Claim => ExperimentFolder::create(store, &self.experiment)?,
            Purpose::Search => ExperimentFolder::search(store, &self.experiment)?,
        })
    }

    /// Where its trials lie in a run store. Creates nothing.
    pub fn path(&self, store: &Path) -> PathBuf {
        self.located(store).path().to_path_buf()
    }

    /// As [`path`](Self::path), to read what lies there.
    pub(crate) fn located(&self, store: &Path) -> ExperimentFolder {
        ExperimentFolder::locate(store, &self.experiment, self.purpose == Purpose::Search)
    }

    /// The groups of trials that the ensembles average.
    pub fn groups(&self) -> Vec<PlannedGroup<'_>> {
        PlannedGroup::all(&self.experiment, &self.trials)
    }

    /// The data set of a trial; opened once for all trials that use it.
    ///
    /// # Errors
    /// The data is missing or damaged.
    pub fn dataset(&self, choice: &Choice) -> Result<Arc<dyn Dataset>> {
        self.datasets.get(choice)
    }
}

/// Open data sets by name and config.
pub(crate) struct Datasets {
    cx: DataContext,
    open: Mutex<HashMap<String, Arc<dyn Dataset>>>,
}

impl Datasets {
    /// None is open yet; `cx` says where their files may lie.
    pub fn new(cx: DataContext) -> Self {
        Self {
            cx,
            open: Mutex::default(),
        }
    }

    pub fn get(&self, choice: &Choice) -> Result<Arc<dyn Dataset>> {
        let key = format!("{} {}", choice.name, choice.config);
        // A panic while opening leaves the map as it was.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = open.get(&key) {
            return Ok(Arc::clone(data));
        }
        let data = registry::dataset(&choice.name, &choice.config, &self.cx)
            .map_err(|error| in_table("data", error))?;
        let data: Arc<dyn Dataset> = Arc::new(Remembered::new(data));
        open.insert(key, Arc::clone(&data));
        Ok(data)
    }
}

/// What a trial's input and network depend on, and thousands of a search's trials
/// share.
fn network(config: &TrialConfig) -> impl Hash + Eq + '_ {
    let input = (&config.data, &config.augmentation);
    (
        &config.model,
        input,
        config.machine.workers,
        config.machine.device,
    )
}

/// Puts a plugin's complaint about its own key into the words of the config.
pub(crate) fn in_table(table: &str, error: ablate_core::Error) -> Error {
    match error {
        ablate_core::Error::BadValue { key, problem, fix } => {
            Error::config("the configuration", format!("{table}.{key}"), problem, fix)
        }
        other => Error::Plugin(other),
    }
}
