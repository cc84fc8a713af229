/*
 * REGISTER of agents' phones (RFC 3261 §10.3): accepted for the users that the application names, signed by digest where
 * the user has an account, else from trusted peers. A trusted network is not enough for one who has a password: who
 * registers in another's name is sent that other's calls.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../private/sip.h"

#define MOST_CONTACTS 4
#define DEFAULT_EXPIRES 3600
#define LONGEST_EXPIRES 7200

struct binding {
    char uri[256];
    char call_id[128];
    int cseq;
    int q1000;
    time_t until;
};

struct user {
    char name[64];
    struct binding bindings[MOST_CONTACTS];
    int count;
};

/** Set by the application, looked at by the worker. */
static struct {
    struct user *users;
    size_t count;
    pj_timer_entry expiry;
    atomic_bool expiring; /**< `expiry` is set */
    pthread_mutex_t mutex;
} registrar = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static time_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec;
}

static struct user *find(struct user *users, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(users[i].name, name) == 0)
            return &users[i];
    }
    return NULL;
}

tel_result tel_set_registrable(const char *const *names, size_t count)
{
    struct user *users = calloc(count ? count : 1, sizeof(*users));
    if (!users)
        return TEL_ERR_FULL;
    pthread_mutex_lock(&registrar.mutex);
    for (size_t i = 0; i < count; i++) {
        const struct user *old = find(registrar.users, registrar.count, names[i]);
        if (old)
            users[i] = *old;
        else
            snprintf(users[i].name, sizeof(users[i].name), "%s", names[i]);
    }
    for (size_t i = 0; i < registrar.count; i++) {
        const struct user *old = &registrar.users[i];
        for (int k = 0; k < old->count && !find(users, count, old->name); k++)
            flow_forget(old->bindings[k].uri);
    }
    free(registrar.users);
    registrar.users = users;
    registrar.count = count;
    pthread_mutex_unlock(&registrar.mutex);
    atomic_store(&sip.knows_users, true);
    return TEL_OK;
}

void registrar_clear(void)
{
    pthread_mutex_lock(&registrar.mutex);
    free(registrar.users);
    registrar.users = NULL;
    registrar.count = 0;
    memset(&registrar.expiry, 0, sizeof(registrar.expiry));
    atomic_store(&registrar.expiring, false);
    pthread_mutex_unlock(&registrar.mutex);
}

static void remove_binding(struct user *user, int at)
{
    flow_forget(user->bindings[at].uri);
    user->count--;
    memmove(&user->bindings[at], &user->bindings[at + 1], (size_t)(user->count - at) * sizeof(user->bindings[0]));
}

static void remove_expired(struct user *user)
{
    for (int i = user->count - 1; i >= 0; i--) {
        if (user->bindings[i].until <= now())
            remove_binding(user, i);
    }
}

/** `user` is a copy: the callback is not called with the mutex held. */
static void report(const struct user *user)
{
    char contacts[MOST_CONTACTS * 257];
    size_t used = 0;
    time_t until = 0;
    contacts[0] = 0;
    for (int i = 0; i < user->count; i++) {
        used += (size_t)snprintf(contacts + used, sizeof(contacts) - used, "%s%s", i ? "\n" : "",
                                 user->bindings[i].uri);
        if (user->bindings[i].until > until)
            until = user->bindings[i].until;
    }
    tel_event event;
    event_init(&event, TEL_EVENT_REGISTERED, 0, 0);
    event.user = user->name;
    event.contacts = contacts[0] ? contacts : NULL;
    event.expires_s = until > now() ? (uint32_t)(until - now()) : 0;
    event.trusted = true;
    tel_emit(&event);
}

static void on_expiry(pj_timer_heap_t *heap, pj_timer_entry *entry);

/** Once it runs it is left alone: requests that come more often than every second would put it off for ever. */
static void schedule_expiry(void)
{
    pj_time_val second = {1, 0};
    if (atomic_exchange(&registrar.expiring, true))
        return;
    pj_timer_entry_init(&registrar.expiry, 0, NULL, on_expiry);
    pjsip_endpt_schedule_timer(sip.endpoint, &registrar.expiry, &second);
    worker_heed_timers();
}

static void on_expiry(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    PJ_UNUSED_ARG(entry);
    bool any = false;
    atomic_store(&registrar.expiring, false);
    for (size_t i = 0;; i++) {
        struct user copy;
        pthread_mutex_lock(&registrar.mutex);
        if (i >= registrar.count) {
            pthread_mutex_unlock(&registrar.mutex);
            break;
        }
        struct user *user = &registrar.users[i];
        int before = user->count;
        remove_expired(user);
        any = any || user->count > 0;
        bool changed = user->count != before;
        copy = *user;
        pthread_mutex_unlock(&registrar.mutex);
        if (changed)
            report(&copy);
    }
    if (any)
        schedule_expiry();
}

