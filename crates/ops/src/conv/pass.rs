//! Which source pixels each produced pixel sums over, forwards and backwards.
//!
//! The input gradient is itself a correlation: of the output's gradient, with
//! the taps turned round and, where the stride is above one, only every
//! stride-th of them. One kernel computes both from a [`Pass`].

use super::ConvShape;

/// The taps that reach one produced row or column; those that would read
/// padding are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// How many taps there are.
    pub count: usize,
    /// The first of them, counted from the end where the pass turns them round.
    pub tap: usize,
    /// The source row or column it reads.
    pub source: usize,
}

/// What the bfloat16 kernel, which adds up two products in one step, pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairing {
    /// Neighbouring channels, of which each group has `count`; an odd last one
    /// has zero for a partner.
    Channels { count: usize },
    /// Neighbouring columns of images, whose few channels would leave many
    /// without a partner. The pair of column `j` is at `j + 1`; one with the
    /// padding before the first column comes first. Filters are `kernel` wide.
    Columns { kernel: usize },
}

/// The most channels an image has; a source with more is some layer's output.
pub(super) const COLOURS: usize = 4;

/// One direction of a convolution. In a paired one, channels, taps and source
/// columns are counted in pairs.
#[derive(Debug)]
pub(super) struct Pass {
    /// Independent convolutions.
    pub groups: usize,
    /// Produced channels of each group.
    pub produced: usize,
    /// Source channels of each group, summed over.
    pub summed: usize,
    /// `[height, width]` of what is read.
    pub source: [usize; 2],
    /// `[height, width]` of the filters.
    pub kernel: [usize; 2],
    /// The taps of each produced row and of each produced column.
    pub spans: [Vec<Span>; 2],
    /// How operands are paired, where they are.
    pub pairing: Option<Pairing>,
    /// How many source columns lie between those of neighbouring taps.
    pub source_step: usize,
    /// Whether the taps are turned round, so that later ones read later pixels.
    pub turned: bool,
    /// Which step in taps leads to the next source row and column.
    pub tap_step: [usize; 2],
}

impl Pass {
    /// Produces the output from the input.
    pub fn forward(shape: &ConvShape) -> Self {
        let extent = shape.output();
        let spans = [0, 1].map(|axis| {
            (0..extent[axis])
                .map(|position| {
                    let start = position * shape.stride[axis];
                    let tap = shape.padding[axis].saturating_sub(start);
                    let end = (shape.input[axis] + shape.padding[axis])
                        .saturating_sub(start)
                        .min(shape.kernel[axis]);
                    Span::new(
                        end.saturating_sub(tap),
                        tap,
                        start + tap,
                        shape.padding[axis],
                    )
                })
                .collect()
        });
        Self {
            groups: shape.groups,
            produced: shape.group_outputs(),
            summed: shape.group_inputs(),
            source: shape.input,
            kernel: shape.kernel,
            spans,
            pairing: None,
            source_step: 1,
            turned: false,
            tap_step: [1, 1],
        }
    }

    /// Produces the input's gradient from the output's.
    pub fn input_gradient(shape: &ConvShape) -> Self {
        let extent = shape.output();
        let spans = [0, 1].map(|axis| {
            let (stride, padding) = (shape.stride[axis], shape.padding[axis]);
            (0..shape.input[axis])
                .map(|position| {
                    let reaching = |tap: usize| {
                        let distance = (position + padding).checked_sub(tap)?;
                        let output = distance / stride;
                        (distance % stride == 0 && output < extent[axis]).then_some((tap, output))
                    };
                    let last = shape.kernel[axis] - 1;
                    let mut taps = (0..=last).rev().filter_map(reaching);
                    match taps.next() {
                        Some((tap, source)) => Span::new(1 + taps.count(), last - tap, source, 0),
                        None => Span::new(0, 0, 0, 0),
                    }
                })
                .collect()
        });
        Self {
            groups: shape.groups,
            produced: shape.group_inputs(),
            summed: shape.group_outputs(),
            source: extent,
            kernel: shape.kernel,
            spans,
            pairing: None,
            source_step: 1,
            turned: true,
            tap_step: shape.stride,
        }
    }

