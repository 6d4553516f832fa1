/* Makes the N-th file-system call below a directory fail, fall short, or be the last one of its process.
 *
 * Calls that change what is on disk, or read what is in a file: open, create, read, pread, write, pwrite,
 * fsync, truncate, allocate, chmod, rename, link, unlink, mkdir, rmdir, mmap.
 * Calls that look or lock, which count only where FAULT_CALLS names them: stat, list (directories), lock (flock).
 * Not here: close, the byte-range locks of fcntl, whatever touches neither names nor bytes (times, attributes,
 * polling), sockets, and what is read or written through a map.
 *
 * Loaded with LD_PRELOAD into a command and all its children. From the environment:
 *
 *   FAULT_BELOW    only calls on paths below this directory count
 *   FAULT_CALLS    names of calls that count, comma-separated; empty: all but those that look or lock
 *   FAULT_AT       N, counted over all processes together; 0: none, calls are only counted
 *   FAULT_HOW      kill (SIGKILL), short (half of a write), or the number of an errno
 *   FAULT_ON       1: every call from the N-th on; else that one only
 *   FAULT_COUNTER  a file of eight zero bytes, shared by all processes: how many calls were made
 *   FAULT_LOG      a file to which each call is appended: number, pid, name, path
 *
 * While the file named FAULT_COUNTER with ".off" appended exists, nothing fails.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char below[PATH_MAX], calls[1024], off[PATH_MAX];
static uint64_t at, *counter;
static int how, is_kill, is_short, is_on, log_handle = -1, is_armed;

__attribute__((constructor)) static void arm(void) {
    const char *dir = getenv("FAULT_BELOW"), *file = getenv("FAULT_COUNTER"), *what = getenv("FAULT_HOW");
    const char *only = getenv("FAULT_CALLS"), *log = getenv("FAULT_LOG"), *n = getenv("FAULT_AT");
    if (!dir || !file) return;
    snprintf(below, sizeof below, "%s/", dir);
    snprintf(off, sizeof off, "%s.off", file);
    if (only && *only) snprintf(calls, sizeof calls, ",%s,", only);
    at = n ? strtoull(n, NULL, 10) : 0;
    is_on = getenv("FAULT_ON") && *getenv("FAULT_ON") == '1';
    is_kill = what && !strcmp(what, "kill");
    is_short = what && !strcmp(what, "short");
    how = what ? atoi(what) : 0;
    int handle = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    if (handle < 0) return;
    counter = (uint64_t *)syscall(SYS_mmap, NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    syscall(SYS_close, handle);
    if (log) log_handle = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    is_armed = counter != MAP_FAILED;
}

/* 0: go on; 1: errno is set, fail; 2: fall short. */
static int judge(const char *name, const char *path) {
    if (!is_armed || strncmp(path, below, strlen(below))) return 0;
    char wanted[64];
    snprintf(wanted, sizeof wanted, ",%s,", name);
    if (*calls ? !strstr(calls, wanted) : !!strstr(",stat,list,lock,", wanted)) return 0;
    uint64_t n = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    if (log_handle >= 0) {
        char line[PATH_MAX + 64];
        int size = snprintf(line, sizeof line, "%lu %d %s %s\n", (unsigned long)n, getpid(), name, path);
        syscall(SYS_write, log_handle, line, size);
    }
    if (!at || (is_on ? n < at : n != at) || !syscall(SYS_faccessat, AT_FDCWD, off, F_OK, 0)) return 0;
    if (is_kill) { syscall(SYS_kill, getpid(), SIGKILL); for (;;) pause(); }
    if (is_short) return 2;
    errno = how;
    return 1;
}

