//! The picture: how many times as fast as PyTorch in float32 each case is, on a
//! scale where twice and half as fast are equally far from 1.

use ablate_core::Precision;
use ablate_report::picture::{Align, GRID, INK, MARGIN, Page, RGBColor, SMALL, WIDTH};

use super::results::{BUSY, Results, Row, speed};

/// The picture's sections and its heading.
pub struct Bars {
    title: String,
    sections: Vec<Section>,
}

/// Rows under a heading.
struct Section {
    name: &'static str,
    rows: Vec<Group>,
}

/// The bars of one case.
struct Group {
    label: String,
    /// Who, and how many times as fast.
    bars: Vec<(Who, f64)>,
}

/// Whose bar it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ours,
    OursBf16,
    TorchBf16,
    Stock,
}

impl Who {
    const ALL: [Self; 4] = [Self::Ours, Self::OursBf16, Self::TorchBf16, Self::Stock];

    fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours, float32",
            Self::OursBf16 => "ours, bfloat16",
            Self::TorchBf16 => "PyTorch, bfloat16",
            Self::Stock => "stock candle, float32",
        }
    }

    /// Colours that also the colour-blind tell apart (Okabe and Ito).
    fn colour(self) -> RGBColor {
        match self {
            Self::Ours => RGBColor(0, 114, 178),
            Self::OursBf16 => RGBColor(86, 180, 233),
            Self::TorchBf16 => RGBColor(150, 150, 150),
            Self::Stock => RGBColor(213, 94, 0),
        }
    }
}

/// Room for the cases' names.
const LABELS: f64 = 250.0;
/// Height of a bar.
const BAR: f64 = 6.0;
/// Between the bars of two cases.
const GAP: f64 = 9.0;
/// Of the numbers under a section.
const SCALE: f64 = 26.0;
/// Width of an entry of the legend, and its height with the room below.
const LEGEND: (f64, f64) = (180.0, 32.0);

/// What is drawn: the cases PyTorch was measured on. `None` where there are none.
pub fn bars(results: &Results) -> Option<Bars> {
    let section = |name, networks| Section {
        name,
        rows: results
            .rows_of(networks, Precision::F32)
            .filter_map(|row| group(results, row))
            .collect(),
    };
    let mut sections = vec![section("Networks", true), section("Operators", false)];
    sections.retain(|section| !section.rows.is_empty());
    let threads = match results.threads {
        1 => "1 thread".to_string(),
        threads => format!("{threads} threads"),
    };
    let mut title = format!(
        "Speed relative to PyTorch in float32; {}, {threads}",
        results.environment.processor
    );
    if results.quick {
        title.push_str("; a quick look");
    }
    if results.load.is_some_and(|load| load > BUSY) {
        title.push_str("; busy machine");
    }
    (!sections.is_empty()).then_some(Bars { title, sections })
}

/// The bars of a case in float32 and of the same in bfloat16.
fn group(results: &Results, row: &Row) -> Option<Group> {
    let narrow = results.in_precision(row, Precision::Bf16);
    let bars: Vec<_> = Who::ALL
        .into_iter()
        .filter_map(|who| {
            let measured = match who {
                Who::Ours => &row.ours,
                Who::OursBf16 => &narrow?.ours,
                Who::TorchBf16 => &narrow?.torch,
                Who::Stock => &row.stock,
            };
            Some((who, speed(measured, &row.torch)?))
        })
        .collect();
    (!bars.is_empty()).then(|| Group {
        label: row.label(),
        bars,
    })
}

impl Bars {
    /// The picture.
    pub fn page(&self) -> Page {
        let mut page = Page::new(&self.title);
        let axis = Axis::of(self);
        legend(&mut page);
        for section in &self.sections {
            section.draw(&mut page, &axis);
        }
        page
    }
}

fn legend(page: &mut Page) {
    let middle = page.bottom + SMALL / 2.0;
    for (index, who) in Who::ALL.into_iter().enumerate() {
        let left = MARGIN + LEGEND.0 * index as f64;
        page.rectangle((left, middle - 4.0), (12.0, 8.0), who.colour());
        page.letters(who.name(), (left + 18.0, middle), Align::Left, (SMALL, INK));
    }
    page.bottom += LEGEND.1;
}

impl Group {
    fn height(&self) -> f64 {
        BAR * self.bars.len() as f64 + GAP
    }

    /// Draws it from `top` on.
    fn draw(&self, page: &mut Page, axis: &Axis, top: f64) {
        let at = (LABELS - 8.0, top + self.height() / 2.0);
        page.letters(&self.label, at, Align::Right, (SMALL, INK));
        for (index, (who, speed)) in self.bars.iter().enumerate() {
            let top = top + GAP / 2.0 + BAR * index as f64;
            let [left, right] = [speed.min(1.0), speed.max(1.0)].map(|speed| axis.x(speed));
            page.rectangle((left, top), (right - left, BAR), who.colour());
        }
    }
}

impl Section {
    fn draw(&self, page: &mut Page, axis: &Axis) {
        page.heading(self.name, MARGIN);
        let from = page.bottom;
        let height = self.rows.iter().map(Group::height).sum();
        for doublings in axis.doublings() {
            let left = axis.x(2f64.powi(doublings)) - 0.5;
            page.rectangle((left, from), (1.0, height), GRID);
        }
        for row in &self.rows {
            row.draw(page, axis, page.bottom);
            page.bottom += row.height();
        }
        page.rectangle((axis.x(1.0) - 0.5, from), (1.0, height), INK);
        axis.draw(page);
    }
}

/// Where a speed lies across the picture.
struct Axis {
    /// Doublings from 1 at the left and right edge.
    range: [f64; 2],
}

impl Axis {
    /// An axis with room for every bar.
    fn of(bars: &Bars) -> Self {
        let rows = bars.sections.iter().flat_map(|section| &section.rows);
        let speeds = rows.flat_map(|row| &row.bars);
        let doublings = speeds.map(|(_, speed)| speed.log2());
        let (low, high) = doublings.fold((-1.0, 1.0), |(low, high): (f64, f64), value| {
            (low.min(value), high.max(value))
        });
        Self {
            range: [low.floor(), high.ceil()],
        }
    }

    fn doublings(&self) -> std::ops::RangeInclusive<i32> {
        let [low, high] = self.range;
        low as i32..=high as i32
    }

    fn x(&self, speed: f64) -> f64 {
        let [low, high] = self.range;
        let share = (speed.log2() - low) / (high - low);
        LABELS + share * (f64::from(WIDTH) - LABELS - 30.0)
    }

    /// Its numbers, at the bottom of the page.
    fn draw(&self, page: &mut Page) {
        for doublings in self.doublings() {
            let speed = 2f64.powi(doublings);
            let label = match doublings {
                ..0 => format!("1/{}x", 1.0 / speed),
                _ => format!("{speed}x"),
            };
            let at = (self.x(speed), page.bottom + SCALE / 2.0);
            page.letters(&label, at, Align::Centre, (SMALL, INK));
        }
        page.bottom += SCALE;
    }
}