    /// [`Self::forward`] for paired operands.
    pub fn paired_forward(shape: &ConvShape) -> Self {
        let pass = Self::forward(shape);
        if pass.summed > COLOURS || shape.kernel[1] == 1 {
            return pass.with_paired_channels();
        }
        let (stride, padding) = (shape.stride[1], shape.padding[1]);
        let [height, width] = shape.input;
        let kernel = shape.kernel[1].div_ceil(2);
        let columns = (0..pass.spans[1].len()).map(|position| {
            // Pair `tap` reads the columns `start + 2 * tap` and the next, where
            // columns are counted from one before the first.
            let start = position * stride + 1;
            let tap = padding.saturating_sub(start).div_ceil(2);
            let end = (width + 1 + padding).saturating_sub(start).div_ceil(2);
            let count = end.min(kernel).saturating_sub(tap);
            Span::new(count, tap, start + 2 * tap, padding)
        });
        Self {
            kernel: [shape.kernel[0], kernel],
            source: [height, width + 1],
            spans: [pass.spans[0].clone(), columns.collect()],
            pairing: Some(Pairing::Columns {
                kernel: shape.kernel[1],
            }),
            source_step: 2,
            ..pass
        }
    }

    /// [`Self::input_gradient`] for paired operands.
    pub fn paired_input_gradient(shape: &ConvShape) -> Self {
        Self::input_gradient(shape).with_paired_channels()
    }

    fn with_paired_channels(self) -> Self {
        Self {
            summed: self.summed.div_ceil(2),
            pairing: Some(Pairing::Channels { count: self.summed }),
            ..self
        }
    }

    /// `[height, width]` of what is produced.
    pub fn extent(&self) -> [usize; 2] {
        [self.spans[0].len(), self.spans[1].len()]
    }

    /// Source values of one image.
    pub fn source_len(&self) -> usize {
        self.groups * self.summed * self.source[0] * self.source[1]
    }

    /// Produced values of one image.
    pub fn produced_len(&self) -> usize {
        self.groups * self.produced * self.spans[0].len() * self.spans[1].len()
    }

    /// Multiplications for one produced channel and one source channel.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}

impl Span {
    /// A span whose first tap reads `padded - padding`; an empty one reads nothing.
    fn new(count: usize, tap: usize, padded: usize, padding: usize) -> Self {
        if count == 0 {
            return Self {
                count: 0,
                tap: 0,
                source: 0,
            };
        }
        Self {
            count,
            tap,
            source: padded - padding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_leave_out_padding() {
        let shape = ConvShape::new([1, 1], 1, [5, 1], [1, 1], [2, 0], [8, 8]).expect("valid");
        let spans = &Pass::forward(&shape).spans[0];
        let counts: Vec<_> = spans.iter().map(|span| span.count).collect();
        assert_eq!(counts, [3, 4, 5, 5, 5, 5, 4, 3]);
        assert_eq!((spans[0].tap, spans[0].source), (2, 0));
        assert_eq!((spans[7].tap, spans[7].source), (0, 5));
    }

    #[test]
    fn a_strided_gradient_walks_every_stride_th_tap() {
        let shape = ConvShape::new([1, 1], 1, [3, 1], [2, 1], [0, 0], [6, 1]).expect("valid");
        let spans = &Pass::input_gradient(&shape).spans[0];
        let found: Vec<_> = spans
            .iter()
            .map(|span| (span.count, span.tap, span.source))
            .collect();
        // Row 2 is read by output 1 with tap 0 and by output 0 with tap 2; row 5 by none.
        assert_eq!(
            found,
            [
                (1, 2, 0),
                (1, 1, 0),
                (2, 0, 0),
                (1, 1, 1),
                (1, 0, 1),
                (0, 0, 0)
            ]
        );
    }
}
