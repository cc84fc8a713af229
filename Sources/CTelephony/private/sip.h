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
#define SIP_MAX_PASS_HEADERS 16

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
    char media_addresses[2][64];     /**< what SDP names: IPv4, IPv6; empty: none */
    int media_family;                /**< of the first of them: of legs whose peer's is not known */
    char media_external_address[64]; /**< empty: none */
    char outbound_proxy[256];        /**< empty: none */
    tel_srtp srtp;
    char realm[64];                  /**< empty: nobody is challenged */
    uint32_t session_expires_s, min_se_s, keep_alive_s;
    media_codec codecs[MEDIA_CODECS];
    int codec_count;
    char pass_headers[SIP_MAX_PASS_HEADERS][64];
    size_t pass_header_count;
    bool accept_messages;
    tel_faults faults;
    char fault_method[16];

    tel_event_fn callback;
    void *context;
    atomic_bool accepting;
    atomic_bool knows_users; /**< or has none to wait for */
    atomic_uint retry_after_s;
    atomic_int strangers; /**< connections that peers who are not trusted have opened */
    atomic_ullong malformed, refused_unreported, no_rtp_port, received, sent, digits_dropped, turns, trace_dropped;
    atomic_ullong auth_challenged, auth_accepted, auth_failed, auth_replayed;
};

extern struct sip sip;

/* worker.c: the thread that runs PJSIP */
pj_status_t worker_start(void);
void worker_stop(void);
/** To be called by whoever may have set a timer, with no lock held: the worker wakes for it if it sleeps longer. */
void worker_heed_timers(void);

/* config.c */
/** The address for RTP of that family; NULL: none is configured. */
const char *config_media_address(int family);
bool config_copy(const tel_config *config, char *error, size_t error_size);

/* events.c */
void event_init(tel_event *event, tel_event_kind kind, tel_leg_id leg, uint64_t token);
void events_enable(bool enabled);

/* errors.c */
void note_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note_pj_error(const char *what, pj_status_t status);
bool thread_ready(void);
/** PJLIB, which is up, knows the calling thread from now on. */
bool thread_known(void);

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

/** name-addr with the display name quoted (RFC 3261 §25.1), control characters left out. */
void text_name_address(char *buffer, size_t size, const char *display, const char *uri);
/** The display name as it was before it was quoted; empty where there is none. */
void text_display(char *buffer, size_t size, const pjsip_uri *address);
/** Adds a header whose value is written already. */
bool text_add_header(pjsip_tx_data *tdata, const char *name, const char *value);

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
/** "<sip:host:port;transport=tcp>" as peers at `peer` should see it; `secure`: a sips URI. */
void contact_uri(const struct listener *listener, const pj_sockaddr *peer, bool secure, char *buffer, size_t size);
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

/* digest.c: RFC 7616, RFC 8760 */
enum digest_algorithm { DIGEST_SHA256, DIGEST_MD5, DIGEST_ALGORITHMS };
#define DIGEST_MAX_HEX 64
#define DIGEST_NONCE_SIZE 80
/** The name in a challenge, and the hexadecimal digits of a hash. */
const char *digest_name(enum digest_algorithm algorithm);
size_t digest_length(enum digest_algorithm algorithm);
/** The algorithm that a credential names; DIGEST_ALGORITHMS: another. */
enum digest_algorithm digest_named(const pj_str_t *name);
/** Whether the PJSIP in use can compute it. */
bool digest_is_available(enum digest_algorithm algorithm);
/** Whether the credential is signed with a secret: a password, or the hash of user, realm and password. */
bool digest_matches(enum digest_algorithm algorithm, const pjsip_digest_credential *credential, const char *secret,
                    bool hashed, const pj_str_t *method);

/* nonce.c */
void nonces_start(uint32_t life_s);
void nonce_issue(char nonce[DIGEST_NONCE_SIZE]);
/** Whether we have issued it, and not too long ago. */
bool nonce_is_fresh(const pj_str_t *nonce);
enum nonce_use { NONCE_USED, NONCE_FORGOTTEN, NONCE_REPLAYED };
/** Counts a use of a fresh nonce. FORGOTTEN: too many others have been used since. */
enum nonce_use nonce_count(const pj_str_t *nonce, uint32_t count);

/* accounts.c: who may sign */
struct account {
    char user[64];
    char secrets[DIGEST_ALGORITHMS][128]; /**< empty: it cannot be used with this algorithm */
    bool hashed[DIGEST_ALGORITHMS];
};
/** Copies the account; of an unknown user one whose secret nobody knows. False: there are no accounts at all. */
bool account_find(const char *user, struct account *account, bool *known);
/** The algorithms that do for every account. */
bool accounts_use(enum digest_algorithm algorithm);
bool accounts_have(const char *user);
void accounts_clear(void);

