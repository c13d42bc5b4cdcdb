//! The live view on a real terminal, with keys pressed. The terminal is tmux's; the
//! tests skip where there is none.
#![cfg(unix)]

mod program;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use program::Program;

/// How long to wait for what should soon be there.
const PATIENCE: Duration = Duration::from_secs(60);
const EXPERIMENT: &str = "relu_vs_tanh/ci";

/// Two trials that train for a while, of which nothing is searched.
fn arguments(epochs: &str) -> Vec<String> {
    [
        "run",
        "experiments/relu_vs_tanh.toml",
        "--profile",
        "ci",
        "--seeds",
        "1",
        "--set",
        "optimiser.lr=0.01",
        "--set",
        "training.batch_size=16",
        "--set",
        epochs,
    ]
    .map(String::from)
    .to_vec()
}

/// A terminal of 100 columns and 30 lines, with a server of its own.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// With a command in it; `None`, and a word why, where there is no tmux.
    fn run(program: &Program, arguments: &[String]) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped: there is no tmux");
            return None;
        }
        let socket = program.store().join("tmux").to_string_lossy().into_owned();
        let terminal = Self { socket };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let command = program.command(&arguments);
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        // What is left on the screen when the program has ended is looked at, too.
        let line = format!("{}; echo exit code $?; sleep 600", words.join(" "));
        let folder = command.get_current_dir().expect("a folder");
        let folder = folder.to_string_lossy();
        let size = ["-x", "100", "-y", "30"];
        let begin = ["-f", "/dev/null", "new-session", "-d", "-c", &folder];
        let begun = terminal.tmux(&[&begin[..], &size, &["sh", "-c", &line]].concat());
        assert!(begun.status.success(), "{}", program::stderr(&begun));
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        Command::new("tmux")
            .args(["-S", &self.socket])
            .args(arguments)
            .env_remove("TMUX")
            .output()
            .expect("tmux starts")
    }

    fn press(&self, key: &str) {
        assert!(self.tmux(&["send-keys", key]).status.success());
    }

    fn screen(&self) -> String {
        program::stdout(&self.tmux(&["capture-pane", "-p"]))
    }

    /// The screen with what has gone off its upper edge.
    fn everything(&self) -> String {
        program::stdout(&self.tmux(&["capture-pane", "-p", "-S", "-"]))
    }

    /// Waits until the screen has all of these.
    fn wait(&self, texts: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if texts.iter().all(|text| screen.contains(text)) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "no {texts:?} in\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn keys_pause_stop_one_and_quit_and_the_run_goes_on_to_the_same_bits() {
    let epochs = "training.epochs=30";
    let program = Program::new();
    let Some(terminal) = Terminal::run(&program, &arguments(epochs)) else {
        return;
    };
    let screen = terminal.wait(&["> tanh seed 0", "/30", "epoch 30", " log "]);
    assert!(
        screen.contains("ReLU against tanh in a four-layer net (profile ci)"),
        "{screen}"
    );
    assert!(screen.contains("0 of 2 trials done, 1 running"), "{screen}");

    terminal.press("p");
    terminal.wait(&["PAUSED", "> tanh seed 0", "paused after step"]);
    let epochs_of = |program: &Program| -> usize {
        let trials = program.trials(EXPERIMENT);
        trials
            .iter()
            .map(|trial| program.metrics(trial).len())
            .sum()
    };
    let before = epochs_of(&program);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(epochs_of(&program), before, "it trains while it is paused");
    terminal.press("p");
    terminal.wait(&["going on"]);

    // The first is stopped, the second goes on.
    terminal.press("s");
    terminal.wait(&["stop tanh seed 0, keeping its checkpoint? y / n"]);
    terminal.press("y");
    terminal.wait(&["1 stopped", "> relu seed 0"]);
    terminal.press("q");
    terminal.wait(&["exit code 130"]);
    let screen = terminal.everything();
    for text in [
        "claim: A four-layer CNN",
        "tanh seed 0 stopped",
        "relu seed 0 stopped",
        "the same command goes on from here",
    ] {
        assert!(screen.contains(text), "no {text:?} in\n{screen}");
    }

    let plain = |program: &Program| {
        let arguments = arguments(epochs);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        program::stderr(&program.succeed(&arguments))
    };
    let log = plain(&program);
    assert!(log.contains("going on after epoch"), "{log}");
    let undisturbed = Program::new();
    plain(&undisturbed);
    assert_eq!(program.results(EXPERIMENT), undisturbed.results(EXPERIMENT));
}

#[test]
fn a_trial_stopped_alone_is_named_and_fails_the_run() {
    let program = Program::new();
    let Some(terminal) = Terminal::run(&program, &arguments("training.epochs=8")) else {
        return;
    };
    terminal.wait(&["> tanh seed 0", "/8"]);
    terminal.press("s");
    terminal.press("y");
    terminal.wait(&["exit code 1"]);
    let all = terminal.everything();
    for text in [
        "tanh seed 0 stopped",
        "relu seed 0 finished",
        "tanh: 0 finished, 1 unfinished of 1 seeds",
        "1 of 2 trials stopped before their end; the same command goes on",
    ] {
        assert!(all.contains(text), "no {text:?} in\n{all}");
    }
}

#[test]
fn plain_lines_are_to_be_had_on_a_terminal() {
    let program = Program::new();
    let mut arguments = arguments("training.epochs=1");
    arguments.push("--plain".to_string());
    let Some(terminal) = Terminal::run(&program, &arguments) else {
        return;
    };
    let screen = terminal.wait(&["exit code 0"]);
    assert!(!screen.contains(" log "), "{screen}");
}
