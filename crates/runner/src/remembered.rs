//! A data set whose training moments are taken once, however many steps and trials ask.

use std::sync::OnceLock;

use ablate_core::{Dataset, DatasetInfo, Moments, Result, Split};

/// A data set, and what its training images were found to add up to.
pub(crate) struct Remembered {
    data: Box<dyn Dataset>,
    moments: OnceLock<Moments>,
}

impl Remembered {
    pub fn new(data: Box<dyn Dataset>) -> Self {
        Self {
            data,
            moments: OnceLock::new(),
        }
    }
}

impl Dataset for Remembered {
    fn info(&self) -> &DatasetInfo {
        self.data.info()
    }

    fn len(&self, split: Split) -> usize {
        self.data.len(split)
    }

    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
        self.data.read(split, index, pixels)
    }

    fn training_moments(&self) -> Result<Option<Moments>> {
        if let Some(moments) = self.moments.get() {
            return Ok(Some(moments.clone()));
        }
        // Not under a lock: a thread that waits for the others may be handed a task that
        // asks too. Two that take them at once find the same.
        let moments = Moments::of_training(self.data.as_ref())?;
        Ok(Some(self.moments.get_or_init(|| moments).clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Grey images that count how often they are read.
    struct Counting(DatasetInfo, Arc<AtomicUsize>);

    impl Dataset for Counting {
        fn info(&self) -> &DatasetInfo {
            &self.0
        }

        fn len(&self, split: Split) -> usize {
            match split {
                Split::Train => 600,
                Split::Validation => 7,
            }
        }

        fn read(&self, _: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
            self.1.fetch_add(1, Ordering::Relaxed);
            pixels.fill(index as u8);
            Ok(3)
        }
    }

    #[test]
    fn every_training_image_is_read_once_for_all_who_ask() -> Result<()> {
        let read = Arc::new(AtomicUsize::new(0));
        let info = DatasetInfo {
            description: "grey".to_string(),
            shape: [3, 2, 2],
            classes: vec!["only".to_string()],
        };
        let counting = || Counting(info.clone(), Arc::clone(&read));
        let expected = Moments::of_training(&counting())?;
        read.store(0, Ordering::Relaxed);
        let data = Remembered::new(Box::new(counting()));
        assert_eq!(data.len(Split::Validation), 7);
        for _ in 0..3 {
            assert_eq!(Moments::of_training(&data)?, expected);
        }
        assert_eq!(read.load(Ordering::Relaxed), 600);
        let mut pixels = [0; 12];
        assert_eq!(data.read(Split::Train, 5, &mut pixels)?, 3);
        assert_eq!(pixels, [5; 12]);
        Ok(())
    }
}
