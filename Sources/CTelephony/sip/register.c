/*
 * Registering with servers (RFC 3261 §10.2). PJSIP's registration client signs, refreshes and obeys a 423; which server
 * is tried, and when again, is decided here: the servers of a list in turn, then a pause that doubles.
 *
 * Everything but adding, looking and the farewell runs on the SIP worker.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../private/sip.h"

#define MOST_REGISTRATIONS 16
#define MOST_SERVERS 8
#define URI_SIZE 256
#define DEFAULT_EXPIRES 300
#define FIRST_PAUSE_S 1
#define LONGEST_PAUSE_S 64
/** After a refusal: to ask more often is what gets an address banned. */
#define REFUSED_PAUSE_S 30
#define FAREWELL_MS 1000

struct registration {
    char servers[MOST_SERVERS][URI_SIZE];
    size_t server_count;
    char user[64], address[URI_SIZE]; /**< address of record; empty: the user at the server */
    uint32_t expires_s;
    bool says_goodbye;

    pjsip_regc *client;
    pj_timer_entry timer;
    size_t current; /**< server */
    size_t failed;  /**< servers that have failed one after the other */
    uint32_t pause_s;
    tel_registration_state state;
    int status;
    int64_t until_us; /**< registered, or quiet, until then */
    atomic_bool leaving;
};

static struct {
    struct registration list[MOST_REGISTRATIONS];
    size_t count;
    atomic_size_t leaving;
    pthread_mutex_t mutex; /**< of what tel_get_registration looks at, and of the count */
} registrations = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_us(void)
{
    int64_t wall, mono;
    tel_now(&wall, &mono);
    return mono;
}

static void try_now(pj_timer_heap_t *heap, pj_timer_entry *entry);

static void schedule(struct registration *r, uint32_t seconds)
{
    pj_time_val delay = {(long)seconds, 0};
    pj_timer_entry_init(&r->timer, 0, r, try_now);
    pjsip_endpt_schedule_timer(sip.endpoint, &r->timer, &delay);
    worker_heed_timers();
}

static void set_state(struct registration *r, tel_registration_state state, int status, uint32_t seconds)
{
    pthread_mutex_lock(&registrations.mutex);
    r->state = state;
    r->status = status;
    r->until_us = now_us() + (int64_t)seconds * 1000000;
    pthread_mutex_unlock(&registrations.mutex);
}

static void report(const struct registration *r, int status, uint32_t expires_s)
{
    tel_event event;
    event_init(&event, TEL_EVENT_REGISTRATION, 0, 0);
    event.user = r->user;
    event.status = status;
    event.expires_s = expires_s;
    tel_emit(&event);
}

static void note_failure(struct registration *r, int status)
{
    bool refused = status / 100 == 4 && status != PJSIP_SC_REQUEST_TIMEOUT;
    uint32_t seconds = 0;
    r->failed++;
    if (r->failed >= r->server_count) {
        seconds = refused && r->pause_s < REFUSED_PAUSE_S ? REFUSED_PAUSE_S : r->pause_s;
        r->pause_s = seconds < LONGEST_PAUSE_S / 2 ? seconds * 2 : LONGEST_PAUSE_S;
        r->failed = 0;
    }
    set_state(r, TEL_REGISTRATION_FAILED, status, seconds);
    pthread_mutex_lock(&registrations.mutex);
    r->current = (r->current + 1) % r->server_count;
    pthread_mutex_unlock(&registrations.mutex);
    schedule(r, seconds);
    report(r, status, 0);
}

static void note_left(struct registration *r)
{
    if (atomic_exchange(&r->leaving, false))
        atomic_fetch_sub(&registrations.leaving, 1);
}

static void on_result(struct pjsip_regc_cbparam *result)
{
    struct registration *r = result->token;
    bool is_registered = result->status == PJ_SUCCESS && result->code / 100 == 2;
    if (atomic_load(&r->leaving)) {
        note_left(r);
    } else if (is_registered && result->expiration > 0) {
        r->failed = 0;
        r->pause_s = FIRST_PAUSE_S;
        set_state(r, TEL_REGISTRATION_REGISTERED, result->code, result->expiration);
        report(r, result->code, result->expiration);
    } else if (!pj_timer_entry_running(&r->timer)) {
        note_failure(r, result->code);
    }
}

static pjsip_sip_uri *parse(pj_pool_t *pool, const char *text)
{
    pj_str_t copy;
    pj_strdup2_with_null(pool, &copy, text);
    pjsip_uri *uri = pjsip_parse_uri(pool, copy.ptr, (pj_size_t)copy.slen, 0);
    if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri)))
        return NULL;
    return pjsip_uri_get_uri(uri);
}

