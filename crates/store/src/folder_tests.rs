//! What a trial's folder makes of files that were cut off.

use super::*;

#[test]
fn a_cut_within_a_character_costs_the_last_line_alone() {
    let root = tempfile::tempdir().expect("a folder");
    let place = TrialFolder::open(root.path());
    assert_eq!(place.history().expect("none"), []);
    let record = |epoch| EpochRecord {
        epoch,
        train: [("größe".to_string(), 0.5)].into(),
        ..EpochRecord::default()
    };
    for epoch in 1..=2 {
        place.append(&record(epoch)).expect("appended");
    }
    let whole = fs::read(root.path().join(METRICS)).expect("read");
    let first = whole
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a line")
        + 1;
    for cut in first..=whole.len() {
        fs::write(root.path().join(METRICS), &whole[..cut]).expect("written");
        let epochs: Vec<_> = (1..=1 + usize::from(cut + 1 >= whole.len())).collect();
        let read = place.history().expect("read");
        let read: Vec<_> = read.iter().map(|record| record.epoch).collect();
        assert_eq!(read, epochs, "cut to {cut} of {} bytes", whole.len());
    }
    let torn = [&whole[..first - 5], &whole[first - 1..]].concat();
    fs::write(root.path().join(METRICS), torn).expect("written");
    assert!(place.history().is_err(), "a line within is no cut");
    let null = [&whole[..first], b"{\"epoch\":null}\n"].concat();
    fs::write(root.path().join(METRICS), null).expect("written");
    let error = place.history().expect_err("a whole last line is no cut");
    assert!(error.to_string().contains("line 2"), "{error}");
}
