//! Discs and rings on noise, as the plugin `my_plugin`.

use ablate_core::{
    DataContext, Dataset, DatasetConfig, DatasetInfo, Error, Result, Split, Stream, register,
};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SIDE: usize = 32;
const CLASSES: [&str; 2] = ["disc", "ring"];

/// What an experiment can change. These comments are what `describe` prints.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MyPlugin {
    /// Training images.
    pub train: usize,
    /// Validation images.
    pub validation: usize,
}

impl Default for MyPlugin {
    fn default() -> Self {
        Self {
            train: 1000,
            validation: 500,
        }
    }
}

register!(
    dataset,
    "my_plugin",
    MyPlugin,
    "discs and rings on noise, drawn as they are asked for"
);

impl DatasetConfig for MyPlugin {
    // A data set of files looks for them here, in the folders of
    // `DataContext::roots`, and says what to do where they are missing.
    fn build(&self, _: &DataContext) -> Result<Box<dyn Dataset>> {
        if self.train == 0 || self.validation == 0 {
            return Err(Error::bad_value(
                "train",
                "both splits need images",
                "give 1 or more of train and validation",
            ));
        }
        let (train, validation) = (self.train, self.validation);
        Ok(Box::new(Drawn {
            config: self.clone(),
            info: DatasetInfo {
                description: format!(
                    "discs and rings, drawn: {train} training and {validation} validation images"
                ),
                shape: [3, SIDE, SIDE],
                classes: CLASSES.map(String::from).to_vec(),
            },
        }))
    }
}

struct Drawn {
    config: MyPlugin,
    info: DatasetInfo,
}

impl Dataset for Drawn {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.config.train,
            Split::Validation => self.config.validation,
        }
    }

    // The same index must give the same pixels, from any thread.
    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
        let name = format!("{split:?}");
        let mut rng = Stream::new(0).named(&name).at(index).rng();
        let label = index % CLASSES.len();
        let radius = rng.random_range(6.0..12.0_f32);
        let (x, y) = (rng.random_range(12.0..20.0), rng.random_range(12.0..20.0));
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let (row, column) = (at / SIDE % SIDE, at % SIDE);
            let distance = (column as f32 - x).hypot(row as f32 - y) / radius;
            let inside = distance < 1.0 && (label == 0 || distance > 0.5);
            *pixel = rng.random_range(0..100) + if inside { 120 } else { 0 };
        }
        Ok(label as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_the_same_each_time_and_differ_from_each_other() -> Result<()> {
        let data = MyPlugin::default().build(&DataContext { roots: Vec::new() })?;
        let read = |split, index| -> Result<(Vec<u8>, u32)> {
            let mut pixels = vec![0; data.info().shape.iter().product()];
            let label = data.read(split, index, &mut pixels)?;
            Ok((pixels, label))
        };
        assert_eq!(read(Split::Train, 3)?, read(Split::Train, 3)?);
        assert_ne!(read(Split::Train, 3)?, read(Split::Train, 5)?);
        assert_ne!(read(Split::Train, 3)?, read(Split::Validation, 3)?);
        assert!((read(Split::Train, 3)?.1 as usize) < data.info().classes.len());
        Ok(())
    }
}
