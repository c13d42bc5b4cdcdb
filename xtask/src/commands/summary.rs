//! `summary`: what networks are made of, layer by layer. Trains nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ablate_core::{Kind, LayerSummary, nearest, registry};
use ablate_report::number::count;
use ablate_runner::config::{self, Choice, Layer};
use ablate_runner::{Draft, Outline};
use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::grid::Grid;
use crate::workspace;

/// What `summary` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask summary alexnet                                      the paper's network
  cargo xtask summary alexnet --set model.width=0.5 --classes 10   half of it
  cargo xtask summary convnet --input 3x32x32 --classes 10 --json
  cargo xtask summary experiments/depth.toml --profile paper       every network of an experiment

Neurons are counted as in section 3.5 of the paper: the outputs of the layers that have weights. \
A multiply-add is one use of a weight in the forward pass of one image, and 2 FLOPs; biases, \
non-linearities, normalisation and pooling are left out. Activations are the float32 outputs of \
all layers for a batch: what a training step must at least hold beside parameters and gradients, \
without the kernels' own workspace.")]
pub struct Arguments {
    /// A model (`alexnet`) or an experiment: its file, or its name in `experiments/`.
    target: String,
    /// The experiment's profile; without it, its default.
    #[arg(long)]
    profile: Option<String>,
    /// Override a key, for example `model.width=0.5`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// The images the network sees: channels x height x width. Without it, the
    /// paper's 3x224x224, or what the experiment's data become.
    #[arg(long, value_name = "CxHxW", value_parser = shape)]
    input: Option<[usize; 3]>,
    /// Classes; without it, the paper's 1000, or those of the experiment's data.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    classes: Option<u32>,
    /// Images whose activations are added up; without it, the paper's 128, or the
    /// experiment's batch.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: Option<u32>,
    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// A network with what it is built for.
struct Described {
    /// The variants that have it; none of a model by its name.
    variants: Vec<String>,
    model: Choice,
    input: [usize; 3],
    classes: usize,
    batch: usize,
    outline: Outline,
}

/// Prints the networks.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let target = arguments.target.as_str();
    let networks = match experiment(target) {
        Some(file) => of_experiment(&file, arguments)?,
        None if registry::find(Kind::Model, target).is_ok() => vec![of_model(target, arguments)?],
        None => {
            let plugins = registry::all();
            let models = plugins.iter().filter(|plugin| plugin.kind == Kind::Model);
            bail!(
                "`{target}` is neither a model nor an experiment\n  fix: {}, or name a file",
                nearest(target, models.map(|plugin| plugin.name))
            );
        }
    };
    if arguments.json {
        let networks: Vec<Value> = networks.iter().map(Described::to_json).collect();
        println!("{}", serde_json::to_string_pretty(&networks)?);
        return Ok(ExitCode::SUCCESS);
    }
    let texts: Vec<String> = networks.iter().map(Described::to_text).collect();
    print!("{}", texts.join("\n"));
    println!("\n`cargo xtask summary --help` says what is counted.");
    Ok(ExitCode::SUCCESS)
}

/// The file of an experiment that is given by file or by name.
fn experiment(target: &str) -> Option<PathBuf> {
    let file = workspace::experiment(Path::new(target));
    let is_named = Path::new(target)
        .extension()
        .is_some_and(|ending| ending == "toml");
    (is_named || file.exists()).then_some(file)
}

fn of_model(name: &str, arguments: &Arguments) -> anyhow::Result<Described> {
    if arguments.profile.is_some() {
        bail!("--profile: a model has no profiles\n  fix: name an experiment, or leave it out");
    }
    let settings = arguments.settings.iter().map(|text| Layer::setting(text));
    let model = config::model(name, &settings.collect::<Result<Vec<_>, _>>()?)?;
    let input = arguments.input.unwrap_or([3, 224, 224]);
    let classes = arguments.classes.unwrap_or(1000) as usize;
    Ok(Described {
        variants: Vec::new(),
        outline: Outline::of(&model, input, classes, 1)?,
        model,
        input,
        classes,
        batch: arguments.batch.unwrap_or(128) as usize,
    })
}

