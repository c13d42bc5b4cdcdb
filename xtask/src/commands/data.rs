//! `data`: fetch sets, prepare them, time them, or look at them.

use std::path::PathBuf;
use std::process::ExitCode;

use ablate_core::{Dataset, Kind, Split, registry};
use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use super::{prepare, speed};
use crate::{keys, workspace};

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
        /// The folder to put it in; without it, `data/` in the project.
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
        /// Another address of the same archive.
        #[arg(long)]
        url: Option<String>,
    },
    /// Pack ImageNet's archives for training, without unpacking them.
    Prepare(prepare::Arguments),
    /// Measure how fast a set gives its training images.
    #[command(after_help = "\
Examples:
  cargo xtask data speed shards
  cargo xtask data speed image_folder --set root=imagenet --set cache_mib=0 --threads 1")]
    Speed {
        /// A data set plugin: `shards`, `image_folder`.
        name: String,
        /// A key of the plugin, for example `root=imagenet`.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        settings: Vec<String>,
        /// Threads that read.
        #[arg(long, value_name = "N", default_value_t = 1,
              value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: u16,
        /// How long to read.
        #[arg(long, value_name = "SECONDS", default_value_t = 10,
              value_parser = clap::value_parser!(u16).range(1..))]
        seconds: u16,
    },
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
                bar.set_length(total);
                bar.set_position(done);
            })?;
            bar.finish_and_clear();
            println!("{}", folder.display());
        }
        Command::Prepare(arguments) => prepare::run(arguments)?,
        Command::Speed {
            name,
            settings,
            threads,
            seconds,
        } => {
            let data = open(name, settings)?;
            speed::run(data.as_ref(), usize::from(*threads), f64::from(*seconds))?;
        }
        Command::Preview {
            name,
            settings,
            per_class,
            out,
        } => {
            let data = open(name, settings)?;
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

/// A data set with the keys set on the command line.
fn open(name: &str, settings: &[String]) -> anyhow::Result<Box<dyn Dataset>> {
    let plugin = registry::find(Kind::Dataset, name)?;
    let config = plugin.resolve(&keys::table("--set", settings)?)?;
    Ok(registry::dataset(
        name,
        &config,
        &workspace::data_context(),
    )?)
}
