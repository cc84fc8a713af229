#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../private/sip.h"

bool net_parse(const char *cidr, struct net *net)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(cidr, '/');
    size_t length = slash ? (size_t)(slash - cidr) : strlen(cidr);
    if (length == 0 || length >= sizeof(address))
        return false;
    memcpy(address, cidr, length);
    address[length] = 0;

    memset(net, 0, sizeof(*net));
    net->family = strchr(address, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(net->family, address, net->address) != 1)
        return false;
    unsigned most = net->family == AF_INET ? 32 : 128;
    net->bits = most;
    if (slash) {
        char *end;
        unsigned long bits = strtoul(slash + 1, &end, 10);
        if (end == slash + 1 || *end || bits > most)
            return false;
        net->bits = (unsigned)bits;
    }
    return true;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

bool net_contains(const struct net_list *list, const pj_sockaddr *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    int family = address->addr.sa_family == pj_AF_INET6() ? AF_INET6 : AF_INET;
    const uint8_t *bytes = pj_sockaddr_get_addr(address);
    if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        family = AF_INET;
        bytes += sizeof(mapped);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->nets[i].family == family && same_prefix(list->nets[i].address, bytes, list->nets[i].bits))
            return true;
    }
    return false;
}
