/*
 * CTelephony: SIP legs and their media, over PJSIP's core API.
 *
 * Plain C and opaque ids only; PJSIP's headers stay in the .c files. The shim knows legs, SDP, RTP, tones and digits;
 * it knows nothing of calls, agents or policy, and it writes no log.
 *
 * Threads. Commands (tel_...) may be called from any thread; the shim registers the thread with PJLIB. They do not
 * block on the network. The event callback runs on the shim's own threads (SIP worker, media thread), one call at a
 * time per thread, and, once tel_run_here has been called, in tel_run instead of the SIP worker; it must copy what it
 * needs (strings in an event live only during the callback) and return at once. No command may be called from inside
 * the callback.
 *
 * One instance per process: PJLIB is process-wide.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TELEPHONY_H
#define TELEPHONY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

#ifdef __cplusplus
extern "C" {
#endif

/** A leg: one SIP dialog between this process and a party. Slot and generation; never reused. 0 is no leg. */
typedef uint64_t tel_leg_id;

/** Result of a command: 0, or one of these. tel_strerror() says it in words. */
typedef enum tel_result {
    TEL_OK = 0,
    TEL_ERR_NO_LEG = -1,     /**< no such leg, or it has ended */
    TEL_ERR_STATE = -2,      /**< the leg's state does not allow it */
    TEL_ERR_INVALID = -3,    /**< an argument is malformed (a URI that does not parse, an unknown codec) */
    TEL_ERR_FULL = -4,       /**< no free leg slot, RTP port or memory */
    TEL_ERR_SYSTEM = -5,     /**< PJSIP or the system refused; details by tel_last_error() */
} tel_result;

/* ---------------------------------------------------------------- configuration */

/** Misbehaviour for tests; all zero in production. Message counts start at 1; 0 means none. */
typedef struct tel_faults {
    bool answer_on_cancel;          /**< UAS: a CANCEL is answered by 200 to the INVITE (the 200 that crosses it) */
    int refuse_reinvite;            /**< final status for every re-INVITE and UPDATE received; 0: none */
    int refuse_offer_count;         /**< ... but only the first so many; 0: all */
    const char *_Nullable method;   /**< restricts the next four to one method ("ACK", "BYE", "INVITE"; NULL: all) */
    int drop_tx_nth;                /**< the nth such SIP message to be sent is dropped */
    int duplicate_tx_nth;           /**< ... is sent twice */
    int delay_tx_nth;               /**< ... is sent delay_ms late */
    int drop_rx_nth;                /**< the nth such SIP message received is dropped */
    uint32_t delay_ms;
    bool plain_hold;                /**< hold in the old style, c=0.0.0.0 */
    bool inactive_hold;             /**< hold by a=inactive instead of a=sendonly */
} tel_faults;

/** SRTP with keys in the session description (SDES, RFC 4568). */
typedef enum tel_srtp {
    TEL_SRTP_OFF = 0,
    TEL_SRTP_OPTIONAL, /**< offered beside plain RTP (RFC 8643), and taken where it is offered */
    TEL_SRTP_REQUIRED, /**< legs without it are refused by 488, or end with NO_CODEC */
} tel_srtp;

