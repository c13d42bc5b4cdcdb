//! The map in `ARCHITECTURE.md` is the workspace's: its table lists every crate with
//! what it depends on, and every path it names is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md")
}

/// The crates' own names for each other, such as `core` for `ablate-core`.
fn short(name: &str) -> String {
    name.strip_prefix("ablate-").unwrap_or(name).to_string()
}

/// By crate, the crates of the workspace it is built with; its tests may know more.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata failed");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let own = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        let of_workspace = dependencies
            .iter()
            .filter(|one| one["path"].is_string() && one["kind"].is_null());
        let name = |one: &Value| short(one["name"].as_str().expect("a name"));
        let known = of_workspace.map(name).collect();
        (name(package), known)
    };
    packages.iter().map(own).collect()
}

/// The table's rows by crate: what the page says it knows.
fn table(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| crate |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, crates, _, knows, _, _] = cells[..] else {
            panic!("a row of other than four cells: {row}");
        };
        let knows: BTreeSet<String> = knows
            .split(", ")
            .filter(|name| !name.is_empty())
            .map(String::from)
            .collect();
        for name in crates.split(", ") {
            let name = name.trim_matches('`').trim_start_matches("models/");
            table.insert(name.to_string(), knows.clone());
        }
    }
    table
}

#[test]
fn every_crate_is_on_the_map_with_what_it_knows() {
    let (built, told) = (dependencies(), table(&page()));
    let names = |of: &BTreeMap<String, _>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&built), names(&told));
    for (name, knows) in &told {
        if !knows.contains("all of them") {
            assert_eq!(
                *knows, built[name],
                "`{name}` in the table, then in its Cargo.toml"
            );
        }
    }
}

#[test]
fn only_programs_know_plugins() {
    let program = std::fs::read_to_string(root().join("tests/outside/main.rs"));
    let program = program.expect("the program");
    let linked = |line: &str| {
        Some(
            line.strip_prefix("use ablate_")?
                .strip_suffix(" as _;")?
                .to_string(),
        )
    };
    let plugins: Vec<String> = program.lines().filter_map(linked).collect();
    assert!(plugins.len() > 5, "{plugins:?}");
    let built = dependencies();
    for plugin in plugins.iter().filter(|name| *name != "tests") {
        assert!(built.contains_key(plugin), "`{plugin}` is no crate");
        for (name, knows) in &built {
            let links = matches!(name.as_str(), "xtask" | "tests");
            assert!(
                links || !knows.contains(plugin),
                "`{name}` knows `{plugin}`"
            );
        }
    }
}

#[test]
fn paths_on_the_map_are_there() {
    let page = page();
    // Every other piece between backticks is code.
    let named = page.split('`').skip(1).step_by(2);
    let mut seen = 0;
    for path in named.filter(|text| text.contains('/') && !text.contains([' ', '*', '<'])) {
        let places = [root(), root().join("crates")];
        let found = places.iter().any(|place| place.join(path).exists());
        assert!(found, "`{path}` is not there");
        seen += 1;
    }
    assert!(seen > 10, "{seen} paths");
}

/// Every source file of the workspace.
fn sources() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["crates", "xtask", "tests"]
        .map(|name| root().join(name))
        .into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true if !path.ends_with("target") => folders.push(path),
                _ if path.extension().is_some_and(|ending| ending == "rs") => files.push(path),
                _ => {}
            }
        }
    }
    files
}

/// What may be longer, and why.
const LONG: [(&str, &str); 1] = [(
    "tests/search.rs",
    "one program of tests: each more is linked for as long as its tests run",
)];

#[test]
fn files_are_short_enough_to_be_read() {
    let files = sources();
    assert!(files.len() > 100, "{} files", files.len());
    for file in files {
        let lines = std::fs::read_to_string(&file)
            .expect("a text")
            .lines()
            .count();
        let may_be_long = LONG.iter().any(|(name, _)| file.ends_with(name));
        assert!(
            (lines > 400) == may_be_long,
            "{}: {lines} lines, and {}",
            file.display(),
            if may_be_long {
                "no need to be in the list"
            } else {
                "400 are enough"
            }
        );
    }
}

#[test]
fn only_kernels_are_unsafe() {
    let kernels = root().join("crates").join("ops");
    let uses = ["{", "fn", "impl", "trait", "extern"].map(|what| ["unsafe", what].join(" "));
    let mut seen = 0;
    for file in sources() {
        let text = std::fs::read_to_string(&file).expect("a text");
        let found = uses.iter().find(|what| text.contains(what.as_str()));
        let is_kernel = file.starts_with(&kernels);
        seen += usize::from(found.is_some() && is_kernel);
        if let Some(what) = found.filter(|_| !is_kernel) {
            panic!("{}: `{what}` is for kernels alone", file.display());
        }
    }
    assert!(seen > 5, "{seen} files of kernels");
}
