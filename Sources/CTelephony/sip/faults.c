/* A module right above the transports: counts messages, and misbehaves on behalf of test phones (tel_faults). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../private/sip.h"

#define MOST_TRANSPORTS SIP_MAX_LISTEN
#define MOST_FORGOTTEN 64
#define CALL_ID_SIZE 128

typedef pj_status_t (*send_function)(pjsip_transport *transport, pjsip_tx_data *tdata, const pj_sockaddr_t *to, int length,
                                     void *token, pjsip_transport_callback callback);

static struct {
    struct {
        pjsip_transport *transport;
        pj_sock_t socket;
        send_function send;
    } watched[MOST_TRANSPORTS];
    size_t watched_count;
    pthread_mutex_t mutex;
    char forgotten[MOST_FORGOTTEN][CALL_ID_SIZE]; /**< Call-IDs of vanished legs, the oldest overwritten */
    size_t forgotten_count;
    int sent, received, refused;
} faults = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/** A datagram to be sent later. */
struct delayed {
    pj_timer_entry timer;
    pj_sock_t socket;
    pj_sockaddr to;
    int to_length;
    pj_ssize_t length;
    char bytes[];
};

void faults_forget_dialog(const pj_str_t *call_id)
{
    pthread_mutex_lock(&faults.mutex);
    text_copy(faults.forgotten[faults.forgotten_count++ % MOST_FORGOTTEN], CALL_ID_SIZE, call_id);
    pthread_mutex_unlock(&faults.mutex);
}

static bool is_forgotten(const pj_str_t *call_id)
{
    bool found = false;
    if (faults.forgotten_count == 0)
        return false;
    pthread_mutex_lock(&faults.mutex);
    for (size_t i = 0; i < faults.forgotten_count && i < MOST_FORGOTTEN && !found; i++)
        found = pj_strcmp2(call_id, faults.forgotten[i]) == 0;
    pthread_mutex_unlock(&faults.mutex);
    return found;
}

void faults_reset(void)
{
    pthread_mutex_lock(&faults.mutex);
    faults.watched_count = faults.forgotten_count = 0;
    faults.sent = faults.received = faults.refused = 0;
    pthread_mutex_unlock(&faults.mutex);
}

bool faults_refuse_offer(int *status)
{
    int limit = sip.faults.refuse_offer_count;
    if (sip.faults.refuse_reinvite == 0 || (limit > 0 && faults.refused >= limit))
        return false;
    if (status) {
        faults.refused++;
        *status = sip.faults.refuse_reinvite;
    }
    return true;
}

static bool counts(const pjsip_method *method)
{
    return !sip.fault_method[0] || pj_stricmp2(&method->name, sip.fault_method) == 0;
}

static pj_bool_t on_rx(pjsip_rx_data *rdata)
{
    atomic_fetch_add(&sip.received, 1);
    if (is_forgotten(&rdata->msg_info.cid->id))
        return PJ_TRUE;
    return sip.faults.drop_rx_nth && counts(&rdata->msg_info.cseq->method) &&
           ++faults.received == sip.faults.drop_rx_nth;
}

static pj_status_t on_tx(pjsip_tx_data *tdata)
{
    PJ_UNUSED_ARG(tdata);
    atomic_fetch_add(&sip.sent, 1);
    return PJ_SUCCESS;
}

static void send_now(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct delayed *delayed = entry->user_data;
    PJ_UNUSED_ARG(heap);
    pj_sock_sendto(delayed->socket, delayed->bytes, &delayed->length, 0, &delayed->to, delayed->to_length);
    free(delayed);
}

static void send_later(pj_sock_t socket, const pjsip_tx_data *tdata, const pj_sockaddr_t *to, int to_length)
{
    size_t length = (size_t)(tdata->buf.cur - tdata->buf.start);
    struct delayed *delayed = calloc(1, sizeof(*delayed) + length);
    pj_time_val delay = {0, (long)sip.faults.delay_ms};
    if (!delayed)
        return;
    delayed->socket = socket;
    delayed->to_length = to_length;
    delayed->length = (pj_ssize_t)length;
    memcpy(&delayed->to, to, (size_t)to_length);
    memcpy(delayed->bytes, tdata->buf.start, length);
    pj_timer_entry_init(&delayed->timer, 0, delayed, send_now);
    pj_time_val_normalize(&delay);
    if (pjsip_endpt_schedule_timer(sip.endpoint, &delayed->timer, &delay) != PJ_SUCCESS)
        free(delayed);
}

static pj_status_t send_with_faults(pjsip_transport *transport, pjsip_tx_data *tdata, const pj_sockaddr_t *to,
                                    int length, void *token, pjsip_transport_callback callback)
{
    size_t at = 0;
    while (at + 1 < faults.watched_count && faults.watched[at].transport != transport)
        at++;
    const pjsip_cid_hdr *call_id = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CALL_ID, NULL);
    const pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CSEQ, NULL);
    if (call_id && is_forgotten(&call_id->id))
        return PJ_SUCCESS;
    if (cseq && counts(&cseq->method)) {
        pthread_mutex_lock(&faults.mutex);
        int nth = ++faults.sent;
        pthread_mutex_unlock(&faults.mutex);
        if (nth == sip.faults.drop_tx_nth)
            return PJ_SUCCESS;
        if (nth == sip.faults.delay_tx_nth) {
            send_later(faults.watched[at].socket, tdata, to, length);
            return PJ_SUCCESS;
        }
        if (nth == sip.faults.duplicate_tx_nth) {
            pj_ssize_t size = tdata->buf.cur - tdata->buf.start;
            pj_sock_sendto(faults.watched[at].socket, tdata->buf.start, &size, 0, to, length);
        }
    }
    return faults.watched[at].send(transport, tdata, to, length, token, callback);
}

void faults_watch(pjsip_transport *transport, pj_sock_t socket)
{
    if (faults.watched_count == MOST_TRANSPORTS)
        return;
    faults.watched[faults.watched_count].transport = transport;
    faults.watched[faults.watched_count].socket = socket;
    faults.watched[faults.watched_count++].send = transport->send_msg;
    transport->send_msg = send_with_faults;
}

pjsip_module faults_module = {
    .name = {"mod-tel-faults", 14},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TRANSPORT_LAYER + 1,
    .on_rx_request = on_rx,
    .on_rx_response = on_rx,
    .on_tx_request = on_tx,
    .on_tx_response = on_tx,
};
