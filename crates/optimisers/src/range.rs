//! The ranges config values must lie in.

use ablate_core::{Error, Result};

/// Fails unless `value` is a finite number of 0 or more.
pub(crate) fn non_negative(key: &str, value: f64) -> Result<()> {
    check(
        value.is_finite() && value >= 0.0,
        key,
        value,
        "give a finite number of 0 or more",
    )
}

/// Fails unless `value` is a finite number above 0.
pub(crate) fn positive(key: &str, value: f64) -> Result<()> {
    check(
        value.is_finite() && value > 0.0,
        key,
        value,
        "give a finite number above 0",
    )
}

/// Fails unless `value` lies in 0..1: at 1 a running mean would never forget.
pub(crate) fn below_one(key: &str, value: f64) -> Result<()> {
    check(
        (0.0..1.0).contains(&value),
        key,
        value,
        "give a number from 0 to below 1",
    )
}

/// Fails unless `value` is a factor that shrinks and leaves something, in 0..=1
/// without the 0.
pub(crate) fn shrinking(key: &str, value: f64) -> Result<()> {
    check(
        value > 0.0 && value <= 1.0,
        key,
        value,
        "give a factor above 0 and up to 1, such as 0.1",
    )
}

fn check(holds: bool, key: &str, value: f64, fix: &str) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Error::bad_value(
            key,
            format!("{value} is out of range"),
            fix,
        )),
    }
}
