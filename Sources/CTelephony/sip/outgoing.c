/* Placing a call. */
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

static const pjsip_sip_uri *parse_uri(pj_pool_t *pool, const char *uri_text)
{
    pj_str_t text;
    pj_strdup2_with_null(pool, &text, uri_text);
    pjsip_uri *uri = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri))) {
        note_error("%s: not a SIP URI", uri_text);
        return NULL;
    }
    return pjsip_uri_get_uri(uri);
}

bool destination_find(pj_pool_t *pool, const char *uri_text, struct destination *to)
{
    const pjsip_sip_uri *target = parse_uri(pool, uri_text);
    if (!target)
        return false;
    pj_bzero(to, sizeof(*to));
    to->secure = PJSIP_URI_SCHEME_IS_SIPS(target);
    to->host = target->host;
    if (sip.outbound_proxy[0]) {
        target = parse_uri(pool, sip.outbound_proxy);
        if (!target)
            return false;
        to->proxy = target->host;
    }
    pj_str_t host = target->maddr_param.slen ? target->maddr_param : target->host;
    unsigned type = PJSIP_TRANSPORT_UDP;
    if (to->secure || PJSIP_URI_SCHEME_IS_SIPS(target) || pj_stricmp2(&target->transport_param, "tls") == 0)
        type = PJSIP_TRANSPORT_TLS;
    else if (pj_stricmp2(&target->transport_param, "tcp") == 0)
        type = PJSIP_TRANSPORT_TCP;
    if (memchr(host.ptr, ':', (size_t)host.slen)) {
        type |= PJSIP_TRANSPORT_IPV6;
        pj_sockaddr_init(pj_AF_INET6(), &to->address, &host, 0);
    } else if (strspn(host.ptr, "0123456789.") >= (size_t)host.slen) {
        pj_sockaddr_init(pj_AF_INET(), &to->address, &host, 0);
    }
    to->listener = contact_listener((pjsip_transport_type_e)type);
    if (!to->listener && !to->address.addr.sa_family) /* a name: there may be IPv6 alone */
        to->listener = contact_listener((pjsip_transport_type_e)(type | PJSIP_TRANSPORT_IPV6));
    if (!to->listener)
        note_error("%s: no %s transport is configured", uri_text, pjsip_transport_get_type_desc(type));
    return to->listener != NULL;
}

static pjsip_dialog *create_dialog(const tel_invite_params *params, const struct destination *to)
{
    char contact[SIP_MAX_CONTACT], own_uri[SIP_MAX_CONTACT], from[LEG_URI * 2], target[LEG_URI + 2];
    const pj_sockaddr *peer = to->address.addr.sa_family ? &to->address : NULL;
    contact_uri(to->listener, peer, to->secure, contact, sizeof(contact));
    snprintf(own_uri, sizeof(own_uri), "sip:%s:%u", to->listener->host, to->listener->port);
    text_name_address(from, sizeof(from), params->from_display, params->from_uri ? params->from_uri : own_uri);
    if ((size_t)snprintf(target, sizeof(target), "<%s>", params->uri) >= sizeof(target)) {
        note_error("URI too long: %s", params->uri);
        return NULL;
    }
    pj_str_t local = pj_str(from), local_contact = pj_str(contact), remote = pj_str(target);
    pjsip_dialog *dialog;
    pj_status_t status =
        pjsip_dlg_create_uac(pjsip_ua_instance(), &local, &local_contact, &remote, NULL, &dialog);
    if (status != PJ_SUCCESS) {
        note_pj_error(params->uri, status);
        return NULL;
    }
    contact_set_via(dialog, to->listener, peer);
    const pj_str_t *hosts[] = {&to->host, &to->proxy};
    credentials_arm(dialog, hosts, PJ_ARRAY_SIZE(hosts), peer);
    if (params->call_id) {
        pj_str_t id = pj_str((char *)params->call_id);
        pj_strdup(dialog->pool, &dialog->call_id->id, &id);
    }
    return dialog;
}

