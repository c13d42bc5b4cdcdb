//! Several runs on one store at once.

use crate::moment::{Moment, kill_at};
use crate::program::{Program, stderr};
use crate::whole;
use crate::work::Work;

#[test]
fn runs_of_one_experiment_share_it_or_refuse_and_change_no_bit() {
    for work in [Work::Training, Work::Trials] {
        let program = Program::new();
        // Half done, so that they meet at whatever trial comes next.
        kill_at(&program, work, Moment::Index(3));
        let runs = [0; 3].map(|_| program.begin(&work.run()));
        let mut ended = 0;
        for run in runs {
            let output = run.wait_with_output().expect("it ends");
            let said = stderr(&output);
            match output.status.code() {
                Some(0) => ended += 1,
                Some(1) => {
                    let folder = program.store().join(work.folder());
                    for part in [
                        folder.to_str().expect("UTF-8"),
                        "another process is running this trial",
                        "fix: wait for it, or stop it",
                    ] {
                        assert!(said.contains(part), "`{part}` is not in:\n{said}");
                    }
                    assert!(!said.contains("panicked"), "{said}");
                }
                code => panic!("{code:?}: {said}"),
            }
        }
        assert!(ended >= 1, "one has the trial that the others wait for");
        whole::check(&program, work, "runs at once");
        work.check(&program, "runs at once");
    }
}

#[test]
fn runs_of_different_experiments_share_a_store() {
    let program = Program::new();
    let both = [Work::Training, Work::Trials];
    let runs = both.map(|work| program.begin(&work.run()));
    for run in runs {
        let output = run.wait_with_output().expect("it ends");
        let said = stderr(&output);
        assert!(output.status.success(), "{said}");
        assert!(!said.contains("warning"), "{said}");
    }
    for work in both {
        let finished = whole::check(&program, work, "two experiments at once");
        assert_eq!(finished.len(), 8);
        work.check(&program, "two experiments at once");
    }
}
