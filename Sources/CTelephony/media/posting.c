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

#include "../private/media_command.h"
#include "../private/sip.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static command *first, **end = &first;
static bool woken; /* the thread has been woken for what is in the list */
static int wake = -1;

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

void media_close_sockets(int rtp_fd, int rtcp_fd, uint16_t port)
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
    media_close_sockets(rtp_fd, rtcp_fd, port);
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

command *commands_take(void)
{
    pthread_mutex_lock(&lock);
    command *c = first;
    first = NULL;
    end = &first;
    woken = false;
    pthread_mutex_unlock(&lock);
    return c;
}
