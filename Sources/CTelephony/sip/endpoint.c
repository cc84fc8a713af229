/* The life of the shim: PJLIB, the SIP endpoint with its modules and transports. */
#ifdef __linux__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/leg.h"

/** Freed blocks up to this are kept: pools of dialogs and messages come and go all the time. */
#define POOL_CAPACITY (256 * 1024 * 1024)
/** It sizes a hash table only. */
#define TRANSACTION_HASH 32767
#define SOCKET_BUFFER (4 * 1024 * 1024)
#define HEAP_STEP (1024 * 1024)

struct sip sip;

static void on_dropped(pjsip_tp_dropped_data *data)
{
    if (data->status != PJ_EIGNORED) /* line ends that keep a NAT binding alive (RFC 5626 §3.5.1) */
        atomic_fetch_add(&sip.malformed, 1);
}

static void on_transport_state(pjsip_transport *transport, pjsip_transport_state state,
                               const pjsip_transport_state_info *info)
{
    connections_on_state(transport, state);
    if (state != PJSIP_TP_STATE_DISCONNECTED && state != PJSIP_TP_STATE_SHUTDOWN)
        return;
    flows_on_closed(transport);
    if (state == PJSIP_TP_STATE_DISCONNECTED)
        tls_on_failure(transport, info);
}

static bool failed(const char *what, pj_status_t status, char *error, size_t error_size)
{
    char text[PJ_ERR_MSG_SIZE];
    if (status == PJ_SUCCESS)
        return false;
    pj_strerror(status, text, sizeof(text));
    snprintf(error, error_size, "%s: %s", what, text);
    return true;
}

static void describe_listener(struct listener *listener)
{
    pj_sockaddr shown = listener->bound;
    if (!pj_sockaddr_has_addr(&shown))
        pj_getdefaultipinterface(shown.addr.sa_family, &shown);
    pj_sockaddr_print(&shown, listener->host, sizeof(listener->host), 2);
    listener->port = pj_sockaddr_get_port(&listener->bound);
}

static pj_status_t start_udp(struct listener *listener)
{
    int family = listener->bound.addr.sa_family, length = sizeof(listener->bound);
    unsigned buffer = SOCKET_BUFFER;
    pj_sock_t socket = PJ_INVALID_SOCKET;
    pjsip_transport *transport;
    pj_status_t status = pj_sock_socket(family, pj_SOCK_DGRAM() | pj_SOCK_CLOEXEC(), 0, &socket);
    if (status == PJ_SUCCESS)
        status = pj_sock_bind(socket, &listener->bound, pj_sockaddr_get_len(&listener->bound));
    if (status == PJ_SUCCESS)
        status = pj_sock_getsockname(socket, &listener->bound, &length);
    if (status == PJ_SUCCESS) {
        pj_sock_setsockopt_sobuf(socket, pj_SO_RCVBUF(), PJ_TRUE, &buffer);
        buffer = SOCKET_BUFFER;
        pj_sock_setsockopt_sobuf(socket, pj_SO_SNDBUF(), PJ_TRUE, &buffer);
        describe_listener(listener);
        pjsip_host_port name = {pj_str(listener->host), listener->port};
        status = pjsip_udp_transport_attach2(sip.endpoint, listener->type, socket, &name, 1, &transport);
    }
    if (status == PJ_SUCCESS)
        faults_watch(transport, socket);
    else if (socket != PJ_INVALID_SOCKET)
        pj_sock_close(socket);
    return status;
}

static pj_status_t start_tcp(struct listener *listener)
{
    pjsip_tcp_transport_cfg config;
    pjsip_tpfactory *factory;
    pjsip_tcp_transport_cfg_default(&config, listener->bound.addr.sa_family);
    config.bind_addr = listener->bound;
    config.reuse_addr = PJ_TRUE;
    config.initial_timeout = FIRST_MESSAGE_S;
    pj_status_t status = pjsip_tcp_transport_start3(sip.endpoint, &config, &factory);
    if (status == PJ_SUCCESS) {
        pj_sockaddr_set_port(&listener->bound, (pj_uint16_t)factory->addr_name.port);
        describe_listener(listener);
    }
    return status;
}

static pj_status_t start_transport(struct listener *listener, const tel_config *config)
{
    pj_status_t status;
    switch (listener->type & ~(unsigned)PJSIP_TRANSPORT_IPV6) {
    case PJSIP_TRANSPORT_TCP: return start_tcp(listener);
    case PJSIP_TRANSPORT_TLS:
        status = tls_start(listener, config);
        if (status == PJ_SUCCESS)
            describe_listener(listener);
        return status;
    default: return start_udp(listener);
    }
}

