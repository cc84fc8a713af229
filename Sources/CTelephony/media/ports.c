/* RTP and RTCP sockets: even port and the next. Ports are given out in turn, so that late packets meet no new call. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../private/media_internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static media_address local[2]; /* the second one of the other family; family 0: none */
static uint16_t first_port;
static uint32_t pair_count;
static uint32_t cursor;
static uint8_t *taken; /* one byte a pair */

/* Two descriptors a leg, and room for SIP's transports and the process's own. */
static void raise_descriptor_limit(uint32_t pairs)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)pairs * 2 + 1024;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool parse_address(const char *text, media_address *address)
{
    char host[INET6_ADDRSTRLEN + 2];
    size_t length = strlen(text);
    if (length >= sizeof(host))
        return false;
    bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    memcpy(host, text + bracketed, length - 2 * bracketed);
    host[length - 2 * bracketed] = 0;
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->any.sa_family = AF_INET;
        return true;
    }
    if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1) {
        address->any.sa_family = AF_INET6;
        return true;
    }
    return false;
}

static bool parse_addresses(const char *const texts[2], char *error, size_t error_size)
{
    memset(local, 0, sizeof(local));
    for (int i = 0; i < 2; i++) {
        if (texts[i] != NULL && !parse_address(texts[i], &local[i])) {
            snprintf(error, error_size, "media address \"%s\" is no IP address", texts[i]);
            return false;
        }
    }
    if (local[0].any.sa_family == local[1].any.sa_family) {
        snprintf(error, error_size, "media addresses %s and %s are of one kind", texts[0], texts[1]);
        return false;
    }
    return true;
}

/* Whether a pair of that family can be bound. */
static bool try_out(int family)
{
    int rtp, rtcp;
    uint16_t port = ports_take(family, &rtp, &rtcp);
    if (port == 0)
        return false;
    close(rtp);
    close(rtcp);
    ports_give_back(port);
    return true;
}

tel_result ports_start(const tel_config *config, char *error, size_t error_size)
{
    const char *texts[2] = {config->media_address, config->media_other_address};
    if (!parse_addresses(texts, error, error_size))
        return TEL_ERR_INVALID;
    first_port = (uint16_t)((config->port_first + 1u) & ~1u);
    if (config->port_first == 0 || config->port_last < config->port_first || config->port_last <= first_port) {
        snprintf(error, error_size, "media ports %u to %u hold no RTP/RTCP pair", config->port_first,
                 config->port_last);
        return TEL_ERR_INVALID;
    }
    pair_count = ((uint32_t)config->port_last - first_port + 1) / 2;
    cursor = 0;
    taken = calloc(pair_count, 1);
    if (taken == NULL) {
        snprintf(error, error_size, "no memory for the table of media ports");
        return TEL_ERR_FULL;
    }
    raise_descriptor_limit(pair_count);

    for (int i = 0; i < 2; i++) {
        if (texts[i] == NULL || try_out(local[i].any.sa_family))
            continue;
        snprintf(error, error_size, "cannot bind any RTP port from %u to %u at %s: %s", config->port_first,
                 config->port_last, texts[i], strerror(errno));
        ports_stop();
        return TEL_ERR_SYSTEM;
    }
    return TEL_OK;
}

void ports_stop(void)
{
    pthread_mutex_lock(&lock);
    free(taken);
    taken = NULL;
    pair_count = 0;
    pthread_mutex_unlock(&lock);
}

void ports_address(media_address *address)
{
    *address = local[0];
}

static int bind_socket(int family, uint16_t port)
{
    media_address address = local[local[1].any.sa_family == family];
    socklen_t size = sizeof(address.v4);
    address.v4.sin_port = htons(port);
    if (address.any.sa_family == AF_INET6) {
        address.v6.sin6_port = htons(port);
        size = sizeof(address.v6);
    }
    int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int expedited = IPTOS_DSCP_EF; /* RFC 4594 §4.1: telephony */
    if (address.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &expedited, sizeof(expedited));
    else
        setsockopt(fd, IPPROTO_IP, IP_TOS, &expedited, sizeof(expedited));
    if (bind(fd, &address.any, size) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static uint32_t next_free_pair(void)
{
    uint32_t pair = UINT32_MAX;
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < pair_count && pair == UINT32_MAX; i++) {
        uint32_t candidate = (cursor + i) % pair_count;
        if (taken[candidate])
            continue;
        taken[candidate] = 1;
        cursor = candidate + 1;
        pair = candidate;
    }
    pthread_mutex_unlock(&lock);
    return pair;
}

uint16_t ports_take(int family, int *rtp_fd, int *rtcp_fd)
{
    /* A pair that somebody else has bound is passed over; once round is enough. */
    for (uint32_t tries = pair_count; tries > 0; tries--) {
        uint32_t pair = next_free_pair();
        if (pair == UINT32_MAX)
            return 0;
        uint16_t port = (uint16_t)(first_port + pair * 2);
        *rtp_fd = bind_socket(family, port);
        *rtcp_fd = *rtp_fd < 0 ? -1 : bind_socket(family, (uint16_t)(port + 1));
        if (*rtcp_fd >= 0)
            return port;
        int reason = errno;
        if (*rtp_fd >= 0)
            close(*rtp_fd);
        ports_give_back(port);
        errno = reason;
        if (reason != EADDRINUSE && reason != EACCES)
            return 0;
    }
    return 0;
}

void ports_give_back(uint16_t port)
{
    pthread_mutex_lock(&lock);
    uint32_t pair = (uint32_t)(port - first_port) / 2;
    if (pair < pair_count)
        taken[pair] = 0;
    pthread_mutex_unlock(&lock);
}
