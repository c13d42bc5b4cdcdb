//! Settings with several values: `optimiser.lr=0.01,0.03`.

/// One choice of a value for each setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// All settings, each with one value.
    pub settings: Vec<String>,
    /// Those that other points have otherwise.
    pub varied: Vec<String>,
}

/// Every combination of the settings' values, the last setting's changing fastest;
/// one point where none has several.
pub fn points(settings: &[String]) -> Vec<Point> {
    let mut points = vec![Point {
        settings: Vec::new(),
        varied: Vec::new(),
    }];
    for setting in settings {
        let choices = choices(setting);
        let with = |point: &Point, choice: &String| {
            let mut point = point.clone();
            point.settings.push(choice.clone());
            if choices.len() > 1 {
                point.varied.push(choice.clone());
            }
            point
        };
        points = points
            .iter()
            .flat_map(|point| choices.iter().map(|choice| with(point, choice)))
            .collect();
    }
    points
}

/// `key=a,b` as `key=a` and `key=b`. Commas in lists, tables and quotes belong to
/// a value.
fn choices(setting: &str) -> Vec<String> {
    let Some((key, values)) = setting.split_once('=') else {
        return vec![setting.to_string()];
    };
    let (mut depth, mut quote, mut start) = (0_usize, None, 0);
    let mut found = Vec::new();
    for (at, character) in values.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                found.push(&values[start..at]);
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    found.push(&values[start..]);
    let one = |value: &&str| format!("{key}={}", value.trim());
    found.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn commas_within_a_value_do_not_part_it() {
        assert_eq!(choices("a.b=1,2, 3"), strings(&["a.b=1", "a.b=2", "a.b=3"]));
        for whole in ["a=[1,2]", "a={x=[1,2],y=2}", "a=\"x,y\"", "a='x,y'", "a"] {
            assert_eq!(choices(whole), strings(&[whole]));
        }
        assert_eq!(choices("a=[1,2],[3]"), strings(&["a=[1,2]", "a=[3]"]));
        assert_eq!(choices("a=1,"), strings(&["a=1", "a="]));
    }

    #[test]
    fn points_are_every_combination() {
        let found = points(&strings(&["a=1,2", "b=x", "c=3,4"]));
        let settings: Vec<String> = found.iter().map(|p| p.settings.join(" ")).collect();
        let wanted = ["a=1 b=x c=3", "a=1 b=x c=4", "a=2 b=x c=3", "a=2 b=x c=4"];
        assert_eq!(settings, wanted);
        assert_eq!(found[1].varied, strings(&["a=1", "c=4"]));
        let one = points(&strings(&["b=x"]));
        assert_eq!((one.len(), one[0].varied.len()), (1, 0));
        assert_eq!(points(&[]).len(), 1);
    }
}