typedef struct tel_config {
    /** "udp:127.0.0.1:5070", "tcp:[::1]:5070", "tls:127.0.0.1:5061"; port 0 picks one. At least one. */
    const char *_Nonnull const *_Nonnull listen;
    size_t listen_count;
    const char *user_agent;
    /** What peers outside local_nets see in Via and Contact; NULL: the bound address. */
    const char *_Nullable external_address;
    const char *_Nonnull const *_Nullable local_nets; /**< CIDR */
    size_t local_net_count;
    /** CIDR. INVITEs and REGISTERs of others are marked as not trusted. */
    const char *_Nonnull const *_Nullable trusted_peers;
    size_t trusted_peer_count;
    const char *_Nullable outbound_proxy; /**< SIP URI, put as a loose Route on every initial request */
    uint32_t session_expires_s;           /**< RFC 4028; 0: no session timers offered (they are still honoured) */
    uint32_t min_se_s;
    uint32_t keep_alive_s; /**< OPTIONS in the dialog of a held leg, every so many seconds; 0: none */

    /* PEM files, for listen entries of TLS. */
    const char *_Nullable tls_certificate; /**< with the chain behind it */
    const char *_Nullable tls_private_key;
    const char *_Nullable tls_ca; /**< authorities whose certificates are believed */
    bool tls_verify_peer;         /**< of servers that we connect to: authority, dates and name */

    tel_srtp srtp;
    const char *media_address; /**< bound for RTP and named in SDP */
    /** One of the other kind, IPv4 or IPv6: each leg has the one of its peer's kind. NULL: none; with rtpengines always. */
    const char *_Nullable media_other_address;
    const char *_Nullable media_external_address;
    uint16_t port_first, port_last; /**< RTP on even ports, RTCP on the next */
    /** "PCMA", "PCMU", "G722", "opus" in order of preference. */
    const char *_Nonnull const *_Nonnull codecs;
    size_t codec_count;
    /**
     * Nodes of rtpengine, "udp:127.0.0.1:2223", that RTP is left to; none: it is relayed here. At media_address and its
     * ports comes then what has to be made here: tones, three-way, other codecs.
     */
    const char *_Nonnull const *_Nullable rtpengines;
    size_t rtpengine_count;
    /** Where the nodes' log of digits comes, "udp:127.0.0.1:2224"; NULL: nowhere, and legs with digits stay here. */
    const char *_Nullable rtpengine_digits;
    const char *_Nullable music_file; /**< WAV, as tel_play_files takes; NULL: the built-in melody */
    uint32_t rtp_timeout_ms;          /**< 0: never */

    /** Of the challenges to those whom tel_set_accounts names (RFC 7616 §3.3); NULL: nobody is challenged. */
    const char *_Nullable realm;
    uint32_t nonce_life_s; /**< after it a request has to be signed anew; 0: 300 */

    uint32_t max_legs; /**< slots; 0: 8192 */
    /** Every SIP message is written to this file in libpcap's format, SRTP keys masked; NULL: none is. */
    const char *_Nullable trace_file;
    /** Names of headers of arriving INVITEs that INCOMING reports in `headers`. */
    const char *_Nonnull const *_Nullable pass_headers;
    size_t pass_header_count;
    bool accept_messages; /**< MESSAGE (RFC 3428) is accepted and reported; else it is not allowed */
    /** Requests outside of dialogs are passed over until tel_set_registrable has been called: they come again. */
    bool await_users;
    /** Whether legs accept a REFER, Replaces and so on is a matter of later commands, not of this structure. */
    tel_faults faults;
} tel_config;

/* ---------------------------------------------------------------- events */

