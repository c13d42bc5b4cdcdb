//! What `reproduce` finds beside its page: what is kept of each experiment, and notes.

use ablate_report::{Entry, Report};

use super::MIB;
use super::stored::Tiny;
use crate::engine::Target;
use crate::files::Files;
use crate::{change, text};

#[test]
fn page() {
    let tiny = Tiny::trained(2);
    let (_, trials) = ablate_runner::stored(&tiny.plan, &tiny.store()).expect("stored");
    let report = Report::new(&tiny.plan.experiment, &trials).expect("a report");
    let entry = Entry::new(&report, "cargo xtask run tiny.toml", Some("one failed"));
    let out = tiny.folder.path().join("docs");
    let at = |name: &str| out.join("results").join(name);
    std::fs::create_dir_all(out.join("results")).expect("writable");
    std::fs::write(at("tiny.json"), entry.to_json().expect("JSON")).expect("writable");
    std::fs::write(at("tiny.md"), "Written *by hand*.\n").expect("writable");
    let files = Files::default()
        .with("entry", at("tiny.json"), text::text)
        .with("notes", at("tiny.md"), change::bytes);
    let target = Target {
        name: "page",
        parts: files.parts(),
        memory: 64 * MIB,
        share: 1.0,
    };
    target.run(|part, input| {
        let written = files.changed(part, input, || xtask::readers::page(out.clone()));
        written.map_err(|error| format!("{error:#}"))
    });
}
