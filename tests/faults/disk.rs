//! Disks that are full or cannot be written. They are small file systems in memory, which
//! only root can mount; others skip these tests.

use std::path::PathBuf;
use std::process::Command;

use crate::moment::asides;
use crate::program::{Program, stderr};
use crate::whole;
use crate::work::Work;

/// A file system in memory over a folder, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// Over a program's store; `None` where that is not allowed, which is said.
    fn mount(program: &Program, size: &str) -> Option<Self> {
        let folder = program.store().to_path_buf();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&folder)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            Ok(output) => {
                eprintln!(
                    "skipped: a file system cannot be mounted: {}",
                    stderr(&output).trim()
                );
                None
            }
            Err(error) => {
                eprintln!("skipped: mount: {error}");
                None
            }
        }
    }

    /// Changes its size, or whether it can be written.
    fn remount(&self, option: &str) {
        let options = format!("remount,{option}");
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", &options]).arg(&self.0).status();
        assert!(status.expect("mount runs").success(), "{options}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_costs_what_was_not_done_and_no_more() {
    let work = Work::Training;
    let mut kept = 0;
    // Full at the first checkpoints, and within the second trial.
    for size in ["320k", "600k", "1200k"] {
        let program = Program::new();
        let Some(disk) = Disk::mount(&program, size) else {
            return;
        };
        let error = program.fail(&work.run());
        let store = program.path();
        let named = error.lines().find(|line| line.starts_with("error: "));
        assert!(
            named.is_some_and(|line| line.contains(store)),
            "{size}: {error}"
        );
        assert!(error.contains("fix: free some space"), "{size}: {error}");
        let said_once = error.matches("No space left").count() <= 1;
        assert!(said_once, "{size}: {error}");
        assert!(
            asides(program.store()).is_empty(),
            "{size}: left to fill the disk"
        );

        // Listing may lack the room for an index, and says so.
        let output = program.output(&["ls", "--json"]);
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{size}: {}", stderr(&output));
        let finished = listed.matches("\"status\":\"finished\"").count();

        disk.remount("size=64m");
        let log = stderr(&program.succeed(&work.run()));
        assert_eq!(
            log.matches("already finished").count(),
            finished,
            "{size}: {log}"
        );
        whole::check(&program, work, size);
        work.check(&program, size);
        kept += finished;
    }
    assert!(kept > 0, "no trial had finished when the disk was full");
}

#[test]
fn a_store_that_cannot_be_written_can_be_read() {
    let work = Work::Training;
    let program = Program::new();
    let Some(disk) = Disk::mount(&program, "64m") else {
        return;
    };
    program.succeed(&work.run());
    disk.remount("ro");
    let trials = program.trials(work.folder());
    let names: Vec<_> = trials
        .iter()
        .map(|trial| trial.to_str().expect("UTF-8"))
        .collect();
    for arguments in [
        vec!["ls"],
        vec!["show", names[0]],
        vec!["compare", names[0], names[1]],
    ] {
        let output = program.succeed(&arguments);
        let said = stderr(&output);
        let only_the_index = said
            .lines()
            .all(|line| line.contains("the index cannot be used"));
        assert!(only_the_index, "{arguments:?}: {said}");
    }
    let more: Vec<&str> = work
        .run()
        .into_iter()
        .map(|part| if part == "1" { "2" } else { part })
        .collect();
    let report = work.arguments("report");
    let removal = vec!["rm", "--experiment", "lrn", "--yes"];
    for arguments in [more.clone(), report, removal] {
        let error = program.fail(&arguments);
        for part in [
            program.path(),
            "Read-only file system",
            "make the store writable",
        ] {
            assert!(
                error.contains(part),
                "`{part}` is not in {arguments:?}:\n{error}"
            );
        }
    }
    disk.remount("rw");
    program.succeed(&more);
    assert_eq!(program.trials(work.folder()).len(), 4);
}
