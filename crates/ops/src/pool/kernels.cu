// Max-pooling of planes x[height, width] to y[rows, columns], N * C of them.

// A thread an output: the largest value of its window, and where in the plane it
// was. Of equal values the first wins; a NaN wins, and the last of several.
extern "C" __global__ void max_pool2d_forward(
    Count threads, const float *x, float *y, Word *winners,
    Count height, Count width, Count rows, Count columns,
    Count kernel_height, Count kernel_width, Count stride_height, Count stride_width,
    Count padding_height, Count padding_width) {
    Count i = thread_number();
    if (i >= threads) return;
    Count top = i / columns % rows * stride_height;
    Count left = i % columns * stride_width;
    // Without the padding: every window holds at least one value.
    Count bottom = top + kernel_height < padding_height + height
        ? top + kernel_height - padding_height : height;
    Count right = left + kernel_width < padding_width + width
        ? left + kernel_width - padding_width : width;
    top = top > padding_height ? top - padding_height : 0;
    left = left > padding_width ? left - padding_width : 0;
    const float *plane = x + i / (rows * columns) * (height * width);
    Count winner = top * width + left;
    float best = plane[winner];
    for (Count row = top; row < bottom; row++) {
        for (Count column = left; column < right; column++) {
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

// A thread an input, which sums the gradients of the windows it won in their
// order. Gathering needs no atomics, so the sums are the same in every run.
extern "C" __global__ void max_pool2d_backward(
    Count threads, const Word *winners, const float *gy, float *gx,
    Count height, Count width, Count rows, Count columns,
    Count kernel_height, Count kernel_width, Count stride_height, Count stride_width,
    Count padding_height, Count padding_width) {
    Count i = thread_number();
    if (i >= threads) return;
    Count place = i % (height * width);
    Count plane = i / (height * width) * (rows * columns);
    // The place in the padded plane, and the windows that cover it.
    Count down = place / width + padding_height;
    Count across = place % width + padding_width;
    Count first_row = down < kernel_height ? 0 : (down - kernel_height) / stride_height + 1;
    Count first_column = across < kernel_width ? 0 : (across - kernel_width) / stride_width + 1;
    float sum = 0.0f;
    for (Count row = first_row; row < rows && row * stride_height <= down; row++) {
        for (Count column = first_column;
             column < columns && column * stride_width <= across; column++) {
            Count window = plane + row * columns + column;
            if (winners[window] == place) sum += gy[window];
        }
    }
    gx[i] = sum;
}
