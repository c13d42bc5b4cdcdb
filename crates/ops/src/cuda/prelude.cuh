// What every kernel may use. No header is included: the sources are compiled
// on the machine they run on, by a compiler without a standard library.

typedef unsigned long long Count;
typedef unsigned int Word;

// The number of this thread among all threads of the launch.
__device__ static inline Count thread_number() {
    return (Count)blockIdx.x * blockDim.x + threadIdx.x;
}
