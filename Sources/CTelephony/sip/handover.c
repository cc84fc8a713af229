/*
 * Leaving the path (RFC 5589 §7.3): a leg's peer is asked by REFER to take our place with another leg's peer. PJSIP answers
 * a 401 or 407 by itself where the dialog has credentials.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

#define MOST_REFER_TO 1024

/** What of a value may stand in a URI's header as it is (RFC 3261 §25.1: unreserved), the rest escaped. */
static bool escape(char *buffer, size_t size, const char *text)
{
    size_t used = 0;
    for (const char *c = text; *c; c++) {
        bool plain = isalnum((unsigned char)*c) || strchr("-_.!~*'()", *c);
        if (used + 4 > size)
            return false;
        used += (size_t)snprintf(buffer + used, size - used, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    buffer[used] = 0;
    return used > 0;
}

/** The Contact of the leg's peer, with the Replaces by which it knows the leg's dialog. */
static bool describe_target(tel_leg_id id, char *buffer, size_t size)
{
    char uri[LEG_URI], replaces[512], escaped[768];
    if (tel_replaces(id, replaces, sizeof(replaces)) == 0 || !escape(escaped, sizeof(escaped), replaces))
        return false;
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return false;
    pjsip_dialog *dialog = leg->dialog;
    bool answered = leg->answered;
    text_uri(uri, sizeof(uri), dialog->target);
    leg_release(dialog);
    char *headers = strchr(uri, '?');
    if (headers)
        *headers = 0;
    return answered && uri[0] && snprintf(buffer, size, "<%s?Replaces=%s>", uri, escaped) < (int)size;
}

static bool keep(struct leg *leg, const char *refer_to, const char *referred_by, uint64_t token)
{
    static const pj_str_t refer = {"REFER", 5};
    pj_str_t copies[2];
    bool refused = pjsip_dlg_remote_has_cap(leg->dialog, PJSIP_H_ALLOW, NULL, &refer) == PJSIP_DIALOG_CAP_UNSUPPORTED;
    if (!leg->answered || refused || leg->handover.token || leg->operation_count == LEG_MAX_OPERATIONS)
        return false;
    pj_strdup2_with_null(leg->dialog->pool, &copies[0], refer_to);
    pj_strdup2_with_null(leg->dialog->pool, &copies[1], referred_by ? referred_by : "");
    leg->handover.refer_to = copies[0].ptr;
    leg->handover.referred_by = copies[1].ptr;
    leg->handover.token = token;
    leg->operations[leg->operation_count++] = (struct leg_operation){.hand_over = true, .token = token};
    return true;
}

tel_result tel_hand_over(tel_leg_id id, tel_leg_id target, const char *referred_by, uint64_t token)
{
    char refer_to[MOST_REFER_TO];
    if (token == 0 || (referred_by && strpbrk(referred_by, "<> \"\r\n")))
        return TEL_ERR_INVALID;
    if (!describe_target(target, refer_to, sizeof(refer_to)))
        return TEL_ERR_STATE;
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result = TEL_ERR_STATE;
    if (keep(leg, refer_to, referred_by, token)) {
        result = TEL_OK;
        operations_kick(leg);
    }
    leg_release(dialog);
    return result;
}

bool handover_send(struct leg *leg)
{
    static const pjsip_method method = {PJSIP_OTHER_METHOD, {"REFER", 5}};
    char by[LEG_URI + 2];
    pjsip_tx_data *tdata;
    if (pjsip_dlg_create_request(leg->dialog, &method, -1, &tdata) != PJ_SUCCESS)
        return false;
    text_add_header(tdata, "Refer-To", leg->handover.refer_to);
    if (leg->handover.referred_by[0] &&
        snprintf(by, sizeof(by), "<%s>", leg->handover.referred_by) < (int)sizeof(by))
        text_add_header(tdata, "Referred-By", by);
    leg->operating = true;
    pj_status_t status = pjsip_dlg_send_request(leg->dialog, tdata, -1, NULL);
    if (status != PJ_SUCCESS)
        note_pj_error("REFER", status);
    return status == PJ_SUCCESS;
}

void handover_report(struct leg *leg, int status, bool final)
{
    tel_event event;
    if (!leg->handover.token)
        return;
    event_init(&event, TEL_EVENT_HANDED_OVER, leg->id, leg->handover.token);
    event.status = status;
    event.final = final;
    if (final)
        leg->handover.token = 0;
    tel_emit(&event);
}
