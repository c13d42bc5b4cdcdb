// Softmax cross-entropy of logits[N, classes], a thread a row, in double
// precision and in the order of the CPU kernel. A row is short and its work
// small beside a layer's, so that one thread is enough.

struct LossTerms {
    double largest;
    // The logarithm of the sum of exponentials once the largest is subtracted.
    double log_sum;
};

__device__ static inline LossTerms loss_terms(const float *row, Count classes) {
    float largest = row[0];
    for (Count c = 1; c < classes; c++) {
        if (row[c] > largest || row[c] != row[c]) largest = row[c];
    }
    double sum = 0.0;
    for (Count c = 0; c < classes; c++) sum += exp((double)row[c] - (double)largest);
    LossTerms terms;
    terms.largest = largest;
    terms.log_sum = log(sum);
    return terms;
}

// The loss of each row.
extern "C" __global__ void cross_entropy_rows(
    Count threads, const float *logits, const Word *targets, double *losses, Count classes) {
    Count i = thread_number();
    if (i >= threads) return;
    const float *row = logits + i * classes;
    LossTerms terms = loss_terms(row, classes);
    losses[i] = terms.log_sum - ((double)row[targets[i]] - terms.largest);
}

// Their mean, by one thread: there are as many as images in a batch.
extern "C" __global__ void cross_entropy_mean(
    Count threads, const double *losses, float *mean, Count rows) {
    if (thread_number() >= threads) return;
    double sum = 0.0;
    for (Count i = 0; i < rows; i++) sum += losses[i];
    *mean = (float)(sum / (double)rows);
}

// The gradient of the mean, times the gradient of what was made of it.
extern "C" __global__ void cross_entropy_backward(
    Count threads, const float *logits, const Word *targets, const float *gradient,
    float *gx, Count classes) {
    Count i = thread_number();
    if (i >= threads) return;
    const float *row = logits + i * classes;
    LossTerms terms = loss_terms(row, classes);
    double weight = (double)*gradient / (double)threads;
    double others = 0.0;
    for (Count c = 0; c < classes; c++) {
        double probability = exp((double)row[c] - terms.largest - terms.log_sum);
        gx[i * classes + c] = (float)(weight * probability);
        if (c != targets[i]) others += probability;
    }
    // The target's probability minus one, which would cancel when it is near one.
    gx[i * classes + targets[i]] = (float)(-weight * others);
}
