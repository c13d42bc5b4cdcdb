//! How an image is stored in a shard: as its pixels, or as a JPEG of high quality.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};
use serde::{Deserialize, Serialize};

use super::format::CHANNELS;
use crate::prepare;

/// The quality of stored JPEGs, on the scale of 1 to 100 of the reference encoder.
const QUALITY: u8 = 95;

/// How images are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    /// The pixels, plane by plane: exact, and 3 x S x S bytes an image.
    Raw,
    /// A JPEG of quality 95 without chroma subsampling.
    Jpeg,
}

impl Encoding {
    /// Its number in a shard's header.
    pub fn number(self) -> u32 {
        match self {
            Self::Raw => 0,
            Self::Jpeg => 1,
        }
    }

    /// Its name for people.
    pub fn describe(self) -> String {
        match self {
            Self::Raw => "as pixels".to_string(),
            Self::Jpeg => format!("as JPEG of quality {QUALITY}"),
        }
    }

    /// An image as it is stored.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn store(self, image: &RgbImage) -> Result<Vec<u8>, String> {
        match self {
            Self::Raw => {
                let mut planes = vec![0; image.as_raw().len()];
                prepare::write_planes(image, &mut planes);
                Ok(planes)
            }
            Self::Jpeg => {
                let mut bytes = Vec::new();
                JpegEncoder::new_with_quality(&mut bytes, QUALITY)
                    .encode(
                        image.as_raw(),
                        image.width(),
                        image.height(),
                        ExtendedColorType::Rgb8,
                    )
                    .map_err(|error| error.to_string())?;
                Ok(bytes)
            }
        }
    }

    /// The pixels `[3, size, size]` of a stored image.
    ///
    /// # Errors
    /// What is wrong with it, without its name.
    pub fn load(self, stored: &[u8], size: usize, planes: &mut [u8]) -> Result<(), String> {
        match self {
            Self::Raw if stored.len() == planes.len() => planes.copy_from_slice(stored),
            Self::Raw => {
                return Err(format!(
                    "{} bytes where {CHANNELS} x {size} x {size} are needed",
                    stored.len()
                ));
            }
            Self::Jpeg => {
                let image = prepare::decode(stored)?;
                if image.dimensions() != (size as u32, size as u32) {
                    return Err(format!(
                        "{} x {} pixels where {size} x {size} are needed",
                        image.width(),
                        image.height()
                    ));
                }
                prepare::write_planes(&image, planes);
            }
        }
        Ok(())
    }
}