static bool start_listener(const char *entry, const tel_config *config, char *error, size_t error_size)
{
    static const struct {
        const char *prefix;
        pjsip_transport_type_e type;
    } kinds[] = {{"udp:", PJSIP_TRANSPORT_UDP}, {"tcp:", PJSIP_TRANSPORT_TCP}, {"tls:", PJSIP_TRANSPORT_TLS}};
    struct listener *listener = &sip.listeners[sip.listener_count];
    size_t kind = 0;
    while (kind < PJ_ARRAY_SIZE(kinds) && strncmp(entry, kinds[kind].prefix, 4) != 0)
        kind++;
    if (sip.listener_count == SIP_MAX_LISTEN || kind == PJ_ARRAY_SIZE(kinds)) {
        snprintf(error, error_size, "not udp:, tcp: or tls:ADDRESS:PORT, or one too many: %s", entry);
        return false;
    }
    pj_str_t text = pj_str((char *)entry + 4);
    if (pj_sockaddr_parse(pj_AF_UNSPEC(), 0, &text, &listener->bound) != PJ_SUCCESS) {
        snprintf(error, error_size, "not ADDRESS:PORT: %s", entry);
        return false;
    }
    listener->type = kinds[kind].type;
    if (listener->bound.addr.sa_family == pj_AF_INET6())
        listener->type |= PJSIP_TRANSPORT_IPV6;
    if (failed(entry, start_transport(listener, config), error, error_size))
        return false;
    sip.listener_count++;
    return true;
}

