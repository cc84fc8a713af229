/*
 * Digest as client (RFC 3261 §22.2): whom we sign requests for. PJSIP answers 401 and 407 by itself where the dialog has
 * credentials. They are given to dialogs with the servers that they are for, and, where the realm is known, with trusted
 * peers; nobody else shall be able to have us sign what they like.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../private/sip.h"

/** Those of all registrations, and some. */
#define MOST_CREDENTIALS 160

struct credential {
    char host[128];  /**< empty: any server's */
    char realm[128];   /**< as configured; empty: whatever that server asks for */
    char learned[128]; /**< what it has asked for */
    char user[64], password[128];
    const void *owner; /**< with whom it goes; NULL: it stays */
};

static struct {
    struct credential list[MOST_CREDENTIALS];
    size_t count;
    pthread_mutex_t mutex;
} credentials = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool copy(char *buffer, size_t size, const char *text)
{
    return snprintf(buffer, size, "%s", text ? text : "") < (int)size;
}

tel_result credentials_add(const tel_credential *from, const void *owner)
{
    struct credential credential;
    memset(&credential, 0, sizeof(credential));
    credential.owner = owner;
    if (!copy(credential.host, sizeof(credential.host), from->host) ||
        !copy(credential.realm, sizeof(credential.realm), from->realm) ||
        !copy(credential.user, sizeof(credential.user), from->user) ||
        !copy(credential.password, sizeof(credential.password), from->password)) {
        note_error("credentials of %.64s: too long", from->user);
        return TEL_ERR_INVALID;
    }
    pthread_mutex_lock(&credentials.mutex);
    bool room = credentials.count < MOST_CREDENTIALS;
    if (room)
        credentials.list[credentials.count++] = credential;
    pthread_mutex_unlock(&credentials.mutex);
    return room ? TEL_OK : TEL_ERR_FULL;
}

tel_result tel_add_credential(const tel_credential *credential)
{
    return credentials_add(credential, NULL);
}

void credentials_drop(const void *owner)
{
    size_t kept = 0;
    pthread_mutex_lock(&credentials.mutex);
    for (size_t i = 0; i < credentials.count; i++) {
        if (credentials.list[i].owner != owner)
            credentials.list[kept++] = credentials.list[i];
    }
    memset(&credentials.list[kept], 0, (credentials.count - kept) * sizeof(credentials.list[0]));
    credentials.count = kept;
    pthread_mutex_unlock(&credentials.mutex);
}

void credentials_clear(void)
{
    pthread_mutex_lock(&credentials.mutex);
    memset(credentials.list, 0, sizeof(credentials.list));
    credentials.count = 0;
    pthread_mutex_unlock(&credentials.mutex);
}

void credentials_learn(const pj_str_t *host, const pj_str_t *realm)
{
    pthread_mutex_lock(&credentials.mutex);
    for (size_t i = 0; i < credentials.count; i++) {
        struct credential *credential = &credentials.list[i];
        if (pj_stricmp2(host, credential->host) == 0)
            text_copy(credential->learned, sizeof(credential->learned), realm);
    }
    pthread_mutex_unlock(&credentials.mutex);
}

/**
 * With the mutex held: the realm to sign for; NULL: none. A server of ours may ask for any of its own, a trusted peer, which
 * may be such a server by another name, for the one that is known.
 */
static const char *realm_for(const struct credential *credential, const pj_str_t *const hosts[], size_t host_count,
                             bool trusted)
{
    const char *realm = credential->realm[0] ? credential->realm : "*";
    if (!credential->host[0])
        return realm;
    for (size_t i = 0; i < host_count; i++) {
        if (hosts[i] && pj_stricmp2(hosts[i], credential->host) == 0)
            return realm;
    }
    if (!trusted)
        return NULL;
    return credential->realm[0] ? credential->realm : credential->learned[0] ? credential->learned : NULL;
}

size_t credentials_for(pj_pool_t *pool, const pj_str_t *const hosts[], size_t host_count, const pj_sockaddr *peer,
                       pjsip_cred_info list[CREDENTIALS_PER_DIALOG])
{
    size_t count = 0;
    bool trusted = peer && net_contains(&sip.trusted, peer);
    pthread_mutex_lock(&credentials.mutex);
    for (size_t i = 0; i < credentials.count && count < CREDENTIALS_PER_DIALOG; i++) {
        const struct credential *from = &credentials.list[i];
        const char *realm = realm_for(from, hosts, host_count, trusted);
        if (!realm)
            continue;
        pjsip_cred_info *to = &list[count++];
        pj_bzero(to, sizeof(*to));
        pj_strdup2_with_null(pool, &to->realm, realm);
        pj_strdup2_with_null(pool, &to->scheme, "digest");
        pj_strdup2_with_null(pool, &to->username, from->user);
        to->data_type = PJSIP_CRED_DATA_PLAIN_PASSWD;
        pj_strdup2_with_null(pool, &to->data, from->password);
    }
    pthread_mutex_unlock(&credentials.mutex);
    return count;
}

void credentials_arm(pjsip_dialog *dialog, const pj_str_t *const hosts[], size_t host_count, const pj_sockaddr *peer)
{
    pjsip_cred_info list[CREDENTIALS_PER_DIALOG];
    size_t count = credentials_for(dialog->pool, hosts, host_count, peer, list);
    if (count > 0)
        pjsip_auth_clt_set_credentials(&dialog->auth_sess, (int)count, list);
}