static bool set_route(pjsip_dialog *dialog)
{
    if (!sip.outbound_proxy[0])
        return true;
    pj_str_t name = {"Route", 5}, value;
    char text[sizeof(sip.outbound_proxy) + 8];
    snprintf(text, sizeof(text), strstr(sip.outbound_proxy, ";lr") ? "<%s>" : "<%s;lr>", sip.outbound_proxy);
    pj_strdup2_with_null(dialog->pool, &value, text);
    pjsip_route_hdr *route = pjsip_parse_hdr(dialog->pool, &name, value.ptr, (pj_size_t)value.slen, NULL);
    pjsip_route_hdr set;
    if (!route)
        return false;
    pj_list_init(&set);
    pj_list_push_back(&set, route);
    return pjsip_dlg_set_route_set(dialog, &set) == PJ_SUCCESS;
}

static void add_caps(struct leg_caps *caps, media_codec codec)
{
    for (int i = 0; i < caps->codec_count; i++) {
        if (caps->codecs[i] == codec)
            return;
    }
    caps->codecs[caps->codec_count++] = codec;
}

/**
 * Codec rule (a): what the other leg offered; (b): its current codec first, the rest as configured. Behind them what else
 * is configured: to be transcoded.
 */
static void choose_caps(const tel_invite_params *params, struct leg_caps *caps)
{
    struct leg_caps other;
    memset(caps, 0, sizeof(*caps));
    if (params->codecs_of == 0 || !leg_caps_of(params->codecs_of, &other) || other.codec_count == 0) {
        memcpy(caps->codecs, sip.codecs, sizeof(caps->codecs));
        caps->codec_count = sip.codec_count;
        return;
    }
    *caps = other;
    if (other.current >= 0) {
        caps->codec_count = 0;
        add_caps(caps, (media_codec)other.current);
        for (int i = 0; i < sip.codec_count; i++) {
            for (int k = 0; k < other.codec_count; k++) {
                if (other.codecs[k] == sip.codecs[i])
                    add_caps(caps, sip.codecs[i]);
            }
        }
    }
    for (int i = 0; i < sip.codec_count; i++)
        add_caps(caps, sip.codecs[i]);
}

static bool add_headers(struct leg *leg, pjsip_tx_data *tdata, const tel_invite_params *params)
{
    if (params->max_forwards > 0) {
        pjsip_max_fwd_hdr *hops = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_MAX_FORWARDS, NULL);
        if (hops)
            hops->ivalue = params->max_forwards;
        else
            pjsip_msg_add_hdr(tdata->msg,
                              (pjsip_hdr *)pjsip_max_fwd_hdr_create(tdata->pool, params->max_forwards));
    }
    if (params->asserted_uri && (!params->withheld || leg->trust_domain))
        identity_add(tdata, params->asserted_uri, params->asserted_display, params->withheld);
    for (size_t i = 0; i < params->header_count; i++) {
        const char *colon = strchr(params->headers[i], ':');
        char name[64];
        size_t length = colon ? (size_t)(colon - params->headers[i]) : 0;
        if (length == 0 || length >= sizeof(name) || strpbrk(params->headers[i], "\r\n")) {
            note_error("malformed header: %s", params->headers[i]);
            return false;
        }
        memcpy(name, params->headers[i], length);
        name[length] = 0;
        text_add_header(tdata, name, colon + 1 + strspn(colon + 1, " "));
    }
    return true;
}

static void on_no_response(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    struct leg *leg = leg_acquire(leg_of_timer(entry));
    if (!leg)
        return;
    pjsip_dialog *dialog = leg->dialog;
    if (!leg->rang && !leg->answered) {
        pjsip_inv_session *inv = leg->inv;
        leg_end(leg, &(struct leg_ending){.end = TEL_END_NO_RESPONSE});
        session_close(inv, 0, 0, NULL, 0);
    }
    leg_release(dialog);
}

