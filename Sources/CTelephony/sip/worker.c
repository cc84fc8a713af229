/*
 * Who runs PJSIP: a thread of its own, until the application does it in a thread of its own by tel_run. Either waits
 * for a datagram or the first timer, and is woken where another thread sets an earlier one.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../private/leg.h"

/** No shorter than SIP's T1 (RFC 3261 §17.1.1.1), so that few timers of other threads are earlier than its end. */
#define LONGEST_WAIT_MS 500
/** Where PJSIP waits by select() it does not notice sockets that other threads add meanwhile. */
#define SELECT_WAIT_MS 10

static struct {
    pj_thread_t *thread;
    int wake, woken; /**< a pair: what is written to the one ends the wait of the thread, which watches the other */
    pj_ioqueue_key_t *key;
    pj_ioqueue_op_key_t operation;
    pj_timer_entry never; /**< PJLIB's heap of timers must not be asked for its first when it is empty */
    char byte[8];
    int64_t longest_wait_ms;
    atomic_bool stopping;
    atomic_bool pending;   /**< the wait, or else the next one, is to end */
    atomic_llong wakes_at; /**< in milliseconds of PJLIB's timers: when these are looked at again at the latest */
} worker = {.wake = -1, .woken = -1};

static _Thread_local bool runs_pjsip;

static int64_t milliseconds(const pj_time_val *time)
{
    return (int64_t)time->sec * 1000 + time->msec;
}

/** One round: the timers that are due, then what comes within so many milliseconds. */
static void run(int64_t longest_ms)
{
    pj_time_val now, next;
    atomic_fetch_add_explicit(&sip.turns, 1, memory_order_relaxed);
    pj_gettickcount(&now);
    /* Known before the heap is read: a timer set meanwhile is either read or wakes us. */
    atomic_store(&worker.wakes_at, milliseconds(&now) + longest_ms);
    pj_timer_heap_poll(pjsip_endpt_get_timer_heap(sip.endpoint), &next);
    int64_t wait = milliseconds(&next);
    if (wait > longest_ms)
        wait = longest_ms;
    atomic_store(&worker.wakes_at, milliseconds(&now) + wait);
    if (atomic_load(&worker.pending))
        wait = 0;
    pj_time_val timeout = {wait / 1000, wait % 1000};
    pj_ioqueue_poll(pjsip_endpt_get_ioqueue(sip.endpoint), &timeout);
    atomic_store(&worker.pending, false);
}

static int work(void *unused)
{
    PJ_UNUSED_ARG(unused);
    runs_pjsip = true;
    while (!atomic_load(&worker.stopping))
        run(worker.longest_wait_ms);
    return 0;
}

void tel_wake(void)
{
    if (atomic_exchange(&worker.pending, true) || runs_pjsip)
        return;
    char byte = 0;
    (void)!send(worker.wake, &byte, sizeof(byte), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void worker_heed_timers(void)
{
    pj_time_val due = {0, 0};
    if (runs_pjsip)
        return;
    pj_timer_heap_earliest_time(pjsip_endpt_get_timer_heap(sip.endpoint), &due);
    if (milliseconds(&due) < atomic_load(&worker.wakes_at))
        tel_wake();
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
    atomic_store(&worker.pending, false);
    const pj_time_val years = {PJ_MAXINT32 / 4, 0};
    pj_timer_entry_init(&worker.never, 0, NULL, on_never);
    pj_status_t status = pjsip_endpt_schedule_timer(sip.endpoint, &worker.never, &years);
    if (status == PJ_SUCCESS)
        status = watch();
    return status == PJ_SUCCESS ? pj_thread_create(sip.pool, "sip", work, NULL, 0, 0, &worker.thread) : status;
}

static void join(void)
{
    if (!worker.thread)
        return;
    atomic_store(&worker.stopping, true);
    tel_wake();
    pj_thread_join(worker.thread);
    pj_thread_destroy(worker.thread);
    worker.thread = NULL;
}

void worker_stop(void)
{
    join();
    if (worker.key)
        pj_ioqueue_unregister(worker.key); /* which closes its socket */
    else if (worker.woken >= 0)
        close(worker.woken);
    if (worker.wake >= 0)
        close(worker.wake);
    worker.key = NULL;
    worker.wake = worker.woken = -1;
}

void tel_run_here(void)
{
    if (!thread_ready())
        return;
    join();
    runs_pjsip = true;
}

void tel_run(int64_t longest_us)
{
    if (!thread_ready())
        return;
    int64_t longest_ms = longest_us / 1000 + (longest_us % 1000 != 0);
    run(longest_us < 0 || longest_ms > worker.longest_wait_ms ? worker.longest_wait_ms : longest_ms);
}
