//! `export` and `import` move tensors without changing them, and refuse those that do
//! not fit.

mod program;
mod trained;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor, safetensors};
use program::stderr;
use trained::{images, predict, text, trained};

#[test]
fn an_exported_file_holds_the_trials_tensors_and_imports_again() {
    let (program, trial) = trained();
    let place = |name: &str| program.store().join(name);
    let export = |name: &str| {
        program.succeed(&["export", text(&trial), "--out", text(&place(name))]);
        fs::read(place(name)).expect("a file")
    };
    assert!(
        export("net.safetensors") == export("twice.safetensors"),
        "the bytes differ"
    );
    let net = place("net.safetensors");
    let tensors = safetensors::load(&net, &Device::Cpu).expect("safetensors");
    let shapes: HashMap<&str, &[usize]> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.dims()))
        .collect();
    // PyTorch's names, and its layouts [out, in, height, width] and [out, in].
    let expected: HashMap<&str, &[usize]> = HashMap::from([
        ("features.0.weight", &[16, 3, 5, 5][..]),
        ("features.0.bias", &[16]),
        ("features.4.weight", &[16, 16, 5, 5]),
        ("features.4.bias", &[16]),
        ("features.8.weight", &[32, 16, 5, 5]),
        ("features.8.bias", &[32]),
        ("classifier.0.weight", &[10, 512]),
        ("classifier.0.bias", &[10]),
    ]);
    assert_eq!(shapes, expected);

    // Tensors as another program writes them, without our metadata.
    let import = |tensors: &HashMap<String, Tensor>, more: &[&str]| {
        let torch = place("torch.safetensors");
        safetensors::save(tensors, &torch).expect("written");
        let (torch, like, out) = (
            text(&torch).to_string(),
            text(&net),
            place("in.safetensors"),
        );
        let arguments = ["import", &torch, "--like", like, "--out", text(&out)];
        let output = program.output(&[&arguments, more].concat());
        (output.status.code(), stderr(&output), out)
    };
    let image = images(&program, &trial).swap_remove(0);
    let (code, error, imported) = import(&tensors, &[]);
    assert_eq!(code, Some(0), "{error}");
    let logits = |network: &Path| {
        let row = predict(
            &program,
            network,
            std::slice::from_ref(&image),
            &["--logits"],
        )
        .swap_remove(0);
        row["logits"].clone()
    };
    assert_eq!(logits(&imported), logits(&net));
    // Other weights say something else, or the comparison would prove nothing.
    let mut halved = tensors.clone();
    let weight = (&tensors["classifier.0.weight"] * 0.5).expect("halved");
    halved.insert("classifier.0.weight".to_string(), weight);
    let (code, error, other) = import(&halved, &[]);
    assert_eq!(code, Some(0), "{error}");
    assert_ne!(logits(&other), logits(&net));

    // The file keeps what the steps took from the images: it opens no data set.
    let elsewhere = ["data.name=cifar10", "data.root=/nonexistent"];
    let elsewhere = elsewhere.map(|setting| ["--set", setting]).concat();
    let (code, error, moved) = import(&tensors, &elsewhere);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(logits(&moved), logits(&net));

    // Class names of one's own.
    let names = place("names.txt");
    let ten: Vec<String> = (0..10).map(|index| format!("thing {index}")).collect();
    fs::write(&names, ten.join("\n")).expect("written");
    let (_, _, named) = import(&tensors, &["--classes", text(&names)]);
    let row = predict(&program, &named, std::slice::from_ref(&image), &[]).swap_remove(0);
    assert!(
        row["top"][0]["class"]
            .as_str()
            .is_some_and(|name| name.starts_with("thing"))
    );

    // Everything that does not fit is named, with what was found and what is wanted.
    let mut wrong = tensors.clone();
    let weight = wrong.remove("classifier.0.weight").expect("a tensor");
    wrong.insert("classifier.1.weight".to_string(), weight.clone());
    wrong.insert("features.0.bias".to_string(), weight.clone());
    let (code, error, _) = import(&wrong, &[]);
    assert_eq!(code, Some(1));
    for part in [
        "torch.safetensors",
        "`classifier.0.weight` is missing, the network wants [10, 512]",
        "`classifier.1.weight` of shape [10, 512] is unknown",
        "`features.0.bias` has shape [10, 512], the network wants [16]",
        "fix:",
    ] {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
    let mut doubles = tensors.clone();
    let double = weight.to_dtype(candle_core::DType::F64).expect("converted");
    doubles.insert("classifier.0.weight".to_string(), double);
    let (_, error, _) = import(&doubles, &[]);
    let said = "`classifier.0.weight` is F64 of shape [10, 512], where F32 is wanted";
    assert!(error.contains(said), "{error}");
    let (_, error, _) = import(&tensors, &["--set", "model.filters=[16, 16, 8]"]);
    assert!(error.contains("the network wants [8, 16, 5, 5]"), "{error}");
    // A file without metadata is no network by itself.
    let torch = place("torch.safetensors");
    let error = program.fail(&["predict", text(&torch), text(&image)]);
    assert!(error.contains("cargo xtask import"), "{error}");
}
