/*
 * The media side as the signalling side sees it. One media thread (epoll) owns every socket, route and clip; the
 * functions here post to it and return. `slot` is the leg's slot (the low part of its id); `leg` is the whole id, by
 * which the media side tells a command for an earlier leg of the same slot.
 */
#ifndef TEL_MEDIA_H
#define TEL_MEDIA_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "telephony.h"

#define MEDIA_MAX_FORMATS 8

typedef enum media_codec { MEDIA_PCMA, MEDIA_PCMU, MEDIA_G722, MEDIA_OPUS, MEDIA_CODECS } media_codec;

/** The suites of SRTP that we know, the strongest first (RFC 4568 §6.2, RFC 7714 §14.2). */
typedef enum media_suite {
    MEDIA_AEAD_AES_256_GCM,
    MEDIA_AEAD_AES_128_GCM,
    MEDIA_AES_CM_128_HMAC_SHA1_80,
    MEDIA_AES_CM_128_HMAC_SHA1_32,
    MEDIA_SUITES
} media_suite;
#define MEDIA_KEY 44 /* the longest key with its salt */

/** Keys of a leg's SRTP, each with its salt behind it. */
typedef struct media_crypto {
    bool on;
    media_suite suite;
    uint8_t out_key[MEDIA_KEY], in_key[MEDIA_KEY];
} media_crypto;

/** One audio format or telephone-event as agreed for a leg. Numbers are per direction (RFC 3264 §5.1). */
typedef struct media_format {
    media_codec codec;
    uint8_t tx_pt; /**< the number the peer gave it: what we send */
    uint8_t rx_pt; /**< the number we gave it: what we receive */
    uint32_t clock_rate; /**< RTP clock (G722: 8000, RFC 3551 §4.5.2; opus: 48000) */
    uint8_t event_tx_pt; /**< telephone-event at this clock rate; 0: the peer has none */
    uint8_t event_rx_pt;
} media_format;

/** What an offer/answer exchange settled, for media_set. */
typedef struct media_params {
    media_format formats[MEDIA_MAX_FORMATS]; /**< the current one first */
    int format_count;
    media_format offered; /**< what an offer of ours, not yet answered, lets the peer send; clock_rate 0: nothing new */
    media_crypto crypto;
    struct sockaddr_storage remote_rtp;
    struct sockaddr_storage remote_rtcp;
    struct sockaddr_storage signalling; /**< where the peer's SIP messages come from; family 0: not known */
    uint32_t home;     /**< the number of its call at a node; 0: it has none */
    uint32_t exchange; /**< counts offers that have been answered: after each the peer's packets settle anew where to send */
    bool rtcp_mux;     /**< RTCP comes and goes with the RTP (RFC 5761) */
    uint32_t ptime_ms;   /**< what the peer asked for; 0: 20 */
    bool may_receive;    /**< the directions agreed on let the peer send */
    bool may_send;       /**< the peer wants to receive (its last direction), so packets go out */
    bool expect_rtp;     /**< the peer's direction lets it send and we do not hold it by sendonly: RTP timeout runs */
} media_params;

/** An address that means something inside one network only (RFC 1918, 3927, 4193, 6598, link-local). */
bool media_is_private(const struct sockaddr *address);

/** Builds clips and codecs and starts the thread; called once by tel_start after PJLIB is up. */
tel_result media_start(const tel_config *config, char *error, size_t error_size);
void media_stop(void);
/** Whether the libsrtp in use has the suite; known from media_start on. */
bool media_has_suite(media_suite suite);

/** Where a leg's peer is to send. */
typedef struct media_place {
    uint16_t port;
    char address[64]; /**< where it is not the configuration's; else empty */
    bool has_keys;    /**< what it is sent is encrypted elsewhere, with these */
    uint8_t keys[MEDIA_SUITES][MEDIA_KEY];
} media_place;

/** Binds an RTP/RTCP pair of that family for the leg; false: none is free. */
bool media_open(tel_leg_id leg, int family, media_place *place);
/** Binds a pair of another family in its stead, before anything has been agreed on; the port, or 0: all is as it was. */
uint16_t media_change_family(tel_leg_id leg, int family);
/** Another place for a leg that has lost its own; false: there is none, or it has not. */
bool media_move(tel_leg_id leg, media_place *place);
/**
 * The leg has lost its place, and there may be another for it. Called by a thread that PJLIB knows, which holds no lock;
 * implemented by the signalling side.
 */
void leg_has_lost_media(tel_leg_id leg);
/** Tells that the leg has ended (`event`), with its last figures: now, or as soon as they are known. Before media_close. */
bool media_tells_end(tel_leg_id leg, const tel_event *event);
/** New agreed parameters; also after every re-INVITE. */
void media_set(tel_leg_id leg, const media_params *params);
/** Gives sockets back and ends tones (with their TONE_ENDED). Nothing is reported for the leg afterwards. */
void media_close(tel_leg_id leg);
/** Digits as RFC 4733 events; the caller has checked that the leg's current format has telephone-event. */
void media_send_digits(tel_leg_id leg, const char *digits);

/**
 * The media half of tel_get_leg_stats and tel_get_stats: fills packets_*, bytes_* and jitter_ms of a leg, adds to its
 * digits_dropped, and to rtp_* and digits_dropped of the process; leaves all else as it is. False: no such leg here.
 */
bool media_get_leg_stats(tel_leg_id leg, tel_leg_stats *stats);
void media_get_stats(tel_stats *stats);
/** Whether the peer has sent an RFC 4733 event on this leg: from then on its INFO digits are ignored. */
bool media_has_digits(tel_leg_id leg);

/**
 * Says whether the leg is being fed with music now, for the in-dialog OPTIONS. Called by the media thread at every
 * change of route that alters the answer; implemented by the signalling side; must not block.
 */
void leg_fed_with_music(tel_leg_id leg, bool music);

/** Hands an event to the application with the present time, unless `event` carries one. Any thread. */
void tel_emit(tel_event *event);

/** The present instant on both clocks, in microseconds. */
void tel_now(int64_t *wall_us, int64_t *mono_us);

#define TEL_SLOT_BITS 16
static inline uint32_t tel_slot(tel_leg_id leg) { return (uint32_t)(leg & ((1u << TEL_SLOT_BITS) - 1)); }

#endif
