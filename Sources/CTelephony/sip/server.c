/* Requests outside of dialogs. */
#include <stdio.h>
#include <string.h>

#include "../private/sip.h"

#define REFUSALS_A_SECOND 10 /* of peers that are not trusted; the rest is counted */

void server_respond(pjsip_rx_data *rdata, int status, const pjsip_hdr *headers)
{
    /* With a transaction: retransmissions are answered again and reported once. */
    if (pjsip_endpt_respond(sip.endpoint, &server_module, rdata, status, NULL, headers, NULL, NULL) != PJ_SUCCESS)
        pjsip_endpt_respond_stateless(sip.endpoint, rdata, status, NULL, headers, NULL);
}

bool server_trusts(const pjsip_rx_data *rdata)
{
    return net_contains(&sip.trusted, &rdata->pkt_info.src_addr);
}

/** Whether another INVITE of a peer that is not trusted is to be reported: what is refused must not fill the log. */
static bool may_report(void)
{
    static long second; /* of the thread that runs PJSIP */
    static unsigned reported;
    pj_time_val now;
    pj_gettickcount(&now);
    if (second != now.sec)
        reported = 0;
    second = now.sec;
    if (reported == REFUSALS_A_SECOND) {
        atomic_fetch_add(&sip.refused_unreported, 1);
        return false;
    }
    reported++;
    return true;
}

static void report_refusal(pjsip_rx_data *rdata, int status, const char *reason)
{
    bool trusted = server_trusts(rdata);
    if (!trusted && !may_report())
        return;
    char from[256], to[256], request[256], source[80], call_id[128];
    text_uri(from, sizeof(from), rdata->msg_info.from->uri);
    text_uri(to, sizeof(to), rdata->msg_info.to->uri);
    text_uri(request, sizeof(request), rdata->msg_info.msg->line.req.uri);
    text_copy(call_id, sizeof(call_id), &rdata->msg_info.cid->id);
    pj_sockaddr_print(&rdata->pkt_info.src_addr, source, sizeof(source), 3);
    tel_event event;
    event_init(&event, TEL_EVENT_REFUSED, 0, 0);
    event.status = status;
    event.trusted = trusted;
    event.reason = reason;
    event.from_uri = from[0] ? from : NULL;
    event.to_uri = to[0] ? to : NULL;
    event.request_uri = request[0] ? request : NULL;
    event.source = source;
    event.call_id = call_id;
    tel_emit(&event);
}

bool server_admits(pjsip_rx_data *rdata, char *user, size_t size)
{
    user[0] = 0;
    if (server_trusts(rdata))
        return true;
    enum authentication result = authenticate(rdata, user, size);
    if (result == AUTH_NONE && rdata->msg_info.msg->line.req.method.id == PJSIP_INVITE_METHOD) {
        server_forbid(rdata, NULL);
        return false;
    }
    return result != AUTH_ANSWERED;
}

void server_forbid(pjsip_rx_data *rdata, const char *reason)
{
    /* Without a transaction: a flood must not cost us memory. */
    pjsip_endpt_respond_stateless(sip.endpoint, rdata, PJSIP_SC_FORBIDDEN, NULL, NULL, NULL);
    if (rdata->msg_info.msg->line.req.method.id == PJSIP_INVITE_METHOD)
        report_refusal(rdata, PJSIP_SC_FORBIDDEN, reason);
}

void server_refused(pjsip_rx_data *rdata, int status)
{
    report_refusal(rdata, status, NULL);
}

/** 405 with Allow for a method that we know, 501 for another (RFC 3261 §8.2.1). */
static void refuse_method(pjsip_rx_data *rdata)
{
    static const char *const known[] = {"MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "UPDATE", "PRACK"};
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;
    if (sip.accept_messages && pj_stricmp2(&method->name, "MESSAGE") == 0) {
        server_respond(rdata, message_receive(rdata, 0), NULL);
        return;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(known); i++) {
        if (pj_stricmp2(&method->name, known[i]) != 0)
            continue;
        pjsip_hdr headers;
        pj_list_init(&headers);
        const pjsip_hdr *allow = pjsip_endpt_get_capability(sip.endpoint, PJSIP_H_ALLOW, NULL);
        if (allow)
            pj_list_push_back(&headers, pjsip_hdr_clone(rdata->tp_info.pool, allow));
        server_respond(rdata, PJSIP_SC_METHOD_NOT_ALLOWED, &headers);
        return;
    }
    server_respond(rdata, PJSIP_SC_NOT_IMPLEMENTED, NULL);
}

static pj_bool_t on_rx_request(pjsip_rx_data *rdata)
{
    char user[64];
    if (!atomic_load(&sip.knows_users))
        return PJ_TRUE; /* a 403 for want of accounts would keep a phone from trying again */
    switch (rdata->msg_info.msg->line.req.method.id) {
    case PJSIP_INVITE_METHOD:
        incoming_invite(rdata);
        break;
    case PJSIP_OPTIONS_METHOD:
        options_respond(rdata);
        break;
    case PJSIP_REGISTER_METHOD:
        registrar_respond(rdata);
        break;
    case PJSIP_ACK_METHOD:
        break;
    case PJSIP_CANCEL_METHOD:
    case PJSIP_BYE_METHOD:
        server_respond(rdata, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, NULL);
        break;
    default:
        if (!server_admits(rdata, user, sizeof(user)))
            break;
        if (pj_stricmp2(&rdata->msg_info.msg->line.req.method.name, "REFER") == 0)
            refer_respond(rdata);
        else
            refuse_method(rdata);
        break;
    }
    return PJ_TRUE;
}

pjsip_module server_module = {
    .name = {"mod-tel-server", 14},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_rx_request = on_rx_request,
};
