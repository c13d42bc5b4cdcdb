//! Network files: of PyTorch, exported, and the config that says what one is.

use std::path::Path;

use ablate_core::DataContext;
use ablate_runner::Network;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::MIB;
use crate::engine::{Part, Target};
use crate::seeds::zeros;
use crate::{change, repair, scratch, text};

/// A network on tiny images, with statistics in its pipeline.
const LIKE: &str = r#"
[model]
name = "convnet"
filters = [2, 2, 2]
lrn = { enabled = true }

[data]
name = "shapes"
size = 8
train = 10
validation = 2

[augmentation]
steps = ["mean_subtraction", "random_crop"]
random_crop = { size = 8, padding = 1, evaluation = "ten_crop" }
"#;

/// One whose parameters are few.
const SMALL: &str = r#"
[model]
name = "linear"

[data]
name = "shapes"
size = 8
train = 10
validation = 2
"#;

#[test]
fn networks() {
    let folder = scratch::folder();
    let at = |name: &str| folder.path().join(format!("{name}.safetensors"));
    let like = folder.path().join("like.toml");
    std::fs::write(&like, LIKE).expect("writable");
    let file = of_zeros(LIKE);
    std::fs::write(at("valid"), &file).expect("writable");
    let network = import(&at("valid"), &like).expect("zeros fit");
    let exported = network.to_bytes().expect("packed");
    let target = Target {
        name: "networks",
        parts: vec![
            Part {
                name: "torch",
                seeds: vec![file],
                change: safetensors,
            },
            Part {
                name: "exported",
                seeds: vec![exported],
                change: safetensors,
            },
            Part {
                name: "classes",
                seeds: vec!["a b\nc\n\n d\ne\nf\ng\nh\ni\nj\nk\n".into()],
                change: text::text,
            },
        ],
        memory: 64 * MIB,
        share: 1.0,
    };
    target.run(|part, input| {
        std::fs::write(at(part), input).expect("writable");
        let network = match part {
            "torch" => import(&at(part), &like),
            "classes" => {
                let names = xtask::readers::class_names(&at(part));
                let names = names.map_err(|error| error.to_string())?;
                let context = DataContext::default();
                Network::import(&at("valid"), &like, &[], Some(names), &context)
            }
            _ => Network::open(&at(part), &[], &DataContext::default()),
        };
        let network = network.map_err(|error| error.to_string())?;
        let pixels = vec![100; network.image_shape().iter().product()];
        let said = network
            .predict(&pixels)
            .map_err(|error| error.to_string())?;
        assert_eq!(said.probabilities.len(), network.classes().len());
        Ok(())
    });
}

/// What `--like` takes: a config of a network and its data. A config may ask for
/// large images, and gets them.
#[test]
fn configs() {
    let folder = scratch::folder();
    let (file, like) = (
        folder.path().join("torch.safetensors"),
        folder.path().join("like.toml"),
    );
    let part = |name, change| Part {
        name,
        seeds: vec![LIKE.into(), SMALL.into()],
        change,
    };
    let target = Target {
        name: "configs",
        parts: vec![part("like", text::text), part("numbers", text::numbers)],
        memory: 1 << 38,
        share: 0.1,
    };
    let files = [of_zeros(LIKE), of_zeros(SMALL)];
    target.run(|_, input| {
        // A set of any other kind would be looked for outside the folder.
        if !input.windows(6).any(|word| word == b"shapes") {
            return Err("no shapes".to_string());
        }
        std::fs::write(&like, input).expect("writable");
        let mut outcome = Ok(());
        for bytes in &files {
            std::fs::write(&file, bytes).expect("writable");
            match import(&file, &like) {
                Ok(network) => return network.to_bytes().map(drop).map_err(|e| e.to_string()),
                Err(error) => outcome = Err(error.to_string()),
            }
        }
        outcome
    });
}

fn import(file: &Path, like: &Path) -> ablate_runner::Result<Network> {
    Network::import(file, like, &[], None, &DataContext::default())
}

/// A file with the tensors that the config's network wants, all of them zero, as
/// PyTorch would write it.
fn of_zeros(config: &str) -> Vec<u8> {
    let shapes: &[(&str, &[usize])] = match config.contains("convnet") {
        true => &[
            ("features.0.weight", &[2, 3, 5, 5]),
            ("features.0.bias", &[2]),
            ("features.4.weight", &[2, 2, 5, 5]),
            ("features.4.bias", &[2]),
            ("features.8.weight", &[2, 2, 5, 5]),
            ("features.8.bias", &[2]),
            ("classifier.0.weight", &[10, 2]),
            ("classifier.0.bias", &[10]),
        ],
        false => &[
            ("classifier.0.weight", &[10, 192]),
            ("classifier.0.bias", &[10]),
        ],
    };
    zeros(None, shapes)
}

/// Changes the header as text, or any bytes.
pub fn safetensors(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    let parts = repair::parts(input).filter(|_| rng.random_bool(0.7));
    let Some((mut header, data)) = parts else {
        return change::bytes(input, other, rng);
    };
    let others = repair::parts(other).map(|(header, _)| header);
    text::text(&mut header, &others.unwrap_or_default(), rng);
    *input = repair::joined(&header, &data);
}
