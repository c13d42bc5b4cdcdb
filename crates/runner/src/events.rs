//! TensorBoard events of one trial.
//!
//! `tensorboard-rs` panics where it cannot write; here that becomes an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ablate_core::{EpochRecord, Exchanged, GradientNorm, Parameter};
use candle_core::Tensor;
use tensorboard_rs::summary::{histogram_raw, image, scalar};
use tensorboard_rs::summary_writer::FileWriter;

use crate::plan::PlannedTrial;
use crate::{Error, Result, hparams};

/// Bytes in a mebibyte.
const MIB: f32 = (1 << 20) as f32;
/// Buckets of a weight histogram.
const BUCKETS: usize = 40;
/// Pixels between the tiles of a filter picture.
const GAP: usize = 1;
/// A tile is enlarged until it is at least this many pixels wide.
const TILE: usize = 32;

/// Writes one trial's events; every tag has the epoch as its step.
pub(crate) struct Events {
    folder: PathBuf,
    /// `None` once writing has failed: the crate's own drop would panic again.
    writer: Option<FileWriter>,
}

impl Events {
    /// Opens a new event file in the trial's folder.
    pub fn open(folder: &Path) -> Result<Self> {
        let mut events = Self {
            folder: folder.to_path_buf(),
            writer: None,
        };
        let writer = catch_unwind(|| FileWriter::new(folder)).map_err(|_| events.failure())?;
        events.writer = Some(writer);
        Ok(events)
    }

    /// What TensorBoard's table of hyper-parameters says of the trial.
    pub fn start(&mut self, planned: &PlannedTrial) -> Result<()> {
        let summary = hparams::start(planned)?;
        self.write(|writer| writer.add_summary(summary, 0))
    }

    /// That the trial has ended, and whether well.
    pub fn end(&mut self, success: bool) -> Result<()> {
        let summary = hparams::end(success)?;
        self.write(|writer| {
            writer.add_summary(summary, 0);
            writer.flush();
        })
    }

    /// Losses, errors, learning rate, throughput and exchanged bytes of an epoch.
    pub fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        self.write(|writer| {
            for (split, metrics) in [("train", &record.train), ("validation", &record.validation)] {
                for (name, value) in metrics {
                    // One chart a metric, with the splits side by side in the list.
                    let tag = format!("{name}/{split}");
                    writer.add_summary(scalar(&tag, *value as f32), record.epoch);
                }
            }
            for (tag, value) in [
                ("learning_rate", record.learning_rate),
                ("images_per_second", record.images_per_second),
            ] {
                writer.add_summary(scalar(tag, value as f32), record.epoch);
            }
            if let Some(GradientNorm { mean, max }) = record.gradient_norm {
                for (what, norm) in [("mean", mean), ("max", max)] {
                    let tag = format!("gradient_norm/{what}");
                    writer.add_summary(scalar(&tag, norm as f32), record.epoch);
                }
            }
            if let Some(Exchanged { forward, backward }) = record.exchanged {
                for (direction, bytes) in [("forward", forward), ("backward", backward)] {
                    let tag = format!("exchanged_mib_per_step/{direction}");
                    writer.add_summary(scalar(&tag, bytes as f32 / MIB), record.epoch);
                }
            }
        })
    }

    /// A histogram of each parameter's values.
    pub fn histograms(&mut self, parameters: &[Parameter], epoch: usize) -> Result<()> {
        for parameter in parameters {
            let values: Vec<f32> = parameter.var.flatten_all()?.to_vec1()?;
            let Some(histogram) = Histogram::of(&values) else {
                continue;
            };
            self.write(|writer| {
                let summary = histogram_raw(
                    &format!("parameters/{}", parameter.name),
                    histogram.min,
                    histogram.max,
                    values.len() as f64,
                    histogram.sum,
                    histogram.sum_squares,
                    &histogram.limits,
                    &histogram.counts,
                );
                writer.add_summary(summary, epoch);
            })?;
        }
        Ok(())
    }

    /// The first convolution's filters `[O, C, kH, kW]` as a picture (paper, Fig. 3).
    pub fn filters(&mut self, weight: &Tensor, epoch: usize) -> Result<()> {
        let (pixels, side) = filter_picture(weight)?;
        self.write(|writer| {
            let tag = "filters/first_convolution";
            writer.add_summary(image(tag, &pixels, &[3, side, side]), epoch);
        })
    }

    /// Hands everything to the operating system.
    pub fn flush(&mut self) -> Result<()> {
        self.write(FileWriter::flush)
    }

    fn write(&mut self, action: impl FnOnce(&mut FileWriter)) -> Result<()> {
        let Some(writer) = &mut self.writer else {
            return Err(self.failure());
        };
        if catch_unwind(AssertUnwindSafe(|| action(writer))).is_err() {
            // Dropping it would panic on the thread that is already gone.
            std::mem::forget(self.writer.take());
            return Err(self.failure());
        }
        Ok(())
    }

    fn failure(&self) -> Error {
        Error::Events {
            folder: self.folder.clone(),
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let writer = self.writer.take();
        // The disk may have filled since the last write; the metrics file has it all.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(writer)));
    }
}

