/*
 * The media thread: the one owner of sockets, routes and clips. It sleeps in epoll_wait; what wakes it are packets,
 * commands and a tick of 20 ms.
 */
#include <errno.h>
#include <pjlib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../private/media_internal.h"

#define EVENTS_AT_ONCE 128
#define CATCH_UP_TICKS 3
#define DEFAULT_LEGS 8192
#define NICENESS (-11) /* where we may: a late packet is heard, a late log line is not */

/* What an epoll event is about: a slot's RTP or RTCP socket, or one of these. */
#define ABOUT_WAKE UINT64_MAX
#define ABOUT_TICK (UINT64_MAX - 1)
#define ABOUT_RTCP ((uint64_t)1 << 32)

media_totals media_total;

/* Held where a slot changes hands, and by other threads that read one: counters need no lock, the slots' ids do. */
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static media_leg *legs;
static uint32_t leg_max, leg_limit;
static int poll_fd = -1, wake_fd = -1, tick_fd = -1;
static pthread_t thread;
static bool running;
static int64_t timeout_us;
static int64_t now_us; /* of the present round */

int64_t media_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---------------------------------------------------------------- slots */

media_leg *media_leg_at(uint32_t slot)
{
    return &legs[slot];
}

uint32_t media_leg_limit(void)
{
    return leg_limit;
}

media_leg *media_leg_of(tel_leg_id id)
{
    uint32_t slot = tel_slot(id);
    if (id == 0 || slot >= leg_max)
        return NULL;
    media_leg *leg = &legs[slot];
    if (leg->id == id)
        return leg->closed ? NULL : leg;
    if (leg->id >> TEL_SLOT_BITS > id >> TEL_SLOT_BITS)
        return NULL;
    if (leg->id != 0 && !leg->closed)
        leg_close(leg);
    pthread_mutex_lock(&slots_lock);
    memset(leg, 0, sizeof(*leg));
    leg->id = id;
    pthread_mutex_unlock(&slots_lock);
    if (slot >= leg_limit)
        leg_limit = slot + 1;
    return leg;
}

void media_watch(media_leg *leg)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tel_slot(leg->id)};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, leg->rtp_fd, &event);
    event.data.u64 |= ABOUT_RTCP;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, leg->rtcp_fd, &event);
}

/* ---------------------------------------------------------------- the thread */

static void take_rtcp(media_leg *leg, uint8_t *packet, size_t size, const media_address *from)
{
    if (latch_knows(leg, from) && (!leg->encrypted || secure_open_control(leg, packet, &size)))
        rtcp_receive(leg, packet, size, from, now_us);
}

static void read_rtp(media_leg *leg)
{
    _Alignas(8) uint8_t packet[MEDIA_MAX_PACKET];
    media_address from;
    socklen_t from_size = sizeof(from);
    /* One packet: there is seldom a second, and the next round tells of it, after the other sockets' turn. */
    ssize_t size = recvfrom(leg->rtp_fd, packet, sizeof(packet), MSG_DONTWAIT, &from.any, &from_size);
    if (size >= 0 && leg->rtcp_mux && rtcp_is(packet, (size_t)size))
        take_rtcp(leg, packet, (size_t)size, &from);
    else if (size >= 0)
        relay_receive(leg, packet, (size_t)size, &from, now_us);
}

static void read_rtcp(media_leg *leg)
{
    _Alignas(8) uint8_t packet[MEDIA_MAX_PACKET];
    media_address from;
    socklen_t from_size = sizeof(from);
    ssize_t size = recvfrom(leg->rtcp_fd, packet, sizeof(packet), MSG_DONTWAIT, &from.any, &from_size);
    if (size >= 0 && rtcp_is(packet, (size_t)size))
        take_rtcp(leg, packet, (size_t)size, &from);
}

static void serve_socket(const struct epoll_event *event)
{
    media_leg *leg = &legs[(uint32_t)event->data.u64];
    if (!leg->open)
        return;
    if (event->data.u64 & ABOUT_RTCP)
        read_rtcp(leg);
    else
        read_rtp(leg);
}

