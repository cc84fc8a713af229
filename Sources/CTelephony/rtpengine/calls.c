/*
 * The calls at nodes, one for each leg: what is wanted of a call is written down at once, and one request after another
 * brings the node there. So what changes while a request is under way is not lost, and the last wish counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../private/rtpengine.h"

#define BUCKETS 4096 /* of calls by number */
#define NO_PORT 9    /* discard: of a call that no leg has */

static far_call **by_leg; /* by slot */
static uint32_t leg_max;
static far_call *by_number[BUCKETS];
static far_call *changed; /* of which something is wanted that nobody has looked at yet */
static uint64_t last_number;
static char prefix[24];
static bool have_keys;

bool calls_start(uint32_t legs, bool keys)
{
    uint64_t boot = 0;
    (void)!getrandom(&boot, sizeof(boot), 0);
    snprintf(prefix, sizeof(prefix), "wl-%012llx-", (unsigned long long)(boot & 0xffffffffffff));
    have_keys = keys;
    leg_max = legs;
    by_leg = calloc(legs, sizeof(far_call *));
    return by_leg != NULL;
}

void calls_stop(void)
{
    for (uint32_t i = 0; i < BUCKETS; i++)
        while (by_number[i] != NULL) {
            if (!by_number[i]->lost)
                ask_simply(by_number[i], "delete", STEP_END);
            call_forget(by_number[i]);
        }
    free(by_leg);
    by_leg = NULL;
    leg_max = 0;
}

bool calls_have_keys(void)
{
    return have_keys;
}

/* ---------------------------------------------------------------- the tables */

uint32_t call_slots(void)
{
    return leg_max;
}

far_call *call_at(uint32_t slot)
{
    return by_leg != NULL && slot < leg_max ? by_leg[slot] : NULL;
}

far_call *call_of(tel_leg_id leg)
{
    far_call *c = leg != 0 ? call_at(tel_slot(leg)) : NULL;
    return c != NULL && c->leg == leg ? c : NULL;
}

void call_name(const far_call *c, char *name, size_t size)
{
    snprintf(name, size, "%s%llu", prefix, (unsigned long long)c->number);
}

far_call *call_named(const char *name, size_t size)
{
    size_t length = strlen(prefix);
    char digits[24];
    if (size <= length || size - length >= sizeof(digits) || memcmp(name, prefix, length) != 0)
        return NULL;
    memcpy(digits, name + length, size - length);
    digits[size - length] = 0;
    uint64_t number = strtoull(digits, NULL, 10);
    far_call *c = by_number[number % BUCKETS];
    while (c != NULL && c->number != number)
        c = c->next_numbered;
    return c;
}

void call_forget(far_call *c)
{
    if (call_of(c->leg) == c) {
        by_leg[tel_slot(c->leg)] = NULL;
        c->node->legs--;
    }
    far_call **place = &by_number[c->number % BUCKETS];
    while (*place != c)
        place = &(*place)->next_numbered;
    *place = c->next_numbered;
    place = &changed;
    while (c->has_changed && *place != c)
        place = &(*place)->next;
    if (c->has_changed)
        *place = c->next;
    if (c->node->probe == c)
        c->node->probe = NULL;
    figures_end(c, (ben_value){0});
    explicit_bzero(&c->crypto, sizeof(c->crypto));
    explicit_bzero(c->own, sizeof(c->own));
    free(c);
}

void call_change(far_call *c)
{
    if (c->has_changed)
        return;
    c->has_changed = true;
    c->next = changed;
    changed = c;
    far_wake();
}

far_call *call_give(node *n, tel_leg_id leg, uint16_t own_port)
{
    far_call *c = n->ready, *former = call_at(tel_slot(leg));
    if (former != NULL)
        call_let_go(former);
    n->ready = c->next;
    if (n->ready == NULL)
        n->ready_end = &n->ready;
    n->ready_count--;
    n->legs++;
    c->next = NULL;
    c->leg = leg;
    c->logs = n->hears_digits;
    c->own_port = own_port;
    by_leg[tel_slot(leg)] = c;
    far_wake(); /* one less is ready */
    return c;
}

