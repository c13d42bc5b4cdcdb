//! The classes of the validation images, which their archive does not hold.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ablate_core::{Error, Result};

const WANTED: &str = "give a text file with one synset id (`n01751748`) a line, in order of the \
                      validation images, or one with lines `FILE SYNSET` (also `FILE,SYNSET`); \
                      docs/imagenet.md says how to make it from the development kit";

/// Labels of validation images.
pub(super) struct Labels {
    path: PathBuf,
    by: By,
}

enum By {
    /// The image's number, from 1, in its name.
    Number(Vec<u32>),
    /// The name without its ending.
    Name(HashMap<String, u32>),
}

impl Labels {
    /// Reads a list of labels; a label is the place of a synset id in `classes`.
    ///
    /// # Errors
    /// A line is neither a synset id nor a file and a synset id, or the training
    /// archive has no such class.
    pub fn read(path: &Path, classes: &[String]) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let wrong = |problem: String| Error::bad_file(path, problem, WANTED);
        let text =
            String::from_utf8(bytes).map_err(|_| wrong("not a text file in UTF-8".to_string()))?;
        let labels: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
        let (mut numbered, mut named) = (Vec::new(), HashMap::new());
        for (number, line) in lines(&text) {
            let at = |problem: String| wrong(format!("line {number}: {problem}"));
            let mut words = line.split([' ', '\t', ',']).filter(|word| !word.is_empty());
            let first = words.next().unwrap_or_default();
            // What follows a file and its synset, such as boxes, is passed over.
            let (file, synset) = match words.next() {
                Some(second) => (Some(first), second),
                None => (None, first),
            };
            let label = label(synset, &labels).map_err(at)?;
            match file {
                None => numbered.push(label),
                Some(file) if named.insert(stem(file).to_string(), label).is_some() => {
                    return Err(at(format!("`{file}` was listed before")));
                }
                Some(_) => {}
            }
        }
        let by = match (numbered.is_empty(), named.is_empty()) {
            (true, true) => return Err(wrong("it holds no label".to_string())),
            (true, false) => By::Name(named),
            (false, true) => By::Number(numbered),
            (false, false) => {
                let problem = "some lines have one column, others two";
                return Err(wrong(problem.to_string()));
            }
        };
        Ok(Self {
            path: path.to_path_buf(),
            by,
        })
    }

    /// The label of an image by its name in the archive.
    ///
    /// # Errors
    /// The list does not have it.
    pub fn of(&self, member: &str) -> Result<u32> {
        let stem = stem(member.rsplit('/').next().unwrap_or(member));
        let label = match &self.by {
            By::Name(labels) => labels.get(stem).copied(),
            By::Number(labels) => {
                let number = stem.rsplit('_').next().unwrap_or(stem);
                let number = number.parse::<usize>().ok();
                number.and_then(|number| labels.get(number.checked_sub(1)?).copied())
            }
        };
        label.ok_or_else(|| {
            Error::bad_file(
                &self.path,
                format!("no label for the image `{member}`"),
                WANTED,
            )
        })
    }

    /// Refuses a list by number that is longer than the archive: it belongs to
    /// another one, and might be in another order.
    ///
    /// # Errors
    /// It has more labels than there are images.
    pub fn check_count(&self, images: usize) -> Result<()> {
        match &self.by {
            By::Number(labels) if labels.len() != images => {
                let problem = format!("{} labels, but {images} images", labels.len());
                Err(Error::bad_file(&self.path, problem, WANTED))
            }
            _ => Ok(()),
        }
    }
}

/// Lines with something on them and their numbers, without the header that the list
/// on Kaggle has.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .zip(1..)
        .map(|(line, number)| (number, line.trim()));
    lines.filter(|(number, line)| {
        let is_header = *number == 1 && line.starts_with("ImageId,");
        !line.is_empty() && !is_header
    })
}

fn label(synset: &str, labels: &HashMap<&str, u32>) -> Result<u32, String> {
    if synset.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "`{synset}` is a class number; numbers follow the order of the development kit's \
             `meta.mat`, which is not that of the synset ids"
        ));
    }
    if !is_synset(synset) {
        return Err(format!("`{synset}` is no synset id"));
    }
    labels
        .get(synset)
        .copied()
        .ok_or_else(|| format!("the training archive has no class `{synset}`"))
}

/// Whether a word is a synset id: `n` and eight digits.
pub(super) fn is_synset(word: &str) -> bool {
    let digits = word.strip_prefix('n').unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Labels> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("labels.txt");
        std::fs::write(&path, text).expect("writable");
        Labels::read(&path, &["n00000001".to_string(), "n00000002".to_string()])
    }

    #[test]
    fn every_form_of_the_list_gives_the_same_labels() -> Result<()> {
        for text in [
            "n00000002\nn00000001\n",
            "v_00000002.JPEG n00000001\nv_00000001.JPEG n00000002\n",
            "v_00000001.JPEG,n00000002\r\nv_00000002.JPEG,n00000001\r\n",
            "ImageId,PredictionString\nv_00000001,n00000002 85 1 499 272 \nv_00000002,n00000001 1 2\n",
        ] {
            let labels = read(text)?;
            assert_eq!(labels.of("v_00000001.JPEG")?, 1, "{text}");
            assert_eq!(labels.of("val/v_00000002.JPEG")?, 0, "{text}");
            let error = labels.of("v_00000003.JPEG").expect_err("not listed");
            assert!(error.to_string().contains("v_00000003.JPEG"), "{error}");
            labels.check_count(2)?;
        }
        assert!(read("n00000001\n")?.check_count(2).is_err());
        Ok(())
    }

    #[test]
    fn a_wrong_list_is_told_what_is_wanted() {
        for (text, says) in [
            ("490\n", "line 1: `490` is a class number"),
            ("n00000001\nv_1.JPEG 3\n", "line 2: `3` is a class number"),
            ("n00000003\n", "has no class `n00000003`"),
            ("cat\n", "`cat` is no synset id"),
            ("n00000001\nv_1 n00000001\n", "some lines have one column"),
            ("v_1 n00000001\nv_1 n00000002\n", "listed before"),
            ("\n", "no label"),
        ] {
            let error = read(text).err().expect("refused").to_string();
            assert!(error.contains(says), "{error}");
            assert!(error.contains("one synset id"), "{error}");
        }
    }
}
