/* Who may sign requests by digest. Set by the application, looked up by the SIP worker. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../private/sip.h"

static struct {
    struct account *list; /**< by user */
    size_t count;
    bool uses[DIGEST_ALGORITHMS];
    struct account nobody;
    pthread_mutex_t mutex;
} accounts = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int by_user(const void *a, const void *b)
{
    return strcmp(((const struct account *)a)->user, ((const struct account *)b)->user);
}

static bool copy_hash(struct account *account, enum digest_algorithm algorithm, const char *hash)
{
    size_t length = digest_length(algorithm);
    if (strlen(hash) != length || strspn(hash, "0123456789abcdefABCDEF") != length)
        return false;
    for (size_t i = 0; i < length; i++)
        account->secrets[algorithm][i] = (char)pj_tolower(hash[i]);
    account->hashed[algorithm] = true;
    return true;
}

static bool copy_account(struct account *account, const tel_account *from)
{
    if (strlen(from->user) >= sizeof(account->user) ||
        (from->password && (!from->password[0] || strlen(from->password) >= sizeof(account->secrets[0]))))
        return false;
    snprintf(account->user, sizeof(account->user), "%s", from->user);
    for (int i = 0; from->password && i < DIGEST_ALGORITHMS; i++)
        snprintf(account->secrets[i], sizeof(account->secrets[i]), "%s", from->password);
    return (!from->ha1_md5 || copy_hash(account, DIGEST_MD5, from->ha1_md5)) &&
           (!from->ha1_sha256 || copy_hash(account, DIGEST_SHA256, from->ha1_sha256));
}

/** A secret in the form that the others have, so that an unknown user costs what a known one does. */
static void make_nobody(struct account *nobody, const struct account *like)
{
    uint8_t random[32];
    memset(nobody, 0, sizeof(*nobody));
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        abort(); /* Linux: cannot fail for so few bytes */
    for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
        for (size_t k = 0; k < digest_length(i) / 2; k++)
            snprintf(nobody->secrets[i] + 2 * k, 3, "%02x", random[k]);
        nobody->hashed[i] = like->hashed[i];
    }
}

tel_result tel_set_accounts(const tel_account *from, size_t count)
{
    struct account *list = calloc(count ? count : 1, sizeof(*list)), *before;
    struct account nobody;
    bool uses[DIGEST_ALGORITHMS], any = count == 0;
    if (!list)
        return TEL_ERR_FULL;
    for (size_t i = 0; i < count; i++) {
        if (!copy_account(&list[i], &from[i])) {
            note_error("the password or hash of %s cannot be used", from[i].user);
            free(list);
            return TEL_ERR_INVALID;
        }
    }
    for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
        uses[i] = digest_is_available(i);
        for (size_t k = 0; k < count; k++)
            uses[i] = uses[i] && list[k].secrets[i][0];
        any = any || uses[i];
    }
    if (!any) {
        note_error("no digest algorithm does for all accounts");
        free(list);
        return TEL_ERR_INVALID;
    }
    make_nobody(&nobody, &list[0]);
    qsort(list, count, sizeof(*list), by_user);
    pthread_mutex_lock(&accounts.mutex);
    before = accounts.list;
    accounts.list = list;
    accounts.count = count;
    accounts.nobody = nobody;
    memcpy(accounts.uses, uses, sizeof(uses));
    pthread_mutex_unlock(&accounts.mutex);
    free(before);
    return TEL_OK;
}

void accounts_clear(void)
{
    pthread_mutex_lock(&accounts.mutex);
    free(accounts.list);
    accounts.list = NULL;
    accounts.count = 0;
    pthread_mutex_unlock(&accounts.mutex);
}

/** With the mutex held. */
static const struct account *find(const char *user)
{
    struct account key;
    if (accounts.count == 0 || strlen(user) >= sizeof(key.user))
        return NULL;
    snprintf(key.user, sizeof(key.user), "%s", user);
    return bsearch(&key, accounts.list, accounts.count, sizeof(key), by_user);
}

bool account_find(const char *user, struct account *account, bool *known)
{
    pthread_mutex_lock(&accounts.mutex);
    bool any = accounts.count > 0;
    const struct account *found = find(user);
    *known = found != NULL;
    *account = found ? *found : accounts.nobody;
    pthread_mutex_unlock(&accounts.mutex);
    return any;
}

bool accounts_have(const char *user)
{
    pthread_mutex_lock(&accounts.mutex);
    bool found = find(user) != NULL;
    pthread_mutex_unlock(&accounts.mutex);
    return found;
}

bool accounts_use(enum digest_algorithm algorithm)
{
    pthread_mutex_lock(&accounts.mutex);
    bool uses = accounts.count > 0 && accounts.uses[algorithm];
    pthread_mutex_unlock(&accounts.mutex);
    return uses;
}
