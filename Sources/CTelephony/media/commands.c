/*
 * Commands from any thread to the media thread: a list under a mutex, an eventfd to wake it. They are carried out in
 * the order in which they were posted, between two packets. What nobody hears or waits for (a leg's opening, closing,
 * what its peer has agreed to) does not wake the thread but waits for the next tick or for a command that does: each
 * wake-up costs more than most commands.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../private/media_internal.h"
#include "../private/sip.h"

#define NO_SUCH_FILE 404

typedef enum command_kind {
    COMMAND_OPEN,
    COMMAND_CHANGE_FAMILY,
    COMMAND_SET,
    COMMAND_CLOSE,
    COMMAND_DIGITS,
    COMMAND_ROUTE,
    COMMAND_TONE,
    COMMAND_LIST,
    COMMAND_TONE_STOP,
    COMMAND_LISTEN,
    COMMAND_RECORD,
    COMMAND_MUTE,
    COMMAND_FAR,
    COMMAND_FIGURES,
    COMMAND_LOGGED_DIGIT,
    COMMAND_ENDED,
    COMMAND_STOP,
} command_kind;

typedef struct command {
    struct command *next;
    command_kind kind;
    tel_leg_id leg;
    union {
        struct {
            int rtp_fd, rtcp_fd;
            uint16_t port;
        } open; /* and MOVE */
        media_params params;
        struct {
            tel_tone tone;
            uint64_t token;
        } tone;
        struct {
            playlist *list;
            uint64_t token;
        } list;
        struct {
            uint64_t token;
            size_t count;
        } route;
        struct {
            uint32_t serial;
            bool done;
        } far;
        far_figures figures;
        uint8_t event;
        tel_event *ended;
        FILE *file;
        bool on;
    };
    tel_route_change changes[]; /* ROUTE; DIGITS: their characters; LIST: why it cannot be played */
} command;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static command *first, **end = &first;
static bool woken; /* the thread has been woken for what is in the list */
static int wake = -1;

/* ---------------------------------------------------------------- posting */

void commands_start(int wake_fd)
{
    pthread_mutex_lock(&lock);
    wake = wake_fd;
    pthread_mutex_unlock(&lock);
}

static command *create(command_kind kind, tel_leg_id leg, size_t extra)
{
    command *c = calloc(1, sizeof(*c) + extra);
    if (c != NULL) {
        c->kind = kind;
        c->leg = leg;
    }
    return c;
}

static bool can_wait(const command *c)
{
    switch (c->kind) {
    case COMMAND_OPEN:
    case COMMAND_CHANGE_FAMILY:
    case COMMAND_CLOSE:
    case COMMAND_FIGURES: return true;
    /* Of a change in mid-call the peer sends by the new agreement as soon as it knows of it. */
    case COMMAND_SET: return c->params.exchange <= 1 && c->params.offered.clock_rate == 0;
    default: return false;
    }
}

static tel_result post(command *c)
{
    if (c == NULL)
        return TEL_ERR_FULL;
    pthread_mutex_lock(&lock);
    if (wake < 0) {
        pthread_mutex_unlock(&lock);
        free(c);
        return TEL_ERR_STATE;
    }
    if (!woken && !can_wait(c)) {
        uint64_t one = 1;
        woken = true;
        (void)!write(wake, &one, sizeof(one));
    }
    *end = c;
    end = &c->next;
    if (c->kind == COMMAND_STOP)
        wake = -1; /* nothing is taken after it */
    pthread_mutex_unlock(&lock);
    return TEL_OK;
}

static void close_sockets(int rtp_fd, int rtcp_fd, uint16_t port)
{
    close(rtp_fd);
    close(rtcp_fd);
    ports_give_back(port);
}

/* Posts a command with new sockets; their port, or 0. */
static uint16_t post_sockets(command_kind kind, tel_leg_id leg, int family)
{
    command *c = create(kind, leg, 0);
    if (c == NULL)
        return 0;
    uint16_t port = ports_take(family, &c->open.rtp_fd, &c->open.rtcp_fd);
    if (port == 0) {
        free(c);
        return 0;
    }
    c->open.port = port;
    int rtp_fd = c->open.rtp_fd, rtcp_fd = c->open.rtcp_fd;
    if (post(c) == TEL_OK)
        return port;
    close_sockets(rtp_fd, rtcp_fd, port);
    return 0;
}

