/*
 * What the files of the signalling side share besides the leg (leg.h): the endpoint, the configuration as copied at
 * start, and one function or two of each file.
 */
#ifndef TEL_SIP_H
#define TEL_SIP_H

#include <pjlib.h>
#include <pjlib-util.h>
#include <pjmedia.h>
#include <pjsip.h>
#include <pjsip_ua.h>
#include <stdatomic.h>

#include "media.h"

#define SIP_MAX_LISTEN 8
#define SIP_MAX_NETS 64
#define SIP_MAX_CONTACT 128

struct net {
    int family;
    uint8_t address[16];
    unsigned bits;
};

struct net_list {
    struct net nets[SIP_MAX_NETS];
    size_t count;
};

struct listener {
    pjsip_transport_type_e type;
    pj_sockaddr bound;
    char host[PJ_INET6_ADDRSTRLEN]; /**< as it stands in a URI: IPv6 in brackets */
    uint16_t port;
};

struct sip {
    pj_caching_pool caching_pool;
    pjsip_endpoint *endpoint;
    pj_pool_t *pool;
    struct listener listeners[SIP_MAX_LISTEN];
    size_t listener_count;

    struct net_list local_nets, trusted;
    char external_address[64];       /**< empty: none */
    char media_address[64];          /**< what SDP names */
    char media_external_address[64]; /**< empty: none */
    char outbound_proxy[256];        /**< empty: none */
    uint32_t session_expires_s, min_se_s, keep_alive_s;
    media_codec codecs[MEDIA_CODECS];
    int codec_count;
    tel_faults faults;
    char fault_method[16];

    tel_event_fn callback;
    void *context;
    atomic_bool accepting;
    atomic_uint retry_after_s;
    atomic_ullong malformed, no_rtp_port, received, sent, digits_dropped, turns, trace_dropped;
};

extern struct sip sip;

/* worker.c: the thread that runs PJSIP */
pj_status_t worker_start(void);
void worker_stop(void);
/** To be called by whoever may have set a timer, with no lock held: the worker wakes for it if it sleeps longer. */
void worker_heed_timers(void);

/* config.c */
bool config_copy(const tel_config *config, char *error, size_t error_size);

/* events.c */
void event_init(tel_event *event, tel_event_kind kind, tel_leg_id leg, uint64_t token);
void events_enable(bool enabled);

/* errors.c */
void note_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note_pj_error(const char *what, pj_status_t status);
bool thread_ready(void);

/* trust.c */
bool net_parse(const char *cidr, struct net *net);
bool net_contains(const struct net_list *list, const pj_sockaddr *address);

/* text.c */
/** Copies a pj_str_t to a C string, cutting what does not fit; false when it was cut. */
bool text_copy(char *buffer, size_t size, const pj_str_t *text);
/** The URI without display name and header parameters; empty when it is too long to print. */
void text_uri(char *buffer, size_t size, const void *uri);
/** The first address of a header that is a list of name-addr or addr-spec (RFC 3325 §9.1); NULL: none that parses. */
const pjsip_uri *text_first_address(pj_pool_t *pool, const pj_str_t *value);

/** q of a Contact in thousandths; without one it is the best (RFC 3261 §10.2.1.2). */
int text_quality(const pjsip_contact_hdr *contact);

struct sip_reason {
    int status, q850;
    char text[128];
};
/** Reads the Reason headers (RFC 3326) of a message. */
void reason_read(const pjsip_msg *message, struct sip_reason *reason);
/** Adds Reason headers to a message: SIP with `status`, Q.850 with `q850`, where not 0. */
void reason_add(pjsip_tx_data *tdata, int status, int q850, const char *text);

/* contact.c */
/** The listener for a transport type and address family; NULL: there is none. */
const struct listener *contact_listener(pjsip_transport_type_e type);
/** "<sip:host:port;transport=tcp>" as peers at `peer` should see it. */
void contact_uri(const struct listener *listener, const pj_sockaddr *peer, char *buffer, size_t size);
/** Whether peers at that address are outside localNets, so that external addresses are named to them. */
bool contact_is_external(const pj_sockaddr *peer);

/** Names the external address in the Via of the dialog's requests too. */
void contact_set_via(pjsip_dialog *dialog, const struct listener *listener, const pj_sockaddr *peer);

/* dialogs.c: which leg a dialog is, by its identifiers */
bool dialogs_start(uint32_t slots);
void dialogs_stop(void);
/** Notes the leg's dialog, or its tags anew once the peer's is known. */
void dialogs_note(tel_leg_id leg, const pjsip_dialog *dialog);
void dialogs_forget(tel_leg_id leg);
/** The leg; 0: none. `local_tag` is ours, `remote_tag` the peer's. */
tel_leg_id dialogs_find(const pj_str_t *call_id, const pj_str_t *local_tag, const pj_str_t *remote_tag);

/* replaces.c (RFC 3891) */
struct replaces {
    bool present, early_only;
    tel_leg_id leg; /**< 0: no dialog of ours */
    char value[512];
};
/** Reads the value of a Replaces header; false: malformed. */
bool replaces_read(pj_pool_t *pool, const pj_str_t *text, struct replaces *replaces);
/** The status by which RFC 3891 §3 has an INVITE refused for its Replaces; 0: it has none, or a leg to replace. */
int replaces_check(pjsip_rx_data *rdata, struct replaces *replaces);

/* refer.c */
/** A REFER outside of the dialogs. */
void refer_respond(pjsip_rx_data *rdata);

/* subscription.c: what has become of the REFERs received */
bool refers_start(uint32_t slots);
void refers_stop(void);
/** Ends all of them. */
void refers_close(void);
/** Keeps a REFER until it is answered, and its dialog until its subscription is over; 0: no slot is free. The dialog is
 *  locked. `event_id`: NOTIFYs name the REFER by its CSeq (RFC 3515 §2.4.6). */
uint64_t refer_keep(pjsip_dialog *dialog, const pjsip_rx_data *rdata, bool no_subscription, bool event_id);

/* contact.c: a dialog for a request that came outside of one, locked; NULL: none could be had. */
pjsip_dialog *contact_create_dialog(pjsip_rx_data *rdata);

/* server.c: requests outside dialogs */
extern pjsip_module server_module;
void server_respond(pjsip_rx_data *rdata, int status, const pjsip_hdr *headers);
void server_refused(pjsip_rx_data *rdata, int status);
bool server_trusts(const pjsip_rx_data *rdata);
void incoming_invite(pjsip_rx_data *rdata);
void options_respond(pjsip_rx_data *rdata);
void registrar_respond(pjsip_rx_data *rdata);
void registrar_clear(void);
void register_stop(void);

/* faults.c */
extern pjsip_module faults_module;
void faults_watch(pjsip_transport *transport, pj_sock_t socket);
void faults_forget_dialog(const pj_str_t *call_id);
void faults_reset(void);
/** Whether the next re-INVITE or UPDATE is to be refused; with `status` it counts as refused. */
bool faults_refuse_offer(int *status);

/* trace.c */
bool trace_start(const char *path, char *error, size_t error_size);
void trace_stop(void);

/* resolver.c */
pj_status_t resolver_start(void);

/* fork.c */
pjsip_dialog *fork_on_dialog(pjsip_dialog *first, pjsip_rx_data *response);

#endif
