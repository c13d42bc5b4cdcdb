//! The messages that fill TensorBoard's table of hyper-parameters. Which trials
//! there are it finds out itself; this is what one says of itself.

use std::time::SystemTime;

use protobuf::Message;
use protobuf::well_known_types::Value as HParam;
use serde_json::Value;
use tensorboard_proto::api::Status;
use tensorboard_proto::plugin_hparams::{HParamsPluginData, SessionEndInfo, SessionStartInfo};
use tensorboard_proto::summary::{
    Summary, Summary_Value, SummaryMetadata, SummaryMetadata_PluginData,
};

use crate::plan::PlannedTrial;
use crate::{Error, Result};

/// The variant, the seed and every key of the config that can change a result.
/// TensorBoard shows first those that differ between the trials it looks at.
pub(crate) fn start(planned: &PlannedTrial) -> Result<Summary> {
    let mut session = SessionStartInfo::new();
    session.set_start_time_secs(seconds());
    let hparams = session.mut_hparams();
    hparams.insert("variant".to_string(), text(&planned.variant));
    hparams.insert("seed".to_string(), number(planned.seed as f64));
    for (key, value) in planned.config.leaves() {
        hparams.insert(key, of(&value));
    }
    let mut data = HParamsPluginData::new();
    data.set_session_start_info(session);
    summary("_hparams_/session_start_info", &data)
}

/// That the trial is over.
pub(crate) fn end(success: bool) -> Result<Summary> {
    let mut session = SessionEndInfo::new();
    session.set_status(match success {
        true => Status::STATUS_SUCCESS,
        false => Status::STATUS_FAILURE,
    });
    session.set_end_time_secs(seconds());
    let mut data = HParamsPluginData::new();
    data.set_session_end_info(session);
    summary("_hparams_/session_end_info", &data)
}

fn summary(tag: &str, data: &HParamsPluginData) -> Result<Summary> {
    let content = data
        .write_to_bytes()
        .map_err(|error| Error::Other(format!("TensorBoard's hyper-parameters: {error}")))?;
    let mut plugin = SummaryMetadata_PluginData::new();
    plugin.set_plugin_name("hparams".to_string());
    plugin.set_content(content);
    let mut metadata = SummaryMetadata::new();
    metadata.set_plugin_data(plugin);
    let mut value = Summary_Value::new();
    value.set_tag(tag.to_string());
    value.set_metadata(metadata);
    let mut summary = Summary::new();
    summary.mut_value().push(value);
    Ok(summary)
}

/// A number, a truth or a text; what has parts is shown as its JSON.
fn of(value: &Value) -> HParam {
    match value {
        Value::Bool(truth) => {
            let mut hparam = HParam::new();
            hparam.set_bool_value(*truth);
            hparam
        }
        Value::String(value) => text(value),
        value => match value.as_f64() {
            Some(value) => number(value),
            None => text(&value.to_string()),
        },
    }
}

fn number(value: f64) -> HParam {
    let mut hparam = HParam::new();
    hparam.set_number_value(value);
    hparam
}

fn text(value: &str) -> HParam {
    let mut hparam = HParam::new();
    hparam.set_string_value(value.to_string());
    hparam
}

fn seconds() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_their_type() {
        assert_eq!(of(&json!(0.5)).get_number_value(), 0.5);
        assert_eq!(of(&json!(3)).get_number_value(), 3.0);
        assert!(of(&json!(true)).get_bool_value());
        assert_eq!(of(&json!("relu")).get_string_value(), "relu");
        assert_eq!(of(&json!([1, 2])).get_string_value(), "[1,2]");
    }

    #[test]
    fn the_message_is_one_that_tensorboard_reads() -> Result<()> {
        let ended = end(true)?;
        let value = &ended.get_value()[0];
        assert_eq!(value.get_tag(), "_hparams_/session_end_info");
        let plugin = value.get_metadata().get_plugin_data();
        assert_eq!(plugin.get_plugin_name(), "hparams");
        let content = plugin.get_content();
        let data = HParamsPluginData::parse_from_bytes(content).expect("a message");
        let status = data.get_session_end_info().get_status();
        assert_eq!(status, Status::STATUS_SUCCESS);
        Ok(())
    }
}
