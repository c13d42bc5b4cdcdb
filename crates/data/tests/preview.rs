//! Previews of whole sets, read back.

use ablate_core::{DataContext, Result, registry};
use serde_json::json;

#[test]
fn a_preview_has_a_row_a_class_with_its_name() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("shapes.png");
    let config = json!({ "train": 60 });
    let data = registry::dataset("shapes", &config, &DataContext::default())?;
    ablate_data::preview(data.as_ref(), &path, 6)?;
    let picture = image::open(&path).expect("a PNG").into_rgb8();
    // Ten rows and six columns of 64 pixels, 4 between and 16 around them.
    assert_eq!(picture.height(), 10 * 64 + 9 * 4 + 2 * 16);
    let left = picture.width() - 16 - 6 * 64 - 5 * 4;
    let paper = *picture.get_pixel(0, 0);
    let is_blank = |xs: std::ops::Range<u32>, ys: std::ops::Range<u32>| {
        xs.into_iter()
            .all(|x| ys.clone().all(|y| *picture.get_pixel(x, y) == paper))
    };
    for row in 0..10 {
        let top = 16 + row * 68;
        assert!(!is_blank(0..left, top..top + 64), "row {row} has no name");
        for column in 0..6 {
            let start = left + column * 68;
            assert!(
                !is_blank(start..start + 64, top..top + 64),
                "tile {row}, {column} is empty"
            );
        }
    }
    Ok(())
}

#[test]
fn impossible_previews_are_refused() -> Result<()> {
    let data = registry::dataset("shapes", &json!({}), &DataContext::default())?;
    let none = ablate_data::preview(data.as_ref(), "x.png".as_ref(), 0);
    assert!(
        none.expect_err("no images")
            .to_string()
            .contains("per_class")
    );
    let many = ablate_data::preview(data.as_ref(), "x.png".as_ref(), 1 << 40);
    assert!(many.expect_err("too many").to_string().contains("fewer"));
    let nowhere = ablate_data::preview(data.as_ref(), "/nonexistent/x.png".as_ref(), 1);
    assert!(
        nowhere
            .expect_err("no such folder")
            .to_string()
            .contains("/nonexistent/x.png")
    );
    Ok(())
}
