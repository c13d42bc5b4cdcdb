//! Columns of text, aligned.

/// Rows of cells under a heading. The first column and those of words are flush
/// left, those of numbers flush right.
pub struct Grid {
    right: Vec<bool>,
    widths: Vec<usize>,
    /// All cells, the heading's first, row by row; a hundred thousand rows are two
    /// allocations.
    cells: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Grid {
    /// With a heading; a heading that begins with `>` is of numbers.
    pub fn new<T: AsRef<str>>(header: impl IntoIterator<Item = T>) -> Self {
        let header: Vec<T> = header.into_iter().collect();
        let names = header.iter().map(AsRef::as_ref);
        let mut grid = Self {
            right: names.clone().map(|name| name.starts_with('>')).collect(),
            widths: vec![0; header.len()],
            cells: String::new(),
            ends: Vec::new(),
        };
        grid.row(names.map(|name| name.trim_start_matches('>')));
        grid
    }

    /// Adds a row; cells that are missing are empty, those without a heading left out.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut cells = cells.into_iter();
        for width in &mut self.widths {
            if let Some(cell) = cells.next() {
                *width = (*width).max(length(cell.as_ref()));
                self.cells.push_str(cell.as_ref());
            }
            self.ends.push(self.cells.len());
        }
    }

    /// The heading and a line for each row, each after `indent`.
    pub fn text(&self, indent: &str) -> String {
        let columns = self.widths.len().max(1);
        let line: usize = self.widths.iter().map(|width| width + 2).sum();
        let lines = self.ends.len() / columns;
        let mut text = String::with_capacity((line + indent.len() + 1) * lines);
        let mut begin = 0;
        for row in self.ends.chunks(columns) {
            text.push_str(indent);
            for (column, (&width, &end)) in self.widths.iter().zip(row).enumerate() {
                let cell = &self.cells[begin..end];
                let space = width.saturating_sub(length(cell));
                let (before, after) = match self.right[column] {
                    true => (space, 0),
                    false => (0, space),
                };
                text.extend(std::iter::repeat_n(' ', before));
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', after + 2));
                begin = end;
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
        grid.row(["a", "1"]);
        grid.row(["größe", "12345", "x", "beside"]);
        let text = grid.text(" ");
        assert_eq!(
            text,
            " name    size  note\n a          1\n größe  12345  x\n"
        );
    }
}
