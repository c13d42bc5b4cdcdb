// What every kernel may use. No header is included: the sources are compiled
// on the machine they run on, by a compiler without a standard library.

typedef unsigned long long Count;
typedef unsigned int Word;

// The number of this thread among all threads of the launch.
__device__ static inline Count thread_number() {
    return (Count)blockIdx.x * blockDim.x + threadIdx.x;
}

// Whether all places of so many values fit into a Word. Counting in 64 bits, and
// dividing above all, takes a GPU several times as long as in 32.
__device__ static inline bool fits_word(Count values) { return values < 1ULL << 31; }

// a / b.
__device__ static inline Count quotient(Count a, Count b) {
    return (a | b) >> 32 ? a / b : (Word)a / (Word)b;
}
