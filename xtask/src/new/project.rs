//! The files of a new project. Versions and compiler settings are those of the
//! checkout of `ablate` it depends on, so that both share compiled dependencies.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use toml::{Table, Value};

use super::name::Name;
use crate::workspace;

/// Crates of ours by their folder: those a plugin is written with, then those its
/// program links.
const OURS: [(&str, &str); 11] = [
    ("ablate-core", "crates/core"),
    ("ablate-nn", "crates/nn"),
    ("ablate-alexnet", "crates/models/alexnet"),
    ("ablate-convnet", "crates/models/convnet"),
    ("ablate-launchers", "crates/launchers"),
    ("ablate-linear", "crates/models/linear"),
    ("ablate-augmentations", "crates/augmentations"),
    ("ablate-data", "crates/data"),
    ("ablate-metrics", "crates/metrics"),
    ("ablate-optimisers", "crates/optimisers"),
    ("xtask", "xtask"),
];

/// Crates from the registry that a plugin is written with.
const OTHERS: [&str; 6] = [
    "candle-core",
    "candle-nn",
    "rand",
    "rand_chacha",
    "schemars",
    "serde",
];

/// What `cargo xtask` means in the project.
const CARGO_CONFIG: &str = "\
[alias]
# Optimised: the kernels are the point.
xtask = \"run --quiet --release --\"
# The same with kernels for NVIDIA GPUs, which need a CUDA toolkit to build.
xtask-cuda = \"run --quiet --release --features cuda --\"
";

/// A project to be written.
pub(super) struct Project {
    /// Paths within it, and texts.
    files: Vec<(PathBuf, String)>,
}

impl Project {
    /// # Errors
    /// The checkout this program was built from has moved or cannot be read.
    pub fn new(source: &str, experiment: &str, name: &Name) -> anyhow::Result<Self> {
        let checkout = Checkout::read(workspace::source())?;
        let main = include_str!("../../templates/main.rs");
        let experiment_file = format!("experiments/{}.toml", name.plugin());
        let files = [
            ("Cargo.toml", checkout.manifest(name)?),
            ("Cargo.lock", checkout.lock.clone()),
            (".cargo/config.toml", CARGO_CONFIG.to_string()),
            (".gitignore", "/target\n/runs\n/data\n".to_string()),
            ("src/lib.rs", name.put_into(source)),
            ("src/main.rs", name.put_into(main)),
            (&*experiment_file, name.put_into(experiment)),
        ];
        let files = files.map(|(path, text)| (PathBuf::from(path), text));
        Ok(Self {
            files: files.into(),
        })
    }

    /// Writes everything into a folder that is new or empty.
    ///
    /// # Errors
    /// The folder has something in it already, or cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let shown = folder.display();
        if folder.exists() {
            let mut entries = fs::read_dir(folder).with_context(|| format!("`{shown}`"))?;
            if entries.next().is_some() {
                bail!("`{shown}` is not empty\n  fix: name another folder with --path");
            }
        }
        for (path, text) in &self.files {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, text))
                .with_context(|| format!("`{}` cannot be written", path.display()))?;
        }
        Ok(())
    }
}

/// What a project takes from the checkout of `ablate`.
struct Checkout {
    folder: PathBuf,
    manifest: Table,
    lock: String,
}

impl Checkout {
    fn read(folder: PathBuf) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| {
                format!(
                    "`{}` of the checkout this program was built from cannot be read\n  fix: run \
                     `cargo xtask new` in a checkout of ablate",
                    path.display()
                )
            })
        };
        Ok(Self {
            manifest: read("Cargo.toml")?
                .parse()
                .context("the workspace's Cargo.toml")?,
            lock: read("Cargo.lock")?,
            folder,
        })
    }

    fn manifest(&self, name: &Name) -> anyhow::Result<String> {
        let package = name.plugin();
        let mut dependencies = Table::new();
        for (crate_name, folder) in OURS {
            let path = self.folder.join(folder).display().to_string();
            let entry = Table::from_iter([("path".to_string(), Value::String(path))]);
            dependencies.insert(crate_name.to_string(), Value::Table(entry));
        }
        for crate_name in OTHERS {
            let found = self.at(&["workspace", "dependencies", crate_name])?;
            dependencies.insert(crate_name.to_string(), found.clone());
        }
        let edition = self.at(&["workspace", "package", "edition"])?;
        // A value a line, so that the tables of paths and features stay short.
        let dependencies: String = dependencies
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"))
            .collect();
        let profile = Table::from_iter([("profile".to_string(), self.at(&["profile"])?.clone())]);
        let profile = toml::to_string(&profile).context("the workspace's profiles")?;
        Ok(format!(
            "[package]\n\
             name = \"{package}\"\n\
             version = \"0.1.0\"\n\
             edition = {edition}\n\
             publish = false\n\
             \n\
             # A workspace of its own, wherever it lies.\n\
             [workspace]\n\
             \n\
             [features]\n\
             # `machine.device = \"cuda\"`\n\
             cuda = [\"xtask/cuda\"]\n\
             \n\
             [dependencies]\n\
             {dependencies}\n\
             # As ablate has them.\n\
             {profile}"
        ))
    }

    fn at(&self, path: &[&str]) -> anyhow::Result<&Value> {
        let [first, rest @ ..] = path else {
            bail!("no key");
        };
        let found = rest
            .iter()
            .try_fold(self.manifest.get(*first), |value, key| {
                value.map(|value| value.get(*key))
            });
        found
            .flatten()
            .with_context(|| format!("the workspace's Cargo.toml has no `{}`", path.join(".")))
    }
}
