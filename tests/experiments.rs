//! Every experiment of the repository runs, and fits its real data.

mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use program::Program;
use serde_json::Value;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the workspace").to_path_buf()
}

/// The experiments that have a profile.
fn experiments(profile: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("experiments")).expect("experiments") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        let file: toml::Table = text.parse().expect("TOML");
        if file["profiles"].get(profile).is_some() {
            let name = path.file_stem().expect("a name").to_string_lossy();
            assert_eq!(file["experiment"]["name"].as_str(), Some(&*name));
            names.push(format!("experiments/{name}.toml"));
        }
    }
    names.sort();
    names
}

#[test]
fn all_run_in_the_ci_profile_and_give_what_they_gave() {
    let program = Program::new();
    let experiments = experiments("ci");
    assert!(experiments.len() >= 11, "{experiments:?}");
    let mut found = Pins::new();
    for file in experiments {
        let name = file.replace("experiments/", "").replace(".toml", "");
        // Of one net there is no average.
        let seeds = if name == "ensemble" { "2" } else { "1" };
        program.succeed(&["run", &file, "--profile", "ci", "--seeds", seeds]);
        let folder = program.store().join(&name).join("ci");
        for file in [
            "report.html",
            "report.md",
            "table.csv",
            "table.tex",
            "report.json",
        ] {
            assert!(
                folder.join("report").join(file).exists(),
                "{name}: no {file}"
            );
        }
        for picture in ["curves", "predictions", "confusion"] {
            for ending in ["svg", "png"] {
                let file = folder.join("report").join(format!("{picture}.{ending}"));
                // An ensemble's picture would be of no net in particular.
                let is_left_out = name == "ensemble" && picture != "curves";
                assert!(
                    file.exists() || is_left_out,
                    "{} is missing",
                    file.display()
                );
            }
        }
        for trial in program.trials(&format!("{name}/ci")) {
            let metrics = program.metrics(&trial);
            let last = metrics.last().expect("an epoch");
            let stem = trial.file_name().expect("a name").to_string_lossy();
            let (variant, _) = stem.rsplit_once('-').expect("VARIANT-seedN-HASH");
            found.insert(format!("{name}/{variant}"), pinned(last));
        }
    }
    check(&found);
}

/// The losses and errors of trials by `EXPERIMENT/VARIANT-seedN`.
type Pins = BTreeMap<String, BTreeMap<String, f64>>;

/// What is pinned of a trial's last epoch.
fn pinned(record: &Value) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for split in ["train", "validation"] {
        for metric in ["loss", "top1_error"] {
            // An ensemble trains nothing.
            if let Some(value) = record[split][metric].as_f64() {
                values.insert(format!("{split} {metric}"), value);
            }
        }
    }
    values
}

/// Compares with `tests/pinned.json`, or writes it with `ABLATE_PIN=1`.
///
/// Instruction sets add up in different orders, which ten steps of training blow up
/// to some 1e-5 of a loss; an image or two may then change sides.
fn check(found: &Pins) {
    let path = root().join("tests/pinned.json");
    if std::env::var_os("ABLATE_PIN").is_some() {
        let text = serde_json::to_string_pretty(found).expect("JSON");
        std::fs::write(&path, text + "\n").expect("written");
    }
    let text = std::fs::read_to_string(&path).expect("tests/pinned.json");
    let pins: Pins = serde_json::from_str(&text).expect("JSON");
    let names = |pins: &Pins| pins.keys().cloned().collect::<Vec<_>>();
    let mut wrong = Vec::new();
    for (trial, values) in &pins {
        for (name, pin) in values {
            let tolerance = match name.ends_with("loss") {
                true => 1e-3 * pin.abs(),
                false => 2.0 / 80.0,
            };
            match found.get(trial).and_then(|values| values.get(name)) {
                Some(value) if (value - pin).abs() <= tolerance => {}
                Some(value) => wrong.push(format!("{trial}: {name} is {value}, was {pin}")),
                None => wrong.push(format!("{trial}: {name} is missing, was {pin}")),
            }
        }
    }
    let how = "where the change is meant, run this test with ABLATE_PIN=1 and commit the file";
    assert!(wrong.is_empty(), "{}\n{how}", wrong.join("\n"));
    assert_eq!(names(found), names(&pins), "trials are not pinned: {how}");
}

#[test]
fn all_with_a_profile_for_cifar10_fit_it() {
    let program = Program::new();
    let files = experiments("paper");
    assert!(!files.is_empty());
    for file in files {
        let output = program.output(&["run", &file, "--profile", "paper", "--dry-run"]);
        let error = program::stderr(&output);
        // What is said where nothing was found; a set that is damaged fails the test.
        if error.contains("cifar-10-batches-bin/*.bin") {
            eprintln!("skipped: CIFAR-10 is not here");
            return;
        }
        assert!(output.status.success(), "{file}: {error}");
        assert!(program::stdout(&output).contains("CIFAR-10"), "{file}");
    }
}

#[test]
fn all_with_a_profile_for_imagenet_fit_an_image_folder() {
    let program = Program::new();
    let folder = program.store().join("images");
    for class in 0..2 {
        for split in ["train", "val"] {
            let folder = folder.join(split).join(format!("class{class}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            for index in 0..3u8 {
                let image = image::RgbImage::from_fn(40, 30, |x, y| {
                    image::Rgb([x as u8 * 5, y as u8 * 7, index * 90])
                });
                image
                    .save(folder.join(format!("{index}.png")))
                    .expect("an image");
            }
        }
    }
    let root = format!("data.root={}", folder.display());
    let files = experiments("imagenet");
    assert!(!files.is_empty());
    for file in files {
        let output = program.succeed(&[
            "run",
            &file,
            "--profile",
            "imagenet",
            "--dry-run",
            "--set",
            &root,
        ]);
        let printed = program::stdout(&output);
        assert!(printed.contains("90 epochs each"), "{file}:\n{printed}");
        // Whole images of the network's size, or larger ones to crop from.
        let sizes = ["256x256", "224x224"];
        assert!(
            sizes.iter().any(|size| printed.contains(size)),
            "{file}:\n{printed}"
        );
    }
}