/* authenticate.c */
enum authentication {
    AUTH_NONE,    /**< there are no accounts: nobody can sign */
    AUTH_PASSED,
    AUTH_ANSWERED /**< challenged or refused; the response has been sent */
};
enum authentication authenticate(pjsip_rx_data *rdata, char *user, size_t size);

/* credentials.c: whom we sign for */
#define CREDENTIALS_PER_DIALOG 8
/** Lets the dialog answer 401 and 407 of peers that we have credentials for: by host, or at a trusted address. */
void credentials_arm(pjsip_dialog *dialog, const pj_str_t *const hosts[], size_t host_count, const pj_sockaddr *peer);
size_t credentials_for(pj_pool_t *pool, const pj_str_t *const hosts[], size_t host_count, const pj_sockaddr *peer,
                       pjsip_cred_info list[CREDENTIALS_PER_DIALOG]);
void credentials_learn(const pj_str_t *host, const pj_str_t *realm);
/** `owner`: what it belongs to, and is dropped with; NULL: nothing. */
tel_result credentials_add(const tel_credential *credential, const void *owner);
void credentials_drop(const void *owner);
void credentials_clear(void);

/* outgoing.c */
/** What a request to a URI needs to know of where it goes. */
struct destination {
    const struct listener *listener;
    pj_sockaddr address; /**< family 0 where the host is a name */
    bool secure;         /**< a sips URI */
    pj_str_t host;       /**< of the URI */
    pj_str_t proxy;      /**< the outbound proxy's host, if there is one */
};
/** Where a request goes, by way of the outbound proxy if there is one; false: there is no transport for it. */
bool destination_find(pj_pool_t *pool, const char *uri, struct destination *to);

/* server.c: requests outside dialogs */
extern pjsip_module server_module;
void server_respond(pjsip_rx_data *rdata, int status, const pjsip_hdr *headers);
/** Reports an INVITE that we have refused: of peers that are not trusted only so many a second. */
void server_refused(pjsip_rx_data *rdata, int status);
/** 403; an INVITE is reported. `reason`: what is wrong with its signature; NULL: it has none that could be checked. */
void server_forbid(pjsip_rx_data *rdata, const char *reason);
bool server_trusts(const pjsip_rx_data *rdata);
/**
 * Whether the request is to be looked at: from a trusted peer, signed by an account (`user`; else empty), or no INVITE
 * and there are no accounts. Where it is not, it has been answered.
 */
bool server_admits(pjsip_rx_data *rdata, char *user, size_t size);
void incoming_invite(pjsip_rx_data *rdata);
void options_respond(pjsip_rx_data *rdata);
void registrar_respond(pjsip_rx_data *rdata);
void registrar_clear(void);
/* registrations.c */
/** Says goodbye to the servers and waits for their answers, but not long. */
void register_leave(void);
void register_stop(void);

/* message.c */
pj_status_t messages_start(pjsip_module *module);
/** Takes a MESSAGE that has come, in a leg's dialog or outside of any (0); the status to answer it with. */
int message_receive(pjsip_rx_data *rdata, tel_leg_id leg);

/* faults.c */
extern pjsip_module faults_module;
extern pjsip_module nat_module;
extern pjsip_module family_module;
void faults_watch(pjsip_transport *transport, pj_sock_t socket);
void faults_forget_dialog(const pj_str_t *call_id);
void faults_reset(void);
/** Whether the next re-INVITE or UPDATE is to be refused; with `status` it counts as refused. */
bool faults_refuse_offer(int *status);

/* connections.c */
#define FIRST_MESSAGE_S 5 /**< a connection that has brought no whole message by then is closed */
extern pjsip_module connections_module;
void connections_on_state(pjsip_transport *transport, pjsip_transport_state state);

/* trace.c */
bool trace_start(const char *path, char *error, size_t error_size);
void trace_stop(void);

/* flows.c: the connections by which phones have registered */
void flow_note(const char *uri, pjsip_transport *transport);
void flow_forget(const char *uri);
/** Whether that Contact is called by a connection. */
bool flow_exists(const char *uri);
/** Sends the dialog's requests by the connection by which that Contact has registered, if there is one. */
void flow_use(pjsip_dialog *dialog, const char *uri);
void flows_on_closed(const pjsip_transport *closed);
void flows_clear(void);

/* tls.c */
/** A connection of ours has failed: why is for tel_get_stats. */
void tls_on_failure(const pjsip_transport *transport, const pjsip_transport_state_info *info);
pj_status_t tls_start(struct listener *listener, const tel_config *config);
void tls_stats(tel_stats *stats);
void tls_reset(void);

/* resolver.c */
pj_status_t resolver_start(void);

/* fork.c */
pjsip_dialog *fork_on_dialog(pjsip_dialog *first, pjsip_rx_data *response);

#endif
