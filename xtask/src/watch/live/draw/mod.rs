//! How the live view looks. It draws what is known and changes nothing.

mod curves;
mod footer;
mod header;
mod log;
mod trials;

use ablate_runner::Control;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};

use super::board::Board;
use super::view::View;

/// What a frame is drawn from.
pub struct Scene<'a> {
    /// The run.
    pub board: &'a Board,
    /// What the person looks at.
    pub view: &'a View,
    /// What was asked of the run.
    pub control: &'a Control,
    /// The newest lines of the log, oldest first.
    pub log: &'a [String],
}

/// Columns from which trials and curves have room side by side.
const WIDE: u16 = 120;
/// Lines that trials, curves and log need to be of use.
const TRIALS: u16 = 5;
const CURVES: u16 = 8;
const LOG: u16 = 6;

/// Draws a frame.
pub fn draw(frame: &mut Frame, scene: &Scene) {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(header::HEIGHT),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    header::draw(frame, head, scene);
    footer::draw(frame, foot, scene);
    if scene.view.helps {
        footer::explain(frame, body);
        return;
    }
    let (body, log) = lower(body, LOG, TRIALS + CURVES);
    if let Some(log) = log {
        log::draw(frame, log, scene);
    }
    let (list, chart) = match body.width >= WIDE {
        true => {
            let halves = [Constraint::Length(trials::WIDTH), Constraint::Min(0)];
            let [list, chart] = Layout::horizontal(halves).areas(body);
            (list, Some(chart))
        }
        false => lower(body, body.height * 3 / 5, TRIALS),
    };
    trials::draw(frame, list, scene);
    if let Some(chart) = chart.filter(|chart| chart.height >= CURVES) {
        curves::draw(frame, chart, scene);
    }
}

/// Cuts `height` lines off the lower end, if `least` are left above them.
fn lower(area: Rect, height: u16, least: u16) -> (Rect, Option<Rect>) {
    if area.height < height + least {
        return (area, None);
    }
    let parts = [Constraint::Min(0), Constraint::Length(height)];
    let [above, below] = Layout::vertical(parts).areas(area);
    (above, Some(below))
}

/// The colour of a variant: the terminal's own, which suit its background.
fn colour(variant: usize) -> Color {
    const COLOURS: [Color; 6] = [
        Color::Cyan,
        Color::Yellow,
        Color::Magenta,
        Color::Green,
        Color::Blue,
        Color::Red,
    ];
    COLOURS[variant % COLOURS.len()]
}

/// What is less important.
fn faint() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}
