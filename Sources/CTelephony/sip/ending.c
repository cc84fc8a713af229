/* How sessions are closed, and how legs end. */
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

static void add_retry_after(pjsip_tx_data *tdata, uint32_t seconds)
{
    if (seconds > 0)
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)pjsip_retry_after_hdr_create(tdata->pool, (int)seconds));
}

void session_close(pjsip_inv_session *inv, int status, int q850, const char *text, uint32_t retry_after_s)
{
    pjsip_tx_data *tdata = NULL;
    pj_status_t result;
    bool final_response = inv->role == PJSIP_ROLE_UAS && inv->state < PJSIP_INV_STATE_CONNECTING;
    if (inv->state == PJSIP_INV_STATE_DISCONNECTED)
        return;
    if (final_response)
        result = pjsip_inv_answer(inv, status >= 300 && status < 700 ? status : PJSIP_SC_DECLINE, NULL, NULL, &tdata);
    else
        result = pjsip_inv_end_session(inv, PJSIP_SC_OK, NULL, &tdata);
    if (result == PJ_SUCCESS && tdata) {
        if (final_response) {
            add_retry_after(tdata, retry_after_s);
            reason_add(tdata, 0, q850, text);
        } else {
            reason_add(tdata, status, q850, text);
        }
        result = pjsip_inv_send_msg(inv, tdata);
    }
    /* Nothing is pending (a CANCEL that waits for a provisional response is): the session would stay for ever. */
    if (result != PJ_SUCCESS && inv->state != PJSIP_INV_STATE_DISCONNECTED)
        pjsip_inv_terminate(inv, PJSIP_SC_INTERNAL_SERVER_ERROR, PJ_FALSE);
}

void leg_end(struct leg *leg, const struct leg_ending *ending)
{
    tel_event event;
    event_init(&event, TEL_EVENT_ENDED, leg->id, leg->token);
    event.end = ending->end;
    event.status = ending->status;
    event.q850 = ending->q850;
    event.reason = ending->reason;
    event.contacts = ending->contacts;
    event.answered = leg->answered;
    event.rang = leg->rang;
    tel_leg_stats stats;
    memset(&stats, 0, sizeof(stats));
    if (media_get_leg_stats(leg->id, &stats))
        event.stats = &stats;
    char call_id[sizeof(leg->call_id)];
    snprintf(call_id, sizeof(call_id), "%s", leg->call_id);
    event.call_id = call_id;

    leg_unschedule(&leg->no_response);
    leg_unschedule(&leg->glare);
    leg_unschedule(&leg->keep_alive);
    pjsip_inv_session *inv = leg->inv;
    leg->dialog->mod_data[leg_module.id] = NULL;
    bool told = media_tells_end(leg->id, &event);
    leg_discard(leg);
    if (!told)
        tel_emit(&event);
    pjsip_inv_dec_ref(inv);
}

/** The Contact URIs of a 3xx, one a line, by descending q (RFC 3261 §8.1.3.4). */
static void read_contacts(const pjsip_msg *message, char *buffer, size_t size)
{
    const pjsip_contact_hdr *contacts[16];
    int count = 0;
    const pjsip_contact_hdr *contact = pjsip_msg_find_hdr(message, PJSIP_H_CONTACT, NULL);
    while (contact && count < 16) {
        if (contact->uri) {
            int at = count++;
            for (; at > 0 && text_quality(contacts[at - 1]) < text_quality(contact); at--)
                contacts[at] = contacts[at - 1];
            contacts[at] = contact;
        }
        if ((const void *)contact->next == (const void *)&message->hdr)
            break;
        contact = pjsip_msg_find_hdr(message, PJSIP_H_CONTACT, contact->next);
    }
    size_t used = 0;
    buffer[0] = 0;
    for (int i = 0; i < count; i++) {
        char uri[LEG_URI];
        text_uri(uri, sizeof(uri), contacts[i]->uri);
        int length = snprintf(buffer + used, size - used, "%s%s", used ? "\n" : "", uri);
        if (length < 0 || (size_t)length >= size - used)
            break;
        used += (size_t)length;
    }
}

static void end_by_rejection(struct leg *leg, pjsip_event *event)
{
    const pjsip_transaction *tsx = event->body.tsx_state.tsx;
    const pjsip_msg *message = event->body.tsx_state.src.rdata->msg_info.msg;
    struct sip_reason reason;
    char phrase[128], contacts[1024];
    reason_read(message, &reason);
    text_copy(phrase, sizeof(phrase), &message->line.status.reason);
    read_contacts(message, contacts, sizeof(contacts));
    leg_end(leg, &(struct leg_ending){
                     .end = TEL_END_REJECTED,
                     .status = tsx->status_code,
                     .q850 = reason.q850,
                     .reason = reason.text[0] ? reason.text : phrase,
                     .contacts = contacts[0] ? contacts : NULL,
                 });
}

void leg_end_by_session(struct leg *leg, pjsip_event *event)
{
    bool by_response = event->type == PJSIP_EVENT_TSX_STATE && event->body.tsx_state.type == PJSIP_EVENT_RX_MSG &&
                       event->body.tsx_state.tsx->role == PJSIP_ROLE_UAC;
    int cause = leg->inv->cause;
    if (leg->noted_end) {
        struct sip_reason reason = leg->noted;
        leg_end(leg, &(struct leg_ending){
                         .end = leg->noted_end,
                         .status = reason.status,
                         .q850 = reason.q850,
                         .reason = reason.text[0] ? reason.text : NULL,
                     });
    } else if (leg->outgoing && !leg->answered && by_response) {
        end_by_rejection(leg, event);
    } else if (cause == PJSIP_SC_REQUEST_TIMEOUT || cause == PJSIP_SC_CALL_TSX_DOES_NOT_EXIST) {
        tel_end end = leg->outgoing && !leg->answered ? TEL_END_NO_RESPONSE : TEL_END_VANISHED;
        leg_end(leg, &(struct leg_ending){.end = end, .status = by_response ? cause : 0});
    } else {
        leg_end(leg, &(struct leg_ending){.end = TEL_END_TRANSPORT});
    }
}
