//! The report as a value: made from trials, rendered to files.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use ablate_store::{Claim, Experiment, Trial, atomic};

use crate::curves::Curves;
use crate::details::Details;
use crate::effect::Effect;
use crate::figures::{self, Figure, Figures};
use crate::statistics;
use crate::summary::{self, Setting, VariantSummary};
use crate::trials::Trials;
use crate::verdict::{self, Judgement, Verdict};
use crate::{Error, Result, html, json, markdown, picture, reading, table, terminal};

/// The files that [`Report::write`] always writes; two for each of
/// [`Report::figures`] lie beside them.
pub const FILES: [&str; 7] = [
    "report.html",
    "report.md",
    "table.csv",
    "table.tex",
    "curves.svg",
    "curves.png",
    "report.json",
];

/// One number of a claim, answered.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The claim with this number as its measure.
    pub claim: Claim,
    /// The treatment against the baseline.
    pub effect: Effect,
    /// The verdict on the number and its reason.
    pub judgement: Judgement,
}

impl Finding {
    fn new(claim: Claim, trials: &Trials) -> Self {
        let effect = Effect::of(&claim, trials.treatment(), trials.baseline());
        Self {
            judgement: verdict::judge(&claim, &effect),
            effect,
            claim,
        }
    }
}

/// Everything a report shows.
#[derive(Clone, Debug)]
pub struct Report {
    /// The experiment, with its claim.
    pub experiment: Experiment,
    /// The claim's first number, which the verdict on the claim is by.
    pub headline: Finding,
    /// The claim's further numbers.
    pub further: Vec<Finding>,
    /// The treatment against every other variant, in the first number.
    pub others: Vec<Effect>,
    /// Every variant, in the order of the experiment's file.
    pub variants: Vec<VariantSummary>,
    /// What the variants share.
    pub setting: Setting,
    pub(crate) curves: Curves,
    pub(crate) figures: Figures,
    pub(crate) details: Details,
}

impl Report {
    /// Makes the report of an experiment's trials.
    ///
    /// # Errors
    /// Two different trials for one variant and seed, a claim about a variant that
    /// does not exist, or a trial's file of outputs that is damaged.
    pub fn new(experiment: &Experiment, trials: &[Trial]) -> Result<Self> {
        let trials = Trials::new(experiment, trials)?;
        let claim = &experiment.claim;
        let find = |claim| Finding::new(claim, &trials);
        let mut headline = find(claim.clone());
        let mut further: Vec<Finding> = claim.each().into_iter().skip(1).map(find).collect();
        let mut others = others(claim, &trials);
        let found = further.iter_mut().map(|finding| &mut finding.effect);
        let effects = std::iter::once(&mut headline.effect).chain(&mut others);
        correct(effects.chain(found).collect());
        let variants = summary::variants(experiment, &trials);
        Ok(Self {
            experiment: experiment.clone(),
            headline,
            further,
            others,
            details: Details::new(experiment, &trials, &variants),
            variants,
            setting: summary::setting(&trials),
            curves: Curves::new(&experiment.claim, &trials),
            figures: Figures::new(experiment, &trials)?,
        })
    }

    /// The verdict on the claim.
    pub fn verdict(&self) -> Verdict {
        self.headline.judgement.verdict
    }

    /// The pictures of what the models have learned, as far as the trials kept what
    /// these need.
    pub fn figures(&self) -> &[Figure] {
        &self.figures.pictures
    }