static pj_status_t register_modules(void)
{
    static const pj_str_t methods[] = {{"INFO", 4}, {"OPTIONS", 7}, {"REFER", 5}, {"NOTIFY", 6}};
    static const pj_str_t extensions[] = {{"norefersub", 10}, {"tdialog", 7}};
    static const pj_str_t types[] = {{"application/dtmf-relay", 22}, {"application/dtmf", 16}};
    pjsip_ua_init_param user_agent = {.on_dlg_forked = fork_on_dialog};
    pj_status_t status = pjsip_tsx_layer_init_module(sip.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_ua_init_module(sip.endpoint, &user_agent);
    if (status == PJ_SUCCESS)
        status = pjsip_inv_usage_init(sip.endpoint, &session_callbacks);
    if (status == PJ_SUCCESS)
        status = pjsip_100rel_init_module(sip.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_timer_init_module(sip.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_replaces_init_module(sip.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(sip.endpoint, &faults_module);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(sip.endpoint, &connections_module);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(sip.endpoint, &nat_module);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(sip.endpoint, &family_module);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(sip.endpoint, &leg_module);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(sip.endpoint, &server_module);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_add_capability(sip.endpoint, &leg_module, PJSIP_H_ALLOW, NULL,
                                            PJ_ARRAY_SIZE(methods), methods);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_add_capability(sip.endpoint, &leg_module, PJSIP_H_ACCEPT, NULL,
                                            PJ_ARRAY_SIZE(types), types);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_add_capability(sip.endpoint, &leg_module, PJSIP_H_SUPPORTED, NULL,
                                            PJ_ARRAY_SIZE(extensions), extensions);
    if (status == PJ_SUCCESS)
        status = messages_start(&leg_module);
    return status;
}

/** PJSIP puts these into every request of ours. */
static void add_user_agent(const char *name)
{
    static const pj_str_t header_name = {"User-Agent", 10};
    pj_str_t value;
    pj_strdup2_with_null(sip.pool, &value, name);
    pjsip_hdr *headers = (pjsip_hdr *)pjsip_endpt_get_request_headers(sip.endpoint);
    if (value.slen > 0)
        pj_list_push_back(headers, pjsip_generic_string_hdr_create(sip.pool, &header_name, &value));
}

static bool start_endpoint(const tel_config *config, char *error, size_t error_size)
{
    pjsip_cfg()->endpt.disable_tcp_switch = PJ_TRUE;
    pjsip_cfg()->endpt.resolve_hostname_to_get_interface = PJ_FALSE;
    pjsip_cfg()->tsx.max_count = TRANSACTION_HASH;
    pj_caching_pool_init(&sip.caching_pool, NULL, POOL_CAPACITY);
    pj_status_t status = pjsip_endpt_create(&sip.caching_pool.factory, "warmline", &sip.endpoint);
    if (failed("SIP endpoint", status, error, error_size)) {
        pj_caching_pool_destroy(&sip.caching_pool);
        sip.endpoint = NULL;
        return false;
    }
    status = register_modules();
    if (failed("SIP modules", status, error, error_size))
        return false;
    if (failed("DNS resolver", resolver_start(), error, error_size))
        return false;
    sip.pool = pjsip_endpt_create_pool(sip.endpoint, "warmline", 1000, 1000);
    add_user_agent(config->user_agent);
    pjsip_tpmgr_set_drop_data_cb(pjsip_endpt_get_tpmgr(sip.endpoint), on_dropped);
    pjsip_tpmgr_set_state_cb(pjsip_endpt_get_tpmgr(sip.endpoint), on_transport_state);
    if (config->trace_file && !trace_start(config->trace_file, error, error_size))
        return false;
    if (config->listen_count == 0) {
        snprintf(error, error_size, "no address to listen on");
        return false;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        if (!start_listener(config->listen[i], config, error, error_size))
            return false;
    }
    return true;
}

static bool start_all(const tel_config *config, char *error, size_t error_size, bool *media)
{
    if (!config_copy(config, error, error_size) || !legs_start(config->max_legs, error, error_size) ||
        !start_endpoint(config, error, error_size))
        return false;
    *media = media_start(config, error, error_size) == TEL_OK;
    if (!*media)
        return false;
    return !failed("SIP worker thread", worker_start(), error, error_size);
}

static void stop_all(bool media)
{
    events_enable(false);
    worker_stop();
    if (media)
        media_stop();
    if (sip.endpoint) {
        register_stop();
        flows_clear();
        pjsip_endpoint *endpoint = sip.endpoint;
        if (sip.pool)
            pjsip_endpt_release_pool(endpoint, sip.pool);
        pjsip_endpt_destroy(endpoint);
        trace_stop();
        sip.endpoint = NULL;
        pj_caching_pool_destroy(&sip.caching_pool);
    }
    legs_stop();
    registrar_clear();
    accounts_clear();
    tls_reset();
    faults_reset();
}

/** PJLIB stays up for the life of the process, so that the threads it knows remain known. */
static bool start_pjlib(char *error, size_t error_size)
{
    static bool started;
    if (started)
        return thread_known();
    pj_log_set_level(0);
    if (failed("PJLIB", pj_init(), error, error_size) || failed("PJLIB-UTIL", pjlib_util_init(), error, error_size))
        return false;
    pj_log_set_level(0);
    started = true;
    return true;
}

/**
 * glibc gives each thread a heap of its own, and these grow by a page and a system call at a time; pools are made on
 * one thread and freed on another besides. One heap that grows in large steps takes a tenth off a call's CPU time. It
 * works for threads that do not have a heap yet, so before there are any.
 */
__attribute__((constructor)) static void settle_heap(void)
{
#ifdef M_ARENA_MAX
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, HEAP_STEP);
#endif
}

tel_result tel_start(const tel_config *config, tel_event_fn callback, void *context, char *error, size_t error_size)
{
    if (sip.endpoint) {
        snprintf(error, error_size, "started already");
        return TEL_ERR_STATE;
    }
    if (!start_pjlib(error, error_size))
        return TEL_ERR_SYSTEM;
    bool media = false;
    memset(&sip, 0, sizeof(sip));
    sip.callback = callback;
    sip.context = context;
    atomic_store(&sip.accepting, true);
    atomic_store(&sip.knows_users, !config->await_users);
    nonces_start(config->nonce_life_s);
    events_enable(true);
    if (start_all(config, error, error_size, &media))
        return TEL_OK;
    stop_all(media);
    return TEL_ERR_SYSTEM;
}

void tel_stop(void)
{
    if (!thread_ready())
        return;
    for (tel_leg_id id = leg_first(0); id; id = leg_first(id))
        tel_hangup(id, PJSIP_SC_SERVICE_UNAVAILABLE, 0, NULL, 0);
    refers_close();
    register_leave();
    stop_all(true);
}

uint16_t tel_listen_port(size_t index)
{
    return index < sip.listener_count ? sip.listeners[index].port : 0;
}

const char *tel_version(void)
{
    static char text[160];
    snprintf(text, sizeof(text), "PJSIP %s: at most %d sockets, %d dialogs, %d bytes a datagram", pj_get_version(),
             PJ_IOQUEUE_MAX_HANDLES, PJSIP_MAX_DIALOG_COUNT, PJSIP_MAX_PKT_LEN);
    return text;
}
