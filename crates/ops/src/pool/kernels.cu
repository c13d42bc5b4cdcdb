// Max-pooling of planes x[height, width] to y[rows, columns], N * C of them. The
// kernels count in Index, which is Word where it is wide enough.

template <typename Index>
__device__ static inline void max_pool2d_one(
    Index i, const float *x, float *y, Word *winners,
    Index height, Index width, Index rows, Index columns,
    Index kernel_height, Index kernel_width, Index stride_height, Index stride_width,
    Index padding_height, Index padding_width) {
    Index line = i / columns;
    Index plane_number = line / rows;
    Index top = (line - plane_number * rows) * stride_height;
    Index left = (i - line * columns) * stride_width;
    // Without the padding: every window holds at least one value.
    Index bottom = top + kernel_height < padding_height + height
        ? top + kernel_height - padding_height : height;
    Index right = left + kernel_width < padding_width + width
        ? left + kernel_width - padding_width : width;
    top = top > padding_height ? top - padding_height : 0;
    left = left > padding_width ? left - padding_width : 0;
    const float *plane = x + plane_number * (height * width);
    Index winner = top * width + left;
    float best = plane[winner];
    for (Index row = top; row < bottom; row++) {
        for (Index column = left; column < right; column++) {
            float value = plane[row * width + column];
            if (value > best || value != value) {
                best = value;
                winner = row * width + column;
            }
        }
    }
    y[i] = best;
    winners[i] = (Word)winner;
}

// A thread an output: the largest value of its window, and where in the plane it
// was. Of equal values the first wins; a NaN wins, and the last of several.
extern "C" __global__ void max_pool2d_forward(
    Count threads, const float *x, float *y, Word *winners,
    Count height, Count width, Count rows, Count columns,
    Count kernel_height, Count kernel_width, Count stride_height, Count stride_width,
    Count padding_height, Count padding_width) {
    Count i = thread_number();
    if (i >= threads) return;
    // The padded planes: no window reaches out of them.
    Count padded = (height + 2 * padding_height) * (width + 2 * padding_width);
    if (fits_word((threads / (rows * columns) + 1) * padded)) {
        max_pool2d_one<Word>(
            i, x, y, winners, height, width, rows, columns, kernel_height, kernel_width,
            stride_height, stride_width, padding_height, padding_width);
    } else {
        max_pool2d_one<Count>(
            i, x, y, winners, height, width, rows, columns, kernel_height, kernel_width,
            stride_height, stride_width, padding_height, padding_width);
    }
}

template <typename Index>
__device__ static inline float max_pool2d_gradient(
    Index i, const Word *winners, const float *gy,
    Index height, Index width, Index rows, Index columns,
    Index kernel_height, Index kernel_width, Index stride_height, Index stride_width,
    Index padding_height, Index padding_width) {
    Index plane_number = i / (height * width);
    Index place = i - plane_number * (height * width);
    Index plane = plane_number * (rows * columns);
    // The place in the padded plane, and the windows that cover it.
    Index line = place / width;
    Index down = line + padding_height;
    Index across = place - line * width + padding_width;
    Index first_row = down < kernel_height ? 0 : (down - kernel_height) / stride_height + 1;
    Index first_column = across < kernel_width ? 0 : (across - kernel_width) / stride_width + 1;
    float sum = 0.0f;
    for (Index row = first_row; row < rows && row * stride_height <= down; row++) {
        for (Index column = first_column;
             column < columns && column * stride_width <= across; column++) {
            Index window = plane + row * columns + column;
            if (winners[window] == place) sum += gy[window];
        }
    }
    return sum;
}

// A thread an input, which sums the gradients of the windows it won in their
// order. Gathering needs no atomics, so the sums are the same in every run.
extern "C" __global__ void max_pool2d_backward(
    Count threads, const Word *winners, const float *gy, float *gx,
    Count height, Count width, Count rows, Count columns,
    Count kernel_height, Count kernel_width, Count stride_height, Count stride_width,
    Count padding_height, Count padding_width) {
    Count i = thread_number();
    if (i >= threads) return;
    // Outputs may be more than inputs, by the padding.
    Count padded = (height + 2 * padding_height) * (width + 2 * padding_width);
    if (fits_word((threads / (height * width) + 1) * padded)) {
        gx[i] = max_pool2d_gradient<Word>(
            i, winners, gy, height, width, rows, columns, kernel_height, kernel_width,
            stride_height, stride_width, padding_height, padding_width);
    } else {
        gx[i] = max_pool2d_gradient<Count>(
            i, winners, gy, height, width, rows, columns, kernel_height, kernel_width,
            stride_height, stride_width, padding_height, padding_width);
    }
}
