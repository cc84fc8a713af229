/* Digest, the hash part (RFC 7616 §3.4.1): computed by PJSIP, in the two functions that its versions have in common. */
#include <string.h>

#include "../private/sip.h"

static const struct {
    const char *name;
    size_t length;
} algorithms[DIGEST_ALGORITHMS] = {
    [DIGEST_SHA256] = {"SHA-256", 64},
    [DIGEST_MD5] = {"MD5", 32},
};

const char *digest_name(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

size_t digest_length(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].length;
}

enum digest_algorithm digest_named(const pj_str_t *name)
{
    int algorithm = 0;
    if (name->slen == 0)
        return DIGEST_MD5; /* RFC 7616 §3.3 */
    while (algorithm < DIGEST_ALGORITHMS && pj_stricmp2(name, algorithms[algorithm].name) != 0)
        algorithm++;
    return (enum digest_algorithm)algorithm;
}

/** `response` has the length of the algorithm's hash; it stays as it is where PJSIP cannot compute that. */
static void compute(enum digest_algorithm algorithm, const pjsip_digest_credential *credential,
                    const pjsip_cred_info *secret, const pj_str_t *method, char response[DIGEST_MAX_HEX])
{
    pj_str_t result = {response, (pj_ssize_t)algorithms[algorithm].length};
    if (algorithm == DIGEST_MD5)
        pjsip_auth_create_digest(&result, &credential->nonce, &credential->nc, &credential->cnonce, &credential->qop,
                                 &credential->uri, &credential->realm, secret, method);
    else
        pjsip_auth_create_digestSHA256(&result, &credential->nonce, &credential->nc, &credential->cnonce,
                                       &credential->qop, &credential->uri, &credential->realm, secret, method);
}

bool digest_is_available(enum digest_algorithm algorithm)
{
    pj_str_t text = {"x", 1};
    const pjsip_digest_credential credential = {
        .realm = text, .username = text, .nonce = text, .uri = text, .cnonce = text, .qop = text, .nc = text};
    const pjsip_cred_info secret = {.username = text, .data_type = PJSIP_CRED_DATA_PLAIN_PASSWD, .data = text};
    char response[DIGEST_MAX_HEX] = {0};
    compute(algorithm, &credential, &secret, &text, response);
    return pj_isxdigit(response[0]) && pj_isxdigit(response[algorithms[algorithm].length - 1]);
}

bool digest_matches(enum digest_algorithm algorithm, const pjsip_digest_credential *credential, const char *secret,
                    bool hashed, const pj_str_t *method)
{
    pjsip_cred_info known = {
        .username = credential->username,
        .data_type = hashed ? PJSIP_CRED_DATA_DIGEST : PJSIP_CRED_DATA_PLAIN_PASSWD,
        .data = pj_str((char *)secret),
    };
    char response[DIGEST_MAX_HEX] = {0};
    size_t length = algorithms[algorithm].length;
    compute(algorithm, credential, &known, method, response);
    if (credential->response.slen != (pj_ssize_t)length || response[0] == 0)
        return false;
    /* Always to the end: the time it takes tells nothing of where the first difference is. */
    unsigned difference = 0;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned)(response[i] ^ pj_tolower(credential->response.ptr[i]));
    return difference == 0;
}
