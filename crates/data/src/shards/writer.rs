//! Writes a shard: images one after the other, then the index, the header last.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ablate_core::{Error, Moments, Result};

use super::Encoding;
use super::format::{Entry, HEADER, Header, crc32};
use super::moments;
use crate::aside;

/// A shard that is being written. Until [`finish`](Self::finish) it lies aside, so
/// that nothing half made is ever taken for a shard.
pub(crate) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    encoding: Encoding,
    size: usize,
    at: u64,
    entries: Vec<Entry>,
    names: Vec<u8>,
}

impl Writer {
    /// Begins the shard `path` of images `[3, size, size]`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: &Path, encoding: Encoding, size: usize) -> Result<Self> {
        let aside = aside::path_of(path);
        let file = File::create(&aside).map_err(Error::io(&aside))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&[0; HEADER]).map_err(Error::io(&aside))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            encoding,
            size,
            at: HEADER as u64,
            entries: Vec::new(),
            names: Vec::new(),
        })
    }

    /// Adds an image, as [`Encoding::store`] gave it.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub fn push(&mut self, name: &str, label: u32, stored: &[u8]) -> Result<()> {
        self.file
            .write_all(stored)
            .map_err(Error::io(aside::path_of(&self.path)))?;
        self.entries.push(Entry {
            offset: self.at,
            bytes: stored.len() as u32,
            crc: crc32(stored),
            label,
            name_bytes: name.len() as u32,
        });
        self.names.extend(name.as_bytes());
        self.at += stored.len() as u64;
        Ok(())
    }

    /// Writes what is left, syncs it and puts the shard in its place; returns its
    /// length in bytes.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub fn finish(mut self, moments: Option<&Moments>) -> Result<u64> {
        let mut index: Vec<u8> = self
            .entries
            .iter()
            .flat_map(|entry| entry.to_bytes())
            .collect();
        index.extend(&self.names);
        let moments = moments.map(moments::to_bytes).unwrap_or_default();
        let header = Header {
            encoding: self.encoding.number(),
            size: self.size as u32,
            images: self.entries.len() as u32,
            index_offset: self.at,
            index_bytes: index.len() as u64,
            moments_bytes: moments.len() as u64,
            index_crc: crc32(&index),
        };
        self.end(&[&index, &moments], &header.to_bytes())
            .map_err(Error::io(aside::path_of(&self.path)))?;
        aside::commit(&self.path)?;
        Ok(self.at + (index.len() + moments.len()) as u64)
    }

    fn end(&mut self, behind: &[&[u8]], header: &[u8]) -> std::io::Result<()> {
        for bytes in behind {
            self.file.write_all(bytes)?;
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(header)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}
