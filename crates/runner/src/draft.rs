//! An experiment under a profile, before it is known what its search chooses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ablate_core::{DataContext, Dataset, DatasetInfo, Split};
use ablate_store::{Experiment, Trial};

use crate::config::{
    ExperimentFile, Hashes, Layer, Resolved, TrialConfig, Variant, differences,
    ensemble_differences,
};
use crate::plan::{Datasets, Plan, PlannedTrial, Purpose};
use crate::search::Search;
use crate::{Error, Pipeline, Result, check};

/// From here to the [`Plan`] whose trials answer the claim: run the plan of the
/// [`search`](Self::search), if there is one, and give its trials to
/// [`plan`](Self::plan).
pub struct Draft {
    file: PathBuf,
    experiment: Experiment,
    seeds: u64,
    variants: Vec<Variant>,
    search: Option<Search>,
    datasets: Arc<Datasets>,
}

impl Draft {
    /// Reads an experiment file.
    ///
    /// `settings` are `key=value` texts over every variant; `seeds` overrides the
    /// profile's number; `cx` says where data may lie.
    ///
    /// # Errors
    /// A config is wrong, settings make two variants the same, or there is no group of an
    /// ensemble.
    pub fn read(
        path: &Path,
        profile: Option<&str>,
        settings: &[String],
        seeds: Option<u64>,
        cx: DataContext,
    ) -> Result<Self> {
        let settings = settings
            .iter()
            .map(|text| Layer::setting(text))
            .collect::<Result<Vec<_>>>()?;
        let file = ExperimentFile::read(path)?;
        let resolved: Resolved = file.resolve(profile, &settings)?;
        let seeds = seeds.unwrap_or(resolved.seeds);
        let search = match resolved.search {
            None => None,
            Some(table) => Some(Search::new(path, table, &resolved.variants, seeds)?),
        };
        let draft = Self {
            file: path.to_path_buf(),
            experiment: resolved.experiment,
            seeds,
            variants: resolved.variants,
            search,
            datasets: Arc::new(Datasets::new(cx)),
        };
        refuse_twins(&draft.configs(&[])?)?;
        check::ensembles(path, &draft.experiment, seeds)?;
        Ok(draft)
    }

    /// The next trials of the search, after those in `done`: a round of it. `None`
    /// where there is no search, or none of it is left.
    ///
    /// # Errors
    /// No candidate of a variant is left.
    pub fn search(&self, done: &[Trial]) -> Result<Option<Plan>> {
        let Some(search) = &self.search else {
            return Ok(None);
        };
        let round = search.next(done)?;
        round
            .map(|trials| self.searching(search, trials))
            .transpose()
    }

    /// The rounds of the search as far as they can be told before any has run: their
    /// trials are as many and as long as will be trained.
    ///
    /// # Errors
    /// A config that cannot be resolved.
    pub fn foreseen(&self) -> Result<Vec<Plan>> {
        let Some(search) = &self.search else {
            return Ok(Vec::new());
        };
        let rounds = search.foreseen().into_iter();
        rounds
            .map(|trials| self.searching(search, trials))
            .collect()
    }

    /// What the store holds of the search's trials, round by round up to the first
    /// that is not done. Trains nothing.
    ///
    /// # Errors
    /// The store cannot be read, or as for [`search`](Self::search).
    pub fn searched(&self, store: &Path) -> Result<Vec<Trial>> {
        let mut done = Vec::new();
        while let Some(round) = self.search(&done)? {
            let (_, found) = crate::run::stored(&round, store)?;
            let is_whole = found.len() == round.trials.len();
            let is_done = is_whole && found.iter().all(|trial| trial.status.is_done());
            done.extend(found);
            if !is_done {
                break;
            }
        }
        Ok(done)
    }

    fn searching(&self, search: &Search, trials: Vec<PlannedTrial>) -> Result<Plan> {
        let mut experiment = self.experiment.clone();
        // These trials answer which candidate is best, not the claim.
        experiment.claim.measure = search.by().clone();
        experiment.claim.also.clear();
        experiment.ensembles.clear();
        experiment.variants = differences(&self.configs(&[])?);
        Ok(Plan {
            experiment,
            trials,
            purpose: Purpose::Search,
            datasets: Arc::clone(&self.datasets),
        })
    }

