//! What a run is about to do, before it does it.

use std::collections::BTreeSet;

use ablate_runner::{Plan, Purpose};

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
    println!(
        "{} trials: {} variants{values} x {} seeds, {} epochs each\n",
        plan.trials.len(),
        variants.len(),
        seeds.len(),
        trial.config.training.epochs
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