static bool has(const struct epoll_event *events, int count, uint64_t about)
{
    for (int i = 0; i < count; i++)
        if (events[i].data.u64 == about)
            return true;
    return false;
}

static void serve_sockets(const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++)
        if (events[i].data.u64 != ABOUT_WAKE && events[i].data.u64 != ABOUT_TICK)
            serve_socket(&events[i]);
}

/*
 * The sockets alone, without waiting: what came while a tick's packets were being sent. Where there are commands they
 * come first, and packets after them: a command may say how the packets are to be understood.
 */
static void serve_between(void)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(poll_fd, events, EVENTS_AT_ONCE, 0);
    now_us = media_clock();
    if (!has(events, n, ABOUT_WAKE))
        serve_sockets(events, n);
}

static void tick(void)
{
    uint64_t expired = 0;
    if (read(tick_fd, &expired, sizeof(expired)) < 0)
        return;
    for (uint64_t i = 0; i < expired && i < CATCH_UP_TICKS; i++) {
        play_tick(now_us, serve_between);
        rtcp_tick(now_us, timeout_us);
        ear_tick(now_us);
    }
}

static void *run(void *argument)
{
    (void)argument;
    prctl(PR_SET_NAME, "media");
    (void)!setpriority(PRIO_PROCESS, 0, NICENESS); /* 0: this thread, on Linux */
    pj_thread_desc descriptor;
    pj_thread_t *self;
    memset(descriptor, 0, sizeof(descriptor));
    pj_thread_register("media", descriptor, &self);
    struct epoll_event events[EVENTS_AT_ONCE];
    bool goes_on = true;
    while (goes_on) {
        int n = epoll_wait(poll_fd, events, EVENTS_AT_ONCE, -1);
        now_us = media_clock();
        if (has(events, n, ABOUT_WAKE)) {
            uint64_t posted;
            (void)!read(wake_fd, &posted, sizeof(posted));
            goes_on = commands_run(now_us);
        }
        serve_sockets(events, n);
        if (has(events, n, ABOUT_TICK) && goes_on && (goes_on = commands_run(now_us)))
            tick();
    }
    return NULL;
}

/* ---------------------------------------------------------------- start and stop */

static bool open_descriptors(void)
{
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poll_fd < 0 || wake_fd < 0 || tick_fd < 0)
        return false;
    const struct timespec period = {.tv_nsec = MEDIA_FRAME_US * 1000};
    const struct itimerspec ticks = {.it_interval = period, .it_value = period};
    struct epoll_event wake = {.events = EPOLLIN, .data.u64 = ABOUT_WAKE};
    struct epoll_event timer = {.events = EPOLLIN, .data.u64 = ABOUT_TICK};
    return timerfd_settime(tick_fd, 0, &ticks, NULL) == 0 && epoll_ctl(poll_fd, EPOLL_CTL_ADD, wake_fd, &wake) == 0 &&
           epoll_ctl(poll_fd, EPOLL_CTL_ADD, tick_fd, &timer) == 0;
}

static void give_back(void)
{
    far_stop();
    offload_stop();
    for (int i = 0; i < 3; i++) {
        int *fd = (int *[]){&poll_fd, &wake_fd, &tick_fd}[i];
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
    }
    play_stop();
    codecs_stop();
    ports_stop();
    pthread_mutex_lock(&slots_lock);
    if (legs != NULL)
        munmap(legs, leg_max * sizeof(*legs));
    legs = NULL;
    leg_limit = 0;
    pthread_mutex_unlock(&slots_lock);
}