    /// The trials that answer the claim, given the trials of the search, if any.
    ///
    /// # Errors
    /// A trial of the search is missing, or none of a variant's candidates trains it.
    pub fn plan(&self, searched: &[Trial]) -> Result<Plan> {
        let found = match &self.search {
            None => None,
            Some(search) => Some(search.choose(searched)?),
        };
        let mut chosen = Vec::new();
        if let (Some(search), Some(found)) = (&self.search, &found) {
            for variant in &found.variants {
                let layer = search.table().choosing(&self.file, variant.choice())?;
                chosen.push((variant.variant.as_str(), layer));
            }
        }
        self.with(&self.configs(&chosen)?, found)
    }

    /// The plan of these configs.
    fn with(
        &self,
        configs: &[(String, TrialConfig)],
        found: Option<ablate_store::Search>,
    ) -> Result<Plan> {
        let mut experiment = self.experiment.clone();
        experiment.variants = differences(configs);
        experiment
            .variants
            .extend(ensemble_differences(&experiment.ensembles));
        experiment.search = found;
        let variants: Vec<_> = configs
            .iter()
            .map(|(variant, config)| (variant, config, config.hashes()))
            .collect();
        let trial = |seed, (variant, config, hashes): &(&String, &TrialConfig, Hashes)| {
            PlannedTrial::new(variant, seed, hashes, (*config).clone())
        };
        let trials = (0..self.seeds)
            .flat_map(|seed| variants.iter().map(move |variant| trial(seed, variant)))
            .collect();
        Ok(Plan {
            experiment,
            trials,
            purpose: Purpose::Claim,
            datasets: Arc::clone(&self.datasets),
        })
    }

    /// The trials as [`plan`](Self::plan) gives them, but for the value that a search
    /// would choose: to see how many they are and what they cost.
    ///
    /// # Errors
    /// A config is wrong.
    pub fn unsearched(&self) -> Result<Plan> {
        self.with(&self.configs(&[])?, None)
    }

    /// Each variant's config, before any search has chosen a value.
    ///
    /// # Errors
    /// A config is wrong.
    pub fn variants(&self) -> Result<Vec<(String, TrialConfig)>> {
        self.configs(&[])
    }

    /// What a trial's network sees: the shape `[C, H, W]` of an image at the end of
    /// its pipeline, and the number of classes. Reads a few images at most.
    ///
    /// # Errors
    /// The data is missing or damaged, or a step does not fit it.
    pub fn sight(&self, config: &TrialConfig) -> Result<([usize; 3], usize)> {
        let few = Few(self.datasets.get(&config.data)?);
        let pipeline = Pipeline::build(&config.augmentation, &few)?;
        Ok((pipeline.output_shape(), few.info().classes.len()))
    }

    /// Each variant's config, with the layer a search chose for it.
    fn configs(&self, chosen: &[(&str, Layer)]) -> Result<Vec<(String, TrialConfig)>> {
        let config = |variant: &Variant| {
            let own = chosen.iter().filter(|(name, _)| *name == variant.name);
            let layers: Vec<Layer> = own.map(|(_, layer)| layer.clone()).collect();
            Ok((variant.name.clone(), variant.config(&layers)?))
        };
        self.variants.iter().map(config).collect()
    }
}

/// The first images of a data set. A pipeline has the same shapes whatever it takes
/// its statistics over, and ImageNet takes hours to read.
struct Few(Arc<dyn Dataset>);

impl Dataset for Few {
    fn info(&self) -> &DatasetInfo {
        self.0.info()
    }

    fn len(&self, split: Split) -> usize {
        self.0.len(split).min(16)
    }

    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> ablate_core::Result<u32> {
        self.0.read(split, index, pixels)
    }
}

fn refuse_twins(variants: &[(String, TrialConfig)]) -> Result<()> {
    for (index, (name, config)) in variants.iter().enumerate() {
        if let Some((twin, _)) = variants[..index]
            .iter()
            .find(|(_, other)| other.hash(0) == config.hash(0))
        {
            return Err(Error::Other(format!(
                "the variants `{twin}` and `{name}` are the same\n  fix: drop the setting (`--set`, ABLATE__*) that overrides what they differ in"
            )));
        }
    }
    Ok(())
}
