/*
 * Whether a host name leads to IPv4 or to IPv6 is known once it has been looked up, by which time the INVITE is written.
 * Here, where it goes out, its Contact and its session description are made to fit the address that it goes to.
 */
#include "../private/leg.h"

static void rename_contact(struct leg *leg, pjsip_tx_data *tdata)
{
    char text[SIP_MAX_CONTACT];
    pjsip_contact_hdr *contact = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CONTACT, NULL);
    const struct listener *listener = contact_listener((pjsip_transport_type_e)tdata->tp_info.transport->key.type);
    if (!contact || !listener)
        return;
    contact_uri(listener, &tdata->tp_info.dst_addr, PJSIP_URI_SCHEME_IS_SIPS(contact->uri), text, sizeof(text));
    pj_str_t copy;
    pj_strdup2_with_null(leg->dialog->pool, &copy, text);
    pjsip_uri *uri = pjsip_parse_uri(leg->dialog->pool, copy.ptr, (pj_size_t)copy.slen, 0);
    if (uri)
        contact->uri = leg->dialog->local.contact->uri = uri;
}

static void move(struct leg *leg, int family, pjsip_tx_data *tdata)
{
    uint16_t port = media_change_family(leg->id, family);
    if (port == 0)
        return;
    leg->family = family;
    leg->rtp_port = port;
    const pjmedia_sdp_session *offered;
    pjmedia_sdp_neg *negotiator = leg->inv->neg;
    if (tdata->msg->body && negotiator && pjmedia_sdp_neg_get_neg_local(negotiator, &offered) == PJ_SUCCESS) {
        describe_place(leg, leg->dialog->pool, tdata->msg->body->data);
        /* The negotiator's own copy, which the answer will be compared with. */
        describe_place(leg, leg->dialog->pool, (pjmedia_sdp_session *)offered);
    }
    rename_contact(leg, tdata);
    pjsip_tx_data_invalidate_msg(tdata);
}

static pj_status_t on_request(pjsip_tx_data *tdata)
{
    const pjsip_msg *message = tdata->msg;
    if (message->line.req.method.id != PJSIP_INVITE_METHOD || !config_media_address(pj_AF_INET()) ||
        !config_media_address(pj_AF_INET6()) || PJSIP_MSG_TO_HDR(message)->tag.slen)
        return PJ_SUCCESS;
    int family = tdata->tp_info.dst_addr.addr.sa_family;
    const pj_str_t *call_id = &PJSIP_MSG_CID_HDR(message)->id, none = {NULL, 0};
    struct leg *leg = leg_acquire(dialogs_find(call_id, &PJSIP_MSG_FROM_HDR(message)->tag, &none));
    if (!leg)
        return PJ_SUCCESS;
    pjsip_dialog *dialog = leg->dialog;
    if (leg->outgoing && !leg->agreed && leg->family != family)
        move(leg, family, tdata);
    leg_release(dialog);
    return PJ_SUCCESS;
}

pjsip_module family_module = {
    .name = {"family", 6},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 1,
    .on_tx_request = on_request,
};
