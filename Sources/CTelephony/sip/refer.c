/* A REFER as it comes (RFC 3515): refused where it is malformed, else reported and kept until the application answers. */
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

/** What is read out of a REFER. */
struct referral {
    char refer_to[LEG_URI], referred_by[LEG_URI];
    struct replaces replaces;
    bool requires_replaces, no_subscription;
};

/** The header by its name or its compact form. `more`: where there is another one. */
static pjsip_generic_string_hdr *find(const pjsip_rx_data *rdata, const char *name, const char *compact, bool *more)
{
    pjsip_msg *message = rdata->msg_info.msg;
    pj_str_t full = pj_str((char *)name), brief = pj_str((char *)compact);
    pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_names(message, &full, &brief, NULL);
    *more = header && (void *)header->next != (void *)&message->hdr &&
            pjsip_msg_find_hdr_by_names(message, &full, &brief, header->next) != NULL;
    return header;
}

/** The headers that Refer-To's URI wants in the INVITE: Replaces alone is heeded (RFC 5589 §7). */
static int read_uri_headers(pj_pool_t *pool, pjsip_sip_uri *uri, struct referral *referral)
{
    static const pj_str_t replaces = {"Replaces", 8}, require = {"Require", 7};
    for (pjsip_param *header = uri->header_param.next; header != &uri->header_param; header = header->next) {
        if (pj_stricmp(&header->name, &replaces) == 0) {
            if (referral->replaces.present || !replaces_read(pool, &header->value, &referral->replaces))
                return PJSIP_SC_BAD_REQUEST;
        } else if (pj_stricmp(&header->name, &require) == 0) {
            referral->requires_replaces = pj_stristr(&header->value, &replaces) != NULL;
        }
    }
    pj_list_init(&uri->header_param);
    return 0;
}

static int read_refer_to(pjsip_rx_data *rdata, struct referral *referral)
{
    static const pj_str_t invite = {"INVITE", 6};
    bool more;
    pj_pool_t *pool = rdata->tp_info.pool;
    pjsip_generic_string_hdr *header = find(rdata, "Refer-To", "r", &more);
    if (!header || more)
        return PJSIP_SC_BAD_REQUEST;
    pj_str_t copy;
    pj_strdup_with_null(pool, &copy, &header->hvalue);
    pjsip_uri *uri = copy.slen ? pjsip_parse_uri(pool, copy.ptr, (pj_size_t)copy.slen, PJSIP_PARSE_URI_AS_NAMEADDR)
                               : NULL;
    if (!uri)
        return PJSIP_SC_BAD_REQUEST;
    const pj_str_t *scheme = pjsip_uri_get_scheme(uri);
    if (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri)) {
        pjsip_sip_uri *address = (pjsip_sip_uri *)pjsip_uri_get_uri(uri);
        /* Another method than INVITE is none of ours to send. */
        if (address->method_param.slen > 0 && pj_stricmp(&address->method_param, &invite) != 0)
            return PJSIP_SC_NOT_IMPLEMENTED;
        address->method_param.slen = 0;
        int status = read_uri_headers(pool, address, referral);
        if (status != 0)
            return status;
    } else if (pj_stricmp2(scheme, "tel") != 0) {
        return PJSIP_SC_UNSUPPORTED_URI_SCHEME;
    }
    text_uri(referral->refer_to, sizeof(referral->refer_to), uri);
    return referral->refer_to[0] ? 0 : PJSIP_SC_BAD_REQUEST;
}

/** Whether there is an option in Require that we do not know (RFC 3261 §8.2.2.3). */
static bool requires_unknown(const pjsip_rx_data *rdata)
{
    static const char *const known[] = {"norefersub", "replaces", "tdialog", "100rel", "timer"};
    const pjsip_require_hdr *require = rdata->msg_info.require;
    for (unsigned i = 0; require && i < require->count; i++) {
        bool found = false;
        for (size_t k = 0; k < PJ_ARRAY_SIZE(known); k++)
            found = found || pj_stricmp2(&require->values[i], known[k]) == 0;
        if (!found)
            return true;
    }
    return false;
}

