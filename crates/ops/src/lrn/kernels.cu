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

// The window's channels in `place`'s plane of pixels, and the sum over them: of the
// squares of `factor * x`, or of `x` as it is. Index is Word where it is wide enough.
template <typename Index, bool squares>
__device__ static inline float lrn_sum(
    const float *x, Index i, Index channels, Index pixels, Index before, Index after, float factor) {
    Index channel = i / pixels % channels;
    Index first = channel > before ? channel - before : 0;
    Index last = channels - 1 - channel < after ? channels - 1 : channel + after;
    const float *value = x + (i - (channel - first) * pixels);
    float sum = 0.0f;
    for (Index c = first; c <= last; c++, value += pixels) {
        if (squares) {
            float scaled = *value * factor;
            sum += scaled * scaled;
        } else {
            sum += *value;
        }
    }
    return sum;
}

template <bool squares>
__device__ static inline float lrn_window(
    Count threads, const float *x, Count i, Count channels, Count pixels,
    Count before, Count after, float factor) {
    if (fits_word(threads)) {
        // More channels than there are change nothing.
        Word near = before < channels ? before : channels;
        Word far = after < channels ? after : channels;
        return lrn_sum<Word, squares>(x, i, channels, pixels, near, far, factor);
    }
    return lrn_sum<Count, squares>(x, i, channels, pixels, before, after, factor);
}

// y = x * s^-beta, a thread a value.
extern "C" __global__ void lrn_forward(
    Count threads, const float *x, float *y, Count channels, Count pixels,
    Count before, Count after, float factor, float k, float beta, Word quarters) {
    Count i = thread_number();
    if (i >= threads) return;
    float sum = lrn_window<true>(threads, x, i, channels, pixels, before, after, factor);
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
    float sum = lrn_window<true>(threads, x, i, channels, pixels, before, after, factor);
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
    float sum = lrn_window<false>(threads, shares, i, channels, pixels, after, before, factor);
    gx[i] -= x[i] * (factor * sum);
}
