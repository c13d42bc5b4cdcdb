//! `describe`: every config key of a plugin or of the runner's own tables.

use std::process::ExitCode;

use ablate_core::{Key, keys_of, nearest, registry};
use ablate_runner::config::{Evaluation, ExperimentTable, Machine, SearchTable, Training};
use ablate_store::Ensemble;
use anyhow::bail;

use crate::wrap::wrap;

/// What `describe` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask describe alexnet         every key of a plugin
  cargo xtask describe training        every key of a table")]
pub struct Arguments {
    /// A plugin's name, or `experiment`, `ensembles`, `search`, `training`,
    /// `evaluation`, `machine`.
    name: String,
}

/// Prints the keys.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let name = arguments.name.as_str();
    let tables: [(&str, &str, Vec<Key>); 6] = [
        (
            "experiment",
            "the table [experiment]: the claim and how it is measured",
            keys_of::<ExperimentTable>(),
        ),
        (
            "ensembles",
            "a table [ensembles.NAME]: a variant that averages another's nets",
            keys_of::<Ensemble>(),
        ),
        (
            "search",
            "the table [search]: keys whose values are found before the trials",
            keys_of::<SearchTable>(),
        ),
        (
            "training",
            "the table [training]: budget and batches",
            keys_of::<Training>(),
        ),
        (
            "evaluation",
            "the table [evaluation]: what is measured",
            keys_of::<Evaluation>(),
        ),
        (
            "machine",
            "the table [machine]: nothing here changes a result, but for the device",
            keys_of::<Machine>(),
        ),
    ];
    let mut found = false;
    for (_, about, keys) in tables.iter().filter(|(table, ..)| *table == name) {
        print(name, about, keys);
        found = true;
    }
    for plugin in registry::all()
        .into_iter()
        .filter(|plugin| plugin.name == name)
    {
        print(
            name,
            &format!("{}: {} [{}]", plugin.kind, plugin.about, plugin.package),
            &plugin.keys(),
        );
        found = true;
    }
    if !found {
        let plugins = registry::all();
        let known = plugins
            .iter()
            .map(|plugin| plugin.name)
            .chain(tables.iter().map(|table| table.0));
        bail!(
            "there is no plugin or table named `{name}`\n  fix: {}",
            nearest(name, known)
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Characters of a line of what a key means.
const WIDTH: usize = 84;

fn print(name: &str, about: &str, keys: &[Key]) {
    println!("{name} - {about}");
    if keys.is_empty() {
        println!("\n  no keys");
    }
    for key in keys {
        println!("\n  {} = {}", key.path, key.default);
        println!("      {}", key.value_type);
        if !key.about.is_empty() {
            for line in wrap(&key.about, WIDTH) {
                println!("      {line}");
            }
        }
        if !key.source.is_empty() {
            println!("      source: {}", key.source);
        }
    }
}
