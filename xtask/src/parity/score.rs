//! How far results are from their references, and how far they may be.

use std::fmt;

use anyhow::{Result, ensure};
use candle_core::{DType, Tensor};

/// What a result is; each kind has its own tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The result of an operator, the logits or the loss of a network.
    Output,
    /// A gradient of an operator.
    Gradient,
    /// A gradient of a network. Deep networks flip a maximum or a ReLU near zero
    /// now and then, which costs more than rounding.
    NetworkGradient,
    /// The losses along a few training steps.
    Training,
}

impl Kind {
    fn tolerance(self) -> f64 {
        match self {
            Self::Output | Self::Gradient => 1e-4,
            Self::NetworkGradient | Self::Training => 1e-3,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Output => "outputs",
            Self::Gradient | Self::NetworkGradient => "gradients",
            Self::Training => "training",
        }
    }
}

/// One result's error.
struct Entry {
    kind: Kind,
    name: String,
    error: f64,
}

/// The errors of one fixture.
#[derive(Default)]
pub struct Score(Vec<Entry>);

impl Score {
    /// Compares a result with its reference.
    ///
    /// # Errors
    /// They differ in shape or are not numbers.
    pub fn add(&mut self, kind: Kind, name: &str, found: &Tensor, wanted: &Tensor) -> Result<()> {
        same_shape(name, found.dims(), wanted.dims())?;
        let values = |tensor: &Tensor| -> Result<Vec<f64>> {
            Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
        };
        self.add_values(kind, name, &values(found)?, &values(wanted)?);
        Ok(())
    }

    /// Compares numbers with their references; another count of them is as wrong
    /// as can be.
    pub fn add_values(&mut self, kind: Kind, name: &str, found: &[f64], wanted: &[f64]) {
        let error = match found.len() == wanted.len() {
            true => relative_error(found, wanted),
            false => f64::INFINITY,
        };
        self.0.push(Entry {
            kind,
            name: name.to_string(),
            error,
        });
    }

    /// Compares a number with its reference, given what the reference may mean.
    pub fn add_nearest(&mut self, kind: Kind, name: &str, candidates: &[f64], wanted: &[f64]) {
        let distance = |found: f64| relative_error(&[found], wanted);
        let nearest = candidates
            .iter()
            .copied()
            .min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        self.add_values(kind, name, nearest.as_slice(), wanted);
    }

    /// Whether every result is within its tolerance; a NaN is not.
    pub fn passes(&self) -> bool {
        self.failures().next().is_none()
    }

    fn failures(&self) -> impl Iterator<Item = &Entry> {
        let within = |entry: &Entry| entry.error <= entry.kind.tolerance();
        self.0.iter().filter(move |entry| !within(entry))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for label in ["outputs", "gradients", "training"] {
            let entries = self.0.iter().filter(|entry| entry.kind.label() == label);
            // A NaN counts as the largest.
            let largest = entries.map(|entry| entry.error).max_by(f64::total_cmp);
            if let Some(largest) = largest {
                write!(f, "{label} {largest:<8.1e} ")?;
            }
        }
        match self.failures().next() {
            None => write!(f, "pass"),
            Some(Entry { kind, name, error }) => {
                let tolerance = kind.tolerance();
                write!(
                    f,
                    "FAIL: `{name}` is off by {error:.1e}, allowed are {tolerance:.0e}"
                )
            }
        }
    }
}

/// Refuses a result of another shape than its reference.
///
/// # Errors
/// It has one.
pub fn same_shape(name: &str, found: &[usize], wanted: &[usize]) -> Result<()> {
    ensure!(
        found == wanted,
        "`{name}` should have shape {wanted:?}, but ours is {found:?}"
    );
    Ok(())
}

/// The L2 norm of the difference over that of the reference; where the reference
/// is zero, the norm of the difference itself.
fn relative_error(found: &[f64], wanted: &[f64]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(wanted).map(|(f, w)| f - w));
    match norm(&mut wanted.iter().copied()) {
        0.0 => difference,
        reference => difference / reference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_unless_the_reference_is_zero() {
        assert_eq!(relative_error(&[3.0, 4.5], &[3.0, 4.0]), 0.1);
        assert_eq!(relative_error(&[0.0, 0.5], &[0.0, 0.0]), 0.5);
        assert_eq!(relative_error(&[0.0], &[0.0]), 0.0);
    }

    #[test]
    fn a_line_names_the_first_result_beyond_its_tolerance() {
        let mut score = Score::default();
        score.add_values(Kind::Output, "logits", &[1.00005], &[1.0]);
        score.add_values(Kind::NetworkGradient, "near", &[1.0005], &[1.0]);
        assert!(score.passes());
        assert_eq!(
            score.to_string(),
            "outputs 5.0e-5   gradients 5.0e-4   pass"
        );
        score.add_values(Kind::Gradient, "far", &[1.0005], &[1.0]);
        assert!(
            !score.passes() && score.to_string().contains("FAIL: `far`"),
            "{score}"
        );
    }

    #[test]
    fn not_a_number_fails() {
        let mut score = Score::default();
        score.add_values(Kind::Training, "losses", &[f64::NAN], &[1.0]);
        assert!(
            !score.passes() && score.to_string().contains("NaN"),
            "{score}"
        );
    }
}
