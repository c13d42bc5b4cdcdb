//! The live view, fed with events as a run sends them, drawn on a terminal of text.

use std::path::Path;
use std::time::Duration;

// The plugins that the experiment names.
use ablate_augmentations as _;
use ablate_convnet as _;
use ablate_core::{DataContext, EpochRecord};
use ablate_data as _;
use ablate_metrics as _;
use ablate_optimisers as _;
use ablate_runner::{Control, Draft, Event, Plan};
use ablate_store::Status;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::board::Board;
use super::draw::{Scene, draw};
use super::view::{Next, Question, View};

/// Two variants of two seeds: tanh 0, relu 0, tanh 1, relu 1, of three epochs.
fn plan() -> Plan {
    let file = crate::workspace::source().join("experiments/relu_vs_tanh.toml");
    let settings = ["optimiser.lr=0.01", "training.epochs=3"].map(String::from);
    let nowhere = DataContext { roots: Vec::new() };
    Draft::read(Path::new(&file), Some("ci"), &settings, Some(2), nowhere)
        .and_then(|draft| draft.plan(&[]))
        .expect("a plan")
}

/// A run, and a person who watches it.
struct Watched {
    plan: Plan,
    board: Board,
    view: View,
    control: Control,
}

impl Watched {
    fn new() -> Self {
        let plan = plan();
        Self {
            board: Board::new(&plan, Box::new(|_| vec![record(1, 0.9)])),
            plan,
            view: View::default(),
            control: Control::default(),
        }
    }

    /// Trains the trial at `place` for so many whole epochs of ten steps.
    fn train(&mut self, place: usize, epochs: usize) {
        let trial = &self.plan.trials[place];
        self.board.notice(Event::Started {
            trial,
            done_epochs: 0,
            done_steps: 0,
            steps_per_epoch: 10,
            parameters: 1000,
        });
        for epoch in 0..epochs {
            for step in 1..=10 {
                self.board.notice(Event::Step {
                    trial,
                    epoch,
                    step,
                    loss: 2.0 / (1.0 + epoch as f64),
                    images: 50,
                });
            }
            self.board.notice(Event::Evaluating { trial });
            let record = record(epoch + 1, 0.8 / (1.0 + epoch as f64));
            self.board.notice(Event::Epoch {
                trial,
                record: &record,
            });
        }
    }

    fn end(&mut self, place: usize, status: &Status) {
        let trial = &self.plan.trials[place];
        self.board.notice(Event::Ended { trial, status });
    }

    fn press(&mut self, code: KeyCode) -> Next {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        self.view.key(key, &self.board, &self.control)
    }

    fn selected(&self) -> &str {
        &self.board.rows[self.view.selected(&self.board)].name
    }

    fn is_left(&self, place: usize) -> bool {
        self.control.is_left(&self.plan.trials[place])
    }

    /// The lines of a terminal of that size.
    fn screen(&self, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let log = [
            "07:30:00  INFO relu-seed0: epoch 1 of 3: learning rate 0.01".to_string(),
            "07:30:01  WARN relu-seed0: a checkpoint is damaged".to_string(),
        ];
        let scene = Scene {
            board: &self.board,
            view: &self.view,
            control: &self.control,
            log: &log,
        };
        terminal.draw(|frame| draw(frame, &scene)).expect("a frame");
        let buffer = terminal.backend().buffer().clone();
        let cells: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
        cells
            .chunks(width.max(1).into())
            .map(|line| line.concat().trim_end().to_string())
            .collect()
    }
}

fn record(epoch: usize, error: f64) -> EpochRecord {
    let metrics = |loss: f64| {
        [
            ("loss".to_string(), loss),
            ("top1_error".to_string(), error),
        ]
    };
    EpochRecord {
        epoch,
        learning_rate: 0.01,
        images_per_second: 1970.0,
        train: metrics(1.25).into(),
        validation: metrics(1.5).into(),
        ..EpochRecord::default()
    }
}

/// The line that has a text.
fn line<'a>(screen: &'a [String], text: &str) -> &'a str {
    screen
        .iter()
        .find(|line| line.contains(text))
        .unwrap_or_else(|| panic!("no {text:?} in\n{}", screen.join("\n")))
}

