/*
 * One registration with a server (RFC 3261 §10.2). PJSIP's registration client signs, refreshes and obeys a 423; which
 * server is tried, and when again, is decided here: the servers of a list in turn, then a pause that doubles.
 *
 * All of it runs on the thread that runs SIP, but for the farewell.
 */
#include <stdio.h>
#include <string.h>

#include "../private/registration.h"

#define FIRST_PAUSE_S 1
#define LONGEST_PAUSE_S 64
/** After a refusal: to ask more often is what gets an address banned. */
#define REFUSED_PAUSE_S 30

static int64_t now_us(void)
{
    int64_t wall, mono;
    tel_now(&wall, &mono);
    return mono;
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    registration_try(entry->user_data);
}

static void schedule(struct registration *r, uint32_t seconds)
{
    pj_time_val delay = {(long)seconds, 0};
    pj_timer_entry_init(&r->timer, 0, r, on_timer);
    pjsip_endpt_schedule_timer(sip.endpoint, &r->timer, &delay);
    worker_heed_timers();
}

static void set_state(struct registration *r, tel_registration_state state, int status, uint32_t seconds)
{
    registrations_lock();
    r->state = state;
    r->status = status;
    r->until_us = now_us() + (int64_t)seconds * 1000000;
    registrations_unlock();
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
    if (r->pause_s == 0)
        r->pause_s = FIRST_PAUSE_S;
    r->failed++;
    if (r->failed >= r->server_count) {
        seconds = refused && r->pause_s < REFUSED_PAUSE_S ? REFUSED_PAUSE_S : r->pause_s;
        r->pause_s = seconds < LONGEST_PAUSE_S / 2 ? seconds * 2 : LONGEST_PAUSE_S;
        r->failed = 0;
    }
    set_state(r, TEL_REGISTRATION_FAILED, status, seconds);
    registrations_lock();
    r->current = (r->current + 1) % r->server_count;
    registrations_unlock();
    schedule(r, seconds);
    report(r, status, 0);
}

static void note_left(struct registration *r)
{
    if (!atomic_exchange(&r->leaving, false))
        return;
    r->left = true;
    registrations_count_leaving(-1);
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
    registrations_answered(r);
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

/** Its own, where it has a password: another may be registered with the same server. */
static size_t credentials_of(struct registration *r, pj_pool_t *pool, const pj_str_t *host,
                             pjsip_cred_info list[CREDENTIALS_PER_DIALOG])
{
    if (!r->password[0])
        return credentials_for(pool, &host, 1, NULL, list);
    pj_bzero(&list[0], sizeof(list[0]));
    list[0].realm = pj_str(r->realm[0] ? r->realm : "*");
    list[0].scheme = pj_str("digest");
    list[0].username = pj_str(r->user);
    list[0].data_type = PJSIP_CRED_DATA_PLAIN_PASSWD;
    list[0].data = pj_str(r->password);
    return 1;
}

static bool prepare(struct registration *r, pj_pool_t *pool)
{
    char contact[SIP_MAX_CONTACT], with_user[SIP_MAX_CONTACT + 80], address[SERVER_URI_SIZE];
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
    size_t count = credentials_of(r, pool, &server->host, list);
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

bool registration_is_busy(const struct registration *r)
{
    pjsip_regc_info info;
    return r->client && pjsip_regc_get_info(r->client, &info) == PJ_SUCCESS && info.is_busy;
}

void registration_drop(struct registration *r)
{
    pjsip_endpt_cancel_timer(sip.endpoint, &r->timer);
    forget_client(r);
}

void registration_try(struct registration *r)
{
    pjsip_tx_data *tdata;
    r->fresh = false;
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

bool registration_say_goodbye(struct registration *r)
{
    pjsip_tx_data *tdata;
    if (r->state != TEL_REGISTRATION_REGISTERED || !r->client)
        return false;
    atomic_store(&r->leaving, true);
    registrations_count_leaving(1);
    pj_status_t status = pjsip_regc_unregister(r->client, &tdata);
    if (status == PJ_SUCCESS)
        status = pjsip_regc_send(r->client, tdata);
    if (status != PJ_SUCCESS)
        note_left(r);
    return true;
}
