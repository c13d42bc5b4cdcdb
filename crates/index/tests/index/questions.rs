//! What can be asked of the index.

use ablate_index::{Index, Line, Query};
use ablate_store::Status;
use serde_json::json;

use crate::fixture::{experiment, trial, write};

/// Three learning rates in two profiles, and a trial that diverged.
fn index() -> (tempfile::TempDir, Index) {
    let store = tempfile::tempdir().expect("a folder");
    for profile in ["ci", "quick"] {
        let folder = experiment(store.path(), "lrn", profile);
        for (seed, lr) in [(0, 0.1), (2, 0.01), (10, 0.001)] {
            let error = 0.2 + 0.1 * seed as f64 / 10.0;
            write(&folder, &trial("plain", seed, lr, error, Status::Finished));
        }
    }
    let folder = experiment(store.path(), "pooling", "ci");
    let mut diverged = trial("fancy", 0, 1.0, 0.9, Status::Diverged { epoch: 1 });
    diverged.history.clear();
    diverged.config["model"] = json!({ "name": "alexnet", "width": 0.5 });
    write(&folder, &diverged);
    let index = Index::open(store.path()).expect("an index");
    (store, index)
}

fn query(conditions: &[&str]) -> Query {
    Query {
        conditions: conditions
            .iter()
            .map(|text| text.parse().expect(text))
            .collect(),
        ..Query::default()
    }
}

#[test]
fn conditions_on_fields_settings_and_metrics() {
    let (_store, mut index) = index();
    let mut count = |conditions: &[&str]| index.list(&query(conditions)).expect("a list").len();
    let cases: [(&[&str], usize); 22] = [
        (&[], 7),
        (&["experiment=lrn"], 6),
        (&["experiment!=lrn"], 1),
        (&["profile=ci", "variant=plain"], 3),
        (&["seed>=2"], 4),
        (&["seed=10"], 2),
        (&["status=diverged"], 1),
        (&["optimiser.lr>=0.01"], 5),
        (&["optimiser.lr=0.010"], 2),
        (&["optimiser.lr!=0.01"], 5),
        (&["model.name=alexnet"], 1),
        (&["model.name!=alexnet"], 6),
        (&["model.filters=[8, 8]"], 6),
        // One that has no such key meets no condition on it.
        (&["model.width<9"], 1),
        (&["model.width!=9"], 1),
        (&["optimiser.nesterov=false"], 7),
        (&["training.stop=none"], 7),
        (&["training.stop!=none"], 0),
        // The last value, the least and the greatest.
        (&["validation.top1_error<0.25"], 4),
        (&["validation.top1_error.min<0.125"], 4),
        (&["validation.top1_error.max>0.5"], 4),
        (
            &[
                "started>=2026-11-25",
                "started<2026-11-26",
                "optimiser.lr<0.1",
            ],
            4,
        ),
    ];
    for (conditions, expected) in cases {
        assert_eq!(count(conditions), expected, "{conditions:?}");
    }
}

#[test]
fn rows_are_sorted_limited_and_have_columns() {
    let (_store, mut index) = index();
    let sorted = Query {
        sort: Some("validation.top1_error".to_string()),
        columns: vec!["optimiser.lr".to_string(), "model.width".to_string()],
        ..Query::default()
    };
    let rows = index.list(&sorted).expect("a list");
    let seeds: Vec<i64> = rows.iter().map(|row| row.seed).collect();
    assert_eq!(seeds, [0, 0, 2, 2, 10, 10, 0], "without the metric last");
    assert_eq!(rows[0].columns, [json!(0.1), json!(null)]);
    assert_eq!(rows[6].columns, [json!(1.0), json!(0.5)]);
    let first = &rows[0];
    assert_eq!((first.best, first.last), (Some(0.1), Some(0.2)));
    assert_eq!((first.epochs, first.budget), (3, Some(3)));
    assert_eq!(first.started, Some(1_795_572_744));
    assert!(first.ended.is_some() && first.bytes > 500);

    let reversed = Query {
        reverse: true,
        limit: Some(3),
        ..sorted.clone()
    };
    let rows = index.list(&reversed).expect("a list");
    assert_eq!(
        rows.iter().map(|row| row.seed).collect::<Vec<_>>(),
        [10, 10, 2]
    );

    // By seed as a number: 10 after 2.
    let usual = index.list(&query(&["profile=quick"])).expect("a list");
    assert_eq!(
        usual.iter().map(|row| row.seed).collect::<Vec<_>>(),
        [0, 2, 10]
    );

    let details = index.details(&usual).expect("details");
    assert_eq!(details[0].config["optimiser.nesterov"], json!(false));
    assert_eq!(details[0].config["model.filters"], json!([8, 8]));
    assert_eq!(details[0].config["training.stop"], json!(null));
    let [last, least, greatest] = details[0].metrics["validation.top1_error"];
    assert_eq!((last, least, greatest), (0.2, 0.1, 0.5));
    let rates = index
        .values_in("lrn/quick", "optimiser.lr")
        .expect("values");
    assert_eq!(rates, [json!(0.001), json!(0.01), json!(0.1)]);
}

