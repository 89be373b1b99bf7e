#include "schedule/job.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_a_state_that_the_table_forbids_ends_the_program(void **state)
{
    struct job job = {.state = TARGET_LEAVING};
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        job_enter(&job, TARGET_READY);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_state_that_the_table_forbids_ends_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
