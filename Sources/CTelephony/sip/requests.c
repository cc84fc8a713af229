/* Our usage of the dialogs: requests in them that PJSIP's INVITE session leaves to us, and what follows a response. */
#include <string.h>

#include "../private/leg.h"

static bool is_method(const pjsip_method *method, const char *name)
{
    return pj_stricmp2(&method->name, name) == 0;
}

/** What the INVITE session and the PRACK module answer by themselves. */
static bool belongs_to_session(const pjsip_method *method)
{
    return method->id == PJSIP_INVITE_METHOD || method->id == PJSIP_ACK_METHOD || method->id == PJSIP_BYE_METHOD ||
           method->id == PJSIP_CANCEL_METHOD || is_method(method, "UPDATE") || is_method(method, "PRACK");
}

static pj_bool_t on_rx_request(pjsip_rx_data *rdata)
{
    pjsip_dialog *dialog = pjsip_rdata_get_dlg(rdata);
    if (!dialog)
        return PJ_FALSE;
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;
    struct leg *leg = leg_of(dialog);
    if (method->id == PJSIP_ACK_METHOD && leg)
        operations_kick(leg);
    return !belongs_to_session(method);
}

static void respond(pjsip_dialog *dialog, pjsip_rx_data *rdata, int status)
{
    pjsip_hdr headers;
    pj_list_init(&headers);
    static const pjsip_hdr_e capabilities[] = {PJSIP_H_ALLOW, PJSIP_H_ACCEPT, PJSIP_H_SUPPORTED};
    bool options = rdata->msg_info.msg->line.req.method.id == PJSIP_OPTIONS_METHOD;
    for (size_t i = 0; i < PJ_ARRAY_SIZE(capabilities); i++) {
        const pjsip_hdr *header = pjsip_endpt_get_capability(sip.endpoint, capabilities[i], NULL);
        bool wanted = options || (capabilities[i] == PJSIP_H_ALLOW && status == PJSIP_SC_METHOD_NOT_ALLOWED) ||
                      (capabilities[i] == PJSIP_H_ACCEPT && status == PJSIP_SC_UNSUPPORTED_MEDIA_TYPE);
        if (header && wanted)
            pj_list_push_back(&headers, pjsip_hdr_clone(rdata->tp_info.pool, header));
    }
    pjsip_dlg_respond(dialog, rdata, status, NULL, &headers, NULL);
}

static void on_request(pjsip_dialog *dialog, struct leg *leg, pjsip_rx_data *rdata)
{
    static const char *const known[] = {"PUBLISH", "REGISTER"};
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;
    int status = PJSIP_SC_NOT_IMPLEMENTED;
    if (!leg) {
        status = PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    } else if (method->id == PJSIP_OPTIONS_METHOD) {
        status = PJSIP_SC_OK;
    } else if (is_method(method, "INFO")) {
        status = info_receive(leg, rdata);
    } else if (is_method(method, "REFER")) {
        status = refer_receive(leg, rdata);
    } else if (is_method(method, "SUBSCRIBE")) {
        status = refer_refresh(leg, rdata);
    } else if (is_method(method, "NOTIFY")) {
        status = notify_receive(leg, rdata);
    } else if (is_method(method, "MESSAGE")) {
        status = message_receive(rdata, leg->id);
    } else {
        for (size_t i = 0; i < PJ_ARRAY_SIZE(known); i++) {
            if (is_method(method, known[i]))
                status = PJSIP_SC_METHOD_NOT_ALLOWED;
        }
    }
    if (status != 0)
        respond(dialog, rdata, status);
}

/** A request in the established dialog that cannot be delivered: the connection is refused, the network gone. */
static bool is_undeliverable(const struct leg *leg, const pjsip_transaction *tsx)
{
    return leg->inv->state == PJSIP_INV_STATE_CONFIRMED && tsx->state == PJSIP_TSX_STATE_TERMINATED &&
           tsx->status_code == PJSIP_SC_TSX_TRANSPORT_ERROR && tsx->transport_err != PJ_SUCCESS;
}

static void report_response(struct leg *leg, const pjsip_transaction *tsx)
{
    char method[32];
    tel_event event;
    text_copy(method, sizeof(method), &tsx->method.name);
    event_init(&event, TEL_EVENT_RESPONSE, leg->id, leg->token);
    event.status = tsx->status_code;
    event.method = method;
    tel_emit(&event);
}

static void on_response(struct leg *leg, pjsip_transaction *tsx)
{
    bool final = tsx->state == PJSIP_TSX_STATE_COMPLETED || tsx->state == PJSIP_TSX_STATE_TERMINATED;
    if (is_undeliverable(leg, tsx)) {
        pjsip_inv_session *inv = leg->inv;
        leg_end(leg, &(struct leg_ending){.end = TEL_END_TRANSPORT});
        session_close(inv, 0, 0, NULL, 0);
    } else if (tsx->method.id == PJSIP_INVITE_METHOD)
        operations_on_response(leg, tsx);
    else if (is_method(&tsx->method, "UPDATE") || (is_method(&tsx->method, "REFER") && !leg->referred))
        operations_on_request(leg, tsx);
    else if (is_method(&tsx->method, "INFO"))
        final ? info_on_response(leg, tsx) : info_on_sent(leg, tsx);
    else if (final && tsx->method.id == PJSIP_OPTIONS_METHOD)
        probe_on_response(leg);
    else if (tsx->state == PJSIP_TSX_STATE_COMPLETED && leg->referred && is_method(&tsx->method, "REFER"))
        report_response(leg, tsx);
}

