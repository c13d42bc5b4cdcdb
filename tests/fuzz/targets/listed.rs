//! The index of a store whose records were changed, and one changed itself: that
//! costs time and must lose nothing. And what is asked of it.

use std::path::Path;

use ablate_index::{Condition, FILE, Index, Query};
use ablate_store::TrialFolder;

use super::MIB;
use super::stored::{Tiny, files};
use crate::engine::{Part, Target};
use crate::{change, text};

#[test]
fn listed() {
    let tiny = Tiny::trained(2);
    let (store, folder) = (tiny.store(), tiny.trial());
    let index = store.join(FILE);
    assert_eq!(list(&store, &Query::default()), Ok(2), "both variants");
    let files = files(&folder, &["trial", "metrics", "environment"]);
    let files = files.with("index", index.clone(), change::bytes);
    let asked = [
        "optimiser.lr>=0.001",
        "validation.top1_error.min<1",
        "model.filters=[2, 2, 2]",
        "seed!=7",
        "started>=2020-11-25",
    ];
    let mut parts = files.parts();
    parts.push(Part {
        name: "condition",
        seeds: asked.map(Vec::from).to_vec(),
        change: text::text,
    });
    let target = Target {
        name: "listed",
        parts,
        memory: 64 * MIB,
        share: 0.1,
    };
    target.run(|part, input| {
        if part == "condition" {
            let query = query(&String::from_utf8_lossy(input))?;
            return list(&store, &query).map(drop);
        }
        let (readable, listed) = files.changed(part, input, || {
            if part != "index" {
                // By the times of folders nothing has changed.
                std::fs::remove_file(&index).expect("removable");
            }
            let record = TrialFolder::open(&folder).record();
            let mut listed = list(&store, &Query::default());
            if part == "index" && listed != Ok(2) {
                // SQLite has no checksums: some damage shows only in what it answers.
                let rebuilt = Index::open(&store).and_then(|mut index| index.rebuild());
                rebuilt.expect("built again");
                listed = list(&store, &Query::default());
            }
            (record.is_ok_and(|trial| trial.is_some()), listed)
        });
        let rows = listed?;
        assert!(rows == 2 || !readable, "a trial that reads is not listed");
        Ok(())
    });
}

/// How many trials a query is about, each written in every form.
fn list(store: &Path, query: &Query) -> Result<usize, String> {
    let say = |error: ablate_index::Error| error.to_string();
    let mut index = Index::open(store).map_err(say)?;
    let rows = index.list(query).map_err(say)?;
    let details = index.details(&rows).map_err(say)?;
    let forms = xtask::readers::forms(&rows, &details);
    forms.map_err(|error| format!("{error:#}"))?;
    Ok(rows.len())
}

/// The trials that meet a condition, sorted by its key, which is a column too.
fn query(text: &str) -> Result<Query, String> {
    let condition: Condition = text
        .parse()
        .map_err(|e: ablate_index::Error| e.to_string())?;
    Ok(Query {
        sort: Some(condition.key.clone()),
        columns: vec![condition.key.clone()],
        conditions: vec![condition],
        ..Query::default()
    })
}
