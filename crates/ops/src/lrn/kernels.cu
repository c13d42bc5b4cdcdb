// Response normalisation of x[N, channels, pixels], in the order of operations
// of the CPU kernel. `quarters` is four times beta where that is 2, 3 or 4,
// else 0. A sum spans `before` channels before its own and `after` after it.

struct LrnPowers {
    // s^-beta
    float power;
    // 1 / s
    float inverse;
};

__device__ static inline LrnPowers lrn_powers(float s, float beta, Word quarters) {
    LrnPowers powers;
    if (quarters == 2) {
        powers.power = 1.0f / sqrtf(s);
        powers.inverse = powers.power * powers.power;
    } else if (quarters == 3) {
        float root = sqrtf(s);
        powers.power = 1.0f / (root * sqrtf(root));
        // For an infinite sum the product would be zero times infinity.
        float inverse = powers.power * (powers.power * root);
        powers.inverse = s > 3.402823466e+38f ? 0.0f : inverse;
    } else {
        powers.inverse = 1.0f / s;
        powers.power = quarters == 4 ? powers.inverse : powf(s, -beta);
    }
    return powers;
}

// The sum over the window of one channel: of the squares of `factor * x`.
__device__ static inline float lrn_sum_of_squares(
    const float *x, Count i, Count channels, Count pixels, Count before, Count after, float factor) {
    Count channel = i / pixels % channels;
    Count first = channel > before ? channel - before : 0;
    Count last = channels - 1 - channel < after ? channels - 1 : channel + after;
    const float *plane = x + (i - channel * pixels);
    float sum = 0.0f;
    for (Count c = first; c <= last; c++) {
        float value = plane[c * pixels] * factor;
        sum += value * value;
    }
    return sum;
}

// y = x * s^-beta, a thread a value.
extern "C" __global__ void lrn_forward(
    Count threads, const float *x, float *y, Count channels, Count pixels,
    Count before, Count after, float factor, float k, float beta, Word quarters) {
    Count i = thread_number();
    if (i >= threads) return;
    float sum = lrn_sum_of_squares(x, i, channels, pixels, before, after, factor);
    y[i] = x[i] * lrn_powers(k + sum, beta, quarters).power;
}

// The first half of the gradient, a thread a value: what reaches x directly, and
// the share of this output in the gradients of its window.
extern "C" __global__ void lrn_backward_shares(
    Count threads, const float *x, const float *gy, float *direct, float *shares,
    Count channels, Count pixels, Count before, Count after,
    float factor, float k, float beta, Word quarters) {
    Count i = thread_number();
    if (i >= threads) return;
    float sum = lrn_sum_of_squares(x, i, channels, pixels, before, after, factor);
    LrnPowers powers = lrn_powers(k + sum, beta, quarters);
    float value = gy[i] * powers.power;
    direct[i] = value;
    shares[i] = value * (x[i] * (factor * powers.inverse));
}

// The second half: gx, which holds what came directly, less the shares of the
// outputs in whose windows x stands; these mirror the window of the sums.
extern "C" __global__ void lrn_backward_gather(
    Count threads, const float *x, const float *shares, float *gx,
    Count channels, Count pixels, Count before, Count after, float factor) {
    Count i = thread_number();
    if (i >= threads) return;
    Count channel = i / pixels % channels;
    Count first = channel > after ? channel - after : 0;
    Count last = channels - 1 - channel < before ? channels - 1 : channel + before;
    const float *plane = shares + (i - channel * pixels);
    float sum = 0.0f;
    for (Count c = first; c <= last; c++) sum += plane[c * pixels];
    gx[i] -= x[i] * (factor * sum);
}
