#include "../private/leg.h"

tel_result tel_hangup(tel_leg_id id, int status, int q850, const char *reason, uint32_t retry_after_s)
{
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    pjsip_inv_session *inv = leg->inv;
    /* The leg ends here and now; what the peer says to our BYE or CANCEL is between PJSIP and the peer. */
    leg_end(leg, &(struct leg_ending){.end = TEL_END_LOCAL, .status = status, .q850 = q850, .reason = reason});
    session_close(inv, status, q850, reason, retry_after_s);
    leg_release(dialog);
    return TEL_OK;
}

tel_result tel_vanish(tel_leg_id id)
{
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    pjsip_inv_session *inv = leg->inv;
    faults_forget_dialog(&dialog->call_id->id);
    leg_end(leg, &(struct leg_ending){.end = TEL_END_LOCAL});
    pjsip_inv_terminate(inv, PJSIP_SC_GONE, PJ_FALSE);
    leg_release(dialog);
    return TEL_OK;
}
