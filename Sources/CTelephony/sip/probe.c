/* OPTIONS in the dialog of a held leg: nobody would notice otherwise that its peer is gone. PJSIP ends the dialog by
   itself after 408 or 481 (RFC 3261 §12.2.1.2), which ends the leg as vanished. */
#include "../private/leg.h"

static void probe(struct leg *leg)
{
    pjsip_tx_data *tdata;
    bool held = atomic_load(&leg->fed_with_music) || leg->held || !leg->peer_sends || !leg->peer_receives;
    if (!held || leg->probing)
        return;
    if (pjsip_dlg_create_request(leg->dialog, pjsip_get_options_method(), -1, &tdata) != PJ_SUCCESS)
        return;
    leg->probing = true;
    pjsip_dialog *dialog = leg->dialog;
    pj_status_t status = pjsip_dlg_send_request(dialog, tdata, -1, NULL);
    leg = leg_of(dialog);
    if (status != PJ_SUCCESS && leg)
        leg->probing = false;
}

static void on_keep_alive(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    struct leg *leg = leg_acquire(leg_of_timer(entry));
    if (!leg)
        return;
    pjsip_dialog *dialog = leg->dialog;
    probe(leg);
    leg = leg_of(dialog);
    if (leg)
        leg_schedule(leg, &leg->keep_alive, on_keep_alive, sip.keep_alive_s * 1000);
    leg_release(dialog);
}

void probe_start(struct leg *leg)
{
    if (sip.keep_alive_s)
        leg_schedule(leg, &leg->keep_alive, on_keep_alive, sip.keep_alive_s * 1000);
}

void probe_on_response(struct leg *leg)
{
    leg->probing = false;
}
