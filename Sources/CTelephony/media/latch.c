/*
 * Symmetric RTP: a leg is sent to where its peer's packets come from, which behind NAT is not what its SDP says. The
 * first valid packets in a row settle it; from then on nobody else's are taken, so that a stream cannot be stolen.
 *
 * Who may settle it: the address of the SDP; beside it, where the two differ, the one that the signalling came from; and
 * anybody only where the SDP names a private address, which cannot be compared with what is seen from here.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../private/media_internal.h"

#define ENOUGH_NAMED 3 /* packets in a row from the SDP's address, though from another port */
#define ENOUGH_OTHERS 5
#define ENOUGH_FORMER 50       /* a second: on the way when the SDP changed, they say nothing of where the peer is now */
#define MAX_STEP 10            /* of the sequence number between two of them */
#define SILENCE_US 3000000     /* then the same host may go on from another port: its NAT has forgotten the old one */

/* The higher one is not kept from it, and may take it back, by the lower. */
typedef enum standing { STRANGER, ANYBODY, SIGNALLING, NAMED } standing;

static bool same_host(const media_address *a, const media_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return a->any.sa_family == AF_INET6 && memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

static bool same_address(const media_address *a, const media_address *b)
{
    /* The port is at the same place in both. */
    return same_host(a, b) && a->v4.sin_port == b->v4.sin_port;
}

bool media_is_private(const struct sockaddr *address)
{
    media_address a;
    memcpy(&a, address, address->sa_family == AF_INET6 ? sizeof(a.v6) : sizeof(a.v4));
    if (a.any.sa_family == AF_INET6)
        return (a.v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_LINKLOCAL(&a.v6.sin6_addr);
    uint32_t host = ntohl(a.v4.sin_addr.s_addr);
    return host >> 24 == 10 || host >> 20 == 0xac1 || host >> 16 == 0xc0a8 || host >> 22 == 0x191 || host >> 16 == 0xa9fe;
}

static standing standing_of(const media_leg *leg, const media_address *from)
{
    const latch *l = &leg->latch;
    if (from->any.sa_family != l->described.any.sa_family)
        return STRANGER;
    if (same_host(from, &l->described))
        return NAMED;
    if (l->signalling.any.sa_family == 0 || same_host(&l->described, &l->signalling))
        return STRANGER;
    if (same_host(from, &l->signalling))
        return SIGNALLING;
    return media_is_private(&l->described.any) ? ANYBODY : STRANGER;
}

bool latch_knows(const media_leg *leg, const media_address *from)
{
    if (leg->remote_size == 0)
        return false;
    return same_host(from, &leg->remote_rtp) || (!leg->latch.locked && standing_of(leg, from) == NAMED);
}

void latch_describe(media_leg *leg, const media_address *described, const media_address *signalling)
{
    latch *l = &leg->latch;
    l->described = *described;
    l->signalling = *signalling;
    l->locked = false;
    l->count = 0;
}

static void lock(media_leg *leg, const media_address *from, standing who)
{
    latch *l = &leg->latch;
    l->locked = true;
    l->rank = (uint8_t)who;
    l->count = 0;
    if (same_address(from, &leg->remote_rtp))
        return;
    leg->remote_rtp = *from;
    /* RTCP comes back by the same way, from the port above unless it tells otherwise. */
    leg->remote_rtcp = *from;
    leg->remote_rtcp.v4.sin_port = htons((uint16_t)(ntohs(from->v4.sin_port) + 1));
    leg->feed.kind = FEED_NONE; /* to another receiver it is the beginning of a talkspurt */
}

/* So many packets in a row settle where the peer's come from. */
static uint8_t enough(const latch *l, const media_address *from, standing who)
{
    if (same_address(from, &l->former) && !same_address(from, &l->described))
        return ENOUGH_FORMER;
    return who == NAMED ? ENOUGH_NAMED : ENOUGH_OTHERS;
}

/* Counts packets in a row from one source; true when they are enough. */
static bool follows(latch *l, const media_address *from, const rtp_packet *packet, standing who)
{
    if (!l->locked && l->count > 0 && who < (standing)l->rank)
        return false; /* a better one has begun */
    if (!l->locked)
        l->rank = (uint8_t)who;
    uint16_t step = (uint16_t)(packet->seq - l->seq);
    bool same = l->count > 0 && same_address(from, &l->candidate) && packet->ssrc == l->ssrc && step > 0 &&
                step <= MAX_STEP;
    l->candidate = *from;
    l->ssrc = packet->ssrc;
    l->seq = packet->seq;
    l->count = same ? l->count + 1 : 1;
    return l->count >= enough(l, from, who);
}

bool latch_admits(media_leg *leg, const media_address *from, const rtp_packet *packet, int64_t now)
{
    latch *l = &leg->latch;
    if (leg->remote_size == 0)
        return false;
    if (l->locked && same_address(from, &leg->remote_rtp)) {
        l->heard_us = now;
        return true;
    }
    standing who = standing_of(leg, from);
    /* Nobody but a better one takes the stream from a source that is heard. */
    bool may = !l->locked || who > (standing)l->rank ||
               (now - l->heard_us > SILENCE_US && (who == NAMED || same_host(from, &leg->remote_rtp)));
    if (!may || who == STRANGER)
        return false;
    if (follows(l, from, packet, who)) {
        lock(leg, from, who);
        l->heard_us = now;
        return true;
    }
    return who == NAMED && !l->locked;
}
