//! Tables in HTML, each in a box of its own that scrolls where it is too narrow.

use super::Table;
use crate::html::markup::{Markup, element};

/// Cells of more characters are long.
const LONG: usize = 40;

/// The table with a caption; the first cell of a row is its heading.
pub(crate) fn render(caption: &str, table: &Table) -> Markup {
    let head = table.header.iter();
    let head = head.map(|name| element("th", &[("scope", "col")], &**name));
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter().enumerate().map(|(index, cell)| match index {
            0 => element("th", &[("scope", "row")], &**cell),
            _ => data(cell),
        });
        element("tr", &[], cells.collect::<Markup>())
    });
    let parts = [
        element("caption", &[], element("span", &[], caption)),
        element("thead", &[], element("tr", &[], head.collect::<Markup>())),
        element("tbody", &[], rows.collect::<Markup>()),
    ];
    scrolling(caption, element("table", &[], parts))
}

/// A cell: text that is long is broken into lines, an interval stands below its value.
fn data(cell: &str) -> Markup {
    match cell.split_once(" [") {
        _ if cell.chars().count() > LONG => element("td", &[("class", "long")], cell),
        Some((value, interval)) => {
            let interval = element("span", &[("class", "ends")], format!("[{interval}"));
            element("td", &[], [value.into(), " ".into(), interval])
        }
        None => element("td", &[], cell),
    }
}

/// A box that scrolls sideways, also by keyboard.
pub(crate) fn scrolling(name: &str, inside: Markup) -> Markup {
    let attributes = [
        ("class", "scroll"),
        ("role", "region"),
        ("tabindex", "0"),
        ("aria-label", name),
    ];
    element("div", &attributes, inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped_and_headings_have_a_scope() {
        let table = Table {
            header: vec!["a".to_string(), "b".to_string()],
            rows: vec![vec!["<i>".to_string(), "12 ± 1 [11, 13]".to_string()]],
        };
        let html = render("c & d", &table).to_string();
        for part in [
            "aria-label=\"c &amp; d\"",
            "<th scope=\"col\">a</th>",
            "<th scope=\"row\">&lt;i&gt;</th>",
            "<td>12 ± 1 <span class=\"ends\">[11, 13]</span></td>",
        ] {
            assert!(html.contains(part), "`{part}` is not in {html}");
        }
    }
}
