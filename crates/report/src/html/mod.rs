//! The report as one page that needs nothing else: `report.html`.
//!
//! `page.html` is the frame, `style.css`, `page.js` and `curves.js` go into it whole;
//! `sections` writes what is between, of parts that `markup` keeps well formed.

mod curves;
mod effect_plot;
pub(crate) mod markup;
mod sections;

use crate::Result;
use crate::report::Report;
use markup::{Markup, fill};

/// The page. `command` is what a reader types to make the report again.
///
/// # Errors
/// A picture cannot be drawn.
pub(crate) fn render(report: &Report, command: &str) -> Result<String> {
    let title = format!("{}: {}", report.experiment.title, report.verdict());
    let script = concat!(include_str!("page.js"), include_str!("curves.js"));
    let data = curves::data(&report.details.curves, &report.curves);
    let parts = [
        ("title", title.into()),
        ("style", Markup::trusted(include_str!("style.css"))),
        ("body", sections::all(report, command)?),
        ("curves", Markup::json(&data)),
        ("script", Markup::trusted(script)),
    ];
    Ok(fill(include_str!("page.html"), &parts))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod well_formed;
