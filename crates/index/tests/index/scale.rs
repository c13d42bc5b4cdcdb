//! How long it takes over 100,000 trials; by hand, in the release profile:
//! `cargo test --release --workspace --test index -- --ignored hundred --nocapture`

use std::path::Path;
use std::time::Instant;

use ablate_index::{Index, Line, Query};
use ablate_store::Status;

use crate::fixture::{experiment, trial};

/// Where to leave the store for other measurements; a temporary folder without it.
const KEPT: &str = "ABLATE_INDEX_SCALE_STORE";

#[test]
#[ignore = "a measurement: writes 100,000 folders"]
fn a_hundred_thousand() {
    let temporary = tempfile::tempdir().expect("a folder");
    let kept = std::env::var_os(KEPT);
    let store = kept.as_deref().map_or(temporary.path(), Path::new);
    if !store.join("e00").exists() {
        let begun = Instant::now();
        for number in 0..20_u32 {
            let folder = experiment(store, &format!("e{number:02}"), "paper");
            for seed in 0..5000_u64 {
                let lr = f64::from(number * 1000 + u32::try_from(seed / 5).expect("few")) * 1e-6;
                let mut made = trial("plain", seed, lr, 0.3, Status::Finished);
                made.history.truncate(2);
                // Without syncing, which takes most of the time.
                let name = ablate_store::trial_name(&made.variant, seed, &made.hash);
                let path = folder.path().join(name);
                std::fs::create_dir_all(&path).expect("a folder");
                let lines = made
                    .history
                    .iter()
                    .map(|record| serde_json::to_string(record).expect("JSON") + "\n");
                std::fs::write(path.join("metrics.jsonl"), lines.collect::<String>())
                    .expect("written");
                made.history.clear();
                let record = serde_json::to_string(&made).expect("JSON");
                std::fs::write(path.join("trial.json"), record).expect("written");
            }
        }
        println!("written in {:.1?}", begun.elapsed());
        std::thread::sleep(std::time::Duration::from_secs(3));
        let begun = Instant::now();
        Index::open(store).expect("an index");
        println!("built in {:.1?}", begun.elapsed());
    }
    let mut total = 0;
    for _ in 0..3 {
        let begun = Instant::now();
        let mut index = Index::open(store).expect("an index");
        let opened = begun.elapsed();
        total = index.list(&Query::default()).expect("a list").len();
        println!(
            "opened in {opened:.1?}, all {total} listed by {:.1?}",
            begun.elapsed()
        );
        let begun = Instant::now();
        let count = |count: &mut usize, _: Line| *count += 1;
        let lines = index.fold(&Query::default(), || 0, count).expect("lines");
        println!("{lines} gone through in {:.1?}", begun.elapsed());
        let begun = Instant::now();
        let query = Query {
            conditions: [
                "optimiser.lr>=0.001",
                "model.name=convnet",
                "validation.top1_error<0.31",
            ]
            .map(|text| text.parse().expect("a condition"))
            .to_vec(),
            sort: Some("validation.top1_error".to_string()),
            limit: Some(20),
            columns: vec!["optimiser.lr".to_string()],
            ..Query::default()
        };
        let rows = index.list(&query).expect("a list").len();
        println!("{rows} chosen and sorted in {:.1?}", begun.elapsed());
    }
    assert_eq!(total, 100_000);
}