typedef enum tel_event_kind {
    /** A new INVITE has been given a leg. Answer it by tel_ring, tel_answer, tel_hangup. 100 has been sent. */
    TEL_EVENT_INCOMING = 1,
    /**
     * The shim itself refused an INVITE: 403 (not trusted and not signed; `reason` where it is signed, but wrongly), 482,
     * 483, 488 (no common codec, no audio, a body that is no SDP), 503 (no slot). `status`, `source`, `trusted`. Of peers
     * that are not trusted at most 10 a second are told of.
     */
    TEL_EVENT_REFUSED,
    /** Outgoing leg: a provisional response over 100. `status`, `early_media`. */
    TEL_EVENT_PROGRESS,
    /** The leg is answered and its media agreed on: outgoing at the 2xx (or its PRACKed offer), incoming when our 2xx
     *  has been sent; `codec`. */
    TEL_EVENT_ANSWERED,
    /** The leg is over; the last event of a leg, exactly once. `end`, `status`, `q850`, `reason`, `contacts`. */
    TEL_EVENT_ENDED,
    /** The peer's re-INVITE or UPDATE changed what it sends or wants: `peer_sends`, `peer_receives`, `codec`.
     *  It has been answered already. Sent only on a change of one of them. */
    TEL_EVENT_MEDIA_CHANGED,
    /** Our own re-INVITE (tel_hold, tel_match_codec) is done: `status` (200, 488, …), `codec`, `token`. */
    TEL_EVENT_REOFFERED,
    /** A digit from the peer: `digit`, at its first RFC 4733 packet, or by INFO. Never by both for one leg. */
    TEL_EVENT_DIGIT,
    /** tel_route has been carried out by the media thread: `token`; the event's time is the instant of the switch. */
    TEL_EVENT_ROUTED,
    /**
     * A tone or files with a token have been played to their end, replaced, or the leg is gone: `token`; `status` 404
     * and `reason`: a file cannot be played, and none has been.
     */
    TEL_EVENT_TONE_ENDED,
    /** No RTP or RTCP for rtp_timeout_ms from a peer that should be sending. Sent once until packets come again. */
    TEL_EVENT_RTP_TIMEOUT,
    /**
     * A REGISTER of a permitted user was accepted, signed by digest or, where the user has no account, from a trusted
     * peer: `user`, `contacts`, `expires_s` (0: removed).
     */
    TEL_EVENT_REGISTERED,
    /** tel_listen: what is heard has changed: `hz` (0: silence; -1: sound without one dominant tone), `level_db`. */
    TEL_EVENT_HEARD,
    /** tel_listen: the RTP received has a marker bit, or another SSRC or payload type than the packet before. */
    TEL_EVENT_STREAM,
    /** The peer's REFER (RFC 3515) on this leg, in its dialog or naming it by Target-Dialog: `token`, `refer_to`,
     *  `replaces`, `replaces_header`, `requires_replaces`, `referred_by`, `no_subscription`, `trusted`, `early_only`.
     *  Answered once, by tel_refer_accept or tel_refer_reject. Malformed ones have been refused already (400, 416, 420). */
    TEL_EVENT_REFER,
    /** For test phones: the final response to a request of tel_send_request: `method`, `status`. */
    TEL_EVENT_RESPONSE,
    /** For test phones: a NOTIFY about a REFER sent by tel_send_request: `status` of its sipfrag, `final`. */
    TEL_EVENT_NOTIFIED,
    /** A registration of ours with a server was taken, refreshed (`expires_s`), or failed (0): `user`, `status`. */
    TEL_EVENT_REGISTRATION,
    /** The peer's re-INVITE or UPDATE says who is there now: `asserted_uri`, `asserted_display`, `privacy_id`, `reason`:
     *  the method. `trusted`: whether its word is to be taken (RFC 3325). */
    TEL_EVENT_IDENTITY,
    /** What has become of tel_hand_over: the answer to the REFER, then what NOTIFYs say: `status`, 0 where they end
     *  without a word; `final`: nothing more will come. */
    TEL_EVENT_HANDED_OVER,
    /** A MESSAGE with text: `text`, in the dialog of `leg`, or outside of any (0). */
    TEL_EVENT_MESSAGE,
    /** An rtpengine node has come or gone (`source`, `answered`: it is there, `legs`: how many lost their media with it),
     *  or cannot do what it should: `reason`. */
    TEL_EVENT_MEDIA_NODE,
} tel_event_kind;

/** How a leg ended. */
typedef enum tel_end {
    TEL_END_LOCAL = 1,      /**< by tel_hangup */
    TEL_END_BYE,            /**< the peer's BYE */
    TEL_END_CANCELLED,      /**< the peer's CANCEL of its INVITE */
    TEL_END_REJECTED,       /**< a final response over 299 to our INVITE: `status`; 3xx: `contacts` */
    TEL_END_NO_RESPONSE,    /**< nothing, or only 100, within no_response_ms, or transaction timeout */
    TEL_END_TRANSPORT,      /**< transport or DNS error: the request could not be sent or the connection broke */
    TEL_END_VANISHED,       /**< 408 or 481 to a request in the dialog, session timer expiry, no ACK */
    TEL_END_NO_CODEC,       /**< the peer's answer has no audio we can carry (port 0, no common format) */
    TEL_END_INVALID,        /**< the command could not be carried out at all */
} tel_end;

