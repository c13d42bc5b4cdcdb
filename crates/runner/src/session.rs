//! Everything one trial trains with, built from its config.

use std::sync::Arc;

use ablate_core::{
    Dataset, Model, ModelContext, Optimiser, Parameter, Parameters, Schedule, Stream, registry,
};
use candle_core::{DType, Device};

use crate::config::TrialConfig;
use crate::evaluate::Metrics;
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
}

impl Session {
    /// Builds model, optimiser and the rest; weights are drawn from the seed.
    pub fn build(trial: &PlannedTrial, data: Arc<dyn Dataset>) -> Result<Self> {
        let config = &trial.config;
        let seed = Stream::new(trial.seed);
        let pipeline = Arc::new(Pipeline::build(&config.augmentation, data.as_ref())?);
        let parameters = Parameters::new(seed.named("initialisation"));
        let cx = ModelContext {
            input: pipeline.output_shape(),
            classes: data.info().classes.len(),
            parameters: parameters.builder(DType::F32, &Device::Cpu),
        };
        let model = model(config, &cx)?;
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
        })
    }

    /// The weight of the first convolution `[O, C, kH, kW]`, where there is one.
    pub fn first_convolution(&self) -> Option<&Parameter> {
        let name = self.model.first_convolution()?;
        self.list.iter().find(|parameter| parameter.name == name)
    }
}

/// Builds the network of a trial and places it on the workers.
pub(crate) fn model(config: &TrialConfig, cx: &ModelContext) -> Result<Box<dyn Model>> {
    let mut model = registry::model(&config.model.name, &config.model.config, cx)
        .map_err(|error| in_table("model", error))?;
    model
        .place(config.machine.workers)
        .map_err(|error| in_table("model", error))?;
    Ok(model)
}