void call_let_go(far_call *c)
{
    by_leg[tel_slot(c->leg)] = NULL;
    c->node->legs--;
    c->leg = 0;
    c->ending = true;
    call_change(c);
}

/* ---------------------------------------------------------------- what is to be done next */

static bool is_told(const far_call *c)
{
    return c->told_serial == c->serial;
}

void call_tell(far_call *c, bool done)
{
    if (is_told(c))
        return;
    c->told_serial = c->serial;
    commands_post_far(c->leg, c->serial, done);
}

void call_advance(far_call *c)
{
    if (c->busy)
        return;
    if (c->lost) {
        if (c->ending)
            call_forget(c);
        return;
    }
    const char *file = c->mode == FAR_MUSIC ? c->file : NULL;
    if (c->ending)
        ask_simply(c, "delete", STEP_END);
    else if (c->leg == 0 || c->format_count == 0)
        return;
    else if (c->wants_figures) {
        c->wants_figures = false;
        ask_simply(c, "query", STEP_QUERY);
    } else if (c->playing != NULL && c->playing != file)
        ask_simply(c, "stop media", STEP_STOP);
    else if (c->granted != c->wanted) {
        c->asked = c->wanted;
        ask_sdp(c, false, STEP_OFFER);
    } else if (c->logs && !c->blocked)
        ask_simply(c, "block DTMF", STEP_BLOCK);
    else if (file != NULL && c->playing == NULL && !is_told(c)) {
        c->playing = file; /* from now on: by the time of its reply another may be wanted, or none */
        ask_simply(c, "play media", STEP_PLAY);
    } else
        call_tell(c, true);
}

void calls_advance(void)
{
    while (changed != NULL) {
        far_call *c = changed;
        changed = c->next;
        c->next = NULL;
        c->has_changed = false;
        call_advance(c);
    }
}

/* ---------------------------------------------------------------- being lost */

/* What was in force is so no more. */
static void mark_lost(far_call *c)
{
    c->lost = true;
    c->lost_us = media_clock();
    figures_end(c, (ben_value){0});
    c->told_serial = c->serial;
    if (c->leg != 0)
        commands_post_far(c->leg, c->serial, false);
}

void call_lost(far_call *c)
{
    if (c->lost)
        return;
    mark_lost(c);
    if (c->leg == 0)
        return;
    c->node->lost++;
    c->node->announce = true;
}

uint32_t calls_lost(node *n)
{
    uint32_t legs = 0;
    n->ready = NULL;
    n->ready_end = &n->ready;
    n->ready_count = n->making = 0;
    for (uint32_t i = 0; i < BUCKETS; i++)
        for (far_call *c = by_number[i], *next; c != NULL; c = next) {
            next = c->next_numbered;
            if (c->node != n)
                continue;
            legs += c->leg != 0 && !c->lost;
            if (!c->lost)
                mark_lost(c);
            if (c->leg == 0)
                call_forget(c);
        }
    return legs;
}

/* ---------------------------------------------------------------- making and ending */

static far_call *create(node *n)
{
    far_call *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->node = n;
    c->number = ++last_number;
    c->made_us = media_clock();
    c->own_port = NO_PORT;
    c->next_numbered = by_number[c->number % BUCKETS];
    by_number[c->number % BUCKETS] = c;
    n->making++;
    return c;
}

void call_make(node *n)
{
    far_call *c = create(n);
    if (c != NULL)
        ask_sdp(c, false, STEP_MAKE_OFFER);
}

void call_probe(node *n, uint16_t port)
{
    far_call *c = create(n);
    if (c == NULL)
        return;
    c->probing = true;
    c->own_port = port;
    n->probe = c;
    ask_sdp(c, false, STEP_MAKE_OFFER);
}

void call_end(far_call *c)
{
    c->ending = true;
    call_advance(c);
}

void call_end_oldest(node *n)
{
    far_call *c = n->ready;
    n->ready = c->next;
    if (n->ready == NULL)
        n->ready_end = &n->ready;
    n->ready_count--;
    c->next = NULL;
    call_end(c);
}
