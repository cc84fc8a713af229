/*
 * The servers that we are registered with, as the application wants them. What is no longer wanted says goodbye, signed as
 * before, and is forgotten with the answer; what stays as it was notices nothing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/registration.h"

#define MOST_REGISTRATIONS 16
#define DEFAULT_EXPIRES 300
#define FAREWELL_MS 1000

static struct {
    /** As many again may be on their way out: a server that is silent is waited for, as long as SIP does. */
    struct registration slots[2 * MOST_REGISTRATIONS];
    pj_timer_entry change;
    atomic_bool changing; /**< `change` is set */
    atomic_int leaving;
    pthread_mutex_t mutex;
} registrations = {.mutex = PTHREAD_MUTEX_INITIALIZER};

#define FOR_EACH_SLOT(r)                                                                                               \
    for (struct registration *r = registrations.slots; r < registrations.slots + 2 * MOST_REGISTRATIONS; r++)

void registrations_lock(void)
{
    pthread_mutex_lock(&registrations.mutex);
}

void registrations_unlock(void)
{
    pthread_mutex_unlock(&registrations.mutex);
}

void registrations_count_leaving(int change)
{
    atomic_fetch_add(&registrations.leaving, change);
}

/* ---------------------------------------------------------------- changes, on the thread that runs SIP */

static void retire(struct registration *r)
{
    registration_drop(r);
    registrations_lock();
    memset(r, 0, sizeof(*r));
    registrations_unlock();
}

/** Whether the one is with a server that the other is going to ask, in the same name: they have one binding there. */
static bool shares_binding(const struct registration *fresh, const struct registration *old, size_t servers)
{
    if (!fresh->used || !fresh->wanted || fresh == old || strcmp(fresh->user, old->user) != 0)
        return false;
    for (size_t i = 0; i < servers && i < fresh->server_count; i++) {
        if (strcmp(fresh->servers[i], old->servers[old->current]) == 0)
            return true;
    }
    return false;
}

/** A goodbye would undo what another is about to do there: the new binding takes the old one's place (RFC 3261 §10.3). */
static bool is_replaced(const struct registration *old)
{
    FOR_EACH_SLOT(r) {
        if (shares_binding(r, old, 1))
            return true;
    }
    return false;
}

/** Whether the goodbye of another is to be answered first. */
static bool must_wait(const struct registration *fresh)
{
    FOR_EACH_SLOT(r) {
        if (r->used && !r->wanted && shares_binding(fresh, r, MOST_SERVERS))
            return true;
    }
    return false;
}

static void see_out(struct registration *r)
{
    if (atomic_load(&r->leaving))
        return;
    if (r->left || is_replaced(r)) {
        retire(r);
    } else if (!registration_is_busy(r)) {
        pjsip_endpt_cancel_timer(sip.endpoint, &r->timer);
        if (!registration_say_goodbye(r) || r->left)
            retire(r);
    }
}

static void on_change(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    PJ_UNUSED_ARG(entry);
    atomic_store(&registrations.changing, false);
    FOR_EACH_SLOT(r) {
        if (r->used && !r->wanted)
            see_out(r);
    }
    FOR_EACH_SLOT(r) {
        if (r->used && r->wanted && r->fresh && !must_wait(r))
            registration_try(r);
    }
}

static void schedule_change(void)
{
    pj_time_val now = {0, 0};
    if (atomic_exchange(&registrations.changing, true))
        return;
    pj_timer_entry_init(&registrations.change, 0, NULL, on_change);
    pjsip_endpt_schedule_timer(sip.endpoint, &registrations.change, &now);
    worker_heed_timers();
}

void registrations_answered(const struct registration *r)
{
    if (!r->wanted)
        schedule_change();
}

/* ---------------------------------------------------------------- commands */

static bool copy(char *buffer, size_t size, const char *text)
{
    return snprintf(buffer, size, "%s", text ? text : "") < (int)size;
}

