#include <stdarg.h>
#include <stdio.h>

#include "../private/sip.h"

static _Thread_local char last_error[256];
static _Thread_local pj_thread_desc thread_memory;

const char *tel_last_error(void)
{
    return last_error;
}

void note_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error, sizeof(last_error), format, arguments);
    va_end(arguments);
}

void note_pj_error(const char *what, pj_status_t status)
{
    char text[PJ_ERR_MSG_SIZE];
    pj_strerror(status, text, sizeof(text));
    note_error("%s: %s", what, text);
}

/** PJLIB aborts when a thread calls it that it does not know; true once it knows this one. */
bool thread_ready(void)
{
    return sip.endpoint && thread_known();
}

bool thread_known(void)
{
    if (pj_thread_is_registered())
        return true;
    pj_thread_t *thread;
    pj_bzero(thread_memory, sizeof(thread_memory));
    return pj_thread_register("warmline", thread_memory, &thread) == PJ_SUCCESS;
}
