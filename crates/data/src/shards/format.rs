//! How a shard lies on disk: a header, stored images, an index, and perhaps moments.
//!
//! All numbers are little-endian. `docs/imagenet.md` has the layout as a table; a
//! change of it is a new [`VERSION`].

/// What a shard begins with.
const MAGIC: [u8; 8] = *b"ABLSHARD";

/// The version of the layout.
pub(crate) const VERSION: u32 = 1;

/// Bytes of the header.
pub(crate) const HEADER: usize = 64;

/// Bytes of an image's entry in the index.
pub(crate) const ENTRY: usize = 24;

/// Channels of every image.
pub(crate) const CHANNELS: usize = 3;

/// The first 64 bytes of a shard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header {
    /// A number of [`Encoding`](super::Encoding).
    pub encoding: u32,
    /// Height and width of every image.
    pub size: u32,
    /// How many images there are.
    pub images: u32,
    /// Where the index begins; the stored images lie before it.
    pub index_offset: u64,
    /// Bytes of the index, with the images' names.
    pub index_bytes: u64,
    /// Bytes of the moments behind the index; 0 where there are none.
    pub moments_bytes: u64,
    /// CRC-32 of the index.
    pub index_crc: u32,
}

impl Header {
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend(MAGIC);
        let channels = CHANNELS as u32;
        for number in [
            VERSION,
            self.encoding,
            channels,
            self.size,
            self.size,
            self.images,
        ] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.index_offset, self.index_bytes, self.moments_bytes] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.index_crc.to_le_bytes());
        let crc = crc32(&bytes);
        bytes.extend(crc.to_le_bytes());
        let mut header = [0; HEADER];
        header.copy_from_slice(&bytes);
        header
    }

    /// Reads a header.
    ///
    /// # Errors
    /// What is wrong with it, without the file's name.
    pub fn from_bytes(bytes: &[u8; HEADER]) -> Result<Self, String> {
        if bytes[..8] != MAGIC {
            return Err("not a shard: it does not begin with `ABLSHARD`".to_string());
        }
        if crc32(&bytes[..60]) != u32_at(bytes, 60) {
            return Err("the header is damaged: its checksum is wrong".to_string());
        }
        if u32_at(bytes, 8) != VERSION {
            let found = u32_at(bytes, 8);
            return Err(format!("version {found} of the format; {VERSION} is read"));
        }
        let [channels, height, width] = [16, 20, 24].map(|at| u32_at(bytes, at));
        if channels != CHANNELS as u32 || height != width {
            return Err(format!(
                "images of shape [{channels}, {height}, {width}]; squares of three channels are read"
            ));
        }
        Ok(Self {
            encoding: u32_at(bytes, 12),
            size: height,
            images: u32_at(bytes, 28),
            index_offset: u64_at(bytes, 32),
            index_bytes: u64_at(bytes, 40),
            moments_bytes: u64_at(bytes, 48),
            index_crc: u32_at(bytes, 56),
        })
    }

    /// Bytes of the whole file, if they can be counted.
    pub fn file_bytes(&self) -> Option<u64> {
        self.index_offset
            .checked_add(self.index_bytes)?
            .checked_add(self.moments_bytes)
    }
}

/// Where a stored image lies, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// How many there are.
    pub bytes: u32,
    /// Their CRC-32.
    pub crc: u32,
    /// The class.
    pub label: u32,
    /// Bytes of its name, which lies behind the entries.
    pub name_bytes: u32,
}

impl Entry {
    pub fn to_bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        let numbers = [self.bytes, self.crc, self.label, self.name_bytes];
        for (place, number) in bytes[8..].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Reads an entry of [`ENTRY`] bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            offset: u64_at(bytes, 0),
            bytes: u32_at(bytes, 8),
            crc: u32_at(bytes, 12),
            label: u32_at(bytes, 16),
            name_bytes: u32_at(bytes, 20),
        }
    }
}

/// The CRC-32 of gzip and PNG.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_one_on_the_page() {
        let header = Header {
            encoding: 1,
            size: 256,
            images: 5,
            index_offset: 1 << 33,
            index_bytes: 6,
            moments_bytes: 7,
            index_crc: 8,
        };
        let bytes = header.to_bytes();
        assert_eq!(&bytes[..12], b"ABLSHARD\x01\0\0\0");
        assert_eq!(bytes[16..29], [3, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 5]);
        assert_eq!(bytes[32..40], [0, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(Header::from_bytes(&bytes), Ok(header));
        // The checksum that gzip's specification gives for these digits.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        for at in 0..HEADER {
            let mut damaged = bytes;
            damaged[at] ^= 0x10;
            assert!(Header::from_bytes(&damaged).is_err(), "byte {at}");
        }
        let entry = Entry {
            offset: 1 << 40,
            bytes: 2,
            crc: 3,
            label: 4,
            name_bytes: 5,
        };
        assert_eq!(Entry::from_bytes(&entry.to_bytes()), entry);
    }
}
