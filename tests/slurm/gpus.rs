//! GPUs by `gres`: which of them Slurm gives to which trial. Nothing computes on them,
//! they are /dev/null: tasks write down what they were given.

use std::path::Path;

use ablate_core::{DataContext, registry};
use ablate_launchers as _;
use ablate_metrics as _;
use ablate_parallel::Alone;
use ablate_runner::{Control, DeviceName, Draft, Launch, Nobody, RunOptions, launch};
use ablate_tests as _;
use serde_json::json;

/// Writes down the trial, the GPUs and the times of its beginning and its end.
const TASK: &str = r#"begun=$(date +%s%N); sleep 3
echo "$0 ${CUDA_VISIBLE_DEVICES:-none} $begun $(date +%s%N)" >> given"#;

/// What one task was given, and when.
struct Given {
    trial: String,
    gpus: String,
    begun: u128,
    ended: u128,
}

/// Runs three seeds of two variants, the last seed on the CPU.
fn given(gres: Option<&str>) -> Vec<Given> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/outside/experiment.toml"
    ));
    let draft = Draft::read(file, None, &[], Some(3), DataContext::default()).expect("a draft");
    let mut plan = draft.plan(&[]).expect("a plan");
    for trial in plan.trials.iter_mut().filter(|trial| trial.seed < 2) {
        trial.config.machine.device = DeviceName::Cuda { ordinal: 0 };
    }
    let keys = json!({"partition": "wide", "cpus": 1, "gres": gres, "poll_seconds": 0.5});
    let launcher = registry::launcher("slurm", &keys).expect("a launcher");
    let elsewhere = Launch {
        launcher: launcher.as_ref(),
        name: "slurm",
        command: ["sh", "-c", TASK].map(Into::into).to_vec(),
        directory: folder.path().to_path_buf(),
        memory: 0,
    };
    let options = RunOptions {
        store: &folder.path().join("runs"),
        control: Control::default(),
        jobs: 1,
        group: &Alone,
    };
    // The tasks train nothing, so each trial is given up after three.
    let outcome = launch(&plan, &options, &elsewhere, &mut Nobody).expect("it runs");
    assert_eq!(outcome.left, 6);
    let text = std::fs::read_to_string(folder.path().join("given")).expect("what was given");
    text.lines().map(line).collect()
}

fn line(line: &str) -> Given {
    let words: Vec<&str> = line.split(' ').collect();
    Given {
        trial: words[0].to_string(),
        gpus: words[1].to_string(),
        begun: words[2].parse().expect("a time"),
        ended: words[3].parse().expect("a time"),
    }
}

fn is_on_cpu(task: &Given) -> bool {
    task.trial.contains("-seed2-")
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn a_trial_on_a_gpu_has_one_for_itself() {
    let given = given(None);
    assert_eq!(given.len(), 18);
    for (index, task) in given.iter().enumerate() {
        let wanted: &[&str] = match is_on_cpu(task) {
            true => &["none"],
            false => &["0", "1"],
        };
        assert!(
            wanted.contains(&&*task.gpus),
            "{}: {}",
            task.trial,
            task.gpus
        );
        let shares = |other: &&Given| {
            task.gpus != "none"
                && other.gpus == task.gpus
                && other.begun < task.ended
                && task.begun < other.ended
        };
        let other = given[index + 1..].iter().find(shares);
        assert!(other.is_none(), "{} shared {}", task.trial, task.gpus);
    }
    // Both were at work at once.
    let [first, second] = ["0", "1"].map(|gpu| {
        let task = given.iter().find(|task| task.gpus == gpu);
        task.expect("both GPUs are used")
    });
    assert!(first.begun < second.ended && second.begun < first.ended);
}

#[test]
#[ignore = "needs a Slurm cluster: tests/slurm/run.sh"]
fn gres_of_the_user_is_what_a_task_gets() {
    let given = given(Some("gpu:2"));
    assert!(given.iter().all(|task| task.gpus == "0,1"));
}