/** The realm that a server asks for is its own from now on. */
static void on_response(struct pjsip_regc_tsx_cb_param *result)
{
    struct registration *r = result->cbparam.token;
    const pjsip_rx_data *rdata = result->cbparam.rdata;
    if (!rdata || (result->cbparam.code != PJSIP_SC_UNAUTHORIZED &&
                   result->cbparam.code != PJSIP_SC_PROXY_AUTHENTICATION_REQUIRED))
        return;
    pjsip_hdr_e kind =
        result->cbparam.code == PJSIP_SC_UNAUTHORIZED ? PJSIP_H_WWW_AUTHENTICATE : PJSIP_H_PROXY_AUTHENTICATE;
    const pjsip_www_authenticate_hdr *asked = pjsip_msg_find_hdr(rdata->msg_info.msg, kind, NULL);
    const pjsip_sip_uri *server = parse(rdata->tp_info.pool, r->servers[r->current]);
    if (asked && server && pj_stricmp2(&asked->scheme, "digest") == 0)
        credentials_learn(&server->host, &asked->challenge.digest.realm);
}

static bool prepare(struct registration *r, pj_pool_t *pool)
{
    char contact[SIP_MAX_CONTACT], with_user[SIP_MAX_CONTACT + 80], address[URI_SIZE];
    char *server_text = r->servers[r->current];
    struct destination to;
    const pjsip_sip_uri *server = parse(pool, server_text);
    if (!server || !destination_find(pool, server_text, &to))
        return false;
    const pj_sockaddr *peer = to.address.addr.sa_family ? &to.address : NULL;
    contact_uri(to.listener, peer, to.secure, contact, sizeof(contact));
    const char *scheme_end = strchr(contact, ':') + 1;
    snprintf(with_user, sizeof(with_user), "%.*s%s@%s", (int)(scheme_end - contact), contact, r->user, scheme_end);
    bool v6 = memchr(server->host.ptr, ':', (size_t)server->host.slen) != NULL;
    snprintf(address, sizeof(address), v6 ? "sip:%s@[%.*s]" : "sip:%s@%.*s", r->user, (int)server->host.slen,
             server->host.ptr);
    pj_str_t server_name = pj_str(server_text), where = pj_str(with_user);
    pj_str_t aor = pj_str(r->address[0] ? r->address : address);
    if (pjsip_regc_create(sip.endpoint, r, on_result, &r->client) != PJ_SUCCESS)
        return false;
    if (pjsip_regc_init(r->client, &server_name, &aor, &aor, 1, &where, r->expires_s) != PJ_SUCCESS)
        return false;
    pjsip_cred_info list[CREDENTIALS_PER_DIALOG];
    const pj_str_t *hosts[] = {&server->host};
    size_t count = credentials_for(pool, hosts, 1, NULL, list);
    pjsip_regc_set_reg_tsx_cb(r->client, on_response);
    if (sip.external_address[0] && contact_is_external(peer)) {
        pjsip_host_port sent_by = {pj_str(sip.external_address), to.listener->port};
        pjsip_regc_set_via_sent_by(r->client, &sent_by, NULL);
    }
    return count == 0 || pjsip_regc_set_credentials(r->client, (int)count, list) == PJ_SUCCESS;
}

static void forget_client(struct registration *r)
{
    if (r->client)
        pjsip_regc_destroy(r->client);
    r->client = NULL;
}

static void try_now(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct registration *r = entry->user_data;
    pjsip_tx_data *tdata;
    PJ_UNUSED_ARG(heap);
    forget_client(r);
    set_state(r, TEL_REGISTRATION_TRYING, r->status, 0);
    pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "register", 2000, 1000);
    bool prepared = pool && prepare(r, pool);
    if (pool)
        pjsip_endpt_release_pool(sip.endpoint, pool);
    pj_status_t status = prepared ? pjsip_regc_register(r->client, PJ_TRUE, &tdata) : PJ_EINVALIDOP;
    if (status == PJ_SUCCESS)
        status = pjsip_regc_send(r->client, tdata);
    /* Some failures to send are reported by on_result already. */
    if (status != PJ_SUCCESS && !pj_timer_entry_running(&r->timer))
        note_failure(r, PJSIP_SC_SERVICE_UNAVAILABLE);
}

/* ---------------------------------------------------------------- commands */

