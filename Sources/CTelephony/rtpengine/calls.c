/*
 * The calls at nodes, one for each leg: what is wanted of a call is written down at once, and one request after another
 * brings the node there. So what changes while a request is under way is not lost, and the last wish counts.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../private/rtpengine.h"

#define BUCKETS 4096 /* of calls by number */
#define FOREVER 1000000
#define MAX_SDP 1024
#define SOON_US 200000
#define REST_US 500000 /* for a node that has refused a call */
#define INNER "warmline" /* the tags of a call's two sides */
#define OUTER "peer"

typedef enum step {
    STEP_NONE,
    STEP_MAKE_OFFER,
    STEP_MAKE_ANSWER,
    STEP_STOP,
    STEP_OFFER,
    STEP_ANSWER,
    STEP_BLOCK,
    STEP_PLAY,
    STEP_QUERY,
    STEP_END,
} step;

static far_call **by_leg; /* by slot */
static uint32_t leg_max;
static far_call *by_number[BUCKETS];
static far_call *changed; /* of which something is wanted that nobody has looked at yet */
static uint64_t last_number;
static char prefix[24];

bool calls_start(uint32_t legs)
{
    uint64_t boot = 0;
    (void)!getrandom(&boot, sizeof(boot), 0);
    snprintf(prefix, sizeof(prefix), "wl-%012llx-", (unsigned long long)(boot & 0xffffffffffff));
    leg_max = legs;
    by_leg = calloc(legs, sizeof(far_call *));
    return by_leg != NULL;
}

/* ---------------------------------------------------------------- the tables */

static far_call *call_of(tel_leg_id leg)
{
    uint32_t slot = tel_slot(leg);
    far_call *c = by_leg != NULL && leg != 0 && slot < leg_max ? by_leg[slot] : NULL;
    return c != NULL && c->leg == leg ? c : NULL;
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

static void forget(far_call *c)
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
    free(c);
}

/* Something else is wanted of it: the thread that speaks with nodes looks at it. */
static void change(far_call *c)
{
    if (c->has_changed)
        return;
    c->has_changed = true;
    c->next = changed;
    changed = c;
    far_wake();
}

/* Its leg is over. */
static void let_go(far_call *c)
{
    by_leg[tel_slot(c->leg)] = NULL;
    c->node->legs--;
    c->leg = 0;
    c->ending = true;
    change(c);
}

static bool is_told(const far_call *c)
{
    return c->told_serial == c->serial;
}

/* What was wanted last is in force, or will not be. */
static void tell(far_call *c, bool done)
{
    if (is_told(c))
        return;
    c->told_serial = c->serial;
    commands_post_far(c->leg, c->serial, done);
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
            c->lost = true;
            if (c->leg == 0)
                forget(c);
            else
                tell(c, false);
        }
    return legs;
}

/* ---------------------------------------------------------------- requests */

static void on_reply(void *context, ben_value reply);

static void begin(const far_call *c, ben_writer *w, char *buffer, const char *command)
{
    char id[64];
    snprintf(id, sizeof(id), "%s%llu", prefix, (unsigned long long)c->number);
    ben_begin(w, buffer, NG_MAX_REQUEST);
    ben_text(w, "command", command);
    ben_text(w, "call-id", id);
}

static void ask(far_call *c, ben_writer *w, int step)
{
    c->busy = true;
    c->step = step;
    if (ben_end(w))
        ng_send(c->node, w, on_reply, c);
}

static void own_address(const far_call *c, media_address *address)
{
    ports_address(address);
    address->v4.sin_port = htons(c->own_port);
}

