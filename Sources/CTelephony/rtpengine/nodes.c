/* The rtpengine nodes: who answers, and how many calls each has ready for legs to come. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../private/rtpengine.h"

#define PING_US 1000000
#define RESERVE 32
#define MAX_MAKING 16 /* at a time */
#define OLD_US 25000000 /* a node ends a call without RTP after its `timeout`, 60 s where nothing else is said */
#define FIRST_PROBE_US 2000000
#define PROBE_US 30000000

node far_nodes[FAR_MAX_NODES];
int far_node_count;

/* "udp:127.0.0.1:22222" or "udp:[::1]:22222"; the port is at the same place in both kinds of address. */
static bool parse(const char *text, media_address *address)
{
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(text, ':');
    if (strncmp(text, "udp:", 4) != 0 || colon == text + 3)
        return false;
    text += 4;
    bool v6 = text[0] == '[' && colon[-1] == ']';
    size_t length = (size_t)(colon - text) - (v6 ? 2 : 0);
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (length >= sizeof(host) || *end != 0 || port == 0 || port > UINT16_MAX)
        return false;
    memcpy(host, text + (v6 ? 1 : 0), length);
    host[length] = 0;
    memset(address, 0, sizeof(*address));
    address->any.sa_family = v6 ? AF_INET6 : AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    return inet_pton(address->any.sa_family, host, v6 ? (void *)&address->v6.sin6_addr : &address->v4.sin_addr) == 1;
}

int far_open_socket(const char *text, bool local)
{
    media_address address;
    if (!parse(text, &address)) {
        errno = EINVAL;
        return -1;
    }
    socklen_t size = address.any.sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
    int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (local ? bind(fd, &address.any, size) : connect(fd, &address.any, size)) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

bool nodes_start(const tel_config *config, char *error, size_t error_size)
{
    if (config->rtpengine_count > FAR_MAX_NODES) {
        snprintf(error, error_size, "more than %d rtpengine nodes", FAR_MAX_NODES);
        return false;
    }
    for (size_t i = 0; i < config->rtpengine_count; i++) {
        node *n = &far_nodes[far_node_count];
        *n = (node){.ready_end = &n->ready};
        snprintf(n->name, sizeof(n->name), "%s", config->rtpengines[i]);
        n->fd = far_open_socket(config->rtpengines[i], false);
        if (n->fd < 0) {
            snprintf(error, error_size, "rtpengine node \"%s\": %s", config->rtpengines[i], strerror(errno));
            return false;
        }
        far_node_count++;
    }
    return true;
}

void nodes_stop(void)
{
    for (int i = 0; i < far_node_count; i++)
        close(far_nodes[i].fd);
    far_node_count = 0;
}

/* ---------------------------------------------------------------- coming and going */

void node_lost(node *n)
{
    if (!n->up)
        return;
    n->up = n->doubtful = n->hears_digits = false;
    n->announce = true;
    ng_give_up(n);
    n->lost += calls_lost(n);
}

static void on_ping(void *context, ben_value reply)
{
    node *n = context;
    n->pinging = false;
    bool answers = ng_is_ok(reply);
    if (!answers && !n->up && !n->seen)
        n->seen = n->announce = true;
    if (!answers || n->up)
        return;
    n->up = n->announce = n->seen = true;
    n->refused_file = NULL;
    n->probed = n->told_of_digits = false;
    n->probe_due_us = 0;
}

/* A node that has been started anew does not know the calls that it had made before. */
static void on_canary(void *context, ben_value reply)
{
    node *n = context;
    n->pinging = false;
    if (reply.size == 0 || ng_is_ok(reply))
        return;
    node_lost(n);
    n->pinged_us = 0; /* it is there, and its legs wait for it */
}

static void ping(node *n)
{
    char buffer[NG_MAX_REQUEST];
    ben_writer w;
    n->pinging = true;
    if (n->up && n->ready != NULL) {
        ask_query(n->ready, on_canary, n);
        return;
    }
    ben_begin(&w, buffer, sizeof(buffer));
    ben_text(&w, "command", "ping");
    if (ben_end(&w))
        ng_send(n, &w, on_ping, n);
}

/* Once more after a moment, and then from time to time: the node may be started anew with other options. */
static void probe(node *n, int64_t now)
{
    if (n->probed && !n->told_of_digits) {
        n->told_of_digits = true;
        snprintf(n->note, sizeof(n->note), "its log of digits does not come here (--dtmf-log-dest, media.rtpengineDigits): "
                                           "RTP of legs with digits passes through this controller");
    }
    n->probe_due_us = now + (n->probed ? PROBE_US : FIRST_PROBE_US);
    n->probed = true;
    logged_probe(n);
}

void nodes_tick(int64_t now)
{
    for (int i = 0; i < far_node_count; i++) {
        node *n = &far_nodes[i];
        if (!n->pinging && now - n->pinged_us >= PING_US) {
            n->pinged_us = now;
            ping(n);
        }
        if (!n->up)
            continue;
        if (n->ready != NULL && now - n->ready->made_us > OLD_US)
            call_end_oldest(n);
        while (n->up && now >= n->resume_us && n->ready_count + n->making < RESERVE && n->making < MAX_MAKING)
            call_make(n);
        if (!n->hears_digits && now >= n->probe_due_us)
            probe(n, now);
    }
}

void nodes_read(int fd)
{
    static char reply[NG_MAX_REPLY];
    for (int i = 0; i < far_node_count; i++) {
        node *n = &far_nodes[i];
        if (n->fd != fd)
            continue;
        ssize_t size;
        while ((size = recv(fd, reply, sizeof(reply), MSG_DONTWAIT)) > 0)
            ng_receive(n, reply, (size_t)size);
        if (size < 0 && errno == ECONNREFUSED)
            node_lost(n);
    }
}

/* ---------------------------------------------------------------- telling */

void nodes_announce(void)
{
    for (int i = 0; i < far_node_count; i++) {
        node *n = &far_nodes[i];
        pthread_mutex_lock(&far_lock);
        node copy = *n;
        n->announce = false;
        n->lost = n->adopted = 0;
        n->note[0] = 0;
        pthread_mutex_unlock(&far_lock);
        tel_event event = {.kind = TEL_EVENT_MEDIA_NODE, .source = copy.name, .answered = copy.up, .legs = copy.lost};
        if (copy.announce)
            tel_emit(&event);
        event = (tel_event){.kind = TEL_EVENT_MEDIA_NODE, .source = copy.name, .answered = copy.up, .reason = copy.note};
        if (copy.note[0] != 0)
            tel_emit(&event);
        snprintf(copy.note, sizeof(copy.note), "has taken over legs that had lost their media: %u", copy.adopted);
        if (copy.adopted != 0)
            tel_emit(&event);
    }
}

bool tel_get_media_node(size_t index, tel_media_node *status)
{
    if (!far_on() || index >= (size_t)far_node_count)
        return false;
    pthread_mutex_lock(&far_lock);
    const node *n = &far_nodes[index];
    *status = (tel_media_node){.up = n->up, .hears_digits = n->hears_digits, .legs = n->legs, .ready = n->ready_count};
    memcpy(status->address, n->name, sizeof(status->address));
    pthread_mutex_unlock(&far_lock);
    return true;
}
