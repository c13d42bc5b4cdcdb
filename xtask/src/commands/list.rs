//! `list`: the plugins this program has, by kind.

use std::process::ExitCode;

use ablate_core::{Kind, registry};

/// Prints one line a plugin.
pub fn run() -> anyhow::Result<ExitCode> {
    let plugins = registry::all();
    let width = plugins
        .iter()
        .map(|plugin| plugin.name.len())
        .max()
        .unwrap_or(0);
    for kind in Kind::ALL {
        println!("{kind}");
        for plugin in plugins.iter().filter(|plugin| plugin.kind == kind) {
            println!(
                "  {:width$}  {}  [{}]",
                plugin.name, plugin.about, plugin.package
            );
        }
    }
    println!("\n`cargo xtask describe NAME` prints every key of one.");
    Ok(ExitCode::SUCCESS)
}
