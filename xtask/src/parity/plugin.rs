//! From a fixture's description of a network to the model plugin and its config.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::fixture::{Fixture, Table};

/// A model plugin and its config.
pub struct Plugin {
    /// The plugin's name.
    pub name: &'static str,
    /// Its config.
    pub config: Value,
}

impl Plugin {
    /// The plugin for the network a fixture describes.
    ///
    /// # Errors
    /// The network or one of its settings is not known.
    pub fn of(fixture: &Fixture) -> Result<Self> {
        let mut given = fixture.table("config")?;
        let plugin = match fixture.text("model")? {
            name if name.starts_with("convnet4") => convnet(&mut given)?,
            name if name.starts_with("alexnet-paper") => paper(&mut given)?,
            name if name.starts_with("alexnet-seed") => seed(&mut given)?,
            name => bail!(
                "`{name}` is no known network; known are convnet4-*, alexnet-paper, alexnet-seed"
            ),
        };
        // Whatever the rate, fixtures are computed without dropout.
        given.take("dropout");
        given.finish("the network's")?;
        Ok(plugin)
    }
}

fn convnet(given: &mut Table) -> Result<Plugin> {
    let mut config = json!({ "dropout": 0.0 });
    activation(given, &mut config);
    pooling(given, &mut config)?;
    let mut lrn = lrn(given)?;
    if let Some(size) = given.size("lrn_size")? {
        lrn["size"] = json!(size);
    }
    config["lrn"] = lrn;
    Ok(Plugin {
        name: "convnet",
        config,
    })
}

fn paper(given: &mut Table) -> Result<Plugin> {
    // The kernels are the two-tower network's, however many groups they are in.
    let mut config = json!({ "dropout": 0.0, "kernels": [96, 256, 384, 384, 256] });
    activation(given, &mut config);
    pooling(given, &mut config)?;
    if let Some(groups) = given.size("groups")? {
        config["gpus"] = json!(groups);
    }
    let mut lrn = lrn(given)?;
    if let Some(size) = given.size("lrn_size")? {
        lrn["sizes"] = json!([size, size]);
    }
    config["lrn"] = lrn;
    Ok(Plugin {
        name: "alexnet",
        config,
    })
}

fn seed(given: &mut Table) -> Result<Plugin> {
    let mut config = json!({ "preset": "seed", "dropout": 0.0 });
    activation(given, &mut config);
    pooling(given, &mut config)?;
    // A sentence that says what the preset is.
    given.take("lrn_defaults");
    let mut lrn = lrn(given)?;
    if let Some(sizes) = given.take("lrn_sizes") {
        lrn["sizes"] = sizes;
    }
    config["lrn"] = lrn;
    Ok(Plugin {
        name: "alexnet",
        config,
    })
}

fn activation(given: &mut Table, config: &mut Value) {
    if let Some(activation) = given.take("activation") {
        config["activation"] = activation;
    }
}

fn pooling(given: &mut Table, config: &mut Value) -> Result<()> {
    let Some(pooling) = given.take("pool") else {
        return Ok(());
    };
    config["pooling"] = match pooling.as_str() {
        Some("overlapping") => json!("overlapping"),
        Some("non-overlapping" | "non_overlapping" | "nonoverlapping") => json!("non_overlapping"),
        _ => bail!("`pool` is {pooling}; known are `overlapping` and `non-overlapping`"),
    };
    Ok(())
}

/// The keys that response normalisation has in every network.
fn lrn(given: &mut Table) -> Result<Value> {
    let mut lrn = json!({});
    if let Some(enabled) = given.take("lrn") {
        lrn["enabled"] = enabled;
    }
    if let Some(alpha) = given.number("lrn_alpha_paper")? {
        lrn["alpha"] = json!(alpha);
        lrn["convention"] = json!("sum");
    }
    for (theirs, ours) in [("lrn_beta", "beta"), ("lrn_k", "k")] {
        if let Some(value) = given.number(theirs)? {
            lrn[ours] = json!(value);
        }
    }
    Ok(lrn)
}
