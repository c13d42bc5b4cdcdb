//! `completions`: what a shell needs to complete the commands.

use std::process::ExitCode;

use clap_complete::Shell;

/// What `completions` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  source <(cargo xtask completions bash)                        this bash
  cargo xtask completions zsh > ~/.zfunc/_xtask                 zsh, in a folder of its fpath
  cargo xtask completions fish > ~/.config/fish/completions/xtask.fish
  cargo xtask completions powershell | Out-String | Invoke-Expression

Shells complete by the first word, which of `cargo xtask` is cargo's own. These complete the word \
`xtask`; define it as a function:
  xtask() { cargo xtask \"$@\"; }                                 bash, zsh
  function xtask; cargo xtask $argv; end                        fish
  function xtask { cargo xtask @args }                          PowerShell")]
pub struct Arguments {
    /// The shell.
    shell: Shell,
    /// The word to complete: the name of a program of your own, or of a function.
    #[arg(long, default_value = "xtask", value_parser = word)]
    name: String,
}

/// Prints the script.
pub fn run(arguments: &Arguments, mut command: clap::Command) -> ExitCode {
    let mut script = Vec::new();
    // The usual name has a space, which no script's functions may have.
    command = command.bin_name(arguments.name.clone());
    clap_complete::generate(arguments.shell, &mut command, &arguments.name, &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

/// Letters, digits, `-` and `_`: the scripts do not quote the name.
fn word(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !text.is_empty() && text.chars().all(fits) && !text.starts_with('-') {
        true => Ok(text.to_string()),
        false => Err("give letters, digits, `-` and `_`".to_string()),
    }
}
