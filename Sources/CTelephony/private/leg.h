/*
 * A leg: one SIP dialog between this process and a party. All legs live in one array of fixed slots (leg.c).
 *
 * Locks. A leg's fields are read and written under its dialog's lock, but for `id` and `token` (atomic) and `caps`
 * (leaf mutex in leg.c). Order: dialog lock, then the table's mutex or the caps mutex; never two dialog locks. Other
 * threads get at a leg by leg_acquire only, which checks the generation again once it has the dialog's lock.
 */
#ifndef TEL_LEG_H
#define TEL_LEG_H

#include "sip.h"

#define LEG_MAX_OPERATIONS 8
#define LEG_MAX_INFO_DIGITS 64
#define LEG_URI 256
#define LEG_DISPLAY 128

/** An a=crypto that can be used (RFC 4568). */
struct sdp_crypto {
    bool present;
    unsigned tag;
    media_suite suite;
    uint8_t key[MEDIA_KEY]; /**< and salt, of what that party sends */
};

/** What one party's SDP says of the audio stream in use. */
struct sdp_audio {
    int line; /**< index of its m= line; -1: there is none that we can carry */
    struct {
        media_codec codec;
        uint8_t pt;
    } formats[MEDIA_MAX_FORMATS];
    int format_count;
    uint8_t event_pt[2]; /**< telephone-event at 8000 and at 48000 Hz; 0: none */
    pj_sockaddr rtp, rtcp;
    bool rtcp_mux;         /**< RFC 5761 */
    bool null_address;     /**< c=0.0.0.0: held in the way of RFC 2543 */
    bool sends, receives;  /**< the direction, null_address left out of account */
    unsigned ptime, maxptime;
    pj_str_t transport;
    bool secure_profile;      /**< RTP/SAVP or RTP/SAVPF */
    struct sdp_crypto crypto; /**< never with srtp off */
};

/** What other legs may take over from this one (codec rule of the design). */
struct leg_caps {
    media_codec codecs[MEDIA_CODECS];
    int codec_count;
    int current; /**< media_codec, or -1: nothing has been agreed on */
    unsigned ptime, maxptime;
};

/** A re-INVITE of ours that waits for its turn, or is under way (the first one). */
struct leg_operation {
    bool is_hold; /**< else it is a change of codec */
    bool hold;
    bool anew;       /**< names our media's address, which is another now; of our own, and not reported */
    bool identify;   /**< names who is there by `identity`: an UPDATE, unless ... */
    bool by_reinvite; /**< ... the peer takes none */
    bool hand_over;   /**< a REFER */
    bool narrow; /**< ... to the first of several that the peer has answered with; of our own, and not reported */
    media_codec codec;
    uint64_t token;
};

struct leg {
    _Atomic(tel_leg_id) id; /**< 0: the slot is free */
    _Atomic(uint64_t) token;
    uint64_t generation;
    pjsip_dialog *dialog;
    pjsip_inv_session *inv; /**< a reference is held until the leg ends */

    bool outgoing, rang, answered, trusted, external;
    bool agreed;           /**< an offer has been answered */
    bool refused_media;    /**< an answer without audio that we can carry */
    int progress_status;   /**< of the last PROGRESS */
    bool progress_early;
    tel_end noted_end;     /**< what the peer's BYE or CANCEL, just received, makes of the leg; 0: nothing */
    struct sip_reason noted;
    pj_timer_entry no_response;

    /* media */
    pj_sockaddr peer;                /**< where its SIP messages come from; family 0: not known */
    int family;                      /**< of its RTP: settled before anything is agreed on */
    uint16_t rtp_port;
    char rtp_address[64];            /**< for the SDP, where it is not the configuration's; else empty */
    uint32_t sdp_id;
    int wanted_codec;                /**< to be preferred in the first answer: a media_codec, or -1 */
    bool held;                       /**< we hold the peer */
    bool moved;                      /**< our media has another address than the peer has been told */
    bool peer_sends, peer_receives;  /**< as last told to the application */
    bool may_expect_rtp;             /**< the directions agreed on let the peer send to us */
    media_params params;
    uint8_t local_pt[MEDIA_CODECS];  /**< numbers we have given in this dialog (RFC 3264 §8.3.2); 0xff: none yet */
    uint8_t local_event_pt[2];
    bool has_own_keys, secure_profile; /**< the profile as agreed on */
    uint8_t own_keys[MEDIA_SUITES][MEDIA_KEY];
    struct leg_caps caps;            /**< under caps_mutex */
    bool caps_are_all;               /**< they are out of an offer of the peer's: it has no others */
    atomic_bool fed_with_music;

