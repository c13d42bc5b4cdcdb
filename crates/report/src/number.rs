//! Numbers as people read them: as many digits as the spread supports.

use ablate_store::Censored;

use crate::statistics::{Interval, Sample};

/// What a number is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A fraction, shown times 100.
    Percent,
    /// A difference of fractions times 100.
    Points,
    /// Epochs of training.
    Epochs,
    /// A ratio.
    Times,
    /// A number on a scale of its own, such as a loss.
    Plain,
}

impl Unit {
    /// What a stored value is multiplied by to be shown.
    pub fn factor(self) -> f64 {
        match self {
            Self::Percent => 100.0,
            _ => 1.0,
        }
    }

    /// Appended to a single number: `%`, ` points`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Points => " points",
            Self::Epochs => " epochs",
            Self::Times => "x",
            Self::Plain => "",
        }
    }

    /// Whether a positive value is written with its sign.
    fn signed(self) -> bool {
        self == Self::Points
    }

    /// Decimal places where there is no spread to choose them by.
    fn default_decimals(self, value: f64) -> usize {
        match self {
            Self::Percent | Self::Points => 2,
            Self::Epochs => 1,
            Self::Times | Self::Plain => significant_decimals(value, 3),
        }
    }

    /// More decimal places than this say nothing.
    fn most_decimals(self) -> usize {
        match self {
            Self::Percent | Self::Points | Self::Epochs | Self::Times => 2,
            Self::Plain => 6,
        }
    }

    /// Decimal places for `value` known to within `spread`, which get two digits.
    fn decimals(self, value: f64, spread: Option<f64>) -> usize {
        match spread.filter(|spread| *spread > 0.0 && spread.is_finite()) {
            Some(spread) => significant_decimals(spread, 2),
            None => self.default_decimals(value),
        }
        .min(self.most_decimals())
    }
}

/// A mean over seeds: `12.34 ± 0.56 [10.95, 13.73]` (mean, standard deviation,
/// 95% interval), the mean alone for one seed. No unit is appended.
pub fn sample(sample: &Sample, unit: Unit) -> String {
    let shown = |value: f64| value * unit.factor();
    let decimals = unit.decimals(shown(sample.mean), sample.sd.map(shown));
    let mean = fixed(shown(sample.mean), decimals);
    match (sample.sd, sample.interval) {
        (Some(sd), Some(interval)) => format!(
            "{mean} ± {} {}",
            fixed(shown(sd), decimals),
            brackets(interval.map(shown), |end| fixed(end, decimals))
        ),
        _ => mean,
    }
}

/// An estimate with its interval: `5.7 [4.8, 6.7]`. No unit is appended.
pub fn estimate(value: f64, interval: Option<Interval>, unit: Unit) -> String {
    let Some(interval) = interval else {
        let shown = value * unit.factor();
        return signed(shown, unit.default_decimals(shown), unit.signed());
    };
    let shown = value * unit.factor();
    let text = signed(
        shown,
        interval_decimals(value, interval, unit),
        unit.signed(),
    );
    format!("{text} {}", self::interval(value, interval, unit))
}

/// The interval of an estimate alone, with the estimate's digits: `[4.8, 6.7]`.
pub fn interval(value: f64, interval: Interval, unit: Unit) -> String {
    let decimals = interval_decimals(value, interval, unit);
    let shown = interval.map(|end| end * unit.factor());
    brackets(shown, |end| signed(end, decimals, unit.signed()))
}

fn interval_decimals(value: f64, interval: Interval, unit: Unit) -> usize {
    let spread = match interval.high - interval.low {
        width if width.is_finite() => width / 4.0,
        // One end is open; the other is as far off as the spread is known.
        _ => {
            (value - interval.low)
                .abs()
                .min((value - interval.high).abs())
                / 2.0
        }
    };
    unit.decimals(value * unit.factor(), Some(spread * unit.factor()))
}

/// One trial's value: `12.34`, `> 19.5` for a bound, `-` for none. No unit is appended.
pub(crate) fn censored(value: Censored, unit: Unit) -> String {
    match value {
        Censored::Seen(value) => estimate(value, None, unit),
        Censored::MoreThan(bound) => format!("> {}", estimate(bound, None, unit)),
        Censored::Missing => "-".to_string(),
    }
}

/// One exact number with its unit: `25%`, `-1.7 points`, `6x`; no digits are
/// shown that it does not have.
pub fn exact(value: f64, unit: Unit) -> String {
    let rounded = fixed(value * unit.factor(), 6);
    // The zeros of an exponent are not to be trimmed.
    let text = match rounded.contains('.') && !rounded.contains('e') {
        true => rounded.trim_end_matches('0').trim_end_matches('.'),
        false => &rounded,
    };
    let sign = if unit.signed() && value > 0.0 {
        "+"
    } else {
        ""
    };
    format!("{sign}{text}{}", unit.suffix())
}

/// A size: unsigned, two significant digits, unit appended.
pub fn size(value: f64, unit: Unit) -> String {
    let shown = (value * unit.factor()).abs();
    format!(
        "{}{}",
        fixed(shown, significant_decimals(shown, 2)),
        unit.suffix()
    )
}

