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

    // What a later run says is added; who has no report yet stays named.
    program.fail(&["reproduce", "missing", "--out", folder]);
    let page = std::fs::read_to_string(out.join("RESULTS.md")).expect("the page");
    for part in ["| absent | - |", "| missing | - |", "(#pooling)"] {
        assert!(page.contains(part), "`{part}` is not in:\n{page}");
    }
}

/// Running one experiment renews its rows; what earlier runs found stays, even where
/// running it again fails.
#[test]
fn other_rows_stay() {
    let program = Program::new();
    let out = program.store().join("docs");
    let folder = out.to_str().expect("UTF-8");
    let reproduce = |name: &'static str| ["reproduce", name, "--profile", "ci", "--out", folder];
    program.succeed(&reproduce("filters"));
    program.succeed(&reproduce("bias_init"));
    let page = || std::fs::read_to_string(out.join("RESULTS.md")).expect("the page");
    let before = page();
    for part in ["(#filters)", "(#bias_init)", "(results/filters-chroma.svg)"] {
        assert!(before.contains(part), "`{part}` is not in:\n{before}");
    }
    assert!(out.join("results/filters-filters.svg").exists());

    let error = program.fail(&[
        "reproduce",
        "filters",
        "--profile",
        "absent",
        "--out",
        folder,
    ]);
    assert!(error.contains("1 of 1 experiments failed"), "{error}");
    assert_eq!(page(), before);

    std::fs::write(out.join("results/filters.json"), "{").expect("written");
    let error = program.fail(&reproduce("bias_init"));
    assert!(
        error.contains("filters.json") && error.contains("fix:"),
        "{error}"
    );
}
