#include <stdio.h>
#include <string.h>

#include "../private/sip.h"

const struct listener *contact_listener(pjsip_transport_type_e type)
{
    for (size_t i = 0; i < sip.listener_count; i++) {
        if (sip.listeners[i].type == type)
            return &sip.listeners[i];
    }
    return NULL;
}

bool contact_is_external(const pj_sockaddr *peer)
{
    return (sip.external_address[0] || sip.media_external_address[0]) && peer &&
           !net_contains(&sip.local_nets, peer);
}

/** Whether the external address is one that stands for the listener's. */
static bool has_external(const struct listener *listener)
{
    bool v6 = (listener->type & PJSIP_TRANSPORT_IPV6) != 0;
    return sip.external_address[0] && v6 == (strchr(sip.external_address, ':') != NULL);
}

void contact_uri(const struct listener *listener, const pj_sockaddr *peer, bool secure, char *buffer, size_t size)
{
    const char *host = listener->host, *open = "", *close = "";
    if (has_external(listener) && contact_is_external(peer)) {
        host = sip.external_address;
        if (strchr(host, ':')) {
            open = "[";
            close = "]";
        }
    }
    unsigned type = listener->type & ~(unsigned)PJSIP_TRANSPORT_IPV6;
    const char *transport = type == PJSIP_TRANSPORT_TCP   ? ";transport=tcp"
                            : type == PJSIP_TRANSPORT_TLS ? ";transport=tls"
                                                          : "";
    snprintf(buffer, size, "<%s:%s%s%s:%u%s>", secure ? "sips" : "sip", open, host, close, listener->port,
             secure ? "" : transport);
}

void contact_set_via(pjsip_dialog *dialog, const struct listener *listener, const pj_sockaddr *peer)
{
    pjsip_host_port sent_by = {pj_str(sip.external_address), listener->port};
    if (has_external(listener) && contact_is_external(peer))
        pjsip_dlg_set_via_sent_by(dialog, &sent_by, NULL);
}

pjsip_dialog *contact_create_dialog(pjsip_rx_data *rdata)
{
    pjsip_dialog *dialog;
    char contact[SIP_MAX_CONTACT];
    const pj_sockaddr *peer = &rdata->pkt_info.src_addr;
    pjsip_transport_type_e type = (pjsip_transport_type_e)rdata->tp_info.transport->key.type;
    const struct listener *listener = contact_listener(type);
    if (!listener)
        return NULL;
    bool secure = PJSIP_URI_SCHEME_IS_SIPS(rdata->msg_info.msg->line.req.uri);
    contact_uri(listener, peer, secure, contact, sizeof(contact));
    pj_str_t text = pj_str(contact);
    if (pjsip_dlg_create_uas_and_inc_lock(pjsip_ua_instance(), rdata, &text, &dialog) != PJ_SUCCESS)
        return NULL;
    contact_set_via(dialog, listener, peer);
    credentials_arm(dialog, NULL, 0, peer);
    return dialog;
}