#[test]
fn progress_and_time_left_are_of_the_work_that_remains() {
    let mut run = Watched::new();
    let control = run.control.clone();
    assert_eq!(run.board.progress(&control), 0.0);
    assert_eq!(run.board.time_left(&control), None);

    // Three of twelve epochs in thirty seconds; a pause is not among them.
    run.train(0, 3);
    run.board.tick(Duration::from_secs(30), false);
    run.board.tick(Duration::from_secs(500), true);
    assert_eq!(run.board.progress(&control), 0.25);
    assert_eq!(run.board.time_left(&control), Some(Duration::from_secs(90)));

    // Another process has done the next: no work of this run, and none that is left.
    run.board.notice(Event::Kept {
        trial: &run.plan.trials[1],
        status: &Status::Finished,
    });
    assert_eq!(run.board.progress(&control), 0.5);
    assert_eq!(run.board.time_left(&control), Some(Duration::from_secs(60)));
    assert_eq!(run.board.rows[1].history.len(), 1, "its epochs are read");

    // One to do without is no work at all.
    control.leave(&run.plan.trials[3]);
    assert_eq!(run.board.progress(&control), 6.0 / 9.0);
    assert_eq!(run.board.time_left(&control), Some(Duration::from_secs(30)));

    // A trial that ends early is done.
    run.end(0, &Status::Finished);
    run.train(2, 1);
    run.end(2, &Status::Diverged { epoch: 2 });
    assert_eq!(run.board.progress(&control), 1.0);
    let tally = run.board.tally(&control);
    assert_eq!((tally.done, tally.diverged, tally.left), (3, 1, 1));
}

#[test]
fn a_trial_that_goes_on_has_the_curve_of_its_earlier_epochs() {
    let mut run = Watched::new();
    run.board.notice(Event::Started {
        trial: &run.plan.trials[0],
        done_epochs: 1,
        done_steps: 5,
        steps_per_epoch: 10,
        parameters: 1000,
    });
    for step in 6..=10 {
        run.board.notice(Event::Step {
            trial: &run.plan.trials[0],
            epoch: 1,
            step,
            loss: 0.5,
            images: 50,
        });
    }
    let row = &run.board.rows[0];
    let loss = row.curve(&run.board.measured[0]);
    // The epoch that the record tells of, then each step in its middle.
    assert_eq!(loss.len(), 6, "{loss:?}");
    assert_eq!(loss[0], (0.5, 1.25));
    assert!((loss[1].0 - 1.55).abs() < 1e-9 && loss[1].1 == 0.5);
    // What this run did is half an epoch.
    assert!((row.done - row.found - 0.5).abs() < 1e-9);
}

#[test]
fn the_selection_follows_the_newest_trial_until_a_key_moves_it() {
    let mut run = Watched::new();
    run.train(1, 1);
    assert_eq!(run.selected(), "relu seed 0");
    run.press(KeyCode::Down);
    assert_eq!(run.selected(), "tanh seed 1");
    run.train(3, 1);
    assert_eq!(run.selected(), "tanh seed 1");
    run.press(KeyCode::Home);
    run.press(KeyCode::Up);
    assert_eq!(run.selected(), "tanh seed 0");
    run.press(KeyCode::PageDown);
    run.press(KeyCode::Down);
    assert_eq!(run.selected(), "relu seed 1");
    run.press(KeyCode::Home);
    run.press(KeyCode::Char('f'));
    assert_eq!(run.selected(), "relu seed 1");
}

#[test]
fn stopping_a_trial_that_trains_takes_two_keys() {
    let mut run = Watched::new();
    run.train(0, 1);
    run.press(KeyCode::Char('s'));
    assert_eq!(run.view.question, Some(Question::Leave(0)));
    let screen = run.screen(100, 30);
    line(&screen, "stop tanh seed 0, keeping its checkpoint? y / n");
    run.press(KeyCode::Char('n'));
    assert!(!run.is_left(0));
    run.press(KeyCode::Char('y'));
    assert!(!run.is_left(0), "a yes without a question");

    run.press(KeyCode::Char('s'));
    run.press(KeyCode::Char('y'));
    assert!(run.is_left(0) && !run.control.is_stopping());
    assert!(line(&run.screen(100, 30), "> tanh seed 0").contains("stopping"));
    run.end(0, &Status::Unfinished);
    assert!(line(&run.screen(100, 30), "> tanh seed 0").contains("stopped"));
    // It has ended: there is nothing to ask.
    run.press(KeyCode::Char('s'));
    assert_eq!(run.view.question, None);
}

