/* A wall clock that is SHIFTED_CLOCK_S seconds ahead, for every process that is started with this library in LD_PRELOAD.
   With SHIFTED_CLOCK_FILE it is ahead by the seconds that this file has as a 64-bit integer, and moves as soon as that does.

   Only the wall clock moves: the monotonic clock, sleeps and relative time limits stay as they are. Times of files move
   with the wall clock, so that a file that was written now is as old as it would be on that day. A deadline that a
   process derived from the shifted clock is shifted back before the kernel waits for it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FIRST_WALL_CLOCK_S 1000000000 /* no machine is up for 30 years: what is below is a time of the monotonic clock */

static time_t offset(void) {
    static time_t seconds;
    static const volatile int64_t *moving;
    static int is_read;
    if (!is_read) {
        const char *text = getenv("SHIFTED_CLOCK_S"), *path = getenv("SHIFTED_CLOCK_FILE");
        seconds = text ? atoll(text) : 0;
        int file = path ? open(path, O_RDONLY) : -1;
        if (file >= 0) {
            void *mapped = mmap(NULL, sizeof *moving, PROT_READ, MAP_SHARED, file, 0);
            if (mapped != MAP_FAILED) moving = mapped;
            close(file);
        }
        is_read = 1;
    }
    return moving ? *moving : seconds;
}

/* What asks for the time. */

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = NEXT(clock_gettime);
    int result = next(clock, now);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)) now->tv_sec += offset();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static int (*next)(struct timeval *restrict, void *restrict);
    if (!next) next = NEXT(gettimeofday);
    int result = next(now, zone);
    if (!result) now->tv_sec += offset();
    return result;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* What waits until a time. */

static clockid_t unshifted(const struct timespec *deadline, struct timespec *result) {
    *result = *deadline;
    if (deadline->tv_sec < FIRST_WALL_CLOCK_S) return CLOCK_MONOTONIC;
    result->tv_sec -= offset();
    return CLOCK_REALTIME;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
    struct timespec real;
    clockid_t clock = unshifted(deadline, &real);
    return sem_clockwait(semaphore, clock, &real);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline) {
    struct timespec real;
    clockid_t clock = unshifted(deadline, &real);
    return pthread_cond_clockwait(condition, mutex, clock, &real);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline) {
    struct timespec real;
    clockid_t clock = unshifted(deadline, &real);
    return pthread_mutex_clocklock(mutex, clock, &real);
}

/* Times of files. */

static int shifted(int result, struct stat *file) {
    if (!result) {
        file->st_atim.tv_sec += offset();
        file->st_mtim.tv_sec += offset();
        file->st_ctim.tv_sec += offset();
    }
    return result;
}

int stat(const char *restrict path, struct stat *restrict file) {
    return shifted(NEXT(stat)(path, file), file);
}

int lstat(const char *restrict path, struct stat *restrict file) {
    return shifted(NEXT(lstat)(path, file), file);
}

int fstat(int descriptor, struct stat *file) {
    return shifted(NEXT(fstat)(descriptor, file), file);
}

int fstatat(int folder, const char *restrict path, struct stat *restrict file, int flags) {
    return shifted(NEXT(fstatat)(folder, path, file, flags), file);
}

/* Programs are linked to these names; on a 64-bit system they are the same functions. */

_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "a 64-bit system is expected");

int stat64(const char *restrict path, struct stat64 *restrict file) {
    return stat(path, (struct stat *)file);
}

int lstat64(const char *restrict path, struct stat64 *restrict file) {
    return lstat(path, (struct stat *)file);
}

int fstat64(int descriptor, struct stat64 *file) {
    return fstat(descriptor, (struct stat *)file);
}

int fstatat64(int folder, const char *restrict path, struct stat64 *restrict file, int flags) {
    return fstatat(folder, path, (struct stat *)file, flags);
}

static const struct timespec *real_times(const struct timespec times[2], struct timespec real[2]) {
    if (!times) return NULL;
    for (int i = 0; i < 2; i++) {
        real[i] = times[i];
        if (times[i].tv_nsec != UTIME_NOW && times[i].tv_nsec != UTIME_OMIT) real[i].tv_sec -= offset();
    }
    return real;
}

int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    struct timespec real[2];
    return NEXT(utimensat)(folder, path, real_times(times, real), flags);
}

int futimens(int descriptor, const struct timespec times[2]) {
    struct timespec real[2];
    return NEXT(futimens)(descriptor, real_times(times, real));
}
