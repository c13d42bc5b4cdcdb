//! Where the taps of produced pixels lie in a padded copy of the source.

use crate::conv::ConvShape;
use crate::tiles::{ROW_BYTES, ROWS};

/// One direction of a convolution over a padded source.
#[derive(Clone, Debug)]
pub(super) struct Geometry {
    pub groups: usize,
    /// Produced channels of each group.
    pub produced: usize,
    /// Source channels of each group.
    pub summed: usize,
    /// `[height, width]` of the source, of its padded copy, and of what is produced.
    pub source: [usize; 2],
    pub padded: [usize; 2],
    pub extent: [usize; 2],
    /// Zeros before the first row and column of the source.
    pub lead: [usize; 2],
    pub kernel: [usize; 2],
    stride: [usize; 2],
    /// Whether the taps are turned round.
    pub turned: bool,
}

impl Geometry {
    /// Produces the output from the input. None where some pixels read nothing
    /// but padding, of which there could be any amount.
    pub fn forward(shape: &ConvShape) -> Option<Self> {
        let extent = shape.output();
        [0, 1]
            .iter()
            .all(|axis| shape.padding[*axis] < shape.kernel[*axis])
            .then(|| Self {
                groups: shape.groups,
                produced: shape.group_outputs(),
                summed: shape.group_inputs(),
                source: shape.input,
                padded: [0, 1]
                    .map(|axis| (extent[axis] - 1) * shape.stride[axis] + shape.kernel[axis]),
                extent,
                lead: shape.padding,
                kernel: shape.kernel,
                stride: shape.stride,
                turned: false,
            })
    }

    /// Produces the input's gradient from the output's. None as in
    /// [`Self::forward`], and with strides, where most taps of each pixel would
    /// read zeros between the outputs.
    pub fn input_gradient(shape: &ConvShape) -> Option<Self> {
        let forward = Self::forward(shape).filter(|_| shape.stride == [1, 1])?;
        Some(Self {
            produced: shape.group_inputs(),
            summed: shape.group_outputs(),
            source: forward.extent,
            padded: [0, 1].map(|axis| shape.input[axis] + shape.kernel[axis] - 1),
            extent: shape.input,
            lead: [0, 1].map(|axis| shape.kernel[axis] - 1 - shape.padding[axis]),
            turned: true,
            ..forward
        })
    }

    /// For each produced pixel the padded one where its taps start.
    pub fn starts(&self) -> Vec<usize> {
        let [height, width] = self.extent;
        let row = |row: usize| row * self.stride[0] * self.padded[1];
        (0..height)
            .flat_map(|y| (0..width).map(move |x| row(y) + x * self.stride[1]))
            .collect()
    }

    /// Pixels of the source, of its padded copy, and of what is produced.
    pub fn pixels(&self) -> [usize; 3] {
        [self.source, self.padded, self.extent].map(|[height, width]| height * width)
    }

    /// Produced rows whose source, of `per_pixel` rows of 64 bytes a pixel, takes
    /// about `bytes`.
    pub fn band(&self, per_pixel: usize, bytes: usize) -> usize {
        let rows = bytes / (self.padded[1] * per_pixel * ROW_BYTES);
        rows.saturating_sub(self.kernel[0]) / self.stride[0] + 1
    }
}

/// The rows of 64 bytes that a row of the kernel reads, cut into tiles.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// How many there are.
    len: usize,
    /// Tiles of a run.
    tiles: usize,
    /// Bytes, from the start of a pixel's taps to each tile, of all rows of the kernel.
    pub offsets: Vec<usize>,
}

impl Run {
    /// With `per_pixel` rows of 64 bytes for each pixel.
    pub fn new(geometry: &Geometry, per_pixel: usize) -> Self {
        let len = geometry.kernel[1] * per_pixel;
        let mut run = Self {
            len,
            tiles: len.div_ceil(ROWS),
            offsets: Vec::new(),
        };
        for row in 0..geometry.kernel[0] {
            let start = row * geometry.padded[1] * per_pixel;
            for tile in 0..run.tiles {
                run.offsets.push((start + run.first(tile)) * ROW_BYTES);
            }
        }
        run
    }

    /// Rows of a tile.
    pub fn rows(&self) -> usize {
        self.len.min(ROWS)
    }

    /// The first row of a tile. The last tile starts so early that it reads
    /// nothing beyond the run.
    fn first(&self, tile: usize) -> usize {
        (tile * ROWS).min(self.len - self.rows())
    }

    /// The tile, among all, and the row in it that has the given row of the run
    /// of a row of the kernel. What two tiles have is the earlier one's.
    pub fn place(&self, kernel_row: usize, row: usize) -> (usize, usize) {
        let tile = row / ROWS;
        (kernel_row * self.tiles + tile, row - self.first(tile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_a_run_stay_within_it() {
        let shape = ConvShape::new([24, 1], 1, [2, 5], [1, 1], [0, 2], [3, 9]).expect("valid");
        let geometry = Geometry::forward(&shape).expect("less padding than kernel");
        assert_eq!((geometry.padded, geometry.extent), ([3, 13], [2, 9]));
        let run = Run::new(&geometry, 12);
        let second_row = 13 * 12;
        let firsts = [0, 16, 32, 44].map(|first| first * ROW_BYTES);
        assert_eq!(run.offsets[..4], firsts);
        assert_eq!(
            run.offsets[4..],
            firsts.map(|first| first + second_row * ROW_BYTES)
        );
        assert_eq!((run.place(1, 47), run.place(1, 48)), ((6, 15), (7, 4)));
    }

    #[test]
    fn a_gradient_with_strides_or_much_padding_is_left_to_others() {
        let with = |stride, padding| {
            let shape = ConvShape::new([1, 1], 1, [3, 3], stride, padding, [8, 8]);
            let shape = shape.expect("valid");
            [Geometry::forward(&shape), Geometry::input_gradient(&shape)]
                .map(|found| found.is_some())
        };
        assert_eq!(with([1, 1], [2, 2]), [true, true]);
        assert_eq!(with([1, 2], [2, 2]), [true, false]);
        assert_eq!(with([1, 1], [2, 3]), [false, false]);
    }
}
