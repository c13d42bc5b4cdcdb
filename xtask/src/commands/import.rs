//! `import`: tensors of another program, as a network that `predict` can use.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ablate_runner::Network;
use ablate_runner::config::Layer;
use anyhow::{Context, bail};

use super::export;
use crate::workspace;

/// What `import` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask import torch.safetensors --like runs/crops/quick/centre-seed0-1a2b3c4d --out net.safetensors
  cargo xtask import torch.safetensors --like net.safetensors --out other.safetensors
  cargo xtask import torch.safetensors --like config.toml --set model.gpus=1 --out net.safetensors
  cargo xtask predict net.safetensors cat.jpg

In PyTorch, write the file with
  safetensors.torch.save_file(model.state_dict(), \"torch.safetensors\")

docs/exchange.md has the names, the layouts, and what a config needs.")]
pub struct Arguments {
    /// Tensors in float32 with the model's names, as PyTorch's `state_dict` has them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the tensors are of: a trial's folder, a file of `export` or `import`, or
    /// a TOML file with the tables `model`, `data` and `augmentation`.
    #[arg(long, value_name = "TRIAL|FILE|CONFIG")]
    like: PathBuf,
    /// Override a key of that, for example `model.gpus=1`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// A text file with a class name on each line, in the order of the outputs;
    /// without it, the classes of `--like`.
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// The file to write; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes the file.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.settings.iter().map(|text| Layer::setting(text));
    let settings = settings.collect::<Result<Vec<_>, _>>()?;
    let classes = arguments.classes.as_deref().map(class_names).transpose()?;
    let network = Network::import(
        &arguments.file,
        &arguments.like,
        &settings,
        classes,
        &workspace::data_context(),
    )?;
    export::write(&network, &arguments.out)
}

/// The names in a file, a line each.
///
/// # Errors
/// It cannot be read, or has none.
pub fn class_names(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim);
    let names: Vec<String> = lines.filter(|l| !l.is_empty()).map(String::from).collect();
    if names.is_empty() {
        bail!(
            "{}: there is no class name in it\n  fix: write one on each line",
            path.display()
        );
    }
    Ok(names)
}