bool media_open(tel_leg_id leg, int family, media_place *place)
{
    memset(place, 0, sizeof(*place));
    place->port = post_sockets(COMMAND_OPEN, leg, family);
    if (place->port == 0)
        return false;
    if (!far_on() || far_take(leg, place->port, place))
        return true;
    media_close(leg);
    return false;
}

uint16_t media_change_family(tel_leg_id leg, int family)
{
    return post_sockets(COMMAND_CHANGE_FAMILY, leg, family);
}

bool media_move(tel_leg_id leg, media_place *place)
{
    memset(place, 0, sizeof(*place));
    return far_on() && far_move(leg, place);
}

bool media_tells_end(tel_leg_id leg, const tel_event *event)
{
    return far_on() && far_end(leg, event);
}

void media_set(tel_leg_id leg, const media_params *params)
{
    if (params->format_count > 0)
        clips_need(params->formats[0].codec);
    command *c = create(COMMAND_SET, leg, 0);
    if (c != NULL)
        c->params = *params;
    if (c != NULL && far_on())
        far_describe(leg, &c->params);
    post(c);
}

void media_close(tel_leg_id leg)
{
    if (far_on())
        far_drop(leg);
    post(create(COMMAND_CLOSE, leg, 0));
}

void media_send_digits(tel_leg_id leg, const char *digits)
{
    command *c = create(COMMAND_DIGITS, leg, strlen(digits) + 1);
    if (c != NULL)
        strcpy((char *)c->changes, digits);
    post(c);
}

tel_result tel_route(const tel_route_change *changes, size_t count, uint64_t token)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].source < TEL_SOURCE_SILENCE || changes[i].source > TEL_SOURCE_MIX)
            return TEL_ERR_INVALID;
    command *c = create(COMMAND_ROUTE, count > 0 ? changes[0].leg : 0, count * sizeof(*changes));
    if (c == NULL)
        return TEL_ERR_FULL;
    c->route.token = token;
    c->route.count = count;
    if (count > 0)
        memcpy(c->changes, changes, count * sizeof(*changes));
    return post(c);
}

tel_result tel_play_tone(tel_leg_id leg, tel_tone tone, uint64_t token)
{
    if (tone < TEL_TONE_ERROR || tone > TEL_TONE_APOLOGY)
        return TEL_ERR_INVALID;
    command *c = create(COMMAND_TONE, leg, 0);
    if (c == NULL)
        return TEL_ERR_FULL;
    c->tone.tone = tone;
    c->tone.token = token;
    return post(c);
}

tel_result tel_stop_tone(tel_leg_id leg)
{
    return post(create(COMMAND_TONE_STOP, leg, 0));
}

void commands_post_list(tel_leg_id leg, playlist *list, uint64_t token, const char *reason)
{
    command *c = create(COMMAND_LIST, leg, strlen(reason) + 1);
    if (c != NULL) {
        strcpy((char *)c->changes, reason);
        c->list.list = list;
        c->list.token = token;
    }
    if (post(c) != TEL_OK)
        free(list);
}

static tel_result post_switch(command_kind kind, tel_leg_id leg, bool on)
{
    command *c = create(kind, leg, 0);
    if (c != NULL)
        c->on = on;
    return post(c);
}

void commands_post_far(tel_leg_id leg, uint32_t serial, bool done)
{
    command *c = create(COMMAND_FAR, leg, 0);
    if (c != NULL) {
        c->far.serial = serial;
        c->far.done = done;
    }
    post(c);
}

void commands_post_figures(tel_leg_id leg, const far_figures *figures)
{
    command *c = create(COMMAND_FIGURES, leg, 0);
    if (c != NULL)
        c->figures = *figures;
    post(c);
}

void commands_post_digit(tel_leg_id leg, uint8_t event)
{
    command *c = create(COMMAND_LOGGED_DIGIT, leg, 0);
    if (c != NULL)
        c->event = event;
    post(c);
}

void commands_post_end(tel_event *event)
{
    command *c = create(COMMAND_ENDED, event->leg, 0);
    if (c != NULL)
        c->ended = event;
    if (post(c) != TEL_OK)
        free(event);
}

tel_result tel_listen(tel_leg_id leg, bool on)
{
    return post_switch(COMMAND_LISTEN, leg, on);
}

tel_result tel_mute_rtp(tel_leg_id leg, bool muted)
{
    return post_switch(COMMAND_MUTE, leg, muted);
}

