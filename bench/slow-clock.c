/*
 * Makes the clock of a program fifty times as slow, which is about the slowness of callgrind: the
 * bounds in time that the module has for a turn of the event loop then span as much work as without
 * callgrind. For LD_PRELOAD on Linux; only the clock is changed, not the waiting.
 */

#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLOWNESS = 50 };

static const long long SECOND = 1000000000;

int clock_gettime(clockid_t clock, struct timespec *now) {
  int code = (int)syscall(SYS_clock_gettime, clock, now);
  if (code != 0 || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)) return code;
  long long slow = (now->tv_sec * SECOND + now->tv_nsec) / SLOWNESS;
  now->tv_sec = slow / SECOND;
  now->tv_nsec = slow % SECOND;
  return 0;
}