typedef struct tel_event {
    tel_event_kind kind;
    tel_leg_id leg;
    int64_t wall_us; /**< CLOCK_REALTIME in microseconds */
    int64_t mono_us; /**< CLOCK_BOOTTIME in microseconds */

    int status;      /**< SIP status; 0: none */
    int q850;        /**< Q.850 cause out of a Reason header; 0: none */
    tel_end end;
    bool answered;   /**< ENDED: a 2xx had been exchanged */
    bool rang;       /**< ENDED, outgoing: a provisional response over 100 had come */
    bool early_media;
    bool peer_sends, peer_receives;
    bool trusted;
    bool privacy_id; /**< INCOMING: Privacy: id */
    bool has_offer;
    bool early_only;        /**< INCOMING: Replaces with early-only; REFER: Refer-To's Replaces has it */
    bool no_subscription;   /**< REFER: Refer-Sub: false (RFC 4488) */
    bool requires_replaces; /**< REFER: Refer-To asks for `Require: replaces` */
    bool final;             /**< NOTIFIED: the subscription is terminated; HANDED_OVER */
    char digit;
    uint32_t expires_s;
    int max_forwards; /**< INCOMING: as received; -1: none */
    int32_t hz;
    int32_t level_db;
    uint32_t legs;    /**< MEDIA_NODE */
    uint32_t ssrc;    /**< STREAM */
    int payload_type; /**< STREAM */
    uint64_t token;
    /** INCOMING: the leg whose place it is to take (RFC 3891); REFER: the leg that Refer-To's Replaces names. 0: none of
     *  ours. */
    tel_leg_id replaces;

    /* Strings, NULL where there is none; valid during the callback only. */
    const char *_Nullable codec;
    const char *_Nullable call_id;
    const char *_Nullable request_uri;
    const char *_Nullable from_uri;
    const char *_Nullable from_display;
    const char *_Nullable to_uri;
    const char *_Nullable asserted_uri;     /**< P-Asserted-Identity */
    const char *_Nullable asserted_display; /**< its display name */
    const char *_Nullable headers;          /**< INCOMING: those of pass_headers, "Name: value", one a line */
    const char *_Nullable text;             /**< MESSAGE */
    const char *_Nullable called_party_uri; /**< P-Called-Party-ID */
    const char *_Nullable source;           /**< "127.0.0.1:5060" the request came from */
    const char *_Nullable digest_user;      /**< INCOMING: the account that the INVITE was signed with */
    const char *_Nullable user;             /**< REGISTERED: the user part of the address of record */
    const char *_Nullable contacts;         /**< URIs, one a line, best first */
    const char *_Nullable reason;           /**< text of the Reason header, or the reason phrase */
    const char *_Nullable refer_to;         /**< REFER: the URI without its headers */
    const char *_Nullable replaces_header;  /**< REFER: the value of Replaces, where it names no leg of ours */
    const char *_Nullable referred_by;      /**< REFER: the URI (RFC 3892) */
    const char *_Nullable method;           /**< RESPONSE */
    const struct tel_leg_stats *_Nullable stats; /**< ENDED: the last figures of its media */
} tel_event;

typedef void (*tel_event_fn)(const tel_event *event, void *_Nullable context);

/* ---------------------------------------------------------------- life of the shim */

/** Starts endpoint, transports, SIP worker and media thread. On failure says why, naming the input, in `error`. */
tel_result tel_start(const tel_config *config, tel_event_fn callback, void *_Nullable context, char *error,
                     size_t error_size);
/** Ends what is left without waiting for peers, and joins the threads. No event comes after it returned. */
void tel_stop(void);

/**
 * Ends the SIP worker: from now on the calling thread runs SIP, by tel_run. An application with a thread that takes the
 * events and gives the commands saves a wake-up for each of them so.
 */
void tel_run_here(void);
/** Runs SIP until something has been done, at most so long (-1: as long as it likes). It may return without cause. */
void tel_run(int64_t longest_us);
/** Ends the present tel_run or, where there is none, the next one. From any thread, between tel_start and tel_stop. */
void tel_wake(void);
const char *tel_strerror(tel_result result);
/** What PJSIP or the system said of the last failure of this thread. */
const char *tel_last_error(void);
/** The version of the PJSIP in use and limits of it that bound this process, in one line for the start-up message. */
const char *tel_version(void);
/** The bound port of the nth `listen` entry (for port 0). */
uint16_t tel_listen_port(size_t index);

