//! Plain text fitted to a width in characters.

/// Breaks `text` at spaces into lines of at most `width` characters; lines after
/// the first are indented. A longer word keeps its line to itself.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        match line.is_empty() {
            true if lines.is_empty() => line.push_str(word),
            true => line = format!("{}{word}", " ".repeat(indent)),
            false => {
                line.push(' ');
                line.push_str(word);
            }
        }
    }
    lines.push(line);
    lines.join("\n")
}

/// Cuts `text` to `width` characters, the last an ellipsis where something went.
pub(crate) fn clip(text: &str, width: usize) -> String {
    match text.chars().count() <= width {
        true => text.to_string(),
        false => {
            let kept: String = text.chars().take(width.saturating_sub(1)).collect();
            format!("{kept}…")
        }
    }
}

/// Columns two spaces apart, the first aligned left, the others right; every
/// row the same length.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<String> = cells
            .map(|(index, (cell, width))| match index {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7, 2), "one two\n  three");
        assert_eq!(wrap("a-very-long-word b", 4, 0), "a-very-long-word\nb");
        assert_eq!(wrap("", 4, 0), "");
    }

    #[test]
    fn columns_align_by_characters() {
        let rows = [vec!["a", "± 1"], vec!["long", "2"]];
        let rows = rows.map(|row| row.into_iter().map(String::from).collect());
        assert_eq!(columns(&rows), "a     ± 1\nlong    2\n");
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("abcd", 4), "abcd");
    }
}
