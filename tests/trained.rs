//! A trained network and its images. Shared by the tests of what can be done with one.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::{Path, PathBuf};

use ablate_store::TrialFolder;
use serde_json::Value;

use crate::program::{Program, stdout};

/// A program with one finished trial of the built-in data.
pub fn trained() -> (Program, PathBuf) {
    let program = Program::new();
    let experiment = ["run", "experiments/relu_vs_tanh.toml", "--profile", "ci"];
    let fast = ["--seeds", "1", "--set", "optimiser.lr=0.003"];
    program.succeed(&[experiment.as_slice(), &fast].concat());
    let trials = program.trials("relu_vs_tanh/ci");
    let relu = trials
        .into_iter()
        .find(|trial| text(trial).contains("/relu-"));
    (program, relu.expect("the variant relu"))
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The trial's validation images as PNG files, in order.
pub fn images(program: &Program, trial: &Path) -> Vec<PathBuf> {
    let outputs = TrialFolder::open(trial).outputs().expect("undamaged");
    let samples = outputs.expect("outputs").samples().expect("undamaged");
    let [_, height, width] = samples.shape;
    let area = height * width;
    let image = |(index, planes): (usize, &[u8])| {
        let colour = |x: u32, y: u32| {
            let at = y as usize * width + x as usize;
            image::Rgb([planes[at], planes[area + at], planes[2 * area + at]])
        };
        let path = program.store().join(format!("{index}.png"));
        image::RgbImage::from_fn(width as u32, height as u32, colour)
            .save(&path)
            .expect("written");
        path
    };
    samples
        .pixels
        .chunks_exact(3 * area)
        .enumerate()
        .map(image)
        .collect()
}

/// What `predict` says of images, a row each.
pub fn predict(program: &Program, network: &Path, images: &[PathBuf], more: &[&str]) -> Vec<Value> {
    let paths: Vec<&str> = images.iter().map(|path| text(path)).collect();
    let arguments = [
        &["predict", text(network)],
        paths.as_slice(),
        &["--json"],
        more,
    ]
    .concat();
    rows(&stdout(&program.succeed(&arguments)))
}

pub fn rows(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}