/** Whether a later request of the same phone has been seen already (RFC 3261 §10.3 step 7). */
static bool is_stale(const struct binding *binding, const pjsip_rx_data *rdata)
{
    return pj_strcmp2(&rdata->msg_info.cid->id, binding->call_id) == 0 && rdata->msg_info.cseq->cseq <= binding->cseq;
}

static void insert(struct user *user, const struct binding *fresh)
{
    if (user->count == MOST_CONTACTS)
        remove_binding(user, MOST_CONTACTS - 1);
    int at = 0; /* the newest comes first among equals */
    while (at < user->count && user->bindings[at].q1000 > fresh->q1000)
        at++;
    memmove(&user->bindings[at + 1], &user->bindings[at], (size_t)(user->count - at) * sizeof(*fresh));
    user->bindings[at] = *fresh;
    user->count++;
}

static int set_binding(struct user *user, const pjsip_rx_data *rdata, const pjsip_contact_hdr *contact,
                       unsigned expires)
{
    struct binding fresh;
    memset(&fresh, 0, sizeof(fresh));
    text_uri(fresh.uri, sizeof(fresh.uri), contact->uri);
    if (!fresh.uri[0])
        return PJSIP_SC_BAD_REQUEST;
    text_copy(fresh.call_id, sizeof(fresh.call_id), &rdata->msg_info.cid->id);
    fresh.cseq = rdata->msg_info.cseq->cseq;
    fresh.q1000 = text_quality(contact);
    fresh.until = now() + (time_t)expires;
    for (int i = 0; i < user->count; i++) {
        if (strcmp(user->bindings[i].uri, fresh.uri) != 0)
            continue;
        if (is_stale(&user->bindings[i], rdata))
            return PJSIP_SC_INTERNAL_SERVER_ERROR;
        remove_binding(user, i);
        break;
    }
    if (expires > 0)
        insert(user, &fresh);
    return 0;
}

static unsigned lifetime(const pjsip_contact_hdr *contact, const pjsip_expires_hdr *header)
{
    unsigned seconds = DEFAULT_EXPIRES;
    if (contact->expires != PJSIP_EXPIRES_NOT_SPECIFIED)
        seconds = contact->expires;
    else if (header)
        seconds = header->ivalue;
    return seconds < LONGEST_EXPIRES ? seconds : LONGEST_EXPIRES;
}

/** Carries the request out on a user; the status to answer. */
static int apply(struct user *user, const pjsip_rx_data *rdata, bool *changed)
{
    const pjsip_msg *message = rdata->msg_info.msg;
    const pjsip_expires_hdr *expires = pjsip_msg_find_hdr(message, PJSIP_H_EXPIRES, NULL);
    const pjsip_contact_hdr *contact = pjsip_msg_find_hdr(message, PJSIP_H_CONTACT, NULL);
    int before = user->count;
    remove_expired(user);
    *changed = user->count != before;
    while (contact) {
        bool last = (const void *)contact->next == (const void *)&message->hdr;
        *changed = true;
        if (contact->star) {
            if (!expires || expires->ivalue != 0)
                return PJSIP_SC_BAD_REQUEST;
            while (user->count > 0)
                remove_binding(user, user->count - 1);
        } else if (contact->uri) {
            int status = set_binding(user, rdata, contact, lifetime(contact, expires));
            if (status != 0)
                return status;
        }
        contact = last ? NULL : pjsip_msg_find_hdr(message, PJSIP_H_CONTACT, contact->next);
    }
    return PJSIP_SC_OK;
}

static void answer(pjsip_rx_data *rdata, const struct user *user)
{
    pjsip_hdr headers;
    pj_str_t name = {"Contact", 7};
    pj_list_init(&headers);
    for (int i = 0; i < user->count; i++) {
        char text[320];
        pj_str_t value;
        snprintf(text, sizeof(text), "<%s>;expires=%ld", user->bindings[i].uri,
                 (long)(user->bindings[i].until - now()));
        pj_strdup2_with_null(rdata->tp_info.pool, &value, text);
        pjsip_hdr *contact =
            (pjsip_hdr *)pjsip_generic_string_hdr_create(rdata->tp_info.pool, &name, &value);
        pj_list_push_back(&headers, contact);
    }
    server_respond(rdata, PJSIP_SC_OK, &headers);
}

static bool address_of_record(const pjsip_rx_data *rdata, char *name, size_t size)
{
    const pjsip_uri *uri = rdata->msg_info.to->uri;
    if (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri))
        return false;
    const pjsip_sip_uri *address = pjsip_uri_get_uri(uri);
    return address->user.slen > 0 && text_copy(name, size, &address->user);
}

