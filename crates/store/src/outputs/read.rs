//! Reading the file, a tensor at a time: on ImageNet the probabilities alone are
//! 200 MB, and most readers want something else.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata as Layout, TensorInfo};

use super::{
    FEATURES, FILTERS, FORMAT, FOUND, FOUND_INDEX, FOUND_TARGETS, Filters, LOG_PROBABILITIES,
    METADATA, Metadata, NEAREST, Predictions, Retrieval, SAMPLE_INDEX, SAMPLES, Samples, Shares,
    TARGETS,
};
use crate::checkpoint::digest;
use crate::{Error, Result};

/// A longer header is not one of ours.
const LONGEST_HEADER: u64 = 16 << 20;

/// The outputs of one finished trial. Opening reads the header and the filters;
/// everything else is read when asked for, and checked against its digest.
#[derive(Clone, Debug)]
pub struct Outputs {
    path: PathBuf,
    layout: Layout,
    /// Where the tensors begin in the file.
    start: u64,
    metadata: Metadata,
    filters: Option<Filters>,
}

/// Two are the same when they hold the same tensors, wherever they lie.
impl PartialEq for Outputs {
    fn eq(&self, other: &Self) -> bool {
        self.metadata == other.metadata
    }
}

impl Outputs {
    /// Opens the file; `None` where there is none.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or is not such a file.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path)(error)),
        };
        let length = file.metadata().map_err(Error::io(path))?.len();
        let header = header(path, &mut file, length)?;
        let start = 8 + header.len() as u64;
        let layout: Layout =
            serde_json::from_slice(&header).map_err(|error| damaged(path, &error))?;
        if start + layout.data_len() as u64 != length {
            return Err(damaged(path, &"it was cut off"));
        }
        let entries = layout.metadata().as_ref();
        let text = entries.and_then(|entries| entries.get(METADATA));
        let text = text.ok_or_else(|| damaged(path, &"its metadata is missing"))?;
        let metadata: Metadata =
            serde_json::from_str(text).map_err(|error| damaged(path, &error))?;
        if metadata.format != FORMAT {
            let problem = format!("its layout is version {}, not {FORMAT}", metadata.format);
            return Err(damaged(path, &problem));
        }
        let named = layout.offset_keys().into_iter().collect::<BTreeSet<_>>();
        if !named.iter().eq(metadata.sha256.keys()) {
            return Err(damaged(path, &"its tensors are not those of its metadata"));
        }
        let mut outputs = Self {
            path: path.to_path_buf(),
            layout,
            start,
            metadata,
            filters: None,
        };
        outputs.filters = outputs.read_filters()?;
        Ok(Some(outputs))
    }

    /// The class names; a label indexes them.
    pub fn classes(&self) -> &[String] {
        &self.metadata.classes
    }

    /// The first convolution's weights; `None` where the model has none.
    pub fn filters(&self) -> Option<&Filters> {
        self.filters.as_ref()
    }

    /// What the model says of every validation image.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn predictions(&self) -> Result<Predictions> {
        let classes = self.classes().len();
        let (shape, log_probabilities) = self.floats::<2>(LOG_PROBABILITIES)?;
        let targets = self.targets()?;
        if shape != [targets.len(), classes] {
            let problem = format!(
                "log_probabilities are {shape:?}, with {} targets of {classes} classes",
                targets.len()
            );
            return Err(self.damaged(&problem));
        }
        Ok(Predictions {
            log_probabilities,
            targets,
        })
    }

    /// The labels of every validation image.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn targets(&self) -> Result<Vec<u32>> {
        let classes = self.classes().len();
        let targets = self.row(TARGETS)?;
        match targets.iter().find(|target| **target as usize >= classes) {
            Some(target) => Err(self.damaged(&format!("there is no class {target}"))),
            None => Ok(targets),
        }
    }

    /// How many of the training images nearest to a sample are of its class; `None`
    /// where none were searched.
    pub fn shares(&self) -> Option<&Shares> {
        self.metadata.retrieval.as_ref()
    }

    /// The training images nearest to the samples; `None` where none were searched.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn retrieval(&self) -> Result<Option<Retrieval>> {
        let Some(shares) = self.metadata.retrieval else {
            return Ok(None);
        };
        let ([queries, found], nearest) = self.integers(NEAREST)?;
        let ([images, _, _, _], pixels) = self.tensor(FOUND, Dtype::U8)?;
        let (index, targets) = (self.row(FOUND_INDEX)?, self.row(FOUND_TARGETS)?);
        let kept = self
            .layout
            .info(SAMPLE_INDEX)
            .map_or(0, |info| info.shape.iter().product());
        if [queries, found] != [kept, shares.found] || [index.len(), targets.len()] != [images; 2] {
            let problem = format!(
                "{found} of {images} images for each of {queries} samples, with {} indices and {} \
                 labels",
                index.len(),
                targets.len()
            );
            return Err(self.damaged(&problem));
        }
        let classes = self.classes().len();
        if nearest.iter().any(|place| *place as usize >= images)
            || targets.iter().any(|target| *target as usize >= classes)
        {
            return Err(self.damaged(&"it names a found image or a class that there is not"));
        }
        Ok(Some(Retrieval {
            nearest,
            index,
            targets,
            pixels,
            shares,
        }))
    }

    /// The sample images with their features.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn samples(&self) -> Result<Samples> {
        let ([kept, channels, height, width], pixels) = self.tensor(SAMPLES, Dtype::U8)?;
        let index = self.row(SAMPLE_INDEX)?;
        let features = match self.layout.info(FEATURES) {
            None => None,
            Some(_) => Some(self.floats::<2>(FEATURES)?),
        };
        let rows = features.as_ref().map_or(kept, |([rows, _], _)| *rows);
        if index.len() != kept || rows != kept {
            let problem = format!("{kept} samples, {} indices, {rows} features", index.len());
            return Err(self.damaged(&problem));
        }
        let images = self
            .layout
            .info(TARGETS)
            .and_then(|info| info.shape.first());
        let images = images.copied().unwrap_or(0);
        if let Some(index) = index.iter().find(|index| **index as usize >= images) {
            return Err(self.damaged(&format!("there is no image {index}")));
        }
        Ok(Samples {
            shape: [channels, height, width],
            pixels,
            index,
            features: features.map(|(_, values)| values),
        })
    }

    fn read_filters(&self) -> Result<Option<Filters>> {
        if self.layout.info(FILTERS).is_none() {
            return Ok(None);
        }
        let (shape, weights) = self.floats(FILTERS)?;
        Ok(Some(Filters {
            shape,
            weights,
            towers: self.metadata.towers,
        }))
    }

    fn floats<const RANK: usize>(&self, name: &str) -> Result<([usize; RANK], Vec<f32>)> {
        let (shape, bytes) = self.tensor(name, Dtype::F32)?;
        let words = bytes.as_chunks::<4>().0.iter();
        Ok((shape, words.map(|word| f32::from_le_bytes(*word)).collect()))
    }

    fn row(&self, name: &str) -> Result<Vec<u32>> {
        let ([_], values) = self.integers(name)?;
        Ok(values)
    }

    fn integers<const RANK: usize>(&self, name: &str) -> Result<([usize; RANK], Vec<u32>)> {
        let (shape, bytes) = self.tensor(name, Dtype::U32)?;
        let words = bytes.as_chunks::<4>().0.iter();
        Ok((shape, words.map(|word| u32::from_le_bytes(*word)).collect()))
    }

    /// A tensor's shape and bytes, checked against its digest.
    fn tensor<const RANK: usize>(
        &self,
        name: &str,
        dtype: Dtype,
    ) -> Result<([usize; RANK], Vec<u8>)> {
        let missing = || self.damaged(&format!("it has no tensor `{name}`"));
        let info = self.layout.info(name).ok_or_else(missing)?;
        let shape: [usize; RANK] = match info.shape.as_slice().try_into() {
            Ok(shape) if info.dtype == dtype => shape,
            _ => {
                let found = format!("`{name}` is {:?} {:?}", info.dtype, info.shape);
                return Err(self.damaged(&format!("{found}, not {dtype:?} of {RANK} dimensions")));
            }
        };
        let bytes = self.bytes(info)?;
        if self.metadata.sha256.get(name) != Some(&digest(&bytes)) {
            return Err(self.damaged(&format!("the digest of `{name}` is wrong")));
        }
        Ok((shape, bytes))
    }

    fn bytes(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        let (begin, end) = info.data_offsets;
        let mut bytes = vec![0; end - begin];
        File::open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(self.start + begin as u64))?;
                file.read_exact(&mut bytes)
            })
            .map_err(Error::io(&self.path))?;
        Ok(bytes)
    }

    fn damaged(&self, problem: &dyn std::fmt::Display) -> Error {
        damaged(&self.path, problem)
    }
}

/// The header's bytes: eight hold their number, they follow.
fn header(path: &Path, file: &mut File, length: u64) -> Result<Vec<u8>> {
    let mut size = [0; 8];
    if length < 8 {
        return Err(damaged(path, &"it was cut off"));
    }
    file.read_exact(&mut size).map_err(Error::io(path))?;
    let size = u64::from_le_bytes(size);
    if size > LONGEST_HEADER.min(length - 8) {
        return Err(damaged(path, &"its header's length is wrong"));
    }
    let mut header = vec![0; size as usize];
    file.read_exact(&mut header).map_err(Error::io(path))?;
    Ok(header)
}

fn damaged(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::Damaged {
        path: path.to_path_buf(),
        problem: problem.to_string(),
        fix: "remove the trial's folder and run the experiment again".to_string(),
    }
}
