/*
 * Nonces (RFC 7616 §3.3, §5.12): each is the instant of its issue, signed with a key of this process, so that issuing
 * one takes no memory. What is kept is which counts have been used with the nonces that signed correctly, so that
 * nobody can send such a request again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../private/sip.h"

#define DEFAULT_LIFE_S 300
#define TIME_DIGITS 16
#define SIGNATURE_BYTES 20
#define NONCE_LENGTH (TIME_DIGITS + 2 * SIGNATURE_BYTES)
#define SETS 1024
#define WAYS 4
#define WINDOW 64 /* how far counts may come out of order, as those of datagrams may */

struct used {
    uint64_t id; /**< 0: free */
    uint32_t highest;
    uint64_t seen; /**< bit n: highest - n has been used */
};

/** All but `last_issued` belong to the SIP worker. */
static struct {
    uint8_t key[32];
    int64_t life_us;
    uint64_t last_issued;
    struct {
        struct used ways[WAYS];
        uint64_t floor; /**< what was issued up to then may have been used and forgotten */
    } sets[SETS];
} nonces;

static uint64_t now_us(void)
{
    int64_t wall, mono;
    tel_now(&wall, &mono);
    return (uint64_t)mono;
}

void nonces_start(uint32_t life_s)
{
    memset(&nonces, 0, sizeof(nonces));
    nonces.life_us = (int64_t)(life_s ? life_s : DEFAULT_LIFE_S) * 1000000;
    if (getrandom(nonces.key, sizeof(nonces.key), 0) != sizeof(nonces.key))
        abort(); /* Linux: cannot fail for so few bytes */
}

static void sign(const char *issued, char *signature)
{
    uint8_t mac[SIGNATURE_BYTES];
    pj_hmac_sha1((const pj_uint8_t *)issued, TIME_DIGITS, nonces.key, sizeof(nonces.key), mac);
    for (size_t i = 0; i < sizeof(mac); i++)
        snprintf(signature + 2 * i, 3, "%02x", mac[i]);
}

void nonce_issue(char nonce[DIGEST_NONCE_SIZE])
{
    uint64_t issued = now_us();
    if (issued <= nonces.last_issued)
        issued = nonces.last_issued + 1;
    nonces.last_issued = issued;
    snprintf(nonce, DIGEST_NONCE_SIZE, "%016llx", (unsigned long long)issued);
    sign(nonce, nonce + TIME_DIGITS);
}

/** When the nonce was issued; 0: not by us. */
static uint64_t issue_of(const pj_str_t *nonce)
{
    char text[TIME_DIGITS + 1], signature[2 * SIGNATURE_BYTES + 1];
    if (nonce->slen != NONCE_LENGTH)
        return 0;
    memcpy(text, nonce->ptr, TIME_DIGITS);
    text[TIME_DIGITS] = 0;
    sign(text, signature);
    unsigned difference = 0;
    for (size_t i = 0; i < 2 * SIGNATURE_BYTES; i++)
        difference |= (unsigned)(signature[i] ^ nonce->ptr[TIME_DIGITS + i]);
    return difference == 0 ? strtoull(text, NULL, 16) : 0;
}

bool nonce_is_fresh(const pj_str_t *nonce)
{
    uint64_t issued = issue_of(nonce);
    return issued != 0 && now_us() - issued < (uint64_t)nonces.life_us;
}

static enum nonce_use count_use(struct used *used, uint32_t count)
{
    if (count > used->highest) {
        uint32_t ahead = count - used->highest;
        used->seen = (ahead < WINDOW ? used->seen << ahead : 0) | 1;
        used->highest = count;
        return NONCE_USED;
    }
    uint32_t behind = used->highest - count;
    if (behind >= WINDOW || (used->seen >> behind & 1))
        return NONCE_REPLAYED;
    used->seen |= (uint64_t)1 << behind;
    return NONCE_USED;
}

enum nonce_use nonce_count(const pj_str_t *nonce, uint32_t count)
{
    uint64_t id = issue_of(nonce);
    size_t set = (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) % SETS;
    struct used *ways = nonces.sets[set].ways, *oldest = &ways[0];
    for (int i = 0; i < WAYS; i++) {
        if (ways[i].id == id)
            return count_use(&ways[i], count);
        if (ways[i].id < oldest->id)
            oldest = &ways[i];
    }
    if (id <= nonces.sets[set].floor)
        return NONCE_FORGOTTEN;
    if (oldest->id > nonces.sets[set].floor)
        nonces.sets[set].floor = oldest->id;
    *oldest = (struct used){.id = id, .highest = count, .seen = 1};
    return NONCE_USED;
}
