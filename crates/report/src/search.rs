//! The search that came before the trials: what was tried and what was chosen.

use ablate_store::{Edge, Score, Search, Searched};

use crate::number::{self, Unit};
use crate::reading;
use crate::table::Table;

/// Marks a variant's choice in its column.
const CHOSEN: &str = " (chosen)";

/// One row a value, one column a variant.
pub(crate) fn table(search: &Search) -> Table {
    let mut header = vec![search.key.clone()];
    header.extend(search.variants.iter().map(|v| v.variant.clone()));
    let unit = reading::unit(&search.by);
    let values = search.variants.first().map_or(&[][..], |v| &v.candidates);
    let row = |index: usize| {
        let mut row = vec![values[index].value.to_string()];
        row.extend(search.variants.iter().map(|v| cell(v, index, unit)));
        row
    };
    Table {
        header,
        rows: (0..values.len()).map(row).collect(),
    }
}

fn cell(searched: &Searched, index: usize, unit: Unit) -> String {
    let Some(candidate) = searched.candidates.get(index) else {
        return "-".to_string();
    };
    let mut cell = match candidate.score {
        Score::Mean(mean) => number::estimate(mean, None, unit),
        Score::NotReached => "not reached".to_string(),
        Score::Diverged => "diverged".to_string(),
    };
    if candidate.value == searched.chosen {
        cell += CHOSEN;
    }
    cell
}

/// How the values were compared.
pub(crate) fn caption(search: &Search) -> String {
    let seeds: Vec<String> = search.seeds.iter().map(u64::to_string).collect();
    let (epochs, seed) = (plural(search.epochs, "epoch"), plural(seeds.len(), "seed"));
    format!(
        "Chosen for each variant before its trials, by the least {} after {epochs} on {seed} that \
         no trial has ({}).",
        reading::heading(&search.by),
        seeds.join(", ")
    )
}

/// A warning for each choice at the edge of the grid.
pub(crate) fn warnings(search: &Search) -> Vec<String> {
    let warning = |searched: &Searched| {
        let which = match searched.edge()? {
            Edge::Smallest => "smallest",
            Edge::Largest => "largest",
        };
        Some(format!(
            "Warning: {}'s {}, {}, is the {which} of the grid; a better one may lie beyond it.",
            searched.variant, search.key, searched.chosen
        ))
    };
    search.variants.iter().filter_map(warning).collect()
}

fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use ablate_store::{Candidate, Measure, Strategy};

    use super::*;

    fn search() -> Search {
        let candidate = |value: f64, score| Candidate {
            value: value.into(),
            score,
        };
        let searched = |variant: &str, scores: [Score; 3], chosen: f64| Searched {
            variant: variant.to_string(),
            candidates: [0.001, 0.01, 0.1]
                .into_iter()
                .zip(scores)
                .map(|(value, score)| candidate(value, score))
                .collect(),
            chosen: chosen.into(),
        };
        Search {
            key: "optimiser.lr".to_string(),
            strategy: Strategy::Grid,
            by: Measure::FinalTrain("loss".to_string()),
            epochs: 3,
            seeds: vec![1000, 1001],
            variants: vec![
                searched(
                    "tanh",
                    [Score::Mean(1.9), Score::Mean(1.5), Score::Mean(1.25)],
                    0.1,
                ),
                searched(
                    "relu",
                    [Score::Mean(1.75), Score::Mean(1.0), Score::Diverged],
                    0.01,
                ),
            ],
        }
    }

    #[test]
    fn the_grid_shows_every_score_and_the_choice() {
        let table = table(&search());
        assert_eq!(table.header, ["optimiser.lr", "tanh", "relu"]);
        assert_eq!(table.rows[1][2], "1.00 (chosen)");
        assert_eq!(table.rows[2][2], "diverged");
        assert!(table.rows[2][1].ends_with(CHOSEN));
        assert_eq!(table.rows.len(), 3);
        let caption = caption(&search());
        assert!(
            caption.contains("least training loss after 3 epochs on 2 seeds"),
            "{caption}"
        );
    }

    #[test]
    fn only_a_choice_at_the_edge_is_warned_of() {
        let warnings = warnings(&search());
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("tanh's optimiser.lr, 0.1, is the largest"));
    }
}
