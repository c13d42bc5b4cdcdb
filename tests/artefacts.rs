//! What a run leaves behind is complete.

mod program;
#[path = "../crates/report/src/html/well_formed.rs"]
mod well_formed;

use std::path::Path;

use ablate_store::{Outputs, TrialFolder};
use program::Program;

#[test]
fn a_run_leaves_every_promised_file() {
    let program = Program::new();
    let output = program.succeed(&["run", "experiments/relu_vs_tanh.toml", "--profile", "ci"]);
    let folder = program.store().join("relu_vs_tanh/ci");
    for name in [
        "report.html",
        "report.md",
        "table.csv",
        "table.tex",
        "curves.svg",
        "curves.png",
        "filters.svg",
        "filters.png",
        "chroma.png",
        "predictions.png",
        "retrieval.png",
        "confusion.png",
    ] {
        let file = folder.join("report").join(name);
        assert!(
            std::fs::metadata(&file).is_ok_and(|file| file.len() > 0),
            "{} is missing",
            file.display()
        );
    }
    let printed = program::stdout(&output);
    for part in ["tanh", "relu", "verdict", "about six times fewer epochs"] {
        assert!(
            printed.to_lowercase().contains(part),
            "`{part}` is not in:\n{printed}"
        );
    }
    let report = std::fs::read_to_string(folder.join("report/report.md")).expect("a report");
    assert!(
        report.contains("built-in set of painted scenes"),
        "the report must name the data:\n{report}"
    );

    check_page(&folder.join("report/report.html"), &printed);

    let trials = program.trials("relu_vs_tanh/ci");
    assert_eq!(trials.len(), 4);
    for trial in trials {
        let text = std::fs::read_to_string(trial.join("config.toml")).expect("a config");
        let config: toml::Table = text.parse().expect("TOML");
        // Keys that neither the experiment nor its configs mention.
        for (table, key) in [
            ("model", "filters"),
            ("evaluation", "every"),
            ("machine", "threads"),
        ] {
            assert!(
                config[table].get(key).is_some(),
                "{table}.{key} is missing from:\n{text}"
            );
        }
        let outputs = TrialFolder::open(&trial).outputs().expect("undamaged");
        let images = config["data"]["validation"].as_integer().expect("a number");
        check_outputs(
            &outputs.expect("the model's outputs"),
            images as usize,
            &program.metrics(&trial),
        );
        let environment = std::fs::read(trial.join("environment.json")).expect("an environment");
        let environment: serde_json::Value = serde_json::from_slice(&environment).expect("JSON");
        assert!(environment["cores"].as_u64().is_some_and(|cores| cores > 0));
        let events = std::fs::read_dir(&trial)
            .expect("the trial")
            .flatten()
            .any(|entry| {
                let name = entry.file_name();
                name.to_string_lossy().contains("tfevents")
                    && entry.metadata().is_ok_and(|m| m.len() > 1000)
            });
        assert!(events, "no events in {}", trial.display());
        check_listed(&trial);
    }
}

/// A finished trial has the files that docs/store.md lists, and no others.
fn check_listed(trial: &Path) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/store.md");
    let page = std::fs::read_to_string(page).expect("the page");
    // What stands eight deep is in a trial's folder.
    let listed: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("        "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let is = |pattern: &str, name: &str| match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => name == pattern,
    };
    let files: Vec<String> = std::fs::read_dir(trial)
        .expect("the trial")
        .map(|file| file.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    for file in &files {
        let is_listed = listed.iter().any(|pattern| is(pattern, file));
        assert!(is_listed, "`{file}` is not in docs/store.md");
    }
    for pattern in listed {
        let is_there = files.iter().any(|file| is(pattern, file));
        assert!(is_there, "docs/store.md lists `{pattern}`: {files:?}");
    }
}

/// The page is well formed, holds everything and needs nothing from elsewhere.
fn check_page(file: &Path, printed: &str) {
    assert!(printed.contains(&file.display().to_string()), "{printed}");
    let page = std::fs::read_to_string(file).expect("a page");
    well_formed::check(&page).expect("well formed");
    for part in [
        "reduced: not the paper's setting".replace('\'', "&#39;"),
        "cargo xtask run experiments/relu_vs_tanh.toml --profile ci".to_string(),
        "Keys that the variants do not share".to_string(),
        "href=\"data:image/png;base64,".to_string(),
        "4 trials, all finished".to_string(),
    ] {
        assert!(page.contains(&part), "`{part}` is not in the page");
    }
    // The name of SVG's namespace is no reference.
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for reference in ["http:", "https:", "src=", "@import", "<link"] {
        assert!(!page.contains(reference), "the page refers to {reference}");
    }
    let kibibytes = page.len() / 1024;
    assert!(kibibytes < 1024, "the page has {kibibytes} KiB");
}

/// The outputs are of the shapes promised, and agree with the last epoch's error.
fn check_outputs(outputs: &Outputs, images: usize, metrics: &[serde_json::Value]) {
    let classes = outputs.classes().len();
    let predictions = outputs.predictions().expect("undamaged");
    let rows = predictions.log_probabilities.chunks_exact(classes);
    let wrong = |(row, target): (&[f32], &u32)| {
        // As the metric counts: a tie with the right class is an error.
        let right = row[*target as usize];
        let others = row
            .iter()
            .enumerate()
            .filter(|(class, _)| *class != *target as usize);
        others.into_iter().any(|(_, other)| *other >= right)
    };
    let errors = rows
        .zip(&predictions.targets)
        .filter(|row| wrong(*row))
        .count();
    let last = metrics.last().expect("an epoch");
    let error = last["validation"]["top1_error"].as_f64().expect("a number");
    assert_eq!(predictions.targets.len(), images);
    assert!(
        (errors as f64 / images as f64 - error).abs() < 1e-9,
        "{errors} of {images}, {error}"
    );

    let samples = outputs.samples().expect("undamaged");
    // So few images are all of them samples.
    assert_eq!((samples.shape, samples.index.len()), ([3, 32, 32], images));
    assert_eq!(samples.pixels.len(), images * 3 * 32 * 32);
    let mean =
        samples.pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / samples.pixels.len() as f64;
    assert!(
        (20.0..235.0).contains(&mean),
        "pixels before mean subtraction: {mean}"
    );
    assert_eq!(
        samples.features.map(|features| features.len() % images),
        Some(0)
    );
    let retrieval = outputs.retrieval().expect("undamaged").expect("searched");
    let shares = &retrieval.shares;
    // The gallery is no larger than the training split, 160 images.
    assert_eq!(
        (shares.found, shares.queries, shares.gallery),
        (6, images, 160)
    );
    assert_eq!(retrieval.nearest.len(), 6 * images);
    for share in [shares.features, shares.pixels, shares.chance] {
        assert!((0.0..=1.0).contains(&share), "{shares:?}");
    }
    let filters = outputs.filters().expect("a first convolution");
    let [kernels, shape @ ..] = filters.shape;
    assert!(kernels > 0);
    assert_eq!((shape, filters.towers), ([3, 5, 5], 1));
}

#[test]
fn json_output_is_one_object_a_line() {
    let program = Program::new();
    let output = program.succeed(&[
        "run",
        "experiments/relu_vs_tanh.toml",
        "--profile",
        "ci",
        "--seeds",
        "1",
        "--set",
        "optimiser.lr=0.01",
        "--json",
    ]);
    let lines: Vec<serde_json::Value> = program::stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!(
        (
            count("started"),
            count("epoch"),
            count("ended"),
            count("report")
        ),
        (2, 4, 2, 1)
    );
}
