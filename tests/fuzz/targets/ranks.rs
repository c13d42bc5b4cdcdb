//! What two ranks of one trial tell each other, changed on its way: rank 1 hears rank 0's
//! words, and rank 0 hears rank 1's reports.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use ablate_core::DataContext;
use ablate_parallel::{Error, Group, Result, threads};
use ablate_runner::{Control, Nobody, RunOptions, follow, leave, run};
use ablate_store::Status;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::stored::{Tiny, files};
use super::{MIB, networks};
use crate::engine::{Change, Part, Target};
use crate::text;

/// Messages, the first to be heard first.
type Messages = Mutex<VecDeque<Vec<u8>>>;

fn push(messages: &Messages, message: &[u8]) {
    let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
    messages.push_back(message.to_vec());
}

fn pop(messages: &Messages, from: usize) -> Result<Vec<u8>> {
    let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
    messages.pop_front().ok_or(Error::Gone(from))
}

/// A rank of two that keeps what it hears, and what is added up.
#[derive(Debug)]
struct Recorder {
    group: Box<dyn Group>,
    heard: Messages,
    sums: Mutex<VecDeque<Vec<f32>>>,
}

impl Group for Recorder {
    fn rank(&self) -> usize {
        self.group.rank()
    }

    fn size(&self) -> usize {
        self.group.size()
    }

    fn tell(&self, message: Vec<u8>) -> Result<()> {
        self.group.tell(message)
    }

    fn hear(&self) -> Result<Vec<u8>> {
        let message = self.group.hear()?;
        push(&self.heard, &message);
        Ok(message)
    }

    fn report(&self, message: Vec<u8>) -> Result<()> {
        self.group.report(message)
    }

    fn reports(&self) -> Result<Vec<Vec<u8>>> {
        let reports = self.group.reports()?;
        reports.iter().for_each(|report| push(&self.heard, report));
        Ok(reports)
    }

    fn sum(&self, values: Vec<f32>) -> Result<Vec<f32>> {
        let sum = self.group.sum(values)?;
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.push_back(sum.clone());
        Ok(sum)
    }
}

/// A rank of two whose other one says what is written here, and is then gone.
#[derive(Debug)]
struct Script {
    rank: usize,
    says: Messages,
    sums: Mutex<VecDeque<Vec<f32>>>,
    /// What this rank reported to be wrong.
    reported: Mutex<Option<String>>,
}

impl Group for Script {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        2
    }

    fn tell(&self, _: Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn hear(&self) -> Result<Vec<u8>> {
        pop(&self.says, 0)
    }

    fn report(&self, message: Vec<u8>) -> Result<()> {
        let report: Value = serde_json::from_slice(&message).expect("JSON");
        if let Some(error) = report["error"].as_str() {
            let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
            *reported = Some(error.to_string());
        }
        Ok(())
    }

    fn reports(&self) -> Result<Vec<Vec<u8>>> {
        Ok(vec![pop(&self.says, 1)?])
    }

    fn sum(&self, values: Vec<f32>) -> Result<Vec<f32>> {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = "adding up as many values";
        let rank = 1 - self.rank;
        match sums.pop_front() {
            Some(sum) if sum.len() == values.len() => Ok(sum),
            Some(_) => Err(Error::OutOfStep { rank, wanted }),
            None => Err(Error::Gone(rank)),
        }
    }
}

