//! `predict` says what the trial's own evaluation says, and why it cannot.

mod program;
mod trained;

use std::fs;
use std::path::{Path, PathBuf};

use ablate_store::TrialFolder;
use program::{Program, stderr, stdout};
use serde_json::Value;
use trained::{images, predict, rows, text, trained};

#[test]
fn predictions_are_those_of_the_trials_own_evaluation() {
    let (program, trial) = trained();
    let images = images(&program, &trial);
    let outputs = TrialFolder::open(&trial)
        .outputs()
        .expect("undamaged")
        .expect("outputs");
    let classes = outputs.classes();
    let stored = outputs.predictions().expect("undamaged").log_probabilities;
    let all = ["--top", "100"];
    let found = predict(&program, &trial, &images, &all);
    assert_eq!((found.len(), stored.len()), (80, 80 * classes.len()));
    for (row, stored) in found.iter().zip(stored.chunks_exact(classes.len())) {
        let top = row["top"].as_array().expect("classes");
        assert_eq!((top.len(), &row["views"]), (classes.len(), &Value::from(1)));
        for place in top {
            let class = classes
                .iter()
                .position(|name| place["class"] == name.as_str());
            let expected = f64::from(stored[class.expect("a class")]).exp();
            let probability = place["probability"].as_f64().expect("a number");
            assert!(
                (probability - expected).abs() < 1e-6,
                "{probability}, {expected}"
            );
        }
        assert!(top.is_sorted_by_key(|place| -place["probability"].as_f64().expect("a number")));
    }

    // The checkpoint's file and an exported one say the same, the latter without the
    // data.
    let index = fs::read_to_string(trial.join("checkpoint.json")).expect("an index");
    let index: Value = serde_json::from_str(&index).expect("JSON");
    let checkpoint = trial.join(index[0]["file"].as_str().expect("a name"));
    assert_eq!(predict(&program, &checkpoint, &images, &all), found);
    let file = program.store().join("net.safetensors");
    program.succeed(&["export", text(&trial), "--out", text(&file)]);
    assert_eq!(predict(&program, &file, &images, &all), found);

    // Text has the same order.
    let output = program.succeed(&["predict", text(&file), text(&images[0])]);
    let text = stdout(&output);
    let first = found[0]["top"][0]["class"].as_str().expect("a name");
    assert!(
        text.lines()
            .nth(3)
            .is_some_and(|line| line.trim().starts_with(first)),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.ends_with('%')).count(), 5);
}

#[test]
fn ten_crops_average_ten_views_where_the_trial_crops() {
    let program = Program::new();
    let run = [
        "run",
        "experiments/crops.toml",
        "--profile",
        "ci",
        "--seeds",
        "1",
    ];
    program.succeed(&run);
    let trials = program.trials("crops/ci");
    let crops = |trial: &PathBuf| {
        let config = fs::read_to_string(trial.join("config.toml")).expect("a config");
        config.contains("[augmentation.random_crop]")
    };
    let trial = trials
        .iter()
        .find(|trial| crops(trial))
        .expect("a trial with crops");
    let images = &images(&program, trial)[..2];
    let ten = predict(&program, trial, images, &["--crops", "ten", "--logits"]);
    let centre = predict(&program, trial, images, &["--crops", "centre", "--logits"]);
    for (ten, centre) in ten.iter().zip(&centre) {
        assert_eq!(
            (&ten["views"], &centre["views"]),
            (&Value::from(10), &Value::from(1))
        );
        // The fifth view is the centre; the probability is the mean of all ten.
        let logits = |row: &Value, view: usize| -> Vec<f64> {
            let view = row["logits"][view].as_array().expect("a view");
            view.iter()
                .map(|logit| logit.as_f64().expect("a number"))
                .collect()
        };
        for (a, b) in logits(ten, 4).iter().zip(logits(centre, 0)) {
            assert!((a - b).abs() < 1e-4, "{a}, {b}");
        }
        let share = |view: usize| {
            let logits = logits(ten, view);
            let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
            logits
                .into_iter()
                .map(move |logit| logit.exp() / sum)
                .collect::<Vec<_>>()
        };
        let mut means: Vec<f64> = vec![0.0; share(0).len()];
        for view in 0..10 {
            means
                .iter_mut()
                .zip(share(view))
                .for_each(|(mean, share)| *mean += share / 10.0);
        }
        let largest = means.into_iter().fold(0.0, f64::max);
        let found = ten["top"][0]["probability"].as_f64().expect("a number");
        assert!((found - largest).abs() < 1e-5, "{found}, {largest}");
    }

    let (program, trial) = trained();
    let error = program.fail(&["predict", text(&trial), text(&images[0]), "--crops", "ten"]);
    assert!(
        error.contains("--crops ten") && error.contains("random_crop"),
        "{error}"
    );
}

