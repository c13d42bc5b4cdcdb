//! What a run is about to do, before it does it.

use std::collections::BTreeSet;
use std::time::Duration;

use ablate_report::number;
use ablate_runner::{Estimate, Plan, Purpose};
use serde_json::{Value, json};

/// Prints the claim, what the variants differ in, the data and the trials.
/// `parameters` are the learned values of each variant.
pub fn announce(plan: &Plan, parameters: &[(String, usize)]) {
    match plan.purpose {
        Purpose::Search => println!("{} (search)", plan.experiment.title),
        Purpose::Claim => claim(plan, parameters),
    }
    let Some(trial) = plan.trials.first() else {
        return;
    };
    if let Ok(data) = plan.dataset(&trial.config.data) {
        println!("data: {}", data.info().description);
    }
    let variants: BTreeSet<_> = plan.trials.iter().map(|trial| &trial.variant).collect();
    let seeds: BTreeSet<_> = plan.trials.iter().map(|trial| trial.seed).collect();
    let each = plan.trials.len() / (variants.len() * seeds.len());
    let values = match plan.purpose {
        Purpose::Search => format!(" x {each} values"),
        Purpose::Claim => String::new(),
    };
    let epochs = plan.trials.iter().map(|trial| trial.config.training.epochs);
    let (least, most) = (epochs.clone().min(), epochs.max());
    let epochs = match (least, most) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
        _ => trial.config.training.epochs.to_string(),
    };
    println!(
        "{} trials: {} variants{values} x {} seeds, {epochs} epochs each\n",
        plan.trials.len(),
        variants.len(),
        seeds.len(),
    );
}

fn claim(plan: &Plan, parameters: &[(String, usize)]) {
    let experiment = &plan.experiment;
    println!("{} (profile {})", experiment.title, experiment.profile);
    println!(
        "claim: {} [section {}]",
        experiment.claim.text, experiment.claim.section
    );
    for (variant, differences) in &experiment.variants {
        let count = parameters
            .iter()
            .find(|(name, _)| name == variant)
            .map_or(0, |(_, count)| *count);
        if let Some(ensemble) = experiment.ensembles.get(variant) {
            println!(
                "  {variant}: the mean of {} seeds of {}",
                ensemble.size, ensemble.of
            );
            continue;
        }
        let differences: Vec<_> = differences
            .iter()
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        println!(
            "  {variant}: {} ({count} parameters)",
            differences.join(", ")
        );
    }
}

/// How long a plan would take here, which variants most of it, and the bytes of
/// memory that the largest trial takes.
pub fn cost(estimates: &[Estimate], memory: u64) -> String {
    let mut text = format!(
        "about {} on this machine, from a few steps of each kind of trial; up to {} of memory a \
         trial\n",
        time(estimates.iter().map(|estimate| estimate.trials).sum()),
        mebibytes(memory)
    );
    let mut variants: Vec<&str> = Vec::new();
    for estimate in estimates {
        // The values of a search cost the same: one line for all of them.
        if variants.contains(&&*estimate.variant) {
            continue;
        }
        variants.push(&estimate.variant);
        text += &format!(
            "  {}: {} an epoch, {} an evaluation\n",
            estimate.variant,
            time(estimate.epoch),
            time(estimate.evaluation)
        );
    }
    text
}

/// A plan as one line of JSON.
pub fn plan_json(plan: &Plan, estimates: &[Estimate], memory: u64) -> Value {
    let purpose = match plan.purpose {
        Purpose::Search => "search",
        Purpose::Claim => "claim",
    };
    let seconds: f64 = estimates.iter().map(|e| e.trials.as_secs_f64()).sum();
    let trials = plan.trials.iter().map(|trial| {
        json!({
            "variant": trial.variant,
            "seed": trial.seed,
            "hash": trial.hash,
            "tries": trial.tries,
            "epochs": trial.config.training.epochs,
        })
    });
    json!({
        "event": "plan",
        "experiment": plan.experiment.name,
        "profile": plan.experiment.profile,
        "for": purpose,
        "trials": trials.collect::<Vec<_>>(),
        "estimated_seconds": seconds,
        "estimated_bytes_per_trial": memory,
    })
}

/// `1,250 MiB`
pub fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", number::count((bytes >> 20) as usize))
}

/// `2 h 5 min`, `3 min 20 s`, `12 s`, `0.03 s`.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60, seconds) {
        (0, 0, 0..10) => format!("{:.2} s", duration.as_secs_f64()),
        (0, 0, _) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min {} s", seconds % 60),
        (hours, minutes, _) => format!("{hours} h {} min", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units_at_most() {
        let text = |seconds: f64| time(Duration::from_secs_f64(seconds));
        assert_eq!(text(0.034), "0.03 s");
        assert_eq!(text(59.9), "59 s");
        assert_eq!(text(200.0), "3 min 20 s");
        assert_eq!(text(7500.0), "2 h 5 min");
    }

    #[test]
    fn a_variant_has_one_line() {
        let estimate = |variant: &str, trials| Estimate {
            variant: variant.to_string(),
            epoch: Duration::from_secs(15),
            evaluation: Duration::from_millis(500),
            trials: Duration::from_secs(trials),
        };
        let text = cost(
            &[
                estimate("relu", 60),
                estimate("relu", 60),
                estimate("tanh", 30),
            ],
            1300 << 20,
        );
        assert!(text.starts_with("about 2 min 30 s on"), "{text}");
        assert!(
            text.contains("; up to 1,300 MiB of memory a trial"),
            "{text}"
        );
        assert_eq!(
            text.matches("relu: 15 s an epoch, 0.50 s").count(),
            1,
            "{text}"
        );
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
