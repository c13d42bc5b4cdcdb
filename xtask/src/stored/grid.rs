//! Columns of text, aligned.

/// Rows of cells under a heading. The first column and those of words are flush
/// left, those of numbers flush right.
pub struct Grid {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// With a heading; a heading that begins with `>` is of numbers.
    pub fn new<T: AsRef<str>>(header: impl IntoIterator<Item = T>) -> Self {
        let mut grid = Self {
            header: Vec::new(),
            right: Vec::new(),
            rows: Vec::new(),
        };
        for name in header {
            let name = name.as_ref();
            grid.right.push(name.starts_with('>'));
            grid.header.push(name.trim_start_matches('>').to_string());
        }
        grid
    }

    /// Adds a row; cells that are missing are empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The heading and a line for each row, each after `indent`.
    pub fn text(&self, indent: &str) -> String {
        let mut widths: Vec<usize> = self.header.iter().map(|name| length(name)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(length(cell));
            }
        }
        let line: usize = widths.iter().map(|width| width + 2).sum();
        let mut text = String::with_capacity((line + indent.len() + 1) * (self.rows.len() + 1));
        for row in std::iter::once(&self.header).chain(&self.rows) {
            text.push_str(indent);
            for (column, (width, cell)) in widths.iter().zip(row).enumerate() {
                let space = width.saturating_sub(length(cell));
                let (before, after) = match self.right[column] {
                    true => (space, 0),
                    false => (0, space),
                };
                text.extend(std::iter::repeat_n(' ', before));
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', after + 2));
            }
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
        }
        text
    }
}

fn length(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.chars().count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_flush_left_and_numbers_flush_right() {
        let mut grid = Grid::new(["name", ">size", "note"]);
        grid.row(vec!["a".to_string(), "1".to_string(), String::new()]);
        grid.row(vec![
            "größe".to_string(),
            "12345".to_string(),
            "x".to_string(),
        ]);
        let text = grid.text(" ");
        assert_eq!(
            text,
            " name    size  note\n a          1\n größe  12345  x\n"
        );
    }
}
