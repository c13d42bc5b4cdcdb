//! CIFAR-10's batches: an input is the edits of a valid set. They are short ones, since
//! the reader digests all bytes of a set, and those of the official one are 150 MB.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use ablate_core::Split;
use ablate_data::{Cifar10, cifar10_of_records};

use super::MIB;
use crate::engine::{Part, Target};
use crate::{change, scratch};

const RECORD: u64 = 3073;
const RECORDS: u64 = 20;
const BATCH: u64 = RECORDS * RECORD;

/// Bytes of an edit: the batch, what to do, where, and a byte to write there.
const EDIT: usize = 7;

#[test]
fn cifar10() {
    let folder = scratch::folder();
    let root = folder.path().join("cifar-10-batches-bin");
    std::fs::create_dir(&root).expect("writable");
    let open = |batch: u8| {
        let name = format!("data_batch_{}.bin", batch % 5 + 1);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        options.open(root.join(name)).expect("writable")
    };
    (0..5).for_each(|batch| open(batch).set_len(BATCH).expect("writable"));
    let config = Cifar10 {
        holdout: 10,
        train_limit: Some(30),
        ..Cifar10::default()
    };
    let target = Target {
        name: "cifar10",
        parts: vec![Part {
            name: "edits",
            seeds: vec![Vec::new(), vec![0, 1, 0, 0, 0, 0, 9]],
            change: change::bytes,
        }],
        memory: 4 * MIB,
        share: 1.0,
    };
    target.run(|_, input| {
        let edits = || input.chunks_exact(EDIT).take(8);
        edits().for_each(|edit| apply(&mut open(edit[0]), edit));
        let data = cifar10_of_records(&config, &root, RECORDS as usize);
        for edit in edits() {
            // An empty file grows with zeros again.
            let file = open(edit[0]);
            file.set_len(0)
                .and_then(|()| file.set_len(BATCH))
                .expect("writable");
        }
        let data = data.map_err(|error| error.to_string())?;
        let mut pixels = vec![0; 3072];
        for index in 0..data.len(Split::Train) {
            let label = data.read(Split::Train, index, &mut pixels);
            assert!(label.map_err(|error| error.to_string())? < 10);
        }
        Ok(())
    });
}

fn apply(file: &mut File, edit: &[u8]) {
    let number = u64::from(u32::from_le_bytes([edit[2], edit[3], edit[4], edit[5]]));
    let written = match edit[1] % 4 {
        0 => file.set_len(BATCH - 1 - number % BATCH),
        // Labels lie a record apart, pixels anywhere.
        1 => put(file, number % RECORDS * RECORD, edit[6]),
        2 => put(file, number % BATCH, edit[6]),
        _ => file.set_len(BATCH + number),
    };
    written.expect("writable");
}

fn put(file: &mut File, at: u64, byte: u8) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&[byte])
}
