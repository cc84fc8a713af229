/*
 * The ng protocol: requests over UDP, each with a cookie that its reply bears too. A request is sent again until it is
 * answered; a node keeps its replies for such repetitions, so nothing is done twice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "../private/rtpengine.h"

#define MAX_COOKIE 32

/* When a request is sent once more, counted from the first time; after the last of these it is given up. */
static const int64_t repeats_us[] = {150000, 450000, 900000, 1500000};
#define REPEATS (sizeof(repeats_us) / sizeof(repeats_us[0]))
#define DOUBT 2 /* repetitions after which the node gets no new legs while there are others */

typedef struct request {
    struct request *next;
    node *to;
    ng_done done;
    void *context;
    int64_t first_us;
    size_t repeats;
    char cookie[MAX_COOKIE];
    size_t size;
    char datagram[];
} request;

static request *requests;
static uint64_t last_cookie;

static void cookie_write(char *cookie)
{
    static uint32_t prefix;
    while (prefix == 0)
        (void)!getrandom(&prefix, sizeof(prefix), 0);
    snprintf(cookie, MAX_COOKIE, "%08x_%llu", prefix, (unsigned long long)++last_cookie);
}

/* What fails now is sent again later; a node whose port is closed says so, and is not waited for. */
static void transmit(const request *r)
{
    (void)!send(r->to->fd, r->datagram, r->size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void ng_send(node *to, const ben_writer *dictionary, ng_done done, void *context)
{
    request *r = calloc(1, sizeof(*r) + MAX_COOKIE + 1 + dictionary->size);
    if (r == NULL)
        return;
    cookie_write(r->cookie);
    int head = sprintf(r->datagram, "%s ", r->cookie);
    memcpy(r->datagram + head, dictionary->data, dictionary->size);
    r->size = (size_t)head + dictionary->size;
    r->to = to;
    r->done = done;
    r->context = context;
    r->first_us = media_clock();
    r->next = requests;
    requests = r;
    transmit(r);
}

void ng_receive(node *from, const char *data, size_t size)
{
    const char *space = memchr(data, ' ', size < MAX_COOKIE ? size : MAX_COOKIE);
    if (space == NULL)
        return;
    size_t length = (size_t)(space - data);
    for (request **place = &requests; *place != NULL; place = &(*place)->next) {
        request *r = *place;
        if (r->to != from || strlen(r->cookie) != length || memcmp(r->cookie, data, length) != 0)
            continue;
        *place = r->next;
        from->doubtful = false;
        r->done(r->context, (ben_value){space + 1, size - length - 1});
        free(r);
        return;
    }
}

/* Takes out one request that is to be given up; NULL: none. */
static request *overdue(int64_t now)
{
    for (request **place = &requests; *place != NULL; place = &(*place)->next) {
        request *r = *place;
        if (now - r->first_us < repeats_us[REPEATS - 1])
            continue;
        *place = r->next;
        return r;
    }
    return NULL;
}

int ng_tick(int64_t now)
{
    int64_t next = INT64_MAX;
    for (request *r; (r = overdue(now)) != NULL; free(r)) {
        r->done(r->context, (ben_value){0});
        node_lost(r->to); /* which ends what r was for */
    }
    for (request *r = requests; r != NULL; r = r->next) {
        if (now - r->first_us >= repeats_us[r->repeats]) {
            transmit(r);
            r->repeats++;
            r->to->doubtful = r->to->doubtful || r->repeats >= DOUBT;
        }
        int64_t due = r->first_us + repeats_us[r->repeats] - now;
        next = due < next ? due : next;
    }
    return next == INT64_MAX ? -1 : (int)(next > 0 ? next / 1000 + 1 : 1);
}

void ng_give_up(node *n)
{
    for (request **place = &requests; *place != NULL;) {
        request *r = *place;
        if (r->to != n) {
            place = &r->next;
            continue;
        }
        *place = r->next;
        r->done(r->context, (ben_value){0});
        free(r);
        place = &requests;
    }
}

void ng_clear(void)
{
    while (requests != NULL) {
        request *r = requests;
        requests = r->next;
        free(r);
    }
}

bool ng_is_ok(ben_value reply)
{
    ben_value result = ben_string(ben_get(reply, "result"));
    return (result.size == 2 && memcmp(result.data, "ok", 2) == 0) ||
           (result.size == 4 && memcmp(result.data, "pong", 4) == 0);
}
