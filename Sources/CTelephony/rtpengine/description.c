/* The session descriptions that nodes are given, one stream of RTP as agreed with the peer, and what is read in theirs. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"
#include "../private/rtpengine.h"

typedef struct text {
    char *buffer;
    size_t size, length;
} text;

static void add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(t->buffer + t->length, t->size - t->length, format, arguments);
    va_end(arguments);
    t->length += (size_t)length < t->size - t->length ? (size_t)length : t->size - t->length - 1;
}

static void add_number(text *t, const media_format *f, bool outer, bool event)
{
    int number = event ? (outer ? f->event_tx_pt : f->event_rx_pt) : (outer ? f->tx_pt : f->rx_pt);
    if (!event || number != 0)
        add(t, " %d", number);
}

static void add_map(text *t, const media_format *f, bool outer)
{
    add(t, "a=rtpmap:%d %s/%u%s\r\n", outer ? f->tx_pt : f->rx_pt, sdp_codec_name(f->codec), f->clock_rate,
        f->codec == MEDIA_OPUS ? "/2" : "");
    int event = outer ? f->event_tx_pt : f->event_rx_pt;
    if (event != 0)
        add(t, "a=rtpmap:%d telephone-event/%u\r\na=fmtp:%d 0-15\r\n", event, f->clock_rate, event);
}

static void add_key(text *t, const far_sdp *sdp)
{
    char line[160];
    if (sdp->tag == 0)
        return;
    crypto_text(line, sizeof(line), sdp->tag, sdp->crypto->suite, sdp->crypto->in_key);
    add(t, "a=crypto:%s\r\n", line);
}

static const char *host_of(const media_address *address, char host[INET6_ADDRSTRLEN])
{
    bool v6 = address->any.sa_family == AF_INET6;
    host[0] = 0;
    inet_ntop(address->any.sa_family, v6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr, host,
              INET6_ADDRSTRLEN);
    return host;
}

size_t far_write_sdp(char *buffer, size_t size, const far_sdp *sdp)
{
    char host[INET6_ADDRSTRLEN];
    text t = {buffer, size, 0};
    int family = sdp->address.any.sa_family == AF_INET6 ? 6 : 4;
    host_of(&sdp->address, host);
    add(&t, "v=0\r\no=- 1 1 IN IP%d %s\r\ns=-\r\nc=IN IP%d %s\r\nt=0 0\r\nm=audio %u RTP/%s", family, host, family,
        host, ntohs(sdp->address.v4.sin_port), sdp->tag != 0 ? "SAVP" : "AVP");
    for (int i = 0; i < sdp->format_count; i++)
        add_number(&t, &sdp->formats[i], sdp->outer, false);
    for (int i = 0; i < sdp->format_count; i++)
        add_number(&t, &sdp->formats[i], sdp->outer, true);
    add(&t, "\r\n");
    for (int i = 0; i < sdp->format_count; i++)
        add_map(&t, &sdp->formats[i], sdp->outer);
    if (sdp->control != NULL) /* RFC 3605 */
        add(&t, "a=rtcp:%u IN IP%d %s\r\n", ntohs(sdp->control->v4.sin_port),
            sdp->control->any.sa_family == AF_INET6 ? 6 : 4, host_of(sdp->control, host));
    add_key(&t, sdp);
    add(&t, "a=%s\r\n", sdp->direction);
    return t.length;
}

/* The rest of the last line that begins so. */
static bool find_line(ben_value sdp, const char *start, char *line, size_t size)
{
    bool found = false;
    const char *at = sdp.data, *end = sdp.data + sdp.size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop != NULL ? stop : end) - at), prefix = strlen(start);
        if (length >= prefix && memcmp(at, start, prefix) == 0 && length - prefix < size) {
            memcpy(line, at + prefix, length - prefix);
            line[length - prefix] = 0;
            line[strcspn(line, "\r")] = 0;
            found = true;
        }
        at += length + 1;
    }
    return found;
}

bool far_read_sdp(ben_value sdp, media_address *address)
{
    char connection[128], media[256], host[64];
    unsigned port;
    if (!find_line(sdp, "c=IN IP", connection, sizeof(connection)) ||
        !find_line(sdp, "m=audio ", media, sizeof(media)) || sscanf(connection + 1, " %63s", host) != 1 ||
        sscanf(media, "%u", &port) != 1 || port == 0 || port > UINT16_MAX - 1)
        return false;
    memset(address, 0, sizeof(*address));
    bool v6 = connection[0] == '6';
    address->any.sa_family = v6 ? AF_INET6 : AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    return inet_pton(address->any.sa_family, host, v6 ? (void *)&address->v6.sin6_addr : &address->v4.sin_addr) == 1;
}

bool far_read_keys(ben_value sdp, far_key keys[MEDIA_SUITES])
{
    static const char start[] = "a=crypto:";
    memset(keys, 0, MEDIA_SUITES * sizeof(*keys));
    const char *at = sdp.data, *end = sdp.data + sdp.size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop != NULL ? stop : end) - at);
        struct sdp_crypto crypto;
        if (length > strlen(start) && memcmp(at, start, strlen(start)) == 0 &&
            crypto_read_text(at + strlen(start), length - strlen(start), &crypto)) {
            keys[crypto.suite].tag = crypto.tag;
            memcpy(keys[crypto.suite].key, crypto.key, MEDIA_KEY);
        }
        at += length + 1;
    }
    bool all = keys[MEDIA_AES_CM_128_HMAC_SHA1_80].tag != 0; /* which everybody has */
    for (int suite = 0; suite < MEDIA_SUITES; suite++)
        all = all && (keys[suite].tag != 0 || !media_has_suite((media_suite)suite));
    return all;
}
