//! The benchmark itself, on made-up figures.

// Links the update rule of training steps.
use ablate_optimisers as _;

use super::case::{PRECISIONS, Pass, Work, groups};
use super::measure::{Measured, Spread};
use super::parts::{LayerPart, Parts};
use super::*;

fn spread(median: f64) -> Spread {
    Spread {
        min: 0.5 * median,
        median,
        max: 2.0 * median,
        runs: 3,
    }
}

/// Results in which a case of index `i` took ours `i + 1` seconds, PyTorch twice
/// that, and stock candle could not run it. In bfloat16 networks are four times
/// as fast with ours and twice as fast with PyTorch.
fn results() -> Results {
    let mut results = Results::new(2, true);
    results.load = Some(0.0);
    for cases in groups(true) {
        for (index, case) in cases.iter().enumerate() {
            let measured = |seconds: Option<f64>, missing: Option<&str>| Measured {
                name: case.name.clone(),
                pass: case.pass,
                precision: case.precision,
                seconds: seconds.map(spread),
                peak_rss_mib: Some(100.0),
                missing: missing.map(String::from),
                version: Some("PyTorch 0".to_string()),
            };
            let gain = match case.precision {
                Precision::Bf16 if case.is_network() => 2.0,
                _ => 1.0,
            };
            let ours = (index + 1) as f64 / (gain * gain);
            let torch = 2.0 * (index + 1) as f64 / gain;
            results.add(&cases, Implementation::Ours, measured(Some(ours), None));
            results.add(&cases, Implementation::Torch, measured(Some(torch), None));
            if Implementation::Stock.knows(case) {
                let missing = measured(None, Some("no such thing"));
                results.add(&cases, Implementation::Stock, missing);
            }
        }
    }
    results.parts = PRECISIONS.map(parts).to_vec();
    results
}

/// A step of ten seconds, of which a convolution takes eight in float32 and four
/// in bfloat16, at half the roof.
fn parts(precision: Precision) -> Parts {
    let [gain, whole] = match precision {
        Precision::F32 => [1.0, 10.0],
        Precision::Bf16 => [2.0, 6.0],
    };
    let layer = |name: &str, multiply_adds, forward, backward| LayerPart {
        name: name.to_string(),
        operation: "layer".to_string(),
        multiply_adds,
        forward,
        backward,
    };
    Parts {
        network: Network::Alexnet,
        precision,
        batch: 8,
        roof: 1e12 * gain,
        layers: vec![
            layer("conv", 4e12, 3.0 / gain, 5.0 / gain),
            layer("pool", 0.0, 0.25, 0.5),
        ],
        loss: 0.25,
        update: 0.75,
        rest: 0.25,
        whole: spread(whole),
    }
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
        if case.is_network() {
            continue;
        }
        assert_eq!(ours::time(&case, &limits)?.len(), 1, "{case:?}");
        if !Implementation::Stock.knows(&case) {
            continue;
        }
        match stock::time(&case, &limits) {
            Ok(times) => assert_eq!(times.len(), 1, "{case:?}"),
            Err(error) => assert!(error.to_string().starts_with("no "), "{case:?}: {error}"),
        }
    }
    Ok(())
}

#[test]
fn every_case_in_bfloat16_has_one_in_float32() {
    let cases = groups(false).concat();
    let narrow = cases
        .iter()
        .filter(|case| case.precision == Precision::Bf16);
    let mut count = 0;
    for case in narrow {
        let wide = Case {
            precision: Precision::F32,
            ..case.clone()
        };
        assert!(cases.contains(&wide), "{case:?}");
        count += 1;
    }
    let pooling = |case: &Case| matches!(case.work, Work::MaxPool2d { .. });
    assert!(count > 6, "operators and networks, not {count}");
    assert!(
        !cases
            .iter()
            .any(|case| pooling(case) && case.precision == Precision::Bf16)
    );
}

#[test]
fn the_parts_of_a_step_are_all_of_it() -> Result<()> {
    let limits = Limits {
        repeats: 1,
        seconds: 0.0,
    };
    let measured = layers::time(Network::ConvnetLrn, &limits, true)?;
    assert_eq!(
        measured
            .iter()
            .map(|parts| parts.precision)
            .collect::<Vec<_>>(),
        PRECISIONS
    );
    for parts in measured {
        let layers = [true, false].map(|is_matrix| parts.layers_where(is_matrix).both());
        let sum = layers.iter().sum::<f64>() + parts.loss + parts.update + parts.rest;
        assert!((sum / parts.whole.median - 1.0).abs() < 1e-6, "{parts:?}");
        assert!(parts.rest > 0.0 && parts.roof > 0.0, "{parts:?}");
        assert!(layers[0] > 0.0 && layers[1] > 0.0, "{parts:?}");
        // conv1 has no gradient of the image.
        let conv1 = 16.0 * (32 * 75 * 32 * 32) as f64;
        let conv2 = 16.0 * (32 * 800 * 16 * 16) as f64;
        let matrices = parts.layers.iter().filter(|layer| layer.is_matrix());
        let work: Vec<_> = matrices.map(|layer| layer.multiply_adds).collect();
        assert_eq!(work[..2], [2.0 * conv1, 3.0 * conv2]);
        let text = serde_json::to_string(&parts)?;
        assert_eq!(
            serde_json::from_str::<Parts>(&text)?.layers.len(),
            parts.layers.len()
        );
    }
    Ok(())
}

