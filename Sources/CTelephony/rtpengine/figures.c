/*
 * What nodes count. Joined legs are asked for from time to time, which also shows who has gone silent; and once more when
 * a leg ends: its end is told with what the node says to `delete`, so that the figures are the whole call's.
 */
#include <stdlib.h>
#include <string.h>

#include "../private/rtpengine.h"

#define SOON_US 200000
#define PATIENCE_US 300000 /* how long a leg's end waits for its figures */

/* A leg's end that is yet to be told; a list, the oldest first. */
typedef struct far_ending {
    tel_event event; /* at the beginning, for it is freed by its address */
    struct far_ending *next;
    far_call *call;   /* whose last figures it waits for; NULL: it does not */
    uint64_t partner; /* the number of the call that it was joined with, whose figures are wanted too; 0: none */
    int64_t due_us;
    tel_leg_stats stats;
    char texts[]; /* the event's */
} far_ending;

static far_ending *endings, **endings_end = &endings;

/* ---------------------------------------------------------------- read */

static ben_value stats_of(ben_value reply, const char *tag)
{
    ben_value media = ben_at(ben_get(ben_get(ben_get(reply, "tags"), tag), "medias"), 0);
    return ben_get(ben_at(ben_get(media, "streams"), 0), "stats");
}

static uint64_t number(ben_value stats, const char *key)
{
    return (uint64_t)ben_integer(ben_get(stats, key));
}

static far_figures read_figures(ben_value reply)
{
    ben_value outer = stats_of(reply, FAR_OUTER), inner = stats_of(reply, FAR_INNER);
    return (far_figures){
        .packets_received = number(outer, "packets"),
        .bytes_received = number(outer, "bytes"),
        .packets_sent = number(inner, "packets"),
        .bytes_sent = number(inner, "bytes"),
    };
}

/* The figures of this call have come, or will not. */
static void partner_is_done(const far_call *c)
{
    for (far_ending *e = endings; e != NULL; e = e->next)
        if (e->partner == c->number)
            e->partner = 0;
}

void figures_take(far_call *c, ben_value reply)
{
    if (!ng_is_ok(reply)) {
        call_lost(c);
        return;
    }
    far_figures figures = read_figures(reply);
    if (c->leg != 0)
        commands_post_figures(c->leg, &figures);
    partner_is_done(c);
}

void figures_tick(int64_t now, int64_t interval_us)
{
    for (uint32_t slot = 0; slot < call_slots(); slot++) {
        far_call *c = call_at(slot);
        if (c == NULL || c->mode != FAR_JOINED || c->busy || c->lost)
            continue;
        /* Often in the beginning, so that the figures of a short call are not far off. */
        int64_t age = c->polled_us - c->joined_us, pause = age > SOON_US ? age : SOON_US;
        if (now - c->polled_us < (pause < interval_us ? pause : interval_us))
            continue;
        c->polled_us = now;
        ask_simply(c, "query", STEP_QUERY);
    }
}

/* ---------------------------------------------------------------- at a leg's end */

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* Moves a text of the event behind it. */
static const char *keep(char **place, const char *text)
{
    char *copy = *place;
    if (text == NULL)
        return NULL;
    memcpy(copy, text, size_of(text));
    *place += size_of(text);
    return copy;
}

/* Whose call ends with a leg of it is logged at once: the figures of the other one are asked for too. */
static uint64_t ask_partner(const far_call *c)
{
    far_call *other = c->mode == FAR_JOINED ? call_of(c->other) : NULL;
    if (other == NULL || other->lost || !other->node->up || other->node->doubtful)
        return 0;
    other->wants_figures = true;
    call_change(other);
    return other->number;
}

bool far_end(tel_leg_id leg, const tel_event *event)
{
    far_ending *e = NULL;
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg);
    bool asks = c != NULL && !c->lost && c->report == NULL && c->format_count != 0 && event->stats != NULL &&
                c->node->up && !c->node->doubtful;
    if (asks)
        e = calloc(1, sizeof(*e) + size_of(event->call_id) + size_of(event->reason) + size_of(event->contacts));
    if (e != NULL) {
        char *place = e->texts;
        e->event = *event;
        e->stats = *event->stats;
        e->event.stats = &e->stats;
        e->event.call_id = keep(&place, event->call_id);
        e->event.reason = keep(&place, event->reason);
        e->event.contacts = keep(&place, event->contacts);
        e->due_us = media_clock() + PATIENCE_US;
        e->call = c;
        e->partner = ask_partner(c);
        c->report = e;
        *endings_end = e;
        endings_end = &e->next;
    }
    pthread_mutex_unlock(&far_lock);
    return e != NULL;
}

void figures_end(far_call *c, ben_value reply)
{
    far_ending *e = c->report;
    partner_is_done(c);
    if (e == NULL)
        return;
    c->report = NULL;
    e->call = NULL;
    if (!ng_is_ok(reply))
        return;
    far_figures figures = read_figures(reply);
    media_add_figures(&e->stats, &figures);
}

/* One that is to be told, out of the list. */
static far_ending *next_ending(int64_t now)
{
    for (far_ending **place = &endings; *place != NULL; place = &(*place)->next) {
        far_ending *e = *place;
        if ((e->call != NULL || e->partner != 0) && now < e->due_us)
            continue;
        if (e->call != NULL)
            e->call->report = NULL;
        *place = e->next;
        if (*place == NULL)
            endings_end = place;
        return e;
    }
    return NULL;
}

void figures_announce(void)
{
    far_ending *e;
    while ((e = next_ending(media_clock())) != NULL)
        commands_post_end(&e->event);
}

void figures_clear(void)
{
    while (endings != NULL) {
        far_ending *e = endings;
        endings = e->next;
        free(e);
    }
    endings_end = &endings;
}
