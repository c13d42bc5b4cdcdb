//! Noticing what changed in the store, without reading what did not.
//!
//! A folder whose time of change is the one that was taken down has the same trials
//! as then. Of those only the ones that may still run are looked at, and are read
//! where the times of their records have changed. A trial that is done is looked at
//! when something else in its folder's folder has changed; a record that somebody
//! edits in place after it is done is not noticed ([`Index::rebuild`]).

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use ablate_store::TrialFolder;
use rusqlite::Row;

use crate::entry::{Entry, is_done};
use crate::place::Place;
use crate::{Error, Index, Result, stamp};

/// Trials written at once: enough to be quick, few enough that others get a turn.
const BATCH: usize = 200;

type Sql<T> = rusqlite::Result<T>;

/// What refreshing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Trials that were read.
    pub read: usize,
    /// Trials that are gone.
    pub forgotten: usize,
}

/// Every folder of the store that may hold trials, with its mark.
pub(crate) fn look(store: &Path) -> Result<Vec<(Place, i64)>> {
    let mut found = Vec::new();
    if !store.is_dir() {
        return Ok(found);
    }
    for experiment in folders(store)? {
        for profile in folders(&store.join(&experiment))? {
            for search in [false, true] {
                let place = Place {
                    experiment: experiment.clone(),
                    profile: profile.clone(),
                    search,
                };
                let folder = place.within(store);
                if !search || folder.is_dir() {
                    found.push((place, stamp::of_folder(&folder)));
                }
            }
        }
    }
    Ok(found)
}

/// The names of the folders in `path`, hidden ones left out.
fn folders(path: &Path) -> Result<Vec<String>> {
    let failed = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A name that is not UTF-8 is none of ours.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let is_folder = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
            Ok(kind) => kind.is_dir(),
            Err(_) => false,
        };
        if is_folder && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// What is known of a trial.
struct Known {
    id: i64,
    revision: i64,
    stamp: i64,
    is_done: bool,
}

impl Index {
    /// The paths within the store of every folder that may hold trials, with `/`
    /// between.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn folders(&self) -> Result<Vec<String>> {
        let found = look(&self.store)?;
        Ok(found.iter().map(|(place, _)| place.path()).collect())
    }
}

/// Brings the index up to what was found.
pub(crate) fn refresh(index: &mut Index, found: &[(Place, i64)]) -> Sql<Refreshed> {
    let mut done = Refreshed::default();
    let known = known_folders(index)?;
    let store = index.store.clone();
    let there: HashSet<String> = found.iter().map(|(place, _)| place.path()).collect();
    let gone = known.iter().filter(|(path, _)| !there.contains(*path));
    let gone: Vec<i64> = gone.map(|(_, (id, _))| *id).collect();
    if !gone.is_empty() {
        done.forgotten += index.write(|writer| {
            let forgotten = gone.iter().map(|id| writer.forget_folder(*id));
            forgotten.sum::<Sql<usize>>()
        })?;
    }
    let mut watched = watched(index)?;
    let mut running = Vec::new();
    for (place, stamp) in found {
        let before = known.get(&place.path()).copied();
        let folder = place.within(&store);
        let is_same = before.is_some_and(|(_, before)| before == *stamp && before != stamp::NONE);
        let mut trials = match before {
            Some((id, _)) if is_same => watched.remove(&id).unwrap_or_default(),
            Some((id, _)) => known_trials(index, id)?,
            None => HashMap::new(),
        };
        // Of a folder that is the same, these are the trials that may still run.
        let names = match is_same {
            true => trials.keys().cloned().collect(),
            // It has gone since: the next refresh will see that.
            false => folders(&folder).unwrap_or_default(),
        };
        let mut changed = Vec::new();
        for name in names {
            let trial = folder.join(&name);
            let known = trials.remove(&name);
            if known.as_ref().is_none_or(|known| !known.is_done)
                && TrialFolder::open(&trial).is_locked()
            {
                running.push((place.clone(), name.clone()));
            }
            let revision = known.as_ref().map(|known| known.revision);
            let is_new = known.is_none_or(|known| {
                known.stamp == stamp::NONE || known.stamp != stamp::of_trial(&trial, known.is_done)
            });
            if is_new {
                changed.push((name, revision));
            }
        }
        for names in changed.chunks(BATCH) {
            // Read before the transaction, which keeps others waiting.
            let read = names
                .iter()
                .map(|(name, _)| Entry::read(&folder.join(name)));
            let read: Vec<_> = read.collect();
            done.read += read.iter().flatten().count();
            index.write(|writer| {
                for ((name, revision), entry) in names.iter().zip(&read) {
                    // What a run has written meanwhile is newer than what was read.
                    if writer.revision(place, name)? != *revision {
                        continue;
                    }
                    match entry {
                        Some(entry) => writer.put(place, entry)?,
                        None => writer.forget(place, name)?,
                    }
                }
                Ok(())
            })?;
        }
        if !is_same {
            done.forgotten += trials.len();
            index.write(|writer| {
                let mut gone = trials.values();
                gone.try_for_each(|known| writer.forget_id(known.id))?;
                writer.looked_through(place, *stamp)
            })?;
        }
    }
    if done.forgotten > 0 {
        index.write(|writer| writer.forget_unused())?;
    }
    note_running(index, &running)?;
    Ok(done)
}

fn known_folders(index: &Index) -> Sql<HashMap<String, (i64, i64)>> {
    let mut folders = index
        .connection
        .prepare("SELECT path, id, stamp FROM folders")?;
    let folders = folders.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    folders.collect()
}

/// The trials that may still run, by folder and name.
fn watched(index: &Index) -> Sql<HashMap<i64, HashMap<String, Known>>> {
    let select = "SELECT name, id, stamp, status, revision, folder FROM trials
                  WHERE status NOT IN ('finished', 'diverged')";
    let mut trials = index.connection.prepare(select)?;
    let mut trials = trials.query([])?;
    let mut found: HashMap<i64, HashMap<String, Known>> = HashMap::new();
    while let Some(row) = trials.next()? {
        let of_folder = found.entry(row.get(5)?).or_default();
        of_folder.insert(row.get(0)?, known(row)?);
    }
    Ok(found)
}

/// The trials of a folder by name.
fn known_trials(index: &Index, folder: i64) -> Sql<HashMap<String, Known>> {
    let select = "SELECT name, id, stamp, status, revision FROM trials WHERE folder = ?1";
    let mut trials = index.connection.prepare(select)?;
    let trials = trials.query_map([folder], |row| Ok((row.get(0)?, known(row)?)))?;
    trials.collect()
}

fn known(row: &Row) -> Sql<Known> {
    Ok(Known {
        id: row.get(1)?,
        revision: row.get(4)?,
        stamp: row.get(2)?,
        is_done: is_done(row.get_ref(3)?.as_str()?),
    })
}

fn note_running(index: &Index, running: &[(Place, String)]) -> Sql<()> {
    index.connection.execute("DELETE FROM running", [])?;
    let mut note = index.connection.prepare(
        "INSERT INTO running SELECT t.id FROM trials t JOIN folders f ON f.id = t.folder
         WHERE f.path = ?1 AND t.name = ?2 AND t.status NOT IN ('finished', 'diverged')",
    )?;
    for (place, name) in running {
        note.execute([&place.path(), name])?;
    }
    Ok(())
}
