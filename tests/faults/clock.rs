//! A clock that jumps, and files from the past and the future. Nothing is ordered by the
//! time of day but what `ls` shows of it.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use ablate_store::atomic;

use crate::program::{Program, stderr, stdout};
use crate::whole;
use crate::work::Work;

/// The library whose clock jumps; `None` without a C compiler, which is said.
fn jumping_clock(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/clock.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .output();
    match compiled {
        Ok(output) if output.status.success() => Some(library),
        Ok(output) => panic!("{}", stderr(&output)),
        Err(error) => {
            eprintln!("skipped: cc: {error}");
            None
        }
    }
}

#[test]
fn a_clock_that_jumps_changes_no_bit() {
    let work = Work::Trials;
    let program = Program::new();
    let folder = tempfile::tempdir().expect("a folder");
    let Some(clock) = jumping_clock(folder.path()) else {
        return;
    };
    let date = Command::new("date")
        .arg("+%Y")
        .env("LD_PRELOAD", &clock)
        .output();
    let dates = [date, Command::new("date").arg("+%Y").output()];
    let years = dates.map(|date| stdout(&date.expect("date runs")));
    assert_ne!(years[0], years[1], "the clock does not jump");
    let run = work.run();
    for arguments in [
        &run[..],
        &["ls", "--sort", "started"],
        &["ls", "--rebuild"],
        &["gc", "--yes"],
        &work.arguments("report"),
    ] {
        let output = program
            .command(arguments)
            .env("LD_PRELOAD", &clock)
            .output();
        let output = output.expect("the program starts");
        let said = stderr(&output);
        assert!(
            output.status.success() && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains("warning"), "{arguments:?}: {said}");
    }
    whole::check(&program, work, "a jumping clock");
    work.check(&program, "a jumping clock");
}

/// Gives every file and folder of a store the same time.
fn set_times(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_type().expect("a kind").is_dir() {
            set_times(&entry.path(), time);
        } else {
            set_time(&entry.path(), time);
        }
    }
    set_time(folder, time);
}

fn set_time(path: &Path, time: SystemTime) {
    let file = File::open(path).expect("open");
    file.set_times(FileTimes::new().set_modified(time))
        .expect("set");
}

#[test]
fn files_from_the_past_and_the_future_are_as_good_as_any() {
    let work = Work::Trials;
    let program = Program::new();
    program.succeed(&work.run());
    let trial = program.trials(work.folder())[0].clone();
    let record = trial.join("trial.json");
    let finished = fs::read_to_string(&record).expect("a record");
    let year = Duration::from_secs(365 * 86_400);
    let now = SystemTime::now();
    for (what, time) in [
        ("1970", SystemTime::UNIX_EPOCH),
        ("before 1970", SystemTime::UNIX_EPOCH - year),
        ("long ago", now - 10 * year),
        ("tomorrow", now + Duration::from_secs(86_400)),
        ("in 60 years", now + 60 * year),
    ] {
        set_times(program.store(), time);
        let listed = whole::read(&program, &["ls"], what);
        assert_eq!(listed.matches(" finished ").count(), 6, "{what}: {listed}");
        whole::read(&program, &["gc", "--yes"], what);

        // The trial has begun again, in a folder as old as that; a listing sees it.
        let unfinished = finished.replace("\"finished\"", "\"unfinished\"");
        atomic::write(&record, unfinished.as_bytes()).expect("written");
        let beside = record.with_file_name("../beside");
        fs::write(&beside, "").expect("written");
        fs::remove_file(&beside).expect("removed");
        let listed = whole::read(&program, &["ls"], what);
        assert_eq!(listed.matches(" finished ").count(), 5, "{what}: {listed}");
        set_times(program.store(), time);
        let log = stderr(&program.succeed(&work.run()));
        assert_eq!(log.matches("already finished").count(), 5, "{what}: {log}");
        whole::check(&program, work, what);
        work.check(&program, what);
    }
}