/** The status by which the REFER is refused; 0: it has been read. */
static int read_referral(pjsip_rx_data *rdata, struct referral *referral)
{
    bool more;
    memset(referral, 0, sizeof(*referral));
    if (requires_unknown(rdata))
        return PJSIP_SC_BAD_EXTENSION;
    int status = read_refer_to(rdata, referral);
    if (status != 0)
        return status;
    pjsip_generic_string_hdr *by = find(rdata, "Referred-By", "b", &more);
    if (by)
        text_uri(referral->referred_by, sizeof(referral->referred_by),
                 text_first_address(rdata->tp_info.pool, &by->hvalue));
    pjsip_generic_string_hdr *subscription = find(rdata, "Refer-Sub", "Refer-Sub", &more);
    referral->no_subscription = subscription && pj_strnicmp2(&subscription->hvalue, "false", 5) == 0;
    return 0;
}

static void report(tel_leg_id leg, uint64_t token, bool trusted, const struct referral *referral)
{
    tel_event event;
    event_init(&event, TEL_EVENT_REFER, leg, token);
    event.trusted = trusted;
    event.refer_to = referral->refer_to;
    event.referred_by = referral->referred_by[0] ? referral->referred_by : NULL;
    event.no_subscription = referral->no_subscription;
    event.requires_replaces = referral->requires_replaces;
    event.replaces = referral->replaces.leg;
    event.early_only = referral->replaces.early_only;
    if (referral->replaces.present && !referral->replaces.leg)
        event.replaces_header = referral->replaces.value;
    tel_emit(&event);
}

int refer_receive(struct leg *leg, pjsip_rx_data *rdata)
{
    struct referral referral;
    int status = read_referral(rdata, &referral);
    if (status != 0)
        return status;
    uint64_t token = refer_keep(leg->dialog, rdata, referral.no_subscription, leg->refers > 0);
    if (token == 0)
        return PJSIP_SC_SERVICE_UNAVAILABLE;
    leg->refers++;
    leg->refer = token;
    report(leg->id, token, leg->trusted, &referral);
    return 0;
}

/**
 * The leg that Target-Dialog (RFC 4538) names. Which of its tags is whose depends on who is asked; as a name the pair
 * does in either order.
 */
static tel_leg_id target_dialog(pjsip_rx_data *rdata)
{
    bool more;
    char value[512], *rest = value;
    pj_str_t call_id, local = {NULL, 0}, remote = {NULL, 0};
    pjsip_generic_string_hdr *header = find(rdata, "Target-Dialog", "Target-Dialog", &more);
    if (!header || more || !text_copy(value, sizeof(value), &header->hvalue))
        return 0;
    call_id = pj_str(strsep(&rest, ";"));
    pj_strtrim(&call_id);
    for (char *parameter; (parameter = strsep(&rest, ";"));) {
        while (*parameter == ' ')
            parameter++;
        if (strncasecmp(parameter, "local-tag=", 10) == 0)
            local = pj_str(parameter + 10);
        else if (strncasecmp(parameter, "remote-tag=", 11) == 0)
            remote = pj_str(parameter + 11);
    }
    if (!local.slen || !remote.slen)
        return 0;
    tel_leg_id leg = dialogs_find(&call_id, &local, &remote);
    return leg ? leg : dialogs_find(&call_id, &remote, &local);
}

void refer_respond(pjsip_rx_data *rdata)
{
    struct referral referral;
    bool trusted = server_trusts(rdata);
    tel_leg_id leg = trusted ? target_dialog(rdata) : 0;
    int status = !trusted ? PJSIP_SC_FORBIDDEN : leg ? read_referral(rdata, &referral) : PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    pjsip_dialog *dialog = status == 0 ? contact_create_dialog(rdata) : NULL;
    if (!dialog) {
        server_respond(rdata, status ? status : PJSIP_SC_BAD_REQUEST, NULL);
        return;
    }
    pjsip_dlg_add_usage(dialog, &leg_module, NULL);
    uint64_t token = refer_keep(dialog, rdata, referral.no_subscription, false);
    if (token)
        report(leg, token, trusted, &referral);
    else
        pjsip_dlg_respond(dialog, rdata, PJSIP_SC_SERVICE_UNAVAILABLE, NULL, NULL, NULL);
    pjsip_dlg_dec_lock(dialog);
}
