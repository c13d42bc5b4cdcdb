//! Asking before something is removed.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};

/// Whether the user says yes. Where nobody can be asked, that is refused.
///
/// # Errors
/// There is no terminal, or it cannot be read.
pub fn confirm(question: &str) -> anyhow::Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("nothing was removed: there is nobody to ask\n  fix: add --yes");
    }
    eprint!("{question} [y/N] ");
    std::io::stderr()
        .flush()
        .context("the terminal cannot be written")?;
    let mut answer = String::new();
    input
        .lock()
        .read_line(&mut answer)
        .context("the terminal cannot be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