struct Histogram {
    min: f64,
    max: f64,
    sum: f64,
    sum_squares: f64,
    limits: Vec<f64>,
    counts: Vec<f64>,
}

impl Histogram {
    /// Equal buckets between the extremes; `None` where there is no finite value.
    fn of(values: &[f32]) -> Option<Self> {
        let finite = || {
            values
                .iter()
                .filter(|value| value.is_finite())
                .map(|&value| f64::from(value))
        };
        let min = finite().reduce(f64::min)?;
        let max = finite().reduce(f64::max)?;
        let width = ((max - min) / BUCKETS as f64).max(f64::MIN_POSITIVE);
        let mut counts = vec![0.0; BUCKETS];
        for value in finite() {
            counts[(((value - min) / width) as usize).min(BUCKETS - 1)] += 1.0;
        }
        let mut limits: Vec<f64> = (1..=BUCKETS)
            .map(|index| min + width * index as f64)
            .collect();
        // The last bucket must hold the maximum in spite of rounding.
        limits[BUCKETS - 1] = limits[BUCKETS - 1].max(max);
        Some(Self {
            min,
            max,
            sum: finite().sum(),
            sum_squares: finite().map(|value| value * value).sum(),
            limits,
            counts,
        })
    }
}

/// A square of enlarged filters, RGB interleaved, and its side in pixels. All
/// filters share one scale, so that strong ones look strong.
fn filter_picture(weight: &Tensor) -> Result<(Vec<u8>, usize)> {
    let (filters, channels, height, width) = weight.dims4()?;
    let values: Vec<f32> = weight.flatten_all()?.to_vec1()?;
    let largest = values
        .iter()
        .fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    let columns = (1..).find(|side| side * side >= filters).unwrap_or(1);
    let scale = TILE.div_ceil(width.max(height));
    let pitch = scale * width.max(height) + GAP;
    let side = columns * pitch + GAP;
    let mut pixels = vec![255; side * side * 3];
    for filter in 0..filters {
        let (top, left) = (
            filter / columns * pitch + GAP,
            filter % columns * pitch + GAP,
        );
        for y in 0..height * scale {
            for x in 0..width * scale {
                for colour in 0..3 {
                    let channel = if channels == 3 { colour } else { 0 };
                    let at =
                        ((filter * channels + channel) * height + y / scale) * width + x / scale;
                    let level = 127.5 + 127.5 * values[at] / largest;
                    pixels[((top + y) * side + left + x) * 3 + colour] = level as u8;
                }
            }
        }
    }
    Ok((pixels, side))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_histogram_counts_every_finite_value() {
        let histogram = Histogram::of(&[0.0, 1.0, 1.0, f32::NAN, -2.0]).expect("finite values");
        assert_eq!(histogram.counts.iter().sum::<f64>(), 4.0);
        assert_eq!(
            (histogram.min, histogram.max, histogram.sum),
            (-2.0, 1.0, 0.0)
        );
        assert!(histogram.limits.is_sorted() && histogram.limits[BUCKETS - 1] >= 1.0);
        assert!(Histogram::of(&[f32::NAN]).is_none());
        assert_eq!(
            Histogram::of(&[3.0; 7])
                .expect("constant")
                .counts
                .iter()
                .sum::<f64>(),
            7.0
        );
    }

    #[test]
    fn filters_fill_a_square_picture() -> Result<()> {
        let weight = Tensor::new(&[-1f32, 0.0, 1.0], &Device::Cpu)?.reshape((1, 3, 1, 1))?;
        let (pixels, side) = filter_picture(&weight.repeat((5, 1, 1, 1))?)?;
        assert_eq!((side, pixels.len()), (3 * 33 + 1, side * side * 3));
        let first = (side + 1) * 3;
        assert_eq!(pixels[first..first + 3], [0, 127, 255]);
        Ok(())
    }
}
