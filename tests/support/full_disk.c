/* A disk that another program fills to the last byte, for every process that is started with this library in LD_PRELOAD.

   While the file FULL_DISK_FLAG exists, nothing can be created, and no file can grow, below the folder that it names:
   only blocks that a file owns already can be written, as on a real disk. The rest of the machine's disk is as it was. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define BLOCK_BYTES 512 /* the unit of st_blocks */

/* Whether the disk is full; `folder` gets the path below which it is. Needs no function that is replaced below. */
static int is_full(char folder[PATH_MAX]) {
    const char *flag = getenv("FULL_DISK_FLAG");
    int saved_errno = errno;
    int descriptor = flag ? (int)syscall(SYS_openat, AT_FDCWD, flag, O_RDONLY | O_CLOEXEC, 0) : -1;
    ssize_t length = descriptor < 0 ? 0 : read(descriptor, folder, PATH_MAX - 1);
    if (descriptor >= 0) close(descriptor);
    folder[length < 0 ? 0 : length] = 0;
    errno = saved_errno;
    return length > 0;
}

static int is_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int path_is_full(int directory, const char *path) {
    char folder[PATH_MAX], absolute[2 * PATH_MAX] = "", base[PATH_MAX] = "", link[64];
    if (!is_full(folder)) return 0;
    if (path[0] != '/') {
        snprintf(link, sizeof link, directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", directory);
        if (readlink(link, base, sizeof base - 1) < 0) return 0;
    }
    snprintf(absolute, sizeof absolute, path[0] == '/' ? "%s%s" : "%s/%s", base, path);
    return is_below(absolute, folder);
}

static int descriptor_is_full(int descriptor) {
    char folder[PATH_MAX], path[PATH_MAX] = "", link[64];
    int saved_errno = errno;
    if (!is_full(folder)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved_errno;
    return length > 0 && is_below(path, folder);
}

static int refuse(void) {
    errno = ENOSPC;
    return -1;
}

/* How many of `size` bytes from `offset` (-1: where the next write goes) lie in blocks that the file owns. */
static size_t owned(int descriptor, size_t size, off_t offset) {
    struct stat file;
    if (fstat(descriptor, &file) || !S_ISREG(file.st_mode)) return size;
    if (offset < 0) offset = fcntl(descriptor, F_GETFL) & O_APPEND ? file.st_size : lseek(descriptor, 0, SEEK_CUR);
    off_t left = (off_t)file.st_blocks * BLOCK_BYTES - offset;
    return left <= 0 ? 0 : (size_t)left < size ? (size_t)left : size;
}

ssize_t write(int descriptor, const void *data, size_t size) {
    if (size && descriptor_is_full(descriptor) && !(size = owned(descriptor, size, -1))) return refuse();
    return NEXT(write)(descriptor, data, size);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off_t offset) {
    if (size && descriptor_is_full(descriptor) && !(size = owned(descriptor, size, offset))) return refuse();
    return NEXT(pwrite64)(descriptor, data, size, offset);
}

static int open_at(int directory, const char *path, int flags, mode_t mode) {
    int creates = (flags & O_TMPFILE) == O_TMPFILE || (flags & O_CREAT && faccessat(directory, path, F_OK, 0));
    if (creates && path_is_full(directory, path)) return refuse();
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name, parameters, directory)                \
    int name parameters {                                \
        va_list arguments;                               \
        va_start(arguments, flags);                      \
        mode_t mode = mode_of(flags, arguments);         \
        va_end(arguments);                               \
        return open_at(directory, path, flags, mode);    \
    }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int directory, const char *path, int flags, ...), directory)
OPEN(openat64, (int directory, const char *path, int flags, ...), directory)

int mkdir(const char *path, mode_t mode) {
    return faccessat(AT_FDCWD, path, F_OK, 0) && path_is_full(AT_FDCWD, path) ? refuse() : NEXT(mkdir)(path, mode);
}

int fallocate(int descriptor, int mode, off_t offset, off_t size) {
    if (descriptor_is_full(descriptor) && owned(descriptor, (size_t)size, offset) < (size_t)size) return refuse();
    return NEXT(fallocate)(descriptor, mode, offset, size);
}

static int without_space(int result, struct statvfs *disk, int full) {
    if (!result && full) disk->f_bfree = disk->f_bavail = 0;
    return result;
}

int statvfs(const char *restrict path, struct statvfs *restrict disk) {
    return without_space(NEXT(statvfs)(path, disk), disk, path_is_full(AT_FDCWD, path));
}

int fstatvfs(int descriptor, struct statvfs *disk) {
    return without_space(NEXT(fstatvfs)(descriptor, disk), disk, descriptor_is_full(descriptor));
}

/* Programs are linked to these names; on a 64-bit system they are the same functions. */

_Static_assert(sizeof(off_t) == sizeof(off64_t), "a 64-bit system is expected");

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    return pwrite64(descriptor, data, size, offset);
}

int fallocate64(int descriptor, int mode, off_t offset, off_t size) {
    return fallocate(descriptor, mode, offset, size);
}

int statvfs64(const char *restrict path, struct statvfs64 *restrict disk) {
    return statvfs(path, (struct statvfs *)disk);
}

int fstatvfs64(int descriptor, struct statvfs64 *disk) {
    return fstatvfs(descriptor, (struct statvfs *)disk);
}
