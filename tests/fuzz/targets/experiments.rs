//! Experiment files, the layers over them, and the networks they describe.

use std::path::{Path, PathBuf};

use ablate_core::DataContext;
use ablate_runner::config::ExperimentFile;
use ablate_runner::{Control, Draft, Nobody, Outline, Plan, PlannedTrial, Site};
use tempfile::TempDir;

use super::MIB;
use super::stored::train;
use crate::engine::{Part, Target};
use crate::{scratch, text};

/// A folder with the experiments and configs of the repository.
fn copied() -> (TempDir, Vec<Vec<u8>>) {
    let folder = scratch::folder();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut experiments = vec![read(&root.join("tests/outside/experiment.toml"))];
    for kind in ["configs", "experiments"] {
        std::fs::create_dir(folder.path().join(kind)).expect("writable");
        let entries = std::fs::read_dir(root.join(kind)).expect("the workspace");
        let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().expect("a name");
            std::fs::copy(&path, folder.path().join(kind).join(name)).expect("writable");
            if kind == "experiments" {
                experiments.push(read(&path));
            }
        }
    }
    (folder, experiments)
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("the workspace")
}

/// What `run` reads before it trains: the file, each profile, and its trials.
#[test]
fn experiments() {
    let (folder, seeds) = copied();
    let path = folder.path().join("experiments/changed.toml");
    let settings = [
        "optimiser.lr=0.01",
        "model.filters=[1, 2, 3]",
        "search.keys={ \"optimiser.lr\" = [1e-4, 0.1] }",
        "schedule.name=plateau",
    ];
    let settings = settings.map(|text| text.as_bytes().to_vec()).to_vec();
    let target = Target {
        name: "experiments",
        parts: vec![
            Part {
                name: "file",
                seeds,
                change: text::text,
            },
            Part {
                name: "setting",
                seeds: settings,
                change: text::text,
            },
        ],
        memory: 256 * MIB,
        share: 0.2,
    };
    target.run(|part, input| {
        let text = String::from_utf8_lossy(input);
        if part == "setting" {
            let path = folder.path().join("experiments/lrn.toml");
            return resolve(&path, Some("quick"), &[text.into_owned()]).map(drop);
        }
        std::fs::write(&path, input).expect("writable");
        let file = ExperimentFile::read(&path).map_err(say)?;
        let profiles: Vec<&str> = file.profiles().take(3).collect();
        for profile in profiles {
            resolve(&path, Some(profile), &[])?;
        }
        Ok(())
    });
}

fn resolve(path: &Path, profile: Option<&str>, settings: &[String]) -> Result<Draft, String> {
    let draft = Draft::read(path, profile, settings, None, DataContext::default()).map_err(say)?;
    draft.foreseen().map_err(say)?;
    let plan = draft.unsearched().map_err(say)?;
    plan.groups();
    // Whatever it is called, its trials lie below the store.
    let folders = plan.path(Path::new("")).components().count();
    assert_eq!(folders, 2, "{:?}", plan.path(Path::new("")));
    for trial in &plan.trials {
        let name = trial.folder_name();
        let one = Path::new(&name).components().count() == 1 && !name.contains('\\');
        assert!(one && name != "..", "{name}");
    }
    Ok(draft)
}

/// What is wrong, which the terminal shows with the file's line.
fn say(error: ablate_runner::Error) -> String {
    let text = error.to_string();
    xtask::readers::complaint(&error.into());
    text
}

