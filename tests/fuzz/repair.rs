//! Mends checksums, lengths and digests of changed files, without which a reader
//! would look no further.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Bytes of a block of a tar archive.
const BLOCK: usize = 512;

/// The CRC-32 of gzip and PNG.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The SHA-256 digest in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header's checksum of each member, also of archives in the archive.
pub fn tar(archive: &mut [u8]) {
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + BLOCK) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let size = std::str::from_utf8(&header[124..135])
            .ok()
            .and_then(|text| usize::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok());
        let is_tar = header[..100].windows(4).any(|part| part == b".tar");
        let Some(size) = size else { return };
        let from = at + BLOCK;
        if let (true, Some(inner)) = (is_tar, archive.get_mut(from..from + size)) {
            tar(inner);
        }
        at = from + size.next_multiple_of(BLOCK);
        if archive.get(at..at + BLOCK).is_some_and(|b| b == [0; BLOCK]) {
            return;
        }
    }
}

/// The checksum of each of a PNG's chunks.
pub fn png(image: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = image.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        let Some(body) = image.get(at + 4..end) else {
            return;
        };
        let crc = crc32(body).to_be_bytes();
        let Some(place) = image.get_mut(end..end + 4) else {
            return;
        };
        place.copy_from_slice(&crc);
        at = end + 4;
    }
}

/// The checksums of a shard's index and header.
pub fn shard(shard: &mut [u8]) {
    if shard.len() < 64 {
        return;
    }
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&shard[at..at + 8]);
        u64::from_le_bytes(bytes) as usize
    };
    let (from, bytes) = (number(32), number(40));
    if let Some(index) = shard.get(from..from.saturating_add(bytes)) {
        let crc = crc32(index).to_le_bytes();
        shard[56..60].copy_from_slice(&crc);
    }
    let crc = crc32(&shard[..60]).to_le_bytes();
    shard[60..64].copy_from_slice(&crc);
}

/// A safetensors file's header and what follows it; `None` where there is no header.
pub fn parts(file: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let length = u64::from_le_bytes(file.get(..8)?.try_into().ok()?);
    let (header, data) = file[8..].split_at_checked(usize::try_from(length).ok()?)?;
    Some((header.to_vec(), data.to_vec()))
}

/// A safetensors file of a header and tensors.
pub fn joined(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// The digests that `outputs.safetensors` has of its tensors.
pub fn digests(header: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut layout: Value = serde_json::from_slice(header).ok()?;
    let text = layout.get("__metadata__")?.get("ablate")?.as_str()?;
    let mut account: Value = serde_json::from_str(text).ok()?;
    let mut named = serde_json::Map::new();
    for (name, info) in layout
        .as_object()?
        .iter()
        .filter(|(n, _)| *n != "__metadata__")
    {
        let offset = |at: usize| Some(info.get("data_offsets")?.get(at)?.as_u64()? as usize);
        let (from, to) = (offset(0)?, offset(1)?);
        let digest = data.get(from..to).map(sha256).unwrap_or_default();
        named.insert(name.clone(), Value::from(digest));
    }
    *account.get_mut("sha256")? = Value::Object(named);
    layout["__metadata__"]["ablate"] = Value::from(account.to_string());
    serde_json::to_vec(&layout).ok()
}
