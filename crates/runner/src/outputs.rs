//! What a finished model leaves behind beyond its metrics.

use ablate_core::{Split, Stream};
use ablate_store::{Contents, Filters, Gallery, Predictions, Retrieval, Samples};
use rand::seq::index;

use crate::config::Evaluation;
use crate::session::Session;
use crate::{Error, Result};

/// Adds sample images with their features and what is found near them, and the
/// first filters, to what the model said of the validation split.
pub(crate) fn gather(
    session: &Session,
    config: &Evaluation,
    predictions: Predictions,
) -> Result<Contents> {
    let chosen = spread(&predictions.targets, config.samples);
    let samples = Views::read(session, Split::Validation, &chosen, config.batch_size)?;
    let targets = samples.targets.clone();
    let samples = samples.into_samples(session);
    let retrieval = match samples.features {
        None => None,
        Some(_) => Retrieval::search(&samples, &targets, &gallery(session, config)?),
    };
    Ok(Contents {
        classes: session.data.info().classes.clone(),
        samples,
        filters: filters(session)?,
        retrieval,
        predictions,
    })
}

/// Training images to be searched. They are no business of the trial's seed: with
/// the same ones for every seed and variant, what these find can be compared.
fn gallery(session: &Session, config: &Evaluation) -> Result<Gallery> {
    let images = session.data.len(Split::Train);
    let mut rng = Stream::new(0).named("gallery").rng();
    let drawn = index::sample(&mut rng, images, config.gallery.min(images));
    let mut chosen = drawn.into_vec();
    chosen.sort_unstable();
    let views = Views::read(session, Split::Train, &chosen, config.batch_size)?;
    Ok(Gallery {
        index: views.index,
        targets: views.targets,
        pixels: views.pixels,
        features: views.features.unwrap_or_default(),
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

/// Images as the network sees them, with what it makes of them.
struct Views {
    index: Vec<u32>,
    targets: Vec<u32>,
    pixels: Vec<u8>,
    features: Option<Vec<f32>>,
}

impl Views {
    fn read(session: &Session, split: Split, chosen: &[usize], batch_size: usize) -> Result<Self> {
        let mut views = Self {
            index: chosen.iter().map(|&index| index as u32).collect(),
            targets: Vec::with_capacity(chosen.len()),
            pixels: Vec::new(),
            features: Some(Vec::new()),
        };
        for batch in chosen.chunks(batch_size) {
            let [channels, height, width] = session.pipeline.output_shape();
            let all = [batch.len(), channels, height, width];
            let (images, ()) = session.loaders.staging.tensor(&all, |values| {
                let places = values.chunks_exact_mut(channels * height * width);
                for (&index, to) in batch.iter().zip(places) {
                    let data = session.data.as_ref();
                    let (shown, label) = session.pipeline.sample(data, split, index, to)?;
                    views.pixels.extend(shown);
                    views.targets.push(label);
                }
                Ok::<_, Error>(())
            })?;
            let features = session.model.features(&images)?;
            views.features = match (views.features.take(), features) {
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
        Ok(views)
    }

    fn into_samples(self, session: &Session) -> Samples {
        Samples {
            shape: session.pipeline.output_shape(),
            pixels: self.pixels,
            index: self.index,
            features: self.features,
        }
    }
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
