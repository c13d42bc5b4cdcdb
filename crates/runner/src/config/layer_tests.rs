//! What merging keeps, drops and refuses, and how settings are read.

use super::*;

fn layer(text: &str) -> Layer {
    Layer::table(
        Path::new("x.toml"),
        "base",
        toml::from_str(text).expect("TOML"),
    )
}

#[test]
fn naming_another_plugin_starts_its_table_afresh() -> Result<()> {
    let figment = merge(&[
        layer("[model]\nname = 'alexnet'\nlrn = true\n[optimiser]\nname = 'sgd'\nlr = 0.1"),
        layer("[model]\nname = 'convnet'"),
        layer("[optimiser]\nname = 'sgd'\nmomentum = 0.5"),
    ])?;
    assert!(figment.find_value("model.lrn").is_err());
    assert_eq!(
        figment.extract_inner::<f64>("optimiser.lr").expect("kept"),
        0.1
    );
    Ok(())
}

#[test]
fn a_setting_is_not_lost_to_a_plugin_that_is_named_later() -> Result<()> {
    let base = layer("[model]\nname = 'alexnet'\nwidth = 1.0");
    let [name, width] = ["model.name=convnet", "model.width=0.5"].map(Layer::setting);
    let (name, width) = (name?, width?);
    let found = merge(&[base.clone(), name.clone(), width.clone()])?;
    assert_eq!(found.extract_inner::<f64>("model.width").ok(), Some(0.5));
    let error = merge(&[base.clone(), width, name.clone()]).expect_err("refused");
    let error = error.to_string();
    for part in [
        "--set model.width=0.5: `model.width`",
        "--set model.name=convnet",
    ] {
        assert!(error.contains(part), "{error}");
    }
    // One that is given again afterwards is not lost.
    let again = Layer::setting("model.width=0.25")?;
    let found = merge(&[
        base.clone(),
        Layer::setting("model.width=0.5")?,
        name.clone(),
        again,
    ])?;
    assert_eq!(found.extract_inner::<f64>("model.width").ok(), Some(0.25));
    // One that names a plugin is overruled, keys and all.
    merge(&[base, Layer::setting("model.name=linear")?, name])?;
    Ok(())
}

#[test]
fn settings_are_toml_or_strings() -> Result<()> {
    let figment = merge(&[
        Layer::setting("optimiser.lr=0.5")?,
        Layer::setting("model.activation=relu")?,
        Layer::setting("augmentation.steps=[\"reflection\"]")?,
    ])?;
    assert_eq!(
        figment
            .extract_inner::<f64>("optimiser.lr")
            .expect("a number"),
        0.5
    );
    assert_eq!(
        figment
            .extract_inner::<String>("model.activation")
            .expect("a string"),
        "relu"
    );
    assert_eq!(
        figment
            .extract_inner::<Vec<String>>("augmentation.steps")
            .expect("a list")
            .len(),
        1
    );
    assert_eq!(origin(&figment, "optimiser.lr"), "--set optimiser.lr=0.5");
    assert!(Layer::setting("optimiser.lr").is_err());
    for text in ["optimiser.lr=nan", &format!("a{}=1", ".a".repeat(100_000))] {
        let error = Layer::setting(text).expect_err("refused").to_string();
        assert!(error.contains("--set") && error.contains("fix:"), "{error}");
    }
    Ok(())
}

#[test]
fn an_unknown_table_is_refused_with_the_nearest() {
    let error = merge(&[layer("[optimizer]\nlr = 1")])
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("x.toml [base]") && error.contains("did you mean `optimiser`?"),
        "{error}"
    );
}