/* One of the two descriptions; a node keeps its ports all through (`port latching`). */
static void ask_sdp(far_call *c, bool outer, int step)
{
    /* What a call has before its leg has agreed on anything: enough to be given its ports. */
    static const media_format any = {.codec = MEDIA_PCMA, .tx_pt = 8, .rx_pt = 8, .clock_rate = 8000,
                                     .event_tx_pt = 101, .event_rx_pt = 101};
    char buffer[NG_MAX_REQUEST], sdp[MAX_SDP];
    ben_writer w;
    media_address address = c->peer;
    bool described = c->format_count != 0;
    if (!outer && c->mode == FAR_JOINED)
        address = c->towards;
    else if (!outer || !described)
        own_address(c, &address);
    /* A peer that is held sends nothing: a node ends such a call later (`silent-timeout`). */
    const char *direction = !described ? "inactive" : !c->peer_is_silent ? "sendrecv" : outer ? "recvonly" : "sendonly";
    far_write_sdp(sdp, sizeof(sdp), &address, described ? c->formats : &any, described ? c->format_count : 1, outer,
                  c->probing ? "sendrecv" : direction);
    begin(c, &w, buffer, outer ? "answer" : "offer");
    ben_text(&w, "from-tag", INNER);
    if (outer)
        ben_text(&w, "to-tag", OUTER);
    ben_text(&w, "sdp", sdp);
    /* Our side is where we say; the peer's is where its packets come from, for it may be behind NAT. */
    ben_list(&w, "flags", "port latching", outer ? NULL : "asymmetric");
    ask(c, &w, step);
}

static void ask_simply(far_call *c, const char *command, int step)
{
    char buffer[NG_MAX_REQUEST];
    ben_writer w;
    begin(c, &w, buffer, command);
    ben_text(&w, "from-tag", OUTER);
    if (step == STEP_PLAY) {
        ben_text(&w, "file", c->file);
        ben_number(&w, "repeat-times", FOREVER);
    }
    if (step == STEP_END)
        ben_number(&w, "delete delay", 0);
    ask(c, &w, step);
}

void calls_stop(void)
{
    for (uint32_t i = 0; i < BUCKETS; i++)
        while (by_number[i] != NULL) {
            if (!by_number[i]->lost)
                ask_simply(by_number[i], "delete", STEP_END);
            forget(by_number[i]);
        }
    free(by_leg);
    by_leg = NULL;
}

/* ---------------------------------------------------------------- what is to be done next */

static void advance(far_call *c)
{
    if (c->busy)
        return;
    if (c->lost) {
        if (c->ending)
            forget(c);
        return;
    }
    const char *file = c->mode == FAR_MUSIC ? c->file : NULL;
    if (c->ending)
        ask_simply(c, "delete", STEP_END);
    else if (c->leg == 0 || c->format_count == 0)
        return;
    else if (c->playing != NULL && c->playing != file)
        ask_simply(c, "stop media", STEP_STOP);
    else if (c->granted != c->wanted) {
        c->asked = c->wanted;
        ask_sdp(c, false, STEP_OFFER);
    } else if (c->logs && !c->blocked)
        ask_simply(c, "block DTMF", STEP_BLOCK);
    else if (file != NULL && c->playing == NULL && !is_told(c))
        ask_simply(c, "play media", STEP_PLAY);
    else
        tell(c, true);
}

/* The node does not know the call, or has given it other ports: it has been started anew, or has thrown the call away. */
static void lose(far_call *c)
{
    if (c->lost)
        return;
    c->lost = true;
    if (c->leg == 0)
        return;
    c->node->lost++;
    c->node->announce = true;
    tell(c, false);
}

