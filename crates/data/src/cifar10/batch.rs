//! One batch file: its layout, its checks, and whether it is the official one.

use std::path::Path;

use ablate_core::{Error, Result};

use crate::digest;

/// Bytes of an image: 32x32 pixels in a red, a green and a blue plane.
pub(super) const PIXELS: usize = 3 * 32 * 32;

/// Bytes of a record: the label, then the image.
pub(super) const RECORD: usize = 1 + PIXELS;

/// Records in a batch of the official layout.
pub(super) const OFFICIAL_RECORDS: usize = 10_000;

/// The folder inside the official archive.
pub(crate) const FOLDER: &str = "cifar-10-batches-bin";

/// The batch files with the MD5 digests of the official archive's members. The
/// last one is the test batch.
pub(crate) const OFFICIAL: [(&str, &str); 6] = [
    ("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"),
    ("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
    ("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"),
    ("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
    ("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
    ("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d"),
];

const FIX: &str = "move the folder away and run `cargo xtask data fetch cifar10`";

/// A whole batch in memory.
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// The file's digest where it is not the official one.
    pub other_digest: Option<String>,
}

impl Batch {
    /// Reads batch `number` (5 is the test batch) of `records` records.
    ///
    /// # Errors
    /// The file is missing, has another size, or holds a label above 9.
    pub fn read(folder: &Path, number: usize, records: usize) -> Result<Self> {
        let (name, official) = OFFICIAL[number];
        let path = folder.join(name);
        let expected = records * RECORD;
        let found = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::bad_file(&path, "this batch is missing", FIX));
            }
            Err(error) => return Err(Error::io(&path)(error)),
        };
        // Before reading: a wrong file may be too large for memory.
        if found != expected as u64 {
            let problem =
                format!("{expected} bytes expected ({records} records of {RECORD}), {found} found");
            return Err(Error::bad_file(&path, problem, FIX));
        }
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let labels = bytes.iter().step_by(RECORD);
        if let Some((record, label)) = labels.enumerate().find(|&(_, &label)| label > 9) {
            let problem = format!("record {record} has the label {label}; labels go from 0 to 9");
            return Err(Error::bad_file(&path, problem, FIX));
        }
        let digest = digest::md5(&bytes);
        Ok(Self {
            bytes,
            other_digest: (digest != official).then_some(digest),
        })
    }

    /// The labels in order.
    pub fn labels(&self) -> impl Iterator<Item = u32> {
        self.bytes
            .iter()
            .step_by(RECORD)
            .map(|&label| u32::from(label))
    }

    /// Label and pixels of a record.
    pub fn record(&self, index: usize) -> (u32, &[u8]) {
        let record = &self.bytes[index * RECORD..(index + 1) * RECORD];
        (u32::from(record[0]), &record[1..])
    }
}