    /// Every number of the claim, the headline first.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.headline).chain(&self.further)
    }

    /// The findings with what the verdict of each is called.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = (String, &Finding)> {
        let further = self.further.iter().map(|finding| {
            let measure = reading::heading(&finding.claim.measure);
            (format!("Verdict on {measure}"), finding)
        });
        std::iter::once(("Verdict".to_string(), &self.headline)).chain(further)
    }

    /// The treatment against the baseline, then against every other variant, in the
    /// claim's first number.
    pub(crate) fn effects(&self) -> impl Iterator<Item = &Effect> {
        std::iter::once(&self.headline.effect).chain(&self.others)
    }

    /// Every effect with the claim it answers and, where the claim is about it,
    /// its verdict: the headline, the claim's further numbers, other variants.
    pub(crate) fn comparisons(&self) -> Vec<(&Claim, &Effect, Option<&Judgement>)> {
        let claimed = self
            .findings()
            .map(|finding| (&finding.claim, &finding.effect, Some(&finding.judgement)));
        let others = self.others.iter();
        let others = others.map(|effect| (&self.experiment.claim, effect, None));
        claimed.chain(others).collect()
    }

    /// The report as one page for a browser: `report.html`. `command` is what its
    /// reader types to make the report again.
    ///
    /// # Errors
    /// A picture cannot be drawn.
    pub fn html(&self, command: &str) -> Result<String> {
        html::render(self, command)
    }

    /// The report for people: `report.md`.
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }

    /// The report for a terminal: plain text of at most 100 columns.
    pub fn terminal(&self) -> String {
        terminal::render(self)
    }

    /// The table for other programs: `table.csv`, RFC 4180.
    pub fn csv(&self) -> String {
        table::csv::render(self)
    }

    /// The table for a paper: `table.tex`; needs the packages booktabs and graphicx.
    pub fn latex(&self) -> String {
        table::latex::render(self)
    }

    /// Every number, to six significant digits: `report.json`.
    pub fn json(&self) -> String {
        json::render(self)
    }

    /// The learning curves as a vector picture: `curves.svg`.
    ///
    /// # Errors
    /// The picture cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        picture::svg(&self.curves)
    }

    /// The learning curves as a bitmap: `curves.png`.
    ///
    /// # Errors
    /// The picture cannot be drawn or encoded.
    pub fn png(&self) -> Result<Vec<u8>> {
        picture::png(&self.curves)
    }

    /// Writes all [`FILES`] and the figures into `folder`, each in one step, and
    /// removes figures that an earlier report left there and this one lacks. `command`
    /// is shown as what makes the report again.
    ///
    /// # Errors
    /// The folder or a file cannot be written, or a picture cannot be drawn.
    pub fn write(&self, folder: &Path, command: &str) -> Result<()> {
        fs::create_dir_all(folder).map_err(|source| Error::Folder {
            path: folder.to_path_buf(),
            source,
        })?;
        let contents = [
            self.html(command)?.into_bytes(),
            self.markdown().into_bytes(),
            self.csv().into_bytes(),
            self.latex().into_bytes(),
            self.svg()?.into_bytes(),
            self.png()?,
            self.json().into_bytes(),
        ];
        for (name, bytes) in FILES.iter().zip(contents) {
            atomic::write(&folder.join(name), &bytes)?;
        }
        for figure in self.figures() {
            let file = |ending: &str| folder.join(format!("{}.{ending}", figure.name));
            atomic::write(&file("svg"), figure.svg()?.as_bytes())?;
            atomic::write(&file("png"), &figure.png()?)?;
        }
        self.remove_stale_figures(folder)
    }

    fn remove_stale_figures(&self, folder: &Path) -> Result<()> {
        let is_ours = |name: &str| self.figures().iter().any(|figure| figure.name == name);
        for name in figures::NAMES.into_iter().filter(|name| !is_ours(name)) {
            for ending in ["svg", "png"] {
                let path = folder.join(format!("{name}.{ending}"));
                match fs::remove_file(&path) {
                    Err(source) if source.kind() != ErrorKind::NotFound => {
                        return Err(Error::Stale { path, source });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The treatment against the variants that the claim does not name.
fn others(claim: &Claim, trials: &Trials) -> Vec<Effect> {
    let groups = trials.groups.iter();
    groups
        .filter(|group| group.name != claim.treatment && group.name != claim.baseline)
        .map(|other| Effect::of(claim, trials.treatment(), other))
        .collect()
}

/// Corrects the t tests for the number of effects in the report.
fn correct(effects: Vec<&mut Effect>) {
    let p_values: Vec<Option<f64>> = effects
        .iter()
        .map(|effect| effect.estimate.and_then(|estimate| estimate.p_t))
        .collect();
    for (effect, p) in effects.into_iter().zip(statistics::holm(&p_values)) {
        effect.p_holm = p;
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
