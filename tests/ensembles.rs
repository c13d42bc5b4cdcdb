//! Ensembles: groups of finished trials, averaged and reported on.

mod program;

use ablate_store::{Status, TrialFolder};
use program::Program;

/// The outside experiment with pairs of nets as the treatment.
fn experiment() -> String {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(here.join("outside/experiment.toml")).expect("a file");
    let text = text
        .replace("treatment = \"with\"", "treatment = \"two\"")
        .replace("seeds = 3", "seeds = 5");
    format!("{text}\n[ensembles.two]\nof = \"without\"\nsize = 2\n")
}

fn write(program: &Program, text: &str) -> String {
    let file = program.store().join("ensemble.toml");
    std::fs::write(&file, text).expect("a file");
    file.to_str().expect("UTF-8").to_string()
}

#[test]
fn groups_are_averaged_stored_and_reported() {
    let program = Program::new();
    let file = write(&program, &experiment());
    let output = program.succeed(&["run", &file]);
    let log = program::stderr(&output);
    assert!(log.contains("two of seeds 0, 1: finished"), "{log}");

    let trials = program.trials("outside/quick");
    let read = |name: &str| {
        let named = |path: &&std::path::PathBuf| {
            let folder = path.file_name().expect("a name").to_string_lossy();
            folder.starts_with(name)
        };
        let folder = trials
            .iter()
            .find(named)
            .unwrap_or_else(|| panic!("{name} is missing"));
        TrialFolder::open(folder)
            .read()
            .expect("undamaged")
            .expect("a trial")
    };
    let group = read("two-seed2-");
    assert_eq!(
        (group.status, group.members),
        (Status::Finished, vec![2, 3])
    );
    let loss =
        |trial: &ablate_store::Trial| trial.history.last().expect("an epoch").validation["loss"];
    // The loss is convex in the probabilities: the mean's is no worse than the mean loss.
    let members = [read("without-seed2-"), read("without-seed3-")];
    let mean = members.iter().map(loss).sum::<f64>() / 2.0;
    let group = read("two-seed2-");
    assert!(
        loss(&group) <= mean && loss(&group) > 0.0,
        "{} {mean}",
        loss(&group)
    );
    assert_eq!(group.parameters, 2 * members[0].parameters);
    assert_eq!(trials.len(), 12);

    let report = program.store().join("outside/quick/report/report.md");
    let text = std::fs::read_to_string(&report).expect("a report");
    for part in [
        "two against without",
        "Seed 4 fills no group.",
        "2 finished",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }

    // Nothing is worked out twice, and `report` finds the groups.
    let log = program::stderr(&program.succeed(&["run", &file]));
    assert!(!log.contains("two of seeds"), "{log}");
    std::fs::remove_file(&report).expect("removed");
    program.succeed(&["report", &file]);
    assert_eq!(std::fs::read_to_string(&report).expect("a report"), text);
}

#[test]
fn a_member_without_predictions_fails_its_group_and_says_so() {
    let program = Program::new();
    let file = write(&program, &experiment());
    program.succeed(&["run", &file]);
    for trial in program.trials("outside/quick") {
        let name = trial
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.starts_with("without-seed1-") {
            std::fs::remove_file(trial.join("outputs.safetensors")).expect("removed");
        }
        if name.starts_with("two-seed0-") {
            std::fs::remove_dir_all(&trial).expect("removed");
        }
    }
    let log = program::stderr(&program.succeed(&["run", &file]));
    let why = "its member of seed 1 was run before outputs.safetensors was kept";
    assert!(log.contains(why), "{log}");
    let report = program.store().join("outside/quick/report/report.md");
    let text = std::fs::read_to_string(report).expect("a report");
    assert!(text.contains("Seeds 0, 1 have no effect"), "{text}");
}

#[test]
fn seeds_that_fill_no_group_are_refused_before_anything_trains() {
    let program = Program::new();
    let search = "\n[search]\nepochs = 1\nkeys = { \"optimiser.lr\" = [0.01, 0.1] }\n";
    for text in [experiment(), experiment() + search] {
        let file = write(&program, &text);
        let error = program.fail(&["run", &file, "--seeds", "1"]);
        for part in [
            "`ensembles.two.size`",
            "1 seed(s) of `without`",
            "no group of 2",
            "`--seeds 2`",
        ] {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
        assert!(!program.store().join("outside").exists());
    }
    let error = program.fail(&[
        "run",
        &write(&program, &experiment().replace("size = 2", "size = 6")),
    ]);
    assert!(error.contains("5 seed(s)"), "{error}");
}

#[test]
fn mistakes_in_an_ensemble_are_refused() {
    let program = Program::new();
    for (from, to, parts) in [
        (
            "of = \"without\"",
            "of = \"witout\"",
            ["`ensembles.two.of`", "did you mean `without`?"],
        ),
        (
            "size = 2",
            "size = 1",
            ["`ensembles.two.size`", "give 2 or more"],
        ),
        (
            "size = 2",
            "sise = 2",
            ["`ensembles.two.sise`", "did you mean `size`?"],
        ),
        (
            "[ensembles.two]",
            "[ensembles.with]",
            ["`experiment.claim.treatment`", "compares `two`"],
        ),
        (
            "[profiles.quick]",
            "[profiles.quick.ensembles.tow]\nsize = 3\n[profiles.quick]",
            ["`profiles.quick.ensembles.tow`", "did you mean `two`?"],
        ),
        (
            "final_validation",
            "final_gap",
            ["`experiment.claim.measure`", "final_validation"],
        ),
    ] {
        let file = write(&program, &experiment().replace(from, to));
        let error = program.fail(&["run", &file]);
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in:\n{error}");
        }
    }
}