    bool trust_domain; /**< the peer is of trusted_peers: it may know a number that is withheld (RFC 3324) */
    /** Who is there, as the peer is to be told by the operation that says so. */
    struct {
        char uri[LEG_URI], display[LEG_DISPLAY];
        bool private; /**< Privacy: id goes with it */
    } identity;
    /** The REFER of ours; its texts are in the dialog's pool. */
    struct {
        const char *refer_to, *referred_by;
        uint64_t token; /**< 0: none is open */
    } handover;
    const char *note; /**< to be sent as MESSAGE; in the dialog's pool */

    /* re-INVITEs */
    struct leg_operation operations[LEG_MAX_OPERATIONS];
    int operation_count;
    bool operating;                  /**< the first has been sent */
    pjsip_transaction *operation_tsx;
    pj_timer_entry glare;
    bool waiting;                    /**< a 491 has come: the timer will send it again */

    /* digits by INFO */
    char info_digits[LEG_MAX_INFO_DIGITS];
    int info_count;
    bool info_open;
    const pjsip_transaction *info_tsx;
    uint64_t digits_dropped;

    pj_timer_entry keep_alive;
    bool probing;

    unsigned refers;                 /**< REFERs received */
    uint64_t refer;                  /**< the latest of them */
    bool referred;                   /**< we have sent one by hand: NOTIFYs are for the application */

    /* What a restart would need besides what the dialog's transactions tell: set when the leg is answered. */
    char call_id[128], local_tag[64], remote_tag[128];
    char local_uri[LEG_URI], remote_uri[LEG_URI], target[LEG_URI], route_set[LEG_URI];
};

extern pjsip_module leg_module;

/* leg.c: the table */
bool legs_start(uint32_t max_legs, char *error, size_t error_size);
void legs_stop(void);
void legs_count(uint32_t *open, uint32_t *peak, uint32_t *max);
/**
 * A slot with its media, not to be found by leg_acquire yet; NULL: none is free, or no RTP port. `family`: the peer's,
 * or 0 where it is not known; the media have another where we have none of that.
 */
struct leg *leg_open(uint64_t token, int family);
/** Makes the leg the dialog's, from now on to be found. The dialog's lock is held. */
void leg_attach(struct leg *leg, pjsip_inv_session *inv);
/** Gives back a slot that was never attached; nothing is reported. */
void leg_discard(struct leg *leg);
/**
 * Locks a dialog, of which a reference has been taken, if the number of what it stands for still is the wanted one: then
 * that is not over. To be followed by leg_release; where it is false the reference has been given back.
 */
bool dialog_lock_if(pjsip_dialog *dialog, const _Atomic(uint64_t) *number, uint64_t wanted);
/** The leg, its dialog locked; NULL when it is over. To be followed by leg_release. */
struct leg *leg_acquire(tel_leg_id id);
void leg_release(pjsip_dialog *dialog);
struct leg *leg_of(pjsip_dialog *dialog);
uint64_t leg_token(tel_leg_id id);
tel_leg_id leg_first(tel_leg_id after);
bool leg_caps_of(tel_leg_id id, struct leg_caps *caps);
void leg_set_caps(struct leg *leg, const struct leg_caps *caps);
void leg_schedule(struct leg *leg, pj_timer_entry *entry, pj_timer_heap_callback *callback, uint32_t delay_ms);
void leg_unschedule(pj_timer_entry *entry);
tel_leg_id leg_of_timer(const pj_timer_entry *entry);
void leg_remember_dialog(struct leg *leg);

/* moving.c: the media's address */
void leg_set_place(struct leg *leg, media_place *place);

/* ending.c */
struct leg_ending {
    tel_end end;
    int status, q850;
    const char *reason, *contacts;
};
/** The leg is over: media closed, slot freed, ENDED reported. The dialog's lock is held and the leg gone afterwards. */
void leg_end(struct leg *leg, const struct leg_ending *ending);
/** The same by the final response, BYE or CANCEL that PJSIP has just handled. */
void leg_end_by_session(struct leg *leg, pjsip_event *event);
/** Sends what ends the session in its present state; nothing is reported. */
void session_close(pjsip_inv_session *inv, int status, int q850, const char *text, uint32_t retry_after_s);

/* session.c: PJSIP's callbacks */
extern const pjsip_inv_callback session_callbacks;
void leg_answered(struct leg *leg);

