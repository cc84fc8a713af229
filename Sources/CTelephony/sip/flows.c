/*
 * The connections by which phones have registered over TCP and TLS. A call to such a phone goes the same way back (as in
 * RFC 5626 §5.3): a phone behind NAT takes no connections, and one that takes them has no certificate to show.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/sip.h"

struct flow {
    char uri[256]; /**< the Contact registered */
    pjsip_transport *transport;
};

static struct {
    struct flow *list;
    size_t count, room;
    pthread_mutex_t mutex;
} flows = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/** With the mutex held. The reference goes to the caller. */
static pjsip_transport *take_out(size_t at)
{
    pjsip_transport *transport = flows.list[at].transport;
    flows.list[at] = flows.list[--flows.count];
    return transport;
}

/** With the mutex held. */
static size_t find(const char *uri)
{
    size_t at = 0;
    while (at < flows.count && strcmp(flows.list[at].uri, uri) != 0)
        at++;
    return at;
}

static bool make_room(void)
{
    if (flows.count < flows.room)
        return true;
    size_t room = flows.room ? flows.room * 2 : 64;
    struct flow *list = realloc(flows.list, room * sizeof(*list));
    if (list) {
        flows.list = list;
        flows.room = room;
    }
    return list != NULL;
}

void flow_forget(const char *uri)
{
    pthread_mutex_lock(&flows.mutex);
    size_t at = find(uri);
    pjsip_transport *transport = at < flows.count ? take_out(at) : NULL;
    pthread_mutex_unlock(&flows.mutex);
    if (transport)
        pjsip_transport_dec_ref(transport);
}

void flow_note(const char *uri, pjsip_transport *transport)
{
    flow_forget(uri);
    if (!PJSIP_TRANSPORT_IS_RELIABLE(transport) || transport->is_shutdown || transport->is_destroying)
        return;
    pjsip_transport_add_ref(transport);
    pthread_mutex_lock(&flows.mutex);
    bool noted = make_room();
    if (noted) {
        snprintf(flows.list[flows.count].uri, sizeof(flows.list[0].uri), "%s", uri);
        flows.list[flows.count++].transport = transport;
    }
    pthread_mutex_unlock(&flows.mutex);
    if (!noted)
        pjsip_transport_dec_ref(transport);
}

bool flow_exists(const char *uri)
{
    pthread_mutex_lock(&flows.mutex);
    bool exists = find(uri) < flows.count;
    pthread_mutex_unlock(&flows.mutex);
    return exists;
}

void flow_use(pjsip_dialog *dialog, const char *uri)
{
    pthread_mutex_lock(&flows.mutex);
    size_t at = find(uri);
    pjsip_transport *transport = at < flows.count ? flows.list[at].transport : NULL;
    if (transport)
        pjsip_transport_add_ref(transport);
    pthread_mutex_unlock(&flows.mutex);
    if (!transport)
        return;
    pjsip_tpselector selector = {.type = PJSIP_TPSELECTOR_TRANSPORT, .u.transport = transport};
    pjsip_dlg_set_transport(dialog, &selector);
    pjsip_transport_dec_ref(transport);
}

void flows_on_closed(const pjsip_transport *closed)
{
    for (bool found = true; found;) {
        pjsip_transport *transport = NULL;
        pthread_mutex_lock(&flows.mutex);
        for (size_t i = 0; i < flows.count && !transport; i++) {
            if (flows.list[i].transport == closed)
                transport = take_out(i);
        }
        pthread_mutex_unlock(&flows.mutex);
        found = transport != NULL;
        if (found)
            pjsip_transport_dec_ref(transport);
    }
}

void flows_clear(void)
{
    while (flows.count > 0)
        flows_on_closed(flows.list[0].transport);
    free(flows.list);
    flows.list = NULL;
    flows.room = 0;
}
