//! Lists the files of a set that lies in a tar archive, without unpacking it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ablate_core::{Error, Result};

use super::files::SetFile;
use crate::tarball;

/// Every file of the archive, by its path in the set.
///
/// A single folder around `train` is dropped from the paths. Only headers are
/// read; where a member occurs twice the later one counts, as in unpacking.
///
/// # Errors
/// It is no tar archive or is cut off, or it holds a link, a device, or a path
/// that leads out of it.
pub(super) fn list(path: &Path) -> Result<Vec<SetFile>> {
    let shared: Arc<Path> = Arc::from(path);
    let mut files = BTreeMap::new();
    tarball::walk(path, |member, _| {
        let file = SetFile::member(
            shared.clone(),
            member.name.clone(),
            member.offset,
            member.size,
        );
        files.insert(member.name, file);
        Ok(())
    })?;
    strip_top(path, files.into_values().collect())
}

/// Drops the one folder around `train`, where there is one.
fn strip_top(path: &Path, mut files: Vec<SetFile>) -> Result<Vec<SetFile>> {
    let mut tops: Vec<&str> = files
        .iter()
        .filter_map(|file| {
            let (top, rest) = file.name.split_once('/')?;
            match top {
                "train" => Some(""),
                _ => rest.starts_with("train/").then_some(top),
            }
        })
        .collect();
    tops.sort_unstable();
    tops.dedup();
    let prefix = match tops[..] {
        [] | [""] => return Ok(files),
        [top] => format!("{top}/"),
        [first, second, ..] => {
            let problem = format!("two folders hold a `train`: `{first}` and `{second}`");
            return Err(Error::bad_file(path, problem, "pack one set an archive"));
        }
    };
    files.retain_mut(|file| match file.name.strip_prefix(&prefix) {
        Some(rest) => {
            file.name = rest.to_string();
            true
        }
        None => false,
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{append, failure, open, png, two_classes, write_archive};
    #[test]
    fn archives_with_links_escapes_or_ends_missing_are_refused() {
        let folder = write_archive(&two_classes(1));
        let path = folder.path().join("set.tar");
        let whole = std::fs::read(&path).expect("there");

        let extended = |member: &dyn Fn(&mut tar::Header)| {
            let mut tar = tar::Builder::new(std::fs::File::create(&path).expect("writable"));
            append(&mut tar, "train/cat/1.png", &png(2, 2, [0; 3]));
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            member(&mut header);
            header.set_cksum();
            tar.append(&header, &[][..]).expect("writable");
            tar.finish().expect("writable");
            failure(open(&path))
        };
        let error = extended(&|header| {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_path("train/cat/2.png").expect("a path");
            header.set_link_name("/etc/hostname").expect("a path");
        });
        assert!(
            error.contains("`train/cat/2.png` is neither a file nor a folder (Symlink)"),
            "{error}"
        );
        let error = extended(&|header| {
            let name = b"train/../../out.png";
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
        });
        assert!(error.contains("leads out of the archive"), "{error}");
        let error = extended(&|header| {
            header.as_old_mut().name[..10].copy_from_slice(b"/etc/2.png");
        });
        assert!(error.contains("`/etc/2.png` leads out"), "{error}");
        let error = extended(&|header| {
            header.set_entry_type(tar::EntryType::Link);
            header.set_path("train/cat/2.png").expect("a path");
            header.set_link_name("train/cat/1.png").expect("a path");
        });
        assert!(
            error.contains("neither a file nor a folder (Link)"),
            "{error}"
        );

        // Cut within a member, between two of them, and before the end mark.
        for (length, part) in [(700, "without an end mark"), (1024, "without an end mark")] {
            std::fs::write(&path, &whole[..length]).expect("writable");
            let error = failure(open(&path));
            assert!(error.contains(part), "{error}");
        }
        let padded = [&whole[..700], &[0; 1024]].concat();
        std::fs::write(&path, padded).expect("writable");
        assert!(failure(open(&path)).contains("no class has an image to spare"));
        std::fs::write(&path, [b"\x1f\x8b", &[0; 2000][..]].concat()).expect("writable");
        assert!(failure(open(&path)).contains("gunzip"));
        std::fs::write(&path, [[7; 4096], [0; 4096]].concat()).expect("writable");
        assert!(failure(open(&path)).contains("not a readable tar archive"));
    }
}
