//! The newest lines of the log.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

use super::{Scene, faint};

pub fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(faint())
        .title(" log ");
    let height = usize::from(block.inner(area).height);
    let newest = scene.log.len().saturating_sub(height);
    let lines: Vec<Line> = scene.log[newest..]
        .iter()
        .map(|line| styled(line))
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Warnings and errors stand out.
fn styled(line: &str) -> Line<'_> {
    let style = if line.contains(" ERROR ") {
        Style::new().fg(Color::Red)
    } else if line.contains(" WARN ") {
        Style::new().fg(Color::Yellow)
    } else {
        Style::new()
    };
    Line::styled(line, style)
}
