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

size_t far_write_sdp(char *buffer, size_t size, const media_address *address, const media_format *formats, int count,
                     bool outer, const char *direction)
{
    char host[INET6_ADDRSTRLEN] = "";
    bool v6 = address->any.sa_family == AF_INET6;
    inet_ntop(address->any.sa_family, v6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr, host,
              sizeof(host));
    text t = {buffer, size, 0};
    int family = v6 ? 6 : 4;
    add(&t, "v=0\r\no=- 1 1 IN IP%d %s\r\ns=-\r\nc=IN IP%d %s\r\nt=0 0\r\nm=audio %u RTP/AVP", family, host, family, host,
        ntohs(address->v4.sin_port));
    for (int i = 0; i < count; i++)
        add_number(&t, &formats[i], outer, false);
    for (int i = 0; i < count; i++)
        add_number(&t, &formats[i], outer, true);
    add(&t, "\r\n");
    for (int i = 0; i < count; i++)
        add_map(&t, &formats[i], outer);
    add(&t, "a=%s\r\n", direction);
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