static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    pjsip_dialog *dialog = pjsip_tsx_get_dlg(tsx);
    struct leg *leg = leg_of(dialog);
    if (!dialog || event->type != PJSIP_EVENT_TSX_STATE)
        return;
    if (tsx->role == PJSIP_ROLE_UAC) {
        if (leg)
            on_response(leg, tsx);
    } else if (tsx->state == PJSIP_TSX_STATE_TRYING && event->body.tsx_state.type == PJSIP_EVENT_RX_MSG &&
               !belongs_to_session(&tsx->method)) {
        on_request(dialog, leg, event->body.tsx_state.src.rdata);
    } else if (tsx->state == PJSIP_TSX_STATE_TERMINATED && is_method(&tsx->method, "REFER")) {
        refer_on_transaction_over(tsx);
    }
    leg = leg_of(dialog);
    if (leg && tsx->method.id == PJSIP_INVITE_METHOD && tsx->state >= PJSIP_TSX_STATE_COMPLETED)
        operations_kick(leg);
}

pjsip_module leg_module = {
    .name = {"mod-tel-leg", 11},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE + 1, /* after the INVITE session has had its turn */
    .on_rx_request = on_rx_request,
    .on_tsx_state = on_tsx_state,
};

static bool add_header(pjsip_tx_data *tdata, const char *text)
{
    const char *colon = strchr(text, ':');
    pj_str_t name = {(char *)text, colon ? colon - text : 0}, value;
    if (name.slen == 0)
        return false;
    value = pj_str((char *)colon + 1 + strspn(colon + 1, " "));
    pj_str_t copies[2];
    pj_strdup(tdata->pool, &copies[0], &name);
    pj_strdup(tdata->pool, &copies[1], &value);
    pjsip_msg_add_hdr(tdata->msg,
                      (pjsip_hdr *)pjsip_generic_string_hdr_create(tdata->pool, &copies[0], &copies[1]));
    return true;
}

tel_result tel_send_headers(tel_leg_id id, const char *name, const char *const *headers, size_t header_count)
{
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    pjsip_method method;
    pjsip_tx_data *tdata;
    pj_str_t text = pj_str((char *)name);
    pjsip_method_init_np(&method, &text);
    pj_status_t status = pjsip_dlg_create_request(dialog, &method, -1, &tdata);
    bool valid = true;
    for (size_t i = 0; status == PJ_SUCCESS && i < header_count; i++)
        valid = add_header(tdata, headers[i]) && valid;
    if (status == PJ_SUCCESS) {
        leg->referred = leg->referred || strcmp(name, "REFER") == 0;
        status = pjsip_dlg_send_request(dialog, tdata, -1, NULL);
    }
    if (status != PJ_SUCCESS)
        note_pj_error(name, status);
    leg_release(dialog);
    return status == PJ_SUCCESS ? valid ? TEL_OK : TEL_ERR_INVALID : TEL_ERR_SYSTEM;
}

static tel_result send_in_dialog(struct leg *leg, const char *name, const char *content_type, const char *body)
{
    pjsip_method method;
    pjsip_tx_data *tdata;
    pj_str_t text = pj_str((char *)name);
    pjsip_method_init_np(&method, &text);
    pj_status_t status = pjsip_dlg_create_request(leg->dialog, &method, -1, &tdata);
    if (status == PJ_SUCCESS && content_type && body) {
        const char *slash = strchr(content_type, '/');
        pj_str_t type = {(char *)content_type, slash ? slash - content_type : 0};
        pj_str_t subtype = pj_str((char *)(slash ? slash + 1 : ""));
        pj_str_t content = pj_str((char *)body);
        tdata->msg->body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &content);
    }
    if (status == PJ_SUCCESS)
        status = pjsip_dlg_send_request(leg->dialog, tdata, -1, NULL);
    if (status != PJ_SUCCESS)
        note_pj_error(name, status);
    return status == PJ_SUCCESS ? TEL_OK : TEL_ERR_SYSTEM;
}

/** INVITE without an offer, UPDATE with what is in use: offers have to be known to the session. */
static tel_result send_by_session(struct leg *leg, bool update)
{
    pjsip_tx_data *tdata = NULL;
    pj_status_t status = PJ_EINVALIDOP;
    if (update) {
        pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "update", 4000, 2000);
        struct leg_caps caps = leg->caps;
        caps.codecs[0] = leg->params.formats[0].codec;
        caps.codec_count = 1;
        status = pjsip_inv_update(leg->inv, NULL, describe_offer(leg, pool, &caps, leg->held), &tdata);
        pjsip_endpt_release_pool(sip.endpoint, pool);
    } else if (leg->inv->state == PJSIP_INV_STATE_CONFIRMED) {
        status = pjsip_inv_reinvite(leg->inv, NULL, NULL, &tdata);
    }
    if (status == PJ_SUCCESS)
        status = pjsip_inv_send_msg(leg->inv, tdata);
    if (status != PJ_SUCCESS)
        note_pj_error(update ? "UPDATE" : "INVITE", status);
    return status == PJ_SUCCESS ? TEL_OK : TEL_ERR_STATE;
}

tel_result tel_send_request(tel_leg_id id, const char *method, const char *content_type, const char *body)
{
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result;
    bool update = strcmp(method, "UPDATE") == 0;
    if (!leg->agreed)
        result = TEL_ERR_STATE;
    else if (update || strcmp(method, "INVITE") == 0)
        result = send_by_session(leg, update);
    else
        result = send_in_dialog(leg, method, content_type, body);
    leg_release(dialog);
    return result;
}
