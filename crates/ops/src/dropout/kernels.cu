// Dropout with the masks of the CPU kernel: a value's fate is a hash of its
// place under two keys, which each chunk of 4096 values derives from the key.

// "lowbias32" (C. Wellons 2018).
__device__ static inline Word dropout_mix(Word x) {
    x = (x ^ (x >> 16)) * 0x7feb352dU;
    x = (x ^ (x >> 15)) * 0x846ca68bU;
    return x ^ (x >> 16);
}

// One round of SplitMix64 (Steele, Lea and Flood 2014).
__device__ static inline Count dropout_splitmix64(Count z) {
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

// Both directions, a thread a value.
extern "C" __global__ void dropout_apply(
    Count threads, const float *from, float *to, Count key, Count first, Word threshold, float scale) {
    Count i = thread_number();
    if (i >= threads) return;
    Count place = first + i;
    Count keys = dropout_splitmix64(key + dropout_splitmix64(place / 4096));
    Word hash = dropout_mix(dropout_mix((Word)(place % 4096) ^ (Word)keys) ^ (Word)(keys >> 32));
    // Multiplied, not skipped: what is not a number must stay so.
    to[i] = from[i] * (hash >= threshold ? scale : 0.0f);
}
