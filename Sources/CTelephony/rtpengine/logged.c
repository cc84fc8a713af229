/*
 * Digits by a node's log of them (`dtmf-log-dest`), one JSON object a datagram, when each ends: the node keeps the
 * packets to itself (`block DTMF`), whoever the leg is joined with, so that each digit is heard of once.
 *
 * Whether a node's log comes here is tried by sending a digit through a call of our own. A node that keeps its log to
 * itself lets digits pass, and its legs are not joined there: no feature code is ever missed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../private/rtpengine.h"

#define MAX_LINE 2048
#define PROBE_EVENT 5
#define PROBE_PACKETS 6

static int log_fd = -1, probe_fd = -1;

bool logged_start(const char *address, char *error, size_t error_size)
{
    media_address own;
    log_fd = far_open_socket(address, true);
    if (log_fd < 0) {
        snprintf(error, error_size, "the rtpengine nodes' log of digits cannot come to \"%s\": %s", address,
                 strerror(errno));
        return false;
    }
    ports_address(&own);
    probe_fd = socket(own.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = own.any.sa_family == AF_INET ? sizeof(own.v4) : sizeof(own.v6);
    return probe_fd >= 0 && bind(probe_fd, &own.any, size) == 0;
}

void logged_stop(void)
{
    for (int i = 0; i < 2; i++) {
        int *fd = (int *[]){&log_fd, &probe_fd}[i];
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
    }
}

int logged_fd(void)
{
    return log_fd;
}

/* The value behind "key": in the line, a string without its quotes; 0: it is not there. */
static size_t field(const char *line, const char *key, const char **value)
{
    const char *at = strstr(line, key);
    if (at == NULL)
        return 0;
    at += strlen(key);
    if (*at == '"') {
        *value = at + 1;
        return strcspn(at + 1, "\"");
    }
    *value = at;
    return strcspn(at, ",}");
}

static void take(const char *line)
{
    const char *call, *tag, *event;
    size_t call_size = field(line, "\"callid\":", &call), tag_size = field(line, "\"source_tag\":", &tag);
    far_call *c = call_named(call, call_size);
    if (c == NULL || tag_size != 4 || memcmp(tag, "peer", 4) != 0 || field(line, "\"event\":", &event) == 0)
        return;
    if (c == c->node->probe) {
        c->node->hears_digits = true;
        call_end(c);
    } else if (c->leg != 0 && c->blocked) {
        commands_post_digit(c->leg, (uint8_t)strtoul(event, NULL, 10));
    }
}

void logged_read(void)
{
    char line[MAX_LINE];
    ssize_t size;
    while ((size = recv(log_fd, line, sizeof(line) - 1, MSG_DONTWAIT)) > 0) {
        line[size] = 0;
        take(line);
    }
}

void logged_probe(node *n)
{
    media_address own;
    socklen_t size = sizeof(own);
    if (log_fd < 0 || getsockname(probe_fd, &own.any, &size) != 0)
        return;
    if (n->probe != NULL)
        call_end(n->probe);
    call_probe(n, ntohs(own.v4.sin_port));
}

void logged_send_probe(const media_address *to)
{
    uint8_t packet[RTP_HEADER + 4] = {0x80};
    for (uint16_t i = 0; i < PROBE_PACKETS; i++) {
        bool end = i >= PROBE_PACKETS / 2;
        stream_header(packet, 101, i == 0, i, 160, 1);
        packet[RTP_HEADER] = PROBE_EVENT;
        packet[RTP_HEADER + 1] = (uint8_t)(10 | (end ? 0x80 : 0));
        packet[RTP_HEADER + 2] = 800 >> 8;
        packet[RTP_HEADER + 3] = 800 & 0xff;
        sendto(probe_fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL, &to->any,
               to->any.sa_family == AF_INET ? sizeof(to->v4) : sizeof(to->v6));
    }
}
