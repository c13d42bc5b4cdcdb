//! The tables `[ensembles.NAME]`: variants that average others.

use std::collections::BTreeMap;
use std::path::Path;

use ablate_core::nearest;
use ablate_store::Ensemble;
use figment::value::Dict;
use serde_json::{Value, json};

use super::file::{as_dict, typed};
use crate::{Error, Result};

/// Reads the tables with the changes of a profile.
///
/// # Errors
/// A change to an ensemble there is not, a name that a variant has, a variant
/// there is not, a group of fewer than two, or an unknown key.
pub(super) fn read(
    path: &Path,
    tables: &Dict,
    (profile, changes): (&str, &Dict),
    variants: &[&str],
) -> Result<BTreeMap<String, Ensemble>> {
    if let Some(unknown) = changes.keys().find(|name| !tables.contains_key(*name)) {
        let key = format!("profiles.{profile}.ensembles.{unknown}");
        let fix = nearest(unknown, tables.keys().map(String::as_str));
        return Err(Error::config(
            path.display(),
            key,
            "there is no such ensemble",
            fix,
        ));
    }
    let mut ensembles = BTreeMap::new();
    for (name, table) in tables {
        let key = format!("ensembles.{name}");
        let mut keys = as_dict(path, &key, table.clone())?;
        if let Some(changes) = changes.get(name) {
            let key = format!("profiles.{profile}.ensembles.{name}");
            keys.extend(as_dict(path, &key, changes.clone())?);
        }
        if variants.contains(&name.as_str()) {
            let fix = "give the ensemble another name".to_string();
            return Err(Error::config(
                path.display(),
                key,
                "a variant has that name",
                fix,
            ));
        }
        let ensemble: Ensemble = typed(path, &key, &keys)?;
        if !variants.contains(&ensemble.of.as_str()) {
            let fix = nearest(&ensemble.of, variants.iter().copied());
            let problem = format!("there is no variant `{}`", ensemble.of);
            return Err(Error::config(
                path.display(),
                format!("{key}.of"),
                problem,
                fix,
            ));
        }
        if ensemble.size < 2 {
            let problem = format!("a group of {} averages nothing", ensemble.size);
            let fix = "give 2 or more".to_string();
            return Err(Error::config(
                path.display(),
                format!("{key}.size"),
                problem,
                fix,
            ));
        }
        ensembles.insert(name.clone(), ensemble);
    }
    Ok(ensembles)
}

/// What each ensemble does, as a report lists the changes of variants.
pub(crate) fn differences(
    ensembles: &BTreeMap<String, Ensemble>,
) -> Vec<(String, BTreeMap<String, Value>)> {
    let changes = |ensemble: &Ensemble| {
        BTreeMap::from([
            ("ensemble.of".to_string(), json!(ensemble.of)),
            ("ensemble.size".to_string(), json!(ensemble.size)),
        ])
    };
    let named = ensembles.iter();
    named
        .map(|(name, ensemble)| (name.clone(), changes(ensemble)))
        .collect()
}
