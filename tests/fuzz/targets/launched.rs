//! What a batch system says, and the list of jobs that an earlier run left.

use std::time::Duration;

use ablate_core::{Job, Launcher, TaskState};
use ablate_launchers::{job_id, states};
use ablate_runner::{Launch, queue, withdraw};

use super::MIB;
use super::stored::Tiny;
use crate::engine::{Part, Target};
use crate::files::Files;
use crate::text;

/// Slurm without its commands: what `sbatch` and `squeue` print is given.
#[derive(Default)]
struct Printed {
    sbatch: String,
    squeue: String,
}

impl Launcher for Printed {
    fn submit(&self, _: &Job) -> ablate_core::Result<String> {
        job_id(&self.sbatch)
    }

    fn states(&self, _: &str) -> ablate_core::Result<Vec<(usize, TaskState)>> {
        Ok(states(&self.squeue))
    }

    fn cancel(&self, _: &str, _: Option<usize>) -> ablate_core::Result<()> {
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn launched() {
    let tiny = Tiny::trained(1);
    let store = tiny.store();
    let usual = || Printed {
        sbatch: "12\n".to_string(),
        squeue: "0 PENDING\n1 RUNNING\n".to_string(),
    };
    let look = |printed: &Printed| -> ablate_runner::Result<()> {
        let launch = Launch {
            launcher: printed,
            name: "slurm",
            command: Vec::new(),
            directory: store.clone(),
            memory: 0,
        };
        queue(&tiny.plan, &store, &launch)?;
        withdraw(&tiny.plan, &store, &launch)
    };
    look(&usual()).expect("both are submitted");
    let jobs = tiny.plan.path(&store).join("launch/jobs.json");
    let files = Files::default().with("jobs", jobs.clone(), text::text);
    let mut parts = files.parts();
    for (name, seeds) in [
        ("sbatch", ["12\n", "12;east\n"]),
        (
            "squeue",
            ["0 PENDING\n1 RUNNING\n", "1 COMPLETED\n0 CANCELLED\n"],
        ),
    ] {
        parts.push(Part {
            name,
            seeds: seeds.map(Vec::from).to_vec(),
            change: text::text,
        });
    }
    let target = Target {
        name: "launched",
        parts,
        memory: 64 * MIB,
        share: 1.0,
    };
    target.run(|part, input| {
        let said = String::from_utf8_lossy(input).into_owned();
        let mut printed = usual();
        match part {
            "sbatch" => printed.sbatch = said,
            "squeue" => printed.squeue = said,
            _ => {
                let read = files.changed(part, input, || look(&printed));
                return read.map_err(|error| error.to_string());
            }
        }
        let read = files.kept(|| {
            // Nothing is in the queue, so both are submitted, and looked for then.
            std::fs::remove_file(&jobs).expect("removable");
            look(&printed).and_then(|()| look(&printed))
        });
        read.map_err(|error| error.to_string())
    });
}
