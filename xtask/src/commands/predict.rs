//! `predict`: what a trained network takes images for.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ablate_runner::config::Layer;
use ablate_runner::{Network, Prediction};
use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::workspace;

/// What `predict` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask predict runs/crops/quick/centre-seed0-1a2b3c4d cat.jpg dog.png
  cargo xtask predict net.safetensors photos/*.jpg --crops ten
  cargo xtask predict net.safetensors cat.jpg --json

An image is prepared as the trial's validation images are: its shorter side scaled, the centre \
square cut out, the training mean subtracted. Grey, CMYK, transparent and 16-bit images become \
RGB. An image that cannot be read gets a row that says why, the others theirs, and the exit code \
is 1.")]
pub struct Arguments {
    /// A finished trial's folder in the run store, one of its checkpoint files, or a
    /// file of `export` or `import`. A trial needs the data it was trained on.
    #[arg(value_name = "TRIAL")]
    network: PathBuf,
    /// JPEG or PNG files of any size.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The parts of an image whose predictions are averaged; without it, those of
    /// the trial's own evaluation.
    #[arg(long)]
    crops: Option<Crops>,
    /// Classes an image.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// One JSON object a line instead of tables.
    #[arg(long)]
    json: bool,
    /// In JSON also the logits of every view, to compare with another program's.
    #[arg(long, requires = "json")]
    logits: bool,
}

/// Parts of an image to average over (paper, section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Crops {
    /// The centre.
    Centre,
    /// The corners and the centre, each also mirrored.
    Ten,
}

/// Prints the most probable classes of each image.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let network = open(arguments)?;
    if !arguments.json {
        println!("{}", heading(&network));
    }
    let mut failed = 0;
    for path in &arguments.images {
        match ask(&network, path) {
            Ok(prediction) if arguments.json => {
                println!("{}", to_json(path, &network, &prediction, arguments));
            }
            Ok(prediction) => print!("{}", to_text(path, &network, &prediction, arguments)),
            Err(error) => {
                failed += 1;
                let message = format!("{error:#}");
                if arguments.json {
                    let path = path.display().to_string();
                    println!("{}", json!({ "image": path, "error": message }));
                } else {
                    println!("\n{}\n  no prediction", path.display());
                }
                eprintln!("error: {message}");
            }
        }
    }
    if failed > 0 {
        bail!(
            "{failed} of {} images got no prediction; the messages say why",
            arguments.images.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn open(arguments: &Arguments) -> anyhow::Result<Network> {
    let path = &arguments.network;
    let settings = match arguments.crops {
        None => Vec::new(),
        Some(crops) => {
            let name = match crops {
                Crops::Centre => "centre",
                Crops::Ten => "ten_crop",
            };
            let key = "augmentation.random_crop.evaluation";
            vec![Layer::key("--crops", key, name.into())]
        }
    };
    let network = Network::open(path, &settings, &workspace::data_context())?;
    if arguments.crops == Some(Crops::Ten) && network.view_count() != 10 {
        bail!(
            "--crops ten: the network of {} was trained without the step `random_crop`\n  fix: \
             leave --crops out",
            path.display()
        );
    }
    Ok(network)
}

fn ask(network: &Network, path: &Path) -> anyhow::Result<Prediction> {
    let pixels = ablate_data::read_image(path, network.image_shape())?;
    network
        .predict(&pixels)
        .with_context(|| path.display().to_string())
}

fn heading(network: &Network) -> String {
    let views = match network.view_count() {
        1 => "one view".to_string(),
        views => format!("the mean of {views} views"),
    };
    format!(
        "{} ({}): {views} of each image",
        network.config().model.name,
        network.origin()
    )
}

/// The most probable classes with their probabilities, the first of equals first.
fn ranked<'a>(network: &'a Network, prediction: &Prediction, top: u16) -> Vec<(&'a str, f64)> {
    let names = network.classes().iter().map(String::as_str);
    let mut classes: Vec<(&str, f64)> = names.zip(prediction.probabilities.clone()).collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    classes.truncate(usize::from(top));
    classes
}

fn to_text(path: &Path, network: &Network, found: &Prediction, arguments: &Arguments) -> String {
    let classes = ranked(network, found, arguments.top);
    let length = |(name, _): &(&str, f64)| name.chars().count();
    let width = classes.iter().map(length).max().unwrap_or(0);
    let mut text = format!("\n{}\n", path.display());
    for (name, probability) in classes {
        text.push_str(&format!("  {name:width$}  {:6.2}%\n", 100.0 * probability));
    }
    text
}

fn to_json(path: &Path, network: &Network, found: &Prediction, arguments: &Arguments) -> Value {
    let class = |(name, probability)| json!({ "class": name, "probability": probability });
    let classes = ranked(network, found, arguments.top);
    let mut row = json!({
        "image": path.display().to_string(),
        "top": classes.into_iter().map(class).collect::<Vec<_>>(),
        "views": network.view_count(),
    });
    if arguments.logits {
        row["logits"] = json!(found.logits);
    }
    row
}
