//! One JSON object a line on standard output, for machines.

use ablate_runner::{Event, Observer, PlannedTrial};
use serde_json::{Value, json};

use super::ending;

/// Writes each start, epoch, end and warning.
pub struct Json;

impl Observer for Json {
    fn notice(&mut self, event: Event) {
        let line = match event {
            Event::Kept { trial, status } => {
                about(trial, "kept", json!({ "status": ending(status) }))
            }
            Event::Started {
                trial,
                done_epochs,
                done_steps,
                parameters,
                ..
            } => about(
                trial,
                "started",
                json!({ "done_epochs": done_epochs, "done_steps": done_steps, "parameters": parameters }),
            ),
            Event::Epoch { trial, record } => about(trial, "epoch", json!({ "record": record })),
            Event::Ended { trial, status } => {
                about(trial, "ended", json!({ "status": ending(status) }))
            }
            Event::Warning { trial, message } => {
                about(trial, "warning", json!({ "message": message }))
            }
            Event::Averaged {
                variant,
                members,
                status,
            } => json!({
                "event": "averaged",
                "variant": variant,
                "members": members,
                "status": ending(status),
            }),
            _ => return,
        };
        println!("{line}");
    }
}

fn about(trial: &PlannedTrial, event: &str, details: Value) -> Value {
    let mut line = json!({ "event": event, "variant": trial.variant, "seed": trial.seed });
    if let Some(value) = &trial.tries {
        line["tries"] = json!(value);
    }
    if let (Some(line), Value::Object(details)) = (line.as_object_mut(), details) {
        line.extend(details);
    }
    line
}
