//! What a finished model leaves behind beyond its metrics.

use ablate_core::Split;
use ablate_store::{Contents, Filters, Predictions, Samples};

use crate::config::Evaluation;
use crate::loader;
use crate::session::Session;
use crate::{Error, Result};

/// Adds sample images with their features, and the first filters, to what the
/// model said of the validation split.
pub(crate) fn gather(
    session: &Session,
    config: &Evaluation,
    predictions: Predictions,
) -> Result<Contents> {
    let chosen = spread(&predictions.targets, config.samples);
    Ok(Contents {
        classes: session.data.info().classes.clone(),
        samples: samples(session, &chosen, config.batch_size)?,
        filters: filters(session)?,
        predictions,
    })
}

/// The first `count` images, taken class by class in turn: a split sorted by
/// class would else show one class alone. Ascending.
fn spread(targets: &[u32], count: usize) -> Vec<usize> {
    let mut seen = vec![0_usize; targets.iter().max().map_or(0, |last| *last as usize + 1)];
    let mut ranked: Vec<(usize, u32, usize)> = targets
        .iter()
        .enumerate()
        .map(|(index, &target)| {
            let rank = &mut seen[target as usize];
            *rank += 1;
            (*rank, target, index)
        })
        .collect();
    ranked.sort_unstable();
    let mut chosen: Vec<usize> = ranked.iter().take(count).map(|entry| entry.2).collect();
    chosen.sort_unstable();
    chosen
}

fn samples(session: &Session, chosen: &[usize], batch_size: usize) -> Result<Samples> {
    let mut samples = Samples {
        shape: session.pipeline.output_shape(),
        pixels: Vec::new(),
        index: chosen.iter().map(|&index| index as u32).collect(),
        features: Some(Vec::new()),
    };
    for batch in chosen.chunks(batch_size) {
        let mut images = Vec::with_capacity(batch.len());
        for &index in batch {
            let data = session.data.as_ref();
            let (image, shown) = session.pipeline.sample(data, Split::Validation, index)?;
            images.push(image);
            samples.pixels.extend(shown);
        }
        let images = loader::stack(images, samples.shape)?;
        let features = session.features(&images)?;
        samples.features = match (samples.features.take(), features) {
            (Some(mut all), Some(rows)) => {
                if rows.dims().first() != Some(&batch.len()) {
                    return Err(Error::Other(format!(
                        "the model's features are {:?} for {} images",
                        rows.dims(),
                        batch.len()
                    )));
                }
                all.extend(rows.flatten_all()?.to_vec1::<f32>()?);
                Some(all)
            }
            _ => None,
        };
    }
    Ok(samples)
}

fn filters(session: &Session) -> Result<Option<Filters>> {
    let Some(weight) = session.first_convolution() else {
        return Ok(None);
    };
    let weight = weight.var.as_tensor();
    let (filters, channels, height, width) = weight.dims4()?;
    Ok(Some(Filters {
        shape: [filters, channels, height, width],
        weights: weight.flatten_all()?.to_vec1()?,
        towers: session.model.towers(),
    }))
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn samples_are_spread_over_classes() {
        let sorted = [0, 0, 0, 1, 1, 1, 2, 2];
        assert_eq!(spread(&sorted, 4), [0, 1, 3, 6]);
        let in_turn = [0, 1, 2, 0, 1, 2];
        assert_eq!(spread(&in_turn, 3), [0, 1, 2]);
        assert_eq!(spread(&sorted, 100), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(spread(&[7, 7], 1), [0]);
        assert!(spread(&[], 3).is_empty() && spread(&sorted, 0).is_empty());
    }
}
