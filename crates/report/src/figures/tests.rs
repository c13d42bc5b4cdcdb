//! Whole figures, from outputs that are made up.

use ablate_store::{
    Contents, Filters, Gallery, Predictions, Retrieval, Samples, Trial, TrialFolder,
};
use tempfile::TempDir;

use crate::fixture::{experiment, trial};
use crate::picture::WIDTH;
use crate::{Report, write};

/// Outputs of `classes` classes with three images of each, all of them samples,
/// the first two of a class near each other.
fn contents(classes: usize, channels: usize) -> Contents {
    let images = 3 * classes;
    let mut log_probabilities = Vec::new();
    for image in 0..images {
        // The last image of a class is taken for the next class.
        let taken_for = (image / 3 + usize::from(image % 3 == 2)) % classes;
        let rest = (0.4 / (classes - 1) as f32).ln();
        let log = |class| {
            if class == taken_for {
                0.6_f32.ln()
            } else {
                rest
            }
        };
        log_probabilities.extend((0..classes).map(log));
    }
    let features = (0..images).flat_map(|image| {
        let class = image / 3 + usize::from(image % 3 == 2);
        [class as f32, 0.1 * (image % 3) as f32]
    });
    let targets: Vec<u32> = (0..images).map(|image| (image / 3) as u32).collect();
    let samples = Samples {
        shape: [channels, 4, 4],
        pixels: (0..images * channels * 16)
            .map(|at| (at * 7 % 256) as u8)
            .collect(),
        index: (0..images as u32).collect(),
        features: Some(features.collect()),
    };
    // The training images are the validation images once more.
    let gallery = Gallery {
        index: samples.index.clone(),
        targets: targets.clone(),
        pixels: samples.pixels.clone(),
        features: samples.features.clone().unwrap_or_default(),
    };
    Contents {
        classes: (0..classes)
            .map(|class| format!("class {class} of a long name"))
            .collect(),
        retrieval: Retrieval::search(&samples, &targets, &gallery),
        predictions: Predictions {
            log_probabilities,
            targets,
        },
        samples,
        filters: Some(Filters {
            shape: [8, channels, 3, 3],
            weights: (0..8 * channels * 9)
                .map(|at| (at as f32 * 1.1).sin())
                .collect(),
            towers: 2,
        }),
    }
}

/// Two seeds of both variants with these outputs, and where they lie.
fn trials(contents: &Contents) -> (TempDir, Vec<Trial>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut trials = Vec::new();
    for (variant, seed) in [("relu", 1), ("relu", 2), ("tanh", 1), ("tanh", 2)] {
        let path = folder.path().join(format!("{variant}{seed}"));
        std::fs::create_dir(&path).expect("a folder");
        let place = TrialFolder::open(path);
        place.write_outputs(contents).expect("written");
        let mut trial = trial(variant, seed, &[0.5, 0.2]);
        trial.outputs = place.outputs().expect("read");
        trials.push(trial);
    }
    (folder, trials)
}

fn report(contents: &Contents) -> Report {
    let (_folder, trials) = trials(contents);
    Report::new(&experiment(), &trials).expect("a report")
}

fn names(report: &Report) -> Vec<&str> {
    report.figures().iter().map(|figure| figure.name).collect()
}

fn svg(report: &Report, name: &str) -> String {
    let mut figures = report.figures().iter();
    let figure = figures.find(|figure| figure.name == name).expect(name);
    figure.svg().expect("drawn")
}

#[test]
fn every_figure_says_what_it_shows() {
    let report = report(&contents(3, 3));
    assert_eq!(names(&report), super::NAMES);
    let parts = [
        (
            "filters",
            &[
                "relu, seed 1: 8 filters of 3x3",
                "tower 1, mean chroma",
                "tower 2",
            ][..],
        ),
        (
            "chroma",
            &["seed 2", "tanh", "100%", "Strips are the towers"],
        ),
        ("predictions", &["relu", "tanh", "60%", "✓ class 2", "20%"]),
        (
            "retrieval",
            &[
                "query",
                "nearest by relu, seed 1",
                "nearest by tanh, seed 1",
            ],
        ),
        (
            "confusion",
            &["relu, seed 1", "67", "33", "class 2 of a long name"],
        ),
    ];
    for (name, parts) in parts {
        let svg = svg(&report, name);
        assert!(svg.ends_with("</svg>\n"), "{name}");
        for part in parts {
            assert!(svg.contains(part), "{name} lacks {part}");
        }
    }
    let count = |name: &str| svg(&report, name).matches("<image ").count();
    // Two variants of 8 filters; 8 cards; 9 queries with 2 times 6 neighbours.
    assert_eq!(count("filters"), 16);
    assert_eq!(count("predictions"), 8);
    assert_eq!(count("retrieval"), 9 * (1 + 2 * 6));
    assert_eq!(count("confusion"), 0);
}