static bool copy_server(struct registration *r, pj_pool_t *pool, const char *text)
{
    struct destination to;
    pj_str_t uri;
    if (r->server_count == MOST_SERVERS || strlen(text) >= SERVER_URI_SIZE) {
        note_error("%.200s: too long, or one too many", text);
        return false;
    }
    pj_strdup2_with_null(pool, &uri, text);
    pjsip_uri *parsed = pjsip_parse_uri(pool, uri.ptr, (pj_size_t)uri.slen, 0);
    if (!parsed || (!PJSIP_URI_SCHEME_IS_SIP(parsed) && !PJSIP_URI_SCHEME_IS_SIPS(parsed))) {
        note_error("%.200s: no SIP URI", text);
        return false;
    }
    if (!destination_find(pool, text, &to))
        return false;
    const pjsip_sip_uri *server = pjsip_uri_get_uri(parsed);
    copy(r->servers[r->server_count], SERVER_URI_SIZE, text);
    return text_copy(r->hosts[r->server_count++], sizeof(r->hosts[0]), &server->host);
}

/** What is asked for, and nothing else. */
static tel_result fill(struct registration *r, const tel_registration *params, const char *address)
{
    memset(r, 0, sizeof(*r));
    pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "register", 2000, 1000);
    if (!pool)
        return TEL_ERR_FULL;
    bool good = params->server_count > 0;
    for (size_t i = 0; i < params->server_count && good; i++)
        good = copy_server(r, pool, params->servers[i]);
    pjsip_endpt_release_pool(sip.endpoint, pool);
    if (!good)
        return TEL_ERR_INVALID;
    if (!copy(r->user, sizeof(r->user), params->user) || !copy(r->password, sizeof(r->password), params->password) ||
        !copy(r->realm, sizeof(r->realm), params->realm) || !copy(r->address, sizeof(r->address), address)) {
        note_error("registration of %.64s: too long", params->user);
        return TEL_ERR_INVALID;
    }
    r->expires_s = params->expires_s ? params->expires_s : DEFAULT_EXPIRES;
    r->used = r->wanted = r->fresh = true;
    return TEL_OK;
}

static bool asks_the_same(const struct registration *a, const struct registration *b)
{
    bool same = a->server_count == b->server_count && a->expires_s == b->expires_s && !strcmp(a->user, b->user) &&
                !strcmp(a->password, b->password) && !strcmp(a->realm, b->realm) && !strcmp(a->address, b->address);
    for (size_t i = 0; i < a->server_count && same; i++)
        same = !strcmp(a->servers[i], b->servers[i]);
    return same;
}

static void add_credentials(const struct registration *r)
{
    for (size_t i = 0; i < r->server_count && r->password[0]; i++) {
        tel_credential credential = {.host = r->hosts[i],
                                     .realm = r->realm[0] ? r->realm : NULL,
                                     .user = r->user,
                                     .password = r->password};
        credentials_add(&credential, r);
    }
}

/** With the mutex held. */
static struct registration *find(const struct registration *like)
{
    FOR_EACH_SLOT(r) {
        if (r->used && r->wanted && asks_the_same(r, like))
            return r;
    }
    return NULL;
}

/** With the mutex held. */
static struct registration *unused_slot(void)
{
    FOR_EACH_SLOT(r) {
        if (!r->used)
            return r;
    }
    return NULL;
}

