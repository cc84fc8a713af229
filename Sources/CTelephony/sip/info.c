/* Digits by INFO: application/dtmf-relay ("Signal=5", "Duration=160") and application/dtmf ("5"), both ways. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/leg.h"

static char digit_of(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    if (isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]))
        return text[0] == '1' && text[1] == '0' ? '*' : text[0] == '1' && text[1] == '1' ? '#' : 0;
    char digit = (char)toupper((unsigned char)*text);
    return digit && strchr("0123456789*#ABCD", digit) ? digit : 0;
}

static char digit_in(const char *body)
{
    const char *value = strncasecmp(body, "signal", 6) == 0 ? strchr(body, '=') : NULL;
    return digit_of(value ? value + 1 : body);
}

int info_receive(struct leg *leg, pjsip_rx_data *rdata)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;
    if (!body || body->len == 0)
        return PJSIP_SC_OK;
    bool dtmf = pj_stricmp2(&body->content_type.type, "application") == 0 &&
                (pj_stricmp2(&body->content_type.subtype, "dtmf-relay") == 0 ||
                 pj_stricmp2(&body->content_type.subtype, "dtmf") == 0);
    if (!dtmf)
        return PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
    char text[128];
    pj_str_t content = {body->data, (pj_ssize_t)body->len};
    text_copy(text, sizeof(text), &content);
    char digit = digit_in(text);
    if (!digit)
        return PJSIP_SC_BAD_REQUEST;
    /* A phone that sends both ways sends each digit twice. */
    if (leg->answered && !media_has_digits(leg->id)) {
        tel_event event;
        event_init(&event, TEL_EVENT_DIGIT, leg->id, leg->token);
        event.digit = digit;
        tel_emit(&event);
    }
    return PJSIP_SC_OK;
}

static void drop(struct leg *leg, size_t count)
{
    leg->digits_dropped += count;
    atomic_fetch_add(&sip.digits_dropped, count);
}

/** One after the other: INFOs sent at once may arrive in any order. */
static void send_next(struct leg *leg)
{
    static const pj_str_t type = {"application", 11}, subtype = {"dtmf-relay", 10}, name = {"INFO", 4};
    pjsip_method method;
    pjsip_tx_data *tdata;
    pjsip_dialog *dialog = leg->dialog;
    while (leg && leg->info_count > 0 && !leg->info_open) {
        char body[40];
        snprintf(body, sizeof(body), "Signal=%c\r\nDuration=160\r\n", leg->info_digits[0]);
        memmove(leg->info_digits, leg->info_digits + 1, (size_t)--leg->info_count);
        pj_str_t content = pj_str(body), method_name = name;
        pjsip_method_init_np(&method, &method_name);
        if (pjsip_dlg_create_request(dialog, &method, -1, &tdata) != PJ_SUCCESS) {
            drop(leg, 1);
            continue;
        }
        tdata->msg->body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &content);
        leg->info_open = true;
        pj_status_t status = pjsip_dlg_send_request(dialog, tdata, -1, NULL);
        leg = leg_of(dialog);
        if (status != PJ_SUCCESS && leg) {
            leg->info_open = false;
            drop(leg, 1);
        }
    }
}

void info_on_response(struct leg *leg, const pjsip_transaction *tsx)
{
    /* COMPLETED, then TERMINATED: the first of them counts. */
    if (!leg->info_open || tsx != leg->info_tsx)
        return;
    leg->info_open = false;
    leg->info_tsx = NULL;
    send_next(leg);
}

void info_on_sent(struct leg *leg, const pjsip_transaction *tsx)
{
    if (leg->info_open && !leg->info_tsx)
        leg->info_tsx = tsx;
}

static void send_digits(struct leg *leg, const char *digits)
{
    size_t count = strlen(digits);
    if (leg->params.formats[0].event_tx_pt) {
        media_send_digits(leg->id, digits);
    } else if (leg_peer_allows(leg, "INFO")) {
        size_t room = sizeof(leg->info_digits) - (size_t)leg->info_count;
        size_t taken = count < room ? count : room;
        memcpy(leg->info_digits + leg->info_count, digits, taken);
        leg->info_count += (int)taken;
        drop(leg, count - taken);
        send_next(leg);
    } else {
        drop(leg, count);
    }
}

tel_result tel_send_digits(tel_leg_id id, const char *digits)
{
    if (digits[strspn(digits, "0123456789*#ABCD")])
        return TEL_ERR_INVALID;
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result = leg->agreed ? TEL_OK : TEL_ERR_STATE;
    if (leg->agreed)
        send_digits(leg, digits);
    leg_release(dialog);
    return result;
}
