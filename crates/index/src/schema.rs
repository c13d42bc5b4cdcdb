//! The tables of the index.

/// Changed with the tables: an index of another version is built again.
pub(crate) const VERSION: i64 = 1;

/// Trials that differ in the seed alone share a config. A setting's value has no
/// declared type, so that numbers compare as numbers and text as text. A trial's
/// revision counts how often it was written.
pub(crate) const TABLES: &str = "
CREATE TABLE folders(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    experiment TEXT NOT NULL,
    profile TEXT NOT NULL,
    search INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    UNIQUE(experiment, profile, search)
);
CREATE TABLE trials(
    id INTEGER PRIMARY KEY,
    folder INTEGER NOT NULL,
    name TEXT NOT NULL,
    variant TEXT NOT NULL,
    seed INTEGER NOT NULL,
    hash TEXT NOT NULL,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    epochs INTEGER NOT NULL,
    budget INTEGER,
    parameters INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    bytes INTEGER NOT NULL,
    best REAL,
    last REAL,
    config INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    UNIQUE(folder, name)
);
CREATE INDEX trials_in_order ON trials(folder, variant, seed, name);
CREATE INDEX trials_by_name ON trials(name);
CREATE INDEX trials_by_hash ON trials(hash);
CREATE INDEX trials_to_watch ON trials(folder) WHERE status NOT IN ('finished', 'diverged');
CREATE TABLE configs(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE);
CREATE TABLE keys(
    id INTEGER PRIMARY KEY,
    metric INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE(metric, name)
);
CREATE TABLE settings(
    key INTEGER NOT NULL,
    config INTEGER NOT NULL,
    value,
    PRIMARY KEY(key, config)
) WITHOUT ROWID;
CREATE TABLE metrics(
    key INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    last REAL NOT NULL,
    least REAL NOT NULL,
    greatest REAL NOT NULL,
    PRIMARY KEY(key, trial)
) WITHOUT ROWID;
";

/// Trials that some process holds now; each connection's own.
pub(crate) const RUNNING: &str =
    "CREATE TEMP TABLE IF NOT EXISTS running(trial INTEGER PRIMARY KEY)";
