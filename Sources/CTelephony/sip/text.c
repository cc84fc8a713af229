#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/sip.h"

bool text_copy(char *buffer, size_t size, const pj_str_t *text)
{
    size_t length = text->slen > 0 ? (size_t)text->slen : 0;
    bool whole = length < size;
    if (!whole)
        length = size - 1;
    memcpy(buffer, text->ptr, length);
    buffer[length] = 0;
    return whole;
}

void text_uri(char *buffer, size_t size, const void *uri)
{
    buffer[0] = 0;
    if (!uri)
        return;
    int length = pjsip_uri_print(PJSIP_URI_IN_OTHER, pjsip_uri_get_uri(uri), buffer, size - 1);
    buffer[length > 0 ? length : 0] = 0;
}

/** The length of the first element of a comma-separated list, commas in quotes and brackets left out of account. */
static size_t first_element(const char *text, size_t length)
{
    bool quoted = false, bracketed = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '<') {
            bracketed = true;
        } else if (c == '>') {
            bracketed = false;
        } else if (c == ',' && !bracketed) {
            return i;
        }
    }
    return length;
}

const pjsip_uri *text_first_address(pj_pool_t *pool, const pj_str_t *value)
{
    pj_str_t element = {value->ptr, (pj_ssize_t)first_element(value->ptr, (size_t)value->slen)};
    pj_str_t copy;
    pj_strtrim(&element);
    if (element.slen == 0)
        return NULL;
    pj_strdup_with_null(pool, &copy, &element);
    return pjsip_parse_uri(pool, copy.ptr, (pj_size_t)copy.slen, PJSIP_PARSE_URI_AS_NAMEADDR);
}

static void append(char *buffer, size_t size, size_t *used, char c)
{
    if (*used + 1 < size)
        buffer[(*used)++] = c;
    buffer[*used] = 0;
}

void text_name_address(char *buffer, size_t size, const char *display, const char *uri)
{
    size_t used = 0;
    buffer[0] = 0;
    if (display && display[0]) {
        append(buffer, size, &used, '"');
        for (const char *c = display; *c && used < size / 2; c++) {
            if (*c == '"' || *c == '\\')
                append(buffer, size, &used, '\\');
            if (!iscntrl((unsigned char)*c))
                append(buffer, size, &used, *c);
        }
        append(buffer, size, &used, '"');
        append(buffer, size, &used, ' ');
    }
    snprintf(buffer + used, size - used, "<%s>", uri);
}

void text_display(char *buffer, size_t size, const pjsip_uri *address)
{
    buffer[0] = 0;
    if (!PJSIP_URI_SCHEME_IS_SIP(address) && !PJSIP_URI_SCHEME_IS_SIPS(address) && !PJSIP_URI_SCHEME_IS_TEL(address))
        return;
    text_copy(buffer, size, &((const pjsip_name_addr *)address)->display);
    char *to = buffer;
    for (const char *from = buffer; *from; from++) {
        if (*from == '\\' && from[1]) /* quoted-pair (RFC 3261 §25.1) */
            from++;
        *to++ = *from;
    }
    *to = 0;
}

bool text_add_header(pjsip_tx_data *tdata, const char *name, const char *value)
{
    pj_str_t name_copy, value_copy;
    pj_strdup2_with_null(tdata->pool, &name_copy, name);
    pj_strdup2_with_null(tdata->pool, &value_copy, value);
    pjsip_generic_string_hdr *header = pjsip_generic_string_hdr_create(tdata->pool, &name_copy, &value_copy);
    if (header)
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)header);
    return header != NULL;
}

int text_quality(const pjsip_contact_hdr *contact)
{
    return contact->q1000 > 0 ? contact->q1000 : 1000;
}

/** One reason-value: protocol *(";" name "=" value) (RFC 3326 §2). */
static void reason_value(char *value, struct sip_reason *reason)
{
    char *rest = value;
    char *protocol = strsep(&rest, ";");
    while (isspace((unsigned char)*protocol))
        protocol++;
    bool q850 = strncasecmp(protocol, "Q.850", 5) == 0;
    if (!q850 && strncasecmp(protocol, "SIP", 3) != 0)
        return;
    for (char *parameter; (parameter = strsep(&rest, ";"));) {
        while (isspace((unsigned char)*parameter))
            parameter++;
        if (strncasecmp(parameter, "cause=", 6) == 0) {
            int cause = atoi(parameter + 6);
            if (q850 && cause > 0 && cause < 128)
                reason->q850 = cause;
            else if (!q850 && cause >= 100 && cause < 700)
                reason->status = cause;
        } else if (strncasecmp(parameter, "text=", 5) == 0 && !reason->text[0]) {
            char *text = parameter + 5;
            size_t length = strlen(text);
            if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
                text[length - 1] = 0;
                text++;
            }
            snprintf(reason->text, sizeof(reason->text), "%s", text);
        }
    }
}

void reason_read(const pjsip_msg *message, struct sip_reason *reason)
{
    static const pj_str_t name = {"Reason", 6};
    memset(reason, 0, sizeof(*reason));
    pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(message, &name, NULL);
    while (header) {
        char value[512];
        text_copy(value, sizeof(value), &header->hvalue);
        for (char *at = value; *at;) {
            size_t length = first_element(at, strlen(at));
            bool more = at[length] == ',';
            at[length] = 0;
            reason_value(at, reason);
            at += length + (more ? 1 : 0);
        }
        if ((void *)header->next == (void *)&message->hdr)
            break;
        header = pjsip_msg_find_hdr_by_name(message, &name, header->next);
    }
}

static void reason_add_value(pjsip_tx_data *tdata, const char *protocol, int cause, const char *text)
{
    static const pj_str_t name = {"Reason", 6};
    char buffer[192], clean[96];
    size_t used = 0;
    for (const char *c = text ? text : ""; *c && used < sizeof(clean) - 1; c++) {
        if (*c != '"' && *c != '\\' && !iscntrl((unsigned char)*c))
            clean[used++] = *c;
    }
    clean[used] = 0;
    int length = used ? snprintf(buffer, sizeof(buffer), "%s;cause=%d;text=\"%s\"", protocol, cause, clean)
                      : snprintf(buffer, sizeof(buffer), "%s;cause=%d", protocol, cause);
    pj_str_t value = {buffer, length}, copy;
    pj_strdup(tdata->pool, &copy, &value);
    pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)pjsip_generic_string_hdr_create(tdata->pool, &name, &copy));
}

void reason_add(pjsip_tx_data *tdata, int status, int q850, const char *text)
{
    if (status > 0)
        reason_add_value(tdata, "SIP", status, text);
    if (q850 > 0)
        reason_add_value(tdata, "Q.850", q850, status > 0 ? NULL : text);
}
