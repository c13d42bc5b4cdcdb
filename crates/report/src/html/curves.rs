//! The numbers that the page's script draws the learning curves from.
//!
//! ```text
//! variants  name, label, colour, dash          in the order of the styles
//! panels    metric, split, shown, x (epochs), target, most, lines
//! lines     mean, low, high, runs              a value for each x, or null
//! ```

use serde_json::{Value, json};

use ablate_store::Status;

use crate::curves::{Curves, Line, Panel, Point, Run};
use crate::picture::style;
use crate::{notes, number};

/// Digits that a value keeps: more than a reader of curves can use.
const DIGITS: usize = 5;

/// `curves` as the script wants them; of the metrics, those in `claimed` are shown
/// from the start.
pub(crate) fn data(curves: &Curves, claimed: &Curves) -> Value {
    let variants = curves.legend.iter().map(|entry| {
        let dashes = style::dashes(entry.style);
        json!({
            "name": entry.variant,
            "label": entry.name,
            "colour": style::css_colour(entry.style),
            "dash": dashes.map_or(String::new(), |(dash, space)| format!("{dash} {space}")),
        })
    });
    let panels = curves.panels.iter().map(|panel| {
        let is_claimed = claimed.panels.iter().any(|p| p.metric == panel.metric);
        self::panel(panel, is_claimed)
    });
    json!({
        "variants": variants.collect::<Vec<_>>(),
        "panels": panels.collect::<Vec<_>>(),
    })
}

fn panel(panel: &Panel, is_claimed: bool) -> Value {
    let epochs = epochs(panel);
    let (_, most) = panel.range();
    let lines = panel.lines.iter().map(|line| self::line(line, &epochs));
    json!({
        "metric": panel.metric.label(),
        "split": panel.title(),
        "shown": is_claimed,
        "x": epochs,
        "target": panel.target.map(rounded),
        "most": most.is_finite().then_some(most),
        "lines": lines.collect::<Vec<_>>(),
    })
}

/// Every epoch at which a trial has a value, ascending.
fn epochs(panel: &Panel) -> Vec<f64> {
    let runs = panel.lines.iter().flat_map(|line| &line.runs);
    let points = runs.flat_map(|run| &run.points);
    let mut epochs: Vec<f64> = points.map(|point| point.0).collect();
    epochs.sort_by(f64::total_cmp);
    epochs.dedup();
    epochs
}

fn line(line: &Line, epochs: &[f64]) -> Value {
    let edge = |pick: fn(&(f64, f64, f64)) -> f64| {
        let points = line.band.iter().map(|point| (point.0, pick(point)));
        values(points, epochs)
    };
    json!({
        "mean": values(line.mean.iter().copied(), epochs),
        "low": edge(|point| point.1),
        "high": edge(|point| point.2),
        "crossing": line.crossing.map(|(x, y)| [rounded(x), rounded(y)]),
        "runs": line.runs.iter().map(|run| self::run(run, epochs)).collect::<Vec<_>>(),
    })
}

fn run(run: &Run, epochs: &[f64]) -> Value {
    let ended = match run.status {
        Status::Finished => "finished",
        Status::Diverged { .. } => "diverged",
        Status::Failed { .. } => "failed",
        Status::Unfinished => "unfinished",
    };
    // As text: JavaScript's numbers do not hold every seed.
    let name = match run.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("seeds {}", notes::listed(seeds)),
    };
    json!({
        "name": name,
        "ended": ended,
        "y": values(run.points.iter().copied(), epochs),
    })
}

/// The points' values at the epochs, null where there is none; ends with the last.
fn values(points: impl Iterator<Item = Point>, epochs: &[f64]) -> Vec<Option<f64>> {
    let mut values = Vec::new();
    for (x, y) in points {
        let place = epochs.partition_point(|epoch| *epoch < x);
        values.resize(values.len().max(place), None);
        values.push(Some(rounded(y)));
    }
    values
}

fn rounded(value: f64) -> f64 {
    number::rounded(value, DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Report;
    use crate::fixture::{experiment, trial};

    #[test]
    fn the_script_has_means_bands_and_single_trials() {
        let mut trials = vec![
            trial("relu", 1, &[0.5, 0.3, 0.2]),
            trial("relu", 2, &[0.7, 0.3]),
            trial("tanh", u64::MAX, &[0.9, f64::NAN, 0.8]),
        ];
        trials[2].status = Status::Diverged { epoch: 4 };
        let report = Report::new(&experiment(), &trials).expect("a report");
        let data = data(&report.details.curves, &report.curves);
        let names: Vec<&Value> = data["variants"]
            .as_array()
            .expect("variants")
            .iter()
            .collect();
        assert_eq!(names[0]["name"], "relu");
        assert_eq!(
            (&names[1]["colour"], &names[1]["dash"]),
            (&json!("#d55e00"), &json!("7 4"))
        );
        let panels = data["panels"].as_array().expect("panels");
        // The claim is about top-1; top-5 is there for who asks for it.
        assert_eq!(panels.len(), 4);
        assert_eq!(
            (&panels[0]["shown"], &panels[2]["shown"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(panels[2]["metric"], "Top-5 error (%)");
        assert_eq!(panels[0]["x"], json!([0.5, 1.5, 2.5]));
        assert_eq!(panels[0]["target"], json!(25.0));
        let [relu, tanh] = [0, 1].map(|line| &panels[0]["lines"][line]);
        assert_eq!(relu["mean"], json!([60.0, 30.0]));
        assert_eq!(
            (&relu["low"], &relu["high"]),
            (&json!([50.0, 30.0]), &json!([70.0, 30.0]))
        );
        assert_eq!(relu["runs"][0]["y"], json!([50.0, 30.0, 20.0]));
        assert_eq!(tanh["mean"], json!([]));
        let run = json!({ "name": format!("seed {}", u64::MAX), "ended": "diverged", "y": [90.0, null, 80.0] });
        assert_eq!(tanh["runs"][0], run);
    }
}
