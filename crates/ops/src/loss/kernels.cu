// Softmax cross-entropy of logits[N, classes] in double precision. A row is dealt
// out to lanes, as one thread would wait for each of its values in turn; their parts
// are put together in their order, so that the sums are the same in every run.

#define LOSS_LANES 32

// Of the lane's classes the largest logit, the sum of exponentials once that is
// subtracted, and this sum without the target; a thread a lane of a row.
extern "C" __global__ void cross_entropy_parts(
    Count threads, const float *logits, const Word *targets, double *parts, Count classes) {
    Count i = thread_number();
    if (i >= threads) return;
    Count lane = i % LOSS_LANES;
    if (lane >= classes) return;
    const float *row = logits + i / LOSS_LANES * classes;
    Count target = targets[i / LOSS_LANES];
    float largest = row[lane];
    for (Count c = lane + LOSS_LANES; c < classes; c += LOSS_LANES) {
        if (row[c] > largest || row[c] != row[c]) largest = row[c];
    }
    // Where all are minus infinity, the sum is nothing; the lane may not be the row.
    double from = largest < -3.402823466e+38f ? 0.0 : largest;
    double sum = 0.0;
    double others = 0.0;
    for (Count c = lane; c < classes; c += LOSS_LANES) {
        double value = exp((double)row[c] - from);
        sum += value;
        if (c != target) others += value;
    }
    parts[3 * i] = largest;
    parts[3 * i + 1] = sum;
    parts[3 * i + 2] = others;
}

// The same of each row, as its largest logit, the logarithm of the sum, and the
// probability of all classes but the target; and its loss. A thread a row.
extern "C" __global__ void cross_entropy_rows(
    Count threads, const float *logits, const Word *targets, const double *parts,
    double *terms, double *losses, Count classes) {
    Count i = thread_number();
    if (i >= threads) return;
    Count lanes = classes < LOSS_LANES ? classes : LOSS_LANES;
    const double *part = parts + 3 * LOSS_LANES * i;
    double largest = part[0];
    for (Count lane = 1; lane < lanes; lane++) {
        double value = part[3 * lane];
        if (value > largest || value != value) largest = value;
    }
    double sum = 0.0;
    double others = 0.0;
    for (Count lane = 0; lane < lanes; lane++) {
        double scale = exp(part[3 * lane] - largest);
        sum += part[3 * lane + 1] * scale;
        others += part[3 * lane + 2] * scale;
    }
    double log_sum = log(sum);
    terms[3 * i] = largest;
    terms[3 * i + 1] = log_sum;
    terms[3 * i + 2] = others / sum;
    losses[i] = log_sum - ((double)logits[i * classes + targets[i]] - largest);
}

// Their mean, by one thread: there are as many as images in a batch.
extern "C" __global__ void cross_entropy_mean(
    Count threads, const double *losses, float *mean, Count rows) {
    if (thread_number() >= threads) return;
    double sum = 0.0;
    for (Count i = 0; i < rows; i++) sum += losses[i];
    *mean = (float)(sum / (double)rows);
}

// The gradient of the mean, times the gradient of what was made of it; a thread a
// value.
extern "C" __global__ void cross_entropy_backward(
    Count threads, const float *logits, const Word *targets, const double *terms,
    const float *gradient, float *gx, Count classes) {
    Count i = thread_number();
    if (i >= threads) return;
    Count row = quotient(i, classes);
    const double *of = terms + 3 * row;
    double weight = (double)*gradient / (double)quotient(threads, classes);
    // The target's probability minus one would cancel when it is near one.
    gx[i] = i - row * classes == targets[row]
        ? (float)(-weight * of[2])
        : (float)(weight * exp((double)logits[i] - of[0] - of[1]));
}
