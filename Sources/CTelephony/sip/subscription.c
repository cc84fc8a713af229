/*
 * What follows a REFER: its answer, and the subscription by which its sender learns what has become of it (RFC 3515 §2.4).
 *
 * NOTIFYs are sent past the dialog's layer: there a 481 or a timeout would end the INVITE's usage of the dialog as well,
 * though only the subscription is meant (RFC 5057 §5.1). The dialog is kept for as long as the subscription lasts; the leg
 * may be over long before.
 *
 * Locks: a refer's fields under its dialog's lock, but `token` and `unwanted` (atomic); the table's mutex is a leaf.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/leg.h"

/** A subscription nobody ends is ended after so long. */
#define SUBSCRIPTION_S 600
#define EVENT_ID 32

struct refer {
    _Atomic(uint64_t) token; /**< 0: the slot is free */
    uint64_t generation;
    pjsip_dialog *dialog; /**< a session of it is ours */
    pjsip_rx_data *request; /**< until it is answered */
    bool no_subscription, accepted;
    atomic_bool unwanted; /**< the peer has said that it knows no such subscription */
    char event[EVENT_ID];
    int status; /**< the last one told */
    pj_time_val ends;
    pj_timer_entry expiry;
};

static struct {
    struct refer *refers;
    uint32_t *free_slots;
    uint32_t free_count, size;
    pthread_mutex_t mutex;
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

bool refers_start(uint32_t slots)
{
    table.refers = calloc(slots, sizeof(*table.refers));
    table.free_slots = malloc(slots * sizeof(*table.free_slots));
    table.size = table.free_count = table.refers && table.free_slots ? slots : 0;
    for (uint32_t i = 0; i < table.size; i++)
        table.free_slots[i] = table.size - 1 - i;
    return table.size != 0;
}

void refers_stop(void)
{
    pthread_mutex_lock(&table.mutex);
    free(table.refers);
    free(table.free_slots);
    table.refers = NULL;
    table.free_slots = NULL;
    table.size = table.free_count = 0;
    pthread_mutex_unlock(&table.mutex);
}

static struct refer *slot_of(uint64_t token)
{
    uint32_t slot = tel_slot(token);
    return token != 0 && slot < table.size ? &table.refers[slot] : NULL;
}

/** The refer, its dialog locked; NULL when it is over. To be followed by leg_release. */
static struct refer *acquire(uint64_t token)
{
    if (!thread_ready())
        return NULL;
    pthread_mutex_lock(&table.mutex);
    struct refer *refer = slot_of(token);
    pjsip_dialog *dialog = refer && atomic_load(&refer->token) == token ? refer->dialog : NULL;
    if (dialog)
        pj_grp_lock_add_ref(dialog->grp_lock_);
    pthread_mutex_unlock(&table.mutex);
    return dialog && dialog_lock_if(dialog, &refer->token, token) ? refer : NULL;
}

static void drop_request(struct refer *refer)
{
    if (!refer->request)
        return;
    pjsip_transaction *tsx = pjsip_rdata_get_tsx(refer->request);
    if (tsx)
        tsx->mod_data[leg_module.id] = NULL;
    pjsip_rx_data_free_cloned(refer->request);
    refer->request = NULL;
}

/** The dialog is locked and may be gone once it is unlocked. */
static void finish(struct refer *refer)
{
    pjsip_dialog *dialog = refer->dialog;
    if (refer->expiry.cb)
        pjsip_endpt_cancel_timer(sip.endpoint, &refer->expiry);
    drop_request(refer);
    pthread_mutex_lock(&table.mutex);
    atomic_store(&refer->token, 0);
    refer->dialog = NULL;
    table.free_slots[table.free_count++] = (uint32_t)(refer - table.refers);
    pthread_mutex_unlock(&table.mutex);
    pjsip_dlg_dec_session(dialog, &leg_module);
}

uint64_t refer_keep(pjsip_dialog *dialog, const pjsip_rx_data *rdata, bool no_subscription, bool event_id)
{
    pjsip_rx_data *request;
    if (pjsip_rx_data_clone(rdata, 0, &request) != PJ_SUCCESS)
        return 0;
    /* The clone lacks what names the transaction. */
    request->endpt_info = rdata->endpt_info;

    pthread_mutex_lock(&table.mutex);
    if (table.free_count == 0) {
        pthread_mutex_unlock(&table.mutex);
        pjsip_rx_data_free_cloned(request);
        return 0;
    }
    uint32_t slot = table.free_slots[--table.free_count];
    struct refer *refer = &table.refers[slot];
    uint64_t generation = refer->generation + 1;
    memset(refer, 0, sizeof(*refer));
    refer->generation = generation;
    refer->dialog = dialog;
    uint64_t token = slot | generation << TEL_SLOT_BITS;
    atomic_store(&refer->token, token);
    pthread_mutex_unlock(&table.mutex);

    refer->request = request;
    refer->no_subscription = no_subscription;
    snprintf(refer->event, sizeof(refer->event), event_id ? "refer;id=%u" : "refer",
             (unsigned)rdata->msg_info.cseq->cseq);
    pjsip_transaction *tsx = pjsip_rdata_get_tsx((pjsip_rx_data *)rdata);
    if (tsx)
        tsx->mod_data[leg_module.id] = refer;
    pjsip_dlg_inc_session(dialog, &leg_module);
    return token;
}

void refer_on_transaction_over(const pjsip_transaction *tsx)
{
    struct refer *refer = tsx->mod_data[leg_module.id];
    if (refer)
        finish(refer);
}

/** Answers the request that waits; false: there is none any more. */
static bool respond(struct refer *refer, int status)
{
    static const pj_str_t name = {"Refer-Sub", 9}, value = {"false", 5};
    pjsip_tx_data *tdata;
    pjsip_transaction *tsx = refer->request ? pjsip_rdata_get_tsx(refer->request) : NULL;
    if (!tsx)
        return false;
    bool sent = pjsip_dlg_create_response(refer->dialog, refer->request, status, NULL, &tdata) == PJ_SUCCESS;
    if (sent && status < 300 && refer->no_subscription)
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)pjsip_generic_string_hdr_create(tdata->pool, &name, &value));
    drop_request(refer);
    return sent && pjsip_dlg_send_response(refer->dialog, tsx, tdata) == PJ_SUCCESS;
}

