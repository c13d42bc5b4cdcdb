//! The numbers of the picture: a mean line with a band for each variant.

use ablate_core::EpochRecord;
use ablate_store::{Censored, Claim, Status, Trial};

use super::metric::{Metric, Split};
use crate::number::Unit;
use crate::reading;
use crate::side::seeds;
use crate::statistics::{Sample, mean};
use crate::trials::{Group, Trials};

/// A point: epochs and a metric's value, of a share of images in percent.
pub(crate) type Point = (f64, f64);

/// The whole picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curves {
    /// For each metric the training split on the left, validation on the right.
    pub(crate) panels: Vec<Panel>,
    /// One entry a variant, in the order of the styles.
    pub(crate) legend: Vec<Entry>,
    /// What the marks mean, in a sentence or two.
    pub(crate) caption: String,
}

/// A variant's entry in the legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Its place in the styles.
    pub(crate) style: usize,
    /// The variant.
    pub(crate) variant: String,
    /// Its name and number of seeds.
    pub(crate) name: String,
    /// Whether its line has a band.
    pub(crate) banded: bool,
}

/// One system of axes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    pub(crate) metric: Metric,
    pub(crate) lines: Vec<Line>,
    /// The error a claim wants reached, in percent.
    pub(crate) target: Option<f64>,
}

impl Panel {
    /// Its heading.
    pub(crate) fn title(&self) -> &'static str {
        match self.metric.split {
            Split::Training => "Training",
            Split::Validation => "Validation",
        }
    }

    /// The least and the greatest value the metric can have.
    pub(crate) fn range(&self) -> (f64, f64) {
        match self.metric.unit() {
            Unit::Percent => (0.0, 100.0),
            _ => (0.0, f64::INFINITY),
        }
    }
}

/// One variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    /// Its place in the styles: 0 for the treatment, 1 for the baseline.
    pub(crate) style: usize,
    /// Mean over the finished seeds, as far as all of them ran.
    pub(crate) mean: Vec<Point>,
    /// Lower and upper edge at each epoch of the mean; empty for one seed.
    pub(crate) band: Vec<(f64, f64, f64)>,
    /// Single seeds: what finished ones did beyond the mean, and the others.
    pub(crate) seeds: Vec<Vec<Point>>,
    /// Last points of trials that diverged.
    pub(crate) diverged: Vec<Point>,
    /// Mean epochs to the target, at the target; `None` unless every finished
    /// trial reached it.
    pub(crate) crossing: Option<Point>,
    /// Every trial by itself.
    pub(crate) runs: Vec<Run>,
}

/// One trial's curve.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// Its seed; of a group, the members'.
    pub(crate) seeds: Vec<u64>,
    /// How it ended.
    pub(crate) status: Status,
    pub(crate) points: Vec<Point>,
}

impl Curves {
    /// The metrics that the claim is about.
    pub(crate) fn new(claim: &Claim, trials: &Trials) -> Self {
        Self::of(Metric::of(&claim.each()), claim, trials)
    }

    /// All metrics that were recorded, those that the claim is about first.
    pub(crate) fn all(claim: &Claim, trials: &Trials) -> Self {
        Self::of(Metric::all(&claim.each(), trials), claim, trials)
    }

    fn of(metrics: Vec<Metric>, claim: &Claim, trials: &Trials) -> Self {
        let claims = claim.each();
        let styles = styles(claim, trials);
        let panel = |metric: Metric| {
            let target = metric.target(&claims);
            let groups = trials.groups.iter().zip(&styles);
            let mut lines: Vec<Line> = groups
                .map(|(group, style)| Line::new(*style, group, &metric, target))
                .collect();
            lines.sort_by_key(|line| line.style);
            Panel {
                target: target.map(|(_, value)| value),
                metric,
                lines,
            }
        };
        let panels: Vec<Panel> = metrics.into_iter().map(panel).collect();
        let mut legend: Vec<Entry> = trials
            .groups
            .iter()
            .zip(&styles)
            .map(|(group, style)| Entry {
                style: *style,
                variant: group.name.to_string(),
                name: name(group),
                banded: group.finished().count() > 1,
            })
            .collect();
        legend.sort_by_key(|entry| entry.style);
        Self {
            caption: caption(&claims, &panels, trials),
            panels,
            legend,
        }
    }
}