/** With the mutex held: puts those that are wanted into the slots, all or none. */
static tel_result place(const struct registration *list, size_t count)
{
    size_t room = 0, needed = 0, next = 0;
    bool keep[2 * MOST_REGISTRATIONS] = {false}, placed[2 * MOST_REGISTRATIONS] = {false};
    FOR_EACH_SLOT(r) {
        room += !r->used;
    }
    for (size_t i = 0; i < count; i++) {
        const struct registration *known = find(&list[i]);
        if (known)
            keep[known - registrations.slots] = true;
        else
            needed++;
    }
    if (needed > room) {
        note_error("so many registrations are still being ended: try again in half a minute");
        return TEL_ERR_FULL;
    }
    FOR_EACH_SLOT(r) {
        if (r->used && r->wanted && !keep[r - registrations.slots]) {
            r->wanted = false;
            credentials_drop(r);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct registration *r = find(&list[i]);
        if (!r && (r = unused_slot())) {
            *r = list[i];
            add_credentials(r);
        }
        if (r && !placed[r - registrations.slots])
            r->place = next++;
        if (r)
            placed[r - registrations.slots] = true;
    }
    return TEL_OK;
}

static tel_result set(const tel_registration *params, size_t count, const char *address)
{
    if (!thread_ready())
        return TEL_ERR_STATE;
    if (count > MOST_REGISTRATIONS)
        return TEL_ERR_FULL;
    struct registration *list = calloc(count ? count : 1, sizeof(*list));
    tel_result result = list ? TEL_OK : TEL_ERR_FULL;
    for (size_t i = 0; i < count && result == TEL_OK; i++)
        result = fill(&list[i], &params[i], address);
    if (result == TEL_OK) {
        registrations_lock();
        result = place(list, count);
        registrations_unlock();
    }
    free(list);
    if (result == TEL_OK)
        schedule_change();
    return result;
}

tel_result tel_set_registrations(const tel_registration *list, size_t count)
{
    return set(list, count, NULL);
}

tel_result tel_register(const char *server_uri, const char *aor_uri, uint32_t expires_s)
{
    char user[64];
    const char *begin = strchr(aor_uri, ':'), *at = strchr(aor_uri, '@');
    size_t length = begin && at > begin ? (size_t)(at - begin - 1) : 0;
    if (length == 0 || length >= sizeof(user)) {
        note_error("%.200s: no address of record", aor_uri);
        return TEL_ERR_INVALID;
    }
    snprintf(user, sizeof(user), "%.*s", (int)length, begin + 1);
    tel_registration registration = {
        .servers = &server_uri, .server_count = 1, .user = user, .expires_s = expires_s};
    return set(&registration, 1, aor_uri);
}

bool tel_get_registration(size_t index, tel_registration_status *status)
{
    int64_t wall, now_us;
    bool found = false;
    memset(status, 0, sizeof(*status));
    tel_now(&wall, &now_us);
    registrations_lock();
    FOR_EACH_SLOT(r) {
        if (!r->used || !r->wanted || r->place != index)
            continue;
        int64_t left_us = r->until_us - now_us;
        status->state = r->state;
        status->sip_status = r->status;
        status->seconds = left_us > 0 ? (uint32_t)(left_us / 1000000) : 0;
        snprintf(status->server, sizeof(status->server), "%s", r->servers[r->current]);
        snprintf(status->user, sizeof(status->user), "%s", r->user);
        found = true;
        break;
    }
    registrations_unlock();
    return found;
}

/* ---------------------------------------------------------------- the end */

void register_leave(void)
{
    FOR_EACH_SLOT(r) {
        /* A test phone does not say goodbye. */
        if (r->used && r->wanted && !r->address[0])
            registration_say_goodbye(r);
    }
    /* Whoever has run PJSIP until now may have ended. */
    int64_t wall, now_us, deadline_us;
    tel_now(&wall, &deadline_us);
    deadline_us += FAREWELL_MS * 1000;
    for (now_us = 0; atomic_load(&registrations.leaving) > 0 && now_us < deadline_us; tel_now(&wall, &now_us)) {
        pj_time_val round = {0, 10};
        pjsip_endpt_handle_events(sip.endpoint, &round);
    }
}

void register_stop(void)
{
    pjsip_endpt_cancel_timer(sip.endpoint, &registrations.change);
    atomic_store(&registrations.changing, false);
    FOR_EACH_SLOT(r) {
        if (r->used)
            retire(r);
    }
    atomic_store(&registrations.leaving, 0);
    credentials_clear();
}
