//! A data set held in memory, for the tests of steps that take statistics.

use ablate_core::{AugmentationContext, Dataset, DatasetInfo, Error, Result, Split};

pub(crate) struct InMemory {
    info: DatasetInfo,
    train: Vec<Vec<u8>>,
}

impl InMemory {
    pub fn new(shape: [usize; 3], train: Vec<Vec<u8>>) -> Self {
        assert!(
            train
                .iter()
                .all(|image| image.len() == shape.iter().product::<usize>())
        );
        Self {
            info: DatasetInfo {
                description: "images held in memory".to_string(),
                shape,
                classes: vec!["only".to_string()],
            },
            train,
        }
    }

    /// `count` images of noise from a fixed linear congruential generator whose
    /// channels are correlated, as those of photographs are.
    pub fn noise(shape: [usize; 3], count: usize) -> Self {
        let mut state = 1u32;
        let mut draw = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        let [channels, height, width] = shape;
        let train = (0..count).map(|_| {
            let grey: Vec<u32> = (0..height * width).map(|_| draw()).collect();
            (0..channels)
                .flat_map(|_| {
                    grey.iter()
                        .map(|grey| ((3 * grey + draw()) / 4) as u8)
                        .collect::<Vec<_>>()
                })
                .collect()
        });
        let train = train.collect();
        Self::new(shape, train)
    }

    pub fn train(&self) -> &[Vec<u8>] {
        &self.train
    }

    /// What a step is built from when these images reach it untouched.
    pub fn context(&self) -> AugmentationContext<'_> {
        self.context_of(self.info.shape)
    }

    /// What a step is built from behind others that make the shape `input`.
    pub fn context_of(&self, input: [usize; 3]) -> AugmentationContext<'_> {
        AugmentationContext {
            input,
            data: self,
            statistics: None,
        }
    }
}

impl Dataset for InMemory {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train.len(),
            Split::Validation => 0,
        }
    }

    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
        match (split, self.train.get(index)) {
            (Split::Train, Some(image)) => pixels.copy_from_slice(image),
            _ => return Err(Error::Other(format!("{split:?} has no image {index}"))),
        }
        Ok(0)
    }
}