tel_result tel_record(tel_leg_id leg, const char *path)
{
    command *c = create(COMMAND_RECORD, leg, 0);
    if (c == NULL)
        return TEL_ERR_FULL;
    if (path != NULL) {
        c->file = fopen(path, "wbe");
        if (c->file == NULL) {
            note_error("cannot write \"%s\": %s", path, strerror(errno));
            free(c);
            return TEL_ERR_SYSTEM;
        }
    }
    FILE *file = c->file;
    tel_result result = post(c);
    if (result != TEL_OK && file != NULL)
        fclose(file);
    return result;
}

bool commands_post_stop(void)
{
    return post(create(COMMAND_STOP, 0, 0)) == TEL_OK;
}

/* ---------------------------------------------------------------- carrying out */

/* A leg's first sockets, or others instead of those that it has. */
static void open_leg(const command *c)
{
    media_leg *leg = media_leg_of(c->leg);
    if (leg == NULL || leg->open != (c->kind == COMMAND_CHANGE_FAMILY)) {
        close_sockets(c->open.rtp_fd, c->open.rtcp_fd, c->open.port);
        return;
    }
    if (leg->open)
        close_sockets(leg->rtp_fd, leg->rtcp_fd, leg->port);
    leg->open = true;
    leg->rtp_fd = c->open.rtp_fd;
    leg->rtcp_fd = c->open.rtcp_fd;
    leg->port = c->open.port;
    leg->far = far_on();
    media_watch(leg);
}

/* Takes an address that can be sent to; 0: it is none, and `to` stays. */
static socklen_t copy_address(media_address *to, const struct sockaddr_storage *from)
{
    media_address address;
    memcpy(&address, from, sizeof(address));
    bool usable = from->ss_family == AF_INET ? address.v4.sin_port != 0 && address.v4.sin_addr.s_addr != 0
                                             : from->ss_family == AF_INET6 && address.v6.sin6_port != 0 &&
                                                   !IN6_IS_ADDR_UNSPECIFIED(&address.v6.sin6_addr);
    if (!usable)
        return 0;
    *to = address;
    return from->ss_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
}

/* The size of the address that the SDP names; 0: none that can be sent to. */
static socklen_t describe(media_leg *leg, const media_params *params)
{
    media_address rtp = leg->latch.described, rtcp, signalling;
    memset(&rtcp, 0, sizeof(rtcp));
    memcpy(&signalling, &params->signalling, sizeof(signalling));
    socklen_t size = copy_address(&rtp, &params->remote_rtp);
    leg->exchange = params->exchange;
    if (size == 0)
        return 0;
    /* The same as before: it is sent to where its packets came from, until they come from elsewhere. */
    if (memcmp(&rtp, &leg->latch.described, sizeof(rtp)) != 0) {
        leg->latch.former = leg->remote_rtp;
        leg->remote_rtp = rtp;
        if (copy_address(&rtcp, &params->remote_rtcp) != 0)
            leg->remote_rtcp = rtcp;
    }
    latch_describe(leg, &rtp, &signalling);
    return size;
}

/*
 * RFC 3264 §8.3.2: who changes the formats takes those of before, too, until the peer sends by the new agreement. The
 * numbers are fixed for the dialog, so none of them means two things.
 */
static void keep_former(media_leg *leg, const media_params *params)
{
    for (uint16_t i = 0; i < leg->format_count; i++) {
        const media_format *old = &leg->formats[i];
        bool known = false;
        for (int k = 0; k < params->format_count; k++)
            known = known || params->formats[k].rx_pt == old->rx_pt;
        for (uint16_t k = 0; k < leg->former_count; k++)
            known = known || leg->former[k].rx_pt == old->rx_pt;
        if (!known && leg->former_count < MEDIA_CODECS)
            leg->former[leg->former_count++] = *old;
    }
}

static void set_leg(media_leg *leg, const media_params *params, int64_t now)
{
    if (params->home != leg->home)
        leg->far_refused = false; /* another node may do what the former has not */
    leg->home = params->home;
    if (params->expect_rtp && !leg->expect_rtp) {
        leg->heard_us = now;
        leg->timed_out = false;
    }
    leg->expect_rtp = params->expect_rtp;
    leg->may_send = params->may_send;
    secure_set(leg, &params->crypto);
    keep_former(leg, params);
    leg->offered = params->offered;
    leg->format_count = (uint16_t)params->format_count;
    memcpy(leg->formats, params->formats, sizeof(leg->formats));
    leg->rtcp_mux = params->rtcp_mux;
    media_address before = leg->remote_rtp;
    socklen_t size = params->exchange != leg->exchange ? describe(leg, params) : leg->remote_size;
    if (size != 0)
        leg->remote_size = size;
    else /* held in the old way, c=0.0.0.0: nothing is sent, but what comes from where it came before is heard */
        leg->may_send = false;
    if (!leg->may_send || memcmp(&before, &leg->remote_rtp, sizeof(before)) != 0)
        leg->feed.kind = FEED_NONE; /* to another receiver it is the beginning of a talkspurt */
    offload_touch(leg);
}

