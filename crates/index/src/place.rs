//! Where a trial lies in the store.

use std::path::{Component, Path, PathBuf};

use ablate_store::SEARCH;

/// The folder of an experiment under a profile, or of its search.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub experiment: String,
    pub profile: String,
    pub search: bool,
}

impl Place {
    /// From a path within the store; `None` where it is no such folder's.
    pub fn of(path: &Path) -> Option<Self> {
        let parts: Option<Vec<&str>> = path
            .components()
            .map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        let place = |experiment: &str, profile: &str, search| Self {
            experiment: experiment.to_string(),
            profile: profile.to_string(),
            search,
        };
        match parts?[..] {
            [experiment, profile] => Some(place(experiment, profile, false)),
            [experiment, profile, SEARCH] => Some(place(experiment, profile, true)),
            _ => None,
        }
    }

    /// The path within the store, with `/` between: `pooling/quick/search`.
    pub fn path(&self) -> String {
        path(&self.experiment, &self.profile, self.search).concat()
    }

    /// The folder on disk.
    pub fn within(&self, store: &Path) -> PathBuf {
        let path = store.join(&self.experiment).join(&self.profile);
        match self.search {
            true => path.join(SEARCH),
            false => path,
        }
    }
}

/// The pieces of a path within the store, of a folder of trials.
pub(crate) fn path<'a>(experiment: &'a str, profile: &'a str, search: bool) -> [&'a str; 5] {
    let [slash, search] = match search {
        true => ["/", SEARCH],
        false => [""; 2],
    };
    [experiment, "/", profile, slash, search]
}
