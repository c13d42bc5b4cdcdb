//! Packing the file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use super::{
    Contents, FEATURES, FILTERS, FORMAT, FOUND, FOUND_INDEX, FOUND_TARGETS, LOG_PROBABILITIES,
    METADATA, Metadata, NEAREST, SAMPLE_INDEX, SAMPLES, TARGETS,
};
use crate::checkpoint::digest;
use crate::{Error, Result};

/// A tensor's bytes, little-endian, with what they are.
struct Packed {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Contents {
    /// The file's bytes: the same contents give the same ones.
    ///
    /// # Errors
    /// Lengths that do not fit each other; `path` is only named.
    pub(crate) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>> {
        let bug = |problem: String| Error::Damaged {
            path: path.to_path_buf(),
            problem: format!("the model's outputs cannot be packed: {problem}"),
            fix: "report this as a bug".to_string(),
        };
        let packed = self.pack();
        let metadata = Metadata {
            format: FORMAT,
            classes: self.classes.clone(),
            towers: self.filters.as_ref().map_or(0, |filters| filters.towers),
            retrieval: self.retrieval.as_ref().map(|retrieval| retrieval.shares),
            sha256: packed
                .iter()
                .map(|tensor| (tensor.name.to_string(), digest(&tensor.bytes)))
                .collect::<BTreeMap<_, _>>(),
        };
        let metadata = serde_json::to_string(&metadata).map_err(|error| bug(error.to_string()))?;
        let views = packed
            .iter()
            .map(|tensor| {
                let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)?;
                Ok((tensor.name, view))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|error| bug(error.to_string()))?;
        // One entry, because the order of several would be a hash map's.
        let metadata = HashMap::from([(METADATA.to_string(), metadata)]);
        safetensors::serialize(views, Some(metadata)).map_err(|error| bug(error.to_string()))
    }

    fn pack(&self) -> Vec<Packed> {
        let (predictions, samples) = (&self.predictions, &self.samples);
        let (images, kept) = (predictions.targets.len(), samples.index.len());
        let images_of = |name, count: usize, pixels: &[u8]| Packed {
            name,
            dtype: Dtype::U8,
            shape: [&[count], &samples.shape[..]].concat(),
            bytes: pixels.to_vec(),
        };
        let mut packed = vec![
            floats(
                LOG_PROBABILITIES,
                vec![images, self.classes.len()],
                &predictions.log_probabilities,
            ),
            integers(TARGETS, vec![images], &predictions.targets),
            images_of(SAMPLES, kept, &samples.pixels),
            integers(SAMPLE_INDEX, vec![kept], &samples.index),
        ];
        if let Some(features) = &samples.features {
            let width = features.len() / kept.max(1);
            packed.push(floats(FEATURES, vec![kept, width], features));
        }
        if let Some(filters) = &self.filters {
            packed.push(floats(FILTERS, filters.shape.to_vec(), &filters.weights));
        }
        if let Some(retrieval) = &self.retrieval {
            let found = retrieval.index.len();
            packed.extend([
                integers(
                    NEAREST,
                    vec![kept, retrieval.shares.found],
                    &retrieval.nearest,
                ),
                images_of(FOUND, found, &retrieval.pixels),
                integers(FOUND_INDEX, vec![found], &retrieval.index),
                integers(FOUND_TARGETS, vec![found], &retrieval.targets),
            ]);
        }
        packed
    }
}

fn floats(name: &'static str, shape: Vec<usize>, values: &[f32]) -> Packed {
    Packed {
        name,
        dtype: Dtype::F32,
        shape,
        bytes: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    }
}

fn integers(name: &'static str, shape: Vec<usize>, values: &[u32]) -> Packed {
    Packed {
        name,
        dtype: Dtype::U32,
        shape,
        bytes: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    }
}