#[test]
fn one_bad_image_leaves_the_others_their_rows() {
    let (program, trial) = trained();
    let good = images(&program, &trial).swap_remove(0);
    let place = |name: &str| program.store().join(name);
    let bytes = fs::read(&good).expect("an image");
    fs::write(place("cut.png"), &bytes[..bytes.len() / 2]).expect("written");
    fs::write(place("notes.jpg"), "no image").expect("written");
    let grey = image::GrayImage::from_pixel(50, 20, image::Luma([9]));
    grey.save(place("grey.jpg")).expect("written");
    let deep = image::ImageBuffer::<image::LumaA<u16>, _>::from_pixel(9, 9, image::LumaA([9, 9]));
    deep.save(place("deep.png")).expect("written");
    let names = ["cut.png", "notes.jpg", "absent.png", "grey.jpg", "deep.png"];
    let mut arguments = vec!["predict".to_string(), text(&trial).to_string()];
    arguments.extend(names.map(|name| text(&place(name)).to_string()));
    arguments.extend([text(&good).to_string(), "--json".to_string()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = program.output(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let rows = rows(&stdout(&output));
    assert_eq!(rows.len(), 6);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row.get("error").is_some(), index < 3, "{row}");
        assert_eq!(row.get("top").is_some(), index >= 3, "{row}");
    }
    let said = stderr(&output);
    for part in [
        "cut.png: ",
        "notes.jpg: neither",
        "absent.png: ",
        "fix:",
        "3 of 6 images",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
    let output = program.output(&arguments[..arguments.len() - 1]);
    assert_eq!(output.status.code(), Some(1));
    let table = stdout(&output);
    assert_eq!(
        table.lines().filter(|line| line.ends_with('%')).count(),
        15,
        "{table}"
    );
    assert_eq!(table.matches("no prediction").count(), 3, "{table}");
}

#[test]
fn what_is_no_finished_network_is_refused() {
    let (program, trial) = trained();
    let image = images(&program, &trial).swap_remove(0);
    let refuse = |network: &Path, parts: &[&str]| {
        let error = program.fail(&["predict", text(network), text(&image)]);
        for part in [parts, &["fix:"]].concat() {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
    };
    refuse(Path::new("/nonexistent"), &["/nonexistent", "no such file"]);
    let above = trial.parent().expect("a folder");
    refuse(above, &["no trial is stored here", "one of the 2 trials"]);
    refuse(&image, &["0.png", "safetensors"]);
    refuse(&trial.join("config.toml"), &["a config has no weights"]);

    let record = trial.join("trial.json");
    let finished = fs::read_to_string(&record).expect("a record");
    let unfinished = finished.replace("\"finished\"", "\"unfinished\"");
    assert_ne!(finished, unfinished);
    fs::write(&record, unfinished).expect("written");
    refuse(&trial, &["the trial is not finished"]);
    // Whoever names a checkpoint gets that state.
    let index = fs::read_to_string(trial.join("checkpoint.json")).expect("an index");
    let index: Value = serde_json::from_str(&index).expect("JSON");
    let newest = trial.join(index[0]["file"].as_str().expect("a name"));
    predict(&program, &newest, std::slice::from_ref(&image), &[]);
    fs::write(&record, &finished).expect("written");

    let whole = fs::read(&newest).expect("a checkpoint");
    fs::write(&newest, &whole[..whole.len() - 4]).expect("written");
    refuse(&newest, &["the digest is wrong"]);
    // The folder's other checkpoint serves.
    predict(&program, &trial, std::slice::from_ref(&image), &[]);

    // A trial of data that is not there.
    let mut gone: Value = serde_json::from_str(&finished).expect("JSON");
    gone["config"]["data"] = serde_json::json!({ "name": "cifar10", "root": "/nonexistent" });
    fs::write(&record, gone.to_string()).expect("written");
    refuse(
        &trial,
        &[
            "data set, which does not open",
            "/nonexistent",
            "cargo xtask export",
        ],
    );
}
