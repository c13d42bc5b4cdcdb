//! One experiment from its file to its report, as `run` and `reproduce` do it.

use std::path::PathBuf;
use std::process::ExitCode;

use ablate_report::Report;
use ablate_runner::{Checked, Control, Draft, Outcome, Plan, RunOptions, Site, memory};
use ablate_store::{Status, Trial};
use anyhow::{Context, bail};

use crate::commands::report;
use crate::elsewhere::{self, Named, Place};
use crate::ranks::Leader;
use crate::selection::Selection;
use crate::watch::{self, Recorded, Style};

/// What a program does once for however many experiments it runs.
pub struct Execution {
    style: Style,
    /// Trials side by side.
    jobs: usize,
    /// What has the trials run elsewhere; `None` is here.
    launcher: Option<Named>,
    control: Control,
    group: Leader,
    has_threads: bool,
}

/// How an experiment ended.
pub enum End {
    /// Ctrl-C; the same command goes on.
    Stopped,
    /// With a report, also where some trials failed.
    Reported {
        /// The report.
        report: Box<Report>,
        /// The folder of its files.
        folder: PathBuf,
        /// What failed, in words; `None` where nothing did.
        failure: Option<String>,
    },
}

/// Says that a run was stopped, and how the program then exits.
fn stopped() -> ExitCode {
    eprintln!("stopped; the same command goes on from here");
    ExitCode::from(130)
}

impl Execution {
    /// Sets the Ctrl-C handler and begins logging.
    ///
    /// # Errors
    /// The handler cannot be set, `RUST_LOG` cannot be understood, there is no such
    /// launcher, or what is asked for cannot be shared by the processes of `group`.
    pub fn begin(style: Style, place: &Place, group: Leader) -> anyhow::Result<Self> {
        let jobs = place.jobs.into();
        let launcher = place.launcher()?;
        group.check(jobs, launcher.is_some())?;
        if launcher.is_some() && jobs > 1 {
            bail!(
                "--jobs {jobs}: a launcher's queue decides how many trials run at once\n  \
                 fix: leave --jobs out"
            );
        }
        watch::logs::begin()?;
        let control = Control::default();
        stop_on_signal(control.clone())?;
        Ok(Self {
            style,
            jobs,
            launcher,
            control,
            group,
            has_threads: false,
        })
    }

    /// Has a launcher begin with all of these experiments, where they are several: they
    /// are run, and watched, one after the other.
    pub fn queue(&mut self, selections: &[Selection]) {
        if let (Some(launcher), [_, _, ..]) = (&self.launcher, selections) {
            let has_threads = &mut self.has_threads;
            launcher.queue(selections, &mut |plan| start_threads(has_threads, plan));
        }
    }

    /// Ends a run that was stopped, with experiments whose turn has not come.
    ///
    /// # Errors
    /// The launcher does not answer.
    pub fn stop(&self, waiting: &[Selection]) -> anyhow::Result<ExitCode> {
        if let Some(launcher) = &self.launcher {
            launcher.withdraw(waiting)?;
        }
        Ok(stopped())
    }

    /// Runs what is not done of an experiment, search first, and writes its report.
    ///
    /// # Errors
    /// A config is wrong, data is missing, the store cannot be written, or the
    /// search found no value that trains.
    pub fn run(&mut self, selection: &Selection, draft: &Draft) -> anyhow::Result<End> {
        let mut searched = Vec::new();
        while let Some(round) = draft.search(&searched)? {
            let outcome = self.train(&round, selection)?;
            if outcome.left > 0 && !outcome.stopped {
                eprintln!(
                    "{} of the search's trials stopped before their end, and without them nothing \
                     can be chosen",
                    outcome.left
                );
            }
            if outcome.stopped || outcome.left > 0 {
                return Ok(End::Stopped);
            }
            searched.extend(outcome.trials);
        }
        let plan = draft.plan(&searched)?;
        let outcome = self.train(&plan, selection)?;
        if outcome.stopped {
            return Ok(End::Stopped);
        }
        let trials = &outcome.trials;
        let folder = outcome.folder.path().join(selection.report_folder());
        let command = selection.command();
        let report = report::write(&plan.experiment, trials, &folder, &command, self.style.json)?;
        let failed = trials.iter().filter(|trial| is_failed(trial)).count();
        let all = plan.trials.len();
        let mut failures = Vec::new();
        if failed > 0 {
            failures.push(format!(
                "{failed} of {all} trials failed; the table names them"
            ));
        }
        if outcome.left > 0 {
            failures.push(format!(
                "{} of {all} trials stopped before their end; the same command goes on",
                outcome.left
            ));
        }
        let failure = (!failures.is_empty()).then(|| failures.join("\n"));
        Ok(End::Reported {
            report: Box::new(report),
            folder,
            failure,
        })
    }

