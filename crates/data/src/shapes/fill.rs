//! Colours and textures. No class has a texture of its own, and only two have
//! colours of their own.

use super::dice::Dice;

/// Red, green and blue, each 0 to 1.
pub(super) type Colour = [f32; 3];

/// A family of hues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Palette {
    /// Magenta-red over orange to yellow.
    Warm,
    /// Green-cyan to violet-blue.
    Cool,
}

impl Palette {
    /// One of the two, evenly.
    pub fn any(dice: &mut Dice) -> Self {
        if dice.chance(0.5) {
            Self::Warm
        } else {
            Self::Cool
        }
    }

    /// A colour of the family.
    pub fn colour(self, dice: &mut Dice) -> Colour {
        // Hues in sixths of the colour circle: 0 red, 1 yellow, 3 cyan, 4 blue.
        let hue = match self {
            Self::Warm => dice.between(-0.4, 0.95),
            Self::Cool => dice.between(2.5, 4.4),
        };
        let saturation = dice.between(0.35, 0.95);
        let value = dice.between(0.3, 1.0);
        let wheel = |offset: f32| {
            let turned = hue + offset;
            let position = turned - 6.0 * (turned / 6.0).floor();
            ((position - 3.0).abs() - 1.0).clamp(0.0, 1.0)
        };
        [0.0, 4.0, 2.0].map(|offset| value * (1.0 - saturation * (1.0 - wheel(offset))))
    }
}

/// How much two colours differ, 0 to about 1.7.
pub(super) fn contrast(a: Colour, b: Colour) -> f32 {
    let difference = |channel: usize| (a[channel] - b[channel]) * (a[channel] - b[channel]);
    (difference(0) + difference(1) + difference(2)).sqrt()
}

/// Points a side of the lattice behind blotches.
const LATTICE: usize = 7;

#[derive(Clone, Debug)]
enum Texture {
    Flat,
    /// A slow change along a direction.
    Shade {
        along: [f32; 2],
    },
    /// Bands across a direction, `along` scaled to bands a unit.
    Stripes {
        along: [f32; 2],
        phase: f32,
    },
    /// A checkerboard in two directions.
    Checks {
        along: [f32; 2],
        phase: f32,
    },
    /// Smooth random spots.
    Blotches {
        lattice: [[f32; LATTICE]; LATTICE],
    },
}

/// What a surface is painted with: two near colours and a pattern of them.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    low: Colour,
    step: Colour,
    texture: Texture,
}

impl Fill {
    /// A random texture around `colour`.
    pub fn around(colour: Colour, dice: &mut Dice) -> Self {
        let depth = dice.between(0.1, 0.36);
        let texture = match dice.index(6) {
            0 => Texture::Flat,
            1 => Texture::Shade {
                along: scaled(dice.direction(), 0.45),
            },
            2 | 3 => Texture::Stripes {
                along: scaled(dice.direction(), dice.between(1.3, 3.2)),
                phase: dice.unit(),
            },
            4 => Texture::Checks {
                along: scaled(dice.direction(), dice.between(1.0, 2.2)),
                phase: dice.unit(),
            },
            _ => Texture::Blotches {
                lattice: std::array::from_fn(|_| std::array::from_fn(|_| dice.unit())),
            },
        };
        let low = colour.map(|channel| channel * (1.0 - depth));
        // The bright half of the pattern leans towards white.
        let step = colour
            .map(|channel| (channel + (1.0 - channel) * 0.5 * depth) - channel * (1.0 - depth));
        Self { low, step, texture }
    }

    /// The colour at a point of the image, whose corners are (-1, -1) and (1, 1).
    pub fn at(&self, [x, y]: [f32; 2]) -> Colour {
        let mix = match &self.texture {
            Texture::Flat => 0.5,
            Texture::Shade { along } => (0.5 + x * along[0] + y * along[1]).clamp(0.0, 1.0),
            Texture::Stripes { along, phase } => band(x * along[0] + y * along[1] + phase),
            Texture::Checks { along, phase } => {
                let a = band(x * along[0] + y * along[1] + phase);
                let b = band(y * along[0] - x * along[1] + phase);
                a + b - 2.0 * a * b
            }
            Texture::Blotches { lattice } => blotch(lattice, x, y),
        };
        std::array::from_fn(|channel| self.low[channel] + mix * self.step[channel])
    }
}

fn scaled(direction: [f32; 2], by: f32) -> [f32; 2] {
    direction.map(|component| component * by)
}

/// A square wave of period 1 with soft edges, 0 to 1; positions above -16.
fn band(position: f32) -> f32 {
    // `floor` is a function call where the instruction set is not known; a cast is not.
    let shifted = position + 16.0;
    let fraction = shifted - (shifted as i32) as f32;
    ((fraction - 0.5).abs() * 4.0 - 0.5).clamp(0.0, 1.0)
}

/// The lattice, smoothly interpolated and with its contrast raised.
fn blotch(lattice: &[[f32; LATTICE]; LATTICE], x: f32, y: f32) -> f32 {
    let cell = |position: f32| {
        let scaled = (position + 1.0) * 0.5 * (LATTICE - 1) as f32;
        let index = (scaled as usize).min(LATTICE - 2);
        let fraction = (scaled - index as f32).clamp(0.0, 1.0);
        (index, fraction * fraction * (3.0 - 2.0 * fraction))
    };
    let ((column, right), (row, down)) = (cell(x), cell(y));
    let across = |row: usize| {
        let [left, other] = [lattice[row][column], lattice[row][column + 1]];
        left + (other - left) * right
    };
    let value = across(row) + (across(row + 1) - across(row)) * down;
    ((value - 0.5) * 1.8 + 0.5).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use ablate_core::Stream;

    use super::*;

    #[test]
    fn palettes_keep_their_side_and_fills_stay_in_range() {
        let mut dice = Dice::new(Stream::new(1));
        for _ in 0..2000 {
            let warm = Palette::Warm.colour(&mut dice);
            let cool = Palette::Cool.colour(&mut dice);
            assert!(warm[0] > warm[2] && cool[2] > cool[0], "{warm:?} {cool:?}");
            let fill = Fill::around(warm, &mut dice);
            let point = [dice.between(-1.0, 1.0), dice.between(-1.0, 1.0)];
            assert!(
                fill.at(point)
                    .iter()
                    .all(|channel| (0.0..=1.0).contains(channel))
            );
        }
    }
}