/** The leg is over when its INVITE could not be sent; that is an ending like any other. */
static bool send_invite(struct leg *leg, const tel_invite_params *params)
{
    pjsip_inv_session *inv = leg->inv;
    pjsip_dialog *dialog = leg->dialog;
    pjsip_tx_data *tdata = NULL;
    pj_status_t status = pjsip_inv_invite(inv, &tdata);
    if (status != PJ_SUCCESS) {
        note_pj_error("INVITE", status);
        return false;
    }
    if (!add_headers(leg, tdata, params)) {
        pjsip_tx_data_dec_ref(tdata);
        return false;
    }
    if (params->no_response_ms)
        leg_schedule(leg, &leg->no_response, on_no_response, params->no_response_ms);
    status = pjsip_inv_send_msg(inv, tdata);
    leg = leg_of(dialog);
    if (status != PJ_SUCCESS && leg) {
        note_pj_error(params->uri, status);
        leg_end(leg, &(struct leg_ending){.end = TEL_END_TRANSPORT, .reason = tel_last_error()});
        pjsip_inv_terminate(inv, PJSIP_SC_SERVICE_UNAVAILABLE, PJ_FALSE);
    }
    return true;
}

static pjsip_inv_session *create_session(pjsip_dialog *dialog, const pjmedia_sdp_session *offer)
{
    unsigned options = PJSIP_INV_SUPPORT_100REL | PJSIP_INV_SUPPORT_UPDATE;
    pjsip_inv_session *inv;
    if (sip.session_expires_s)
        options |= PJSIP_INV_SUPPORT_TIMER;
    pj_status_t status = pjsip_inv_create_uac(dialog, offer, options, &inv);
    if (status != PJ_SUCCESS) {
        note_pj_error("session", status);
        return NULL;
    }
    if (sip.session_expires_s) {
        pjsip_timer_setting timer = {.min_se = sip.min_se_s, .sess_expires = sip.session_expires_s};
        pjsip_timer_init_session(inv, &timer);
    }
    return inv;
}

static tel_leg_id place(const tel_invite_params *params, pj_pool_t *pool)
{
    struct destination to;
    struct leg_caps caps;
    if (!destination_find(pool, params->uri, &to))
        return 0;
    pjsip_dialog *dialog = create_dialog(params, &to);
    if (!dialog)
        return 0;
    pjsip_dlg_inc_lock(dialog);
    flow_use(dialog, params->uri);
    struct leg *leg = set_route(dialog) ? leg_open(params->token, to.listener->bound.addr.sa_family) : NULL;
    tel_leg_id id = 0;
    if (leg) {
        id = leg->id;
        leg->outgoing = true;
        leg->external = contact_is_external(to.address.addr.sa_family ? &to.address : NULL);
        leg->peer = to.address;
        leg->trust_domain = to.address.addr.sa_family && net_contains(&sip.trusted, &to.address);
        if (params->note) {
            pj_str_t note;
            pj_strdup2_with_null(dialog->pool, &note, params->note);
            leg->note = note.ptr;
        }
        choose_caps(params, &caps);
        leg->wanted_codec = (int)caps.codecs[0];
        pjmedia_sdp_session *offer = params->no_offer ? NULL : describe_offer(leg, pool, &caps, false);
        pjsip_inv_session *inv = create_session(dialog, offer);
        if (!inv) {
            leg_discard(leg);
            id = 0;
        } else {
            leg_attach(leg, inv);
            if (!send_invite(leg, params)) {
                leg_discard(leg);
                dialog->mod_data[leg_module.id] = NULL;
                pjsip_inv_terminate(inv, PJSIP_SC_INTERNAL_SERVER_ERROR, PJ_FALSE);
                pjsip_inv_dec_ref(inv);
                id = 0;
            }
        }
    }
    pjsip_dlg_dec_lock(dialog);
    return id;
}

tel_leg_id tel_invite(const tel_invite_params *params)
{
    if (!thread_ready())
        return 0;
    pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "invite", 4000, 2000);
    if (!pool) {
        note_error("no memory");
        return 0;
    }
    tel_leg_id id = place(params, pool);
    pjsip_endpt_release_pool(sip.endpoint, pool);
    worker_heed_timers();
    return id;
}
