//! Which keys do what.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::{Scene, bold, faint};
use crate::watch::live::view::Question;
use crate::wrap::wrap;

/// The keys with what they do, in a word and in a sentence.
const KEYS: [(&str, &str, &str); 7] = [
    (
        "\u{2191}\u{2193}",
        "select",
        "Select a trial; also j and k, PgUp and PgDn, Home and End.",
    ),
    (
        "f",
        "follow",
        "Select the trial that began last, from now on.",
    ),
    (
        "m",
        "metric",
        "Show the next number that epochs measure; M the one before.",
    ),
    (
        "p",
        "pause",
        "Have all trials wait after this step, with a checkpoint; again: go on.",
    ),
    (
        "s",
        "stop one",
        "Stop the selected trial with a checkpoint and go on with the others; a waiting one is \
         left out, or taken back. The same command goes on with it another time.",
    ),
    (
        "q",
        "quit",
        "Stop after this step and save: the same command goes on from there. Again: end at once.",
    ),
    ("?", "help", "Show or hide this."),
];

pub fn draw(frame: &mut Frame, area: Rect, scene: &Scene) {
    frame.render_widget(line(scene), area);
}

fn line<'a>(scene: &Scene) -> Line<'a> {
    let urgent = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
    if scene.control.is_stopping() {
        return Line::styled(
            "stopping after this step and saving; q again ends at once",
            urgent,
        );
    }
    if let Some(Question::Leave(place)) = scene.view.question {
        let name = scene.board.rows.get(place).map_or("", |row| &row.name);
        return Line::styled(
            format!("stop {name}, keeping its checkpoint? y / n"),
            urgent,
        );
    }
    let mut parts = Vec::new();
    for (key, word, _) in KEYS {
        let word = match key {
            "p" if scene.control.is_paused() => "go on",
            _ => word,
        };
        parts.push(Span::styled(key, bold()));
        parts.push(Span::styled(format!(" {word}   "), faint()));
    }
    Line::from(parts)
}

/// All keys in sentences.
pub fn explain(frame: &mut Frame, area: Rect) {
    let mut lines = vec![Line::default()];
    for (key, _, sentence) in KEYS {
        let width = usize::from(area.width).saturating_sub(10).max(20);
        for (index, part) in wrap(sentence, width).into_iter().enumerate() {
            let key = if index == 0 { key } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!("  {key:4}"), bold()),
                Span::raw(part),
            ]));
        }
    }
    let block = Block::bordered().border_style(faint()).title(" keys ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
