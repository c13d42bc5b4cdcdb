//! `reproduce` makes one page of many experiments, and a broken one is told.

mod program;

use program::Program;

#[test]
fn a_broken_experiment_does_not_stop_the_rest() {
    let program = Program::new();
    let out = program.store().join("docs");
    std::fs::create_dir_all(out.join("results")).expect("a folder");
    std::fs::write(out.join("results/pooling.md"), "Tried at night.\n").expect("notes");
    let folder = out.to_str().expect("UTF-8");
    let error = program.fail(&[
        "reproduce",
        "absent",
        "pooling",
        "--profile",
        "ci",
        "--out",
        folder,
    ]);
    assert!(error.contains("1 of 2 experiments failed"), "{error}");
    let page = std::fs::read_to_string(out.join("RESULTS.md")).expect("the page");
    for part in [
        "| absent | - |",
        "experiments/absent.toml",
        "[Overlapping pooling](#pooling)",
        "-0.4 points",
        "ci, 2",
        "built-in set of painted scenes",
        "(results/pooling.svg)",
        "Tried at night.",
        "    cargo xtask run experiments/pooling.toml --profile ci",
    ] {
        assert!(page.contains(part), "`{part}` is not in:\n{page}");
    }
    let picture = std::fs::metadata(out.join("results/pooling.svg"));
    assert!(picture.is_ok_and(|file| file.len() > 0));
}
