//! What the person before the live view looks at, and what a key does.

use ablate_runner::Control;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::board::Board;
use super::measured::Measured;
use super::row::Phase;

/// What is looked at.
#[derive(Default)]
pub struct View {
    /// The selected trial's place; `None` follows the trial that began last.
    chosen: Option<usize>,
    /// The place of what the curves show.
    measured: usize,
    /// What waits for a yes.
    pub question: Option<Question>,
    /// Whether the keys are explained.
    pub helps: bool,
}

/// Something that a key asked for and another must confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Stop this trial alone.
    Leave(usize),
}

/// What the program does after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Goes on.
    On,
    /// Ends at once, with what the last checkpoints have.
    Abort,
}

impl View {
    /// The selected trial's place.
    pub fn selected(&self, board: &Board) -> usize {
        let last = board.rows.len().saturating_sub(1);
        self.chosen.unwrap_or(board.newest).min(last)
    }

    /// Whether the selection follows the trial that began last.
    pub fn follows(&self) -> bool {
        self.chosen.is_none()
    }

    /// What the curves show.
    pub fn measured<'a>(&self, board: &'a Board) -> &'a Measured {
        &board.measured[self.measured % board.measured.len()]
    }

    /// Does what a key says.
    pub fn key(&mut self, key: KeyEvent, board: &Board, control: &Control) -> Next {
        // A terminal in raw mode hands Ctrl-C over as a key.
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return self.quit(control);
        }
        if let Some(question) = self.question.take() {
            if key.code == KeyCode::Char('y') {
                answer(question, board, control);
            }
            return Next::On;
        }
        let kinds = board.measured.len();
        let (selected, last) = (self.selected(board), board.rows.len().saturating_sub(1));
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.chosen = Some(selected.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.chosen = Some((selected + 1).min(last)),
            KeyCode::PageUp => self.chosen = Some(selected.saturating_sub(10)),
            KeyCode::PageDown => self.chosen = Some((selected + 10).min(last)),
            KeyCode::Home => self.chosen = Some(0),
            KeyCode::End => self.chosen = Some(last),
            KeyCode::Char('f') => self.chosen = None,
            KeyCode::Char('m') | KeyCode::Right | KeyCode::Tab => {
                self.measured = (self.measured + 1) % kinds;
            }
            KeyCode::Char('M') | KeyCode::Left | KeyCode::BackTab => {
                self.measured = (self.measured + kinds - 1) % kinds;
            }
            KeyCode::Char('p' | ' ') => match control.is_paused() {
                true => control.resume(),
                false => control.pause(),
            },
            KeyCode::Char('s') => self.leave(selected, board, control),
            KeyCode::Char('q') => return self.quit(control),
            KeyCode::Char('?' | 'h') => self.helps = !self.helps,
            KeyCode::Esc => self.helps = false,
            _ => {}
        }
        Next::On
    }

    /// The first time the run stops and saves, the second time it ends at once.
    fn quit(&mut self, control: &Control) -> Next {
        self.question = None;
        if control.is_stopping() {
            return Next::Abort;
        }
        control.stop();
        Next::On
    }

    /// Asks whether to stop a trial; one that waits is left out, or taken back, at
    /// once, since that costs nothing.
    fn leave(&mut self, place: usize, board: &Board, control: &Control) {
        let Some(row) = board.rows.get(place) else {
            return;
        };
        match row.phase {
            Phase::Waiting if control.is_left(&row.trial) => control.take_back(&row.trial),
            Phase::Waiting => control.leave(&row.trial),
            Phase::Training | Phase::Evaluating => self.question = Some(Question::Leave(place)),
            Phase::Ended(_) => {}
        }
    }
}

fn answer(question: Question, board: &Board, control: &Control) {
    let Question::Leave(place) = question;
    if let Some(row) = board.rows.get(place).filter(|row| row.is_running()) {
        control.leave(&row.trial);
    }
}
