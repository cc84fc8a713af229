/*
 * SDES (RFC 4568): keys of SRTP in a=crypto of the session description. The peer's attribute carries the key with which
 * the peer sends. Our own key stays the same for the life of a dialog, so that a re-INVITE changes nothing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "../private/leg.h"

static const struct {
    const char *name;
    size_t size; /**< key and salt */
} suites[MEDIA_SUITES] = {
    [MEDIA_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 44},              /* RFC 7714 §14.2 */
    [MEDIA_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 28},              /* RFC 7714 §14.2 */
    [MEDIA_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 30}, /* RFC 4568 §6.2.1 */
    [MEDIA_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 30}, /* RFC 4568 §6.2.2 */
};

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The number of bytes decoded; 0: this is no base64 of at most `size` bytes. */
static size_t decode(const char *text, size_t length, uint8_t *bytes, size_t size)
{
    uint32_t bits = 0;
    int held = 0;
    size_t count = 0;
    while (length > 0 && text[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++) {
        const char *place = text[i] ? strchr(base64, text[i]) : NULL;
        if (!place)
            return 0;
        bits = bits << 6 | (uint32_t)(place - base64);
        held += 6;
        if (held >= 8) {
            held -= 8;
            if (count == size)
                return 0;
            bytes[count++] = (uint8_t)(bits >> held);
        }
    }
    return count;
}

static void encode(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= i + 2 < size ? bytes[i + 2] : 0;
        *text++ = base64[bits >> 18];
        *text++ = base64[bits >> 12 & 63];
        *text++ = i + 1 < size ? base64[bits >> 6 & 63] : '=';
        *text++ = i + 2 < size ? base64[bits & 63] : '=';
    }
    *text = 0;
}

static int suite_named(const pj_str_t *name)
{
    for (int i = 0; i < MEDIA_SUITES; i++) {
        if (pj_stricmp2(name, suites[i].name) == 0)
            return i;
    }
    return MEDIA_SUITES;
}

static pj_str_t next_word(pj_str_t *rest)
{
    while (rest->slen > 0 && *rest->ptr == ' ') {
        rest->ptr++;
        rest->slen--;
    }
    pj_str_t word = {rest->ptr, 0};
    while (word.slen < rest->slen && word.ptr[word.slen] != ' ')
        word.slen++;
    rest->ptr += word.slen;
    rest->slen -= word.slen;
    return word;
}

/** "inline:KEY" with a lifetime at most: a master key identifier would have to be in every packet. */
static bool read_key(pj_str_t word, struct sdp_crypto *crypto)
{
    static const char method[] = "inline:";
    if (word.slen < (pj_ssize_t)strlen(method) || pj_strnicmp2(&word, method, strlen(method)) != 0)
        return false;
    const char *key = word.ptr + strlen(method), *end = word.ptr + word.slen;
    const char *bar = memchr(key, '|', (size_t)(end - key));
    size_t length = (size_t)((bar ? bar : end) - key), size = suites[crypto->suite].size;
    if (bar && memchr(bar, ':', (size_t)(end - bar)))
        return false;
    return decode(key, length, crypto->key, sizeof(crypto->key)) == size;
}

static bool read_attribute(const pjmedia_sdp_attr *attribute, struct sdp_crypto *crypto)
{
    pj_str_t rest = attribute->value;
    pj_str_t tag = next_word(&rest), suite = next_word(&rest), key = next_word(&rest);
    memset(crypto, 0, sizeof(*crypto));
    if (tag.slen == 0 || tag.slen > 9)
        return false;
    for (pj_ssize_t i = 0; i < tag.slen; i++) {
        if (!pj_isdigit(tag.ptr[i]))
            return false;
    }
    crypto->tag = (unsigned)pj_strtoul(&tag);
    crypto->suite = (media_suite)suite_named(&suite);
    if (crypto->suite == MEDIA_SUITES || !media_has_suite(crypto->suite) || !read_key(key, crypto))
        return false;
    /* RFC 4568 §6.3.7: an attribute with a parameter that is not understood is not used, unless marked by "-". */
    for (pj_str_t word = next_word(&rest); word.slen > 0; word = next_word(&rest)) {
        if (*word.ptr != '-' && pj_strnicmp2(&word, "WSH=", 4) != 0)
            return false;
    }
    crypto->present = true;
    return true;
}

