//! `new` writes projects that build, pass their tests, run and are what the guide
//! shows.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use program::{Program, stdout};

const KINDS: [&str; 6] = [
    "model",
    "augmentation",
    "optimiser",
    "dataset",
    "schedule",
    "metric",
];

fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the workspace")
}

/// Makes a project; returns its folder.
fn project(program: &Program, kind: &str, name: &str) -> PathBuf {
    let folder = program.store().join(name);
    let path = folder.to_str().expect("a path");
    program.succeed(&["new", kind, name, "--path", path]);
    folder
}

/// Runs cargo in a project, sharing what this workspace has compiled.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let profile = Path::new(env!("CARGO_BIN_EXE_outside")).parent();
    let target = profile.and_then(Path::parent).expect("a target folder");
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {arguments:?} in {}:\n{}\n{errors}",
        folder.display(),
        stdout(&output)
    );
    stdout(&output)
}

#[test]
fn the_guides_model_builds_and_runs() {
    let guide = fs::read_to_string(workspace().join("docs/plugins.md")).expect("the guide");
    assert!(guide.contains("cargo xtask new model tiny_net --path ../tiny_net"));
    let program = Program::new();
    let folder = project(&program, "model", "tiny_net");
    let source = fs::read_to_string(folder.join("src/lib.rs")).expect("the plugin");
    let (plugin, _) = source.split_once("#[cfg(test)]").expect("tests");
    let shown = format!("```rust\n{}\n```", plugin.trim_end());
    assert!(
        guide.contains(&shown),
        "docs/plugins.md should show\n{shown}"
    );
    let lines = plugin.lines().filter(|line| !line.trim().is_empty());
    assert!(lines.count() <= 60);

    // The commands of the guide, in its order.
    let tests = cargo(&folder, &["test", "--release"]);
    assert!(tests.contains("2 passed"), "{tests}");
    let described = cargo(&folder, &["xtask", "describe", "tiny_net"]);
    assert!(described.contains("kernels = 16"), "{described}");
    let run = [
        "xtask",
        "run",
        "experiments/tiny_net.toml",
        "--profile",
        "ci",
    ];
    cargo(&folder, &run);
    // What a project makes stays in it.
    let report = folder.join("runs/tiny_net/ci/report/report.md");
    let report = fs::read_to_string(report).expect("a report");
    assert!(report.contains("against softmax regression"), "{report}");
    let formatted = cargo(&folder, &["fmt", "--check"]);
    assert_eq!(formatted, "");
}

#[test]
fn every_kinds_experiment_runs_with_the_template_it_is_for() {
    let program = Program::new();
    for kind in KINDS {
        // The outside program links the templates under the name they have there.
        let text = workspace().join(format!("xtask/templates/{kind}.toml"));
        let text = fs::read_to_string(text).expect("a template");
        let file = program.store().join(format!("{kind}.toml"));
        fs::write(
            &file,
            text.replace(
                "name = \"my_plugin\"\ntitle",
                &format!("name = \"{kind}\"\ntitle"),
            ),
        )
        .expect("a file");
        program.succeed(&["run", file.to_str().expect("a path"), "--profile", "ci"]);
        assert_eq!(program.trials(&format!("{kind}/ci")).len(), 4, "{kind}");
    }
}

#[test]
fn a_plugin_takes_its_name_everywhere() {
    let program = Program::new();
    for kind in KINDS {
        let folder = project(&program, kind, &format!("own_{kind}"));
        for file in [
            "src/lib.rs",
            "src/main.rs",
            "Cargo.toml",
            &format!("experiments/own_{kind}.toml"),
        ] {
            let text = fs::read_to_string(folder.join(file)).expect("a file");
            assert!(text.contains(&format!("own_{kind}")), "{file}:\n{text}");
            assert!(
                !text.contains("my_plugin") && !text.contains("MyPlugin"),
                "{file}:\n{text}"
            );
        }
        // Resolves without the network: no version is asked for that is not locked.
        cargo(&folder, &["tree", "--offline", "--depth", "1"]);
    }
}

#[test]
fn names_and_folders_that_do_not_fit_are_refused() {
    let program = Program::new();
    let error = program.fail(&["new", "model", "TinyNet"]);
    assert!(error.contains("write `tiny_net`"), "{error}");
    let error = program.fail(&["new", "model", "convnet"]);
    assert!(
        error.contains("there is a model `convnet` already"),
        "{error}"
    );
    let folder = project(&program, "model", "tiny_net");
    let path = folder.to_str().expect("a path");
    let error = program.fail(&["new", "model", "tiny_net", "--path", path]);
    assert!(
        error.contains("is not empty") && error.contains("--path"),
        "{error}"
    );
}
