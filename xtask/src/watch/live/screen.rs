//! The terminal, taken over for the live view and given back, however that ends.

use std::io::{self, Stderr, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};

/// Whether the terminal is taken over: what is printed now would spoil the view.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is taken over. It is standard error, so that standard
/// output can go to a file meanwhile.
pub struct Screen(Terminal<CrosstermBackend<Stderr>>);

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It does not let itself be.
    pub fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::Relaxed);
        let screen = execute!(stderr(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stderr())))
            .inspect_err(|_| give_back())?;
        Ok(Self(screen))
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.0.draw(paint).map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether a view has the terminal.
pub fn is_taken() -> bool {
    TAKEN.load(Ordering::Relaxed)
}

/// Gives the terminal back, if a view has it; also before a panic or an exit that
/// drops nothing. That the terminal may be gone is no matter any more.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::Relaxed) {
        let _ = execute!(stderr(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
