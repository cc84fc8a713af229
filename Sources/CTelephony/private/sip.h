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
