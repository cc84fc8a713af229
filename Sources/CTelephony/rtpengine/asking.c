/* What a node is asked about a call, and what follows from its answers. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../private/rtpengine.h"

#define FOREVER 1000000
#define MAX_SDP 1024
#define REST_US 500000 /* for a node that has refused a call */

static void on_reply(void *context, ben_value reply);

static void begin(const far_call *c, ben_writer *w, char *buffer, const char *command)
{
    char name[64];
    call_name(c, name, sizeof(name));
    ben_begin(w, buffer, NG_MAX_REQUEST);
    ben_text(w, "command", command);
    ben_text(w, "call-id", name);
}

static void ask(far_call *c, ben_writer *w, far_step step)
{
    c->busy = true;
    c->step = step;
    if (ben_end(w))
        ng_send(c->node, w, on_reply, c);
}

static media_address own_address(uint16_t port)
{
    media_address address;
    ports_address(&address);
    address.v4.sin_port = htons(port);
    return address;
}

/* Before its leg has agreed on anything a call has keys for whatever that will be. */
static bool is_encrypted(const far_call *c)
{
    return c->format_count != 0 ? c->crypto.on : calls_have_keys() && !c->probing;
}

void ask_sdp(far_call *c, bool outer, far_step step)
{
    /* What a call has before its leg has agreed on anything: enough to be given its ports. */
    static const media_format any = {.codec = MEDIA_PCMA, .tx_pt = 8, .rx_pt = 8, .clock_rate = 8000,
                                     .event_tx_pt = 101, .event_rx_pt = 101};
    char buffer[NG_MAX_REQUEST], text[MAX_SDP];
    ben_writer w;
    media_address control = own_address((uint16_t)(c->own_port + 1));
    bool described = c->format_count != 0, joined = !outer && c->mode == FAR_JOINED;
    far_sdp sdp = {
        .address = c->peer,
        .formats = described ? c->formats : &any,
        .format_count = described ? c->format_count : 1,
        .outer = outer,
        /* A peer that is held sends nothing: a node ends such a call later (`silent-timeout`). */
        .direction = !described ? "inactive" : !c->peer_is_silent ? "sendrecv" : outer ? "recvonly" : "sendonly",
    };
    if (c->probing)
        sdp.direction = "sendrecv";
    if (joined) {
        sdp.address = c->towards;
        sdp.control = &control; /* which sends it on (media/offload.c) */
    } else if (!outer || !described) {
        sdp.address = own_address(c->own_port);
    }
    if (outer && described && c->crypto.on) {
        sdp.tag = c->own[c->crypto.suite].tag;
        sdp.crypto = &c->crypto;
    }
    far_write_sdp(text, sizeof(text), &sdp);
    begin(c, &w, buffer, outer ? "answer" : "offer");
    ben_text(&w, "from-tag", FAR_INNER);
    if (outer)
        ben_text(&w, "to-tag", FAR_OUTER);
    ben_text(&w, "sdp", text);
    /* Our side is where we say; the peer's is where its packets come from, for it may be behind NAT. */
    ben_list(&w, "flags", "port latching", outer ? NULL : "asymmetric");
    if (!outer && calls_have_keys()) {
        ben_text(&w, "transport-protocol", is_encrypted(c) ? "RTP/SAVP" : "RTP/AVP");
        ben_list(&w, "SDES", "static", NULL); /* the keys stay as they are */
        ben_text(&w, "DTLS", "off");
    }
    ask(c, &w, step);
}

void ask_simply(far_call *c, const char *command, far_step step)
{
    char buffer[NG_MAX_REQUEST];
    ben_writer w;
    begin(c, &w, buffer, command);
    ben_text(&w, "from-tag", FAR_OUTER);
    if (step == STEP_PLAY) {
        ben_text(&w, "file", c->playing);
        ben_number(&w, "repeat-times", FOREVER);
    }
    if (step == STEP_END)
        ben_number(&w, "delete delay", 0);
    ask(c, &w, step);
}

void ask_query(const far_call *c, ng_done done, void *context)
{
    char buffer[NG_MAX_REQUEST];
    ben_writer w;
    begin(c, &w, buffer, "query");
    if (ben_end(&w))
        ng_send(c->node, &w, done, context);
}

/* ---------------------------------------------------------------- answers */

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

static void on_making(far_call *c, ben_value reply)
{
    bool offer = c->step == STEP_MAKE_OFFER;
    ben_value sdp = ben_string(ben_get(reply, "sdp"));
    if (!ng_is_ok(reply) || !far_read_sdp(sdp, offer ? &c->outer : &c->inner) ||
        (offer && is_encrypted(c) && !far_read_keys(sdp, c->own))) {
        c->node->making--;
        c->node->resume_us = media_clock() + REST_US; /* full, perhaps */
        call_forget(c);
        return;
    }
    if (offer)
        ask_sdp(c, true, STEP_MAKE_ANSWER);
    else
        made(c);
}

/* Whether the node still encrypts with what our SDP says. */
static bool keeps_key(const far_call *c, ben_value sdp)
{
    far_key keys[MEDIA_SUITES];
    far_read_keys(sdp, keys);
    return memcmp(&keys[c->crypto.suite], &c->own[c->crypto.suite], sizeof(*keys)) == 0;
}

static void on_description(far_call *c, ben_value reply)
{
    media_address address;
    bool offer = c->step == STEP_OFFER;
    ben_value sdp = ben_string(ben_get(reply, "sdp"));
    if (!ng_is_ok(reply) || !far_read_sdp(sdp, &address) || !same(&address, offer ? &c->outer : &c->inner) ||
        (offer && c->crypto.on && !keeps_key(c, sdp))) {
        call_lost(c);
        return;
    }
    if (offer)
        ask_sdp(c, true, STEP_ANSWER);
    else
        c->granted = c->asked;
}

static void refuse_file(far_call *c, ben_value reply)
{
    node *n = c->node;
    ben_value reason = ben_string(ben_get(reply, "error-reason"));
    if (n->refused_file != c->playing) {
        n->refused_file = c->playing;
        snprintf(n->note, sizeof(n->note), "cannot play %s, which is played from here: %.*s", c->playing,
                 (int)(reason.size < 100 ? reason.size : 100), reason.data != NULL ? reason.data : "");
    }
    if (c->mode == FAR_MUSIC && c->file == c->playing)
        call_tell(c, false);
    c->playing = NULL;
}

static void on_reply(void *context, ben_value reply)
{
    far_call *c = context;
    c->busy = false;
    if (reply.size == 0 && !c->ending && c->leg != 0)
        return; /* the node is gone: calls_lost follows */
    switch (c->step) {
    case STEP_MAKE_OFFER:
    case STEP_MAKE_ANSWER: on_making(c, reply); return;
    case STEP_END:
        figures_end(c, reply);
        call_forget(c);
        return;
    case STEP_OFFER:
    case STEP_ANSWER: on_description(c, reply); break;
    case STEP_STOP: c->playing = NULL; break;
    case STEP_BLOCK:
        c->blocked = ng_is_ok(reply);
        if (!c->blocked)
            call_lost(c);
        break;
    case STEP_PLAY:
        if (!ng_is_ok(reply))
            refuse_file(c, reply);
        break;
    case STEP_QUERY: figures_take(c, reply); break;
    case STEP_NONE: break;
    }
    call_advance(c);
}
