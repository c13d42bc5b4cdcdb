//! From stored trials to a table, curves and a verdict on the paper's claim.
//!
//! ```text
//! FOLDER/report.html  everything, as one page that needs nothing else
//!       /report.md    verdict, effect, table, setting, the rule
//!       /table.csv    one row a variant, for other programs (RFC 4180)
//!       /table.tex    the table for a paper (booktabs)
//!       /curves.*     learning curves, as the paper's Fig. 1; SVG and PNG
//!       /filters.*    the first convolution's filters, as Fig. 3
//!       /chroma.*     how colourful these are, tower by tower
//!       /predictions.*   the most probable classes of some images, as Fig. 4, left
//!       /retrieval.*  nearest images in the last hidden layer, as Fig. 4, right
//!       /confusion.*  which classes are taken for which
//!       /report.json  every number, to six significant digits
//! ```
//!
//! The same trials give the same bytes. This crate trains nothing and must never
//! know the runner or a plugin: whatever it shows was stored by the time it runs.

mod curves;
mod details;
pub mod effect;
mod error;
mod figures;
mod html;
mod json;
mod markdown;
mod notes;
pub mod number;
mod pair;
pub mod picture;
pub mod reading;
mod report;
mod results;
mod search;
mod side;
pub mod statistics;
mod summary;
mod table;
mod terminal;
mod text;
mod trials;
pub mod verdict;

#[cfg(test)]
mod fixture;

use std::path::Path;

use ablate_store::{Experiment, Trial};

pub use effect::{Bound, Effect, Estimate, Pair};
pub use error::{Error, Result};
pub use figures::Figure;
pub use reading::Reading;
pub use report::{FILES, Finding, Report};
pub use results::{Entry, results};
pub use summary::{EnsembleSummary, Role, Setting, VariantSummary};
pub use trials::Counts;
pub use verdict::{Judgement, Verdict};

/// Makes the report of an experiment's trials (variants by seeds) and writes its
/// files into `folder`, which is created if need be. `command` is shown as what makes
/// the report again.
///
/// # Errors
/// Two different trials for one variant and seed, a claim about a variant that
/// does not exist, a damaged file of outputs, or a folder that cannot be written.
pub fn write(
    experiment: &Experiment,
    trials: &[Trial],
    folder: &Path,
    command: &str,
) -> Result<Report> {
    let report = Report::new(experiment, trials)?;
    report.write(folder, command)?;
    Ok(report)
}
