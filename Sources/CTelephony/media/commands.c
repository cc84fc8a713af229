/* The commands to the media thread, carried out by it. */
#include <stdlib.h>
#include <string.h>

#include "../private/media_command.h"
#include "../private/sip.h"

#define NO_SUCH_FILE 404

/* A leg's first sockets, or others instead of those that it has. */
static void open_leg(const command *c)
{
    media_leg *leg = media_leg_of(c->leg);
    if (leg == NULL || leg->open != (c->kind == COMMAND_CHANGE_FAMILY)) {
        media_close_sockets(c->open.rtp_fd, c->open.rtcp_fd, c->open.port);
        return;
    }
    if (leg->open)
        media_close_sockets(leg->rtp_fd, leg->rtcp_fd, leg->port);
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
        media_close_sockets(leg->rtp_fd, leg->rtcp_fd, leg->port);
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
    command *c = commands_take();
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