#[test]
fn bitmaps_are_twice_the_size_and_hold_the_images() {
    let report = report(&contents(10, 3));
    for figure in report.figures() {
        let png = figure.png().expect("drawn");
        let png = image::load_from_memory(&png).expect("a PNG").to_rgb8();
        let svg = figure.svg().expect("drawn");
        let size = format!("<svg width=\"{WIDTH}\" height=\"{}\"", png.height() / 2);
        assert!(svg.starts_with(&size), "{}", figure.name);
        assert_eq!(png.width(), 2 * WIDTH);
        let is_coloured = |pixel: &&image::Rgb<u8>| {
            let [r, g, b] = pixel.0.map(i16::from);
            (r - g).abs() + (g - b).abs() > 60
        };
        let coloured = png.pixels().filter(is_coloured).count();
        assert!(coloured > 200, "{}: {coloured}", figure.name);
    }
}

/// Three images a class: the first two near each other, the third among the next
/// class, whose first two are the nearest to it but for itself.
#[test]
fn retrieval_is_counted_over_all_seeds() {
    let report = report(&contents(10, 3));
    let summary = report.figures.retrieval.as_ref().expect("shares");
    let shares = &summary.first;
    assert_eq!((shares.found, shares.queries, shares.gallery), (6, 30, 30));
    assert!((shares.chance - 0.1).abs() < 1e-12);
    assert_eq!(summary.features.len(), 2);
    let (name, sample) = &summary.features[0];
    assert_eq!((name.as_str(), sample.n), ("relu", 2));
    assert!(sample.mean > 2.0 * shares.chance, "{}", sample.mean);
    for text in [report.markdown(), report.terminal()] {
        assert!(text.contains("Retrieval: share in percent of the 6 of 30 training images"));
    }
    let json: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(json["retrieval"]["gallery"], 30);
    assert_eq!(json["figures"][0], "filters");
}

#[test]
fn many_classes_are_confused_in_a_table() {
    let report = report(&contents(25, 3));
    assert!(!names(&report).contains(&"confusion"));
    let markdown = report.markdown();
    assert!(markdown.contains("## Most confused classes"), "{markdown}");
    let row = "| class 0 of a long name | class 1 of a long name | 1 | 33.33% |";
    assert!(markdown.contains(row), "{markdown}");
}

#[test]
fn what_there_is_no_data_for_is_not_drawn() {
    let none = |change: fn(&mut Contents)| {
        let mut contents = contents(3, 3);
        change(&mut contents);
        names(&report(&contents)).join(" ")
    };
    assert_eq!(
        none(|c| c.filters = None),
        "predictions retrieval confusion"
    );
    assert_eq!(
        none(|c| c.retrieval = None),
        "filters chroma predictions confusion"
    );
    let without_samples = none(|c| {
        c.samples.index.clear();
        c.samples.pixels.clear();
        c.samples.features = Some(Vec::new());
        c.retrieval = None;
    });
    assert_eq!(without_samples, "filters chroma confusion");
    let empty = none(|c| {
        c.predictions = Predictions::default();
        c.samples.index.clear();
        c.samples.pixels.clear();
        c.samples.features = None;
        c.retrieval = None;
    });
    assert_eq!(empty, "filters chroma");
    // Grey images have no chroma; of two channels nothing can be shown.
    assert_eq!(
        names(&report(&contents(3, 1))),
        ["filters", "predictions", "retrieval", "confusion"]
    );
    assert_eq!(names(&report(&contents(3, 2))), ["confusion"]);
}

#[test]
fn trials_without_outputs_must_run_again() {
    let trials = [trial("relu", 1, &[0.5]), trial("tanh", 1, &[0.5])];
    let report = Report::new(&experiment(), &trials).expect("a report");
    assert!(report.figures().is_empty());
    let markdown = report.markdown();
    assert!(
        markdown.contains("Figures of what relu has learned need its trials run again"),
        "{markdown}"
    );
    let none = Report::new(&experiment(), &[]).expect("a report");
    assert!(!none.markdown().contains("run again"));
}

#[test]
fn damaged_outputs_are_named() {
    let (folder, trials) = trials(&contents(3, 3));
    let path = folder.path().join("relu1/outputs.safetensors");
    let mut bytes = std::fs::read(&path).expect("read");
    for byte in bytes.iter_mut().rev().take(2000) {
        *byte ^= 1;
    }
    std::fs::write(&path, bytes).expect("written");
    let error = Report::new(&experiment(), &trials).expect_err("damaged");
    let error = error.to_string();
    assert!(error.contains("relu1/outputs.safetensors"), "{error}");
    assert!(error.contains("fix:"), "{error}");
}

#[test]
fn files_are_written_and_stale_ones_removed() {
    let (_folder, trials) = trials(&contents(3, 3));
    let target = tempfile::tempdir().expect("a folder");
    let report = write(&experiment(), &trials, target.path(), "cargo xtask run").expect("written");
    let exists = |name: &str| target.path().join(name).exists();
    let markdown = report.markdown();
    for name in super::NAMES {
        assert!(exists(&format!("{name}.svg")) && exists(&format!("{name}.png")));
        assert!(markdown.contains(&format!("]({name}.svg)")), "{name}");
    }
    write(&experiment(), &[], target.path(), "cargo xtask run").expect("written");
    assert!(!exists("filters.svg") && !exists("confusion.png") && exists("curves.svg"));
}
