/* MESSAGE (RFC 3428): the note that goes with a call, and what test phones receive. */
#include <string.h>

#include "../private/leg.h"

#define MOST_TEXT 1024

static const pj_str_t message_name = {"MESSAGE", 7};

pj_status_t messages_start(pjsip_module *module)
{
    static const pj_str_t type = {"text/plain", 10};
    if (!sip.accept_messages)
        return PJ_SUCCESS;
    pj_status_t status =
        pjsip_endpt_add_capability(sip.endpoint, module, PJSIP_H_ALLOW, NULL, 1, &message_name);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_add_capability(sip.endpoint, module, PJSIP_H_ACCEPT, NULL, 1, &type);
    return status;
}

int message_receive(pjsip_rx_data *rdata, tel_leg_id leg)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;
    if (!sip.accept_messages)
        return PJSIP_SC_METHOD_NOT_ALLOWED;
    if (!body || pj_stricmp2(&body->content_type.type, "text") != 0)
        return PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
    char text[MOST_TEXT + 1];
    pj_str_t content = {body->data, (pj_ssize_t)body->len};
    text_copy(text, sizeof(text), &content);
    tel_event event;
    event_init(&event, TEL_EVENT_MESSAGE, leg, leg_token(leg));
    event.text = text;
    tel_emit(&event);
    return PJSIP_SC_OK;
}

/** The body of a text message; at most MOST_TEXT bytes, cut between characters: a datagram has its limits. */
static pjsip_msg_body *text_body(pj_pool_t *pool, const char *text)
{
    static const pj_str_t type = {"text", 4}, subtype = {"plain", 5};
    static const pj_str_t charset = {"charset", 7}, utf8 = {"UTF-8", 5};
    size_t length = strlen(text);
    if (length > MOST_TEXT) {
        length = MOST_TEXT;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    pj_str_t content = {(char *)text, (pj_ssize_t)length};
    pjsip_msg_body *body = pjsip_msg_body_create(pool, &type, &subtype, &content);
    pjsip_param *parameter = PJ_POOL_ZALLOC_T(pool, pjsip_param);
    if (!body || !parameter)
        return body;
    parameter->name = charset;
    parameter->value = utf8;
    pj_list_push_back(&body->content_type.param, parameter);
    return body;
}

void message_send_note(struct leg *leg)
{
    pjsip_method method;
    pjsip_tx_data *tdata;
    pj_str_t name = message_name;
    const char *note = leg->note;
    leg->note = NULL;
    if (!note || !leg_peer_allows(leg, "MESSAGE"))
        return;
    pjsip_method_init_np(&method, &name);
    if (pjsip_dlg_create_request(leg->dialog, &method, -1, &tdata) != PJ_SUCCESS)
        return;
    tdata->msg->body = text_body(tdata->pool, note);
    pjsip_dlg_send_request(leg->dialog, tdata, -1, NULL);
}
