//! Whether the parts of a config give each other what they need. Each part alone
//! is checked where it is read.

use std::path::Path;

use ablate_core::Schedule;
use ablate_store::{At, Claim, Ensemble, Experiment, Measure};

use crate::config::TrialConfig;
use crate::{Error, Result};

/// Checks that the metric a schedule watches is evaluated.
///
/// # Errors
/// It is not, so that the learning rate would never change.
pub(crate) fn schedule(config: &TrialConfig, schedule: &dyn Schedule) -> Result<()> {
    let name = &config.schedule.name;
    match schedule.metric() {
        None => Ok(()),
        Some(metric) => evaluated(config, metric, &format!("the schedule `{name}` watches")),
    }
}

/// Checks that so many seeds a variant give every ensemble a group, and that a claim
/// about one asks for what groups have: they train nothing, and are scored after the last
/// epoch.
///
/// # Errors
/// There are fewer seeds than a group has members, or a claim that compares an ensemble
/// measures something else.
pub(crate) fn ensembles(file: &Path, experiment: &Experiment, seeds: u64) -> Result<()> {
    for (name, Ensemble { of, size }) in &experiment.ensembles {
        if seeds < *size as u64 {
            return Err(Error::config(
                file.display(),
                format!("ensembles.{name}.size"),
                format!("{seeds} seed(s) of `{of}` fill no group of {size}"),
                format!("run {size} or more (`--seeds {size}`), or average fewer"),
            ));
        }
    }
    let claim = &experiment.claim;
    let roles = [&claim.baseline, &claim.treatment];
    let Some(name) = roles
        .into_iter()
        .find(|role| experiment.ensembles.contains_key(*role))
    else {
        return Ok(());
    };
    let is_there = |claim: &Claim| matches!(claim.measure, Measure::FinalValidation(_));
    match claim.each().iter().all(is_there) {
        true => Ok(()),
        false => Err(misfit(
            "experiment.claim.measure",
            format!(
                "the ensemble `{name}` has nothing but validation metrics after the last epoch"
            ),
            "measure { final_validation = \"top1_error\" } or another metric",
        )),
    }
}

/// Checks that a trial will have everything a claim measures.
///
/// # Errors
/// A metric is not evaluated, or not at the epoch that is asked for, no images are
/// searched for where that is measured, or two of the claim's numbers are the same.
pub(crate) fn claim(claim: &Claim, config: &TrialConfig) -> Result<()> {
    let claims = claim.each();
    for (index, claim) in claims.iter().enumerate() {
        measure(&claim.measure, config)?;
        if claims[..index].iter().any(|c| c.measure == claim.measure) {
            return Err(misfit(
                "experiment.claim.also",
                "it repeats a measure",
                "leave the repeated one out",
            ));
        }
    }
    Ok(())
}

fn measure(measure: &Measure, config: &TrialConfig) -> Result<()> {
    if let Some(metric) = measure.metric() {
        evaluated(config, metric, "the claim measures")?;
    }
    if let Some(target) = measure
        .target()
        .filter(|target| !(0.0..=1.0).contains(target))
    {
        return Err(misfit(
            "experiment.claim.measure",
            format!("no error falls to {target}: it lies in 0..=1"),
            "give a fraction: 0.25 for 25%",
        ));
    }
    let evaluation = &config.evaluation;
    for (key, images) in [
        ("evaluation.samples", evaluation.samples),
        ("evaluation.gallery", evaluation.gallery),
    ] {
        if *measure == Measure::RetrievalShare && images == 0 {
            return Err(misfit(
                key,
                "the claim measures what is found for samples in the gallery, and there is none",
                "give 1 or more",
            ));
        }
    }
    let (At { epoch, .. }, every) = match measure {
        Measure::TrainAt(at) => (at, 1),
        Measure::ValidationAt(at) => (at, evaluation.every),
        _ => return Ok(()),
    };
    let epochs = config.training.epochs;
    if !(1..=epochs).contains(epoch) {
        return Err(misfit(
            "experiment.claim.measure",
            format!("there is no epoch {epoch} in a budget of {epochs}"),
            format!("give an epoch in 1..={epochs}, or raise training.epochs"),
        ));
    }
    if *epoch != epochs && !epoch.is_multiple_of(every) {
        return Err(misfit(
            "experiment.claim.measure",
            format!("the validation split is not evaluated after epoch {epoch}"),
            format!("give a multiple of evaluation.every ({every}), or lower that"),
        ));
    }
    Ok(())
}

fn evaluated(config: &TrialConfig, metric: &str, who: &str) -> Result<()> {
    let metrics = &config.evaluation.metrics;
    match metrics.iter().any(|name| name == metric) {
        true => Ok(()),
        false => Err(misfit(
            "evaluation.metrics",
            format!("{who} `{metric}`, which is not evaluated"),
            format!("add \"{metric}\", or name one of: {}", metrics.join(", ")),
        )),
    }
}

fn misfit(key: &str, problem: impl ToString, fix: impl ToString) -> Error {
    Error::config("the configuration", key, problem, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retrieval_takes_samples_and_a_gallery() {
        let mut config = TrialConfig::of_any();
        let found = |config: &TrialConfig| measure(&Measure::RetrievalShare, config);
        found(&config).expect("by default");
        config.evaluation.gallery = 0;
        let error = found(&config).expect_err("no gallery").to_string();
        assert!(error.contains("`evaluation.gallery`"), "{error}");
        config.evaluation.samples = 0;
        let error = found(&config).expect_err("no samples").to_string();
        assert!(error.contains("`evaluation.samples`"), "{error}");
    }

    #[test]
    fn a_claim_measures_what_trials_will_have() {
        let mut config = TrialConfig::of_any();
        config.training.epochs = 6;
        config.evaluation.every = 4;
        let at = |epoch| At {
            metric: "top1_error".to_string(),
            epoch,
        };
        let found = |of: Measure| measure(&of, &config).map_err(|error| error.to_string());
        for good in [
            Measure::EpochsToTrainError(0.0),
            Measure::EpochsToValidationError(1.0),
            Measure::TrainAt(at(1)),
            Measure::TrainAt(at(5)),
            Measure::ValidationAt(at(4)),
            // The last is evaluated always.
            Measure::ValidationAt(at(6)),
            Measure::FinalTrain("loss".to_string()),
        ] {
            assert_eq!(found(good.clone()), Ok(()), "{good:?}");
        }
        for (bad, part) in [
            (Measure::EpochsToTrainError(-0.01), "-0.01"),
            (Measure::EpochsToValidationError(25.0), "0.25 for 25%"),
            (Measure::EpochsToTrainError(f64::NAN), "NaN"),
            (Measure::TrainAt(at(0)), "no epoch 0"),
            (Measure::TrainAt(at(7)), "1..=6"),
            (
                Measure::ValidationAt(at(5)),
                "multiple of evaluation.every (4)",
            ),
            (
                Measure::FinalTrain("top9_error".to_string()),
                "`top9_error`",
            ),
        ] {
            let error = found(bad.clone()).expect_err("refused");
            assert!(error.contains(part), "{bad:?}: {error}");
        }
    }
}
