//! Every experiment of the repository runs, and fits its real data.

mod program;

use std::path::{Path, PathBuf};

use program::Program;

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
fn all_run_in_the_ci_profile() {
    let program = Program::new();
    let experiments = experiments("ci");
    assert!(experiments.len() >= 11, "{experiments:?}");
    for file in experiments {
        program.succeed(&["run", &file, "--profile", "ci", "--seeds", "1"]);
        let name = file.replace("experiments/", "").replace(".toml", "");
        let report = program.store().join(name).join("ci/report/report.md");
        assert!(report.exists(), "{file} left no report");
    }
}

#[test]
fn all_with_a_profile_for_cifar10_fit_it() {
    let program = Program::new();
    for file in experiments("paper") {
        let output = program.output(&["run", &file, "--profile", "paper", "--dry-run"]);
        let error = program::stderr(&output);
        if error.contains("cifar-10-batches-bin") {
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
    for file in experiments("imagenet") {
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
