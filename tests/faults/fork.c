/* Refuses to start processes, as a system does that has reached its limit on them.
 *
 * Loaded with LD_PRELOAD. While the file that FORK_REFUSED names exists, fork and vfork fail with EAGAIN.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

pid_t fork(void) {
    static pid_t (*real)(void);
    const char *file = getenv("FORK_REFUSED");
    if (!real) real = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
    if (file && !access(file, F_OK)) {
        errno = EAGAIN;
        return -1;
    }
    return real();
}

pid_t vfork(void) { return fork(); } /* which may do whatever vfork may */
