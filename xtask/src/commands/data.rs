//! `data`: fetch sets, prepare them, or look at them.

use std::path::PathBuf;
use std::process::ExitCode;

use ablate_core::{Kind, Split, registry};
use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

use super::prepare;
use crate::workspace;

/// The `data` commands.
#[derive(clap::Subcommand)]
#[command(after_help = "\
Examples:
  cargo xtask data fetch cifar10         from the network, to data/
  cargo xtask data prepare imagenet --train-tar ILSVRC2012_img_train.tar
  cargo xtask data preview shapes        a picture of the built-in set")]
pub enum Command {
    /// Download a data set, verify its digest and unpack it.
    #[command(after_help = "\
Examples:
  cargo xtask data fetch cifar10
  cargo xtask data fetch cifar10 --into ../shared/data")]
    Fetch {
        /// The set: `cifar10`.
        name: String,
        /// The folder to put it in; without it, `data/` in the workspace.
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
        /// Another address of the same archive.
        #[arg(long)]
        url: Option<String>,
    },
    /// Pack ImageNet's archives for training, without unpacking them.
    Prepare(prepare::Arguments),
    /// Write a picture of a few images of each class.
    #[command(after_help = "\
Examples:
  cargo xtask data preview shapes
  cargo xtask data preview shapes --set seed=3 --per-class 20 --out shapes.png")]
    Preview {
        /// A data set plugin: `shapes`, `cifar10`, `image_folder`, `shards`.
        name: String,
        /// A key of the plugin, for example `seed=3`.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        settings: Vec<String>,
        /// Images a class.
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=200))]
        per_class: u16,
        /// The picture; without it, `NAME.png` here.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs a `data` command.
pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Fetch { name, into, url } => {
            if name != "cifar10" {
                bail!(
                    "`{name}` cannot be fetched\n  fix: `cifar10` is the one set with a public archive"
                );
            }
            let into = into.clone().unwrap_or_else(workspace::data_folder);
            let bar = ProgressBar::no_length();
            bar.set_style(ProgressStyle::with_template(
                "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
            )?);
            let folder = ablate_data::fetch_cifar10(&into, url.as_deref(), &mut |done, total| {
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(done);
            })?;
            bar.finish_and_clear();
            println!("{}", folder.display());
        }
        Command::Prepare(arguments) => prepare::run(arguments)?,
        Command::Preview {
            name,
            settings,
            per_class,
            out,
        } => {
            let config = config(settings)?;
            let plugin = registry::find(Kind::Dataset, name)?;
            let data =
                registry::dataset(name, &plugin.resolve(&config)?, &workspace::data_context())?;
            let out = out
                .clone()
                .unwrap_or_else(|| PathBuf::from(format!("{name}.png")));
            ablate_data::preview(data.as_ref(), &out, usize::from(*per_class))?;
            let info = data.info();
            println!("{}", info.description);
            println!(
                "{} training and {} validation images of {:?}; rows: {}",
                data.len(Split::Train),
                data.len(Split::Validation),
                info.shape,
                info.classes.join(", ")
            );
            println!("{}", out.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `key=value` texts as a table; a value is JSON, or else a string.
fn config(settings: &[String]) -> anyhow::Result<Value> {
    let mut table = Map::new();
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            bail!("--set {setting}: there is no `=`\n  fix: write `--set seed=3`");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        table.insert(key.trim().to_string(), value);
    }
    Ok(Value::Object(table))
}