    /// Prints what an experiment would train, its search and its trials, and how
    /// long that would take here.
    ///
    /// # Errors
    /// A config is wrong or data is missing.
    pub fn announce(&mut self, draft: &Draft) -> anyhow::Result<()> {
        let mut plans = draft.foreseen()?;
        plans.push(draft.unsearched()?);
        for plan in &plans {
            let checked = self.check(plan)?;
            let estimates = plan.estimate()?;
            match self.style.json {
                true => println!("{}", watch::plan_json(plan, &estimates, checked.memory)),
                false => println!("{}", watch::cost(&estimates, checked.memory)),
            }
        }
        Ok(())
    }

    /// Runs one trial of an experiment and no more, as a launcher's tasks do. Neither a
    /// report nor the index is written: whoever launched the task does that.
    ///
    /// # Errors
    /// There is no such trial, or as for [`run`](Self::run).
    pub fn run_one(
        &mut self,
        selection: &Selection,
        draft: &Draft,
        name: &str,
    ) -> anyhow::Result<ExitCode> {
        let store = selection.store();
        let Some(plan) = elsewhere::one(draft, &store, name)? else {
            eprintln!("{name}: already done");
            return Ok(ExitCode::SUCCESS);
        };
        start_threads(&mut self.has_threads, &plan)?;
        let mut observer = watch::observer(self.style, &plan, &store, &self.control);
        let options = RunOptions {
            store: &store,
            control: self.control.clone(),
            jobs: 1,
            group: &*self.group,
        };
        let outcome = ablate_runner::run(&plan, &options, observer.as_mut())?;
        if outcome.stopped {
            return Ok(stopped());
        }
        match outcome.trials.iter().find(|trial| is_failed(trial)) {
            Some(trial) => match &trial.status {
                Status::Failed { message } => bail!("{name}: {message}"),
                _ => bail!("{name} has failed"),
            },
            None => Ok(ExitCode::SUCCESS),
        }
    }

    fn train(&mut self, plan: &Plan, selection: &Selection) -> anyhow::Result<Outcome> {
        let checked = self.check(plan)?;
        let store = selection.store();
        let jobs = self.fitting(checked.memory);
        let watcher = watch::observer(self.style, plan, &store, &self.control);
        let mut observer = Recorded::new(watcher, plan, &store);
        let options = RunOptions {
            store: &store,
            control: self.control.clone(),
            jobs,
            group: &*self.group,
        };
        let outcome = match &self.launcher {
            None => ablate_runner::run(plan, &options, &mut observer)?,
            Some(named) => {
                let launch = named.launch(selection, checked.memory)?;
                ablate_runner::launch(plan, &options, &launch, &mut observer)?
            }
        };
        observer.end(&outcome.trials);
        Ok(outcome)
    }

    /// Builds everything once, and says what will be trained.
    fn check(&mut self, plan: &Plan) -> anyhow::Result<Checked> {
        start_threads(&mut self.has_threads, plan)?;
        let site = match self.launcher {
            None => Site::Here,
            Some(_) => Site::Elsewhere,
        };
        let checked = plan.check(site)?;
        if !self.style.json {
            watch::announce(plan, &checked.parameters);
        }
        Ok(checked)
    }

    /// The trials side by side that memory has room for, if each takes that many
    /// bytes.
    fn fitting(&self, each: u64) -> usize {
        let available = memory::available();
        let jobs = memory::fitting(self.jobs, each, available);
        if jobs < self.jobs {
            let free = watch::mebibytes(available.unwrap_or_default());
            eprintln!(
                "warning: {jobs} of {} jobs run side by side: a trial takes about {}, and {free} are free",
                self.jobs,
                watch::mebibytes(each)
            );
        }
        jobs
    }
}

/// Starts the compute threads of the whole program, if it has none: as many as the first
/// plan says, before anything computes, since the pool is made on first use.
fn start_threads(has_threads: &mut bool, plan: &Plan) -> anyhow::Result<()> {
    if std::mem::replace(has_threads, true) {
        return Ok(());
    }
    let threads = plan
        .trials
        .first()
        .map_or(0, |trial| trial.config.machine.threads);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("the compute threads cannot be started")
}

/// Whether an error ended the training. A group that lacks a diverged member has
/// failed too, but there is nothing to try again.
fn is_failed(trial: &Trial) -> bool {
    matches!(trial.status, Status::Failed { .. }) && trial.members.is_empty()
}

/// The first Ctrl-C stops after the step and saves; the second ends at once.
fn stop_on_signal(control: Control) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if control.is_stopping() {
            watch::screen::give_back();
            eprintln!("{}", watch::ABORTED);
            std::process::exit(130);
        }
        control.stop();
        // A live view shows it in its own way.
        if !watch::screen::is_taken() {
            eprintln!("\nstopping after this step and saving; press Ctrl-C again to end at once");
        }
    })
    .context("the Ctrl-C handler cannot be set")
}