/** Whether the request may change that user's bindings; where not, it has been answered. */
static bool is_permitted(pjsip_rx_data *rdata, const char *name)
{
    char signer[64];
    if (server_trusts(rdata) && !accounts_have(name))
        return true;
    switch (authenticate(rdata, signer, sizeof(signer))) {
    case AUTH_ANSWERED: return false;
    case AUTH_PASSED:
        if (strcmp(signer, name) == 0)
            return true;
        break;
    case AUTH_NONE: break;
    }
    server_respond(rdata, PJSIP_SC_FORBIDDEN, NULL);
    return false;
}

void registrar_respond(pjsip_rx_data *rdata)
{
    char name[64];
    struct user copy;
    bool changed = false;
    int status = PJSIP_SC_NOT_FOUND;
    bool named = address_of_record(rdata, name, sizeof(name));
    if (!is_permitted(rdata, named ? name : ""))
        return;
    if (!named) {
        server_respond(rdata, PJSIP_SC_NOT_FOUND, NULL);
        return;
    }
    pthread_mutex_lock(&registrar.mutex);
    struct user *user = find(registrar.users, registrar.count, name);
    if (user) {
        copy = *user;
        status = apply(&copy, rdata, &changed);
        if (status == PJSIP_SC_OK)
            *user = copy; /* all of it or nothing (RFC 3261 §10.3) */
    }
    pthread_mutex_unlock(&registrar.mutex);
    if (status != PJSIP_SC_OK) {
        server_respond(rdata, status, NULL);
        return;
    }
    if (copy.count > 0)
        schedule_expiry();
    for (int i = 0; i < copy.count; i++) {
        if (pj_strcmp2(&rdata->msg_info.cid->id, copy.bindings[i].call_id) == 0)
            flow_note(copy.bindings[i].uri, rdata->tp_info.transport);
    }
    answer(rdata, &copy);
    if (changed)
        report(&copy);
}

/* ---------------------------------------------------------------- over a restart */

bool tel_next_binding(size_t *position, tel_binding *binding)
{
    bool found = false;
    memset(binding, 0, sizeof(*binding));
    pthread_mutex_lock(&registrar.mutex);
    for (; *position < registrar.count * MOST_CONTACTS && !found; ++*position) {
        const struct user *user = &registrar.users[*position / MOST_CONTACTS];
        size_t at = *position % MOST_CONTACTS;
        const struct binding *from = &user->bindings[at];
        if (at >= (size_t)user->count || from->until <= now() || flow_exists(from->uri))
            continue;
        snprintf(binding->user, sizeof(binding->user), "%s", user->name);
        snprintf(binding->uri, sizeof(binding->uri), "%s", from->uri);
        binding->seconds = (uint32_t)(from->until - now());
        binding->q1000 = (uint32_t)from->q1000;
        found = true;
    }
    pthread_mutex_unlock(&registrar.mutex);
    return found;
}

static bool is_sip_uri(const char *text)
{
    pj_str_t uri;
    pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "binding", 1000, 1000);
    if (!pool)
        return false;
    pj_strdup2_with_null(pool, &uri, text);
    const pjsip_uri *parsed = pjsip_parse_uri(pool, uri.ptr, (pj_size_t)uri.slen, 0);
    bool is = parsed && (PJSIP_URI_SCHEME_IS_SIP(parsed) || PJSIP_URI_SCHEME_IS_SIPS(parsed));
    pjsip_endpt_release_pool(sip.endpoint, pool);
    return is;
}

tel_result tel_restore_binding(const char *name, const char *uri, uint32_t seconds, uint32_t q1000)
{
    struct binding binding;
    struct user copy;
    if (!thread_ready())
        return TEL_ERR_STATE;
    if (seconds == 0 || seconds > LONGEST_EXPIRES || q1000 > 1000 || strlen(uri) >= sizeof(binding.uri) ||
        !is_sip_uri(uri))
        return TEL_ERR_INVALID;
    memset(&binding, 0, sizeof(binding));
    snprintf(binding.uri, sizeof(binding.uri), "%s", uri);
    binding.q1000 = (int)q1000;
    binding.until = now() + (time_t)seconds;
    pthread_mutex_lock(&registrar.mutex);
    struct user *user = find(registrar.users, registrar.count, name);
    bool is_new = user != NULL;
    for (int i = 0; user && i < user->count; i++) {
        if (strcmp(user->bindings[i].uri, uri) == 0)
            is_new = false; /* the phone was faster */
    }
    if (is_new) {
        insert(user, &binding);
        copy = *user;
    }
    pthread_mutex_unlock(&registrar.mutex);
    if (!is_new)
        return TEL_ERR_INVALID;
    schedule_expiry();
    report(&copy);
    return TEL_OK;
}
