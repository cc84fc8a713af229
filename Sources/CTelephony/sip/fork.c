#include "../private/sip.h"

/*
 * A 2xx of a second branch of our INVITE (RFC 3261 §13.2.2.4). The first branch is the call; this one gets a dialog of
 * its own, which PJSIP ACKs because no usage claims it, and a BYE at once.
 */
pjsip_dialog *fork_on_dialog(pjsip_dialog *first, pjsip_rx_data *response)
{
    pjsip_dialog *branch;
    if (!first->uac_has_2xx || response->msg_info.msg->line.status.code / 100 != 2)
        return first;
    if (pjsip_dlg_fork(first, response, &branch) != PJ_SUCCESS)
        return NULL;

    pjsip_tx_data *bye;
    pjsip_dlg_inc_lock(branch);
    if (pjsip_dlg_create_request(branch, pjsip_get_bye_method(), -1, &bye) == PJ_SUCCESS)
        pjsip_dlg_send_request(branch, bye, -1, NULL);
    bool alive = branch->tsx_count > 0; /* without a transaction unlocking destroys it: the BYE could not be sent */
    pjsip_dlg_dec_lock(branch);
    return alive ? branch : NULL;
}