/** New INVITEs and OPTIONS get 503 with Retry-After when `accepting` is false (INVITEs by way of INCOMING still). */
void tel_set_accepting(bool accepting, uint32_t retry_after_s);
/** Users whose REGISTER is accepted: signed by digest where the user has an account, else from a trusted peer. */
tel_result tel_set_registrable(const char *_Nonnull const *_Nullable users, size_t count);

/** Where the phone of a user can be called, until it expires. */
typedef struct tel_binding {
    char user[64], uri[256];
    uint32_t seconds; /**< until it expires */
    uint32_t q1000;   /**< RFC 3261 §20.10, in thousandths */
} tel_binding;
/**
 * The next binding that outlives this process, the best of a user's first: those of phones that are called by the connection
 * by which they have registered do not. `position` starts at 0. False: there is none.
 */
bool tel_next_binding(size_t *position, tel_binding *binding);
/**
 * Puts a binding back that an earlier process had, as if the phone had registered just now; of one user's the best last.
 * Reported by REGISTERED. INVALID for a user who may not register, an address that is no SIP URI, or no time left.
 */
tel_result tel_restore_binding(const char *user, const char *uri, uint32_t seconds, uint32_t q1000);

/** One who may sign requests by digest (RFC 7616, RFC 8760). A password, or the hashes of user, realm and password. */
typedef struct tel_account {
    const char *user;
    const char *_Nullable password;
    const char *_Nullable ha1_md5;    /**< 32 hexadecimal digits */
    const char *_Nullable ha1_sha256; /**< 64 hexadecimal digits */
} tel_account;
/**
 * With accounts, requests outside of dialogs that come from other than trusted peers have to be signed by one of them;
 * INVALID where no algorithm would do for all.
 */
tel_result tel_set_accounts(const tel_account *_Nullable accounts, size_t count);

/** Whom to sign for when a server asks for it by 401 or 407. */
typedef struct tel_credential {
    const char *_Nullable host;  /**< of the server; NULL: any, which is for test phones */
    const char *_Nullable realm; /**< NULL: whatever that server names */
    const char *user;
    const char *password;
} tel_credential;
tel_result tel_add_credential(const tel_credential *credential);

/** Being registered with a server until it is no longer wanted, or tel_stop: which says goodbye. */
typedef struct tel_registration {
    const char *_Nonnull const *_Nonnull servers; /**< SIP URIs; the first that takes us, from the first on */
    size_t server_count;
    const char *user;
    const char *_Nullable password; /**< used for all requests to these servers */
    const char *_Nullable realm;    /**< NULL: the one that they name */
    uint32_t expires_s;             /**< asked for; 0: 300 */
} tel_registration;
/**
 * The servers to be registered with from now on. Of those before, what is in the list again, all of it the same, goes on as
 * if nothing had been said; the others say goodbye. All or nothing; at most 16.
 */
tel_result tel_set_registrations(const tel_registration *_Nullable list, size_t count);

typedef enum tel_registration_state {
    TEL_REGISTRATION_TRYING,
    TEL_REGISTRATION_REGISTERED,
    TEL_REGISTRATION_FAILED, /**< and will be tried again */
} tel_registration_state;

typedef struct tel_registration_status {
    tel_registration_state state;
    char server[256], user[64];
    int sip_status;   /**< of the last answer; 0: none yet */
    uint32_t seconds; /**< REGISTERED: until it expires; FAILED: until it is tried again */
} tel_registration_status;
/** The nth registration, in the order of the list; false: there are fewer. */
bool tel_get_registration(size_t index, tel_registration_status *status);

/* ---------------------------------------------------------------- legs */

