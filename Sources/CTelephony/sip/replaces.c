/* Replaces (RFC 3891): in an INVITE, where a leg of ours is to be replaced, and in the Refer-To of a REFER. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

static const pj_str_t header_name = {"Replaces", 8};

/** Neither empty nor anything that could become a second header when it is sent on. */
static bool is_plain(const pj_str_t *text)
{
    for (pj_ssize_t i = 0; i < text->slen; i++) {
        if (iscntrl((unsigned char)text->ptr[i]) || isspace((unsigned char)text->ptr[i]) || text->ptr[i] == ';')
            return false;
    }
    return text->slen > 0;
}

static bool take(const pjsip_replaces_hdr *header, struct replaces *replaces)
{
    if (!is_plain(&header->call_id) || !is_plain(&header->to_tag) || !is_plain(&header->from_tag))
        return false;
    int length = snprintf(replaces->value, sizeof(replaces->value), "%.*s;to-tag=%.*s;from-tag=%.*s%s",
                          (int)header->call_id.slen, header->call_id.ptr, (int)header->to_tag.slen,
                          header->to_tag.ptr, (int)header->from_tag.slen, header->from_tag.ptr,
                          header->early_only ? ";early-only" : "");
    if (length < 0 || (size_t)length >= sizeof(replaces->value))
        return false;
    replaces->present = true;
    replaces->early_only = header->early_only;
    /* The to-tag is that of whoever is asked: ours (RFC 3891 §3). */
    replaces->leg = dialogs_find(&header->call_id, &header->to_tag, &header->from_tag);
    return true;
}

bool replaces_read(pj_pool_t *pool, const pj_str_t *text, struct replaces *replaces)
{
    pj_str_t copy;
    memset(replaces, 0, sizeof(*replaces));
    pj_strdup_with_null(pool, &copy, text);
    pjsip_replaces_hdr *header = pjsip_parse_hdr(pool, &header_name, copy.ptr, (pj_size_t)copy.slen, NULL);
    return header && take(header, replaces);
}

static bool is_unreadable(const pjsip_rx_data *rdata)
{
    const pjsip_parser_err_report *error = rdata->msg_info.parse_err.next;
    for (; error != &rdata->msg_info.parse_err; error = error->next) {
        if (pj_stricmp(&error->hname, &header_name) == 0)
            return true;
    }
    return false;
}

/** What becomes of the INVITE is decided by the state of the leg it is to replace. */
static int check_state(const struct replaces *replaces, const pjsip_replaces_hdr *header)
{
    struct leg *leg = leg_acquire(replaces->leg);
    if (!leg) {
        /* A dialog that is ending still exists for PJSIP. */
        bool ending = pjsip_ua_find_dialog(&header->call_id, &header->to_tag, &header->from_tag, PJ_FALSE) != NULL;
        return ending ? PJSIP_SC_DECLINE : PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    }
    bool answered = leg->answered, ours = leg->outgoing;
    leg_release(leg->dialog);
    if (answered)
        return replaces->early_only ? PJSIP_SC_BUSY_HERE : 0;
    /* An early dialog can be replaced by whom we are calling only. */
    return ours ? 0 : PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
}

int replaces_check(pjsip_rx_data *rdata, struct replaces *replaces)
{
    memset(replaces, 0, sizeof(*replaces));
    pjsip_replaces_hdr *header = pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &header_name, NULL);
    if (is_unreadable(rdata))
        return PJSIP_SC_BAD_REQUEST;
    if (!header)
        return 0;
    if ((void *)header->next != (void *)&rdata->msg_info.msg->hdr &&
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &header_name, header->next))
        return PJSIP_SC_BAD_REQUEST;
    if (!take(header, replaces))
        return PJSIP_SC_BAD_REQUEST;
    return check_state(replaces, header);
}

size_t tel_replaces(tel_leg_id id, char *buffer, size_t size)
{
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return 0;
    pjsip_dialog *dialog = leg->dialog;
    int length = 0;
    if (dialog->remote.info->tag.slen > 0)
        length = snprintf(buffer, size, "%.*s;to-tag=%.*s;from-tag=%.*s", (int)dialog->call_id->id.slen,
                          dialog->call_id->id.ptr, (int)dialog->remote.info->tag.slen, dialog->remote.info->tag.ptr,
                          (int)dialog->local.info->tag.slen, dialog->local.info->tag.ptr);
    leg_release(dialog);
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}