static void on_notify_response(void *data, pjsip_event *event)
{
    uint64_t token = (uint64_t)(uintptr_t)data;
    if (event->body.tsx_state.tsx->status_code != PJSIP_SC_CALL_TSX_DOES_NOT_EXIST)
        return;
    /* The transaction is locked: nothing but the table's leaf mutex may be taken here. */
    pthread_mutex_lock(&table.mutex);
    struct refer *refer = slot_of(token);
    if (refer && atomic_load(&refer->token) == token)
        atomic_store(&refer->unwanted, true);
    pthread_mutex_unlock(&table.mutex);
}

static void add_header(pjsip_tx_data *tdata, const char *name, const char *value)
{
    pj_str_t copies[2];
    pj_strdup2(tdata->pool, &copies[0], name);
    pj_strdup2(tdata->pool, &copies[1], value);
    pjsip_msg_add_hdr(tdata->msg,
                      (pjsip_hdr *)pjsip_generic_string_hdr_create(tdata->pool, &copies[0], &copies[1]));
}

static void add_fragment(pjsip_tx_data *tdata, int status)
{
    char text[96];
    const pj_str_t *phrase = pjsip_get_status_text(status);
    snprintf(text, sizeof(text), "SIP/2.0 %d %.*s\r\n", status, (int)phrase->slen, phrase->ptr);
    pj_str_t type = {"message", 7}, subtype = {"sipfrag", 7}, body = pj_str(text);
    tdata->msg->body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &body);
    pjsip_param *version = PJ_POOL_ALLOC_T(tdata->pool, pjsip_param);
    version->name = pj_str("version");
    version->value = pj_str("2.0");
    pj_list_push_back(&tdata->msg->body->content_type.param, version);
}

static void notify(struct refer *refer, int status, const char *state)
{
    static const pjsip_method method = {PJSIP_OTHER_METHOD, {"NOTIFY", 6}};
    pjsip_dialog *dialog = refer->dialog;
    pjsip_tx_data *tdata;
    refer->status = status;
    if (atomic_load(&refer->unwanted) ||
        pjsip_dlg_create_request(dialog, &method, dialog->local.cseq, &tdata) != PJ_SUCCESS)
        return;
    dialog->local.cseq++;
    if (dialog->via_addr.host.slen > 0) {
        tdata->via_addr = dialog->via_addr;
        tdata->via_tp = dialog->via_tp;
    }
    add_header(tdata, "Event", refer->event);
    add_header(tdata, "Subscription-State", state);
    add_fragment(tdata, status);
    pjsip_endpt_send_request(sip.endpoint, tdata, -1, (void *)(uintptr_t)atomic_load(&refer->token),
                             on_notify_response);
}

static void on_expiry(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    struct refer *refer = acquire((uint64_t)(uintptr_t)entry->user_data);
    if (!refer)
        return;
    pjsip_dialog *dialog = refer->dialog;
    notify(refer, refer->status, "terminated;reason=timeout");
    finish(refer);
    leg_release(dialog);
}

static void watch(struct refer *refer, unsigned seconds)
{
    pj_time_val delay = {(long)seconds, 0};
    if (refer->expiry.cb)
        pjsip_endpt_cancel_timer(sip.endpoint, &refer->expiry);
    pj_gettimeofday(&refer->ends);
    refer->ends.sec += (long)seconds;
    pj_timer_entry_init(&refer->expiry, 0, (void *)(uintptr_t)atomic_load(&refer->token), on_expiry);
    pjsip_endpt_schedule_timer_w_grp_lock(sip.endpoint, &refer->expiry, &delay, 1, refer->dialog->grp_lock_);
}

static void notify_active(struct refer *refer, int status)
{
    char state[48];
    pj_time_val now;
    pj_gettimeofday(&now);
    long left = refer->ends.sec - now.sec;
    snprintf(state, sizeof(state), "active;expires=%ld", left > 0 ? left : 0);
    notify(refer, status, state);
}

