/* The thread that speaks with rtpengine nodes: it waits for their answers, and for what is wanted of them. */
#include <errno.h>
#include <poll.h>
#include <pjlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../private/rtpengine.h"

#define TICK_MS 100
#define POLL_US 5000000 /* how often figures of joined legs are asked for; more often where silence is to be noticed sooner */
#define PATIENCE_MS 1000 /* for the first node at the start */
#define DEFAULT_LEGS 8192

pthread_mutex_t far_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_t thread;
static bool on;
static atomic_bool stopping;
static int wake_fd = -1;
static int64_t poll_us;

bool far_on(void)
{
    return on;
}

void far_wake(void)
{
    uint64_t one = 1;
    (void)!write(wake_fd, &one, sizeof(one));
}

static void serve(const struct pollfd *fds, int count, int64_t now)
{
    for (int i = 0; i < count; i++) {
        if (fds[i].revents == 0)
            continue;
        uint64_t wakes;
        if (fds[i].fd == wake_fd)
            (void)!read(wake_fd, &wakes, sizeof(wakes));
        else if (fds[i].fd == logged_fd())
            logged_read();
        else
            nodes_read(fds[i].fd);
    }
    calls_advance();
    nodes_tick(now);
}

static void *run(void *argument)
{
    (void)argument;
    prctl(PR_SET_NAME, "rtpengine");
    pj_thread_desc descriptor;
    pj_thread_t *self;
    memset(descriptor, 0, sizeof(descriptor));
    pj_thread_register("rtpengine", descriptor, &self);
    struct pollfd fds[FAR_MAX_NODES + 2];
    int count = 0, timeout = 0;
    int64_t ticked = 0;
    fds[count++] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
    if (logged_fd() >= 0)
        fds[count++] = (struct pollfd){.fd = logged_fd(), .events = POLLIN};
    for (int i = 0; i < far_node_count; i++)
        fds[count++] = (struct pollfd){.fd = far_nodes[i].fd, .events = POLLIN};
    while (!atomic_load(&stopping)) {
        poll(fds, (nfds_t)count, timeout);
        int64_t now = media_clock();
        pthread_mutex_lock(&far_lock);
        serve(fds, count, now);
        bool ticks = now - ticked >= TICK_MS * 1000;
        if (ticks)
            figures_tick(now, poll_us);
        timeout = ng_tick(now);
        figures_announce();
        pthread_mutex_unlock(&far_lock);
        if (timeout < 0 || timeout > TICK_MS)
            timeout = TICK_MS;
        nodes_announce();
        if (ticks) {
            ticked = now;
            moving_tick(now);
        }
    }
    return NULL;
}

/* Whoever calls in the first moment is not to be turned away. */
static void wait_for_node(void)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
        uint32_t ready = 0;
        pthread_mutex_lock(&far_lock);
        for (int i = 0; i < far_node_count; i++)
            ready += far_nodes[i].ready_count;
        pthread_mutex_unlock(&far_lock);
        if (ready > 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

tel_result far_start(const tel_config *config, char *error, size_t error_size)
{
    on = false;
    if (config->rtpengine_count == 0)
        return TEL_OK;
    atomic_store(&stopping, false);
    int64_t quarter = (int64_t)config->rtp_timeout_ms * 1000 / 4;
    poll_us = quarter > 0 && quarter < POLL_US ? quarter : POLL_US;
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool ready = wake_fd >= 0 &&
                 calls_start(config->max_legs != 0 ? config->max_legs : DEFAULT_LEGS, config->srtp != TEL_SRTP_OFF) &&
                 nodes_start(config, error, error_size) &&
                 (config->rtpengine_digits == NULL || logged_start(config->rtpengine_digits, error, error_size));
    on = ready && pthread_create(&thread, NULL, run, NULL) == 0;
    if (!on) {
        far_stop();
        if (error[0] == 0)
            snprintf(error, error_size, "the thread for rtpengine cannot be started: %s", strerror(errno));
        return TEL_ERR_SYSTEM;
    }
    wait_for_node();
    return TEL_OK;
}

void far_stop(void)
{
    if (on) {
        atomic_store(&stopping, true);
        far_wake();
        pthread_join(thread, NULL);
    }
    pthread_mutex_lock(&far_lock);
    on = false;
    calls_stop();
    ng_clear();
    figures_clear();
    logged_stop();
    nodes_stop();
    if (wake_fd >= 0)
        close(wake_fd);
    wake_fd = -1;
    pthread_mutex_unlock(&far_lock);
}