/** Of a test phone `address` is the address of record, and it does not say goodbye. */
static tel_result add(const tel_registration *params, const char *address)
{
    if (!thread_ready())
        return TEL_ERR_STATE;
    if (registrations.count == MOST_REGISTRATIONS)
        return TEL_ERR_FULL;
    struct registration *r = &registrations.list[registrations.count];
    memset(r, 0, sizeof(*r));
    pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "register", 2000, 1000);
    if (!pool)
        return TEL_ERR_FULL;
    tel_result result = TEL_OK;
    for (size_t i = 0; i < params->server_count && result == TEL_OK; i++) {
        const char *text = params->servers[i];
        struct destination to;
        const pjsip_sip_uri *server = strlen(text) < URI_SIZE ? parse(pool, text) : NULL;
        if (r->server_count == MOST_SERVERS || !server || !destination_find(pool, text, &to)) {
            if (!server || r->server_count == MOST_SERVERS)
                note_error("%.200s: no SIP URI, or one too many", text);
            result = TEL_ERR_INVALID;
            break;
        }
        snprintf(r->servers[r->server_count++], URI_SIZE, "%s", text);
        if (params->password) {
            char host[128];
            text_copy(host, sizeof(host), &server->host);
            result = tel_add_credential(&(tel_credential){
                .host = host, .realm = params->realm, .user = params->user, .password = params->password});
        }
    }
    if (result == TEL_OK && (r->server_count == 0 || strlen(params->user) >= sizeof(r->user)))
        result = TEL_ERR_INVALID;
    pjsip_endpt_release_pool(sip.endpoint, pool);
    if (result != TEL_OK)
        return result;
    snprintf(r->user, sizeof(r->user), "%s", params->user);
    snprintf(r->address, sizeof(r->address), "%s", address ? address : "");
    r->expires_s = params->expires_s ? params->expires_s : DEFAULT_EXPIRES;
    r->says_goodbye = !address;
    r->pause_s = FIRST_PAUSE_S;
    pthread_mutex_lock(&registrations.mutex);
    registrations.count++;
    pthread_mutex_unlock(&registrations.mutex);
    schedule(r, 0);
    return TEL_OK;
}

tel_result tel_add_registration(const tel_registration *registration)
{
    return add(registration, NULL);
}

tel_result tel_register(const char *server_uri, const char *aor_uri, uint32_t expires_s)
{
    char user[64];
    const char *begin = strchr(aor_uri, ':'), *at = strchr(aor_uri, '@');
    size_t length = begin && at > begin ? (size_t)(at - begin - 1) : 0;
    if (length == 0 || length >= sizeof(user) || strlen(aor_uri) >= URI_SIZE) {
        note_error("%.200s: no address of record", aor_uri);
        return TEL_ERR_INVALID;
    }
    snprintf(user, sizeof(user), "%.*s", (int)length, begin + 1);
    return add(&(tel_registration){.servers = &server_uri, .server_count = 1, .user = user, .expires_s = expires_s},
               aor_uri);
}

bool tel_get_registration(size_t index, tel_registration_status *status)
{
    memset(status, 0, sizeof(*status));
    pthread_mutex_lock(&registrations.mutex);
    bool found = index < registrations.count;
    if (found) {
        const struct registration *r = &registrations.list[index];
        int64_t left_us = r->until_us - now_us();
        status->state = r->state;
        status->sip_status = r->status;
        status->seconds = left_us > 0 ? (uint32_t)(left_us / 1000000) : 0;
        snprintf(status->server, sizeof(status->server), "%s", r->servers[r->current]);
        snprintf(status->user, sizeof(status->user), "%s", r->user);
    }
    pthread_mutex_unlock(&registrations.mutex);
    return found;
}

/* ---------------------------------------------------------------- the end */

static bool say_goodbye(struct registration *r)
{
    pjsip_tx_data *tdata;
    if (!r->says_goodbye || r->state != TEL_REGISTRATION_REGISTERED || !r->client)
        return false;
    atomic_store(&r->leaving, true);
    atomic_fetch_add(&registrations.leaving, 1);
    pj_status_t status = pjsip_regc_unregister(r->client, &tdata);
    if (status == PJ_SUCCESS)
        status = pjsip_regc_send(r->client, tdata);
    if (status != PJ_SUCCESS)
        note_left(r);
    return true;
}

void register_leave(void)
{
    bool any = false;
    for (size_t i = 0; i < registrations.count; i++)
        any = say_goodbye(&registrations.list[i]) || any;
    if (!any)
        return;
    /* Whoever has run PJSIP until now may have ended. */
    int64_t deadline_us = now_us() + FAREWELL_MS * 1000;
    while (atomic_load(&registrations.leaving) > 0 && now_us() < deadline_us) {
        pj_time_val round = {0, 10};
        pjsip_endpt_handle_events(sip.endpoint, &round);
    }
}

void register_stop(void)
{
    for (size_t i = 0; i < registrations.count; i++) {
        pjsip_endpt_cancel_timer(sip.endpoint, &registrations.list[i].timer);
        forget_client(&registrations.list[i]);
    }
    pthread_mutex_lock(&registrations.mutex);
    registrations.count = 0;
    atomic_store(&registrations.leaving, 0);
    pthread_mutex_unlock(&registrations.mutex);
    credentials_clear();
}