#[test]
fn lines_say_what_rows_do() {
    let (_store, mut index) = index();
    let asked = Query {
        columns: vec!["optimiser.lr".to_string(), "model.width".to_string()],
        ..Query::default()
    };
    let rows = index.list(&asked).expect("a list");
    let lines = index.fold(&asked, Vec::new, Vec::push).expect("lines");
    assert!(lines.len() == 7 && rows.len() == 7);
    for (line, row) in lines.into_iter().zip(rows) {
        let wanted = Line {
            path: row.path(),
            status: row.status,
            epochs: row.epochs,
            budget: row.budget,
            best: row.best,
            last: row.last,
            when: row.started.or(row.ended),
            bytes: row.bytes,
            columns: row.columns,
        };
        assert_eq!(line, wanted);
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_fix() {
    let (_store, mut index) = index();
    let mut refused = |query: &Query| index.list(query).expect_err("refused").to_string();
    for (condition, word) in [
        ("optimizer.lr>1", "did you mean `optimiser.lr`?"),
        (
            "validation.top1_eror<1",
            "did you mean `validation.top1_error`?",
        ),
        ("sed=1", "did you mean `seed`?"),
        ("model.name>alexnet", "neither greater nor less"),
        ("variant>3", "neither greater nor less"),
        ("seed=first", "is no number"),
        ("validation.top1_error<low", "is no number"),
        ("started>yesterday", "2026-11-25"),
        ("status=finnished", "did you mean `finished`?"),
    ] {
        let error = refused(&query(&[condition]));
        assert!(error.contains(word), "{condition}: {error}");
    }
    let wrong = |change: fn(&mut Query)| {
        let mut query = Query::default();
        change(&mut query);
        query
    };
    for query in [
        wrong(|q| q.sort = Some("optimiser.lrr".to_string())),
        wrong(|q| q.columns = vec!["optimiser.lrr".to_string()]),
    ] {
        let error = refused(&query);
        assert!(error.contains("did you mean `optimiser.lr`?"), "{error}");
    }
    let error = refused(&wrong(|q| q.statuses = vec!["done".to_string()]));
    assert!(error.contains("no trial can have this status"), "{error}");
}

#[test]
fn a_trial_is_found_by_path_name_start_and_hash() {
    let (store, mut index) = index();
    let rows = index
        .list(&query(&["profile=ci", "seed=10"]))
        .expect("a list");
    let trial = rows[0].clone();
    let path = store.path().join(trial.path());
    for name in [
        path.to_str().expect("UTF-8"),
        &format!("{}/", path.display()),
        &trial.path(),
        "lrn/ci/plain-seed10",
        "lrn/c",
        "pooling/ci/",
    ] {
        let found = index.find(name);
        if name == "lrn/c" {
            let error = found.expect_err("ambiguous").to_string();
            assert!(
                error.contains("3 trials") && error.contains(&trial.path()),
                "{error}"
            );
        } else if name == "pooling/ci/" {
            assert_eq!(found.expect(name).variant.as_ref(), "fancy");
        } else {
            assert_eq!(found.expect(name).path(), trial.path(), "{name}");
        }
    }
    assert_eq!(
        index.find("fancy").expect("the start").variant.as_ref(),
        "fancy"
    );
    let hash = index.find("fancy").expect("one").hash;
    assert_eq!(
        index.find(&hash[..6]).expect("a hash").variant.as_ref(),
        "fancy"
    );
    let error = index
        .find(&trial.name)
        .expect_err("two profiles")
        .to_string();
    assert!(
        error.contains("lrn/quick") && error.contains("lrn/ci"),
        "{error}"
    );
    let error = index.find("seed10").expect_err("no start").to_string();
    assert!(
        error.contains("did you mean `lrn/ci/plain-seed10"),
        "{error}"
    );
    let error = index.find("nothing").expect_err("none").to_string();
    assert!(error.contains("cargo xtask ls"), "{error}");
}

#[test]
fn more_columns_than_can_be_joined_are_refused_and_damage_nothing() {
    let (_store, mut index) = index();
    let columns = |count| Query {
        columns: vec!["optimiser.lr".to_string(); count],
        sort: Some("validation.top1_error".to_string()),
        ..Query::default()
    };
    assert_eq!(index.list(&columns(60)).expect("a list").len(), 7);
    let error = index.list(&columns(61)).expect_err("refused").to_string();
    assert!(
        error.contains("61 keys") && error.contains("--csv"),
        "{error}"
    );
    assert_eq!(index.take_notes(), Vec::<String>::new());
}