/// A p-value: two significant digits, or `< 0.001`.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".to_string(),
        p => fixed(p, significant_decimals(p, 2).min(3)),
    }
}

/// A count with a comma every three digits: `60,965,224`.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate to three significant digits: `1,230`, `45.6`.
pub fn rate(value: f64) -> String {
    match value {
        value if !value.is_finite() => "-".to_string(),
        value if value.abs() < 100.0 => fixed(value, significant_decimals(value, 3).min(3)),
        value => {
            let unit = 10_f64.powi(value.log10().floor() as i32 - 2);
            // `as` saturates, so an absurd rate is still only a number.
            count(((value / unit).round() * unit).abs() as usize)
        }
    }
}

/// Bytes in mebibytes, to three significant digits.
pub fn mebibytes(bytes: f64) -> String {
    rate(bytes / f64::from(1 << 20))
}

/// `value` to `digits` significant digits, as a number.
pub(crate) fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1))
        .parse()
        .unwrap_or(value)
}

fn brackets(interval: Interval, text: impl Fn(f64) -> String) -> String {
    let end = |value: f64| match value {
        f64::INFINITY => "∞".to_string(),
        f64::NEG_INFINITY => "-∞".to_string(),
        value => text(value),
    };
    format!("[{}, {}]", end(interval.low), end(interval.high))
}

/// Decimal places that give `value` this many significant digits.
fn significant_decimals(value: f64, digits: i32) -> usize {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    // Through the text, because 0.0996 rounds up to another number of digits.
    let exponent = format!("{:.*e}", (digits - 1) as usize, value.abs());
    let exponent = exponent
        .split('e')
        .nth(1)
        .and_then(|e| e.parse::<i32>().ok());
    (digits - 1 - exponent.unwrap_or(0)).max(0) as usize
}

fn signed(value: f64, decimals: usize, plus: bool) -> String {
    let text = fixed(value, decimals);
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    match plus && value > 0.0 && !zero {
        true => format!("+{text}"),
        false => text,
    }
}

/// `value` with a number of decimals; never `-0.0`, never hundreds of digits.
fn fixed(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e9 {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| matches!(c, '0' | '.')) => rest.to_string(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Sample {
        Sample::of(values).expect("finite values")
    }

    #[test]
    fn the_spread_chooses_the_digits() {
        let errors = [0.1312, 0.1274, 0.1301];
        assert_eq!(
            sample(&of(&errors), Unit::Percent),
            "12.96 ± 0.20 [12.47, 13.44]"
        );
        assert_eq!(
            sample(&of(&[12.5, 13.25, 11.0]), Unit::Epochs),
            "12.2 ± 1.1 [9.4, 15.1]"
        );
        assert_eq!(
            sample(&of(&[120.0, 180.0]), Unit::Epochs),
            "150 ± 42 [-231, 531]"
        );
        assert_eq!(sample(&of(&[0.1312]), Unit::Percent), "13.12");
        assert_eq!(
            sample(&of(&[0.5, 0.5]), Unit::Percent),
            "50.00 ± 0.00 [50.00, 50.00]"
        );
        assert_eq!(sample(&of(&[1.23456]), Unit::Plain), "1.23");
    }

    #[test]
    fn estimates_carry_sign_and_open_ends() {
        let both = Some(Interval::new(4.786, 6.729));
        assert_eq!(estimate(5.675, both, Unit::Times), "5.67 [4.79, 6.73]");
        let points = Some(Interval::new(-2.27, 0.69));
        assert_eq!(
            estimate(-1.48, points, Unit::Points),
            "-1.48 [-2.27, +0.69]"
        );
        let open = Some(Interval::new(3.1, f64::INFINITY));
        assert_eq!(estimate(4.0, open, Unit::Times), "4.00 [3.10, ∞]");
        assert_eq!(estimate(6.0, None, Unit::Times), "6.00");
        assert_eq!(
            interval(-1.48, Interval::new(-2.27, 0.69), Unit::Points),
            "[-2.27, +0.69]"
        );
    }

    #[test]
    fn single_numbers() {
        assert_eq!(exact(6.0, Unit::Times), "6x");
        assert_eq!(exact(-1.7, Unit::Points), "-1.7 points");
        assert_eq!(exact(0.25, Unit::Percent), "25%");
        assert_eq!(exact(100.0, Unit::Plain), "100");
        assert_eq!(exact(1e10, Unit::Times), "1.00e10x");
        assert_eq!(size(-0.0312, Unit::Points), "0.031 points");
        assert_eq!(p_value(0.25), "0.25");
        assert_eq!(p_value(0.00643), "0.006");
        assert_eq!(p_value(1e-9), "< 0.001");
        assert_eq!(p_value(1.0), "1.0");
        assert_eq!(count(60_965_224), "60,965,224");
        assert_eq!(count(999), "999");
        assert_eq!(rate(1234.5), "1,230");
        assert_eq!(rate(45.649), "45.6");
        assert_eq!(rate(f64::NAN), "-");
        assert_eq!(rate(0.0), "0");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(1e300, 2), "1.00e300");
        assert_eq!(significant_decimals(0.0996, 2), 2);
        assert_eq!(rounded(1.234_567_89, 6), 1.23457);
    }
}
