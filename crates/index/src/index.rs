//! The index file: opened, mended, done without.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::entry::Entry;
use crate::error::{Remedy, remedy};
use crate::place::Place;
use crate::write::Writer;
use crate::{Error, Refreshed, Result, refresh, schema};

/// The index's file in the store.
pub const FILE: &str = "index.sqlite";

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

type Sql<T> = rusqlite::Result<T>;

/// The index over one run store.
///
/// Several processes may use it at once. One that is damaged begins again; one that
/// cannot be written is replaced by one in memory. Either is said in
/// [`notes`](Self::take_notes).
pub struct Index {
    pub(crate) store: PathBuf,
    pub(crate) connection: Connection,
    /// No file holds it.
    in_memory: bool,
    notes: Vec<String>,
}

impl Index {
    /// Opens the index of the folder `store` and brings it up to date. A store that
    /// does not exist has no trials, and is not created.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn open(store: &Path) -> Result<Self> {
        let mut index = match store.is_dir() {
            true => match Self::on_disk(store) {
                Ok(index) => index,
                Err(Error::Sqlite { source, .. }) => {
                    let mut index = Self::in_memory(store)?;
                    index.note_unwritable(&source);
                    index
                }
                Err(error) => return Err(error),
            },
            false => Self::in_memory(store)?,
        };
        index.refresh()?;
        Ok(index)
    }

    /// Opens it to [`record`](Self::record) trials, and looks at none. Where it
    /// cannot be written that is an error.
    ///
    /// # Errors
    /// The file cannot be opened or written.
    pub fn to_record(store: &Path) -> Result<Self> {
        Self::on_disk(store)
    }

    /// Reads every trial's folder again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn rebuild(&mut self) -> Result<Refreshed> {
        self.mended(|index| index.reset().map_err(|error| index.failed(error)))?;
        self.refresh()
    }

    /// Notices what was added, removed or changed in the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn refresh(&mut self) -> Result<Refreshed> {
        let found = refresh::look(&self.store)?;
        self.mended(|index| {
            let done = refresh::refresh(index, &found);
            done.map_err(|error| index.failed(error))
        })
    }

    /// Takes down how the trial in `folder` stands; one that is gone is forgotten.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn record(&mut self, folder: &Path) -> Result<()> {
        let within = folder.strip_prefix(&self.store).ok();
        let place = within.and_then(Path::parent).and_then(Place::of);
        let (Some(place), Some(name)) = (place, folder.file_name().and_then(|n| n.to_str())) else {
            return Ok(());
        };
        let entry = Entry::read(folder);
        self.repaired(|index| {
            index.write(|writer| match &entry {
                Some(entry) => writer.put(&place, entry),
                None => writer.forget(&place, name),
            })
        })
    }

    /// What there is to say of the index itself, once.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// The store's folder.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Writes in one transaction.
    pub(crate) fn write<T>(&mut self, write: impl FnOnce(&mut Writer) -> Sql<T>) -> Sql<T> {
        // At once, not on the first write: two that read first could not both go on.
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let result = write(&mut Writer::new(&transaction)?)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Does it; where that shows the index to be damaged, builds it again, and where
    /// it cannot be written, one in memory, and does it once more: all of it, since what
    /// was looked up in the index before need not hold in the next.
    pub(crate) fn mended<T>(&mut self, act: impl Fn(&mut Self) -> Result<T>) -> Result<T> {
        match act(self) {
            Err(Error::Sqlite { source, .. }) => self.mend(&source)?,
            done => return done,
        }
        act(self)
    }

    /// Makes a good index of one that gave this error.
    fn mend(&mut self, error: &rusqlite::Error) -> Result<()> {
        if remedy(error) == Remedy::Reset || self.in_memory {
            self.begin_again(error)?;
        } else {
            self.connection = Self::in_memory(&self.store)?.connection;
            self.in_memory = true;
            self.note_unwritable(error);
        }
        let found = refresh::look(&self.store)?;
        refresh::refresh(self, &found).map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// As [`mended`](Self::mended), but neither builds it again nor does without:
    /// for those who train and must not wait.
    fn repaired<T>(&mut self, act: impl Fn(&mut Self) -> Sql<T>) -> Result<T> {
        match act(self) {
            Ok(done) => Ok(done),
            Err(error) if remedy(&error) == Remedy::Reset => {
                self.begin_again(&error)?;
                act(self).map_err(|error| self.failed(error))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn on_disk(store: &Path) -> Result<Self> {
        let mut index = Self::of_file(store)?;
        match index.prepare() {
            Ok(()) => {}
            Err(error) if remedy(&error) == Remedy::Reset => index.begin_again(&error)?,
            Err(error) => return Err(index.failed(error)),
        }
        Ok(index)
    }

    /// Opens the file and reads nothing yet.
    fn of_file(store: &Path) -> Result<Self> {
        let path = store.join(FILE);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags);
        Ok(Self {
            store: store.to_path_buf(),
            connection: connection.map_err(|source| Error::Sqlite { path, source })?,
            in_memory: false,
            notes: Vec::new(),
        })
    }

    fn in_memory(store: &Path) -> Result<Self> {
        let connection = Connection::open_in_memory().map_err(|source| Error::Sqlite {
            path: store.join(FILE),
            source,
        })?;
        let mut index = Self {
            store: store.to_path_buf(),
            connection,
            in_memory: true,
            notes: Vec::new(),
        };
        index.prepare().map_err(|error| index.failed(error))?;
        Ok(index)
    }

    /// Makes the tables where there are none yet.
    fn prepare(&mut self) -> Sql<()> {
        self.connection.busy_timeout(PATIENCE)?;
        let version = "PRAGMA user_version";
        let version: i64 = self.connection.query_row(version, [], |row| row.get(0))?;
        if version != schema::VERSION && !self.make_tables()? {
            self.notes.push(format!(
                "{}: written by another version of this program; reading every trial's folder again",
                self.path().display()
            ));
            return self.reset();
        }
        self.settle()
    }

    /// Makes the tables, unless there are some; whether they are ours.
    fn make_tables(&mut self) -> Sql<bool> {
        if !self.in_memory {
            self.use_wal()?;
        }
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = transaction.query_row(tables, [], |row| row.get(0))?;
        if tables == 0 {
            transaction.execute_batch(schema::TABLES)?;
            transaction.pragma_update(None, "user_version", schema::VERSION)?;
        }
        // Another process may have made them in between.
        let version = "PRAGMA user_version";
        let version: i64 = transaction.query_row(version, [], |row| row.get(0))?;
        transaction.commit()?;
        Ok(version == schema::VERSION)
    }

    /// What holds for a connection and is not in the file.
    fn settle(&mut self) -> Sql<()> {
        self.connection
            .pragma_update(None, "synchronous", "NORMAL")?;
        self.connection.execute_batch(schema::RUNNING)
    }

    /// Readers and one writer at once. Changing to it takes the whole file for a
    /// moment, and SQLite does not wait for that by itself.
    fn use_wal(&self) -> Sql<()> {
        let mut waited = Duration::ZERO;
        loop {
            let wal = "PRAGMA journal_mode = WAL";
            let mode = self.connection.query_row(wal, [], |_| Ok(()));
            let is_busy = mode.as_ref().is_err_and(|error| {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
            });
            if !is_busy || patience_ends(&mut waited) {
                return mode;
            }
        }
    }

    /// Begins a damaged index again, and says so.
    fn begin_again(&mut self, error: &rusqlite::Error) -> Result<()> {
        let path = self.path();
        self.notes.push(format!(
            "{}: damaged ({error}); reading every trial's folder again",
            path.display()
        ));
        if self.reset().is_ok() {
            return Ok(());
        }
        // The last resort: another process that has it open keeps a file without a
        // name, and at worst this one is damaged again.
        let notes = std::mem::take(&mut self.notes);
        let in_memory = self.in_memory;
        *self = Self::in_memory(&self.store)?;
        if !in_memory {
            for ending in ["", "-wal", "-shm"] {
                let mut name = path.clone().into_os_string();
                name.push(ending);
                // What cannot be removed shows when it is opened.
                let _ = fs::remove_file(name);
            }
            *self = Self::of_file(&self.store)?;
            self.prepare().map_err(|error| self.failed(error))?;
        }
        self.notes = notes;
        Ok(())
    }

    /// Empties the file, whatever is in it. SQLite does that under its own locks, so
    /// other processes may have it open, which deleting the file would not allow.
    fn reset(&mut self) -> Sql<()> {
        let connection = &self.connection;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true)?;
        let emptied = connection.execute_batch("VACUUM");
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false)?;
        emptied?;
        self.make_tables()?;
        self.settle()
    }

    fn note_unwritable(&mut self, error: &rusqlite::Error) {
        self.notes.push(format!(
            "{}: the index cannot be used ({error}); reading every trial's folder instead",
            self.path().display()
        ));
    }

    fn path(&self) -> PathBuf {
        self.store.join(FILE)
    }

    pub(crate) fn failed(&self, source: rusqlite::Error) -> Error {
        Error::Sqlite {
            path: self.path(),
            source,
        }
    }
}

/// Waits a moment; whether patience is at its end.
fn patience_ends(waited: &mut Duration) -> bool {
    let pause = Duration::from_millis(10);
    if *waited >= PATIENCE {
        return true;
    }
    std::thread::sleep(pause);
    *waited += pause;
    false
}
