//! `outputs.safetensors`: what a finished trial's model says of the validation
//! split, and its first filters. Any safetensors reader opens it.
//!
//! | tensor | type and shape | holds |
//! |---|---|---|
//! | `log_probabilities` | f32 `[N, classes]` | of the mean probability over views |
//! | `targets` | u32 `[N]` | labels |
//! | `samples` | u8 `[K, C, H, W]` | images as the network sees them, before mean subtraction |
//! | `sample_index` | u32 `[K]` | their places in the validation split |
//! | `features` | f32 `[K, F]` | their values in the last hidden layer; absent without one |
//! | `filters` | f32 `[O, C, kH, kW]` | weights of the first convolution; absent without one |
//! | `nearest` | u32 `[K, found]` | rows of the next three: training images nearest to each sample |
//! | `found` | u8 `[M, C, H, W]` | training images, as `samples` |
//! | `found_index` | u32 `[M]` | their places in the training split |
//! | `found_targets` | u32 `[M]` | their labels |
//!
//! The last four are absent without features or a gallery. The metadata's one
//! entry, `ablate`, is a JSON object: the class names, the number of towers the
//! filters lie in, the shares of the found images that are of the right class, and
//! a SHA-256 digest of each tensor.

mod filters;
mod near;
mod read;
mod retrieval;
mod write;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use filters::Filters;
pub use read::Outputs;
pub use retrieval::{Gallery, Retrieval, Shares};

/// The file's name in a trial's folder.
pub(crate) const FILE: &str = "outputs.safetensors";

const METADATA: &str = "ablate";
const LOG_PROBABILITIES: &str = "log_probabilities";
const TARGETS: &str = "targets";
const SAMPLES: &str = "samples";
const SAMPLE_INDEX: &str = "sample_index";
const FEATURES: &str = "features";
const FILTERS: &str = "filters";
const NEAREST: &str = "nearest";
const FOUND: &str = "found";
const FOUND_INDEX: &str = "found_index";
const FOUND_TARGETS: &str = "found_targets";

/// Everything the file holds, to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The class names; a label indexes them.
    pub classes: Vec<String>,
    /// What the model says of every validation image.
    pub predictions: Predictions,
    /// Some validation images.
    pub samples: Samples,
    /// The first convolution's weights; `None` where the model has none.
    pub filters: Option<Filters>,
    /// The training images nearest to the samples; `None` where none were searched.
    pub retrieval: Option<Retrieval>,
}

/// What a model says of `N` images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// Log-probabilities `[N, classes]`, row-major: of the mean probability where
    /// an image has several views.
    pub log_probabilities: Vec<f32>,
    /// Labels `[N]`.
    pub targets: Vec<u32>,
}

/// `K` images and where the model puts them.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Channels, height and width `[C, H, W]` of an image.
    pub shape: [usize; 3],
    /// Images `[K, C, H, W]` as the network sees them (the centre view), but
    /// before mean subtraction.
    pub pixels: Vec<u8>,
    /// Places in the validation split `[K]`.
    pub index: Vec<u32>,
    /// Values of the last hidden layer `[K, F]`, row-major; `None` where the
    /// model has none.
    pub features: Option<Vec<f32>>,
}

/// The JSON in the file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Metadata {
    /// The version of this layout.
    format: u32,
    classes: Vec<String>,
    /// 0 where there are no filters.
    towers: usize,
    /// Absent where no training images were searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retrieval: Option<Shares>,
    /// Digests by tensor.
    sha256: BTreeMap<String, String>,
}

const FORMAT: u32 = 1;

#[cfg(test)]
mod tests;
