/* A clock that jumps: each look at it is years ahead of or behind the last, at times
   before 1970. Loaded before the C library, in the place of its own. */
#include <sys/time.h>
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>

static long jump(void) {
    static int looks;
    static const long jumps[] = {315360000, 0, -315360000, 3600, -2500000000, -7};
    return jumps[__sync_fetch_and_add(&looks, 1) % 6];
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += jump();
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