/// A profile that trains on built-in images, for each network of ours.
const NETWORKS: [&str; 2] = [
    "model = { name = 'convnet', filters = [2, 3, 4], pooling = 'overlapping', dropout = 0.5, \
     init = 'he', lrn = { enabled = true, size = 5, k = 2.0, alpha = 1e-4, beta = 0.75 } }\n\
     data = { name = 'shapes', size = 16, train = 20, validation = 5, holdout = 2, seed = 1 }\n\
     augmentation = { steps = ['random_crop', 'pca_colour', 'mean_subtraction', 'reflection'], \
     random_crop = { size = 12, padding = 1, evaluation = 'ten_crop' }, \
     pca_colour = { sigma = 0.1 } }\n\
     optimiser = { name = 'sgd_paper', lr = 0.01, momentum = 0.9, weight_decay = 5e-4 }\n\
     schedule = { name = 'plateau', factor = 0.1, patience = 3 }\n\
     training = { epochs = 3, batch_size = 4, stop_at_train_error = 0.25 }\n\
     evaluation = { every = 2, batch_size = 7, samples = 3, gallery = 5 }\n\
     machine = { threads = 1, workers = 1, loader_threads = 1, checkpoint_minutes = 5.0 }\n",
    "model = { name = 'alexnet', width = 0.05, gpus = 2, towers = 'separate', hidden = 200, \
     dropout = 0.5, sizes = [5, 3, 3, 3], stem = { size = 11, stride = 4 }, \
     lrn = { enabled = true, sizes = [5, 5], k = 2.0 } }\n\
     data = { name = 'shapes', size = 80, train = 20, validation = 5 }\n\
     augmentation = { steps = ['random_crop'], random_crop = { size = 67 } }\n\
     optimiser = { name = 'adam', lr = 0.01, beta1 = 0.9, beta2 = 0.999 }\n\
     schedule = { name = 'step', factor = 0.1, every = 3 }\n\
     training = { epochs = 3, batch_size = 4 }\n\
     machine = { workers = 2 }\n",
];

/// An experiment with such a profile, whose variants train for another time.
fn whole(base: &&str) -> Vec<u8> {
    let head = "[experiment]\nname = 'x'\ntitle = 'x'\n[experiment.claim]\ntext = 'x'\n\
                section = '3'\nmeasure = { final_validation = 'top1_error' }\n\
                comparison = 'points'\nbaseline = 'a'\ntreatment = 'b'\n[base]\n";
    let tail = "[variants.a]\n[variants.b.training]\nepochs = 2\n[profiles.quick]\nseeds = 1\n";
    [head, base, tail].concat().into_bytes()
}

/// Such experiments, changed anywhere and changed in their numbers.
fn files() -> Vec<Part> {
    let part = |name, change| Part {
        name,
        seeds: NETWORKS.iter().map(whole).collect(),
        change,
    };
    vec![part("file", text::text), part("numbers", text::numbers)]
}

/// What `run` builds before it trains: data, pipeline, network, optimiser, schedule.
/// Networks are built of zeros, which take no memory before they are written.
#[test]
fn plans() {
    let folder = scratch::folder();
    let path = folder.path().join("changed.toml");
    let target = Target {
        name: "plans",
        parts: files(),
        memory: 1 << 38,
        share: 0.1,
    };
    target.run(|_, input| {
        std::fs::write(&path, input).expect("writable");
        checked(&path).map(drop)
    });
}

/// What a plan that passes every check then trains.
#[test]
fn trained() {
    let folder = scratch::folder();
    let path = folder.path().join("changed.toml");
    let store = folder.path().join("runs");
    let target = Target {
        name: "trained",
        parts: files(),
        memory: 1 << 38,
        share: 0.02,
    };
    target.run(|_, input| {
        std::fs::write(&path, input).expect("writable");
        let (plan, memory) = checked(&path)?;
        let is_long = |trial: &PlannedTrial| trial.config.training.epochs > 5;
        if memory > (1 << 28) || plan.trials.len() > 4 || plan.trials.iter().any(is_long) {
            return Err("large".to_string());
        }
        let outcome = train(&plan, &store, Control::default(), &mut Nobody);
        std::fs::remove_dir_all(&store).expect("removable");
        let outside = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(outside, 1, "a file was written outside the store");
        outcome.map(drop).map_err(|error| error.to_string())
    });
}

/// The plan of an experiment file that passes every check, and its memory in bytes.
fn checked(path: &Path) -> Result<(Plan, u64), String> {
    let draft = resolve(path, None, &[])?;
    let variants = draft.variants().map_err(say)?;
    // Other sets would be looked for outside the folder, and large ones painted.
    let is_small = |data: &serde_json::Value| {
        let below = |key: &str, most| data[key].as_u64().is_none_or(|value| value <= most);
        ["train", "validation", "size"]
            .iter()
            .all(|key| below(key, 100))
    };
    let mut known = variants.iter().map(|(_, config)| &config.data);
    if known.any(|data| data.name != "shapes" || !is_small(&data.config)) {
        return Err("another set".to_string());
    }
    for (_, config) in &variants {
        let (input, classes) = draft.sight(config).map_err(say)?;
        Outline::of(&config.model, input, classes, config.machine.workers).map_err(say)?;
    }
    let plan = draft.plan(&[]).map_err(say)?;
    let memory = plan.check(Site::Here).map_err(say)?.memory;
    Ok((plan, memory))
}
