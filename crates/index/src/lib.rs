//! The index over the run store: a SQLite file that answers which trials there are
//! without reading their folders.
//!
//! It is derived. The trials' folders are the truth; `STORE/index.sqlite` can be
//! deleted at any time and is built again. Whoever trains tells it of each trial
//! ([`Index::record`]); whatever else changed in the store is noticed by the times of
//! its folders ([`Index::refresh`]). It deletes nothing but its own rows, and must
//! never know how a trial is trained or how a table looks. It is a crate of its own
//! because SQLite is C that takes a while to build.

mod condition;
mod date;
mod entry;
mod error;
mod find;
mod index;
mod key;
mod line;
mod place;
mod query;
mod refresh;
mod row;
mod schema;
mod stamp;
mod write;

pub use condition::{Condition, Operand, Operator};
pub use date::{date, seconds};
pub use error::{Error, Result};
pub use index::{FILE, Index};
pub use line::Line;
pub use query::Query;
pub use refresh::Refreshed;
pub use row::{Details, Row};