typedef struct tel_invite_params {
    const char *uri; /**< Request-URI and To */
    const char *_Nullable call_id; /**< Call-ID of the dialog; NULL: one is made up */
    const char *_Nullable from_uri;
    const char *_Nullable from_display;
    /** P-Asserted-Identity and its display name; `withheld`: to trusted peers only, with Privacy: id (RFC 3325 §7). */
    const char *_Nullable asserted_uri, *_Nullable asserted_display;
    bool withheld;
    /** Sent as MESSAGE (RFC 3428) in the dialog once the call is answered, to a peer whose Allow has that. */
    const char *_Nullable note;
    /** The leg whose codecs come first in the offer (design: codec rule a, b), before the configuration's others; or 0. */
    tel_leg_id codecs_of;
    uint32_t no_response_ms; /**< no response over 100 at all within this: the leg ends with NO_RESPONSE; 0: timer B */
    int max_forwards;        /**< 0: 70 */
    const char *_Nonnull const *_Nullable headers; /**< "Name: value" */
    size_t header_count;
    bool no_offer;           /**< an INVITE without SDP: the peer's 200 offers, our ACK answers (RFC 3261 §13.2.1) */
    uint64_t token;          /**< given back in every event of the leg that has no other token */
} tel_invite_params;

/** Places a call. A leg is always given, unless 0 (TEL_ERR_FULL, INVALID: tel_last_error); it ends in one ENDED. */
tel_leg_id tel_invite(const tel_invite_params *params);
/**
 * Incoming leg: a provisional response, 180 to 183. With `early` (a leg) 183 carries an answer in its codec; a leg that
 * names itself answers with its own first.
 */
tel_result tel_ring(tel_leg_id leg, int status, tel_leg_id early);
/** Incoming leg: 200, in the codec of `codec_of` where the leg has it (0: its own first). */
tel_result tel_answer(tel_leg_id leg, tel_leg_id codec_of);
/**
 * Ends a leg in whatever state it is: final response (`status`), CANCEL, or BYE; then ENDED comes, once. A 200 that
 * crosses our CANCEL is ACKed and followed by BYE here, and nothing is said of it.
 * `q850` 0: none; `reason` becomes the text of the Reason header ("SIP;cause=status" or "Q.850;cause=q850").
 */
tel_result tel_hangup(tel_leg_id leg, int status, int q850, const char *_Nullable reason, uint32_t retry_after_s);
/** Incoming leg that is not answered: a 3xx with this Contact; ENDED follows as after tel_hangup. */
tel_result tel_redirect(tel_leg_id leg, int status, const char *contact_uri);
/** Tells the peer that it is held (a=sendonly) or no longer: a re-INVITE, queued behind one that is open. */
tel_result tel_hold(tel_leg_id leg, bool hold, uint64_t token);
/**
 * Re-INVITEs `leg` to the codec of `ref` alone, unless it is that already: then REOFFERED 200 comes at once; or the
 * peer's own offer had no such codec: 488.
 */
tel_result tel_match_codec(tel_leg_id leg, tel_leg_id ref, uint64_t token);
/**
 * Tells an answered leg's peer whom it is talking with from now on, by P-Asserted-Identity (RFC 3325) in an UPDATE where
 * its Allow has that, else in a re-INVITE; behind what is open. Only a peer of trusted_peers, or one that is `entitled`,
 * is told. `withheld`: the number is for trusted peers, with Privacy: id; others are told that it is somebody anonymous.
 */
tel_result tel_identify(tel_leg_id leg, const char *uri, const char *_Nullable display, bool withheld, bool entitled);
/** Sends digits as RFC 4733 events, else as INFO where Allow has it, else drops and counts them. */
tel_result tel_send_digits(tel_leg_id leg, const char *digits);
/** The Call-ID of the leg's dialog, copied to `buffer`; returns its length, 0 when there is no such leg. */
size_t tel_call_id(tel_leg_id leg, char *buffer, size_t size);

/* ---------------------------------------------------------------- REFER received (RFC 3515) */

/**
 * 202 to a pending REFER, and NOTIFY 100; without a subscription (Refer-Sub: false) the 202 says so and nothing follows.
 * The subscription outlives the leg and ends with the final NOTIFY; should none be sent for 10 minutes, one is.
 */
tel_result tel_refer_accept(uint64_t token);
/** A final response over 299 to a pending REFER. */
tel_result tel_refer_reject(uint64_t token, int status);
/** NOTIFY with `status` as message/sipfrag; with `final` the subscription is terminated. A peer that does not want it is
 *  left alone (RFC 5057: only that usage of the dialog is over). */
tel_result tel_refer_notify(uint64_t token, int status, bool final);
/** The value of a Replaces header by which the leg's peer, or whoever the peer tells, finds the leg's dialog at the peer;
 *  returns its length, 0 when there is no such dialog. */
