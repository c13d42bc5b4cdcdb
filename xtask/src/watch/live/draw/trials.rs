//! The trials, a line each, around the selected one.

use ablate_store::Status;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::{Scene, colour, faint};
use crate::watch::live::measured::Measured;
use crate::watch::live::row::{Phase, Row};

/// Columns it takes beside the curves.
pub const WIDTH: u16 = 64;
/// Columns of the numbers: state and epoch, loss, error.
const NUMBERS: usize = 14 + 9 + 9;
/// The metric of the last column.
const ERROR: &str = "top1_error";

pub fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let rows = &scene.board.rows;
    let selected = scene.view.selected(scene.board);
    let follows = match scene.view.follows() {
        true => "",
        false => ", f follows the newest",
    };
    let block = Block::bordered().border_style(faint()).title(format!(
        " trial {} of {}{follows} ",
        selected + 1,
        rows.len()
    ));
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let names = usize::from(inside.width).saturating_sub(NUMBERS + 2);
    let heading = format!("  {:names$}{:>14}{:>9}{:>9}", "", "epoch", "loss", "error");
    let height = usize::from(inside.height).saturating_sub(1);
    // The selected line stays in the middle, but for the ends of the list.
    let first = selected
        .saturating_sub(height / 2)
        .min(rows.len().saturating_sub(height));
    let mut lines = vec![Line::styled(heading, faint())];
    for (place, row) in rows.iter().enumerate().skip(first).take(height) {
        lines.push(line(row, place == selected, names, scene));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

fn line<'a>(row: &Row, is_selected: bool, names: usize, scene: &Scene) -> Line<'a> {
    let mark = if is_selected { "> " } else { "  " };
    let name: String = row.name.chars().take(names.saturating_sub(1)).collect();
    let (state, style) = state(row, scene);
    let loss = row
        .loss
        .or_else(|| row.latest(&Measured::Training("loss".to_string())));
    let error = row.latest(&Measured::Validation(ERROR.to_string()));
    let loss = loss.map_or(String::new(), |loss| format!("{loss:.3}"));
    let error = error.map_or(String::new(), |error| format!("{error:.1}%"));
    let line = Line::from(vec![
        Span::raw(mark),
        Span::styled(
            format!("{name:names$}"),
            Style::new().fg(colour(row.variant)),
        ),
        Span::styled(format!("{state:>14}"), style),
        Span::raw(format!("{loss:>9}{error:>9}")),
    ]);
    match is_selected {
        true => line.style(Style::new().add_modifier(Modifier::BOLD)),
        false => line,
    }
}

/// How far a trial is: `3/8` epochs while it trains, else a word.
fn state(row: &Row, scene: &Scene) -> (String, Style) {
    let is_left = scene.control.is_left(&row.trial);
    let epochs = format!(
        "{}/{}",
        (row.done.floor() as usize + 1).min(row.epochs()),
        row.epochs()
    );
    let plain = Style::new();
    match &row.phase {
        Phase::Waiting if is_left => ("left out".to_string(), plain.fg(Color::Yellow)),
        Phase::Waiting => ("waiting".to_string(), faint()),
        Phase::Training | Phase::Evaluating if is_left => {
            ("stopping".to_string(), plain.fg(Color::Yellow))
        }
        Phase::Training if scene.control.is_paused() => {
            (format!("paused {epochs}"), plain.fg(Color::Yellow))
        }
        Phase::Training => (epochs, plain),
        Phase::Evaluating => (format!("measure {epochs}"), plain),
        Phase::Ended(Status::Finished) => ("finished".to_string(), plain.fg(Color::Green)),
        Phase::Ended(Status::Unfinished) => ("stopped".to_string(), plain.fg(Color::Yellow)),
        Phase::Ended(Status::Diverged { .. }) => ("diverged".to_string(), plain.fg(Color::Red)),
        Phase::Ended(Status::Failed { .. }) => ("failed".to_string(), plain.fg(Color::Red)),
    }
}
