/*
 * A capture of SIP messages that Wireshark and sngrep open: libpcap's file format (draft-ietf-opsawg-pcap) with link
 * type RAW, each message as one UDP datagram between the addresses it went between. Messages over TCP and TLS are
 * written the same way, one whole message each and in the clear.
 *
 * SIP threads only queue copies; a thread of its own writes, so that no disk holds up a call.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "../private/sip.h"

#define LINKTYPE_RAW 101
#define LARGEST_MESSAGE 65000
/** Messages that wait for the disk; later ones are dropped and counted. */
#define MOST_WAITING 10000

struct message {
    struct message *next;
    struct timeval time;
    pj_sockaddr from, to;
    size_t length;
    char bytes[];
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct message *first, **last;
    size_t waiting;
    bool stopping, started;
    pthread_t thread;
    int file;
} trace = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .file = -1};

/** SRTP's keys stand in SDP (RFC 4568 §6.1); a file that is handed on for help is no place for them. */
static void mask_keys(char *bytes, size_t length)
{
    static const char mark[] = "inline:";
    for (size_t i = 0; i + sizeof(mark) - 1 <= length; i++) {
        if (memcmp(bytes + i, mark, sizeof(mark) - 1) != 0)
            continue;
        for (i += sizeof(mark) - 1; i < length && !strchr("|\r\n \t;", bytes[i]); i++)
            bytes[i] = '*';
    }
}

static void enqueue(const pj_sockaddr *from, const pj_sockaddr *to, const char *bytes, size_t length)
{
    length = length < LARGEST_MESSAGE ? length : LARGEST_MESSAGE;
    struct message *message = malloc(sizeof(*message) + length);
    if (message) {
        gettimeofday(&message->time, NULL);
        message->next = NULL;
        message->length = length;
        pj_sockaddr_cp(&message->from, from);
        pj_sockaddr_cp(&message->to, to);
        memcpy(message->bytes, bytes, length);
        mask_keys(message->bytes, length);
    }
    pthread_mutex_lock(&trace.mutex);
    if (message && trace.waiting < MOST_WAITING) {
        *trace.last = message;
        trace.last = &message->next;
        trace.waiting++;
        message = NULL;
    } else {
        atomic_fetch_add(&sip.trace_dropped, 1);
    }
    pthread_cond_signal(&trace.changed);
    pthread_mutex_unlock(&trace.mutex);
    free(message);
}

static void put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

/** The sum of RFC 1071, not yet folded. */
static uint32_t sum(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i < length; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    return sum;
}

