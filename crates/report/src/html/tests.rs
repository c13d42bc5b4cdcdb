//! Whole pages.

use std::collections::BTreeMap;

use ablate_store::{Candidate, Measure, Score, Search, Searched, Status, Strategy, Trial};
use serde_json::json;

use super::well_formed;
use crate::Report;
use crate::fixture::{curve, experiment, trial};

const COMMAND: &str = "cargo xtask run experiments/relu_vs_tanh.toml --set 'a=\"<b>\"'";

fn trials(seeds: u64) -> Vec<Trial> {
    let both = |seed| {
        [
            curve("relu", seed, 12, 2.0, 0.0),
            curve("tanh", seed, 12, 8.0, 0.0),
        ]
    };
    (0..seeds).flat_map(both).collect()
}

fn page(report: &Report) -> String {
    let page = report.html(COMMAND).expect("a page");
    if let Err(fault) = well_formed::check(&page) {
        panic!("{fault}");
    }
    page
}

#[test]
fn the_page_has_every_part() {
    let mut trials = trials(3);
    trials[0].status = Status::Diverged { epoch: 13 };
    trials[1].config = json!({ "model": { "activation": "tanh" }, "training": { "epochs": 12 } });
    trials[2].config = json!({ "model": { "activation": "relu" }, "training": { "epochs": 12 } });
    let mut experiment = experiment();
    let candidate = |value: f64| Candidate {
        values: vec![value.into()],
        epochs: 3,
        score: Score::Mean(value),
    };
    experiment.search = Some(Search {
        keys: vec!["optimiser.lr".to_string()],
        strategy: Strategy::Grid,
        by: Measure::FinalTrain("loss".to_string()),
        epochs: 3,
        seeds: vec![1000],
        variants: vec![Searched {
            variant: "relu".to_string(),
            candidates: vec![candidate(0.01), candidate(0.1)],
            chosen: 0,
        }],
    });
    let report = Report::new(&experiment, &trials).expect("a report");
    let page = page(&report).replace("&#39;", "'");
    let title = format!("<title>ReLU against tanh: {}</title>", report.verdict());
    for part in [
        &*title,
        "section 3.1, Fig. 1",
        &report.headline.judgement.reason,
        "paper: 6x",
        "Power: ",
        "Warning: relu's optimiser.lr",
        "0.0100 (chosen)",
        "<noscript><div class=\"picture\">",
        "<th scope=\"row\">model.activation</th>",
        "Keys that they share (1)",
        "✗ diverged in epoch 13",
        "reduced: not the paper",
        "--set 'a=&quot;&lt;b&gt;&quot;'",
        "made-up data, 10 classes",
        "<h2>The rule</h2>",
    ] {
        assert!(page.contains(part), "`{part}` is not in the page");
    }
}

#[test]
fn the_page_needs_nothing_else() {
    let report = Report::new(&experiment(), &trials(3)).expect("a report");
    let page = page(&report);
    // The script names the namespace of SVG; nothing is loaded from there.
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for reference in ["http:", "https:", "src=", "@import", "url(", "<link"] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.len() < 150_000, "{} bytes", page.len());
}

#[test]
fn tables_stay_tables_on_paper() {
    let (_, print) = include_str!("style.css")
        .split_once("@media print")
        .expect("rules for paper");
    assert!(print.contains("  th, td, td.long {"), "{print}");
    assert!(!print.contains("display: block"), "{print}");
}

#[test]
fn names_cannot_break_out() {
    let hostile = "</script></noscript><img src=x onerror=alert(1)>'\"&\u{0}{{script}}";
    let mut experiment = experiment();
    experiment.title = hostile.to_string();
    experiment.claim.text = hostile.to_string();
    experiment.claim.section = hostile.to_string();
    experiment.claim.paper_text = hostile.to_string();
    experiment.claim.treatment = hostile.to_string();
    experiment.profile = hostile.to_string();
    let changes = BTreeMap::from([(hostile.to_string(), json!(hostile))]);
    experiment.variants[0] = (hostile.to_string(), changes);
    let mut trials = trials(3);
    for trial in &mut trials {
        if trial.variant == "relu" {
            trial.variant = hostile.to_string();
        }
        trial.data = hostile.to_string();
        trial.config = json!({ hostile: hostile, "activation": trial.variant });
        if let Some(environment) = &mut trial.environment {
            environment.processor = hostile.to_string();
        }
        for record in &mut trial.history {
            record.train.insert(hostile.to_string(), 0.5);
        }
    }
    trials[4].status = Status::Failed {
        message: hostile.to_string(),
    };
    let report = Report::new(&experiment, &trials).expect("a report");
    let page = page(&report);
    assert!(page.contains("&lt;/script&gt;&lt;/noscript&gt;&lt;img"));
    assert!(!page.contains("<img"), "an element of its own");
    let count = |part: &str| page.matches(part).count();
    assert_eq!(
        (
            count("</script>"),
            count("</noscript>"),
            count("onerror=alert(1)>")
        ),
        (2, 1, 0)
    );
}

#[test]
fn pages_of_few_trials_are_whole_too() {
    let mut broken = trial("relu", 1, &[f64::NAN]);
    broken.status = Status::Unfinished;
    for trials in [
        Vec::new(),
        vec![trial("relu", 1, &[])],
        vec![broken],
        trials(1),
        trials(2),
    ] {
        let report = Report::new(&experiment(), &trials).expect("a report");
        page(&report);
    }
}
