//! Archives for tests.

/// A tar archive of files.
pub fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, &bytes[..])
            .expect("memory can be written");
    }
    archive.into_inner().expect("memory can be written")
}