impl Line {
    /// `target` is the claim that wants one reached in this panel, and its value.
    fn new(style: usize, group: &Group, metric: &Metric, target: Option<(&Claim, f64)>) -> Self {
        let point = |record: &EpochRecord| metric.point(record);
        let points = |trial: &Trial| trial.history.iter().filter_map(point).collect();
        let finished: Vec<Vec<Point>> = group.finished().map(points).collect();
        let mut line = Self {
            style,
            crossing: target.and_then(|(claim, value)| crossing(claim, value, group)),
            ..Self::default()
        };
        for x in shared_epochs(&finished) {
            line.add_mean(&finished, x);
        }
        let last = line.mean.last().map_or(f64::NEG_INFINITY, |point| point.0);
        for points in finished {
            // From the last shared epoch, so that the tail joins the mean's end.
            let tail: Vec<Point> = points.into_iter().filter(|point| point.0 >= last).collect();
            if tail.last().is_some_and(|point| point.0 > last) {
                line.seeds.push(tail);
            }
        }
        for trial in group.trials.values() {
            let points: Vec<Point> = points(trial);
            let is_diverged = matches!(trial.status, Status::Diverged { .. });
            line.diverged.extend(points.last().filter(|_| is_diverged));
            if trial.status != Status::Finished && !points.is_empty() {
                line.seeds.push(points.clone());
            }
            line.runs.push(Run {
                seeds: seeds(trial),
                status: trial.status.clone(),
                points,
            });
        }
        line
    }

    /// Adds the mean over seeds at one epoch, and its band: the 95% interval, or
    /// the extremes of two seeds.
    fn add_mean(&mut self, seeds: &[Vec<Point>], x: f64) {
        let values: Vec<f64> = seeds.iter().filter_map(|points| at(points, x)).collect();
        self.mean.push((x, mean(&values)));
        let interval = Sample::of(&values).and_then(|sample| sample.interval);
        match interval.filter(|_| values.len() > 2) {
            Some(interval) => self.band.push((x, interval.low, interval.high)),
            None if values.len() == 2 => {
                let (a, b) = (values[0], values[1]);
                self.band.push((x, a.min(b), a.max(b)));
            }
            None => {}
        }
    }
}

/// The epochs at which every seed has a number.
fn shared_epochs(seeds: &[Vec<Point>]) -> Vec<f64> {
    let first = seeds.first().map_or(&[][..], Vec::as_slice);
    let epochs = first.iter().map(|point| point.0);
    epochs
        .filter(|x| seeds.iter().all(|points| at(points, *x).is_some()))
        .collect()
}

fn at(points: &[Point], x: f64) -> Option<f64> {
    points
        .iter()
        .find(|point| point.0 == x)
        .map(|point| point.1)
}

fn crossing(claim: &Claim, target: f64, group: &Group) -> Option<Point> {
    let reached = |trial: &Trial| match reading::read(&claim.measure, trial) {
        Censored::Seen(epochs) => Some(epochs),
        _ => None,
    };
    let epochs: Option<Vec<f64>> = group.finished().map(reached).collect();
    let epochs = epochs.filter(|epochs| !epochs.is_empty())?;
    Some((mean(&epochs), target))
}

/// The treatment is 0 (solid), the baseline 1 (dashed), others follow.
fn styles(claim: &Claim, trials: &Trials) -> Vec<usize> {
    let mut next = 2;
    let style = |group: &Group| match group.name {
        name if name == claim.treatment => 0,
        name if name == claim.baseline => 1,
        _ => {
            next += 1;
            next - 1
        }
    };
    trials.groups.iter().map(style).collect()
}

fn name(group: &Group) -> String {
    let what = match group.ensemble {
        Some(_) => "group",
        None => "seed",
    };
    match group.finished().count() {
        1 => format!("{} (1 {what})", group.name),
        n => format!("{} ({n} {what}s)", group.name),
    }
}

/// What a claim is about, without its unit: the axis shows that.
fn about(claim: &Claim) -> String {
    let heading = reading::heading(&claim.measure);
    heading.trim_end_matches(" (%)").to_string()
}

