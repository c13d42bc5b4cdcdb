//! The page from top to bottom, a function a section.

use ablate_store::Claim;

use super::effect_plot;
use super::markup::{Markup, element};
use crate::effect::{Effect, Pair};
use crate::number;
use crate::report::Report;
use crate::table::{self, Table, html::render, html::scrolling};
use crate::verdict::{Judgement, Verdict};
use crate::{Result, notes, picture, reading, search};

/// Longer lists of trials are folded away, unless some trial ended badly.
const LONG: usize = 12;

/// Everything between the page's head and its scripts.
pub(crate) fn all(report: &Report, command: &str) -> Result<Markup> {
    let sections = [
        ("Effect", "effect", effects(report)),
        ("Variants", "variants", variants(report)),
        ("How to read the tables", "notes", notes(report)),
        ("Learning curves", "curves", curves(report)?),
        ("What was learned", "figures", figures(report)?),
        ("Search", "search", searched(report)),
        ("What differs", "differs", differs(report)),
        ("Trials", "trials", trials(report)),
        ("The rule", "rule", element("p", &[], Verdict::RULE)),
        ("How this was made", "made", made(report, command)),
    ];
    let shown = || sections.iter().filter(|section| !section.2.is_empty());
    let links = shown().map(|(title, id, _)| {
        let link = element("a", &[("href", &format!("#{id}"))], *title);
        element("li", &[], link)
    });
    let contents = element("ul", &[], links.collect::<Markup>());
    let bodies = shown().map(|(title, id, body)| {
        let heading = element("h2", &[], *title);
        element("section", &[("id", id)], [heading, body.clone()])
    });
    Ok([
        element("header", &[], head(report)),
        element("nav", &[("aria-label", "Contents")], contents),
        element("main", &[], bodies.collect::<Markup>()),
    ]
    .into())
}

/// Title, claim, verdicts and setting.
fn head(report: &Report) -> Markup {
    let experiment = &report.experiment;
    let claim = [
        Markup::from(&*experiment.claim.text),
        " ".into(),
        element("cite", &[], format!("section {}", experiment.claim.section)),
    ];
    let verdicts = report.verdicts().map(|(about, finding)| {
        let plot = effect_plot::render(report, &finding.claim, &finding.effect);
        verdict(&about, &finding.judgement, plot)
    });
    let setting = notes::setting(report).into_iter().map(|(name, value)| {
        let pair = [element("dt", &[], name), element("dd", &[], value)];
        element("div", &[], pair)
    });
    [
        element("h1", &[], &*experiment.title),
        element("blockquote", &[], element("p", &[], claim)),
        verdicts.collect(),
        element("dl", &[("class", "setting")], setting.collect::<Markup>()),
    ]
    .into()
}

fn verdict(about: &str, judgement: &Judgement, plot: Markup) -> Markup {
    // Told apart without colour too.
    let mark = match judgement.verdict {
        Verdict::Reproduced => "✓",
        Verdict::SameDirection => "≈",
        Verdict::NotReproduced => "✗",
        Verdict::Inconclusive => "?",
    };
    let class = format!("verdict {}", judgement.verdict.key());
    let line = [
        element("span", &[("class", "mark"), ("aria-hidden", "true")], mark),
        element("span", &[], format!("{about}: ")),
        element("strong", &[], judgement.verdict.label()),
    ];
    let inside = [
        element("p", &[("class", "line")], line),
        element("p", &[], &*judgement.reason),
        plot,
    ];
    element("div", &[("class", &class)], inside)
}

fn effects(report: &Report) -> Markup {
    let comparisons = report.comparisons();
    let pairs = comparisons
        .iter()
        .filter(|(_, effect, _)| !effect.pairs.is_empty())
        .map(|(claim, effect, _)| pairs(report, claim, effect));
    let pairs: Markup = pairs.collect();
    let table = table::effects(report);
    let mut section = render("The treatment against each other variant", &table);
    if !pairs.is_empty() {
        section.push(folded("Pair by pair", false, pairs));
    }
    section
}

/// The pairs of one effect.
fn pairs(report: &Report, claim: &Claim, effect: &Effect) -> Markup {
    let unit = reading::unit(&claim.measure);
    let effect_cell = |pair: &Pair| {
        let text = pair.effect.map(|e| number::estimate(e, None, effect.unit));
        text.unwrap_or("-".to_string())
    };
    let row = |pair: &Pair| {
        vec![
            notes::listed(&pair.seeds),
            number::censored(pair.treatment, unit),
            number::censored(pair.baseline, unit),
            effect_cell(pair),
            pair.note.clone(),
        ]
    };
    let header = [
        "seed",
        &effect.treatment,
        &effect.baseline,
        "effect",
        "note",
    ];
    let table = Table {
        header: header.map(String::from).to_vec(),
        rows: effect.pairs.iter().map(row).collect(),
    };
    let caption = match report.further.is_empty() {
        true => format!(
            "{}: {}",
            reading::heading(&claim.measure),
            notes::compared(effect)
        ),
        false => notes::effect_name(report, claim, effect),
    };
    render(&caption, &table)
}

fn variants(report: &Report) -> Markup {
    render("Every variant, over its seeds", &table::variants(report))
}

fn notes(report: &Report) -> Markup {
    let notes = notes::notes(report);
    let items = notes.into_iter().map(|note| {
        let class = match note.starts_with("Warning") {
            true => &[("class", "warning")][..],
            false => &[],
        };
        element("li", class, note)
    });
    element("ul", &[], items.collect::<Markup>())
}