static unsigned checksum(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

/** IP and UDP headers; returns their length. */
static size_t describe(const struct message *message, uint8_t *header)
{
    bool v6 = message->from.addr.sa_family == pj_AF_INET6();
    size_t ip = v6 ? 40 : 20, udp_length = 8 + message->length;
    uint8_t *udp = header + ip;
    memset(header, 0, ip + 8);
    put16(udp, pj_sockaddr_get_port(&message->from));
    put16(udp + 2, pj_sockaddr_get_port(&message->to));
    put16(udp + 4, (unsigned)udp_length);
    unsigned size = pj_sockaddr_get_addr_len(&message->from);
    uint8_t *addresses = header + (v6 ? 8 : 12);
    memcpy(addresses, pj_sockaddr_get_addr(&message->from), size);
    memcpy(addresses + size, pj_sockaddr_get_addr(&message->to), size);
    if (v6) {
        header[0] = 0x60;
        put16(header + 4, (unsigned)udp_length);
        header[6] = 17;
        header[7] = 64;
    } else {
        header[0] = 0x45;
        put16(header + 2, (unsigned)(ip + udp_length));
        header[8] = 64;
        header[9] = 17;
        put16(header + 10, checksum(sum(header, ip, 0)));
    }
    uint32_t total = sum(addresses, size * 2, 17 + (uint32_t)udp_length);
    total = sum(udp, 8, total);
    unsigned check = checksum(sum((const uint8_t *)message->bytes, message->length, total));
    put16(udp + 6, check ? check : 0xffff);
    return ip + 8;
}

static bool write_all(const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = write(trace.file, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        length -= (size_t)written;
    }
    return true;
}

static bool write_message(const struct message *message)
{
    uint8_t buffer[16 + 48];
    size_t header = describe(message, buffer + 16);
    uint32_t length = (uint32_t)(header + message->length);
    uint32_t record[4] = {(uint32_t)message->time.tv_sec, (uint32_t)message->time.tv_usec, length, length};
    memcpy(buffer, record, sizeof(record));
    return write_all(buffer, sizeof(record) + header) && write_all(message->bytes, message->length);
}

static void *write_messages(void *unused)
{
    bool writable = true;
    pthread_mutex_lock(&trace.mutex);
    while (trace.first || !trace.stopping) {
        if (!trace.first) {
            pthread_cond_wait(&trace.changed, &trace.mutex);
            continue;
        }
        struct message *message = trace.first;
        trace.first = NULL;
        trace.last = &trace.first;
        trace.waiting = 0;
        pthread_mutex_unlock(&trace.mutex);
        while (message) {
            struct message *next = message->next;
            // After a failure, a full disk say, the file ends at the last whole message that it can.
            writable = writable && write_message(message);
            if (!writable)
                atomic_fetch_add(&sip.trace_dropped, 1);
            free(message);
            message = next;
        }
        pthread_mutex_lock(&trace.mutex);
    }
    pthread_mutex_unlock(&trace.mutex);
    return unused;
}

static pj_bool_t on_rx(pjsip_rx_data *rdata)
{
    enqueue(&rdata->pkt_info.src_addr, &rdata->tp_info.transport->local_addr, rdata->msg_info.msg_buf,
            (size_t)rdata->msg_info.len);
    return PJ_FALSE;
}

static pj_status_t on_tx(pjsip_tx_data *tdata)
{
    if (tdata->tp_info.transport)
        enqueue(&tdata->tp_info.transport->local_addr, &tdata->tp_info.dst_addr, tdata->buf.start,
                (size_t)(tdata->buf.cur - tdata->buf.start));
    return PJ_SUCCESS;
}

/** Next to the network: sees what came before anybody else, and what goes as it goes. */
static pjsip_module trace_module = {
    .name = {"mod-tel-trace", 13},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TRANSPORT_LAYER - 1,
    .on_rx_request = on_rx,
    .on_rx_response = on_rx,
    .on_tx_request = on_tx,
    .on_tx_response = on_tx,
};

bool trace_start(const char *path, char *error, size_t error_size)
{
    static const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t reserved[2], snap_length, link_type;
    } head = {0xa1b2c3d4, 2, 4, {0, 0}, 65535 + 48, LINKTYPE_RAW};
    trace.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (trace.file < 0 || fchmod(trace.file, 0600) != 0 || !write_all(&head, sizeof(head))) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        trace_stop();
        return false;
    }
    trace.first = NULL;
    trace.last = &trace.first;
    trace.waiting = 0;
    trace.stopping = false;
    trace.started = pthread_create(&trace.thread, NULL, write_messages, NULL) == 0;
    if (!trace.started || pjsip_endpt_register_module(sip.endpoint, &trace_module) != PJ_SUCCESS) {
        snprintf(error, error_size, "%s: no thread or module for the trace", path);
        trace_stop();
        return false;
    }
    return true;
}

void trace_stop(void)
{
    if (trace.started) {
        pthread_mutex_lock(&trace.mutex);
        trace.stopping = true;
        pthread_cond_signal(&trace.changed);
        pthread_mutex_unlock(&trace.mutex);
        pthread_join(trace.thread, NULL);
        trace.started = false;
    }
    if (trace.file >= 0)
        close(trace.file);
    trace.file = -1;
}