#[test]
fn ranks() {
    let mut tiny = Tiny::planned(&["training.parts=2"]);
    tiny.plan.trials.truncate(1);
    tiny.run(1).expect("it trains");
    let folder = tiny.trial();
    let stored = files(&folder, &[]).with_others(&folder);
    let lead = |group: &dyn Group| {
        let store = &tiny.store();
        let options = RunOptions {
            store,
            control: Control::default(),
            jobs: 1,
            group,
        };
        let outcome = stored.kept(|| {
            let outcome = run(&tiny.plan, &options, &mut Nobody);
            std::fs::remove_dir_all(store).expect("removable");
            outcome
        });
        match outcome
            .map_err(|error| error.to_string())?
            .trials
            .remove(0)
            .status
        {
            Status::Failed { message } => Err(message),
            _ => Ok(()),
        }
    };
    let other = |group: &dyn Group| {
        let followed = follow(group, DataContext::default());
        followed.map_err(|error| error.to_string())
    };
    let [leader, follower] = recorded(&lead, &other);
    let sums = [leader.sums, follower.sums].map(|sums| sums.into_inner().expect("whole"));
    let [reports, told] = [leader.heard, follower.heard].map(|heard| {
        let heard = heard.into_inner().expect("whole");
        Vec::from(heard)
    });
    let [trial, tensors, told @ ..] = &told[..] else {
        panic!("the trial goes on from a checkpoint");
    };
    let part = |name, seed: &[u8], change: Change| Part {
        name,
        seeds: vec![seed.to_vec()],
        change,
    };
    let target = Target {
        name: "ranks",
        parts: vec![
            part("trial", trial, words),
            part("tensors", tensors, networks::safetensors),
            part("told", &told.join(&b'\n'), words),
            part("reports", &reports.join(&b'\n'), words),
        ],
        memory: 256 * MIB,
        share: 0.05,
    };
    let lines = |input: &[u8]| -> VecDeque<Vec<u8>> {
        input
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    target.run(|name, input| {
        let mut says: VecDeque<Vec<u8>> = told.iter().cloned().collect();
        match name {
            "trial" if is_large(input) => return Err("large".to_string()),
            "trial" => [tensors, input]
                .into_iter()
                .for_each(|m| says.push_front(m.to_vec())),
            "tensors" => [input, trial]
                .into_iter()
                .for_each(|m| says.push_front(m.to_vec())),
            _ => says = lines(input),
        }
        if name == "told" {
            [tensors, trial]
                .into_iter()
                .for_each(|m| says.push_front(m.clone()));
        }
        let rank = usize::from(name != "reports");
        let script = Script {
            rank,
            says: Mutex::new(says),
            sums: Mutex::new(sums[rank].clone()),
            reported: Mutex::default(),
        };
        match rank {
            0 => lead(&script)?,
            _ => other(&script)?,
        }
        script
            .reported
            .into_inner()
            .expect("whole")
            .map_or(Ok(()), Err)
    });
}

/// Changes words, or the numbers alone.
fn words(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    match rng.random_bool(0.5) {
        true => text::numbers(input, other, rng),
        false => text::text(input, other, rng),
    }
}

/// What both ranks hear where nothing is changed.
fn recorded(
    lead: &(impl Fn(&dyn Group) -> std::result::Result<(), String> + Sync),
    other: &(impl Fn(&dyn Group) -> std::result::Result<(), String> + Sync),
) -> [Recorder; 2] {
    let recorder = |group| Recorder {
        group,
        heard: Mutex::default(),
        sums: Mutex::default(),
    };
    let ranks: Vec<Recorder> = threads(2).into_iter().map(recorder).collect();
    let ranks: [Recorder; 2] = ranks.try_into().expect("two");
    std::thread::scope(|scope| {
        scope.spawn(|| other(&ranks[1]).expect("it follows"));
        lead(&ranks[0]).expect("it trains");
        leave(&ranks[0]).expect("it is there");
    });
    ranks
}

/// Whether a trial would look for data elsewhere, or take long.
fn is_large(trial: &[u8]) -> bool {
    let told: Value = serde_json::from_slice(trial).unwrap_or_default();
    let config = &told["Trial"]["config"];
    let most = |table: &str| greatest(&config[table]);
    config["data"]["name"]
        .as_str()
        .is_some_and(|name| name != "shapes")
        || most("data") > 100
        || most("augmentation") > 100
        || most("model") > 40
        || most("training") > 1000
}

/// The greatest whole number in a value.
fn greatest(value: &Value) -> u64 {
    match value {
        Value::Array(values) => values.iter().map(greatest).max().unwrap_or(0),
        Value::Object(values) => values.values().map(greatest).max().unwrap_or(0),
        _ => value.as_u64().unwrap_or(0),
    }
}
