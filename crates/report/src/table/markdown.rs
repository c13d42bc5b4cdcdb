//! Tables in GitHub's Markdown.

use super::Table;

/// The table, first column left, the others right.
pub(crate) fn render(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let align = |index| if index == 0 { "---" } else { "---:" };
    let rule: Vec<&str> = (0..table.header.len()).map(align).collect();
    let mut text = line(&table.header);
    text += &format!("|{}|\n", rule.join("|"));
    text.extend(table.rows.iter().map(|row| line(row)));
    text
}

/// Text that Markdown would take for markup, made literal and kept on one line.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '<' | '>' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cannot_break_the_table() {
        let table = Table {
            header: vec!["a".to_string(), "b|c".to_string()],
            rows: vec![vec!["x\ny".to_string(), "top1_error".to_string()]],
        };
        assert_eq!(
            render(&table),
            "| a | b\\|c |\n|---|---:|\n| x y | top1\\_error |\n"
        );
    }
}
