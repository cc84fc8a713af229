/* Who is there: P-Asserted-Identity (RFC 3325), in INVITEs and in mid-call. */
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

void identity_add(pjsip_tx_data *tdata, const char *uri, const char *display, bool private)
{
    char value[LEG_URI + 2 * LEG_DISPLAY];
    text_name_address(value, sizeof(value), display, uri);
    text_add_header(tdata, "P-Asserted-Identity", value);
    if (private)
        text_add_header(tdata, "Privacy", "id");
}

void identity_add_pending(pjsip_tx_data *tdata, const struct leg *leg)
{
    identity_add(tdata, leg->identity.uri, leg->identity.display, leg->identity.private);
}

bool identity_asks_for_privacy(const pjsip_msg *message)
{
    static const pj_str_t name = {"Privacy", 7}, id = {"id", 2};
    pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(message, &name, NULL);
    return header && pj_stristr(&header->hvalue, &id) != NULL;
}

void identity_read(pjsip_rx_data *rdata, char *uri, size_t uri_size, char *display, size_t display_size)
{
    static const pj_str_t name = {"P-Asserted-Identity", 19};
    pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL);
    const pjsip_uri *address = header ? text_first_address(rdata->tp_info.pool, &header->hvalue) : NULL;
    uri[0] = display[0] = 0;
    if (!address)
        return;
    text_uri(uri, uri_size, address);
    text_display(display, display_size, address);
}

void identity_received(struct leg *leg, pjsip_rx_data *rdata)
{
    char uri[LEG_URI], display[LEG_DISPLAY], method[16];
    identity_read(rdata, uri, sizeof(uri), display, sizeof(display));
    if (!uri[0])
        return;
    text_copy(method, sizeof(method), &rdata->msg_info.msg->line.req.method.name);
    tel_event event;
    event_init(&event, TEL_EVENT_IDENTITY, leg->id, leg->token);
    event.asserted_uri = uri;
    event.asserted_display = display[0] ? display : NULL;
    event.privacy_id = identity_asks_for_privacy(rdata->msg_info.msg);
    event.trusted = server_trusts(rdata);
    event.reason = method;
    tel_emit(&event);
}

bool leg_peer_allows(const struct leg *leg, const char *method)
{
    pj_str_t name = pj_str((char *)method);
    return pjsip_dlg_remote_has_cap(leg->dialog, PJSIP_H_ALLOW, NULL, &name) == PJSIP_DIALOG_CAP_SUPPORTED;
}

/**
 * A peer that says nothing of what it allows is not sent a re-INVITE for the sake of a display: older gateways and
 * scripted peers end calls over what they do not expect.
 */
static bool says_what_it_allows(const struct leg *leg)
{
    static const pj_str_t update = {"UPDATE", 6};
    return pjsip_dlg_remote_has_cap(leg->dialog, PJSIP_H_ALLOW, NULL, &update) != PJSIP_DIALOG_CAP_UNKNOWN;
}

/** One that waits for its turn says what is known by then. */
static bool is_queued(const struct leg *leg)
{
    for (int i = leg->operating || leg->waiting ? 1 : 0; i < leg->operation_count; i++) {
        if (leg->operations[i].identify)
            return true;
    }
    return false;
}

static tel_result identify(struct leg *leg, const char *uri, const char *display, bool withheld)
{
    bool anonymous = withheld && !leg->trust_domain;
    if (!leg->answered)
        return TEL_ERR_STATE;
    if (anonymous) {
        uri = "sip:anonymous@anonymous.invalid"; /* RFC 3323 §4.1.1.3 */
        display = "Anonymous";
    }
    snprintf(leg->identity.uri, sizeof(leg->identity.uri), "%s", uri);
    snprintf(leg->identity.display, sizeof(leg->identity.display), "%s", display ? display : "");
    leg->identity.private = withheld && !anonymous;
    if (is_queued(leg) || !says_what_it_allows(leg))
        return TEL_OK;
    if (leg->operation_count == LEG_MAX_OPERATIONS)
        return TEL_ERR_FULL;
    leg->operations[leg->operation_count++] =
        (struct leg_operation){.identify = true, .by_reinvite = !leg_peer_allows(leg, "UPDATE")};
    operations_kick(leg);
    return TEL_OK;
}

tel_result tel_identify(tel_leg_id id, const char *uri, const char *display, bool withheld, bool entitled)
{
    if (strlen(uri) >= LEG_URI || strpbrk(uri, "<> \"\r\n"))
        return TEL_ERR_INVALID;
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result = leg->trust_domain || entitled ? identify(leg, uri, display, withheld) : TEL_OK;
    leg_release(dialog);
    return result;
}
