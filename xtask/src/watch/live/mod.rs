//! The live view: trials, curves, throughput and the log's tail on a terminal, with
//! keys to look around, pause, stop one trial or all.
//!
//! Three parts: the [`Board`] is what the run has told, the [`View`] is what the
//! person looks at, and `draw` shows both. The run tells the board from its own
//! threads; a thread of the view's draws and takes keys.

mod board;
mod draw;
mod measured;
mod row;
pub mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ablate_runner::{Control, Event, Observer, Plan, PlannedTrial};
use ablate_store::TrialFolder;
use ratatui::crossterm::event::{self, KeyEventKind};

use self::board::{Board, Earlier};
use self::draw::{Scene, draw};
use self::screen::Screen;
use self::view::{Next, View};
use super::{ending, group, logs};

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(100);

/// Watches a run on the terminal.
pub struct Live {
    board: Arc<Mutex<Board>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// What a person should read when the view has gone.
    parting: Vec<String>,
}

impl Live {
    /// Takes the terminal over for the trials of `plan`.
    ///
    /// # Errors
    /// The terminal does not let itself be taken over.
    pub fn begin(plan: &Plan, store: &Path, control: &Control) -> io::Result<Self> {
        let board = Arc::new(Mutex::new(Board::new(plan, earlier(plan, store))));
        let ends = Arc::new(AtomicBool::new(false));
        let screen = Screen::take()?;
        let scene = (Arc::clone(&board), Arc::clone(&ends), control.clone());
        let thread = std::thread::Builder::new()
            .name("live view".to_string())
            .spawn(move || {
                // A terminal that has gone is no reason to end the run.
                if let Err(error) = show(screen, &scene.0, &scene.1, &scene.2) {
                    tracing::warn!("the live view has ended: {error}");
                }
            })?;
        // Not before there is a view to show them.
        logs::keep_tail(true);
        Ok(Self {
            board,
            ends,
            thread: Some(thread),
            parting: Vec::new(),
        })
    }
}

impl Observer for Live {
    fn notice(&mut self, event: Event) {
        lock(&self.board).notice(event);
        match event {
            Event::Warning { trial, message } => {
                self.parting
                    .push(format!("warning: {}: {message}", super::name(trial)));
                logs::tell(&format!("warning: {message}"));
            }
            Event::Ended { trial, status } => {
                self.parting
                    .push(format!("{} {}", super::name(trial), ending(status)))
            }
            Event::Averaged {
                variant,
                members,
                status,
            } => self
                .parting
                .push(format!("{}: {}", group(variant, members), ending(status))),
            _ => {}
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the view was shown by the hook, and the run goes on.
            let _ = thread.join();
        }
        logs::keep_tail(false);
        for line in &self.parting {
            eprintln!("{line}");
        }
    }
}

/// Reads what earlier runs left of a plan's trials.
fn earlier(plan: &Plan, store: &Path) -> Earlier {
    let folder = plan.path(store);
    Box::new(move |trial: &PlannedTrial| {
        let read = TrialFolder::open(folder.join(trial.folder_name())).record();
        // What is damaged there is the run's to say.
        read.ok()
            .flatten()
            .map_or(Vec::new(), |trial| trial.history)
    })
}

/// Draws and takes keys until the run ends.
fn show(
    mut screen: Screen,
    board: &Mutex<Board>,
    ends: &AtomicBool,
    control: &Control,
) -> io::Result<()> {
    let mut view = View::default();
    let mut drawn = Instant::now();
    while !ends.load(Ordering::Relaxed) {
        let log = logs::tail();
        {
            let mut board = lock(board);
            board.tick(drawn.elapsed(), control.is_paused());
            drawn = Instant::now();
            screen.draw(|frame| {
                let scene = Scene {
                    board: &board,
                    view: &view,
                    control,
                    log: &log,
                };
                draw(frame, &scene);
            })?;
        }
        let mut wait = FRAME;
        // Several keys at once, as when one is held down, are one frame's.
        while event::poll(wait)? {
            wait = Duration::ZERO;
            let event::Event::Key(key) = event::read()? else {
                continue;
            };
            let next = match key.kind {
                KeyEventKind::Release => Next::On,
                _ => view.key(key, &lock(board), control),
            };
            if next == Next::Abort {
                screen::give_back();
                eprintln!("{}", super::ABORTED);
                std::process::exit(130);
            }
        }
    }
    Ok(())
}

/// A thread that panicked has left the board as good as it was.
fn lock(board: &Mutex<Board>) -> std::sync::MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
