//! Trials that run elsewhere: which launcher has them run, and the command that a task
//! runs there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ablate_core::{Launcher, registry};
use ablate_runner::{Draft, Launch, Plan, Site};
use ablate_store::TrialFolder;
use anyhow::{Context, bail};

use crate::keys;
use crate::selection::Selection;

/// The launcher that is this process itself.
const LOCAL: &str = "local";

/// Where trials run, and how many at a time.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// Trials that train side by side, each with its part of the threads. No result
    /// depends on it. Small networks gain, which leave threads idle; each trial
    /// takes memory.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
    /// What runs the trials: `local`, this process; `slurm`, a job array of a cluster
    /// that shares the store's folder, a task for each trial; or a launcher of yours.
    #[arg(long, value_name = "NAME", default_value = LOCAL)]
    launcher: String,
    /// A key of the launcher, for example `partition=gpu`; `describe slurm` lists them.
    #[arg(long = "launcher-set", value_name = "KEY=VALUE")]
    launcher_settings: Vec<String>,
}

/// A launcher by its name.
pub struct Named {
    name: String,
    launcher: Box<dyn Launcher>,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            jobs: 1,
            launcher: LOCAL.to_string(),
            launcher_settings: Vec::new(),
        }
    }
}

impl Place {
    /// The launcher; `None` is this process.
    ///
    /// # Errors
    /// There is none of that name, or a key is wrong.
    pub fn launcher(&self) -> anyhow::Result<Option<Named>> {
        let name = &self.launcher;
        if name == LOCAL {
            if let Some(setting) = self.launcher_settings.first() {
                bail!(
                    "--launcher-set {setting}: this process has no such keys\n  fix: name the \
                     launcher too, as in `--launcher slurm`"
                );
            }
            return Ok(None);
        }
        let settings = keys::table("--launcher-set", &self.launcher_settings)?;
        let launcher =
            registry::launcher(name, &settings).with_context(|| format!("--launcher {name}"))?;
        Ok(Some(Named {
            name: name.clone(),
            launcher,
        }))
    }
}

impl Named {
    /// How the trials of a selection's plans are launched, the largest of which takes
    /// that many bytes.
    ///
    /// # Errors
    /// This program or this folder cannot be found again.
    pub fn launch(&self, selection: &Selection, memory: u64) -> anyhow::Result<Launch<'_>> {
        Ok(Launch {
            launcher: self.launcher.as_ref(),
            name: &self.name,
            command: command(selection)?,
            directory: std::env::current_dir().context("the current folder has gone")?,
            memory,
        })
    }

    /// Puts the next trials of each experiment into the queue, so that none waits for
    /// those before it to be done; `begin` is told of each plan first. What cannot be
    /// queued now is said, and submitted in its turn.
    pub fn queue(
        &self,
        selections: &[Selection],
        begin: &mut dyn FnMut(&Plan) -> anyhow::Result<()>,
    ) {
        for selection in selections {
            if let Err(error) = self.queue_one(selection, begin) {
                let file = selection.experiment.display();
                eprintln!("warning: {file} does not queue yet: {error:#}");
            }
        }
    }

    fn queue_one(
        &self,
        selection: &Selection,
        begin: &mut dyn FnMut(&Plan) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let store = selection.store();
        let plan = next(&selection.draft()?, &store)?;
        begin(&plan)?;
        let memory = plan.check(Site::Elsewhere)?.memory;
        let launch = self.launch(selection, memory)?;
        Ok(ablate_runner::queue(&plan, &store, &launch)?)
    }

    /// Takes what is left of [`queue`](Self::queue) out again.
    ///
    /// # Errors
    /// The launcher does not answer.
    pub fn withdraw(&self, selections: &[Selection]) -> anyhow::Result<()> {
        for selection in selections {
            let store = selection.store();
            let plan = next(&selection.draft()?, &store)?;
            ablate_runner::withdraw(&plan, &store, &self.launch(selection, 0)?)?;
        }
        Ok(())
    }
}

/// The plan that an experiment is at: a round of its search, or that for the claim.
fn next(draft: &Draft, store: &Path) -> anyhow::Result<Plan> {
    let done = draft.searched(store)?;
    Ok(match draft.search(&done)? {
        Some(round) => round,
        None => draft.plan(&done)?,
    })
}

/// What a task runs, but for the trial's name at its end.
fn command(selection: &Selection) -> anyhow::Result<Vec<OsString>> {
    let absolute = |path: PathBuf| {
        std::path::absolute(&path).with_context(|| format!("{} has gone", path.display()))
    };
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    let settings = &selection.settings;
    let mut command: Vec<OsString> = vec![
        program.into(),
        "run".into(),
        absolute(selection.experiment.clone())?.into(),
        "--plain".into(),
        "--store".into(),
        absolute(selection.store())?.into(),
    ];
    if let Some(profile) = &settings.profile {
        command.extend(["--profile".into(), profile.into()]);
    }
    if let Some(seeds) = settings.seeds {
        command.extend(["--seeds".into(), seeds.to_string().into()]);
    }
    for setting in &settings.set {
        command.extend(["--set".into(), setting.into()]);
    }
    command.push("--trial".into());
    Ok(command)
}

/// The plan of one trial of an experiment, by the name of its folder: one of the round
/// that the search is at, or of those for the claim. `None` where the trial is done
/// already.
///
/// # Errors
/// There is no such trial, or not yet.
pub fn one(draft: &Draft, store: &Path, name: &str) -> anyhow::Result<Option<Plan>> {
    let mut plan = next(draft, store)?;
    plan.trials.retain(|trial| trial.folder_name() == name);
    if !plan.trials.is_empty() {
        return Ok(Some(plan));
    }
    let is_done = |folder: PathBuf| {
        let record = TrialFolder::open(folder.join(name)).record();
        matches!(record, Ok(Some(trial)) if trial.status.is_done())
    };
    // Of an earlier round, which a task that was requeued may ask for.
    let folder = plan.path(store);
    if is_done(folder.clone()) || is_done(folder.join("search")) {
        return Ok(None);
    }
    bail!(
        "there is no trial `{name}` to run now\n  fix: if the experiment or a setting has changed, \
         run the experiment again; `--dry-run --json` lists its trials"
    )
}
