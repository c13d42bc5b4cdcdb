//! The file of one network: PyTorch's tensors, and our account of them as a JSON
//! text in the metadata, which PyTorch passes over.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use ablate_core::{Dataset, DatasetInfo, Split};
use candle_core::Tensor;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::template::Template;
use crate::config::{Layer, NetworkConfig};
use crate::{Error, Pipeline, Result, Statistics, weights};

/// The metadata's one key; the order of several would be a hash map's.
const KEY: &str = "network";
const FORMAT: u32 = 1;

/// What a file says of itself.
#[derive(Serialize, Deserialize)]
pub(super) struct Metadata {
    format: u32,
    /// Where the network comes from, in words.
    origin: String,
    /// The tables `model`, `data`, `augmentation` and `training.precision`.
    config: Value,
    classes: Vec<String>,
    /// Shape `[C, H, W]` of an image before the pipeline.
    image: [usize; 3],
    /// What each step of the pipeline took from the training split.
    statistics: Statistics,
}

/// Packs a network; the same one gives the same bytes.
pub(super) fn pack(template: &Template, tensors: &HashMap<String, Tensor>) -> Result<Vec<u8>> {
    let bug = |error: &dyn std::fmt::Display| {
        Error::Other(format!("the network cannot be packed: {error}"))
    };
    let metadata = Metadata {
        format: FORMAT,
        origin: template.origin.clone(),
        config: template.config.to_value(),
        classes: template.classes.clone(),
        image: template.pipeline.input_shape(),
        statistics: template.pipeline.statistics(),
    };
    let metadata = serde_json::to_string(&metadata).map_err(|error| bug(&error))?;
    let metadata = HashMap::from([(KEY.to_string(), metadata)]);
    let tensors: BTreeMap<&String, &Tensor> = tensors.iter().collect();
    safetensors::serialize(tensors, Some(metadata)).map_err(|error| bug(&error))
}

/// A file that is read, of ours or of another program.
pub(super) struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    /// Reads a file whole.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::File {
            path: path.to_path_buf(),
            problem: error.to_string(),
            fix: "check the path".to_string(),
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            bytes,
        })
    }

    /// Its tensors.
    ///
    /// # Errors
    /// It is no safetensors file, or holds other numbers than float32.
    pub fn tensors(&self) -> Result<HashMap<String, Tensor>> {
        let tensors =
            weights::read(&self.bytes).map_err(|problem| not_readable(&self.path, &problem))?;
        Ok(tensors.into_iter().collect())
    }

    /// What it says of itself; `None` where another program wrote it.
    ///
    /// # Errors
    /// It is no safetensors file, or its account is damaged or of a later version of this
    /// program.
    pub fn metadata(&self) -> Result<Option<Metadata>> {
        let path = &self.path;
        let (_, header) =
            SafeTensors::read_metadata(&self.bytes).map_err(|error| not_readable(path, &error))?;
        let text = header.metadata().as_ref().and_then(|texts| texts.get(KEY));
        let Some(text) = text else {
            return Ok(None);
        };
        let metadata: Metadata =
            serde_json::from_str(text).map_err(|error| not_understood(path, &error))?;
        match metadata.format {
            FORMAT => Ok(Some(metadata)),
            other => Err(not_understood(
                path,
                &format!("its format is {other}, not {FORMAT}"),
            )),
        }
    }
}

/// An account of ours, which no other program would write.
fn not_understood(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::File {
        path: path.to_path_buf(),
        problem: format!("what it says of its network is not understood: {problem}"),
        fix: "export the trial again, or use the version of this program that did".to_string(),
    }
}

impl Metadata {
    /// The network without its weights; `file` says it.
    pub fn template(self, file: &File, settings: &[Layer]) -> Result<Template> {
        let mut layers = vec![Layer::json(file.path.display().to_string(), &self.config)?];
        layers.extend_from_slice(settings);
        let config = NetworkConfig::read(&layers)?;
        let absent = Absent(DatasetInfo {
            description: config.data.name.clone(),
            shape: self.image,
            classes: self.classes.clone(),
        });
        let pipeline = Pipeline::restore(&config.augmentation, &absent, &self.statistics)?;
        Ok(Template {
            config,
            origin: self.origin,
            classes: self.classes,
            pipeline,
        })
    }
}

/// The training images of a network that is used without them.
struct Absent(DatasetInfo);

impl Dataset for Absent {
    fn info(&self) -> &DatasetInfo {
        &self.0
    }

    fn len(&self, _: Split) -> usize {
        // A step that asks for one is told why it gets none.
        1
    }

    fn read(&self, _: Split, _: usize, _: &mut [u8]) -> ablate_core::Result<u32> {
        Err(ablate_core::Error::Other(format!(
            "a step needs the images of `{}`, and the file does not keep what it took from \
             them\n  fix: name the trial's folder where the data is",
            self.0.description
        )))
    }
}

fn not_readable(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::File {
        path: path.to_path_buf(),
        problem: format!("not a readable safetensors file of float32: {problem}"),
        fix: "write it again, in PyTorch with safetensors.torch.save_file".to_string(),
    }
}
