//! What each step does row by row is what it does to whole images.

use ablate_core::{AugmentationConfig, Image, Phase, Result, Stream, by_row, row_of};
use rand::Rng;

use crate::testing::InMemory;
use crate::{Magnitude, Mean, MeanSubtraction, PcaColour, RandomCrop, Reflection, Scale};

/// The same bits by both ways, and as much drawn.
fn agrees(config: &impl AugmentationConfig, input: [usize; 3]) -> Result<()> {
    let data = InMemory::noise(input, 2);
    let step = config.build(&data.context())?;
    let output = step.output_shape(input);
    let pixels: Vec<f32> = data.train()[0].iter().copied().map(f32::from).collect();
    for index in 0..20 {
        for phase in [Phase::Train, Phase::Evaluate] {
            let stream = Stream::new(9).at(index);
            let (mut one, mut other) = (stream.rng(), stream.rng());
            let mut image = Image {
                shape: input,
                data: pixels.clone(),
            };
            step.apply(&mut image, phase, &mut one)?;
            let rows = step.by_row(phase, &mut other).expect("a step by row");
            let mut found = vec![f32::NAN; output.iter().product()];
            let read = |channel, row, values: &mut Vec<f32>| {
                values.extend(row_of(&pixels, input, channel, row)?);
                Ok(())
            };
            by_row(&[rows], read, output, &mut found)?;
            assert_eq!((image.shape, image.data), (output, found));
            assert_eq!(one.random::<u64>(), other.random::<u64>());
        }
    }
    Ok(())
}

#[test]
fn mean_subtraction_by_row() -> Result<()> {
    for mean in [Mean::PerPixel, Mean::PerChannel] {
        for scale in [Scale::None, Scale::StandardDeviation] {
            agrees(&MeanSubtraction { mean, scale }, [3, 5, 7])?;
        }
    }
    Ok(())
}

#[test]
fn random_crop_by_row() -> Result<()> {
    for (size, padding) in [(0, 0), (4, 0), (0, 2), (3, 5), (8, 3), (1, 1)] {
        let config = RandomCrop {
            size,
            padding,
            ..RandomCrop::default()
        };
        agrees(&config, [2, 5, 7])?;
    }
    Ok(())
}

#[test]
fn reflection_by_row() -> Result<()> {
    for probability in [0.0, 0.5, 1.0] {
        agrees(&Reflection { probability }, [2, 3, 5])?;
    }
    Ok(())
}

#[test]
fn pca_colour_by_row() -> Result<()> {
    for magnitude in [Magnitude::StandardDeviation, Magnitude::Eigenvalue] {
        let sigma = 0.5;
        agrees(&PcaColour { sigma, magnitude }, [3, 4, 5])?;
    }
    Ok(())
}