tel_result tel_refer_accept(uint64_t token)
{
    struct refer *refer = acquire(token);
    if (!refer)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = refer->dialog;
    tel_result result = TEL_OK;
    if (refer->accepted) {
        result = TEL_ERR_STATE;
    } else if (!respond(refer, PJSIP_SC_ACCEPTED)) {
        finish(refer);
        result = TEL_ERR_SYSTEM;
    } else if (refer->no_subscription) {
        finish(refer);
    } else {
        refer->accepted = true;
        watch(refer, SUBSCRIPTION_S);
        /* RFC 3515 §2.4.4: at once. */
        notify_active(refer, PJSIP_SC_TRYING);
    }
    leg_release(dialog);
    return result;
}

int refer_refresh(struct leg *leg, pjsip_rx_data *rdata)
{
    static const pj_str_t name = {"Event", 5}, brief = {"o", 1};
    char wanted[EVENT_ID];
    const pjsip_msg *message = rdata->msg_info.msg;
    pjsip_generic_string_hdr *event = pjsip_msg_find_hdr_by_names(message, &name, &brief, NULL);
    if (!event || !text_copy(wanted, sizeof(wanted), &event->hvalue) || strncasecmp(wanted, "refer", 5) != 0)
        return PJSIP_SC_BAD_EVENT;
    /* The dialog is locked, as whoever ends a refer of it has it. */
    struct refer *refer = slot_of(leg->refer);
    if (!refer || atomic_load(&refer->token) != leg->refer || !refer->accepted || strcasecmp(wanted, refer->event) != 0)
        return PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    const pjsip_expires_hdr *asked = pjsip_msg_find_hdr(message, PJSIP_H_EXPIRES, NULL);
    unsigned seconds = asked && asked->ivalue < SUBSCRIPTION_S ? (unsigned)asked->ivalue : SUBSCRIPTION_S;
    pjsip_hdr headers;
    pj_list_init(&headers);
    pj_list_push_back(&headers, pjsip_expires_hdr_create(rdata->tp_info.pool, seconds));
    pjsip_dlg_respond(refer->dialog, rdata, PJSIP_SC_OK, NULL, &headers, NULL);
    /* RFC 6665 §4.2.1.2: a NOTIFY follows in any case; no time is the end of it. */
    if (seconds > 0) {
        watch(refer, seconds);
        notify_active(refer, refer->status);
    } else {
        notify(refer, refer->status, "terminated;reason=timeout");
        finish(refer);
    }
    return 0;
}

tel_result tel_refer_reject(uint64_t token, int status)
{
    if (status < 300 || status > 699)
        return TEL_ERR_INVALID;
    struct refer *refer = acquire(token);
    if (!refer)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = refer->dialog;
    tel_result result = refer->accepted ? TEL_ERR_STATE : TEL_OK;
    if (result == TEL_OK) {
        respond(refer, status);
        finish(refer);
    }
    leg_release(dialog);
    return result;
}

tel_result tel_refer_notify(uint64_t token, int status, bool final)
{
    if (status < 100 || status > 699)
        return TEL_ERR_INVALID;
    struct refer *refer = acquire(token);
    if (!refer)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = refer->dialog;
    tel_result result = refer->accepted ? TEL_OK : TEL_ERR_STATE;
    if (result == TEL_OK && !final) {
        notify_active(refer, status);
    } else if (result == TEL_OK) {
        notify(refer, status, "terminated;reason=noresource");
        finish(refer);
    }
    leg_release(dialog);
    return result;
}

void refers_close(void)
{
    for (uint32_t slot = 0; slot < table.size; slot++) {
        uint64_t token = atomic_load(&table.refers[slot].token);
        if (token && tel_refer_reject(token, PJSIP_SC_SERVICE_UNAVAILABLE) == TEL_ERR_STATE)
            tel_refer_notify(token, PJSIP_SC_SERVICE_UNAVAILABLE, true);
    }
}

/** The status of a sipfrag; 0: there is none in it. */
static int fragment_status(const pjsip_msg_body *body)
{
    char text[32];
    int status = 0;
    if (!body || !body->data)
        return 0;
    pj_str_t all = {body->data, (pj_ssize_t)body->len};
    text_copy(text, sizeof(text), &all);
    return sscanf(text, "SIP/2.0 %3d", &status) == 1 ? status : 0;
}

int notify_receive(struct leg *leg, pjsip_rx_data *rdata)
{
    static const pj_str_t name = {"Subscription-State", 18};
    pjsip_generic_string_hdr *state = pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL);
    int status = fragment_status(rdata->msg_info.msg->body);
    bool final = state && pj_strnicmp2(&state->hvalue, "terminated", 10) == 0;
    if (leg->handover.refer_to) {
        handover_report(leg, status, final || status >= 200);
        return PJSIP_SC_OK;
    }
    if (!leg->referred)
        return PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    tel_event event;
    event_init(&event, TEL_EVENT_NOTIFIED, leg->id, leg->token);
    event.status = status;
    event.final = final;
    tel_emit(&event);
    return PJSIP_SC_OK;
}