#[test]
fn the_roof_is_the_fastest_product_of_its_precision() {
    let mut results = results();
    // The layers' process was the fastest.
    assert_eq!(results.roof(Precision::F32), Some(1e12));
    results.parts.clear();
    // Two products in float32 take one and two seconds at the median, half of
    // that at best, then two in bfloat16 take three and four. Each pair is of
    // the sizes 2048 cubed and 512 x 4096 squared, which are as much work.
    let product = 2048f64.powi(3);
    assert_eq!(results.roof(Precision::F32), Some(product / 0.5));
    assert_eq!(results.roof(Precision::Bf16), Some(product / 1.5));
}

fn page(results: &Results) -> String {
    let files = markdown::Files {
        stem: "benchmarks/threads-2".to_string(),
        picture: true,
    };
    markdown::page(results, &files)
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn the_page_compares_and_says_what_is_missing() {
    let mut results = results();
    assert_says(
        &page(&results),
        &[
            "| convnet | forward | 16 | 16.0 (8.00..32.0) | 64.0 (32.0..128) | 4.00x \
             | 8.00 (4.00..16.0) | 16.0 (8.00..32.0) | 2.00x | 2.00x | 4.00x |",
            "| convnet | forward | 100 | 100 | 100 | 100 |",
            "| alexnet conv1 | forward | 8 | 5000 (2500..10000) |",
            "stock candle has no such thing.",
            "take no figures from here",
            "](benchmarks/threads-2.png)",
        ],
    );
    assert!(!page(&results).contains("busy machine"));
    results.load = Some(3.0);
    assert_says(
        &page(&results),
        &["**Measured on a busy machine** (load 3)"],
    );
}

#[test]
fn the_page_says_what_bfloat16_can_bring() {
    let mut results = results();
    assert_says(
        &page(&results),
        &[
            "| conv layer | 3000 | 1500 | 5000 | 2500 | 8000 | 4000 | 2.00x \
             | 1000 (50%) | 2000 (50%) |",
            "| pool layer | 250 | 250 | 500 | 500 | 750 | 750 | 1.00x |  |  |",
            "| **update** | | | | | 750 | 750 | 1.00x | | |",
            "80% of the step is matrix work",
            "and 20% is not",
            "twice as fast, the step would be 1.67x as fast, and were it free, 5.00x",
            "matrix work is 2.00x as fast and the step 1.67x.",
            "In float32, the whole training step reaches 40% of the roof (2000 GFLOP/s), and its \
             matrix work 50%.",
        ],
    );
    results.parts.pop();
    assert!(!page(&results).contains("matrix work"));
}

#[test]
fn the_picture_needs_pytorch() -> Result<()> {
    let mut results = results();
    let bars = plot::bars(&results).expect("PyTorch was measured");
    let svg = bars.page().svg()?;
    assert!(
        svg.contains("alexnet conv2, backward")
            && svg.contains("ours, bfloat16")
            && svg.contains("1/2x"),
        "{svg}"
    );
    assert!(bars.page().png()?.starts_with(b"\x89PNG"));
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

#[test]
fn ranks_are_timed_from_one_to_sixteen() -> Result<()> {
    let limits = Limits {
        repeats: 1,
        seconds: 0.0,
    };
    let page = ranks::table(Network::ConvnetLrn, &limits, true)?;
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(rows.len(), 6, "{page}");
    assert!(rows[1].contains("| 1 | 16 |"), "{page}");
    // One rank has nothing to exchange, on any link.
    assert_eq!(rows[1].matches("(100%)").count(), 5, "{page}");
    assert!(rows[5].contains("| 16 | 1 |"), "{page}");
    assert!(page.contains("Two ranks here"), "{page}");
    Ok(())
}

#[test]
fn the_page_has_the_folders_whole_name() {
    assert_eq!(
        page_of(Path::new("docs/bench-0.2")),
        Path::new("docs/bench-0.2.md")
    );
    assert_eq!(
        page_of(Path::new("docs/benchmarks/")),
        Path::new("docs/benchmarks.md")
    );
}

#[test]
fn no_threads_are_refused() {
    let parse = |threads| {
        let arguments = ["xtask", "bench", "--threads", threads];
        <crate::Cli as clap::Parser>::try_parse_from(arguments)
    };
    assert!(parse("1").is_ok());
    assert!(parse("0").is_err());
}
