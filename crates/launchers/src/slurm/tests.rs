//! What is told to Slurm and read from it, without one; `tests/slurm` has one.

use std::process::Command;

use ablate_core::{Job, LauncherConfig, Resources, TaskState};

use super::{Slurm, about, job_id, roomy, script, states};

fn job(folder: &std::path::Path) -> Job {
    Job {
        name: "lrn".to_string(),
        folder: folder.to_path_buf(),
        directory: "/work".into(),
        command: vec![
            "printf".into(),
            "%s|".into(),
            "it's".into(),
            "$HOME `x`".into(),
        ],
        tasks: vec!["first".to_string(), "se cond".to_string()],
        resources: Resources {
            threads: 4,
            memory: 400 << 20,
            gpus: 1,
        },
    }
}

#[test]
fn a_task_runs_the_command_with_its_own_argument() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = job(folder.path());
    let path = script::write(&job).expect("written");
    for (task, argument) in job.tasks.iter().enumerate() {
        let output = Command::new("sh")
            .arg(&path)
            .env("SLURM_ARRAY_TASK_ID", task.to_string())
            .output()
            .expect("a shell");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(printed, format!("it's|$HOME `x`|{argument}|"));
    }
    // Another job of the same folder leaves the first one's script alone.
    let other = script::write(&job).expect("written");
    assert_ne!(path, other);
}

#[test]
fn sbatch_is_told_what_a_task_needs() {
    let slurm = Slurm {
        partition: Some("gpu".to_string()),
        time: Some("12:00:00".to_string()),
        at_once: Some(8),
        options: vec!["--constraint=avx512".to_string()],
        ..Slurm::default()
    };
    let arguments = slurm.arguments(&job("/runs/launch".as_ref()));
    for expected in [
        "--array=0-1%8",
        "--job-name=ablate_lrn",
        "--output=/runs/launch/%A_%a.log",
        "--requeue",
        "--signal=B:TERM@60",
        "--partition=gpu",
        "--time=12:00:00",
        "--cpus-per-task=4",
        "--mem=756M",
        "--gres=gpu:1",
        "--constraint=avx512",
    ] {
        assert!(
            arguments.iter().any(|a| a == expected),
            "{expected}: {arguments:?}"
        );
    }
    assert!(!arguments.iter().any(|a| a.starts_with("--account")));
    assert_eq!(roomy(400 << 20), 756);
}

#[test]
fn a_number_may_be_an_account_or_minutes() {
    let keys = serde_json::json!({"account": 4711, "time": 90, "qos": "long"});
    let slurm: Slurm = serde_json::from_value(keys).expect("a config");
    let arguments = slurm.arguments(&job("/runs/launch".as_ref()));
    for expected in ["--account=4711", "--time=90", "--qos=long"] {
        assert!(arguments.iter().any(|a| a == expected), "{arguments:?}");
    }
}

#[test]
fn a_job_of_another_cluster_is_looked_for_there() {
    assert_eq!(job_id("77\n").expect("a number"), "77");
    assert_eq!(job_id("77;big-2\n").expect("a number"), "77;big-2");
    for wrong in ["", "77;", "x;b", "77;b c", "77;b\nx"] {
        assert!(job_id(wrong).is_err(), "{wrong}");
    }
    let words = |id: &'static str| {
        let (command, number) = about("squeue", id).expect("a job");
        let words: Vec<_> = command.get_args().map(|a| a.to_os_string()).collect();
        (words, number)
    };
    assert_eq!(words("77"), (Vec::new(), "77"));
    assert_eq!(words("77;b"), (vec!["--clusters=b".into()], "77"));
    // What a changed file says goes to no command.
    for wrong in ["--user=root", "-a", "77 --me", "", ";b"] {
        let error = about("scancel", wrong).expect_err(wrong).to_string();
        assert!(error.contains("jobs.json"), "{error}");
    }
    let of_clusters = states::read("CLUSTER: b\n0 RUNNING\n");
    assert_eq!(of_clusters, [(0, TaskState::Running)]);
}

#[test]
fn the_queue_is_read_and_noise_is_not() {
    let text =
        "0 RUNNING\n 1 PENDING \n2 CANCELLED\n3 NODE_FAIL\n4 COMPLETED\nN/A RUNNING\nnoise\n";
    let expected = [
        (0, TaskState::Running),
        (1, TaskState::Waiting),
        (2, TaskState::Cancelled),
        (3, TaskState::Ended),
        (4, TaskState::Ended),
    ];
    assert_eq!(states::read(text), expected);
}

#[test]
fn values_out_of_range_are_refused_with_their_key() {
    let wrong = [
        Slurm {
            poll_seconds: 0.0,
            ..Slurm::default()
        },
        Slurm {
            poll_seconds: f64::NAN,
            ..Slurm::default()
        },
        Slurm {
            notice_seconds: 0,
            ..Slurm::default()
        },
        Slurm {
            at_once: Some(0),
            ..Slurm::default()
        },
        Slurm {
            options: vec!["constraint=avx512".to_string()],
            ..Slurm::default()
        },
    ];
    let keys = [
        "poll_seconds",
        "poll_seconds",
        "notice_seconds",
        "at_once",
        "options",
    ];
    for (slurm, key) in wrong.iter().zip(keys) {
        let error = slurm.build().err().expect("refused").to_string();
        assert!(error.contains(key), "{error}");
    }
}
