//! The scripts of `completions` work in their shells.

mod program;

use std::process::Command;

use program::{Program, stdout};

#[test]
fn every_shell_gets_a_script_of_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = stdout(&Program::new().succeed(&["completions", shell]));
        for part in ["reproduce", "predict", "completions", "profile", "crops"] {
            assert!(
                script.contains(part),
                "`{part}` is not in {shell}'s:\n{script}"
            );
        }
    }
    let renamed = Program::new().succeed(&["completions", "bash", "--name", "mine"]);
    assert!(stdout(&renamed).contains("_mine"));
    for arguments in [["completions", "sh"], ["completions", "bash --name x"]] {
        assert_eq!(Program::new().output(&arguments).status.code(), Some(2));
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    let script = stdout(&Program::new().succeed(&["completions", "bash"]));
    let complete = |words: &[&str]| {
        let last = words.len() - 1;
        let ask = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={last}; _xtask xtask '{}' '{}'; echo \"${{COMPREPLY[*]}}\"",
            words.join(" "),
            words[last],
            words[last - 1]
        );
        let output = Command::new("bash").args(["--norc", "-c", &ask]).output();
        output.map(|output| stdout(&output).trim().to_string())
    };
    if Command::new("bash").arg("--version").output().is_err() {
        eprintln!("skipped: there is no bash");
        return;
    }
    let found = |words: &[&str]| complete(words).expect("bash runs");
    assert_eq!(found(&["xtask", "pred"]), "predict");
    assert_eq!(found(&["xtask", "data", "prev"]), "preview");
    assert_eq!(found(&["xtask", "predict", "--cr"]), "--crops");
    assert_eq!(found(&["xtask", "predict", "--crops", "t"]), "ten");
}
