/* Digest as server (RFC 3261 §22.2, RFC 7616, RFC 8760): challenges, and what comes back signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/sip.h"

/** One WWW-Authenticate for each algorithm, the best first (RFC 8760 §2.4). */
static void challenge(pjsip_rx_data *rdata, bool stale)
{
    pj_pool_t *pool = rdata->tp_info.pool;
    pj_str_t name = {"WWW-Authenticate", 16};
    pjsip_hdr headers;
    char nonce[DIGEST_NONCE_SIZE];
    pj_list_init(&headers);
    nonce_issue(nonce);
    for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
        char text[256];
        pj_str_t value;
        if (!accounts_use(i))
            continue;
        snprintf(text, sizeof(text), "Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"%s", sip.realm,
                 nonce, digest_name(i), stale ? ", stale=true" : "");
        pj_strdup2_with_null(pool, &value, text);
        pj_list_push_back(&headers, pjsip_generic_string_hdr_create(pool, &name, &value));
    }
    atomic_fetch_add(&sip.auth_challenged, 1);
    /* Without a transaction: challenges must not cost us memory (RFC 3261 §26.3.2.4). */
    pjsip_endpt_respond_stateless(sip.endpoint, rdata, PJSIP_SC_UNAUTHORIZED, NULL, &headers, NULL);
}

/** The credential for our realm, in an algorithm that we have asked for; NULL: there is none. */
static const pjsip_digest_credential *find_credential(pjsip_rx_data *rdata, enum digest_algorithm *algorithm)
{
    const pjsip_msg *message = rdata->msg_info.msg;
    const pjsip_authorization_hdr *header = pjsip_msg_find_hdr(message, PJSIP_H_AUTHORIZATION, NULL);
    while (header) {
        const pjsip_digest_credential *credential = &header->credential.digest;
        if (pj_stricmp2(&header->scheme, "digest") == 0 && pj_strcmp2(&credential->realm, sip.realm) == 0) {
            *algorithm = digest_named(&credential->algorithm);
            if (*algorithm != DIGEST_ALGORITHMS && accounts_use(*algorithm))
                return credential;
        }
        if ((const void *)header->next == (const void *)&message->hdr)
            break;
        header = pjsip_msg_find_hdr(message, PJSIP_H_AUTHORIZATION, header->next);
    }
    return NULL;
}

/** The nonce count, eight hexadecimal digits; 0: it is none. */
static uint32_t count_of(const pj_str_t *text)
{
    char digits[9];
    if (text->slen != 8)
        return 0;
    memcpy(digits, text->ptr, 8);
    digits[8] = 0;
    return strspn(digits, "0123456789abcdefABCDEF") == 8 ? (uint32_t)strtoul(digits, NULL, 16) : 0;
}

/** RFC 7616 §3.4.6: the URI that has been signed is the one that is asked for. */
static bool is_for_this_uri(pjsip_rx_data *rdata, const pj_str_t *signed_uri)
{
    pj_str_t copy;
    pj_strdup_with_null(rdata->tp_info.pool, &copy, signed_uri);
    pjsip_uri *uri = pjsip_parse_uri(rdata->tp_info.pool, copy.ptr, (pj_size_t)copy.slen, 0);
    return uri && pjsip_uri_cmp(PJSIP_URI_IN_REQ_URI, uri, rdata->msg_info.msg->line.req.uri) == PJ_SUCCESS;
}

static enum authentication refuse(pjsip_rx_data *rdata, int status)
{
    server_respond(rdata, status, NULL);
    if (rdata->msg_info.msg->line.req.method.id == PJSIP_INVITE_METHOD)
        server_refused(rdata, status);
    return AUTH_ANSWERED;
}

static enum authentication ask_again(pjsip_rx_data *rdata, bool stale)
{
    challenge(rdata, stale);
    return AUTH_ANSWERED;
}

enum authentication authenticate(pjsip_rx_data *rdata, char *user, size_t size)
{
    enum digest_algorithm algorithm;
    struct account account;
    bool known;
    user[0] = 0;
    if (!sip.realm[0] || !account_find("", &account, &known))
        return AUTH_NONE;
    const pjsip_digest_credential *credential = find_credential(rdata, &algorithm);
    if (!credential || pj_stricmp2(&credential->qop, "auth") != 0)
        return ask_again(rdata, false);

    char name[64];
    bool whole = text_copy(name, sizeof(name), &credential->username);
    account_find(whole ? name : "", &account, &known);
    bool matches = digest_matches(algorithm, credential, account.secrets[algorithm], account.hashed[algorithm],
                                  &rdata->msg_info.msg->line.req.method.name);
    if (!matches || !known) {
        atomic_fetch_add(&sip.auth_failed, 1);
        server_forbid(rdata, known ? "wrong password" : "no agent of that name");
        return AUTH_ANSWERED;
    }
    if (!nonce_is_fresh(&credential->nonce))
        return ask_again(rdata, true);
    uint32_t count = count_of(&credential->nc);
    if (count == 0 || !is_for_this_uri(rdata, &credential->uri))
        return refuse(rdata, PJSIP_SC_BAD_REQUEST);
    switch (nonce_count(&credential->nonce, count)) {
    case NONCE_USED: break;
    case NONCE_REPLAYED: atomic_fetch_add(&sip.auth_replayed, 1); return ask_again(rdata, true);
    case NONCE_FORGOTTEN: return ask_again(rdata, true);
    }
    atomic_fetch_add(&sip.auth_accepted, 1);
    snprintf(user, size, "%s", name);
    return AUTH_PASSED;
}