bool crypto_read_text(const char *text, size_t size, struct sdp_crypto *crypto)
{
    while (size > 0 && text[size - 1] == '\r')
        size--;
    const pjmedia_sdp_attr attribute = {.value = {(char *)(uintptr_t)text, (pj_ssize_t)size}};
    return read_attribute(&attribute, crypto);
}

void crypto_text(char *text, size_t size, unsigned tag, media_suite suite, const uint8_t *key)
{
    char encoded[MEDIA_KEY * 2];
    encode(key, suites[suite].size, encoded);
    snprintf(text, size, "%u %s inline:%s", tag, suites[suite].name, encoded);
}

void crypto_read(const pjmedia_sdp_media *media, struct sdp_crypto *crypto)
{
    struct sdp_crypto other;
    memset(crypto, 0, sizeof(*crypto));
    for (unsigned i = 0; i < media->attr_count; i++) {
        if (pj_stricmp2(&media->attr[i]->name, "crypto") != 0)
            continue;
        if (!crypto->present)
            read_attribute(media->attr[i], crypto);
        else if (read_attribute(media->attr[i], &other) && other.suite < crypto->suite)
            *crypto = other; /* ours is the choice (RFC 4568 §5.1.2): the strongest */
    }
}

bool crypto_names(const pjmedia_sdp_media *media, unsigned tag, media_suite suite)
{
    struct sdp_crypto crypto;
    for (unsigned i = 0; i < media->attr_count; i++) {
        if (pj_stricmp2(&media->attr[i]->name, "crypto") == 0 && read_attribute(media->attr[i], &crypto) &&
            crypto.tag == tag && crypto.suite == suite)
            return true;
    }
    return false;
}

bool crypto_own_key(struct leg *leg, media_suite suite, uint8_t *key)
{
    if (!leg->has_own_keys) {
        leg->has_own_keys = getrandom(leg->own_keys, sizeof(leg->own_keys), 0) == sizeof(leg->own_keys);
        if (!leg->has_own_keys)
            return false;
    }
    memset(key, 0, MEDIA_KEY);
    memcpy(key, leg->own_keys[suite], suites[suite].size);
    return true;
}

void crypto_write(struct leg *leg, pj_pool_t *pool, pjmedia_sdp_media *media, unsigned tag, media_suite suite)
{
    uint8_t key[MEDIA_KEY];
    char value[160];
    if (!crypto_own_key(leg, suite, key))
        return;
    crypto_text(value, sizeof(value), tag, suite, key);
    pj_str_t text;
    pj_strdup2_with_null(pool, &text, value);
    pjmedia_sdp_media_add_attr(media, pjmedia_sdp_attr_create(pool, "crypto", &text));
}

void crypto_offer(struct leg *leg, pj_pool_t *pool, pjmedia_sdp_media *media)
{
    static const media_suite offered[] = {MEDIA_AEAD_AES_256_GCM, MEDIA_AES_CM_128_HMAC_SHA1_80,
                                          MEDIA_AES_CM_128_HMAC_SHA1_32};
    if (leg->agreed) {
        if (leg->params.crypto.on)
            crypto_write(leg, pool, media, 1, leg->params.crypto.suite);
        return;
    }
    unsigned tag = 1;
    for (size_t i = 0; i < PJ_ARRAY_SIZE(offered); i++) {
        if (media_has_suite(offered[i]))
            crypto_write(leg, pool, media, tag++, offered[i]);
    }
}
