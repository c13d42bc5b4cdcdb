// The update rules, a thread a value; the factors are those of the CPU kernels.

extern "C" __global__ void sgd_paper_update(
    Count threads, float *w, float *v, const float *g, float momentum, float decay, float lr) {
    Count i = thread_number();
    if (i >= threads) return;
    float velocity = momentum * v[i] - decay * w[i] - lr * g[i];
    v[i] = velocity;
    w[i] += velocity;
}

extern "C" __global__ void sgd_update(
    Count threads, float *w, float *v, const float *g, float momentum, float decay, float lr) {
    Count i = thread_number();
    if (i >= threads) return;
    float velocity = momentum * v[i] + (g[i] + decay * w[i]);
    v[i] = velocity;
    w[i] -= lr * velocity;
}

extern "C" __global__ void adam_update(
    Count threads, float *w, float *m, float *v, const float *g,
    float keep, float decay, float old_mean, float new_mean,
    float old_square, float new_square, float root, float eps, float rate) {
    Count i = thread_number();
    if (i >= threads) return;
    float kept = w[i] * keep;
    float gradient = g[i] + decay * w[i];
    float mean = old_mean * m[i] + new_mean * gradient;
    float square = old_square * v[i] + new_square * gradient * gradient;
    m[i] = mean;
    v[i] = square;
    w[i] = kept - rate * mean / (sqrtf(square) * root + eps);
}