static bool same(const media_address *a, const media_address *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void made(far_call *c)
{
    node *n = c->node;
    n->making--;
    if (c->probing) {
        logged_send_probe(&c->outer);
        return;
    }
    *n->ready_end = c;
    n->ready_end = &c->next;
    n->ready_count++;
}

static void refuse_file(far_call *c, ben_value reply)
{
    node *n = c->node;
    ben_value reason = ben_string(ben_get(reply, "error-reason"));
    if (n->refused_file != c->file) {
        n->refused_file = c->file;
        snprintf(n->note, sizeof(n->note), "cannot play %s, which is played from here: %.*s", c->file,
                 (int)(reason.size < 100 ? reason.size : 100), reason.data != NULL ? reason.data : "");
    }
    tell(c, false);
}

static void on_making(far_call *c, int step, ben_value reply)
{
    media_address *address = step == STEP_MAKE_OFFER ? &c->outer : &c->inner;
    if (!ng_is_ok(reply) || !far_read_sdp(ben_string(ben_get(reply, "sdp")), address)) {
        c->node->making--;
        c->node->resume_us = media_clock() + REST_US; /* full, perhaps */
        forget(c);
        return;
    }
    if (step == STEP_MAKE_OFFER)
        ask_sdp(c, true, STEP_MAKE_ANSWER);
    else
        made(c);
}

static void on_description(far_call *c, int step, ben_value reply)
{
    media_address address;
    const media_address *known = step == STEP_OFFER ? &c->outer : &c->inner;
    if (!ng_is_ok(reply) || !far_read_sdp(ben_string(ben_get(reply, "sdp")), &address) || !same(&address, known)) {
        lose(c);
        return;
    }
    if (step == STEP_OFFER)
        ask_sdp(c, true, STEP_ANSWER);
    else
        c->granted = c->asked;
}

static ben_value stats_of(ben_value tags, const char *tag)
{
    ben_value media = ben_at(ben_get(ben_get(tags, tag), "medias"), 0);
    return ben_get(ben_at(ben_get(media, "streams"), 0), "stats");
}

static void on_figures(far_call *c, ben_value reply)
{
    if (!ng_is_ok(reply)) {
        lose(c);
        return;
    }
    ben_value tags = ben_get(reply, "tags"), outer = stats_of(tags, OUTER), inner = stats_of(tags, INNER);
    far_figures figures = {
        .packets_received = (uint64_t)ben_integer(ben_get(outer, "packets")),
        .bytes_received = (uint64_t)ben_integer(ben_get(outer, "bytes")),
        .packets_sent = (uint64_t)ben_integer(ben_get(inner, "packets")),
        .bytes_sent = (uint64_t)ben_integer(ben_get(inner, "bytes")),
    };
    if (c->leg != 0)
        commands_post_figures(c->leg, &figures);
}

static void on_reply(void *context, ben_value reply)
{
    far_call *c = context;
    int step = c->step;
    c->busy = false;
    if (reply.size == 0 && !c->ending && c->leg != 0)
        return; /* the node is gone: calls_lost follows */
    switch (step) {
    case STEP_MAKE_OFFER:
    case STEP_MAKE_ANSWER: on_making(c, step, reply); return;
    case STEP_END: forget(c); return;
    case STEP_OFFER:
    case STEP_ANSWER: on_description(c, step, reply); break;
    case STEP_STOP: c->playing = NULL; break;
    case STEP_BLOCK:
        c->blocked = ng_is_ok(reply);
        if (!c->blocked)
            lose(c);
        break;
    case STEP_PLAY:
        c->playing = ng_is_ok(reply) ? c->file : NULL;
        if (c->playing == NULL)
            refuse_file(c, reply);
        break;
    case STEP_QUERY: on_figures(c, reply); break;
    default: break;
    }
    advance(c);
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
    c->own_port = 9; /* discard */
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
    advance(c);
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

void call_query(const far_call *c, ng_done done, void *context)
{
    char buffer[NG_MAX_REQUEST];
    ben_writer w;
    begin(c, &w, buffer, "query");
    if (ben_end(&w))
        ng_send(c->node, &w, done, context);
}

void calls_advance(void)
{
    while (changed != NULL) {
        far_call *c = changed;
        changed = c->next;
        c->next = NULL;
        c->has_changed = false;
        advance(c);
    }
}

void calls_tick(int64_t now, int64_t interval_us)
{
    for (uint32_t slot = 0; slot < leg_max; slot++) {
        far_call *c = by_leg[slot];
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


/* ---------------------------------------------------------------- from the rest of the media side */

/* A node in turn that has a call ready; rather one that is not in doubt. */
static node *next_node(void)
{
    static int turn;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < far_node_count; i++) {
            node *n = &far_nodes[(turn + i) % far_node_count];
            if (!n->up || n->ready == NULL || (round == 0 && n->doubtful))
                continue;
            turn = (turn + i + 1) % far_node_count;
            return n;
        }
    return NULL;
}

uint16_t far_take(tel_leg_id leg, uint16_t own_port, char *address, size_t size)
{
    uint16_t port = 0;
    pthread_mutex_lock(&far_lock);
    node *n = by_leg != NULL && tel_slot(leg) < leg_max ? next_node() : NULL;
    if (n != NULL) {
        far_call *c = n->ready;
        if (by_leg[tel_slot(leg)] != NULL) /* of the slot's former leg */
            let_go(by_leg[tel_slot(leg)]);
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
        bool v6 = c->outer.any.sa_family == AF_INET6;
        inet_ntop(c->outer.any.sa_family, v6 ? (const void *)&c->outer.v6.sin6_addr : &c->outer.v4.sin_addr, address,
                  (socklen_t)size);
        port = ntohs(c->outer.v4.sin_port);
        far_wake(); /* one less is ready */
    }
    pthread_mutex_unlock(&far_lock);
    return port;
}

void far_describe(tel_leg_id leg, media_params *params)
{
    media_address peer;
    memcpy(&peer, &params->remote_rtp, sizeof(peer));
    bool v6 = peer.any.sa_family == AF_INET6;
    bool usable = v6 ? !IN6_IS_ADDR_UNSPECIFIED(&peer.v6.sin6_addr) : peer.v4.sin_addr.s_addr != 0;
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg);
    if (c != NULL && usable && params->exchange != c->exchange) {
        c->exchange = params->exchange;
        c->peer = peer;
        c->peer_is_silent = !params->may_receive;
        c->format_count = params->format_count;
        memcpy(c->formats, params->formats, sizeof(c->formats));
        c->wanted++;
        change(c);
    }
    if (c != NULL && usable) {
        media_address control = c->inner;
        control.v4.sin_port = htons((uint16_t)(ntohs(control.v4.sin_port) + 1));
        memset(&params->remote_rtp, 0, sizeof(params->remote_rtp));
        memcpy(&params->remote_rtp, &c->inner, sizeof(c->inner));
        memcpy(&params->remote_rtcp, &control, sizeof(control));
        params->signalling.ss_family = 0;
    }
    pthread_mutex_unlock(&far_lock);
}

void far_drop(tel_leg_id leg)
{
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg);
    if (c != NULL)
        let_go(c);
    pthread_mutex_unlock(&far_lock);
}

void far_want(tel_leg_id leg, far_mode mode, tel_leg_id other, const char *file, uint32_t serial)
{
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg), *heard = call_of(other);
    if (c != NULL) {
        far_mode before = c->mode;
        c->mode = mode == FAR_JOINED && heard == NULL ? FAR_NEAR : mode;
        c->file = file;
        c->serial = serial;
        if (c->mode == FAR_JOINED)
            c->towards = heard->inner;
        if (c->mode == FAR_JOINED || before == FAR_JOINED)
            c->wanted++;
        if (c->mode == FAR_JOINED)
            c->joined_us = c->polled_us = media_clock();
        change(c);
    }
    if (c == NULL || c->lost || (mode == FAR_JOINED && heard == NULL))
        commands_post_far(leg, serial, false);
    pthread_mutex_unlock(&far_lock);
}

bool far_hears_digits(tel_leg_id leg)
{
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg);
    bool hears = c != NULL && c->logs && !c->lost;
    pthread_mutex_unlock(&far_lock);
    return hears;
}
