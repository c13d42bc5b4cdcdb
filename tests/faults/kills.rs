//! Runs that are killed again and again, at random moments, end as if they had not
//! been, and leave a store that reads at every moment.
//!
//! `ABLATE_KILLS=100 cargo test --release --workspace --test faults kills -- --nocapture`
//! kills that often. `ABLATE_CRASH_SEED` draws the same moments again; where in its work
//! a run then is depends on the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::moment::{Doing, Moment, asides, kill_at};
use crate::program::{Program, stderr};
use crate::whole;
use crate::work::Work;

const KILLS: usize = 8;

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value}: give a number")),
    )
}

/// How often runs are killed, and what came of it.
#[derive(Default)]
struct Tally {
    kills: usize,
    doing: BTreeMap<Doing, usize>,
    half_written: BTreeMap<String, usize>,
    whole_runs: usize,
}

impl Tally {
    fn add(&mut self, doing: Doing, program: &Program) {
        self.kills += 1;
        *self.doing.entry(doing).or_default() += 1;
        for path in asides(program.store()) {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            // `checkpoint-000000003.safetensors.77-1.partial`
            let of = name
                .split(['.', '-'])
                .next()
                .unwrap_or_default()
                .to_string();
            *self.half_written.entry(of).or_default() += 1;
            // Counted once; also what no later run would clear.
            std::fs::remove_file(path).expect("removed");
        }
    }

    fn show(&self, work: Work) {
        let list = |counts: Vec<String>| counts.join(", ");
        let doing = self
            .doing
            .iter()
            .map(|(doing, count)| format!("{doing} {count}"));
        let half = self
            .half_written
            .iter()
            .map(|(of, count)| format!("{of} {count}"));
        println!(
            "{work:?}: {} kills ({}), half written: [{}], {} runs to the end, all the same",
            self.kills,
            list(doing.collect()),
            list(half.collect()),
            self.whole_runs
        );
    }
}

/// Kills `work` so often, each time in the store that the last kill left.
fn kill_often(work: Work, kills: usize, rng: &mut ChaCha8Rng, longest: Duration) {
    let mut tally = Tally::default();
    let mut program = Program::new();
    let mut finished = BTreeSet::new();
    while tally.kills < kills {
        let moment = Moment::draw(rng, longest);
        let after = format!("kill {} of {work:?}, {moment:?}", tally.kills + 1);
        match kill_at(&program, work, moment) {
            Some(doing) => {
                let after = format!("{after}, {doing}");
                tally.add(doing, &program);
                let now = whole::check(&program, work, &after);
                assert!(
                    finished.is_subset(&now),
                    "{after}: a finished trial is not any more"
                );
                finished = now;
            }
            None => {
                work.check(&program, &after);
                tally.whole_runs += 1;
                (program, finished) = (Program::new(), BTreeSet::new());
            }
        }
    }
    program.succeed(&work.run());
    work.check(&program, "the last run");
    tally.whole_runs += 1;
    tally.show(work);
}

/// Lists the trials of a store until told to stop.
fn list_on(program: &Program, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let output = program.output(&["ls"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(output.stderr.is_empty(), "{}", stderr(&output));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn killed_runs_end_as_if_they_had_not_been() {
    let kills = setting("ABLATE_KILLS").map_or(KILLS, |kills| kills as usize);
    let seed = setting("ABLATE_CRASH_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    println!("ABLATE_CRASH_SEED={seed} ABLATE_KILLS={kills}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for (work, kills) in [
        (Work::Training, kills.div_ceil(2)),
        (Work::Trials, kills / 2),
    ] {
        work.expected();
        let begun = Instant::now();
        Program::new().succeed(&work.run());
        kill_often(work, kills, &mut rng, begun.elapsed() / 2);
    }
}

#[test]
fn a_listing_meanwhile_sees_no_damage() {
    let (program, done) = (Program::new(), AtomicBool::new(false));
    let work = Work::Trials;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            list_on(&program, &done);
        });
        for _ in 0..3 {
            kill_at(
                &program,
                work,
                Moment::draw(&mut rng, Duration::from_millis(400)),
            );
        }
        let last = program.output(&work.run());
        // Also where it failed, or the listing would never end.
        done.store(true, Ordering::Relaxed);
        assert!(last.status.success(), "{}", stderr(&last));
    });
    work.check(&program, "kills beside a listing");
}
