//! The report as plain text for a terminal, at most [`WIDTH`] columns wide.

use crate::notes;
use crate::report::Report;
use crate::search;
use crate::table::{self, Table};
use crate::text::{clip, columns, wrap};
use crate::verdict::Verdict;

const WIDTH: usize = 100;
/// Columns are two spaces apart.
const GAP: usize = 2;
/// The longest cell: a value with spread and interval.
const CELL: usize = 30;

pub(crate) fn render(report: &Report) -> String {
    let claim = &report.experiment.claim;
    let mut blocks = vec![
        [
            wrap(&report.experiment.title, WIDTH, 0),
            labelled(&format!("Claim ({})", claim.section), &claim.text),
        ]
        .join("\n"),
    ];
    let setting = notes::setting(report);
    let setting = setting.iter().map(|(name, value)| labelled(name, value));
    blocks.push(setting.collect::<Vec<_>>().join("\n"));
    blocks.extend(turned(&table::variants(report)));
    blocks.extend(turned(&table::effects(report)));
    if let Some(found) = &report.experiment.search {
        blocks.push(wrap(
            &format!("Search: {}", search::caption(found)),
            WIDTH,
            2,
        ));
        blocks.extend(turned(&search::table(found)));
    }
    let listed = notes::notes(report);
    let listed = listed
        .iter()
        .map(|note| wrap(&format!("- {note}"), WIDTH, 2));
    blocks.push(listed.collect::<Vec<_>>().join("\n"));
    blocks.push(wrap(&format!("Rule: {}", Verdict::RULE), WIDTH, 2));
    let verdicts = report.verdicts().map(|(name, finding)| {
        let judgement = &finding.judgement;
        labelled(
            &name,
            &format!("{}. {}", judgement.verdict, judgement.reason),
        )
    });
    blocks.push(verdicts.collect::<Vec<_>>().join("\n"));
    blocks.join("\n\n") + "\n"
}

fn labelled(label: &str, text: &str) -> String {
    wrap(&format!("{label}: {text}"), WIDTH, 2)
}

/// The table on its side, a column a row, in as many blocks as the width needs.
fn turned(table: &Table) -> Vec<String> {
    let head: Vec<String> = table.header.iter().map(|name| clip(name, 32)).collect();
    let head_width = width(&head);
    let mut blocks = Vec::new();
    let mut block: Vec<Vec<String>> = Vec::new();
    let mut used = head_width;
    for row in &table.rows {
        let room = WIDTH - head_width - GAP;
        let cells: Vec<String> = row
            .iter()
            .map(|cell| clip(cell, room.min(CELL.max(room / 2))))
            .collect();
        let needed = GAP + width(&cells);
        if !block.is_empty() && used + needed > WIDTH {
            blocks.push(side_by_side(&head, &std::mem::take(&mut block)));
            used = head_width;
        }
        used += needed;
        block.push(cells);
    }
    if !block.is_empty() {
        blocks.push(side_by_side(&head, &block));
    }
    blocks
}

fn side_by_side(head: &[String], block: &[Vec<String>]) -> String {
    let line = |(index, name): (usize, &String)| {
        let cells = block.iter().map(|column| column[index].clone());
        std::iter::once(name.clone()).chain(cells).collect()
    };
    let lines: Vec<Vec<String>> = head.iter().enumerate().map(line).collect();
    columns(&lines).trim_end().to_string()
}

fn width(cells: &[String]) -> usize {
    cells
        .iter()
        .map(|cell| cell.chars().count())
        .max()
        .unwrap_or(0)
}
