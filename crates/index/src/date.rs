//! Moments as text and back, in UTC: `2026-11-25 02:12`.

/// Seconds in a day.
const DAY: i64 = 86_400;

/// A moment given in seconds since 1970.
pub fn date(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Years that begin in March have their leap day last: a date of the proleptic
    // Gregorian calendar, counted in eras of 400 years (Hinnant, chrono algorithms).
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (rest / 3600, rest % 3600 / 60);
    format!("{year:04}-{month:02}-{of_month:02} {hour:02}:{minute:02}")
}

/// The seconds since 1970 of `2026-11-25`, `2026-11-25 02:12` or the same with a `T`
/// between; `None` of anything else.
pub fn seconds(text: &str) -> Option<i64> {
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let parts = |text: &str, by: char| -> Option<Vec<i64>> {
        let parts = text.split(by).map(|part| part.parse::<u32>().ok());
        parts.map(|part| part.map(i64::from)).collect()
    };
    let [year, month, of_month] = parts(day, '-')?[..] else {
        return None;
    };
    let [hour, minute] = time.map_or(Some(vec![0, 0]), |time| parts(time, ':'))?[..] else {
        return None;
    };
    if !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&of_month)
        || hour > 23
        || minute > 59
    {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month + 2) / 5 + of_month - 1;
    let day = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let moment = (era * 146_097 + day - 719_468) * DAY + hour * 3600 + minute * 60;
    // The 31st of a month that has none would be a day of the next.
    let is_there = date(moment)[8..10].parse() == Ok(of_month);
    is_there.then_some(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_back() {
        assert_eq!(date(0), "1970-01-01 00:00");
        assert_eq!(date(1_795_572_744), "2026-11-25 02:12");
        assert_eq!(date(951_782_400), "2000-02-29 00:00");
        for day in (0..40_000).step_by(13) {
            let moment = day * DAY + 3600 * (day % 24) + 60 * (day % 60);
            assert_eq!(seconds(&date(moment)), Some(moment), "{}", date(moment));
        }
        assert_eq!(seconds("2026-11-25"), seconds("2026-11-25T00:00"));
        for wrong in [
            "",
            "now",
            "2026-13-01",
            "2026-11",
            "2026-02-31",
            "2026-02-29",
            "2026-11-31 12:00",
            "2026-11-00",
            "2026-11-25 25:00",
            "1-1-1",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
