//! What finished models say and look like, in the manner of the paper's Figs. 3
//! and 4: pictures made from the trials' outputs.
//!
//! Shown are the treatment and the baseline, each by one trial, the first that
//! kept its outputs; numbers over seeds say so. A variant that averages others has
//! no pictures of its own.

mod chroma;
mod confusion;
mod filters;
mod pixels;
mod predictions;
mod retrieval;
mod sort;
mod subject;

use ablate_store::Experiment;

pub(crate) use retrieval::Summary;

use crate::picture::{Page, png, svg};
use crate::table::Table;
use crate::trials::Trials;
use crate::{Error, Result};

/// The names of all figures there can be; a file is named after its figure.
pub(crate) const NAMES: [&str; 5] = [
    filters::NAME,
    chroma::NAME,
    predictions::NAME,
    retrieval::NAME,
    confusion::NAME,
];

/// A picture that a report shows besides its curves.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its files without the ending: `filters`.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// How to read it.
    pub caption: String,
    page: Page,
}

/// All that a report says of the trials' outputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// The pictures there are data for.
    pub(crate) pictures: Vec<Figure>,
    /// Classes most often taken for another, where they are too many for a picture.
    pub(crate) confused: Option<Table>,
    /// How well the last hidden layer finds images of a class.
    pub(crate) retrieval: Option<Summary>,
    /// What a reader must know besides.
    pub(crate) notes: Vec<String>,
}

impl Figure {
    fn new(name: &'static str, title: &'static str, caption: String, page: Page) -> Self {
        Self {
            name,
            title,
            caption,
            page,
        }
    }

    /// The figure as a vector picture.
    ///
    /// # Errors
    /// It cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        svg(&self.captioned())
    }

    /// The figure as a vector picture, for a page that has the caption as text.
    pub(crate) fn plain_svg(&self) -> Result<String> {
        svg(&self.page)
    }

    /// The figure as a bitmap.
    ///
    /// # Errors
    /// It cannot be drawn or encoded.
    pub fn png(&self) -> Result<Vec<u8>> {
        png(&self.captioned())
    }

    /// With the caption below what is drawn.
    fn captioned(&self) -> Page {
        let mut page = self.page.clone();
        page.caption(&self.caption);
        page
    }
}

impl Figures {
    /// The figures that the trials' outputs allow.
    ///
    /// # Errors
    /// A file of outputs cannot be read or is damaged.
    pub(crate) fn new(experiment: &Experiment, trials: &Trials) -> Result<Self> {
        // Names are measured as they are laid out.
        crate::picture::style::load_font().map_err(Error::draw("SVG"))?;
        let (subjects, mut notes) = subject::subjects(&experiment.claim, trials)?;
        let retrieval = Summary::new(&subjects, trials);
        notes.extend(retrieval.as_ref().map(Summary::text));
        let pictures = [
            filters::figure(&subjects),
            chroma::figure(&experiment.claim, trials),
            predictions::figure(&subjects),
            retrieval::figure(&subjects),
            confusion::figure(&subjects),
        ];
        Ok(Self {
            pictures: pictures.into_iter().flatten().collect(),
            confused: confusion::table(&subjects),
            retrieval,
            notes,
        })
    }
}

#[cfg(test)]
mod tests;
