/*
 * Host names. Without a resolver of its own PJSIP calls getaddrinfo, which stops the thread that sends, and with it all
 * calls, for as long as DNS takes. PJSIP's resolver asks the system's name servers without waiting (SRV, then A or
 * AAAA: RFC 3263); the names of /etc/hosts are given to it as answers that never expire.
 */
#include <stdio.h>
#include <string.h>

#include "../private/sip.h"

#define MOST_SERVERS 4
/** Seconds; PJSIP would forget the hosts file after five minutes. Answers of servers keep their own time to live. */
#define LONGEST_LIFE 0x3fffffff

static size_t read_servers(char servers[][PJ_INET6_ADDRSTRLEN], size_t size)
{
    char line[512];
    size_t count = 0;
    FILE *file = fopen("/etc/resolv.conf", "re");
    while (file && count < size && fgets(line, sizeof(line), file)) {
        if (sscanf(line, " nameserver %45s", servers[count]) == 1)
            count++;
    }
    if (file)
        fclose(file);
    return count;
}

static void add_host(pj_dns_resolver *resolver, const char *name, const char *address)
{
    pj_str_t name_text = pj_str((char *)name), address_text = pj_str((char *)address);
    pj_dns_parsed_packet packet;
    pj_dns_parsed_query question;
    pj_dns_parsed_rr record;
    pj_in_addr v4;
    pj_in6_addr v6;
    pj_bzero(&packet, sizeof(packet));
    if (pj_inet_pton(pj_AF_INET(), &address_text, &v4) == PJ_SUCCESS)
        pj_dns_init_a_rr(&record, &name_text, PJ_DNS_CLASS_IN, 0, &v4);
    else if (pj_inet_pton(pj_AF_INET6(), &address_text, &v6) == PJ_SUCCESS)
        pj_dns_init_aaaa_rr(&record, &name_text, PJ_DNS_CLASS_IN, 0, &v6);
    else
        return;
    question.name = record.name;
    question.type = record.type;
    question.dnsclass = record.dnsclass;
    packet.hdr.flags = PJ_DNS_SET_QR(1);
    packet.hdr.qdcount = packet.hdr.anscount = 1;
    packet.q = &question;
    packet.ans = &record;
    pj_dns_resolver_add_entry(resolver, &packet, PJ_FALSE);
}

static void read_hosts(pj_dns_resolver *resolver)
{
    char line[1024];
    FILE *file = fopen("/etc/hosts", "re");
    while (file && fgets(line, sizeof(line), file)) {
        char *rest = line;
        line[strcspn(line, "#\r\n")] = 0;
        char *address = strsep(&rest, " \t");
        for (char *name; (name = strsep(&rest, " \t"));) {
            if (*name && strlen(name) < PJ_MAX_HOSTNAME)
                add_host(resolver, name, address);
        }
    }
    if (file)
        fclose(file);
}

pj_status_t resolver_start(void)
{
    char names[MOST_SERVERS][PJ_INET6_ADDRSTRLEN];
    pj_str_t servers[MOST_SERVERS];
    pj_dns_resolver *resolver;
    size_t count = read_servers(names, MOST_SERVERS);
    if (count == 0)
        return PJ_SUCCESS;
    for (size_t i = 0; i < count; i++)
        servers[i] = pj_str(names[i]);
    pj_status_t status = pjsip_endpt_create_resolver(sip.endpoint, &resolver);
    if (status != PJ_SUCCESS)
        return status;
    if (pj_dns_resolver_set_ns(resolver, (unsigned)count, servers, NULL) != PJ_SUCCESS) {
        pj_dns_resolver_destroy(resolver, PJ_FALSE);
        return PJ_SUCCESS; /* an address with a scope, say: getaddrinfo understands it */
    }
    pj_dns_settings settings;
    pj_dns_resolver_get_settings(resolver, &settings);
    settings.cache_max_ttl = LONGEST_LIFE;
    pj_dns_resolver_set_settings(resolver, &settings);
    read_hosts(resolver);
    return pjsip_endpt_set_resolver(sip.endpoint, resolver);
}
