//! The way forward through the towers.

use ablate_core::Pass;
use candle_core::Result;

use super::{Place, Towers};
use crate::fused::Saved;
use crate::workspace::Buffer;

/// One tower after one segment.
#[derive(Debug)]
pub(super) struct Stage {
    /// What the segment started from, `[N, whole]`, gathered from all towers;
    /// `None` for the images.
    pub input: Option<Buffer<f32>>,
    /// `[N, own]`.
    pub output: Buffer<f32>,
    /// What the backward pass needs.
    pub saved: Saved,
}

impl Towers {
    /// Takes images `[N, C, H, W]` through all segments; `output` is overwritten.
    /// Returns the stages, by segment and tower.
    pub(super) fn forward(
        &self,
        place: &Place,
        images: &[f32],
        pass: &Pass,
        keep: bool,
        output: &mut [f32],
    ) -> Result<Vec<Vec<Stage>>> {
        let batch = output.len() / self.output_len();
        let counts = place.is_apart() && pass.stream().is_some();
        let mut stages: Vec<Vec<Stage>> = Vec::with_capacity(self.segments.len());
        for (segment, network) in self.segments.iter().enumerate() {
            let run = |tower: usize, ()| {
                let input = segment.checked_sub(1).map(|before| {
                    let columns = &self.segments[before].columns;
                    let mut whole = self.buffers.take(batch * columns.whole());
                    let parts = stages[before].iter().map(|stage| &*stage.output);
                    columns.gather(parts, &mut whole);
                    if counts {
                        self.traffic.add_forward(batch * columns.foreign(tower));
                    }
                    whole
                });
                let network = &network.networks[tower];
                let mut output = self.buffers.take(batch * network.output_len());
                let from = input.as_deref().unwrap_or(images);
                let saved = network.forward(from, pass, keep, &mut output, None)?;
                Ok(Stage {
                    input,
                    output,
                    saved,
                })
            };
            let stage = place.each(vec![(); self.count()], run);
            stages.push(stage.into_iter().collect::<Result<_>>()?);
        }
        // The first tower's worker is where the loss will be.
        if let (Some(last), Some(stage)) = (self.segments.last(), stages.last()) {
            let parts = stage.iter().map(|stage| &*stage.output);
            last.columns.gather(parts, output);
            if counts {
                self.traffic.add_forward(batch * last.columns.foreign(0));
            }
        }
        Ok(stages)
    }
}
