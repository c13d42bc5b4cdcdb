//! `rm`: trials removed from the run store.

use std::process::ExitCode;

use ablate_index::{Index, Row};
use ablate_store::remove_trial;
use anyhow::bail;

use crate::grid::Grid;
use crate::stored::{self, Filter, Store, bytes, confirm};

/// What `rm` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask rm lrn/quick/with-seed0-1a2b3c4d
  cargo xtask rm --experiment lrn --profile ci --yes
  cargo xtask rm --status failed,damaged
  cargo xtask rm --where 'optimiser.lr>0.1' --searches

A trial that a process trains now is left alone, and so is whatever a symbolic link leads to. \
Reports stay; the next `run` of an experiment trains again what is missing.")]
pub struct Arguments {
    /// Trials, each named as for `cargo xtask show`; or give filters, as for `ls`.
    #[arg(value_name = "TRIAL")]
    trials: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    store: Store,
}

/// Asks, and removes.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut index = arguments.store.index()?;
    let rows = chosen(arguments, &mut index)?;
    if rows.is_empty() {
        println!("no trials");
        return Ok(ExitCode::SUCCESS);
    }
    let mut grid = Grid::new(["trial", "status", ">size"]);
    for row in &rows {
        let size = bytes(row.bytes.cast_unsigned());
        grid.row([row.path(), row.status.to_string(), size]);
    }
    stored::print(&grid.text(""))?;
    let size: u64 = rows.iter().map(|row| row.bytes.cast_unsigned()).sum();
    let count = match rows.len() {
        1 => "1 trial".to_string(),
        count => format!("{count} trials"),
    };
    if !arguments.yes && !confirm(&format!("remove {count}, {}?", bytes(size)))? {
        println!("nothing was removed");
        return Ok(ExitCode::SUCCESS);
    }
    remove(arguments, &mut index, &rows)
}

fn chosen(arguments: &Arguments, index: &mut Index) -> anyhow::Result<Vec<Row>> {
    match (arguments.trials.is_empty(), arguments.filter.is_empty()) {
        (true, true) => bail!(
            "no trial is named\n  fix: name some, or give --experiment, --profile, --status or --where"
        ),
        (false, false) => bail!("both trials and filters are given\n  fix: give one of them"),
        (true, false) => Ok(index.list(&arguments.filter.query())?),
        (false, true) => {
            let mut rows: Vec<Row> = Vec::new();
            for name in &arguments.trials {
                let row = index.find(name)?;
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
            Ok(rows)
        }
    }
}

fn remove(arguments: &Arguments, index: &mut Index, rows: &[Row]) -> anyhow::Result<ExitCode> {
    let store = arguments.store.folder();
    let (mut removed, mut freed, mut failures) = (0_usize, 0, Vec::new());
    for row in rows {
        match remove_trial(&store, &row.path()) {
            Ok(()) => {
                removed += 1;
                freed += row.bytes.cast_unsigned();
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    // The folders have changed, which the index sees by itself.
    index.refresh()?;
    stored::say_notes(index);
    println!(
        "removed {removed} of {}, {} freed",
        rows.len(),
        bytes(freed)
    );
    match failures.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => bail!(failures.join("\n")),
    }
}
