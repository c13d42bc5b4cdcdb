//! Where a training step spends its time, layer by layer, and what that says of
//! bfloat16 and of the roof.

use std::fmt::Write;

use ablate_core::Precision;

use super::{flops, milliseconds, percent, three_digits, times};
use crate::bench::case::precision_name;
use crate::bench::parts::{LayerSum, Parts};
use crate::bench::results::Results;

/// The section on the layers of a network; empty where they were not measured in
/// both precisions.
pub fn layers(results: &Results) -> String {
    let of = |precision| {
        let mut parts = results.parts.iter();
        parts.find(|parts| parts.precision == precision)
    };
    match (of(Precision::F32), of(Precision::Bf16)) {
        (Some(wide), Some(narrow)) => Section {
            results,
            wide,
            narrow,
        }
        .text(),
        _ => String::new(),
    }
}

struct Section<'a> {
    results: &'a Results,
    /// In float32.
    wide: &'a Parts,
    /// In bfloat16.
    narrow: &'a Parts,
}

impl Section<'_> {
    fn text(&self) -> String {
        let mut text = format!(
            "\n## Where a training step of {} goes\n\nMilliseconds for {} images, each row the \
             median of {} steps, in which the precisions take turns. A layer that runs on several \
             threads at once is charged its share of the time; the rest is allocation, packing of \
             weights, the loss's gradient and threads that wait.\n\n",
            self.wide.network.name(),
            self.wide.batch,
            self.wide.whole.runs,
        );
        text.push_str(&self.table());
        text.push('\n');
        text.push_str(&self.gain());
        text.push_str(&self.roof());
        text
    }

    fn table(&self) -> String {
        let mut text = String::from(
            "| part | forward: float32 | bfloat16 | backward: float32 | bfloat16 | both: float32 \
             | bfloat16 | gain | GFLOP/s (of the roof): float32 | bfloat16 |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        for (wide, narrow) in self.wide.layers.iter().zip(&self.narrow.layers) {
            let name = format!("{} {}", wide.name, wide.operation);
            let sums = [wide, narrow].map(|layer| LayerSum {
                forward: layer.forward,
                backward: layer.backward,
            });
            text.push_str(&self.layer_row(&name, sums, wide.multiply_adds));
        }
        let both = [self.wide, self.narrow];
        let matrices = both.map(|parts| parts.layers_where(true));
        let work = self.wide.multiply_adds();
        text.push_str(&self.layer_row("**matrix layers**", matrices, work));
        let others = both.map(|parts| parts.layers_where(false));
        text.push_str(&self.layer_row("**other layers**", others, 0.0));
        for (name, [wide, narrow]) in [
            ("**loss**", both.map(|parts| parts.loss)),
            ("**update**", both.map(|parts| parts.update)),
            ("**rest**", both.map(|parts| parts.rest)),
        ] {
            let _ = writeln!(
                text,
                "| {name} | | | | | {} | {} | {} | | |",
                milli(wide),
                milli(narrow),
                times(Some(wide / narrow)),
            );
        }
        let [wide, narrow] = both.map(|parts| parts.whole);
        let _ = writeln!(
            text,
            "| **whole step** | | | | | {} | {} | {} | {} | {} |",
            milliseconds(Some(wide)),
            milliseconds(Some(narrow)),
            times(Some(wide.median / narrow.median)),
            self.flops(self.wide, work, wide.median),
            self.flops(self.narrow, work, narrow.median),
        );
        text
    }

    fn layer_row(&self, name: &str, [wide, narrow]: [LayerSum; 2], work: f64) -> String {
        let rates = match work > 0.0 {
            true => [
                self.flops(self.wide, work, wide.both()),
                self.flops(self.narrow, work, narrow.both()),
            ],
            false => Default::default(),
        };
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            milli(wide.forward),
            milli(narrow.forward),
            milli(wide.backward),
            milli(narrow.backward),
            milli(wide.both()),
            milli(narrow.both()),
            times(Some(wide.both() / narrow.both())),
            rates[0],
            rates[1],
        )
    }

    fn flops(&self, parts: &Parts, work: f64, seconds: f64) -> String {
        flops(work, seconds, self.results.roof(parts.precision))
    }

    /// What bfloat16 can bring, and what it brings.
    fn gain(&self) -> String {
        let share = self.wide.matrix_share();
        let [wide, narrow] = [self.wide, self.narrow].map(|parts| parts.layers_where(true).both());
        format!(
            "In float32, {} of the step is matrix work, the convolutions and linear layers, and {} \
             is not. Only matrix work is done in bfloat16, so this part alone can gain from it: were \
             it twice as fast, the step would be {}x as fast, and were it free, {}x. Measured, \
             matrix work is {}x as fast and the step {}x.\n",
            percent(share),
            percent(1.0 - share),
            three_digits(1.0 / (1.0 - share / 2.0)),
            three_digits(1.0 / (1.0 - share)),
            three_digits(wide / narrow),
            three_digits(self.wide.whole.median / self.narrow.whole.median),
        )
    }

    /// How near the roof the whole and its matrix work come.
    fn roof(&self) -> String {
        let mut text = String::new();
        for parts in [self.wide, self.narrow] {
            let Some(roof) = self.results.roof(parts.precision) else {
                continue;
            };
            let share = |seconds: f64| percent(parts.multiply_adds() / seconds / roof);
            let _ = write!(
                text,
                "\nIn {}, the whole training step reaches {} of the roof ({} GFLOP/s), and its \
                 matrix work {}.",
                precision_name(parts.precision),
                share(parts.whole.median),
                three_digits(2e-9 * roof),
                share(parts.layers_where(true).both()),
            );
        }
        text.push('\n');
        text
    }
}

fn milli(seconds: f64) -> String {
    three_digits(1e3 * seconds)
}
