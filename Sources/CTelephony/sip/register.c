/* Registering with a server, for test phones. */
#include <stdio.h>
#include <string.h>

#include "../private/sip.h"

#define MOST_REGISTRATIONS 16

static struct {
    pjsip_regc *clients[MOST_REGISTRATIONS];
    size_t count;
} registrations;

/** PJSIP refreshes by itself; after a failure we try again when its own interval is over. */
static void on_result(struct pjsip_regc_cbparam *result)
{
    PJ_UNUSED_ARG(result);
}

static bool prepare(pjsip_regc *client, const char *server_uri, const char *aor_uri, uint32_t expires_s)
{
    char contact[SIP_MAX_CONTACT], with_user[SIP_MAX_CONTACT * 2];
    const struct listener *listener = &sip.listeners[0];
    contact_uri(listener, NULL, contact, sizeof(contact));
    const char *user = strchr(aor_uri, ':'), *at = strchr(aor_uri, '@');
    int length = user && at > user ? (int)(at - user - 1) : 0;
    snprintf(with_user, sizeof(with_user), "<sip:%.*s%s%s", length, user ? user + 1 : "", length ? "@" : "",
             contact + strlen("<sip:"));
    pj_str_t server = pj_str((char *)server_uri), aor = pj_str((char *)aor_uri), where = pj_str(with_user);
    pj_status_t status = pjsip_regc_init(client, &server, &aor, &aor, 1, &where, expires_s);
    if (status != PJ_SUCCESS)
        note_pj_error(aor_uri, status);
    return status == PJ_SUCCESS;
}

tel_result tel_register(const char *server_uri, const char *aor_uri, uint32_t expires_s)
{
    pjsip_regc *client;
    pjsip_tx_data *tdata;
    if (!thread_ready())
        return TEL_ERR_STATE;
    if (registrations.count == MOST_REGISTRATIONS)
        return TEL_ERR_FULL;
    pj_status_t status = pjsip_regc_create(sip.endpoint, NULL, on_result, &client);
    if (status != PJ_SUCCESS) {
        note_pj_error("registration", status);
        return TEL_ERR_SYSTEM;
    }
    if (!prepare(client, server_uri, aor_uri, expires_s)) {
        pjsip_regc_destroy(client);
        return TEL_ERR_INVALID;
    }
    status = pjsip_regc_register(client, PJ_TRUE, &tdata);
    if (status == PJ_SUCCESS)
        status = pjsip_regc_send(client, tdata);
    if (status != PJ_SUCCESS) {
        note_pj_error("REGISTER", status);
        pjsip_regc_destroy(client);
        return TEL_ERR_SYSTEM;
    }
    registrations.clients[registrations.count++] = client;
    worker_heed_timers();
    return TEL_OK;
}

void register_stop(void)
{
    while (registrations.count > 0)
        pjsip_regc_destroy(registrations.clients[--registrations.count]);
}