fn caption(claims: &[Claim], panels: &[Panel], trials: &Trials) -> String {
    let counts: Vec<usize> = trials.groups.iter().map(|g| g.finished().count()).collect();
    let any_count = |wanted: fn(usize) -> bool| counts.iter().any(|count| wanted(*count));
    let any_line = |wanted: fn(&Line) -> bool| panels.iter().flat_map(|p| &p.lines).any(wanted);
    let measures: Vec<String> = claims.iter().map(about).collect();
    let claim = format!("The claim is about {}.", measures.join("; "));
    let mut sentences = vec![&*claim];
    if any_count(|n| n > 1) {
        sentences.push("Lines: mean over seeds.");
    }
    match (any_count(|n| n > 2), any_count(|n| n == 2)) {
        (true, true) => {
            sentences.push("Bands: 95% interval of the mean; of two seeds, the range.");
        }
        (true, false) => sentences.push("Bands: 95% interval of the mean."),
        (false, true) => sentences.push("Bands: range of the two seeds."),
        (false, false) => {}
    }
    if any_line(|line| !line.seeds.is_empty()) {
        sentences.push("Thin lines: single seeds.");
    }
    if any_line(|line| line.crossing.is_some()) {
        sentences.push("Dots: mean epochs to the target.");
    }
    if any_line(|line| !line.diverged.is_empty()) {
        sentences.push("Crosses: training diverged.");
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use ablate_store::{Also, Comparison, Measure};

    use super::*;
    use crate::fixture::{experiment, trial};

    fn curves(trials: &[Trial]) -> Curves {
        let experiment = experiment();
        let sorted = Trials::new(&experiment, trials).expect("sorted");
        Curves::new(&experiment.claim, &sorted)
    }

    #[test]
    fn the_mean_goes_as_far_as_every_seed() {
        let trials = [
            trial("relu", 1, &[0.5, 0.3, 0.2]),
            trial("relu", 2, &[0.7, 0.3]),
        ];
        let line = &curves(&trials).panels[0].lines[0];
        let close = |ours: Point, reference: Point| {
            assert!((ours.0 - reference.0).abs() + (ours.1 - reference.1).abs() < 1e-9);
        };
        assert_eq!(line.mean.len(), 2);
        close(line.mean[0], (0.5, 60.0));
        close(line.mean[1], (1.5, 30.0));
        assert_eq!(line.seeds.len(), 1);
        close(line.seeds[0][1], (2.5, 20.0));
        close((line.band[0].1, line.band[0].2), (50.0, 70.0));
        // One of the two ended short of the target.
        assert_eq!(line.crossing, None);
    }

    #[test]
    fn crossings_stand_at_the_mean_of_the_table() {
        let trials = [
            trial("relu", 1, &[0.5, 0.25]),
            trial("relu", 2, &[0.25]),
            trial("tanh", 1, &[0.5]),
        ];
        let curves = curves(&trials);
        assert_eq!(curves.panels[0].lines[0].crossing, Some((1.0, 25.0)));
        assert_eq!(curves.panels[0].lines[1].crossing, None);
        assert_eq!(curves.panels[1].lines[0].crossing, None);
    }

    #[test]
    fn gaps_and_divergence_do_not_bend_the_mean() {
        let mut broken = trial("relu", 3, &[0.9, 0.8]);
        broken.status = Status::Diverged { epoch: 3 };
        let trials = [
            trial("relu", 1, &[0.5, f64::NAN, 0.2]),
            trial("relu", 2, &[0.7, 0.3, 0.2]),
            broken,
        ];
        let curves = curves(&trials);
        let line = &curves.panels[0].lines[0];
        let epochs: Vec<f64> = line.mean.iter().map(|point| point.0).collect();
        assert_eq!(epochs, [0.5, 2.5]);
        assert_eq!(line.diverged.len(), 1);
        assert!((line.diverged[0].0, line.diverged[0].1) == (1.5, 80.0));
        assert!(curves.caption.contains("diverged"), "{}", curves.caption);
    }

    #[test]
    fn panels_show_what_the_claim_is_about() {
        let mut experiment = experiment();
        experiment.claim.measure = Measure::FinalValidation("loss".to_string());
        experiment.claim.also = vec![Also {
            measure: Measure::EpochsToValidationError(0.3),
            comparison: Comparison::Ratio,
            paper: None,
            paper_text: String::new(),
        }];
        let mut trials = [trial("relu", 1, &[0.5, 0.25]), trial("tanh", 1, &[0.5])];
        for record in trials.iter_mut().flat_map(|trial| &mut trial.history) {
            record.validation.insert("loss".to_string(), 2.5);
        }
        let sorted = Trials::new(&experiment, &trials).expect("sorted");
        let curves = Curves::new(&experiment.claim, &sorted);
        let labels: Vec<String> = curves.panels.iter().map(|p| p.metric.label()).collect();
        assert_eq!(
            labels,
            ["Loss", "Loss", "Top-1 error (%)", "Top-1 error (%)"]
        );
        assert!(curves.panels[0].lines[0].mean.is_empty());
        assert_eq!(curves.panels[1].lines[0].mean, [(1.0, 2.5), (2.0, 2.5)]);
        let targets: Vec<Option<f64>> = curves.panels.iter().map(|panel| panel.target).collect();
        assert_eq!(targets, [None, None, None, Some(30.0)]);
        assert!(curves.panels[3].lines[0].crossing.is_some());
        let claim = "The claim is about validation loss; epochs to 30% validation error.";
        assert!(curves.caption.starts_with(claim), "{}", curves.caption);
        let svg = crate::picture::svg(&curves).expect("drawn");
        for text in [
            "Loss",
            "no loss was recorded",
            "Top-1 error (%)",
            "target (30%)",
        ] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
