//! Whole reports: every file, on trials of every sort.

use ablate_core::Exchanged;
use ablate_store::{Also, Claim, Comparison, Ensemble, Experiment, Measure, Status, Trial};

use crate::fixture::{curve, experiment, trial, with_final};
use crate::verdict::Verdict;
use crate::{Effect, FILES, Report, notes, write};

/// ReLU and tanh, a made-up curve for each seed.
fn curves(seeds: u64, epochs: usize) -> Vec<Trial> {
    let of = |seed| {
        [
            curve("relu", seed, epochs, 2.0, 0.02),
            curve("tanh", seed, epochs, 8.0, 0.05),
        ]
    };
    (1..=seeds).flat_map(of).collect()
}

/// Five seeds whose differences are -1.9, -0.7, -1.4, -2.3 and -1.1 points:
/// the example of `docs/verdicts.md`.
fn example() -> (Experiment, Vec<Trial>) {
    let mut experiment = experiment();
    experiment.claim = Claim {
        text: "LRN lowers the test error.".to_string(),
        measure: Measure::FinalValidation("top1_error".to_string()),
        comparison: Comparison::Points,
        paper: Some(-2.0),
        paper_text: "13% to 11% test error".to_string(),
        baseline: "none".to_string(),
        treatment: "lrn".to_string(),
        ..experiment.claim
    };
    experiment.variants = ["lrn", "none"]
        .map(|name| (name.to_string(), Default::default()))
        .to_vec();
    let errors = [
        (13.1, 11.2),
        (12.8, 12.1),
        (13.5, 12.1),
        (12.9, 10.6),
        (13.2, 12.1),
    ];
    let mut trials = Vec::new();
    for (seed, (none, lrn)) in (1..).zip(errors) {
        trials.push(with_final("none", seed, none / 100.0));
        trials.push(with_final("lrn", seed, lrn / 100.0));
    }
    (experiment, trials)
}

/// The sort of input a report must survive, each with its name.
fn odd_trials() -> Vec<(&'static str, Vec<Trial>)> {
    let mut stopped = curves(4, 20);
    stopped[3].status = Status::Diverged { epoch: 5 };
    stopped[3].history.truncate(4);
    stopped[4].status = Status::Failed {
        message: "disk full".to_string(),
    };
    let mut bare = curves(3, 4);
    let mut broken = curves(3, 4);
    for (trial, broken) in bare.iter_mut().zip(&mut broken) {
        for (record, broken) in trial.history.iter_mut().zip(&mut broken.history) {
            record.train.clear();
            record.validation.clear();
            record.images_per_second = f64::NAN;
            broken.train.insert("top1_error".to_string(), f64::NAN);
            broken
                .validation
                .insert("top1_error".to_string(), f64::INFINITY);
        }
    }
    vec![
        ("no trials", Vec::new()),
        (
            "no history",
            vec![trial("relu", 1, &[]), trial("tanh", 1, &[])],
        ),
        ("one epoch", curves(3, 1)),
        ("one seed", curves(1, 5)),
        ("no metrics", bare),
        ("no numbers", broken),
        ("trials that ended badly", stopped),
        (
            "a variant no file lists",
            vec![curve("|&%\n\"", u64::MAX, 3, 2.0, 0.1)],
        ),
    ]
}

