//! Presets: where the keys that are not given come from.

use ablate_nn::config::{Convention, Nonlinearity};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::config::{AlexNet, DropoutPlace, Init, Preset, ResponseNorm};

impl Preset {
    /// The network with no other key given.
    pub fn config(self) -> AlexNet {
        match self {
            Self::Paper => AlexNet::default(),
            Self::Seed => AlexNet {
                preset: Self::Seed,
                activation: Nonlinearity::Relu,
                gpus: 1,
                kernels: Some([64, 192, 384, 256, 256]),
                sizes: [5, 5, 5, 5],
                lrn: ResponseNorm {
                    sizes: [11, 5],
                    k: 1.0,
                    convention: Convention::Mean,
                    ..ResponseNorm::default()
                },
                dropout_at: DropoutPlace::Maps,
                init: Init::Pytorch,
                ..AlexNet::default()
            },
        }
    }
}

impl<'de> Deserialize<'de> for AlexNet {
    /// Reads `preset` first and lays the given keys over that preset's, so that
    /// a resolved config holds the numbers of the network it builds.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Value::deserialize(deserializer)?;
        let preset = match given.get("preset") {
            Some(name) => Preset::deserialize(name).map_err(|error| named("preset", error))?,
            None => Preset::default(),
        };
        let mut config = serde_json::to_value(preset.config()).map_err(D::Error::custom)?;
        overlay(&mut config, given);
        let mut track = serde_path_to_error::Track::new();
        let config = serde_path_to_error::Deserializer::new(config, &mut track);
        // The derived function, which the inherent name shadows this one with.
        Self::deserialize(config).map_err(|error| named(&track.path().to_string(), error))
    }
}

impl Serialize for AlexNet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

fn named<E: Error>(key: &str, error: impl std::fmt::Display) -> E {
    E::custom(format!("`{key}`: {error}"))
}

/// Replaces what `over` gives, table by table.
fn overlay(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                overlay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}
