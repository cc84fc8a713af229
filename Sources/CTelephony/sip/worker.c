/*
 * The thread that runs PJSIP: receives, keeps PJSIP's timers. It waits for a datagram or the first timer, and is woken
 * where another thread sets an earlier one.
 */
#include <string.h>
#include <sys/socket.h>

#include "../private/leg.h"

/** No shorter than SIP's T1 (RFC 3261 §17.1.1.1), so that few timers of other threads are earlier than its end. */
#define LONGEST_WAIT_MS 500
/** Where PJSIP waits by select() it does not notice sockets that other threads add meanwhile. */
#define SELECT_WAIT_MS 10

static struct {
    pj_thread_t *thread;
    pj_sock_t wake, woken; /**< a pair: what is written to the one wakes the thread, which watches the other */
    pj_ioqueue_key_t *key;
    pj_ioqueue_op_key_t operation;
    pj_timer_entry never; /**< PJLIB's heap of timers must not be asked for its first when it is empty */
    char byte[8];
    long longest_wait_ms;
    atomic_bool stopping;
    atomic_llong wakes_at; /**< in milliseconds of PJLIB's timers: when it looks at the timers again at the latest */
} worker = {.wake = PJ_INVALID_SOCKET, .woken = PJ_INVALID_SOCKET};

static long long milliseconds(const pj_time_val *time)
{
    return (long long)time->sec * 1000 + time->msec;
}

static long long first_timer(void)
{
    pj_time_val due = {0, 0};
    pj_timer_heap_earliest_time(pjsip_endpt_get_timer_heap(sip.endpoint), &due);
    return milliseconds(&due);
}

static int work(void *unused)
{
    PJ_UNUSED_ARG(unused);
    while (!atomic_load(&worker.stopping)) {
        pj_time_val now, timeout = {0, worker.longest_wait_ms};
        atomic_fetch_add_explicit(&sip.turns, 1, memory_order_relaxed);
        pj_gettickcount(&now);
        long long end = milliseconds(&now) + worker.longest_wait_ms, due = first_timer();
        atomic_store(&worker.wakes_at, due < end ? due : end);
        pjsip_endpt_handle_events(sip.endpoint, &timeout);
    }
    return 0;
}

static void wake(void)
{
    char byte = 0;
    pj_ssize_t length = sizeof(byte);
    pj_sock_send(worker.wake, &byte, &length, 0);
}

void worker_heed_timers(void)
{
    if (pj_thread_this() != worker.thread && first_timer() < atomic_load(&worker.wakes_at))
        wake();
}

static void on_woken(pj_ioqueue_key_t *key, pj_ioqueue_op_key_t *operation, pj_ssize_t length)
{
    pj_status_t status = PJ_SUCCESS;
    while (length > 0 && status == PJ_SUCCESS) {
        length = sizeof(worker.byte);
        status = pj_ioqueue_recv(key, operation, worker.byte, &length, 0);
    }
}

static void on_never(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    PJ_UNUSED_ARG(entry);
}

static pj_status_t watch(void)
{
    static const pj_ioqueue_callback callbacks = {.on_read_complete = on_woken};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return pj_get_os_error();
    worker.wake = pair[0];
    worker.woken = pair[1];
    pj_status_t status = pj_ioqueue_register_sock(sip.pool, pjsip_endpt_get_ioqueue(sip.endpoint), worker.woken, NULL,
                                                  &callbacks, &worker.key);
    if (status != PJ_SUCCESS)
        return status;
    pj_ssize_t length = sizeof(worker.byte);
    pj_ioqueue_op_key_init(&worker.operation, sizeof(worker.operation));
    status = pj_ioqueue_recv(worker.key, &worker.operation, worker.byte, &length, PJ_IOQUEUE_ALWAYS_ASYNC);
    return status == PJ_EPENDING ? PJ_SUCCESS : status;
}

pj_status_t worker_start(void)
{
    worker.longest_wait_ms = strncmp(pj_ioqueue_name(), "epoll", 5) == 0 ? LONGEST_WAIT_MS : SELECT_WAIT_MS;
    atomic_store(&worker.stopping, false);
    const pj_time_val years = {PJ_MAXINT32 / 4, 0};
    pj_timer_entry_init(&worker.never, 0, NULL, on_never);
    pj_status_t status = pjsip_endpt_schedule_timer(sip.endpoint, &worker.never, &years);
    if (status == PJ_SUCCESS)
        status = watch();
    return status == PJ_SUCCESS ? pj_thread_create(sip.pool, "sip", work, NULL, 0, 0, &worker.thread) : status;
}

void worker_stop(void)
{
    if (worker.thread) {
        atomic_store(&worker.stopping, true);
        wake();
        pj_thread_join(worker.thread);
        pj_thread_destroy(worker.thread);
        worker.thread = NULL;
    }
    if (worker.key)
        pj_ioqueue_unregister(worker.key); /* which closes its socket */
    else if (worker.woken != PJ_INVALID_SOCKET)
        pj_sock_close(worker.woken);
    if (worker.wake != PJ_INVALID_SOCKET)
        pj_sock_close(worker.wake);
    worker.key = NULL;
    worker.wake = worker.woken = PJ_INVALID_SOCKET;
}
