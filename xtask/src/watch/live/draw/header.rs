//! What runs, how far it is, how fast it goes.

use ablate_report::number::count;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::line::{HORIZONTAL, THICK_HORIZONTAL};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph, Sparkline};

use super::{Scene, bold, faint};
use crate::watch::announce::time;

/// Lines it takes.
pub const HEIGHT: u16 = 3;
/// Columns for throughput over time, where there is room.
const SPARKS: u16 = 30;

pub fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let lines = [Constraint::Length(1); HEIGHT as usize];
    let [title, gauge, facts] = Layout::vertical(lines).areas(area);
    let badge = badge(scene);
    let parts = [
        Constraint::Min(0),
        Constraint::Length(badge.as_ref().map_or(0, |badge| badge.width() as u16)),
    ];
    let [name, state] = Layout::horizontal(parts).areas(title);
    frame.render_widget(
        Paragraph::new(scene.board.title.as_str()).style(bold()),
        name,
    );
    if let Some(badge) = badge {
        frame.render_widget(badge, state);
    }
    let progress = scene.board.progress(scene.control);
    let bar = LineGauge::default()
        .ratio(progress)
        .filled_symbol(THICK_HORIZONTAL)
        .unfilled_symbol(HORIZONTAL)
        .label(format!("{:>3.0}%", (100.0 * progress).floor()))
        .filled_style(Style::new().fg(Color::Cyan))
        .unfilled_style(faint());
    frame.render_widget(bar, gauge);
    let sparks = if area.width >= 3 * SPARKS { SPARKS } else { 0 };
    let parts = [Constraint::Min(0), Constraint::Length(sparks)];
    let [text, speeds] = Layout::horizontal(parts).areas(facts);
    frame.render_widget(Paragraph::new(self::facts(scene)), text);
    let newest = scene.board.speeds.iter().rev().take(sparks.into()).rev();
    let sparkline = Sparkline::default()
        .data(newest.copied().collect::<Vec<u64>>())
        .style(Style::new().fg(Color::Green));
    frame.render_widget(sparkline, speeds);
}

/// What was asked of the run.
fn badge<'a>(scene: &Scene) -> Option<Span<'a>> {
    let (text, colour) = if scene.control.is_stopping() {
        (" STOPPING ", Color::Red)
    } else if scene.control.is_paused() {
        (" PAUSED ", Color::Yellow)
    } else {
        return None;
    };
    let style = Style::new()
        .fg(colour)
        .add_modifier(Modifier::REVERSED | Modifier::BOLD);
    Some(Span::styled(text, style))
}

/// `4 min 10 s left   3 of 10 trials done, 1 failed   1,970 images/s`
fn facts<'a>(scene: &Scene) -> Line<'a> {
    let tally = scene.board.tally(scene.control);
    let mut trials = format!("{} of {} trials done", tally.done, scene.board.rows.len());
    let notes = [
        (tally.running, "running"),
        (tally.diverged, "diverged"),
        (tally.failed, "failed"),
        (tally.left, "stopped"),
    ];
    for (count, what) in notes {
        if count > 0 {
            trials += &format!(", {count} {what}");
        }
    }
    let left = match scene.board.time_left(scene.control) {
        Some(left) => format!("{} left", time(left)),
        None => "no pace yet".to_string(),
    };
    let speed = scene.board.speed();
    let speed = match speed > 0.0 {
        true => format!("   {} images/s", count(speed.round() as usize)),
        false => String::new(),
    };
    Line::from(format!("{left}   {trials}{speed}")).alignment(Alignment::Left)
}
