/*
 * Media by rtpengine (https://github.com/sipwise/rtpengine), as the rest of the media side sees it: "far" media.
 *
 * Each leg has a call of its own at a node, with two sides. The outer one faces the leg's peer: its address is the one in
 * our SDP. The inner one faces us, and this is what makes joining cheap: it is pointed at the leg's own socket here, or
 * straight at the inner side of another leg's call. Two legs that are joined so talk from node to node, no RTP passes
 * here, no peer is sent a re-INVITE, and the two may be on different nodes. Music on hold is played by the node
 * (`play media`). Everything else (tones, announcements, three-way, legs without a common codec) is made by the media
 * thread, as without rtpengine, and goes to the peer by way of the node: so nothing is lost by choosing it.
 *
 * Calls at nodes are made ahead of need. So a leg gets its address at once, and nobody who handles SIP waits for a node.
 *
 * Between node and peer there may be SRTP, between node and us there is none: the node encrypts, with keys of its own that
 * it has named when the call was made, and that stand in our SDP.
 *
 * A node that is gone takes its calls with it. Each of their legs is given a call at another node, and its peer is told the
 * new address by a re-INVITE.
 *
 * The RTCP of joined legs passes here, so that how they fare is known.
 *
 * The media thread decides what is to be far (media/offload.c); this side carries it out in its own thread, which alone
 * speaks the ng protocol.
 */
#ifndef TEL_FAR_H
#define TEL_FAR_H

#include "media.h"

/** Reads the nodes' addresses, starts the thread and waits a moment for the first node. Nothing, where none is named. */
tel_result far_start(const tel_config *config, char *error, size_t error_size);
void far_stop(void);
/** Whether RTP is left to rtpengine; constant from far_start to far_stop. */
bool far_on(void);

/** Gives a leg a call at one of the nodes in turn; false: no node has one ready. `own_port`: for its RTP with us. */
bool far_take(tel_leg_id leg, uint16_t own_port, media_place *place);
/** The same for a leg whose node is gone; false also where that is not so. */
bool far_move(tel_leg_id leg, media_place *place);
/** An offer was answered: tells the node where the peer is, and turns `params` into what holds between node and us. */
void far_describe(tel_leg_id leg, media_params *params);
/**
 * The leg is about to be over: its node is asked for the last figures, and `event`, ENDED, is told when they have come, a
 * moment later at most; false: there is nothing to ask for, and it is left to the caller. Before far_drop.
 */
bool far_end(tel_leg_id leg, const tel_event *event);
/** The leg is over. */
void far_drop(tel_leg_id leg);

/** What a leg's call at its node is to do. */
typedef enum far_mode {
    FAR_NEAR = 0, /**< exchange RTP with us */
    FAR_JOINED,   /**< exchange RTP with another leg's call */
    FAR_MUSIC,    /**< play a file to the peer; what the peer sends comes here */
} far_mode;

/**
 * By the media thread. `serial` counts these for a leg, and comes back in commands_post_far when it is in force or has
 * failed. `file` lasts until far_stop.
 */
void far_want(tel_leg_id leg, far_mode mode, tel_leg_id other, const char *file, uint32_t serial);
/** Whether digits that a leg's peer sends while it is joined would be heard of. */
bool far_hears_digits(tel_leg_id leg);

/** What the node counts of a leg. */
typedef struct far_figures {
    uint64_t packets_received, bytes_received, packets_sent, bytes_sent;
} far_figures;

#endif
