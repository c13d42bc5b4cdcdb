//! A trained network with all it takes to ask it about an image: its config, its
//! weights, the class names, and what its pipeline took from the training images.

mod file;
mod template;

use std::collections::HashMap;
use std::path::Path;

use ablate_core::{DataContext, Model, ModelContext, Pass};
use ablate_ops::Staging;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::config::{Layer, NetworkConfig};
use crate::evaluate::over_views;
use crate::{Error, Outline, Result, session, weights};
use file::File;
use template::{Source, Template};

/// A trained network. It computes on the CPU, wherever it was trained.
pub struct Network {
    template: Template,
    weights: HashMap<String, Tensor>,
    model: Box<dyn Model>,
}

/// What a network says of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The logits of each view, by class.
    pub logits: Vec<Vec<f32>>,
    /// The mean over the views of each class's probability.
    pub probabilities: Vec<f64>,
}

impl Network {
    /// Opens the folder of a finished trial, one of its checkpoint files, or a file
    /// that [`to_bytes`](Self::to_bytes) filled; `settings` lie over its config.
    ///
    /// # Errors
    /// There is no network at `path`, or it is not finished, or its tensors are not
    /// those of its config. A trial needs the data it was trained on.
    pub fn open(path: &Path, settings: &[Layer], cx: &DataContext) -> Result<Self> {
        let source = Source::of(path)?;
        let weights = source.weights()?;
        let template = source.template(settings, cx)?;
        Self::build(path, template, weights)
    }

    /// The network that `like` (whatever [`open`](Self::open) takes, or a config
    /// file) describes, with the tensors of `file`; `classes` rename its classes.
    ///
    /// # Errors
    /// As for [`open`](Self::open); the tensors of `file` are those of another
    /// network.
    pub fn import(
        file: &Path,
        like: &Path,
        settings: &[Layer],
        classes: Option<Vec<String>>,
        cx: &DataContext,
    ) -> Result<Self> {
        let mut template = Source::of(like)?.template(settings, cx)?;
        template.origin = format!("imported from {}", name_of(file));
        if let Some(classes) = classes {
            template.classes = classes;
        }
        Self::build(file, template, File::read(file)?.tensors()?)
    }

    /// `path` is the file of the weights, for messages.
    fn build(path: &Path, template: Template, weights: HashMap<String, Tensor>) -> Result<Self> {
        let (input, classes) = (template.pipeline.output_shape(), template.classes.len());
        let model = &template.config.model;
        let outline = Outline::of(model, input, classes, 1)?;
        weights::check(&weights, &outline.shapes).map_err(|problem| Error::File {
            path: path.to_path_buf(),
            problem: format!("{problem} (`{}`, {classes} classes)", model.name),
            fix: "give the weights of this network, or the config of the one they are of"
                .to_string(),
        })?;
        let cx = ModelContext {
            input,
            classes,
            parameters: VarBuilder::from_tensors(weights.clone(), DType::F32, &Device::Cpu),
        };
        let model = session::model(model, 1, &cx)?;
        Ok(Self {
            template,
            weights,
            model,
        })
    }

    /// What it is and what it sees.
    pub fn config(&self) -> &NetworkConfig {
        &self.template.config
    }

    /// Where it comes from, in words.
    pub fn origin(&self) -> &str {
        &self.template.origin
    }

    /// The class names, in the order of its outputs.
    pub fn classes(&self) -> &[String] {
        &self.template.classes
    }

    /// Shape `[C, H, W]` of the images it takes, before its pipeline.
    pub fn image_shape(&self) -> [usize; 3] {
        self.template.pipeline.input_shape()
    }

    /// Views of each image whose predictions are averaged.
    pub fn view_count(&self) -> usize {
        self.template.pipeline.view_count()
    }

    /// The number of learned values.
    pub fn parameters(&self) -> usize {
        self.weights.values().map(Tensor::elem_count).sum()
    }

    /// Asks about one image: `C * H * W` bytes of [`image_shape`](Self::image_shape),
    /// as a data set stores them.
    ///
    /// # Errors
    /// There are more or fewer bytes, or what the network says is not finite.
    pub fn predict(&self, pixels: &[u8]) -> Result<Prediction> {
        let shape = self.image_shape();
        if pixels.len() != shape.iter().product::<usize>() {
            return Err(Error::Other(format!(
                "{} bytes are no image of shape {shape:?}",
                pixels.len()
            )));
        }
        let pipeline = &self.template.pipeline;
        let count = pipeline.view_count();
        let [channels, height, width] = pipeline.output_shape();
        let all = [count, channels, height, width];
        let staging = Staging::new(&Device::Cpu)?;
        let (images, ()) = staging.tensor(&all, |values| pipeline.views_of(pixels, values))?;
        let pass = Pass::evaluate().with_precision(self.config().precision);
        let logits = self.model.forward(&images, &pass)?;
        let averaged = over_views(&logits, count)?;
        let probabilities: Vec<f64> = averaged.iter().map(|log| f64::from(*log).exp()).collect();
        if !probabilities.iter().all(|p| p.is_finite()) {
            return Err(Error::Other(
                "the network's outputs are not finite\n  fix: use one that was trained without \
                 diverging"
                    .to_string(),
            ));
        }
        Ok(Prediction {
            logits: logits.to_vec2()?,
            probabilities,
        })
    }

    /// The network as a file: its tensors under their names, as PyTorch's
    /// `state_dict` has them, and all else in the metadata.
    ///
    /// # Errors
    /// It cannot be packed.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        file::pack(&self.template, &self.weights)
    }
}

fn name_of(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
}
