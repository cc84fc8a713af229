/*
 * TLS (RFC 3261 §26.3.1, RFC 5922): the listener, which is also what our own connections are made by. With verify_peer a
 * server that we connect to has to show a certificate of the configured authorities, in date, for the name in the URI.
 * Phones that connect to us show none: they prove themselves by digest.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../private/sip.h"

/** For the handshake; a peer that takes longer has no use for a call. */
#define HANDSHAKE_MS 5000

static struct {
    uint64_t failed;
    char last[256];
    pthread_mutex_t mutex;
} failures = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void note_failure(const pjsip_transport *transport, const char *why)
{
    pthread_mutex_lock(&failures.mutex);
    failures.failed++;
    snprintf(failures.last, sizeof(failures.last), "%.*s:%d: %s", (int)transport->remote_name.host.slen,
             transport->remote_name.host.ptr, transport->remote_name.port, why);
    pthread_mutex_unlock(&failures.mutex);
}

/** What is wrong with the certificate, all of it. */
static void describe(uint32_t verify_status, char *buffer, size_t size)
{
    const char *reasons[16];
    unsigned count = PJ_ARRAY_SIZE(reasons);
    size_t used = (size_t)snprintf(buffer, size, "the certificate is not accepted");
    if (pj_ssl_cert_get_verify_status_strings(verify_status, reasons, &count) != PJ_SUCCESS)
        return;
    for (unsigned i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s %s", i ? ";" : ":", reasons[i]);
}

void tls_on_failure(const pjsip_transport *transport, const pjsip_transport_state_info *info)
{
    char text[200];
    unsigned type = (unsigned)transport->key.type & ~(unsigned)PJSIP_TRANSPORT_IPV6;
    if (type != PJSIP_TRANSPORT_TLS || info->status == PJ_SUCCESS)
        return;
    const pjsip_tls_state_info *tls = info->ext_info;
    if (info->status == PJSIP_TLS_ECERTVERIF && tls && tls->ssl_sock_info) {
        describe(tls->ssl_sock_info->verify_status, text, sizeof(text));
        note_failure(transport, text);
    } else if (transport->dir == PJSIP_TP_DIR_OUTGOING) {
        pj_strerror(info->status, text, sizeof(text));
        note_failure(transport, text);
    }
}

void tls_reset(void)
{
    pthread_mutex_lock(&failures.mutex);
    failures.failed = 0;
    failures.last[0] = 0;
    pthread_mutex_unlock(&failures.mutex);
}

void tls_stats(tel_stats *stats)
{
    pthread_mutex_lock(&failures.mutex);
    stats->tls_failed = failures.failed;
    snprintf(stats->tls_last_failure, sizeof(stats->tls_last_failure), "%s", failures.last);
    pthread_mutex_unlock(&failures.mutex);
}

pj_status_t tls_start(struct listener *listener, const tel_config *config)
{
    pjsip_tls_setting setting;
    pjsip_tpfactory *factory;
    pjsip_tls_setting_default(&setting);
    setting.cert_file = pj_str((char *)(config->tls_certificate ? config->tls_certificate : ""));
    setting.privkey_file = pj_str((char *)(config->tls_private_key ? config->tls_private_key : ""));
    setting.ca_list_file = pj_str((char *)(config->tls_ca ? config->tls_ca : ""));
    setting.proto = PJ_SSL_SOCK_PROTO_TLS1_2 | PJ_SSL_SOCK_PROTO_TLS1_3; /* RFC 8996 */
    setting.verify_server = config->tls_verify_peer;
    setting.verify_client = PJ_FALSE;
    setting.require_client_cert = PJ_FALSE;
    setting.reuse_addr = PJ_TRUE;
    setting.timeout.sec = HANDSHAKE_MS / 1000;
    setting.initial_timeout = FIRST_MESSAGE_S;
    pj_status_t status = pjsip_tls_transport_start2(sip.endpoint, &setting, &listener->bound, NULL, 1, &factory);
    if (status == PJ_SUCCESS)
        pj_sockaddr_set_port(&listener->bound, (pj_uint16_t)factory->addr_name.port);
    return status;
}