size_t tel_replaces(tel_leg_id leg, char *buffer, size_t size);

/**
 * Asks the leg's peer by REFER to call the peer of `target` in our place (Refer-To: its Contact, with Replaces), behind what
 * is open. HANDED_OVER follows with `token` until the last one, unless the leg ends first. STATE: the peer's Allow has no
 * REFER, or there is one already.
 */
tel_result tel_hand_over(tel_leg_id leg, tel_leg_id target, const char *_Nullable referred_by, uint64_t token);

/* ---------------------------------------------------------------- media */

/** What a leg is sent. */
typedef enum tel_source {
    TEL_SOURCE_SILENCE = 0, /**< nothing */
    TEL_SOURCE_LEG,         /**< the RTP received from another leg, relayed packet by packet; transcoded where it must be */
    TEL_SOURCE_MUSIC,
    TEL_SOURCE_RINGBACK,
    TEL_SOURCE_DIAL_TONE,
    TEL_SOURCE_TONE,        /**< a continuous sine of tel_set_tone() Hz: a test phone's voice */
    TEL_SOURCE_MIX,         /**< the sum of what several legs say: decoded, mixed and encoded */
} tel_source;

#define TEL_MAX_VOICES 4

typedef struct tel_route_change {
    tel_leg_id leg;
    tel_source source;
    tel_leg_id from; /**< with TEL_SOURCE_LEG */
    tel_leg_id voices[TEL_MAX_VOICES]; /**< with TEL_SOURCE_MIX: who is heard; 0: nobody */
    uint32_t sound;  /**< with TEL_SOURCE_MUSIC: a tel_sound; 0: the configuration's music */
} tel_route_change;

/**
 * Changes what legs are sent, all of them between two packets, and reports it by ROUTED with `token` where that is not 0
 * (also when a leg of it is gone meanwhile). Works on legs in any state: it takes effect when their media starts.
 */
tel_result tel_route(const tel_route_change *changes, size_t count, uint64_t token);

/** Finite tones, played over whatever the leg is sent, which goes on afterwards. */
typedef enum tel_tone {
    TEL_TONE_ERROR = 1,   /**< that is not possible here: 350 Hz, 0.4 s */
    TEL_TONE_REJECTED,    /**< the target does not want: 620 Hz, 3 × 0.2 s */
    TEL_TONE_NO_ANSWER,   /**< the target did not answer: 480 Hz, 2 × 0.4 s */
    TEL_TONE_UNREACHABLE, /**< the target cannot be reached: special information tone 950, 1400, 1800 Hz (E.180) */
    TEL_TONE_CALLER_GONE, /**< the caller has left: 1400 Hz, then 700 Hz, 0.25 s each */
    TEL_TONE_COMFORT,     /**< wait a moment: 440 Hz, 0.15 s, soft */
    TEL_TONE_APOLOGY,     /**< nobody could be found, the call ends: 480 Hz falling to 300 Hz, 3 times */
} tel_tone;

/** Plays a tone; TONE_ENDED follows when `token` is not 0. A tone being played is replaced. */
tel_result tel_play_tone(tel_leg_id leg, tel_tone tone, uint64_t token);

/**
 * Plays WAV files (16-bit, A-law or µ-law; mono or stereo; any rate) one after another, once, in the place of a tone:
 * over whatever the leg is sent, replacing a tone being played, ended by TONE_ENDED. Each file is read and encoded once,
 * by a thread of its own, and kept; one that has changed since is read again.
 */
tel_result tel_play_files(tel_leg_id leg, const char *_Nonnull const *_Nonnull paths, size_t count, uint64_t token);
/** Ends what tel_play_tone or tel_play_files plays; its TONE_ENDED comes. */
tel_result tel_stop_tone(tel_leg_id leg);

/**
 * A WAV file as music, for tel_route_change.sound: played in a loop, to all legs alike. Waits until it has been read;
 * the same number for the same file. 0: it cannot be read, `error` says why.
 */
uint32_t tel_sound(const char *path, char *error, size_t error_size);

/* ---------------------------------------------------------------- looking */

