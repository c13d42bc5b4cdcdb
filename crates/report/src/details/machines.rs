//! The programs and machines that trained, and how many trials each did.

use ablate_store::Environment;

use crate::trials::Trials;

/// One program on one machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    /// What it is; when a trial started is left out.
    pub(crate) environment: Environment,
    /// How many trials it trained last.
    pub(crate) trials: usize,
}

/// The machines in the order of the trials.
pub(crate) fn machines(trials: &Trials) -> Vec<Machine> {
    let mut machines: Vec<Machine> = Vec::new();
    for environment in trials.all().filter_map(|trial| trial.environment.as_ref()) {
        let environment = Environment {
            started: 0,
            ..environment.clone()
        };
        match machines.iter_mut().find(|m| m.environment == environment) {
            Some(machine) => machine.trials += 1,
            None => machines.push(Machine {
                environment,
                trials: 1,
            }),
        }
    }
    machines
}
