//! One image file from anywhere, prepared as a set prepares its own.

use std::fs;
use std::path::Path;

use ablate_core::{Error, Result};

use super::files::SetFile;
use crate::prepare;

/// Reads a JPEG or PNG file as an image `[3, S, S]` of `shape`: the shorter side
/// scaled to S, the centre square cut out, as [`ImageFolder`](crate::ImageFolder)
/// does. Grey, CMYK, transparent and 16-bit images become RGB; an orientation in the
/// file's EXIF is passed over, as in training.
///
/// # Errors
/// The file is missing, too large, cut off or no image; or `shape` is not that of a
/// square image with three channels.
pub fn read_image(path: &Path, shape: [usize; 3]) -> Result<Vec<u8>> {
    let [channels, height, width] = shape;
    if channels != 3 || height != width {
        return Err(Error::Other(format!(
            "an image file becomes a square of three channels, and images of shape {shape:?} are \
             wanted\n  fix: use a network for images 3 x S x S"
        )));
    }
    let wrong = |problem: &str, fix: &str| Error::bad_file(path, problem, fix);
    let file = fs::metadata(path).map_err(|error| wrong(&error.to_string(), "check the path"))?;
    if file.is_dir() {
        let fix = "name the images in it, FOLDER/*.jpg";
        return Err(wrong("it is a folder", fix));
    }
    let name = path.display().to_string();
    let bytes = SetFile::alone(name, path.to_path_buf(), file.len()).bytes()?;
    let fix = "save it again as a JPEG or PNG, or leave it out";
    let mut pixels = vec![0; 3 * height * width];
    prepare::prepare(&bytes, height, &mut pixels).map_err(|problem| wrong(&problem, fix))?;
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

    use super::*;

    fn encode(format: ImageFormat) -> Vec<u8> {
        let image = RgbImage::from_fn(40, 30, |x, y| Rgb([6 * x as u8, 8 * y as u8, 99]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(image)
            .write_to(&mut bytes, format)
            .expect("memory can be written");
        bytes.into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("photo.jpg");
        fs::write(&path, bytes).expect("written");
        read_image(&path, [3, 8, 8])
    }

    #[test]
    fn an_image_cut_off_anywhere_is_refused_by_name() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let whole = encode(format);
            assert_eq!(read(&whole).expect("whole").len(), 192);
            for tenth in 0..10 {
                let error = read(&whole[..whole.len() * tenth / 10]).expect_err("cut off");
                let error = error.to_string();
                assert!(
                    error.contains("photo.jpg") && error.contains("fix:"),
                    "{format:?} cut to {tenth} tenths: {error}"
                );
            }
        }
    }

    #[test]
    fn bytes_after_the_end_do_no_harm() {
        let mut bytes = encode(ImageFormat::Jpeg);
        let clean = read(&bytes).expect("whole");
        bytes.extend([0; 100]);
        assert_eq!(read(&bytes).expect("padded"), clean);
    }

    #[test]
    fn what_is_no_image_is_refused_by_name() {
        for (bytes, says) in [(&b""[..], "empty"), (b"hello", "neither a JPEG nor a PNG")] {
            let error = read(bytes).expect_err("no image").to_string();
            assert!(
                error.contains("photo.jpg") && error.contains(says),
                "{error}"
            );
        }
        let folder = std::env::temp_dir();
        let error = read_image(&folder, [3, 8, 8])
            .expect_err("a folder")
            .to_string();
        assert!(error.contains("it is a folder"), "{error}");
        let error = read_image(&folder.join("absent.png"), [3, 8, 8]);
        assert!(
            error
                .expect_err("absent")
                .to_string()
                .contains("absent.png")
        );
        let error = read_image(&folder, [1, 8, 8]).expect_err("one channel");
        assert!(error.to_string().contains("three channels"), "{error}");
    }
}