#[test]
fn a_trial_that_waits_is_left_out_and_taken_back() {
    let mut run = Watched::new();
    run.train(0, 1);
    run.press(KeyCode::End);
    run.press(KeyCode::Char('s'));
    assert!(run.is_left(3));
    assert!(line(&run.screen(100, 30), "relu seed 1").contains("left out"));
    run.press(KeyCode::Char('s'));
    assert!(!run.is_left(3));
    assert!(line(&run.screen(100, 30), "relu seed 1").contains("waiting"));
}

#[test]
fn p_pauses_and_goes_on() {
    let mut run = Watched::new();
    run.train(0, 1);
    run.board.notice(Event::Step {
        trial: &run.plan.trials[0],
        epoch: 1,
        step: 1,
        loss: 1.0,
        images: 50,
    });
    run.press(KeyCode::Char('p'));
    assert!(run.control.is_paused());
    let screen = run.screen(100, 30);
    line(&screen, "PAUSED");
    line(&screen, "p go on");
    assert!(line(&screen, "> tanh seed 0").contains("paused 2/3"));
    run.press(KeyCode::Char(' '));
    assert!(!run.control.is_paused());
    assert!(!run.screen(100, 30).concat().contains("PAUSED"));
}

#[test]
fn quitting_saves_the_first_time_and_ends_the_second() {
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let mut run = Watched::new();
    run.train(0, 1);
    run.press(KeyCode::Char('s'));
    assert_eq!(run.view.key(control_c, &run.board, &run.control), Next::On);
    assert!(run.control.is_stopping() && !run.is_left(0));
    let screen = run.screen(100, 30);
    line(&screen, "STOPPING");
    line(&screen, "q again ends at once");
    assert_eq!(run.press(KeyCode::Char('q')), Next::Abort);
}

#[test]
fn a_frame_shows_trials_curves_and_log() {
    let mut run = Watched::new();
    run.train(0, 3);
    run.end(0, &Status::Finished);
    run.train(1, 2);
    run.board.tick(Duration::from_secs(20), false);
    run.press(KeyCode::Char('m'));
    for (width, height) in [(100, 40), (160, 40)] {
        let screen = run.screen(width, height);
        line(
            &screen,
            "ReLU against tanh in a four-layer net (profile ci)",
        );
        line(&screen, " 41%");
        line(&screen, "28 s left   1 of 4 trials done, 1 running");
        assert!(line(&screen, "  tanh seed 0").contains("finished    0.667    26.7%"));
        let newest = line(&screen, "> relu seed 0");
        assert!(newest.contains("   3/3    1.000"), "{newest}");
        assert!(newest.contains("40.0%"), "{newest}");
        line(
            &screen,
            " validation top-1 error (%)  \u{25cf} tanh  \u{25cf} relu",
        );
        line(&screen, "epoch 3");
        line(&screen, "07:30:00  INFO relu-seed0: epoch 1 of 3");
        // A curve is drawn: braille for the selected trial's.
        let braille = |cell: char| ('\u{2801}'..='\u{28ff}').contains(&cell);
        let drawn = screen
            .concat()
            .chars()
            .filter(|cell| braille(*cell))
            .count();
        assert!(drawn >= 10, "{drawn} cells\n{}", screen.join("\n"));
    }
    run.board.notice(Event::Evaluating {
        trial: &run.plan.trials[1],
    });
    assert!(line(&run.screen(100, 40), "> relu seed 0").contains("measure 3/3"));
}

#[test]
fn help_explains_every_key() {
    let mut run = Watched::new();
    run.press(KeyCode::Char('?'));
    let screen = run.screen(70, 24);
    for key in ["f ", "m ", "p ", "s ", "q "] {
        line(&screen, &format!("  {key}"));
    }
    line(
        &screen,
        "Have all trials wait after this step, with a checkpoint;",
    );
    run.press(KeyCode::Esc);
    assert!(!run.view.helps);
}

#[test]
fn any_size_can_be_drawn() {
    let mut run = Watched::new();
    run.train(0, 2);
    for helps in [false, true] {
        run.view.helps = helps;
        for width in (0..=130).step_by(13) {
            for height in 0..=32 {
                assert_eq!(
                    run.screen(width, height).len(),
                    usize::from(if width > 0 { height } else { 0 })
                );
            }
        }
    }
}