/// Each network of an experiment once, with the variants that have it.
fn of_experiment(file: &Path, arguments: &Arguments) -> anyhow::Result<Vec<Described>> {
    let draft = Draft::read(
        file,
        arguments.profile.as_deref(),
        &arguments.settings,
        None,
        workspace::data_context(),
    )?;
    let mut networks: Vec<Described> = Vec::new();
    for (variant, config) in draft.variants()? {
        let (input, classes) = match (arguments.input, arguments.classes) {
            (Some(input), Some(classes)) => (input, classes as usize),
            (input, classes) => {
                let seen = draft.sight(&config).context(
                    "the size of the images and the classes come from the data; \
                     --input and --classes together do without",
                )?;
                let classes = classes.map_or(seen.1, |classes| classes as usize);
                (input.unwrap_or(seen.0), classes)
            }
        };
        let batch = arguments.batch.map(|batch| batch as usize);
        let batch = batch.unwrap_or(config.training.batch_size);
        let same = networks.iter_mut().find(|other| {
            (&other.model, other.input, other.classes, other.batch)
                == (&config.model, input, classes, batch)
        });
        match same {
            Some(other) => other.variants.push(variant),
            None => networks.push(Described {
                variants: vec![variant],
                outline: Outline::of(&config.model, input, classes, config.machine.workers)?,
                model: config.model,
                input,
                classes,
                batch,
            }),
        }
    }
    Ok(networks)
}

impl Described {
    fn title(&self) -> String {
        let variants = match self.variants.as_slice() {
            [] => String::new(),
            [one] => format!(" of the variant {one}"),
            several => format!(" of the variants {}", several.join(", ")),
        };
        format!(
            "{}{variants}: images {}, {} classes",
            self.model.name,
            by(&self.input),
            self.classes
        )
    }

    fn to_text(&self) -> String {
        let (summary, batch) = (&self.outline.summary, self.batch);
        let parameters = self.outline.parameters();
        if summary.layers.is_empty() {
            return format!(
                "{}\n\n{} parameters; the model does not list its layers\n",
                self.title(),
                count(parameters)
            );
        }
        // `>` is for numbers, which are flush right.
        let bytes = format!(">bytes for {batch}");
        let mut grid = Grid::new([
            "layer",
            "operation",
            "output",
            ">parameters",
            ">neurons",
            ">multiply-adds",
            &bytes,
        ]);
        for layer in &summary.layers {
            grid.row(row(layer, batch));
        }
        grid.row([
            "total".to_string(),
            String::new(),
            String::new(),
            count(parameters),
            count(summary.neurons()),
            count(summary.multiply_adds() as usize),
            count(summary.activation_bytes(batch) as usize),
        ]);
        format!(
            "{}\n\n{}\n{} FLOPs in one image's forward pass\n",
            self.title(),
            grid.text(""),
            count(2 * summary.multiply_adds() as usize)
        )
    }

    fn to_json(&self) -> Value {
        let (summary, batch) = (&self.outline.summary, self.batch);
        let layer = |layer: &LayerSummary| {
            json!({
                "name": layer.name,
                "operation": layer.operation,
                "output": layer.output,
                "parameters": layer.parameters,
                "neurons": layer.neurons(),
                "multiply_adds": layer.multiply_adds,
                "activation_bytes": layer.activation_bytes(batch),
            })
        };
        json!({
            "model": self.model.name,
            "config": self.model.config,
            "variants": self.variants,
            "input": self.input,
            "classes": self.classes,
            "batch": batch,
            "layers": summary.layers.iter().map(layer).collect::<Vec<_>>(),
            "parameters": self.outline.parameters(),
            "neurons": summary.neurons(),
            "multiply_adds": summary.multiply_adds(),
            "flops": 2 * summary.multiply_adds(),
            "activation_bytes": summary.activation_bytes(batch),
        })
    }
}

/// A layer's line; what it does not have stays empty.
fn row(layer: &LayerSummary, batch: usize) -> [String; 7] {
    let some = |number: usize| match number {
        0 => String::new(),
        number => count(number),
    };
    [
        layer.name.clone(),
        layer.operation.clone(),
        by(&layer.output),
        some(layer.parameters),
        some(layer.neurons()),
        some(layer.multiply_adds as usize),
        count(layer.activation_bytes(batch) as usize),
    ]
}

/// `3x224x224`.
fn by(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join("x")
}

/// Reads `3x224x224`.
fn shape(text: &str) -> Result<[usize; 3], String> {
    let sizes: Result<Vec<usize>, _> = text.split('x').map(str::parse).collect();
    match sizes.as_deref() {
        Ok(&[channels, height, width])
            if [channels, height, width]
                .iter()
                .all(|size| (1..=4096).contains(size)) =>
        {
            Ok([channels, height, width])
        }
        _ => Err("give channels x height x width, such as 3x224x224".to_string()),
    }
}