static int judge_at(const char *name, int dir, const char *path) {
    char whole[2 * PATH_MAX], link[64];
    if (!is_armed) return 0;
    int saved = errno;
    if (*path == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        char base[PATH_MAX];
        ssize_t size;
        if (dir == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        size = readlink(link, base, sizeof base - 1);
        errno = saved;
        if (size < 0) return 0;
        base[size] = 0;
        snprintf(whole, sizeof whole, "%s/%s", base, path);
    }
    return judge(name, whole);
}

static int judge_handle(const char *name, int handle) {
    char link[64], path[PATH_MAX];
    if (!is_armed) return 0;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (size < 0) return 0;
    path[size] = 0;
    return judge(name, path);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPEN(symbol) \
    int symbol(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        REAL(int, #symbol, const char *, int, ...); \
        return judge_at(flags & O_CREAT ? "create" : "open", AT_FDCWD, path) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(symbol) \
    int symbol(int dir, const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        REAL(int, #symbol, int, const char *, int, ...); \
        return judge_at(flags & O_CREAT ? "create" : "open", dir, path) ? -1 : real(dir, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t read(int handle, void *into, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    return judge_handle("read", handle) == 1 ? -1 : real(handle, into, size);
}

#define PREAD(symbol) \
    ssize_t symbol(int handle, void *into, size_t size, off_t from) { \
        REAL(ssize_t, #symbol, int, void *, size_t, off_t); \
        return judge_handle("pread", handle) == 1 ? -1 : real(handle, into, size, from); \
    }
PREAD(pread)
PREAD(pread64)

ssize_t write(int handle, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    int verdict = judge_handle("write", handle);
    return verdict == 1 ? -1 : real(handle, data, verdict && size > 1 ? size / 2 : size);
}

#define PWRITE(symbol) \
    ssize_t symbol(int handle, const void *data, size_t size, off_t to) { \
        REAL(ssize_t, #symbol, int, const void *, size_t, off_t); \
        int verdict = judge_handle("pwrite", handle); \
        return verdict == 1 ? -1 : real(handle, data, verdict && size > 1 ? size / 2 : size, to); \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define ON_HANDLE(symbol, name) \
    int symbol(int handle) { \
        REAL(int, #symbol, int); \
        return judge_handle(name, handle) == 1 ? -1 : real(handle); \
    }
ON_HANDLE(fsync, "fsync")
ON_HANDLE(fdatasync, "fsync")

#define TRUNCATE(symbol) \
    int symbol(int handle, off_t size) { \
        REAL(int, #symbol, int, off_t); \
        return judge_handle("truncate", handle) == 1 ? -1 : real(handle, size); \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

int posix_fallocate(int handle, off_t from, off_t size) {
    REAL(int, "posix_fallocate", int, off_t, off_t);
    return judge_handle("allocate", handle) == 1 ? errno : real(handle, from, size);
}

int posix_fallocate64(int handle, off_t from, off_t size) {
    REAL(int, "posix_fallocate64", int, off_t, off_t);
    return judge_handle("allocate", handle) == 1 ? errno : real(handle, from, size);
}

int fchmod(int handle, mode_t mode) {
    REAL(int, "fchmod", int, mode_t);
    return judge_handle("chmod", handle) == 1 ? -1 : real(handle, mode);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return judge_at("rename", AT_FDCWD, to) == 1 ? -1 : real(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    return judge_at("rename", to_dir, to) == 1 ? -1 : real(from_dir, from, to_dir, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
    return judge_at("rename", to_dir, to) == 1 ? -1 : real(from_dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to) {
    REAL(int, "link", const char *, const char *);
    return judge_at("link", AT_FDCWD, to) == 1 ? -1 : real(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    REAL(int, "linkat", int, const char *, int, const char *, int);
    return judge_at("link", to_dir, to) == 1 ? -1 : real(from_dir, from, to_dir, to, flags);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return judge_at("unlink", AT_FDCWD, path) == 1 ? -1 : real(path);
}

int unlinkat(int dir, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return judge_at("unlink", dir, path) == 1 ? -1 : real(dir, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return judge_at("mkdir", AT_FDCWD, path) == 1 ? -1 : real(path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode) {
    REAL(int, "mkdirat", int, const char *, mode_t);
    return judge_at("mkdir", dir, path) == 1 ? -1 : real(dir, path, mode);
}

int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    return judge_at("rmdir", AT_FDCWD, path) == 1 ? -1 : real(path);
}

#define STAT(symbol) \
    int symbol(const char *path, struct stat64 *into) { \
        REAL(int, #symbol, const char *, struct stat64 *); \
        return judge_at("stat", AT_FDCWD, path) == 1 ? -1 : real(path, into); \
    }
STAT(stat64)
STAT(lstat64)

int fstat64(int handle, struct stat64 *into) {
    REAL(int, "fstat64", int, struct stat64 *);
    return judge_handle("stat", handle) == 1 ? -1 : real(handle, into);
}

int fstatat64(int dir, const char *path, struct stat64 *into, int flags) {
    REAL(int, "fstatat64", int, const char *, struct stat64 *, int);
    return judge_at("stat", dir, path) == 1 ? -1 : real(dir, path, into, flags);
}

#define XSTAT(symbol) /* how libraries built for an older glibc ask, SQLite's among them */ \
    int symbol(int version, const char *path, struct stat64 *into) { \
        REAL(int, #symbol, int, const char *, struct stat64 *); \
        return judge_at("stat", AT_FDCWD, path) == 1 ? -1 : real(version, path, into); \
    }
XSTAT(__xstat64)
XSTAT(__lxstat64)

int __fxstat64(int version, int handle, struct stat64 *into) {
    REAL(int, "__fxstat64", int, int, struct stat64 *);
    return judge_handle("stat", handle) == 1 ? -1 : real(version, handle, into);
}

DIR *opendir(const char *path) {
    REAL(DIR *, "opendir", const char *);
    return judge_at("list", AT_FDCWD, path) == 1 ? NULL : real(path);
}

DIR *fdopendir(int handle) {
    REAL(DIR *, "fdopendir", int);
    return judge_handle("list", handle) == 1 ? NULL : real(handle);
}

struct dirent64 *readdir64(DIR *entries) {
    REAL(struct dirent64 *, "readdir64", DIR *);
    return judge_handle("list", dirfd(entries)) == 1 ? NULL : real(entries);
}

int flock(int handle, int how_to) {
    REAL(int, "flock", int, int);
    return judge_handle("lock", handle) == 1 ? -1 : real(handle, how_to);
}

#define MMAP(symbol) \
    void *symbol(void *where, size_t size, int protection, int flags, int handle, off_t from) { \
        REAL(void *, #symbol, void *, size_t, int, int, int, off_t); \
        if (handle >= 0 && judge_handle("mmap", handle) == 1) return MAP_FAILED; \
        return real(where, size, protection, flags, handle, from); \
    }
MMAP(mmap)
MMAP(mmap64)
