/* What the rest of the media side wants of legs' calls: written down here, carried out by the thread of its own. */
#include <arpa/inet.h>
#include <string.h>

#include "../private/rtpengine.h"

node *node_in_turn(void)
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

void call_place(const far_call *c, media_place *place)
{
    bool v6 = c->outer.any.sa_family == AF_INET6;
    inet_ntop(c->outer.any.sa_family, v6 ? (const void *)&c->outer.v6.sin6_addr : &c->outer.v4.sin_addr, place->address,
              sizeof(place->address));
    place->port = ntohs(c->outer.v4.sin_port);
    place->has_keys = calls_have_keys();
    for (int suite = 0; suite < MEDIA_SUITES; suite++)
        memcpy(place->keys[suite], c->own[suite].key, MEDIA_KEY);
}

bool far_take(tel_leg_id leg, uint16_t own_port, media_place *place)
{
    pthread_mutex_lock(&far_lock);
    node *n = tel_slot(leg) < call_slots() ? node_in_turn() : NULL;
    if (n != NULL)
        call_place(call_give(n, leg, own_port), place);
    pthread_mutex_unlock(&far_lock);
    return n != NULL;
}

static bool is_usable(const media_address *address)
{
    if (address->any.sa_family == AF_INET6)
        return !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
    return address->any.sa_family == AF_INET && address->v4.sin_addr.s_addr != 0;
}

/* Whether something of it is to be told to the node. */
static bool describe(far_call *c, const media_params *params, const media_address *peer)
{
    if (params->exchange == c->exchange)
        return false;
    c->exchange = params->exchange;
    c->peer = *peer;
    c->peer_is_silent = !params->may_receive;
    c->crypto = params->crypto;
    c->format_count = params->format_count;
    memcpy(c->formats, params->formats, sizeof(c->formats));
    c->wanted++;
    return true;
}

void far_describe(tel_leg_id leg, media_params *params)
{
    media_address peer;
    memcpy(&peer, &params->remote_rtp, sizeof(peer));
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg);
    if (c != NULL && is_usable(&peer)) {
        if (describe(c, params, &peer))
            call_change(c);
        media_address control = c->inner;
        control.v4.sin_port = htons((uint16_t)(ntohs(control.v4.sin_port) + 1));
        memset(&params->remote_rtp, 0, sizeof(params->remote_rtp));
        memcpy(&params->remote_rtp, &c->inner, sizeof(c->inner));
        memcpy(&params->remote_rtcp, &control, sizeof(control));
        params->signalling.ss_family = 0;
        params->home = (uint32_t)c->number;
    }
    params->crypto.on = false; /* between the node and us */
    pthread_mutex_unlock(&far_lock);
}

void far_drop(tel_leg_id leg)
{
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg);
    if (c != NULL)
        call_let_go(c);
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
        c->other = other;
        if (c->mode == FAR_JOINED)
            c->towards = heard->inner;
        if (c->mode == FAR_JOINED || before == FAR_JOINED)
            c->wanted++;
        if (c->mode == FAR_JOINED)
            c->joined_us = c->polled_us = media_clock();
        call_change(c);
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
