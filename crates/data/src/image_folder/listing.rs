//! From a list of files to classes, labels and splits.

use std::collections::BTreeMap;
use std::path::Path;

use ablate_core::{Error, Result, Stream};

use super::files::SetFile;
use crate::classes;

/// Endings of the image formats, compared without case.
const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// An image and its label.
#[derive(Clone)]
pub(super) struct Labelled {
    pub file: SetFile,
    pub label: u32,
}

/// The images of a set in order of class and name.
pub(super) struct Listing {
    /// Readable class names by label.
    pub classes: Vec<String>,
    pub train: Vec<Labelled>,
    pub validation: Vec<Labelled>,
    /// Whether the validation images come from a folder of their own.
    pub has_validation: bool,
}

/// Images by class folder.
type Classes = BTreeMap<String, Vec<SetFile>>;

impl Listing {
    /// Sorts files into classes. Where there is no `val`, every class gives
    /// `fraction` of its training images.
    ///
    /// # Errors
    /// There are no training images, the class folders of the two parts differ,
    /// or the class names cannot be read.
    pub fn new(root: &Path, files: Vec<SetFile>, fraction: f64) -> Result<Self> {
        let mut names = BTreeMap::new();
        let (mut train, mut validation) = (Classes::new(), Classes::new());
        for file in files {
            if file.name == classes::FILE {
                names = classes::parse(&file.path(), file.bytes()?)?;
            } else if let Some(class) = class_of(&file.name, "train/") {
                train.entry(class).or_default().push(file);
            } else if let Some(class) = class_of(&file.name, "val/") {
                validation.entry(class).or_default().push(file);
            }
        }
        if train.is_empty() {
            let problem = "no images (jpg, jpeg or png) in `train/CLASS/`";
            let fix = "put each class into a folder of its own below `train`, and below `val`";
            return Err(Error::bad_file(root, problem, fix));
        }
        let has_validation = !validation.is_empty();
        if has_validation {
            same_classes(root, &train, &validation)?;
        } else {
            validation = split_off(&mut train, fraction);
            if validation.values().all(Vec::is_empty) {
                let problem = "there is no `val`, and no class has an image to spare for one";
                return Err(Error::bad_file(
                    root,
                    problem,
                    "add images, or a folder `val`",
                ));
            }
        }
        let classes = classes::readable(train.keys(), &names);
        Ok(Self {
            classes,
            train: labelled(train),
            validation: labelled(validation),
            has_validation,
        })
    }
}

/// The class folder of an image of a part; `None` for anything else.
fn class_of(name: &str, part: &str) -> Option<String> {
    let (class, rest) = name.strip_prefix(part)?.split_once('/')?;
    let hidden = class.starts_with('.') || rest.split('/').any(|part| part.starts_with('.'));
    let (_, ending) = rest.rsplit_once('.')?;
    let is_image = ENDINGS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known));
    (is_image && !hidden).then(|| class.to_string())
}

fn same_classes(root: &Path, train: &Classes, validation: &Classes) -> Result<()> {
    let lacks = |part: &str, these: &Classes, those: &Classes| {
        let missing: Vec<_> = those
            .keys()
            .filter(|class| !these.contains_key(*class))
            .collect();
        let shown = missing
            .iter()
            .take(5)
            .map(|class| format!("`{class}`"))
            .collect::<Vec<_>>();
        let more = match missing.len().saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!missing.is_empty()).then(|| format!("`{part}` lacks {}{more}", shown.join(", ")))
    };
    let problems: Vec<_> = [
        lacks("train", train, validation),
        lacks("val", validation, train),
    ]
    .into_iter()
    .flatten()
    .collect();
    if problems.is_empty() {
        return Ok(());
    }
    let fix = "give `train` and `val` the same class folders, with images in each";
    Err(Error::bad_file(root, problems.join("; "), fix))
}

/// Takes a fraction of every class, at least one image where it has two. Which
/// ones depends on their names alone, so it outlives a change of the others.
fn split_off(train: &mut Classes, fraction: f64) -> Classes {
    let mut taken = Classes::new();
    for (class, files) in train {
        let wanted = (files.len() as f64 * fraction).round() as usize;
        // One at least validates, and one at least is left to train on.
        let count = wanted.max(1).min(files.len() - 1);
        files.sort_by_key(|file| Stream::new(0).named(&file.name).key());
        taken.insert(class.clone(), files.drain(..count).collect());
    }
    taken
}

fn labelled(classes: Classes) -> Vec<Labelled> {
    let mut images = Vec::new();
    for (label, mut files) in classes.into_values().enumerate() {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        images.extend(files.into_iter().map(|file| Labelled {
            file,
            label: label as u32,
        }));
    }
    images
}
