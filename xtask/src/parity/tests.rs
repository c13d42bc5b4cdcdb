//! Fixtures of our own making, whole and broken.

use std::collections::HashMap;
use std::path::PathBuf;

use safetensors::{Dtype, tensor::TensorView};

use super::*;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("ablate-parity-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(path.join("ops")).expect("a temporary folder");
        Self(path)
    }

    /// Writes a fixture of 2x2 pooling with stride 2 over a 2x4 image.
    fn pool(&self, name: &str, attrs: &str, output: &[f32]) -> PathBuf {
        let tensors: [(&str, &[usize], &[f32]); 4] = [
            (
                "input",
                &[1, 1, 2, 4],
                &[1.0, 2.0, 5.0, 5.0, 4.0, 3.0, 5.0, 0.0],
            ),
            ("output", &[1, 1, 1, 2], output),
            ("grad_output", &[1, 1, 1, 2], &[10.0, 20.0]),
            (
                "grad_input",
                &[1, 1, 2, 4],
                &[0.0, 0.0, 20.0, 0.0, 10.0, 0.0, 0.0, 0.0],
            ),
        ];
        self.write(name, [("op", "max_pool2d"), ("attrs", attrs)], &tensors)
    }

    fn write(
        &self,
        name: &str,
        metadata: [(&str, &str); 2],
        tensors: &[(&str, &[usize], &[f32])],
    ) -> PathBuf {
        let bytes = |values: &[f32]| {
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        };
        let bytes: Vec<(&str, &[usize], Vec<u8>)> = tensors
            .iter()
            .map(|(name, shape, values)| (*name, *shape, bytes(values)))
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes);
            (*name, view.expect("as many bytes as the shape says"))
        });
        let metadata = metadata.map(|(key, value)| (key.to_string(), value.to_string()));
        let file = safetensors::serialize(views, Some(HashMap::from(metadata)));
        let path = self.0.join("ops").join(name).with_extension("safetensors");
        std::fs::write(&path, file.expect("a valid file")).expect("a writable folder");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind in the system's temporary one harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const ATTRS: &str = r#"{"kernel": [2, 2], "stride": 2, "padding": 0}"#;

fn failure(path: &Path) -> String {
    match check_guarded(path) {
        Ok(score) if score.passes() => panic!("{} passes", path.display()),
        Ok(score) => score.to_string(),
        Err(error) => one_line(&error),
    }
}

#[test]
fn whole_fixtures_pass_and_one_broken_one_fails_them_all() -> Result<()> {
    let folder = Folder::new("run");
    assert!(!run(&folder.0)?, "there is no fixture yet");
    folder.pool("right", ATTRS, &[4.0, 5.0]);
    assert!(run(&folder.0)?);
    folder.pool("wrong", ATTRS, &[4.0, 5.1]);
    assert!(!run(&folder.0)?);
    assert!(run(&folder.0.join("absent")).is_err());
    Ok(())
}

#[test]
fn what_is_wrong_with_a_fixture_is_said() -> Result<()> {
    let folder = Folder::new("broken");
    for (attrs, wanted) in [
        (ATTRS, "`output` is off by"),
        ("{", "not JSON"),
        ("[]", "not a table"),
        (r#"{"stride": 2}"#, "lack `kernel`"),
        (r#"{"kernel": "two"}"#, "not a size"),
        (r#"{"kernel": 2, "stride": 0}"#, "stride must be at least 1"),
        (r#"{"kernel": 9}"#, "window 9"),
        (r#"{"kernel": 2, "ceil_mode": true}"#, "ceil_mode"),
        (r#"{"kernel": 2, "dilation": 2}"#, "dilation"),
        (r#"{"kernel": 2, "colour": 7}"#, "`colour`"),
        (
            r#"{"kernel": 1, "stride": 1}"#,
            "should have shape [1, 1, 1, 2], but ours is [1, 1, 2, 4]",
        ),
    ] {
        let found = failure(&folder.pool("broken", attrs, &[4.0, 5.1]));
        assert!(found.contains(wanted), "{attrs}: {found}");
    }
    let path = folder.pool("cut", ATTRS, &[4.0, 5.0]);
    let whole = std::fs::read(&path)?;
    for len in [0, 7, 20, whole.len() - 1] {
        std::fs::write(&path, &whole[..len])?;
        let found = failure(&path);
        assert!(
            found.contains("no safetensors file") || found.contains("cannot be read"),
            "{found}"
        );
    }
    Ok(())
}

#[test]
fn a_result_that_no_memory_could_hold_is_not_computed() {
    let folder = Folder::new("large");
    let one: &[usize] = &[1, 1, 1, 1];
    let tensors = ["input", "weight", "output", "grad_output"].map(|name| (name, one, &[1.0][..]));
    let metadata = [("op", "conv2d"), ("attrs", r#"{"padding": 10000000}"#)];
    let found = failure(&folder.write("padded", metadata, &tensors));
    let wanted = "should have shape [1, 1, 1, 1], but ours is [1, 1, 20000001, 20000001]";
    assert!(found.contains(wanted), "{found}");
}

#[test]
fn a_reason_is_one_line() {
    let candle = "no such class\n   0: a::frame\n             at ./there.rs:1\n   1: another";
    assert_eq!(one_line(&anyhow!(candle)), "no such class");
    let error = anyhow!("a bad key\n  fix: give another").context("the model");
    assert_eq!(one_line(&error), "the model: a bad key; fix: give another");
}

#[test]
fn the_reference_fixtures_pass() -> Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    if !fixtures.is_dir() {
        println!("skipped: there are no fixtures in {}", fixtures.display());
        return Ok(());
    }
    assert!(run(&fixtures)?);
    Ok(())
}
