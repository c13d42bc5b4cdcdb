//! From a scene to pixels.

use super::dice::Dice;
use super::fill::Colour;
use super::scene::{Item, Scene};

/// Paints a scene into `pixels` (`3 * size * size` bytes, planes, rows from the top).
pub(super) fn paint(scene: &Scene, size: usize, dice: &mut Dice, pixels: &mut [u8]) {
    let canvas = Canvas {
        size,
        scale: 2.0 / size as f32,
    };
    let mut colours = canvas.ground(scene);
    for item in &scene.items {
        canvas.add(item, &mut colours);
    }
    canvas.light(scene, &mut colours);
    develop(&colours, scene.grain, dice, pixels);
}

/// The grid of pixel centres over the image's square from -1 to 1.
struct Canvas {
    size: usize,
    /// Width of a pixel.
    scale: f32,
}

impl Canvas {
    fn centre(&self, index: usize) -> f32 {
        (index as f32 + 0.5) * self.scale - 1.0
    }

    /// The pixels whose centres lie within `reach` of `position`.
    fn span(&self, position: f32, reach: f32) -> std::ops::Range<usize> {
        let first = ((position - reach + 1.0) / self.scale - 0.5).max(0.0) as usize;
        let end = ((position + reach + 1.0) / self.scale + 0.5).max(0.0) as usize;
        first..end.min(self.size)
    }

    fn ground(&self, scene: &Scene) -> Vec<Colour> {
        let mut colours = Vec::with_capacity(self.size * self.size);
        for row in 0..self.size {
            let y = self.centre(row);
            colours.extend((0..self.size).map(|column| scene.ground.at([self.centre(column), y])));
        }
        colours
    }

    /// Blends an item over what is there; its edge is one pixel wide.
    fn add(&self, item: &Item, colours: &mut [Colour]) {
        let longest = item.stretch.max(1.0 / item.stretch);
        let reach = item.radius * longest * item.outline.reach() + self.scale;
        // Distances shrink where the outline is squeezed; the narrow side counts.
        let sharpness = item.radius / (longest * self.scale);
        for row in self.span(item.centre[1], reach) {
            for column in self.span(item.centre[0], reach) {
                let point = [self.centre(column), self.centre(row)];
                let distance = item.outline.distance(item.local(point));
                let cover = (0.5 - distance * sharpness).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let paint = item.fill.at(point);
                    for (under, over) in colours[row * self.size + column].iter_mut().zip(paint) {
                        *under += cover * (over - *under);
                    }
                }
            }
        }
    }

    fn light(&self, scene: &Scene, colours: &mut [Colour]) {
        for (row, line) in colours.chunks_exact_mut(self.size).enumerate() {
            let down = 1.0 + self.centre(row) * scene.falloff[1];
            for (column, colour) in line.iter_mut().enumerate() {
                let strength = down + self.centre(column) * scene.falloff[0];
                for (channel, gain) in colour.iter_mut().zip(scene.light) {
                    *channel *= gain * strength;
                }
            }
        }
    }
}

/// Colours with grain as bytes, plane by plane.
fn develop(colours: &[Colour], grain: f32, dice: &mut Dice, pixels: &mut [u8]) {
    /// Deviation of the sum of two random bytes.
    const DEVIATION: f32 = 104.51;
    let mut bytes = vec![0; 2 * pixels.len()];
    dice.fill(&mut bytes);
    let scale = grain / DEVIATION;
    let planes = pixels.chunks_exact_mut(colours.len());
    let grains = bytes.chunks_exact(2 * colours.len());
    for (channel, (plane, grains)) in planes.zip(grains).enumerate() {
        for ((pixel, colour), pair) in plane.iter_mut().zip(colours).zip(grains.chunks_exact(2)) {
            let grain = (i32::from(pair[0]) + i32::from(pair[1]) - 255) as f32 * scale;
            // The cast saturates at 0 and 255.
            *pixel = (colour[channel] * 255.0 + grain + 0.5) as u8;
        }
    }
}
