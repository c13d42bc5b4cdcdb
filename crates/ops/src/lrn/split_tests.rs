//! Response normalisation gives the same bits however it is split among threads.

use super::Lrn;
use super::slices::{backward_at, forward_at};
use super::tests::norms;
use crate::testing::{assert_same_on_any_threads, noise};
use crate::{Level, Split};

/// Both passes over `batch` images.
fn both_passes(how: (Level, Split), lrn: &Lrn, batch: usize, planes: [usize; 2]) -> Vec<f32> {
    let len = batch * planes[0] * planes[1];
    let (x, gy) = (noise(1, len), noise(2, len));
    let (mut y, mut gx) = (vec![f32::NAN; len], vec![f32::NAN; len]);
    forward_at(how, lrn, batch, planes, &x, &mut y);
    backward_at(how, lrn, batch, planes, &x, &gy, &mut gx);
    y.extend(gx);
    y
}

#[test]
fn threads_do_not_matter() {
    assert_same_on_any_threads("response norm", || {
        let how = (crate::level(), Split::Threads);
        both_passes(how, &Lrn::default(), 7, [9, 50])
    });
}

#[test]
fn strips_of_an_image_give_the_bits_of_the_whole() {
    // One channel, odd ends of a tile, and strips that do not divide evenly; most norms
    // reach beyond two or three channels.
    let images = [[1, 200], [3, 63], [2, 65], [7, 129], [12, 333], [5, 1000]];
    let mut norms = norms();
    norms.extend((1..=12).map(|size| Lrn {
        size,
        alpha: 0.3,
        ..Lrn::default()
    }));
    for threads in [2, 3, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a thread pool").install(|| {
            for (lrn, planes) in norms.iter().flat_map(|lrn| images.map(|i| (lrn, i))) {
                for (level, batch) in Level::available()
                    .into_iter()
                    .flat_map(|l| [(l, 1), (l, 2)])
                {
                    let [whole, strips] = [Split::Never, Split::Threads].map(|split| {
                        let values = both_passes((level, split), lrn, batch, planes);
                        values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                    });
                    assert!(
                        whole == strips,
                        "{lrn:?}, {batch} x {planes:?} on {threads} threads at {level:?}"
                    );
                }
            }
        });
    }
}