/* sdp.c */
/** `family`: of the leg's RTP, or 0: any that we have an address of. `line` -1: the best that there is. */
void sdp_read(const pjmedia_sdp_session *sdp, int line, int family, struct sdp_audio *audio);
void sdp_direction(const pjmedia_sdp_session *sdp, int line, bool *sends, bool *receives);
media_codec sdp_codec_named(const char *name);
const char *sdp_codec_name(media_codec codec);
uint32_t sdp_clock_rate(media_codec codec);
/** Our codecs among the formats, in their order. */
void sdp_common(const struct sdp_audio *audio, struct leg_caps *caps);

/* crypto.c: SDES */
/** The best a=crypto of the line that can be used. */
void crypto_read(const pjmedia_sdp_media *media, struct sdp_crypto *crypto);
/** The value of one a=crypto, and the other way round. */
bool crypto_read_text(const char *text, size_t size, struct sdp_crypto *crypto);
void crypto_text(char *text, size_t size, unsigned tag, media_suite suite, const uint8_t *key);
/** Whether the line has an a=crypto of that tag and suite. */
bool crypto_names(const pjmedia_sdp_media *media, unsigned tag, media_suite suite);
/** Our key for a suite, the same in all of a dialog; false: no randomness can be had. */
bool crypto_own_key(struct leg *leg, media_suite suite, uint8_t *key);
void crypto_write(struct leg *leg, pj_pool_t *pool, pjmedia_sdp_media *media, unsigned tag, media_suite suite);
/** Those of an offer: what is in use, else all that we have. */
void crypto_offer(struct leg *leg, pj_pool_t *pool, pjmedia_sdp_media *media);

/* describe.c: our own SDP */
pjmedia_sdp_session *describe_offer(struct leg *leg, pj_pool_t *pool, const struct leg_caps *caps, bool hold);
/** Puts the leg's present address and port into a description of ours. */
void describe_place(const struct leg *leg, pj_pool_t *pool, pjmedia_sdp_session *sdp);
pjmedia_sdp_session *describe_answer(struct leg *leg, pj_pool_t *pool, const struct sdp_audio *offer, int wanted);

/* agreement.c */
void agreement_reached(struct leg *leg, pj_status_t status);
/** Sets the answer to an offer of the peer; leaves it out when nothing in it can be carried. */
void agreement_offered(struct leg *leg, const pjmedia_sdp_session *offer, pj_pool_t *pool);

/* reinvite.c */
void operations_kick(struct leg *leg);
/** Several formats in the peer's answer: it is offered the first alone (codec rule f). */
void operations_narrow(struct leg *leg);
void operations_on_response(struct leg *leg, pjsip_transaction *tsx);
/** The same for UPDATE and REFER. */
void operations_on_request(struct leg *leg, pjsip_transaction *tsx);

/* identity.c: who is there (RFC 3325) */
/** P-Asserted-Identity, and Privacy: id where it is private. */
void identity_add(pjsip_tx_data *tdata, const char *uri, const char *display, bool private);
/** Adds what the operation at hand has to say. */
void identity_add_pending(pjsip_tx_data *tdata, const struct leg *leg);
bool identity_asks_for_privacy(const pjsip_msg *message);
/** The first P-Asserted-Identity of a message; both empty where there is none. */
void identity_read(pjsip_rx_data *rdata, char *uri, size_t uri_size, char *display, size_t display_size);
/** Reports who is there now by a re-INVITE or UPDATE of the peer. */
void identity_received(struct leg *leg, pjsip_rx_data *rdata);
bool leg_peer_allows(const struct leg *leg, const char *method);

/* handover.c */
/** Sends the REFER whose turn has come. */
bool handover_send(struct leg *leg);
void handover_report(struct leg *leg, int status, bool final);

/* message.c */
/** Sends the note, once, where the peer takes MESSAGE. */
void message_send_note(struct leg *leg);

/* info.c, probe.c: requests in the dialog */
/** The status to answer a REFER with at once; 0: it waits for the application. */
int refer_receive(struct leg *leg, pjsip_rx_data *rdata);
/** The transaction of a REFER that waits is over, without us. */
void refer_on_transaction_over(const pjsip_transaction *tsx);
/** SUBSCRIBE to what a REFER has begun (RFC 3515 §2.4.4); the status of a refusal, else 0: it is answered. */
int refer_refresh(struct leg *leg, pjsip_rx_data *rdata);
/** The status to answer a NOTIFY with. */
int notify_receive(struct leg *leg, pjsip_rx_data *rdata);
/** The status to answer an INFO with, its digit reported. */
int info_receive(struct leg *leg, pjsip_rx_data *rdata);
void info_on_sent(struct leg *leg, const pjsip_transaction *tsx);
void info_on_response(struct leg *leg, const pjsip_transaction *tsx);
void probe_start(struct leg *leg);
void probe_on_response(struct leg *leg);

#endif
