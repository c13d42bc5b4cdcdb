"""Sums up lcov files: lines that ran, crate by crate. `coverage.py ROOT LCOV...`

Lines of tests are not counted: whole files of them, and `mod tests` at a file's end.
"""

import collections
import pathlib
import sys


def is_test(path):
    """Whether a whole file is of tests, or of what they share."""
    name = path.name
    return "tests" in path.parts or name.endswith("tests.rs") or name == "testing.rs"


def end_of_code(path):
    """The line at which a file's own tests begin."""
    lines = path.read_text().splitlines()
    for number, (line, following) in enumerate(zip(lines, lines[1:]), 1):
        if line == "#[cfg(test)]" and following.startswith("mod ") and following.endswith("{"):
            return number
    return len(lines) + 1


def crate(path):
    """The folder that holds the crate's `src`."""
    return "/".join(path.parts[: path.parts.index("src")])


def main(root, files):
    root = pathlib.Path(root).resolve()
    ran = collections.defaultdict(dict)
    for file in files:
        for line in open(file):
            kind, _, rest = line.strip().partition(":")
            if kind == "SF":
                source = pathlib.Path(rest)
                inside = source.is_relative_to(root) and source.exists()
                path = source.relative_to(root) if inside else None
                wanted = inside and "src" in path.parts and not is_test(path)
                end = end_of_code(source) if wanted else 0
            elif kind == "DA" and wanted:
                number, count = map(int, rest.split(",")[:2])
                if number < end:
                    ran[path][number] = ran[path].get(number, 0) or count
    crates = collections.defaultdict(lambda: [0, 0])
    for path, lines in ran.items():
        hit = sum(1 for count in lines.values() if count)
        for key in [crate(path), "all"]:
            crates[key][0] += hit
            crates[key][1] += len(lines)
    for key, (hit, lines) in sorted(crates.items()):
        print(f"{key:24} {hit:6} of {lines:6} lines  {100 * hit / lines:5.1f}%")
    print("\nThe files with the most lines that did not run:")
    missed = [(sum(1 for c in lines.values() if not c), len(lines), path) for path, lines in ran.items()]
    for lost, lines, path in sorted(missed, key=lambda row: -row[0])[:20]:
        print(f"{lost:5} of {lines:4}  {path}")


main(sys.argv[1], sys.argv[2:])
