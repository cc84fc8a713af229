/* OPTIONS outside of dialogs: how a PBX or load balancer sees whether we take calls. */
#include "../private/sip.h"

void tel_set_accepting(bool accepting, uint32_t retry_after_s)
{
    atomic_store(&sip.retry_after_s, retry_after_s);
    atomic_store(&sip.accepting, accepting);
}

void options_respond(pjsip_rx_data *rdata)
{
    static const pjsip_hdr_e capabilities[] = {PJSIP_H_ALLOW, PJSIP_H_ACCEPT, PJSIP_H_SUPPORTED};
    pjsip_hdr headers;
    pj_list_init(&headers);
    if (!atomic_load(&sip.accepting)) {
        int seconds = (int)atomic_load(&sip.retry_after_s);
        pj_list_push_back(&headers, pjsip_retry_after_hdr_create(rdata->tp_info.pool, seconds));
        server_respond(rdata, PJSIP_SC_SERVICE_UNAVAILABLE, &headers);
        return;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(capabilities); i++) {
        const pjsip_hdr *header = pjsip_endpt_get_capability(sip.endpoint, capabilities[i], NULL);
        if (header)
            pj_list_push_back(&headers, pjsip_hdr_clone(rdata->tp_info.pool, header));
    }
    server_respond(rdata, PJSIP_SC_OK, &headers);
}
