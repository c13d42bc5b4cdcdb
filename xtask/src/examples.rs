//! The examples in the help of every command, and in the pages, are ones that the
//! program takes.

use clap::{Command, CommandFactory, Parser};

use crate::{Cli, workspace};

const START: &str = "cargo xtask ";

/// The command line that a line of text shows, without what only a shell reads.
fn shown(line: &str) -> Option<String> {
    // The same program, built with another feature.
    let line = line.replace("cargo xtask-cuda ", START);
    let text = &line[line.find(START)?..];
    // What a shell's function passes on.
    if text[START.len()..].starts_with(['"', '$', '@']) {
        return None;
    }
    // Two spaces come before a remark.
    let ends = ["  ", ")", " >", " |", "`", " #"];
    let ends = ends.iter().filter_map(|end| text.find(end));
    Some(text[..ends.min().unwrap_or(text.len())].to_string())
}

/// The words of a command line; quotes keep one together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words.last_mut().expect("there is one").push(letter),
        }
    }
    // `cargo xtask` is one name to clap.
    words.drain(..1);
    words
}

fn check(place: &str, line: &str) -> bool {
    let Some(example) = shown(line) else {
        return false;
    };
    if let Err(error) = Cli::try_parse_from(words(&example)) {
        panic!("{place}: `{example}`: {error}");
    }
    true
}

fn check_command(command: &Command, path: &str) {
    let path = format!("{path} {}", command.get_name());
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_else(|| panic!("`{path} --help` has no example"));
    let own = help.lines().filter(|line| line.contains(&path));
    let examples = own.filter(|line| check(&path, line)).count();
    assert!(
        examples > 0,
        "`{path} --help` has no example of it:\n{help}"
    );
    assert!(help.starts_with("Example"), "{path}:\n{help}");
    for line in help.lines() {
        check(&path, line);
    }
    for command in command.get_subcommands() {
        check_command(command, &path);
    }
}

#[test]
fn every_command_has_an_example_that_parses() {
    let cli = Cli::command();
    assert!(cli.get_subcommands().count() > 10);
    for command in cli.get_subcommands() {
        check_command(command, "cargo xtask");
    }
    let help = cli.get_after_help().expect("examples").to_string();
    assert!(help.lines().filter(|line| check("--help", line)).count() > 3);
}

#[test]
fn the_commands_in_the_pages_parse() {
    let root = workspace::root();
    let docs = std::fs::read_dir(root.join("docs")).expect("the docs");
    let docs = docs.map(|entry| entry.expect("an entry").path());
    let docs = docs.filter(|path| path.extension().is_some_and(|e| e == "md"));
    let pages = ["README.md", "CONTRIBUTING.md"].map(|page| root.join(page));
    let mut examples = 0;
    for page in pages.into_iter().chain(docs) {
        let text = std::fs::read_to_string(&page).expect("a page");
        // Lines that are indented or begin so are commands; others speak of them.
        let commands = |line: &&str| line.starts_with("    ") || line.starts_with(START);
        let lines = text.lines().filter(commands);
        let place = page.display().to_string();
        examples += lines.filter(|line| check(&place, line)).count();
    }
    assert!(examples >= 60, "the pages have {examples} examples");
}

#[test]
fn the_program_is_well_formed() {
    Cli::command().debug_assert();
}
