//! Which stored trials a command is about.

use ablate_index::{Condition, Query};

/// Filters; a trial must pass all of them.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Filter {
    /// Trials of this experiment.
    #[arg(long, value_name = "NAME")]
    pub experiment: Option<String>,
    /// Trials of this profile.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Trials that are `finished`, `diverged`, `failed`, `unfinished`, `running` in some
    /// process now, or `damaged`; several with commas.
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
    /// Trials whose key compares so: `optimiser.lr>=0.01`, `model.name=alexnet`,
    /// `validation.top1_error<0.3`.
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<Condition>,
    /// Also the trials of searches.
    #[arg(long)]
    pub searches: bool,
}

impl Filter {
    /// Whether it lets every trial pass.
    pub fn is_empty(&self) -> bool {
        self.experiment.is_none()
            && self.profile.is_none()
            && self.status.is_empty()
            && self.conditions.is_empty()
    }

    /// The question to the index.
    pub fn query(&self) -> Query {
        let named = [("experiment", &self.experiment), ("profile", &self.profile)];
        let named = named
            .iter()
            .filter_map(|(key, name)| Some(Condition::equal(key, name.as_ref()?)));
        Query {
            conditions: named.chain(self.conditions.iter().cloned()).collect(),
            statuses: self.status.clone(),
            searches: self.searches,
            ..Query::default()
        }
    }
}
