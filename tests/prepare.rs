//! `data prepare` as a user runs it: killed, run again, and trained on.

mod archive;
mod program;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use archive::tar;
use program::{Program, stderr};

fn jpeg(seed: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(300, 240, |x, y| {
        image::Rgb([(x + seed) as u8, (y * seed) as u8, (x * y / 97) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .expect("memory can be written");
    bytes.into_inner()
}

/// Archives of `classes` classes as the official ones are laid out.
fn archives(folder: &Path, classes: u32, images: u32) -> [PathBuf; 3] {
    let class = |class: u32| {
        let id = format!("n{class:08}");
        let members: Vec<_> = (0..images)
            .map(|image| (format!("{id}_{image}.JPEG"), jpeg(class * images + image)))
            .collect();
        (format!("{id}.tar"), tar(&members))
    };
    let train: Vec<_> = (0..classes).map(class).collect();
    let validation: Vec<_> = (1..=classes)
        .map(|number| (format!("ILSVRC2012_val_{number:08}.JPEG"), jpeg(number)))
        .collect();
    let labels: String = (0..classes).map(|class| format!("n{class:08}\n")).collect();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("writable");
        path
    };
    [
        write("train.tar", &tar(&train)),
        write("val.tar", &tar(&validation)),
        write("labels.txt", labels.as_bytes()),
    ]
}

fn arguments<'a>(archives: &'a [PathBuf; 3], into: &'a Path) -> Vec<&'a str> {
    let [train, validation, labels] = archives;
    let text = |path: &'a Path| path.to_str().expect("UTF-8");
    [
        &["data", "prepare", "imagenet", "--train-tar", text(train)][..],
        &["--val-tar", text(validation), "--labels", text(labels)],
        &["--into", text(into)],
    ]
    .concat()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("UTF-8");
            (name, std::fs::read(entry.path()).expect("readable"))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_killed_preparation_goes_on_to_the_same_bytes() {
    let program = Program::new();
    let archives = archives(program.store(), 12, 40);
    let (whole, killed) = (
        program.store().join("whole"),
        program.store().join("killed"),
    );
    program.succeed(&[&arguments(&archives, &whole)[..], &["--threads", "1"]].concat());

    let mut child = program
        .command(&arguments(&archives, &killed))
        .spawn()
        .expect("the program starts");
    let begin = Instant::now();
    while !killed.join("train-n00000002.shard").exists() {
        assert!(begin.elapsed() < Duration::from_secs(120), "no shard yet");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let output = program.output(&["data", "preview", "shards", "--set", &root(&killed)]);
    assert!(
        stderr(&output).contains("the set is not whole"),
        "{}",
        stderr(&output)
    );
    program.succeed(&arguments(&archives, &killed));
    assert!(files(&killed) == files(&whole), "other bytes");
}

fn root(folder: &Path) -> String {
    format!("root={}", folder.display())
}

#[test]
fn an_experiment_trains_on_shards_with_their_statistics() {
    let program = Program::new();
    let archives = archives(program.store(), 3, 4);
    let into = program.store().join("set");
    program.succeed(&[&arguments(&archives, &into)[..], &["--size", "32"]].concat());
    let root = format!("data.{}", root(&into));
    let run = |more: &[&str]| {
        let run = &["run", "experiments/pca_colour.toml", "--profile", "ci"][..];
        let keys = &["--seeds", "1", "--plain", "--set", "data.name=shards"][..];
        let own = &["--set", &root, "--set", "training.batch_size=4"][..];
        program.output(&[run, keys, own, more].concat())
    };
    let output = run(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    // The statistics are what it took: without them there is no training.
    std::fs::remove_file(into.join("statistics.safetensors")).expect("there");
    let output = run(&["--set", "training.batch_size=3"]);
    assert!(!output.status.success());
    assert!(
        stderr(&output).contains("statistics.safetensors"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_is_missing_is_named() {
    let program = Program::new();
    let archives = archives(program.store(), 1, 1);
    let [train, validation, _] = &archives;
    let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_string();
    let (train, validation) = (text(train), text(validation));
    let prepare = ["data", "prepare", "imagenet", "--train-tar", &train];
    let error = program.fail(&[&prepare[..], &["--val-tar", &validation]].concat());
    assert!(
        error.contains("--labels") && error.contains("synset id"),
        "{error}"
    );
    let error = program.fail(&["data", "prepare", "imagenet", "--train-tar", "absent.tar"]);
    assert!(error.contains("absent.tar"), "{error}");
    let error = program.fail(&["data", "prepare", "cifar10", "--train-tar", &train]);
    assert!(error.contains("`imagenet` can"), "{error}");
}
