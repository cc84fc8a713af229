/*
 * Connections that peers open, over TCP and TLS. There is room for PJSIP_MAX_TRANSPORTS; who is not trusted must not be
 * able to take all of it, nor to keep a connection for nothing.
 */
#include "../private/sip.h"

/**
 * Of those who are not trusted; the rest is for trusted peers, and for connections of ours. PJSIP gives the place of one
 * that has been closed away again after half a second.
 */
#define MOST_OF_STRANGERS (PJSIP_MAX_TRANSPORTS - PJSIP_MAX_TRANSPORTS / 8)

void connections_on_state(pjsip_transport *transport, pjsip_transport_state state)
{
    if (transport->dir != PJSIP_TP_DIR_INCOMING || net_contains(&sip.trusted, &transport->key.rem_addr))
        return;
    if (state == PJSIP_TP_STATE_DESTROY)
        atomic_fetch_sub(&sip.strangers, 1);
    else if (state == PJSIP_TP_STATE_CONNECTED && atomic_fetch_add(&sip.strangers, 1) >= MOST_OF_STRANGERS)
        pjsip_transport_shutdown(transport);
}

/** Its idle time begins anew with each message: PJSIP sees to that only where the message is answered. */
static pj_bool_t on_message(pjsip_rx_data *rdata)
{
    pjsip_transport *transport = rdata->tp_info.transport;
    if (PJSIP_TRANSPORT_IS_RELIABLE(transport) && pjsip_transport_add_ref(transport) == PJ_SUCCESS)
        pjsip_transport_dec_ref(transport);
    return PJ_FALSE;
}

pjsip_module connections_module = {
    .name = {"connections", 11},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 1,
    .on_rx_request = on_message,
    .on_rx_response = on_message,
};
