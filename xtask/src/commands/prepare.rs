//! `data prepare`: pack ImageNet's archives for training.

use std::path::PathBuf;
use std::time::Instant;

use ablate_data::{Preparation, Prepared, Progress, prepare_imagenet};
use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use crate::workspace;

/// What to prepare and how.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask data prepare imagenet --train-tar ILSVRC2012_img_train.tar \
--val-tar ILSVRC2012_img_val.tar --labels val_synsets.txt
  cargo xtask data prepare imagenet --train-tar ILSVRC2012_img_train.tar --raw --into /fast/imagenet

Nothing is unpacked, and what is done already is not done again: after an
interruption the same command goes on. docs/imagenet.md has the format, figures
and how to make the list of labels from the development kit.")]
pub struct Arguments {
    /// The set: `imagenet`.
    name: String,
    /// ILSVRC2012_img_train.tar, an archive of an archive for each class.
    #[arg(long, value_name = "FILE")]
    train_tar: PathBuf,
    /// ILSVRC2012_img_val.tar; without it, only training images are prepared.
    #[arg(long, value_name = "FILE")]
    val_tar: Option<PathBuf>,
    /// The classes of the validation images: a synset id (`n01751748`) a line, in
    /// the order of their numbers, or lines `FILE SYNSET` or `FILE,SYNSET`.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The folder to write; without it, `data/imagenet-shards` in the project.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Threads that decode; without it, one a core. The bytes are the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Store pixels as they are, 192 KiB an image, instead of as JPEG of quality 95.
    #[arg(long)]
    raw: bool,
    /// Height and width of the prepared images in pixels. Source: section 2.
    #[arg(long, value_name = "PIXELS", default_value_t = 256,
          value_parser = clap::value_parser!(u16).range(1..=2048))]
    size: u16,
}

/// Runs `data prepare`.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let wanted = arguments.preparation()?;
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template(
        "{bar:30} {bytes}/{total_bytes}  {eta} left  {msg}",
    )?);
    let (begin, mut last) = (Instant::now(), Progress::default());
    let prepared = prepare_imagenet(&wanted, &mut |done| {
        last = *done;
        bar.set_length(done.expected);
        bar.set_position(done.bytes);
        let rate = done.images as f64 / begin.elapsed().as_secs_f64();
        bar.set_message(format!("{rate:.0} images/s"));
    })?;
    bar.finish_and_clear();
    print(&prepared, &last, begin.elapsed().as_secs_f64());
    println!("{}", wanted.into.display());
    Ok(())
}

impl Arguments {
    fn preparation(&self) -> anyhow::Result<Preparation> {
        if self.name != "imagenet" {
            bail!("`{}` cannot be prepared\n  fix: `imagenet` can", self.name);
        }
        let validation = match (&self.val_tar, &self.labels) {
            (Some(archive), Some(list)) => Some((archive.clone(), list.clone())),
            (None, None) => None,
            (Some(_), None) => bail!(
                "--val-tar: the archive does not hold the images' classes\n  fix: give them with \
                 `--labels FILE`, a synset id such as n01751748 a line, in order of the images, \
                 or lines `FILE SYNSET`"
            ),
            (None, Some(_)) => {
                bail!("--labels: these are for the validation images\n  fix: give `--val-tar` too")
            }
        };
        let into = self.into.clone();
        let into = into.unwrap_or_else(|| workspace::data_folder().join("imagenet-shards"));
        Ok(Preparation {
            validation,
            threads: self.threads.map(usize::from),
            raw: self.raw,
            size: usize::from(self.size),
            ..Preparation::new(&self.train_tar, into)
        })
    }
}

fn print(prepared: &Prepared, last: &Progress, seconds: f64) {
    println!(
        "{} training and {} validation images in {} shards, {:.1} MiB",
        prepared.train,
        prepared.validation,
        prepared.shards,
        prepared.bytes as f64 / f64::from(1 << 20)
    );
    if prepared.skipped > 0 {
        println!(
            "{} images cannot be read and are left out; which and why is in {}",
            prepared.skipped,
            prepared.report.display()
        );
    }
    match last.images {
        0 => println!("everything was there"),
        images => println!(
            "{images} images prepared in {seconds:.1} s, {:.1} images/s",
            images as f64 / seconds
        ),
    }
}
