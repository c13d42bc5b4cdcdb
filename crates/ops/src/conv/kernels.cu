// Blocks of `length` values that lie `from_stride` apart, put `to_stride` apart; a thread
// a value. A group's channels are such a block of each image.
extern "C" __global__ void copy_blocks(
    Count threads, const float *from, float *to, Count length, Count from_stride, Count to_stride) {
    Count i = thread_number();
    if (i >= threads) return;
    Count block = quotient(i, length);
    Count place = i - block * length;
    to[block * to_stride + place] = from[block * from_stride + place];
}
