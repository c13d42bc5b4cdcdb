//! The benchmark itself, on made-up figures.

use super::case::{Pass, Work, groups};
use super::measure::Measured;
use super::*;

/// Results in which a case of index `i` took ours `i + 1` seconds, PyTorch twice
/// that, and stock candle could not run it.
fn results() -> Results {
    let mut results = Results::new(2, true);
    for cases in groups(true) {
        for (index, case) in cases.iter().enumerate() {
            let measured = |seconds: Option<f64>, missing: Option<&str>| Measured {
                name: case.name.clone(),
                pass: case.pass,
                seconds_min: seconds,
                seconds_median: seconds,
                runs: 1,
                peak_rss_mib: Some(100.0),
                missing: missing.map(String::from),
                version: Some("PyTorch 0".to_string()),
            };
            let seconds = (index + 1) as f64;
            results.add(&cases, Implementation::Ours, measured(Some(seconds), None));
            results.add(
                &cases,
                Implementation::Stock,
                measured(None, Some("no such thing")),
            );
            results.add(
                &cases,
                Implementation::Torch,
                measured(Some(2.0 * seconds), None),
            );
        }
    }
    results
}

#[test]
fn multiply_adds_are_those_of_the_layers() {
    let cases = groups(false).concat();
    let of = |name: &str, pass: Pass| {
        let mut cases = cases.iter();
        let case = cases.find(|case| case.name == name && case.pass == pass);
        case.expect("a case").multiply_adds()
    };
    let conv1 = 64.0 * (96 * 363 * 55 * 55) as f64;
    assert_eq!(of("alexnet conv1", Pass::Forward), conv1);
    assert_eq!(
        of("alexnet conv1", Pass::Backward),
        conv1,
        "nobody wants the image's"
    );
    let conv2 = 64.0 * (256 * 48 * 25 * 27 * 27) as f64;
    assert_eq!(of("alexnet conv2", Pass::Backward), 2.0 * conv2);
    assert_eq!(of("alexnet linear6", Pass::Forward), 64.0 * 9216.0 * 4096.0);
    assert_eq!(of("alexnet pool1", Pass::Forward), 0.0);
}

#[test]
fn cases_reach_a_child_unchanged() -> Result<()> {
    for cases in groups(true) {
        let text = serde_json::to_string(&cases)?;
        assert_eq!(serde_json::from_str::<Vec<Case>>(&text)?, cases);
    }
    Ok(())
}

#[test]
fn every_operator_runs_or_says_why_not() -> Result<()> {
    let limits = Limits {
        repeats: 1,
        seconds: 0.0,
    };
    for mut case in groups(true).concat() {
        case.batch = 1;
        if matches!(case.work, Work::Network { .. }) {
            continue;
        }
        assert_eq!(ours::time(&case, &limits)?.len(), 1, "{case:?}");
        match stock::time(&case, &limits) {
            Ok(times) => assert_eq!(times.len(), 1, "{case:?}"),
            Err(error) => assert!(error.to_string().starts_with("no "), "{case:?}: {error}"),
        }
    }
    Ok(())
}

#[test]
fn the_table_compares_and_says_what_is_missing() {
    let table = markdown::table(&results());
    assert!(
        table.contains("| convnet | forward | 16 | 16.0 | n/a | 8.00 | 2.00x | 100 MiB |"),
        "{table}"
    );
    assert!(
        table.contains("| alexnet conv1 | forward | 8 | 2000 |"),
        "{table}"
    );
    assert!(table.contains("stock candle has no such thing."), "{table}");
    assert!(table.contains("take no figures from here"), "{table}");
}

#[test]
fn the_picture_needs_pytorch() -> Result<()> {
    let mut results = results();
    let bars = plot::bars(&results).expect("PyTorch was measured");
    let svg = plot::svg(&bars)?;
    assert!(
        svg.contains("alexnet conv2, backward") && svg.contains("1/2x"),
        "{svg}"
    );
    assert!(plot::png(&bars)?.starts_with(b"\x89PNG"));
    for row in &mut results.rows {
        row.torch = None;
    }
    assert!(plot::bars(&results).is_none());
    Ok(())
}

#[test]
fn the_first_run_does_not_count() -> Result<()> {
    let mut runs = 0;
    let limits = Limits {
        repeats: 4,
        seconds: 60.0,
    };
    let times = limits.time(|| {
        runs += 1;
        Ok(())
    })?;
    assert_eq!((times.len(), runs), (4, 5));
    Ok(())
}
