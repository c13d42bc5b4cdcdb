//! Everything one trial trains with, built from its config.

use std::sync::Arc;

use ablate_core::{
    Dataset, Model, ModelContext, Optimiser, Parameter, Parameters, Schedule, Stream, registry,
};
use candle_core::{DType, Device};

use crate::config::Choice;
use crate::device::gpu_name;
use crate::evaluate::Metrics;
use crate::loader::{Loaders, Source};
use crate::plan::in_table;
use crate::{Pipeline, PlannedTrial, Result};

/// The parts of a trial.
pub(crate) struct Session {
    pub data: Arc<dyn Dataset>,
    /// Shared with the threads that load images.
    pub pipeline: Arc<Pipeline>,
    pub model: Box<dyn Model>,
    pub parameters: Parameters,
    /// `parameters` as a list, in the optimiser's order.
    pub list: Vec<Parameter>,
    pub optimiser: Box<dyn Optimiser>,
    pub schedule: Box<dyn Schedule>,
    pub metrics: Metrics,
    pub seed: Stream,
    /// Where the parameters are.
    device: Device,
    /// What prepares batches for the device.
    pub loaders: Arc<Loaders>,
}

impl Session {
    /// Builds model, optimiser and the rest; weights are drawn from the seed.
    pub fn build(trial: &PlannedTrial, data: Arc<dyn Dataset>) -> Result<Self> {
        let config = &trial.config;
        let device = config.machine.device.open()?;
        let seed = Stream::new(trial.seed);
        let pipeline = Arc::new(Pipeline::build(&config.augmentation, data.as_ref())?);
        let parameters = Parameters::new(seed.named("initialisation"));
        let cx = ModelContext {
            input: pipeline.output_shape(),
            classes: data.info().classes.len(),
            parameters: parameters.builder(DType::F32, &device),
        };
        let model = model(&config.model, config.machine.workers, &cx)?;
        let list = parameters.all();
        let optimiser =
            registry::optimiser(&config.optimiser.name, &config.optimiser.config, &list)
                .map_err(|error| in_table("optimiser", error))?;
        let schedule = registry::schedule(&config.schedule.name, &config.schedule.config)
            .map_err(|error| in_table("schedule", error))?;
        let metrics = Metrics::build(&config.evaluation.metrics)?;
        Ok(Self {
            data,
            pipeline,
            model,
            parameters,
            list,
            optimiser,
            schedule,
            metrics,
            seed,
            loaders: Arc::new(Loaders::new(config.machine.loaders(), &device)?),
            device,
        })
    }

    /// The weight of the first convolution `[O, C, kH, kW]`, where there is one.
    pub fn first_convolution(&self) -> Option<&Parameter> {
        let name = self.model.first_convolution()?;
        self.list.iter().find(|parameter| parameter.name == name)
    }

    /// Where the parameters are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Where its images come from.
    pub fn source(&self) -> Source {
        Source {
            data: Arc::clone(&self.data),
            pipeline: Arc::clone(&self.pipeline),
            loaders: Arc::clone(&self.loaders),
        }
    }

    /// The random stream of a step.
    pub fn stream(&self, epoch: usize, step: usize) -> Stream {
        self.seed.named("pass").at(epoch).at(step)
    }

    /// The name of the GPU that computes; empty where none does.
    pub fn gpu(&self) -> String {
        gpu_name(&self.device)
    }
}

/// Builds a network and places it on the workers.
pub(crate) fn model(choice: &Choice, workers: usize, cx: &ModelContext) -> Result<Box<dyn Model>> {
    let mut model = registry::model(&choice.name, &choice.config, cx)
        .map_err(|error| in_table("model", error))?;
    model
        .place(workers)
        .map_err(|error| in_table("model", error))?;
    Ok(model)
}
