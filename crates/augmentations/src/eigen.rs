//! Eigenvalues and eigenvectors of a symmetric 3 x 3 matrix.

/// The eigendecomposition of a symmetric matrix, largest value first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Eigen {
    /// The eigenvalues.
    pub values: [f64; 3],
    /// For each eigenvalue its unit eigenvector, whose largest component (the
    /// first of equals) is positive: a fixed choice of the free sign.
    pub vectors: [[f64; 3]; 3],
}

/// Diagonalises `matrix` by Jacobi's method; only its symmetric part counts.
pub(crate) fn symmetric(matrix: [[f64; 3]; 3]) -> Eigen {
    let mut a = matrix;
    for row in 0..3 {
        for column in 0..row {
            let mean = (matrix[row][column] + matrix[column][row]) / 2.0;
            (a[row][column], a[column][row]) = (mean, mean);
        }
    }
    // Columns of `v` become the eigenvectors.
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    // Convergence is quadratic; a 3 x 3 matrix needs five or six sweeps.
    for _ in 0..20 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            rotate(&mut a, &mut v, p, q);
        }
    }
    let mut pairs = [0, 1, 2].map(|i| (a[i][i], with_fixed_sign([v[0][i], v[1][i], v[2][i]])));
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0));
    Eigen {
        values: pairs.map(|(value, _)| value),
        vectors: pairs.map(|(_, vector)| vector),
    }
}

/// Rotates the plane of axes `p` and `q` so that `a[p][q]` becomes zero.
fn rotate(a: &mut [[f64; 3]; 3], v: &mut [[f64; 3]; 3], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    // The smaller of the two angles, for stability.
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for row in a.iter_mut() {
        let (x, y) = (row[p], row[q]);
        (row[p], row[q]) = (cosine * x - sine * y, sine * x + cosine * y);
    }
    let (x, y) = (a[p], a[q]);
    a[p] = std::array::from_fn(|column| cosine * x[column] - sine * y[column]);
    a[q] = std::array::from_fn(|column| sine * x[column] + cosine * y[column]);
    (a[p][q], a[q][p]) = (0.0, 0.0);
    for row in v {
        let (x, y) = (row[p], row[q]);
        (row[p], row[q]) = (cosine * x - sine * y, sine * x + cosine * y);
    }
}

fn with_fixed_sign(vector: [f64; 3]) -> [f64; 3] {
    let largest = vector
        .into_iter()
        .reduce(|best, next| if next.abs() > best.abs() { next } else { best });
    match largest {
        Some(largest) if largest < 0.0 => vector.map(|component| -component),
        _ => vector,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_decomposes(matrix: [[f64; 3]; 3]) {
        let Eigen { values, vectors } = symmetric(matrix);
        let size = matrix
            .iter()
            .flatten()
            .fold(1e-300, |m: f64, x| m.max(x.abs()));
        assert!(
            values[0] >= values[1] && values[1] >= values[2],
            "{values:?}"
        );
        for i in 0..3 {
            for j in 0..3 {
                let dot: f64 = (0..3).map(|k| vectors[i][k] * vectors[j][k]).sum();
                assert!(
                    (dot - f64::from(u8::from(i == j))).abs() < 1e-12,
                    "{vectors:?}"
                );
                let rebuilt: f64 = (0..3)
                    .map(|k| values[k] * vectors[k][i] * vectors[k][j])
                    .sum();
                assert!((rebuilt - matrix[i][j]).abs() < 1e-12 * size, "{matrix:?}");
            }
        }
    }

    #[test]
    fn a_matrix_built_from_known_vectors_gives_them_back() {
        // Orthogonal vectors of length 7.
        let vectors = [[2.0, 3.0, 6.0], [3.0, -6.0, 2.0], [6.0, 2.0, -3.0]];
        let values = [9.0, 4.0, 1.0];
        let mut matrix = [[0.0; 3]; 3];
        for k in 0..3 {
            for i in 0..3 {
                for j in 0..3 {
                    matrix[i][j] += values[k] * vectors[k][i] * vectors[k][j] / 49.0;
                }
            }
        }
        let eigen = symmetric(matrix);
        // The largest component of the second is negative, so its sign changes.
        let expected = [[2.0, 3.0, 6.0], [-3.0, 6.0, -2.0], [6.0, 2.0, -3.0]];
        for (value, expected) in eigen.values.iter().zip(values) {
            assert!((value - expected).abs() < 1e-12);
        }
        for (axis, expected) in eigen
            .vectors
            .iter()
            .flatten()
            .zip(expected.iter().flatten())
        {
            assert!((axis - expected / 7.0).abs() < 1e-12);
        }
        assert_decomposes(matrix);
    }

    #[test]
    fn matrices_of_every_rank_decompose() {
        assert_decomposes([[0.0; 3]; 3]);
        assert_decomposes([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        assert_decomposes([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]);
        assert_decomposes([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 5.0]]);
        assert_decomposes([[1e-9, 1e-10, 0.0], [1e-10, 1e-9, 0.0], [0.0, 0.0, 1e9]]);
        assert_decomposes([
            [4000.0, 3700.0, 3300.0],
            [3700.0, 3900.0, 3600.0],
            [3300.0, 3600.0, 4400.0],
        ]);
    }

    #[test]
    fn the_sign_of_a_vector_is_fixed() {
        assert_eq!(with_fixed_sign([-0.6, 0.0, 0.8]), [-0.6, 0.0, 0.8]);
        assert_eq!(with_fixed_sign([0.6, 0.0, -0.8]), [-0.6, 0.0, 0.8]);
        assert_eq!(with_fixed_sign([-1.0, 1.0, 0.0]), [1.0, -1.0, 0.0]);
    }
}
