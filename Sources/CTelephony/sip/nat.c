/*
 * Phones behind NAT: their Contact names an address that nobody reaches from here. What comes from them says where they
 * are; the Contact is rewritten to that before the dialog takes it for its target. Responses go back by RFC 3581 (rport),
 * which is PJSIP's.
 */
#include <string.h>

#include "../private/leg.h"

static bool is_address(const pj_str_t *host, pj_sockaddr *address)
{
    return pj_sockaddr_parse(pj_AF_UNSPEC(), 0, host, address) == PJ_SUCCESS && pj_sockaddr_has_addr(address);
}

static bool has_proxies(const pjsip_rx_data *rdata)
{
    const pjsip_msg *message = rdata->msg_info.msg;
    if (rdata->msg_info.record_route)
        return true;
    const pjsip_via_hdr *via = rdata->msg_info.via;
    return message->type == PJSIP_REQUEST_MSG && via && pjsip_msg_find_hdr(message, PJSIP_H_VIA, via->next);
}

/** Only who speaks to us directly: behind a proxy the source is the proxy's. A registration is the registrar's affair. */
static void rewrite_contact(pjsip_rx_data *rdata)
{
    if (rdata->msg_info.cseq == NULL || rdata->msg_info.cseq->method.id == PJSIP_REGISTER_METHOD || has_proxies(rdata))
        return;
    const pjsip_contact_hdr *contact = pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_CONTACT, NULL);
    if (!contact || contact->star || !contact->uri || !PJSIP_URI_SCHEME_IS_SIP(contact->uri))
        return;
    if (rdata->msg_info.msg->type == PJSIP_RESPONSE_MSG && rdata->msg_info.msg->line.status.code >= 300)
        return; /* where a redirect leads */
    pjsip_sip_uri *uri = pjsip_uri_get_uri(contact->uri);
    pj_sockaddr named, *source = &rdata->pkt_info.src_addr;
    if (!is_address(&uri->host, &named) || named.addr.sa_family != source->addr.sa_family ||
        pj_memcmp(pj_sockaddr_get_addr(&named), pj_sockaddr_get_addr(source), pj_sockaddr_get_addr_len(source)) == 0)
        return;
    /* A public address may be another host's on purpose; and inside one network all may be reached. */
    if (!media_is_private((const struct sockaddr *)&named) ||
        media_is_private((const struct sockaddr *)source))
        return;
    pj_strdup2(rdata->tp_info.pool, &uri->host, rdata->pkt_info.src_name);
    uri->port = rdata->pkt_info.src_port;
}

static pj_bool_t on_message(pjsip_rx_data *rdata)
{
    rewrite_contact(rdata);
    return PJ_FALSE;
}

pjsip_module nat_module = {
    .name = {"nat", 3},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 1,
    .on_rx_request = on_message,
    .on_rx_response = on_message,
};