typedef struct tel_leg_stats {
    bool answered;
    char codec[16];
    char remote_rtp[64];
    uint64_t packets_received, packets_sent, bytes_received, bytes_sent;
    uint64_t packets_lost, packets_dropped;
    uint64_t packets_transcoded; /**< of the other leg's, for this one */
    uint64_t digits_dropped;
    double jitter_ms;
    uint64_t peer_lost;    /**< packets that the peer, by its RTCP reports, has not received */
    double peer_jitter_ms; /**< as the peer's last report says */
    double round_trip_ms;  /**< by the peer's last report; 0: none yet */
} tel_leg_stats;
bool tel_get_leg_stats(tel_leg_id leg, tel_leg_stats *stats);

typedef struct tel_stats {
    uint64_t malformed;        /**< datagrams that are no SIP */
    uint64_t refused_unreported; /**< INVITEs of peers not trusted, refused beyond what REFUSED tells of a second */
    uint64_t no_rtp_port;      /**< legs, of either direction, that could not be had for want of a free RTP port */
    uint64_t messages_received, messages_sent;
    uint64_t auth_challenged;  /**< 401 sent, stale nonces included */
    uint64_t auth_accepted;
    uint64_t auth_failed;      /**< 403: no such account, or not signed with its password */
    uint64_t auth_replayed;    /**< signed correctly, and seen before */
    uint64_t tls_failed;       /**< connections of ours that have failed */
    char tls_last_failure[256]; /**< "host:port: why"; empty: none yet */
    uint32_t legs_open, legs_peak, legs_max;
    uint64_t rtp_received, rtp_sent, rtp_dropped;
    uint64_t digits_dropped;
    uint64_t turns; /**< how often the SIP thread has looked for work: it stands still when the thread hangs */
    uint64_t trace_dropped; /**< messages that the trace file lacks: it could not be written, or not fast enough */
} tel_stats;
void tel_get_stats(tel_stats *stats);

/** One of the rtpengine nodes. */
typedef struct tel_media_node {
    char address[80];
    bool up;
    bool hears_digits; /**< its log of digits comes here, so that legs with digits can be joined at nodes */
    uint32_t legs, ready; /**< calls that it has: for legs, and for legs to come */
} tel_media_node;
/** The nth node, in the order of the configuration; false: there are fewer. */
bool tel_get_media_node(size_t index, tel_media_node *status);

/* ---------------------------------------------------------------- for test phones */

/** The frequency of TEL_SOURCE_TONE, in Hz; level -16 dBm0. Before tel_start, or at any time. */
void tel_set_tone(uint32_t hz);
/** Decodes what the leg receives and reports HEARD and STREAM. */
tel_result tel_listen(tel_leg_id leg, bool on);
/** Writes what the leg receives to a WAV file (8 kHz, mono) until the leg ends; NULL: stops. */
tel_result tel_record(tel_leg_id leg, const char *_Nullable path);
/** Stops or resumes sending any RTP on the leg, as a phone does whose network is gone. */
tel_result tel_mute_rtp(tel_leg_id leg, bool muted);
/** Silently forgets the leg: no BYE, no answers any more, no RTP. ENDED comes with TEL_END_LOCAL. */
tel_result tel_vanish(tel_leg_id leg);
/** Registers `uri` ("sip:1001@host:port") with that server for `expires_s`; refreshed until tel_stop. */
tel_result tel_register(const char *server_uri, const char *aor_uri, uint32_t expires_s);
/** Sends any request in the leg's dialog ("INFO", "OPTIONS", "UPDATE") with a body; for tests of a peer. */
tel_result tel_send_request(tel_leg_id leg, const char *method, const char *_Nullable content_type,
                            const char *_Nullable body);
/** The same with headers, each "Name: value", for a method that is neither INVITE nor UPDATE; RESPONSE follows. */
tel_result tel_send_headers(tel_leg_id leg, const char *method, const char *_Nonnull const *_Nonnull headers,
                            size_t header_count);
/** The notes of the built-in melody in Hz, ended by 0: how a test recognises music. */
const uint32_t *tel_melody(void);

#ifdef __cplusplus
}
#endif

#pragma clang assume_nonnull end

#endif
