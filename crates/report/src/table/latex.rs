//! The table in LaTeX, for a paper.

use super::Table;
use crate::report::Report;

/// A `table` environment: variants above, effects below.
pub(crate) fn render(report: &Report) -> String {
    let variants = super::variants(report);
    let effects = super::effects(report);
    let claim = &report.experiment.claim;
    let profile = match &*report.experiment.profile {
        "paper" => String::new(),
        other => format!(" Reduced profile {other}, not the paper's setting."),
    };
    let caption = format!(
        "{} ({}) Mean $\\pm$ standard deviation over seeds [95\\% Student t interval]. \
         Verdict: {}.{} Data: {}.",
        escape(&claim.text),
        escape(&claim.section),
        report.verdict(),
        escape(&profile),
        escape(&report.setting.data.join("; ")),
    );
    format!(
        "% Needs \\usepackage{{booktabs,graphicx}}.\n\
         \\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n\\label{{tab:{}}}\n{}\n\
         \\medskip\n\n{}\\end{{table}}\n",
        label(&report.experiment.name),
        tabular(&variants),
        tabular(&effects),
    )
}

/// A label must not hold what LaTeX would expand.
fn label(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(safe).collect()
}

fn tabular(table: &Table) -> String {
    let columns = "r".repeat(table.header.len().saturating_sub(1));
    let mut text =
        format!("\\resizebox{{\\linewidth}}{{!}}{{%\n\\begin{{tabular}}{{l{columns}}}\n");
    text += "\\toprule\n";
    text += &line(&table.header);
    text += "\\midrule\n";
    text.extend(table.rows.iter().map(|row| line(row)));
    text += "\\bottomrule\n\\end{tabular}}\n";
    text
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
    format!("{} \\\\\n", cells.join(" & "))
}

/// Text made literal; signs and symbols set as mathematics.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' | '>' | '±' | '×' | '∞' => escaped.push_str(symbol(c)),
            // A minus sign, not the hyphen of `top-1`.
            '-' if matches!(before, ' ' | '[') && (next.is_ascii_digit() || next == '∞') => {
                escaped.push_str("$-$");
            }
            // A bracket after a line break would be its optional argument.
            '[' => escaped.push_str("{[}"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

fn symbol(c: char) -> &'static str {
    match c {
        '<' => "$<$",
        '>' => "$>$",
        '±' => "$\\pm$",
        '×' => "$\\times$",
        _ => "$\\infty$",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_literal() {
        assert_eq!(
            escape(r"50% & $5 #1 a_b {x} \y ~ ^"),
            r"50\% \& \$5 \#1 a\_b \{x\} \textbackslash{}y \textasciitilde{} \textasciicircum{}"
        );
        assert_eq!(
            escape("-1.4 ± 0.2 [-2.3, ∞] top-1 < 5"),
            r"$-$1.4 $\pm$ 0.2 {[}$-$2.3, $\infty$] top-1 $<$ 5"
        );
        assert_eq!(label("relu_vs%tanh"), "relu-vs-tanh");
    }
}
