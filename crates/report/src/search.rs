//! The search that came before the trials: what was tried and what was chosen.

use ablate_store::{Candidate, Edge, Score, Search, Searched, Strategy};

use crate::number;
use crate::reading;
use crate::table::Table;

/// Marks a variant's choice in its column.
const CHOSEN: &str = " (chosen)";

/// One row a candidate: a column a key, then one a variant.
pub(crate) fn table(search: &Search) -> Table {
    let mut header = search.keys.clone();
    header.extend(search.variants.iter().map(|v| v.variant.clone()));
    let candidates = search.variants.first().map_or(&[][..], |v| &v.candidates);
    let row = |index: usize| {
        let values = candidates[index].values.iter();
        let mut row: Vec<String> = values.map(ToString::to_string).collect();
        row.extend(search.variants.iter().map(|v| cell(search, v, index)));
        row
    };
    Table {
        header,
        rows: (0..candidates.len()).map(row).collect(),
    }
}

fn cell(search: &Search, searched: &Searched, index: usize) -> String {
    let Some(candidate) = searched.candidates.get(index) else {
        return "-".to_string();
    };
    let mut cell = match candidate.score {
        Score::Mean(mean) => number::estimate(mean, None, reading::unit(&search.by)),
        Score::NotReached => "not reached".to_string(),
        Score::Diverged => "diverged".to_string(),
        Score::Failed => "failed".to_string(),
    };
    if candidate.epochs < search.epochs {
        cell += &format!(" after {}", plural(candidate.epochs, "epoch"));
    }
    if index == searched.chosen {
        cell += CHOSEN;
    }
    cell
}

/// How the candidates were compared.
pub(crate) fn caption(search: &Search) -> String {
    let seeds: Vec<String> = search.seeds.iter().map(u64::to_string).collect();
    let (epochs, seed) = (plural(search.epochs, "epoch"), plural(seeds.len(), "seed"));
    let epochs = match search.strategy {
        Strategy::Grid => format!("after {epochs}"),
        Strategy::Random => format!("after {epochs}, of candidates drawn at random,"),
        Strategy::Halving => {
            format!("of candidates whose better part went on, round by round, up to {epochs},")
        }
    };
    format!(
        "Chosen for each variant before its trials, by the least {} {epochs} on {seed} that \
         no trial has ({}).",
        reading::heading(&search.by),
        seeds.join(", ")
    )
}

/// A warning for each choice at an end of what was tried, and for failures.
pub(crate) fn warnings(search: &Search) -> Vec<String> {
    let warning = |searched: &Searched, key: usize| {
        let which = match searched.edge(key)? {
            Edge::Smallest => "smallest",
            Edge::Largest => "largest",
        };
        Some(format!(
            "Warning: {}'s {}, {}, is the {which} that was tried; a better one may lie beyond it.",
            searched.variant,
            search.keys.get(key)?,
            searched.choice().get(key)?
        ))
    };
    let all = |searched| (0..search.keys.len()).filter_map(move |key| warning(searched, key));
    let edges = search.variants.iter().flat_map(all);
    edges
        .chain(search.variants.iter().filter_map(failed))
        .collect()
}

/// A warning where an error took candidates out, which says nothing of their values.
fn failed(searched: &Searched) -> Option<String> {
    let failed = |candidate: &&Candidate| candidate.score == Score::Failed;
    let count = searched.candidates.iter().filter(failed).count();
    (count > 0).then(|| {
        format!(
            "Warning: an error ended {} of {}'s search; the same command tries again.",
            plural(count, "candidate"),
            searched.variant
        )
    })
}

fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use ablate_store::Measure;

    use super::*;

    fn search() -> Search {
        let candidate = |value: f64, score| Candidate {
            values: vec![value.into()],
            epochs: 3,
            score,
        };
        let searched = |variant: &str, scores: [Score; 3], chosen| Searched {
            variant: variant.to_string(),
            candidates: [0.001, 0.01, 0.1]
                .into_iter()
                .zip(scores)
                .map(|(value, score)| candidate(value, score))
                .collect(),
            chosen,
        };
        Search {
            keys: vec!["optimiser.lr".to_string()],
            strategy: Strategy::Grid,
            by: Measure::FinalTrain("loss".to_string()),
            epochs: 3,
            seeds: vec![1000, 1001],
            variants: vec![
                searched(
                    "tanh",
                    [Score::Mean(1.9), Score::Mean(1.5), Score::Mean(1.25)],
                    2,
                ),
                searched(
                    "relu",
                    [Score::Mean(1.75), Score::Mean(1.0), Score::Diverged],
                    1,
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
    fn a_candidate_that_did_not_go_on_says_how_far_it_came() {
        let mut search = search();
        search.strategy = Strategy::Halving;
        search.keys.push("model.dropout".to_string());
        for searched in &mut search.variants {
            for (index, candidate) in searched.candidates.iter_mut().enumerate() {
                candidate.values.push((0.1 * index as f64).into());
                candidate.epochs = if index == searched.chosen { 3 } else { 1 };
            }
        }
        let table = table(&search);
        assert_eq!(
            table.header,
            ["optimiser.lr", "model.dropout", "tanh", "relu"]
        );
        assert_eq!(table.rows[0][..3], ["0.001", "0.0", "1.90 after 1 epoch"]);
        assert_eq!(table.rows[1][3], "1.00 (chosen)");
        assert!(caption(&search).contains("round by round, up to 3 epochs"));
        assert_eq!(warnings(&search).len(), 2, "a warning a key");
    }

    #[test]
    fn a_candidate_that_an_error_ended_is_shown_and_warned_of() {
        let mut search = search();
        search.variants[1].candidates[0].score = Score::Failed;
        assert_eq!(table(&search).rows[0][2], "failed");
        let warnings = warnings(&search);
        assert!(warnings[1].contains("an error ended 1 candidate of relu's search"));
    }

    #[test]
    fn only_a_choice_at_the_edge_is_warned_of() {
        let warnings = warnings(&search());
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("tanh's optimiser.lr, 0.1, is the largest"));
    }
}
