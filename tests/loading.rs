//! `bench --loading`: whether images come in time.

mod program;

use program::{Program, stdout};

#[test]
fn loading_and_training_are_timed_alone_and_together() {
    let program = Program::new();
    let output = program.succeed(&[
        "bench",
        "--loading",
        "experiments/lrn.toml",
        "--profile",
        "ci",
        "--quick",
    ]);
    let printed = stdout(&output);
    let row = printed.lines().last().expect("a table");
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    assert_eq!(cells.len(), 5, "{printed}");
    let number = |cell: &str| cell.trim_end_matches('%').parse::<f64>();
    let numbers: Vec<f64> = cells[1..]
        .iter()
        .map(|cell| number(cell).expect("a number"))
        .collect();
    let [loading, training, both, waiting] = numbers[..] else {
        panic!("{printed}");
    };
    assert!(loading > 0.0 && training > 0.0 && both > 0.0, "{printed}");
    assert!((0.0..=100.0).contains(&waiting), "{printed}");
}
