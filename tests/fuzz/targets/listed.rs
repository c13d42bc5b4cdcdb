//! The index of a store whose records were changed, and one changed itself: that
//! costs time and must lose nothing.

use ablate_index::{FILE, Index, Query};
use ablate_store::TrialFolder;

use super::MIB;
use super::stored::{Tiny, parts};
use crate::change;
use crate::engine::{Part, Target};

#[test]
fn listed() {
    let tiny = Tiny::trained(2);
    let (store, folder) = (tiny.store(), tiny.trial());
    let names = ["trial", "metrics", "environment"];
    let (mut parts, paths) = parts(&folder, &names);
    let list = || -> Result<usize, String> {
        let say = |error: ablate_index::Error| error.to_string();
        let mut index = Index::open(&store).map_err(say)?;
        let rows = index.list(&Query::default()).map_err(say)?;
        index.details(&rows).map_err(say)?;
        Ok(rows.len())
    };
    let index = store.join(FILE);
    assert_eq!(list(), Ok(2), "both variants");
    let seeds: Vec<Vec<u8>> = parts.iter().map(|part| part.seeds[0].clone()).collect();
    parts.push(Part {
        name: "index",
        seeds: vec![std::fs::read(&index).expect("readable")],
        change: change::bytes,
    });
    let target = Target {
        name: "listed",
        parts,
        memory: 64 * MIB,
        share: 0.1,
    };
    target.run(|part, input| {
        let at = names.iter().position(|name| *name == part);
        match at {
            Some(at) => std::fs::write(&paths[at], input).expect("writable"),
            None => std::fs::write(&index, input).expect("writable"),
        }
        let readable = TrialFolder::open(&folder)
            .record()
            .is_ok_and(|t| t.is_some());
        let listed = list();
        if let Some(at) = at {
            std::fs::write(&paths[at], &seeds[at]).expect("writable");
        }
        std::fs::remove_file(&index).expect("removable");
        let rows = listed?;
        assert!(rows == 2 || !readable, "a trial that reads is not listed");
        Ok(())
    });
}