static void route(const command *c)
{
    tel_event done = {.kind = TEL_EVENT_ROUTED, .leg = c->leg, .token = c->route.token};
    tel_now(&done.wall_us, &done.mono_us);
    for (size_t i = 0; i < c->route.count; i++)
        route_set(&c->changes[i]);
    if (done.token != 0)
        tel_emit(&done);
}

void leg_close(media_leg *leg)
{
    play_tone_end(leg);
    play_sleep(leg);
    route_forget(leg);
    ear_close(leg);
    secure_close(leg);
    if (leg->open)
        close_sockets(leg->rtp_fd, leg->rtcp_fd, leg->port);
    leg->open = false;
    leg->closed = true;
    leg->far = false;
}

/* The list is not played; `status` says that it is for want of a file. */
static void refuse_list(const command *c, int status)
{
    free(c->list.list);
    if (c->list.token != 0)
        tel_emit(&(tel_event){.kind = TEL_EVENT_TONE_ENDED,
                              .leg = c->leg,
                              .token = c->list.token,
                              .status = status,
                              .reason = status != 0 ? (const char *)c->changes : NULL});
}

static void play_files(media_leg *leg, const command *c)
{
    if (c->list.list != NULL)
        play_list(leg, c->list.list, c->list.token);
    else
        refuse_list(c, NO_SUCH_FILE);
}

static void run(command *c, int64_t now)
{
    if (c->kind == COMMAND_OPEN || c->kind == COMMAND_CHANGE_FAMILY) {
        open_leg(c);
        return;
    }
    if (c->kind == COMMAND_ROUTE) {
        route(c);
        return;
    }
    if (c->kind == COMMAND_ENDED) {
        tel_emit(c->ended);
        free(c->ended);
        return;
    }
    media_leg *leg = media_leg_of(c->leg);
    if (leg == NULL) {
        if (c->kind == COMMAND_TONE && c->tone.token != 0)
            tel_emit(&(tel_event){.kind = TEL_EVENT_TONE_ENDED, .leg = c->leg, .token = c->tone.token});
        if (c->kind == COMMAND_LIST)
            refuse_list(c, 0);
        if (c->kind == COMMAND_RECORD && c->file != NULL)
            fclose(c->file);
        return;
    }
    switch (c->kind) {
    case COMMAND_SET: set_leg(leg, &c->params, now); break;
    case COMMAND_CLOSE: leg_close(leg); break;
    case COMMAND_DIGITS: digits_queue(leg, (const char *)c->changes); break;
    case COMMAND_TONE: play_tone(leg, c->tone.tone, c->tone.token); break;
    case COMMAND_LIST: play_files(leg, c); break;
    case COMMAND_TONE_STOP: play_tone_end(leg); break;
    case COMMAND_LISTEN: ear_listen(leg, c->on); break;
    case COMMAND_RECORD: ear_record(leg, c->file, now); break;
    case COMMAND_MUTE: leg->muted = c->on; break;
    case COMMAND_FAR: offload_done(leg, c->far.serial, c->far.done); break;
    case COMMAND_FIGURES: offload_figures(leg, &c->figures, now); break;
    case COMMAND_LOGGED_DIGIT: digits_logged(leg, c->event); break;
    case COMMAND_OPEN:
    case COMMAND_CHANGE_FAMILY:
    case COMMAND_ROUTE:
    case COMMAND_ENDED:
    case COMMAND_STOP: break;
    }
}

bool commands_run(int64_t now)
{
    pthread_mutex_lock(&lock);
    command *c = first;
    first = NULL;
    end = &first;
    woken = false;
    pthread_mutex_unlock(&lock);
    bool goes_on = true;
    while (c != NULL) {
        command *next = c->next;
        run(c, now);
        goes_on = c->kind != COMMAND_STOP;
        if (c->kind == COMMAND_SET)
            explicit_bzero(&c->params.crypto, sizeof(c->params.crypto));
        free(c);
        c = next;
    }
    offload_review();
    return goes_on;
}
