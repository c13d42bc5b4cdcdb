//! Trials as a table, a line each.

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;

use ablate_index::{Index, Line, Query};

use super::{bytes, percent, text, when};
use crate::grid::Grid;

/// The columns of the table, before those of keys; `>` stands before numbers.
const COLUMNS: [&str; 7] = [
    "trial",
    "status",
    ">epochs",
    ">best",
    ">last",
    "when (UTC)",
    ">size",
];

/// The trials of a query as a table, which is laid out while they are read.
///
/// # Errors
/// As for [`Index::list`].
pub fn table(index: &mut Index, query: &Query) -> ablate_index::Result<String> {
    let (sender, receiver) = mpsc::sync_channel(AHEAD);
    thread::scope(|scope| {
        let send = move |message| {
            // The other end stays until this one is gone.
            let _ = sender.send(message);
        };
        let lay = || {
            let mut table = Table::new(&query.columns);
            for message in receiver {
                match message {
                    Rows::Begin => table = Table::new(&query.columns),
                    Rows::More(rows) => rows.into_iter().for_each(|row| table.add(row)),
                }
            }
            table.text()
        };
        let laid = scope.spawn(lay);
        let start = || {
            send(Rows::Begin);
            Vec::with_capacity(CHUNK)
        };
        let add = |rows: &mut Vec<Line>, row| {
            rows.push(row);
            if rows.len() == CHUNK {
                send(Rows::More(std::mem::replace(
                    rows,
                    Vec::with_capacity(CHUNK),
                )));
            }
        };
        let read = index.fold(query, start, add);
        let read = read.map(|rest| send(Rows::More(rest)));
        drop(send);
        let text = laid.join().unwrap_or_else(|panic| resume_unwind(panic));
        read.map(|()| text)
    })
}

/// Rows on their way into the table.
enum Rows {
    /// From the start: the index had to be built again.
    Begin,
    More(Vec<Line>),
}

/// Rows that are sent at once, and how often before the table takes them.
const CHUNK: usize = 500;
const AHEAD: usize = 8;

/// The trials as a table, and how many they are.
struct Table {
    grid: Grid,
    trials: usize,
    bytes: i64,
}

impl Table {
    fn new(columns: &[String]) -> Self {
        let more = columns.iter().map(String::as_str);
        Self {
            grid: Grid::new(COLUMNS.into_iter().chain(more)),
            trials: 0,
            bytes: 0,
        }
    }

    fn add(&mut self, row: Line) {
        let cells = [
            row.path,
            row.status.to_string(),
            match row.budget {
                Some(budget) => format!("{}/{budget}", row.epochs),
                None => row.epochs.to_string(),
            },
            percent(row.best),
            percent(row.last),
            when(row.when),
            bytes(row.bytes.cast_unsigned()),
        ];
        let more = row.columns.iter().map(text);
        self.grid.row(cells.into_iter().chain(more));
        self.trials += 1;
        self.bytes += row.bytes;
    }

    fn text(&self) -> String {
        if self.trials == 0 {
            return "no trials\n".to_string();
        }
        let trials = if self.trials == 1 { "trial" } else { "trials" };
        let (count, size) = (
            ablate_report::number::count(self.trials),
            bytes(self.bytes.cast_unsigned()),
        );
        format!("{}\n{count} {trials}, {size}\n", self.grid.text(""))
    }
}
