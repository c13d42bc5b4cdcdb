//! The outlines as signed distances: negative inside, in units of the outline's
//! own radius of about one.
//!
//! Only exact IEEE operations are used (no sine, no exponential), so pixels are
//! the same on every platform.

/// The form of a painted thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outline {
    Disc,
    Ring,
    Triangle,
    Square,
    Star,
    Cross,
    Crescent,
    Heart,
    Bowtie,
    /// A long thin bar; clutter, never a subject.
    Bar,
}

impl Outline {
    /// Signed distance of a point from the outline; exact near it, a lower bound
    /// elsewhere.
    pub fn distance(self, [x, y]: [f32; 2]) -> f32 {
        match self {
            Self::Disc => length(x, y) - 0.9,
            Self::Ring => (length(x, y) - 0.7).abs() - 0.22,
            Self::Triangle => triangle(x, y),
            Self::Square => x.abs().max(y.abs()) - 0.78,
            Self::Star => star(x, y),
            Self::Cross => cross(x, y),
            Self::Crescent => (length(x, y) - 0.95).max(0.74 - length(x - 0.42, y)),
            Self::Heart => heart(x, y),
            Self::Bowtie => bowtie(x, y),
            Self::Bar => (x.abs() - 3.0).max(y.abs() - 0.28),
        }
    }

    /// The radius of a circle around the origin that holds the outline.
    pub fn reach(self) -> f32 {
        match self {
            Self::Bar => 3.02,
            Self::Square => 1.11,
            Self::Triangle | Self::Bowtie | Self::Heart => 1.15,
            _ => 1.05,
        }
    }
}

fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// Equilateral, pointing up: the largest of three half-planes.
fn triangle(x: f32, y: f32) -> f32 {
    const HALF_ROOT_3: f32 = 0.866_025_4;
    (HALF_ROOT_3 * x.abs() - 0.5 * y).max(y) - 0.53
}

/// Five points: fold the plane into half a point, then one edge is left.
fn star(x: f32, y: f32) -> f32 {
    const POINT: f32 = 1.05;
    const INNER: f32 = 0.42;
    // Normals of the folds at 36 degrees and its mirror image.
    const FOLD: [f32; 2] = [0.809_017, -0.587_785_25];
    let (mut x, mut y) = (x.abs(), -y);
    for side in [1.0, -1.0] {
        let beyond = 2.0 * (side * FOLD[0] * x + FOLD[1] * y).max(0.0);
        x -= beyond * side * FOLD[0];
        y -= beyond * FOLD[1];
    }
    let (x, y) = (x.abs(), y - POINT);
    // The edge from the point (0, POINT) to the inner corner at 36 degrees.
    let edge = [INNER * 0.587_785_25, INNER * 0.809_017 - POINT];
    let along =
        ((x * edge[0] + y * edge[1]) / (edge[0] * edge[0] + edge[1] * edge[1])).clamp(0.0, 1.0);
    let away = length(x - along * edge[0], y - along * edge[1]);
    if y * edge[0] - x * edge[1] > 0.0 {
        away
    } else {
        -away
    }
}

/// Two bars of equal length.
fn cross(x: f32, y: f32) -> f32 {
    let (x, y) = (x.abs(), y.abs());
    (x.max(y) - 0.98).max(x.min(y) - 0.29)
}

/// A square on its tip with a disc on each upper side.
fn heart(x: f32, y: f32) -> f32 {
    const HALF_DIAGONAL: f32 = 0.8;
    let (x, y) = (x.abs(), y - 0.18);
    let square = (x + y.abs() - HALF_DIAGONAL) * std::f32::consts::FRAC_1_SQRT_2;
    let disc = length(x - 0.5 * HALF_DIAGONAL, y + 0.5 * HALF_DIAGONAL)
        - HALF_DIAGONAL * std::f32::consts::FRAC_1_SQRT_2;
    square.min(disc)
}

/// Two triangles that meet at their tips.
fn bowtie(x: f32, y: f32) -> f32 {
    let (x, y) = (x.abs(), y.abs());
    // The edge y = 0.1 + 0.72 x, its normal scaled to length one.
    (x - 0.9).max((y - 0.72 * x - 0.1) * 0.811_534_4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Outline; 10] = [
        Outline::Disc,
        Outline::Ring,
        Outline::Triangle,
        Outline::Square,
        Outline::Star,
        Outline::Cross,
        Outline::Crescent,
        Outline::Heart,
        Outline::Bowtie,
        Outline::Bar,
    ];

    fn grid() -> impl Iterator<Item = [f32; 2]> {
        (-64..=64).flat_map(|y| (-64..=64).map(move |x| [x as f32 / 20.0, y as f32 / 20.0]))
    }

    #[test]
    fn every_outline_lies_within_its_reach_and_is_not_small() {
        for outline in ALL {
            let inside: Vec<_> = grid()
                .filter(|&point| outline.distance(point) < 0.0)
                .collect();
            let reach = outline.reach();
            assert!(
                inside.iter().all(|&[x, y]| length(x, y) < reach),
                "{outline:?} reaches beyond {reach}"
            );
            let area = inside.len() as f32 / 400.0;
            assert!((0.9..3.5).contains(&area), "{outline:?} has area {area}");
        }
    }

    #[test]
    fn distances_grow_no_faster_than_the_point_moves() {
        for outline in ALL {
            for [x, y] in grid() {
                let here = outline.distance([x, y]);
                for step in [[0.05, 0.0], [0.0, 0.05]] {
                    let there = outline.distance([x + step[0], y + step[1]]);
                    assert!((there - here).abs() < 0.0505, "{outline:?} at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn outlines_are_their_own_mirror_image() {
        for outline in ALL {
            let differs = |mirror: fn([f32; 2]) -> [f32; 2]| {
                grid().any(|point| {
                    (outline.distance(point) - outline.distance(mirror(point))).abs() > 1e-5
                })
            };
            assert!(
                !differs(|[x, y]| [-x, y]) || !differs(|[x, y]| [x, -y]),
                "{outline:?} would change its class when reflected"
            );
        }
    }
}
