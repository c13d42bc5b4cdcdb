//! Towers on workers of their own: the same results, and the bytes it takes.

mod program;

use program::Program;
use serde_json::json;

const RUN: [&str; 2] = ["run", "tests/workers.toml"];

fn run(settings: &[&str]) -> Program {
    let program = Program::new();
    program.succeed(&[RUN.as_slice(), settings].concat());
    program
}

#[test]
fn two_workers_give_the_bits_of_one_and_say_what_they_exchange() {
    let one = run(&["--set", "machine.threads=3"]);
    let two = run(&["--set", "machine.workers=2"]);
    assert_eq!(one.results("workers/quick"), two.results("workers/quick"));

    // Values of an image that conv3 and the three linear layers look at, and of
    // the logits of one tower; an epoch has batches of 20, 20 and 10.
    let values = 16 * 7 * 7 + 16 * 3 * 3 + 256 + 256 + 5;
    let bytes = 4 * values * 50 / 3;
    for trial in two.trials("workers/quick") {
        for record in two.metrics(&trial) {
            let expected = json!({ "forward": bytes, "backward": bytes });
            assert_eq!(record["exchanged"], expected);
        }
    }
    for trial in one.trials("workers/quick") {
        let records = one.metrics(&trial);
        assert!(
            records
                .iter()
                .all(|record| record.get("exchanged").is_none())
        );
    }
    let report = two.store().join("workers/quick/report/report.md");
    let report = std::fs::read_to_string(report).expect("a report");
    assert!(report.contains("| MiB/step |"), "{report}");
}

#[test]
fn workers_that_cannot_share_are_refused_before_anything_trains() {
    for (settings, parts) in [
        (
            ["machine.workers=2", "model.towers=\"joint\""],
            [
                "`model.towers`",
                "response normalisation",
                "machine.workers = 1",
            ],
        ),
        (
            ["machine.workers=2", "model.gpus=1"],
            ["`model.gpus`", "2 workers", "machine.workers = 1"],
        ),
        (
            ["machine.workers=0", "model.gpus=2"],
            ["`machine.workers`", "nobody would compute", "give 1"],
        ),
    ] {
        let settings = ["--set", settings[0], "--set", settings[1]];
        let error = Program::new().fail(&[RUN.as_slice(), &settings].concat());
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
    }
}
