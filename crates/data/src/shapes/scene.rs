//! What one image shows, drawn from its dice: a subject, clutter behind it,
//! something in front of it, light and grain.

use super::dice::{Dice, rotate};
use super::fill::{Colour, Fill, Palette, contrast};
use super::outline::Outline;

/// A class: an outline, and for some the colours it must have.
pub(super) struct Class {
    pub name: &'static str,
    outline: Outline,
    palette: Option<Palette>,
}

const fn class(name: &'static str, outline: Outline, palette: Option<Palette>) -> Class {
    Class {
        name,
        outline,
        palette,
    }
}

/// The classes by label. Colour alone tells the two discs apart and no others.
pub(super) const CLASSES: [Class; 10] = [
    class("warm disc", Outline::Disc, Some(Palette::Warm)),
    class("cool disc", Outline::Disc, Some(Palette::Cool)),
    class("ring", Outline::Ring, None),
    class("triangle", Outline::Triangle, None),
    class("square", Outline::Square, None),
    class("star", Outline::Star, None),
    class("cross", Outline::Cross, None),
    class("crescent", Outline::Crescent, None),
    class("heart", Outline::Heart, None),
    class("bowtie", Outline::Bowtie, None),
];

/// An outline placed in the image and filled.
pub(super) struct Item {
    pub outline: Outline,
    pub centre: [f32; 2],
    /// Radius; the image is 2 wide.
    pub radius: f32,
    /// The direction of the item's own x axis.
    pub axis: [f32; 2],
    /// Length over width, area kept.
    pub stretch: f32,
    pub fill: Fill,
}

impl Item {
    /// A point of the image in the outline's own coordinates.
    pub fn local(&self, point: [f32; 2]) -> [f32; 2] {
        let offset = [point[0] - self.centre[0], point[1] - self.centre[1]];
        let [x, y] = rotate(offset, [self.axis[0], -self.axis[1]]);
        [
            x / (self.radius * self.stretch),
            y * self.stretch / self.radius,
        ]
    }
}

/// Everything that is in one image.
pub(super) struct Scene {
    pub ground: Fill,
    /// In the order of painting.
    pub items: Vec<Item>,
    /// Gain of each channel: the colour and the strength of the light.
    pub light: Colour,
    /// How the light changes over the image, a unit.
    pub falloff: [f32; 2],
    /// Deviation of the grain, in pixel values of 255.
    pub grain: f32,
}

/// The least [`contrast`] of a subject with what is behind it.
const LEAST_CONTRAST: f32 = 0.4;

impl Scene {
    /// Draws a scene of the class with that label.
    pub fn draw(label: usize, dice: &mut Dice) -> Self {
        let class = &CLASSES[label];
        let palette = class.palette.unwrap_or_else(|| Palette::any(dice));
        let colour = palette.colour(dice);
        let ground = distinct(colour, dice);
        let subject = Item {
            outline: class.outline,
            centre: [dice.between(-0.3, 0.3), dice.between(-0.3, 0.3)],
            radius: dice.between(0.45, 0.72),
            axis: dice.direction(),
            stretch: dice.between(0.87, 1.15),
            fill: Fill::around(colour, dice),
        };
        let mut items: Vec<Item> = (0..1 + dice.index(4))
            .map(|_| clutter(colour, dice))
            .collect();
        let occluder = dice.chance(0.35).then(|| occluder(&subject, ground, dice));
        items.push(subject);
        items.extend(occluder);
        Self {
            ground: Fill::around(ground, dice),
            items,
            light: light(dice),
            falloff: dice.direction().map(|component| component * 0.22),
            grain: dice.between(2.0, 13.0),
        }
    }
}

/// A colour of either palette that stands out from `colour`.
fn distinct(colour: Colour, dice: &mut Dice) -> Colour {
    loop {
        let other = Palette::any(dice).colour(dice);
        if contrast(colour, other) > LEAST_CONTRAST {
            return other;
        }
    }
}

/// A small thing behind the subject.
fn clutter(subject: Colour, dice: &mut Dice) -> Item {
    const OUTLINES: [Outline; 5] = [
        Outline::Bar,
        Outline::Bar,
        Outline::Disc,
        Outline::Square,
        Outline::Triangle,
    ];
    let outline = OUTLINES[dice.index(OUTLINES.len())];
    let radius = match outline {
        Outline::Bar => dice.between(0.1, 0.24),
        _ => dice.between(0.1, 0.22),
    };
    let colour = distinct(subject, dice);
    Item {
        outline,
        centre: [dice.between(-1.0, 1.0), dice.between(-1.0, 1.0)],
        radius,
        axis: dice.direction(),
        stretch: 1.0,
        fill: Fill::around(colour, dice),
    }
}

/// A bar in the colours of the ground across a part of the subject.
fn occluder(subject: &Item, ground: Colour, dice: &mut Dice) -> Item {
    let axis = dice.direction();
    let offset = rotate([0.0, dice.between(0.35, 0.95) * subject.radius], axis);
    Item {
        outline: Outline::Bar,
        centre: [subject.centre[0] + offset[0], subject.centre[1] + offset[1]],
        radius: dice.between(0.25, 0.5) * subject.radius,
        axis,
        stretch: 1.3,
        fill: Fill::around(ground, dice),
    }
}

/// White light of any strength, a little tinted.
fn light(dice: &mut Dice) -> Colour {
    let strength = dice.between(0.72, 1.08);
    std::array::from_fn(|_| strength * dice.between(0.87, 1.13))
}