tel_result media_start(const tel_config *config, char *error, size_t error_size)
{
    leg_max = config->max_legs != 0 ? config->max_legs : DEFAULT_LEGS;
    if (leg_max > 1u << TEL_SLOT_BITS)
        leg_max = 1u << TEL_SLOT_BITS;
    timeout_us = (int64_t)config->rtp_timeout_ms * 1000;
    memset(&media_total, 0, sizeof(media_total));
    error[0] = 0;
    tel_result result = ports_start(config, error, error_size);
    if (result == TEL_OK && !secure_start(error, error_size))
        result = TEL_ERR_SYSTEM;
    if (result == TEL_OK)
        result = far_start(config, error, error_size); /* which knows the suites */
    if (result == TEL_OK && far_on() && !offload_start(leg_max))
        result = TEL_ERR_FULL;
    if (result == TEL_OK)
        result = codecs_start(config, error, error_size);
    if (result == TEL_OK)
        result = play_start(config, leg_max, error, error_size);
    if (result != TEL_OK) {
        give_back();
        return result;
    }
    void *memory = mmap(NULL, leg_max * sizeof(*legs), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pthread_mutex_lock(&slots_lock);
    legs = memory != MAP_FAILED ? memory : NULL;
    pthread_mutex_unlock(&slots_lock);
    if (legs == NULL || !open_descriptors() || pthread_create(&thread, NULL, run, NULL) != 0) {
        snprintf(error, error_size, "the media thread cannot be started: %s", strerror(errno));
        give_back();
        return TEL_ERR_SYSTEM;
    }
    running = true;
    commands_start(wake_fd);
    return TEL_OK;
}

void media_stop(void)
{
    if (!running)
        return;
    commands_post_stop();
    pthread_join(thread, NULL);
    running = false;
    for (uint32_t slot = 0; slot < leg_limit; slot++)
        if (legs[slot].id != 0 && !legs[slot].closed)
            leg_close(&legs[slot]);
    give_back();
}

/* ---------------------------------------------------------------- statistics */

/* With slots_lock held. */
static const media_leg *leg_to_look_at(tel_leg_id id)
{
    uint32_t slot = tel_slot(id);
    return legs != NULL && id != 0 && slot < leg_max && legs[slot].id == id ? &legs[slot] : NULL;
}

static void more(uint64_t *figure, uint64_t by_node)
{
    if (by_node > *figure)
        *figure = by_node;
}

void media_add_figures(tel_leg_stats *stats, const far_figures *figures)
{
    more(&stats->packets_received, figures->packets_received);
    more(&stats->bytes_received, figures->bytes_received);
    more(&stats->packets_sent, figures->packets_sent);
    more(&stats->bytes_sent, figures->bytes_sent);
}

bool media_get_leg_stats(tel_leg_id id, tel_leg_stats *stats)
{
    pthread_mutex_lock(&slots_lock);
    const media_leg *leg = leg_to_look_at(id);
    if (leg != NULL) {
        stats->packets_received = counted(&leg->packets_received);
        stats->packets_sent = counted(&leg->packets_sent);
        stats->bytes_received = counted(&leg->bytes_received);
        stats->bytes_sent = counted(&leg->bytes_sent);
        stats->packets_lost = counted(&leg->packets_lost) + counted(&leg->far_lost);
        stats->packets_dropped = counted(&leg->packets_dropped);
        stats->packets_transcoded = counted(&leg->packets_transcoded);
        stats->digits_dropped += counted(&leg->digits_dropped);
        stats->jitter_ms = (double)counted(&leg->jitter_us) / 1000;
        stats->peer_lost = counted(&leg->peer_lost);
        stats->peer_jitter_ms = (double)counted(&leg->peer_jitter_us) / 1000;
        media_add_figures(stats, &(far_figures){.packets_received = counted(&leg->far_received),
                                                .bytes_received = counted(&leg->far_bytes_received),
                                                .packets_sent = counted(&leg->far_sent),
                                                .bytes_sent = counted(&leg->far_bytes_sent)});
        stats->round_trip_ms = (double)counted(&leg->round_trip_us) / 1000;
    }
    pthread_mutex_unlock(&slots_lock);
    return leg != NULL;
}

bool media_has_digits(tel_leg_id id)
{
    pthread_mutex_lock(&slots_lock);
    const media_leg *leg = leg_to_look_at(id);
    bool has = leg != NULL && atomic_load_explicit(&leg->has_digits, memory_order_relaxed);
    pthread_mutex_unlock(&slots_lock);
    return has;
}

void media_get_stats(tel_stats *stats)
{
    stats->rtp_received += counted(&media_total.received);
    stats->rtp_sent += counted(&media_total.sent);
    stats->rtp_dropped += counted(&media_total.dropped);
    stats->digits_dropped += counted(&media_total.digits_dropped);
}
