//! MD5 digests as lower-case hexadecimal. MD5 is what the publishers of these
//! sets give; it guards against damage, not against an attacker.

use md5::{Digest, Md5};

/// The digest of bytes.
pub(crate) fn md5(bytes: &[u8]) -> String {
    hex(Md5::digest(bytes).as_slice())
}

/// The digest of everything a reader gives.
pub(crate) fn md5_of(mut reader: impl std::io::Read) -> std::io::Result<String> {
    let mut hasher = Md5::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex(hasher.finalize().as_slice())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(md5(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        let long = vec![7; (1 << 18) + 5];
        assert_eq!(md5_of(&long[..]).expect("memory is readable"), md5(&long));
    }
}
