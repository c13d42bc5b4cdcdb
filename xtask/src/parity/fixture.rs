//! One fixture file: its metadata and its tensors.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use serde_json::{Map, Value};

/// A fixture in memory.
pub struct Fixture {
    metadata: HashMap<String, String>,
    tensors: HashMap<String, Tensor>,
}

impl Fixture {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no safetensors file, or has no metadata.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).context("cannot read the file")?;
        let (_, header) =
            SafeTensors::read_metadata(&bytes).context("this is no safetensors file")?;
        let metadata = header
            .metadata()
            .clone()
            .context("the file has no metadata")?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .context("the tensors cannot be read")?;
        Ok(Self { metadata, tensors })
    }

    /// Whether the metadata has a key.
    pub fn has(&self, key: &str) -> bool {
        self.metadata.contains_key(key)
    }

    /// A metadata value.
    pub fn text(&self, key: &str) -> Result<&str> {
        let value = self.metadata.get(key);
        value
            .map(String::as_str)
            .with_context(|| format!("the metadata lacks `{key}`"))
    }

    /// A number among the metadata.
    pub fn number<T: FromStr>(&self, key: &str) -> Result<T> {
        let text = self.text(key)?;
        text.parse()
            .map_err(|_| anyhow!("the metadata's `{key}` is `{text}`, not a number that fits"))
    }

    /// A JSON table among the metadata.
    pub fn table(&self, key: &str) -> Result<Table> {
        let text = self.text(key)?;
        let value = serde_json::from_str(text);
        match value.with_context(|| format!("the metadata's `{key}` is not JSON"))? {
            Value::Object(values) => Ok(Table(values)),
            _ => bail!("the metadata's `{key}` is not a table: {text}"),
        }
    }

    /// A tensor that must be there.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.optional(name)
            .with_context(|| format!("the file lacks the tensor `{name}`"))
    }

    /// A tensor that may be there.
    pub fn optional(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }
}

/// A JSON table whose values are taken one by one, so that none is overlooked.
pub struct Table(Map<String, Value>);

impl Table {
    /// Takes a value out; `None` where it is absent or null.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a number out.
    pub fn number(&mut self, key: &str) -> Result<Option<f64>> {
        self.take(key)
            .map(|value| {
                value
                    .as_f64()
                    .with_context(|| format!("`{key}` is {value}, not a number"))
            })
            .transpose()
    }

    /// Takes a size out.
    pub fn size(&mut self, key: &str) -> Result<Option<usize>> {
        self.take(key).map(|value| size(key, &value)).transpose()
    }

    /// Takes `[height, width]` out; one number means both.
    pub fn pair(&mut self, key: &str) -> Result<Option<[usize; 2]>> {
        let pair = |value: Value| match value.as_array().map(Vec::as_slice) {
            Some([height, width]) => Ok([size(key, height)?, size(key, width)?]),
            Some([both]) => Ok([size(key, both)?; 2]),
            _ => Ok([size(key, &value)?; 2]),
        };
        self.take(key).map(pair).transpose()
    }

    /// Fails unless everything was taken.
    pub fn finish(self, what: &str) -> Result<()> {
        match self.0.iter().find(|(_, value)| !value.is_null()) {
            Some((key, value)) => bail!("{what} `{key}` = {value} is not supported"),
            None => Ok(()),
        }
    }
}

fn size(key: &str, value: &Value) -> Result<usize> {
    let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
    size.with_context(|| format!("`{key}` is {value}, not a size"))
}
