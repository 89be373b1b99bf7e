/*
 * Preloaded into the whole program: makes allocations fail, whoever asks for them, the libraries included.
 * The test shares the file of the environment variable ALLOCATIONS with it, and arms and counts there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGRAM    "mysql_session_exporter"
#define FRAMES_MAX 40

/* A call stack is told by its innermost frames, the first of which are of this file. */
#define STACK_FRAMES 12
#define STACKS_SIZE  (1 << 16) /* a power of 2 */
#define PAGE_OFFSET  0xfff     /* of an address, what is alike wherever its object was loaded */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

#define CRASH_COUNT (sizeof(crashes) / sizeof(crashes[0]))

/* The layout that torture.py knows. */
struct control {
    _Atomic int64_t made;   /* allocations since the start */
    _Atomic int64_t before; /* this many more succeed; below 0 once they begin to fail */
    _Atomic int64_t burst;  /* then so many fail */
    _Atomic int64_t every;  /* one of so many fails; 0: none of them */
    _Atomic int64_t failed;
    _Atomic int64_t stack;     /* the first allocation with that call stack begins to fail; 0: none */
    _Atomic int64_t recording; /* call stacks are noted */
    _Atomic int64_t
        stacks[STACKS_SIZE]; /* their hashes, each at its place or at the next one that was free */
};

/* glibc's own, whatever stands in for them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct control *control;

/* MariaDB Connector/C uses what malloc() and strdup() gave it unlooked: nothing here can mend that. */
static struct {
    uintptr_t begin, end;
} connector;

static int find_connector(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    (void)context;
    if (strstr(object->dlpi_name, "libmariadb") == NULL)
        return 0;
    connector.begin = object->dlpi_addr;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];

        if (part->p_type == PT_LOAD)
            connector.end = object->dlpi_addr + part->p_vaddr + part->p_memsz;
    }
    return 1;
}

/* Where a failure was, and a crash: for addr2line. */
static void show_stack(const char *title)
{
    void *frames[FRAMES_MAX];

    if (write(STDERR_FILENO, title, strlen(title)) > 0)
        backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

/* A thread that blocks these signals dies without a word, so they stay open. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    sigset_t open;

    if (set != NULL && how != SIG_UNBLOCK) {
        open = *set;
        for (size_t i = 0; i < CRASH_COUNT; i++)
            sigdelset(&open, crashes[i]);
        set = &open;
    }
    return syscall(SYS_rt_sigprocmask, how, set, before, _NSIG / 8) == 0 ? 0 : errno;
}

static void on_crash(int signal_number)
{
    show_stack("crash:\n");
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

__attribute__((constructor)) static void connect_to_test(void)
{
    const char *path = getenv("ALLOCATIONS");
    bool wanted = path != NULL && strcmp(program_invocation_short_name, PROGRAM) == 0;
    int fd = wanted ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *frame;
    void *shared;

    if (fd < 0)
        return;
    dl_iterate_phdr(find_connector, NULL);
    backtrace(&frame, 1); /* the first one allocates */
    for (size_t i = 0; i < CRASH_COUNT; i++)
        signal(crashes[i], on_crash);
    shared = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared != MAP_FAILED)
        control = shared;
}

static int64_t hash_stack(void)
{
    void *frames[STACK_FRAMES];
    int count = backtrace(frames, STACK_FRAMES);
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

    for (int i = 0; i < count; i++)
        hash = (hash ^ ((uintptr_t)frames[i] & PAGE_OFFSET)) * 0x100000001b3;
    return (int64_t)(hash | 1);
}

static void note_stack(int64_t stack)
{
    for (size_t i = 0; i < STACKS_SIZE; i++) {
        _Atomic int64_t *place = &control->stacks[((uint64_t)stack / 2 + i) % STACKS_SIZE];
        int64_t seen = 0;

        if (atomic_compare_exchange_strong(place, &seen, stack) || seen == stack)
            return;
    }
}

static void look_at_stack(void)
{
    static _Thread_local bool looking; /* an unwinder that allocates does not begin anew */
    int64_t wanted = atomic_load(&control->stack);
    int64_t stack;

    if (looking || (wanted == 0 && atomic_load(&control->recording) == 0))
        return;
    looking = true;
    stack = hash_stack();
    looking = false;
    if (atomic_load(&control->recording) != 0)
        note_stack(stack);
    if (stack == wanted && atomic_compare_exchange_strong(&control->stack, &wanted, 0))
        atomic_store(&control->before, 0);
}

static bool is_chosen(void)
{
    int64_t made = atomic_fetch_add(&control->made, 1);
    int64_t every = atomic_load(&control->every);
    int64_t before;

    look_at_stack();
    before = atomic_fetch_sub(&control->before, 1);
    return (before <= 0 && before > -atomic_load(&control->burst)) || (every > 0 && made % every == 0);
}

/* glibc aborts where it lacks memory for /etc/nsswitch.conf, which the connector makes it read: nor that. */
static _Thread_local bool in_name_service;

struct servent *getservbyname(const char *name, const char *protocol)
{
    struct servent *(*real)(const char *, const char *);
    struct servent *service;

    *(void **)&real = dlsym(RTLD_NEXT, "getservbyname");
    in_name_service = true;
    service = real(name, protocol);
    in_name_service = false;
    return service;
}

static bool fails_now(void)
{
    if (control == NULL || in_name_service || !is_chosen())
        return false;
    atomic_fetch_add(&control->failed, 1);
    if (getenv("ALLOCATIONS_TRACE") != NULL)
        show_stack("allocation fails:\n");
    errno = ENOMEM;
    return true;
}

static bool is_connector(const void *caller)
{
    return (uintptr_t)caller >= connector.begin && (uintptr_t)caller < connector.end;
}

void *malloc(size_t size)
{
    return !is_connector(__builtin_return_address(0)) && fails_now() ? NULL : __libc_malloc(size);
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    bool fails = !is_connector(__builtin_return_address(0)) && fails_now();
    char *copy = fails ? NULL : __libc_malloc(size);

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

void *calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __libc_memalign(alignment, size);
}