#[test]
fn every_renderer_survives_every_input() {
    for (name, trials) in odd_trials() {
        let report = Report::new(&experiment(), &trials).expect(name);
        assert!(report.markdown().contains("**Verdict: "), "{name}");
        assert!(report.latex().contains("\\bottomrule"), "{name}");
        assert!(report.svg().expect(name).ends_with("</svg>\n"), "{name}");
        let json: serde_json::Value = serde_json::from_str(&report.json()).expect(name);
        assert_eq!(json["verdict"], report.verdict().key(), "{name}");
        for line in report.terminal().lines() {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
}

#[test]
fn every_row_of_the_csv_has_the_columns_of_the_header() {
    let report = Report::new(&experiment(), &curves(3, 20)).expect("a report");
    let csv = report.csv();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    let count = |line: &str| line.split(',').count();
    assert_eq!(lines.len(), 3);
    assert!(
        lines.iter().all(|line| count(line) == count(lines[0])),
        "{csv}"
    );
    let column = lines[0].split(',').position(|name| name == "verdict");
    let cell = |line: &str| {
        line.split(',')
            .nth(column.expect("verdict"))
            .map(String::from)
    };
    assert_eq!(cell(lines[1]).as_deref(), Some(""));
    assert_eq!(cell(lines[2]).as_deref(), Some(report.verdict().key()));
}

#[test]
fn what_workers_exchanged_has_a_column_where_there_is_any() {
    let mut trials = curves(3, 4);
    let report = |trials: &[Trial]| Report::new(&experiment(), trials).expect("a report");
    assert!(!report(&trials).markdown().contains("MiB/step"));
    for trial in trials.iter_mut().filter(|trial| trial.variant == "relu") {
        for record in &mut trial.history {
            record.exchanged = Some(Exchanged {
                forward: 1 << 20,
                backward: 3 << 19,
            });
        }
    }
    let report = report(&trials);
    let markdown = report.markdown();
    let row = |start: &str| {
        let mut lines = markdown.lines().map(str::trim_end);
        lines.find(|line| line.starts_with(start)).expect("a row")
    };
    assert!(row("| variant |").ends_with("| MiB/step |"), "{markdown}");
    assert!(
        row("| relu (treatment)").ends_with("| 2.50 |"),
        "{markdown}"
    );
    assert!(row("| tanh (baseline)").ends_with("| - |"), "{markdown}");
    let bytes = report.csv().contains(",2621440,");
    assert!(bytes, "{}", report.csv());
}

#[test]
fn the_same_trials_give_the_same_files_in_any_order() {
    let experiment = experiment();
    let mut trials = curves(3, 6);
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("a/b"), folder.path().join("c"));
    write(&experiment, &trials, &first, "cargo xtask run").expect("written");
    trials.reverse();
    write(&experiment, &trials, &second, "cargo xtask run").expect("written");
    for name in FILES {
        let read = |folder: &std::path::Path| std::fs::read(folder.join(name)).expect(name);
        assert!(!read(&first).is_empty(), "{name}");
        assert!(read(&first) == read(&second), "{name} differs");
    }
}

#[test]
fn both_pictures_show_both_variants() {
    let report = Report::new(&experiment(), &curves(3, 8)).expect("a report");
    let svg = report.svg().expect("drawn");
    assert!(
        svg.starts_with("<svg width=\"920\" height=\""),
        "{}",
        &svg[..60]
    );
    for text in [
        "Top-1 error (%)",
        "Epochs",
        "relu (3 seeds)",
        "target (25%)",
        "#0072B2",
        "#D55E00",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    let png = image::load_from_memory(&report.png().expect("drawn"))
        .expect("a PNG")
        .to_rgb8();
    assert_eq!(png.width(), 2 * 920);
    for colour in [[0, 114, 178], [213, 94, 0]] {
        let count = png.pixels().filter(|pixel| pixel.0 == colour).count();
        assert!(count > 500, "{count} pixels of {colour:?}");
    }
}

#[test]
fn what_a_reader_must_know_is_said() {
    let mut trials = curves(4, 20);
    trials[0].data = "other data".to_string();
    trials[3].status = Status::Failed {
        message: "disk full".to_string(),
    };
    let report = Report::new(&experiment(), &trials).expect("a report");
    for text in [report.markdown(), report.terminal()] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "reduced: not the paper's setting",
            "DIFFERS BETWEEN TRIALS: made-up data, 10 classes; other data",
            "Seeds: 1, 2, 3, 4",
            "Epochs: 20",
            "3 finished, 1 failed",
            "Seed 2 has no effect, left out: baseline failed (disk full).",
            "Power: with 3 pairs an effect below",
            "about six times fewer epochs",
            Verdict::RULE,
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}

#[test]
fn p_values_are_corrected_for_the_number_of_variants() {
    let mut experiment = experiment();
    experiment
        .variants
        .push(("elu".to_string(), Default::default()));
    let mut trials = curves(3, 20);
    trials.extend((1..=3).map(|seed| curve("elu", seed, 20, 5.0, 0.05)));
    let report = Report::new(&experiment, &trials).expect("a report");
    assert_eq!(report.others.len(), 1);
    assert_eq!(report.others[0].baseline, "elu");
    for effect in report.effects() {
        let p = effect
            .estimate
            .and_then(|estimate| estimate.p_t)
            .expect("a p-value");
        assert!(effect.p_holm.expect("a p-value") >= p);
    }
    assert!(report.markdown().contains("p (Holm)"));
}

#[test]
fn every_number_of_a_claim_has_a_verdict_of_its_own() {
    let mut experiment = experiment();
    experiment.claim.also = vec![Also {
        measure: Measure::FinalValidation("top1_error".to_string()),
        comparison: Comparison::Gain,
        paper: Some(2.0),
        paper_text: String::new(),
    }];
    let report = Report::new(&experiment, &curves(3, 20)).expect("a report");
    let [finding] = report.further.as_slice() else {
        panic!("one further number");
    };
    // ReLU's validation error is the lower one, so a claim of more is refuted.
    assert_eq!(report.verdict(), Verdict::SameDirection);
    assert_eq!(finding.judgement.verdict, Verdict::NotReproduced);
    let p_t = |effect: &Effect| effect.estimate.and_then(|e| e.p_t).expect("p");
    let [first, second] = [&report.headline.effect, &finding.effect].map(p_t);
    let (least, most) = (first.min(second), first.max(second));
    let holm = [report.headline.effect.p_holm, finding.effect.p_holm];
    assert!(holm.contains(&Some(2.0 * least)) && holm.contains(&Some(most.max(2.0 * least))));

    let markdown = report.markdown();
    for part in [
        "**Verdict: same direction.**",
        "**Verdict on validation top-1 error (%): not reproduced.**",
        "| relu against tanh (ratio) | epochs to 25% training error |",
        "| relu against tanh (points) | validation top-1 error (%) |",
        "+2 points",
        "p (Holm)",
        "Each of the claim's numbers has a verdict of its own",
    ] {
        assert!(markdown.contains(part), "{part} is not in {markdown}");
    }
    let csv = report.csv();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    let cells = |line: &str| line.split(',').map(String::from).collect::<Vec<_>>();
    let column = cells(lines[0])
        .iter()
        .position(|name| name == "validation_top1_error_verdict");
    let baseline = cells(lines[2]);
    assert_eq!(baseline.len(), cells(lines[0]).len());
    assert_eq!(baseline[column.expect("a column")], "not_reproduced");
    let json: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(json["further"][0]["verdict"], "not_reproduced");
}

/// Single nets of these errors in percent, and the groups of two they make; a
/// group of `None` failed.
fn ensemble(singles: &[f64], groups: &[Option<f64>]) -> (Experiment, Vec<Trial>) {
    let (mut experiment, _) = example();
    experiment.claim.baseline = "single".to_string();
    experiment.claim.treatment = "two".to_string();
    experiment.variants = ["single", "two"]
        .map(|name| (name.to_string(), Default::default()))
        .to_vec();
    let two = Ensemble {
        of: "single".to_string(),
        size: 2,
    };
    experiment.ensembles.insert("two".to_string(), two);
    let single = |(seed, error): (u64, &f64)| with_final("single", seed, error / 100.0);
    let mut trials: Vec<Trial> = (0..).zip(singles).map(single).collect();
    for (seed, error) in (0..).step_by(2).zip(groups) {
        let mut group = with_final("two", seed, error.unwrap_or(0.0) / 100.0);
        group.members = vec![seed, seed + 1];
        group.history[0].epoch = 90;
        if error.is_none() {
            group.status = Status::Failed {
                message: "its member of seed 5 diverged".to_string(),
            };
        }
        trials.push(group);
    }
    (experiment, trials)
}

#[test]
fn a_group_is_set_against_the_mean_of_its_members() {
    let singles = [20.0, 22.0, 21.0, 23.0, 19.0, 20.0, 20.0, 20.5, 25.0];
    let (experiment, trials) = ensemble(&singles, &[Some(18.0), Some(19.5), None, Some(17.0)]);
    let report = Report::new(&experiment, &trials).expect("a report");
    let effect = &report.headline.effect;
    let effects: Vec<Option<f64>> = effect.pairs.iter().map(|pair| pair.effect).collect();
    // 18 - 21, 19.5 - 22, none, 17 - 20.25
    for (ours, by_hand) in effects
        .iter()
        .zip([Some(-3.0), Some(-2.5), None, Some(-3.25)])
    {
        let close = |(a, b): (f64, f64)| (a - b).abs() < 1e-9;
        assert!(ours.zip(by_hand).is_none_or(close), "{effects:?}");
        assert_eq!(ours.is_some(), by_hand.is_some());
    }
    assert_eq!(effect.pairs[1].seeds, [2, 3]);
    let text = report.markdown();
    for part in [
        "Seeds 4, 5 have no effect, left out: treatment failed (its member of seed 5 diverged).",
        "two: 3 finished, 1 failed of 4 groups.",
        "two averages the probabilities of 2 seeds of single at a time",
        "Seed 8 fills no group.",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(report.svg().expect("drawn").contains("two (3 groups)"));
}

#[test]
fn too_few_seeds_for_a_group_are_told() {
    let (experiment, trials) = ensemble(&[20.0], &[]);
    let report = Report::new(&experiment, &trials).expect("a report");
    assert_eq!(report.headline.effect.pairs.len(), 0);
    assert_eq!(report.verdict(), Verdict::Inconclusive);
    assert!(report.markdown().contains("Seed 0 fills no group."));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let error =
        write(&experiment(), &[], &file.join("report"), "cargo xtask run").expect_err("no folder");
    assert!(error.to_string().contains("file/report"), "{error}");
}

/// `docs/verdicts.md` shows this example; its numbers are the code's own.
#[test]
fn the_worked_example_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verdicts.md");
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = std::fs::read_to_string(path).expect("the page");
    let unquoted: Vec<&str> = page
        .lines()
        .map(|line| line.trim_start_matches("> "))
        .collect();
    let page = flat(&unquoted.join("\n"));
    let (experiment, trials) = example();
    let report = Report::new(&experiment, &trials).expect("a report");
    let notes = notes::notes(&report);
    let power = notes
        .iter()
        .find(|note| note.starts_with("Power"))
        .expect("a note");
    let row: Vec<String> = crate::table::effects(&report).rows.concat();
    let row = format!("| {} |", row.join(" | "));
    let reason = &report.headline.judgement.reason;
    for part in [&row, reason, power, Verdict::RULE] {
        let part = flat(part);
        assert!(page.contains(&part), "docs/verdicts.md lacks: {part}");
    }
}