/// A place for the script to draw in, and the picture for who runs none.
fn curves(report: &Report) -> Result<Markup> {
    let svg = picture::inline(&report.svg()?, "Learning curves");
    let still = scrolling("Learning curves", Markup::trusted(svg));
    let hint = "Point at a panel, or go to it with the tab key and use the arrow keys, to read \
                the values of an epoch below it.";
    let caption = format!("{} {hint}", report.details.curves.caption);
    let drawn = [
        element("div", &[("class", "controls")], ""),
        element("div", &[("class", "panels")], ""),
        element("p", &[("class", "caption")], caption),
    ];
    Ok([
        element("div", &[("id", "chart"), ("hidden", "")], drawn),
        element(
            "noscript",
            &[],
            element("div", &[("class", "picture")], still),
        ),
    ]
    .into())
}

fn figures(report: &Report) -> Result<Markup> {
    let mut section = Markup::default();
    for figure in report.figures() {
        let svg = picture::inline(&figure.plain_svg()?, figure.title);
        let picture = scrolling(figure.title, Markup::trusted(svg));
        let caption = element("figcaption", &[], &*figure.caption);
        section.push(element(
            "figure",
            &[("class", "picture")],
            [picture, caption],
        ));
    }
    if let Some(table) = &report.figures.confused {
        section.push(render("The classes most often taken for another", table));
    }
    Ok(section)
}

fn searched(report: &Report) -> Markup {
    let Some(found) = &report.experiment.search else {
        return Markup::default();
    };
    render(&search::caption(found), &search::table(found))
}

/// The keys that differ between the variants' configs, and those that do not.
fn differs(report: &Report) -> Markup {
    let configs = &report.details.configs;
    let header = |names: &[String]| {
        let first = std::iter::once("key".to_string());
        first.chain(names.iter().cloned()).collect()
    };
    let differing = configs.differing.iter().map(|(key, values)| {
        let values = values
            .iter()
            .map(|value| value.clone().unwrap_or("-".to_string()));
        std::iter::once(key.clone()).chain(values).collect()
    });
    let differing = Table {
        header: header(&configs.variants),
        rows: differing.collect(),
    };
    let shared = Table {
        header: header(&["value".to_string()]),
        rows: configs
            .shared
            .iter()
            .map(|(key, value)| vec![key.clone(), value.clone()])
            .collect(),
    };
    let mut section = match differing.rows.is_empty() {
        true => element("p", &[], "The variants' configs are the same."),
        false => render("Keys that the variants do not share", &differing),
    };
    if !shared.rows.is_empty() {
        let title = format!("Keys that they share ({})", shared.rows.len());
        section.push(folded(&title, false, render("Shared keys", &shared)));
    }
    section
}

fn trials(report: &Report) -> Markup {
    let trials = &report.details.trials;
    let measured = report.variants.first().map_or(&[][..], |v| &v.readings);
    let mut header = ["variant", "seed", "ended", "epochs"]
        .map(String::from)
        .to_vec();
    header.extend(measured.iter().map(|r| reading::heading(&r.measure)));
    header.extend(["images/s", "folder"].map(String::from));
    let rows = trials.iter().map(|trial| {
        let mut row = vec![
            trial.variant.clone(),
            notes::listed(&trial.seeds),
            trial.ended.text(),
            trial.epochs.to_string(),
        ];
        row.extend(trial.values.iter().cloned());
        row.push(
            trial
                .images_per_second
                .map_or("-".to_string(), number::rate),
        );
        row.push(trial.folder.clone());
        row
    });
    let table = Table {
        header,
        rows: rows.collect(),
    };
    let bad = trials.iter().filter(|trial| !trial.ended.is_well()).count();
    let title = match (trials.len(), bad) {
        (1, 0) => "1 trial, finished".to_string(),
        (all, 0) => format!("{all} trials, all finished"),
        (all, bad) => format!("{all} trials, {bad} of them not finished"),
    };
    let is_open = bad > 0 || trials.len() <= LONG;
    let caption = "Each trial by itself; its folder holds its config, metrics and checkpoints";
    folded(&title, is_open, render(caption, &table))
}

/// Command, machines and what else a reader needs to redo it.
fn made(report: &Report, command: &str) -> Markup {
    let code = element("pre", &[], element("code", &[], command));
    let mut section: Markup = [
        element(
            "p",
            &[],
            "To make this report, training what is not done yet:",
        ),
        scrolling("The command", code),
    ]
    .into();
    let machines = &report.details.machines;
    if machines.is_empty() {
        return section;
    }
    let unknown = |text: &str| match text {
        "" => "-".to_string(),
        text => text.to_string(),
    };
    let row = |machine: &crate::details::Machine| {
        let environment = &machine.environment;
        vec![
            unknown(&environment.version),
            unknown(&environment.commit),
            unknown(&environment.platform),
            unknown(&environment.processor),
            environment.cores.to_string(),
            unknown(&environment.simd),
            unknown(&environment.gpu),
            match environment.memory_mib {
                0 => "-".to_string(),
                mib => number::count(mib as usize),
            },
            machine.trials.to_string(),
        ]
    };
    let header = [
        "ablate",
        "commit",
        "platform",
        "processor",
        "cores",
        "instructions",
        "GPU",
        "MiB",
        "trials",
    ];
    let table = Table {
        header: header.map(String::from).to_vec(),
        rows: machines.iter().map(row).collect(),
    };
    section.push(render("What the trials were trained by", &table));
    section
}

/// A part that opens on demand.
fn folded(title: &str, is_open: bool, inside: Markup) -> Markup {
    let open = match is_open {
        true => &[("open", "")][..],
        false => &[],
    };
    element("details", open, [element("summary", &[], title), inside])
}
