//! Whether a page is well formed, for tests: every tag that opens is closed, in order.

/// Elements without a closing tag.
const VOID: [&str; 4] = ["br", "img", "input", "meta"];
/// Elements whose inside is not markup.
const RAW: [&str; 2] = ["script", "style"];

/// Checks a page; tells the first fault with what stands there.
pub fn check(page: &str) -> Result<(), String> {
    let body = page.strip_prefix("<!doctype html>").ok_or("no doctype")?;
    let mut open: Vec<&str> = Vec::new();
    let mut rest = body;
    while let Some((_, after)) = rest.split_once('<') {
        let fault = |what: &str| {
            let there: String = after.chars().take(60).collect();
            Err(format!("{what} at `<{there}`"))
        };
        let Some((tag, next)) = split_tag(after) else {
            return fault("a tag without an end");
        };
        rest = next;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return fault("a closing tag that closes nothing");
            }
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return fault("no element's name");
        }
        if tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        open.push(name);
        if RAW.contains(&name) {
            let Some(end) = rest.find(&format!("</{name}")) else {
                return fault("raw text without an end");
            };
            rest = &rest[end..];
        }
    }
    match open.as_slice() {
        [] => Ok(()),
        open => Err(format!("never closed: {open:?}")),
    }
}

/// What is in a tag, and what comes after it; a `>` in quotes does not end it.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (place, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return Some((&text[..place], &text[place + 1..])),
            '<' if !quoted => return None,
            _ => {}
        }
    }
    None
}
