// The activations; `function` numbers them as `Activation` does.

// A comparison, not fmaxf: a diverged value (not a number) must stay one.
__device__ static inline float activate(float value, Word function) {
    switch (function) {
    case 1: return value < 0.0f ? 0.0f : value;
    case 2: return tanhf(value);
    default: return value;
    }
}

// y = act(x), a thread a value.
extern "C" __global__ void activation_forward(
    Count threads, const float *x, float *y, Word function) {
    Count i = thread_number();
    if (i >= threads) return;
    y[i] = activate(x[i], function);
}

// y = act(x + bias), a thread a value of x[N, channels, pixels].
extern "C" __global__ void bias_activation_forward(
    Count threads, const float *x, const float *bias, float *y,
    Count channels, Count pixels, Word function) {
    Count i = thread_number();
    if (i >= threads) return;
    Count plane = quotient(i, pixels);
    Count channel = plane - quotient(plane, channels) * channels;
    y[i] = activate(x[i] + bias[channel], function);
}

// gx = gy * act'(x), a thread a value; the derivative follows from y = act(x).
extern "C" __global__ void activation_backward(
    Count threads, const float *y, const float *gy, float *gx, Word function) {
    Count i = thread_number();
    if (i >= threads) return;
    float value = y[i];
    float derivative = 1.0f;
    if (function == 1) derivative = value > 0.0f ? 1.0f : 0.0f;
    if (function == 2) derivative = 1.0f - value * value;
    gx[i] = gy[i] * derivative;
}
